"""The families of lines that are residue wherever they stand: what a scraper picks up around an article.

Every pattern speaks of a *whole* line, less bullets and brackets around it, with straight apostrophes and single spaces; only
trailing credits are cut from the end of a line. Each family names the words with which its lines begin or end, so that
the screen can look them up: a line that has none of them is never tried, and a pattern may not match without one.

Losing a sentence of the article is much worse than leaving residue, so free text is admitted only behind a label with
its colon, between fixed words at both ends, or in an imperative that no reporter writes; and never beside a verb of speech.
"""

from __future__ import annotations

from dedupe.repair.residue_credits import CREDIT, CREDIT_CODE, CREDITS, TRAILING, TRAILING_CODE
from dedupe.repair.residue_family import NAME, NETWORKS, NO_SPEECH, Family, family, unspoken

__all__ = ["CREDIT", "CREDIT_CODE", "FAMILIES", "TRAILING", "TRAILING_CODE", "Family"]

# A headline after a label: it does not end like a sentence of the article, and is not a post that the article quotes.
_HEADLINE = r"(?!.*[.;,]['\")]*$)(?!.*(?:\bpic\.twitter\.com/|\bt\.co/|\(@\w+\))).{1,160}"
# "Watch: ESPN2", "Recommended: The lamb", are lines of a box that a report of sports or of a restaurant ends with.
_LONG_HEADLINE = (
    r"(?=(?:\S+ ){4})(?!.*\b(?:fm|am|tv|radio|channel|network|espn|sports|streaming|[0-9]+(?:[:.][0-9]+)? ?[ap]\.?m)\b)"
    + _HEADLINE
)
# Further networks of a list. Separators are told apart in one way only: two ways at each would be 2^n ways to fail over a line.
_AND_MORE = rf"(?:[ ,/&]+(?:(?:and|or) )?{NETWORKS}\b)*"
_SHARE = (
    rf"(?:(?:share )?(?:on|via|by) (?:e-?mail|{NETWORKS})|share (?:this (?:article|story|post|page)|this|on|via|with|to)|pin "
    rf"it|copy link|"
    r"share|tweet|post|e-?mail|print|pin|save|like|comments?|more|pocket|messenger|sms|addthis|"
    rf"{NETWORKS}|teilen|partager|compartir|tweeter|twittern|drucken|imprimer|imprimir)\b"
)
_THIS = r"(?:editor's note: )?this (?:story|article|post|report)"
_TAG = r"[^\W_][\w#&'’/+-]*(?: [\w#&'’/+.-]+){0,5}"

_PAGE: tuple[Family, ...] = (
    family(
        "R100",
        120,
        "advertisement, advertisements, ad, continue reading, story continues, article continues, report continues, sponsored, "
        "report this ad, paid content, promoted, werbung, anzeige, publicité, publicidad, la suite, scroll to continue, "
        "... below advertisement",
        r"advertisements?:?(?: continue reading(?: the main story)?)?",
        r"advertisement ?[-:–—]? ?(?:scroll to continue|story continues below|article continues below(?: this ad)?)",
        r"(?:ad|paid content|promoted content|sponsored|sponsored (?:content|by|links?|stories)|report this ad)",
        r"(?:continue reading|continue reading below|continue reading the main story)",
        r"(?:story|article|report) continues (?:below|after)(?: (?:the |this )?(?:advertisement|ad|video|gallery|newsletter))?",
        r"scroll to continue(?: with content)?",
        r"werbung|anzeige|publicité|publicidad|la suite après (?:la|cette) publicité",
    ),
    family(
        "R101",
        200,
        "share, tweet, post, email, e mail, print, pin, pin it, save, like, copy link, click to, teilen, partager, compartir, "
        "listen to article, facebook, twitter, x, whatsapp, linkedin, reddit, pinterest, ... tweet, ... email, ... print, "
        "... whatsapp, ... share",
        rf"(?=.*\bshare\b|.*\btweet\b|.*\b(?:e-?mail|print)\b|.*\bpin it\b|.*\bteilen\b|.*\bpartager\b|.*\bcompartir\b)"
        rf"(?>{_SHARE}(?:[ ,|/•·:]+(?:(?:and|or) )?{_SHARE})+)",
        r"(?:share|tweet|pin it|share (?:this|this article|this story|this post|this page)|share on|print this(?: article| "
        r"page| story)?|"
        r"e-?mail this(?: article| page| story)?):?",
        r"share all sharing options for: .{1,180}",
        rf"click to (?:share on {NETWORKS}|e-?mail (?:this|a link) to a friend|print)(?: \(opens in (?:a )?new window)?",
        r"listen to article [0-9]{1,2}:[0-9][0-9](?: share this article(?: share)?(?: tweet)?(?: post)?(?: e-?mail)?)?",
    ),
    family(
        "R102",
        100,
        "leave a, leave your, post a, add a, add your, write a, view, show, see all, comments, comment, no comments, join the, "
        "be the first, comentarios, kommentare, kommentar, commentaires, laisser un, ajouter un, deja un, deja una, ... "
        "comments, your email address, your e mail, required fields are, save my name, notify me of, you must be, please log in, "
        "please sign in, log in to, this site uses, please enter your, votre adresse e, votre adresse email, tu dirección de, "
        "ihre e mail, deine e mail, ihre email adresse, deine email adresse, o seu endereço, de momento no, "
        "... commentaires, ... kommentare, ... comentarios, ... comment",
        r"(?:leave|post|add|write) (?:a|your) (?:comment|reply)(?: cancel reply)?",
        r"(?:view|show|see all|hide|read|load more)(?: all)?(?: [0-9][0-9,.]*)? comments?",
        r"[0-9][0-9,.]* comments?(?: so far)?|no comments(?: yet)?|comments? ?\(?[0-9][0-9,.]*\)?|comments(?: are closed| off| "
        r"disabled)?",
        r"join the (?:conversation|discussion)|be the first to comment",
        r"(?:[0-9]+ )?(?:kommentare|commentaires|comentarios)(?: \(?[0-9]+\)?)?|kommentar (?:schreiben|verfassen|hinterlassen)",
        r"(?:laisser|ajouter) un commentaire|deja un comentario|deja una respuesta|de momento no hay comentarios",
        r"no comments ?:|your e-?mail address will not be published(?:\. ?required fields are marked)?(?: \*)?|required "
        r"fields are marked",
        r"save my name, e-?mail,? and website in this browser for the next time i comment",
        r"notify me of (?:new posts|(?:follow-?up|new) comments) (?:by|via) e-?mail",
        r"(?:you must be|please) (?:logged|log|sign|signed) in to (?:post|leave) a (?:comment|reply)|log in to leave a comment",
        r"this site uses akismet to reduce spam\b.{0,120}|please enter your (?:comment|name here|e-?mail address here)",
        r"votre adresse e-?mail ne sera pas publiée\b.{0,90}|tu dirección de correo electrónico no será publicada\b.{0,90}",
        r"(?:ihre|deine) e-?mail-adresse wird nicht veröffentlicht\b.{0,90}|o seu endereço de e-?mail não será "
        r"publicado\b.{0,90}",
    ),
    family(
        "R103",
        120,
        "copy link, link copied, copied, back to, scroll down, skip to, loading, slideshow, view photos, view slideshow, "
        "view gallery, prev, next image, previous image, prev image, image, play video, show more, show less, "
        "show caption, hide caption, toggle caption, expand, your message has, don t see, can t see, text size, font size, "
        "reading time, estimated reading time, temps de lecture, tiempo de lectura, tempo de leitura, tempo di lettura, "
        "lesezeit, "
        "press enter to, print article, order reprints, placeholder image, an error, there was an, aller au contenu, zum inhalt "
        "springen, zum hauptinhalt springen, saltar al contenido, ir al contenido, pular para o, vai al contenuto, jump to, "
        "replay, minutes read, min read, minute read, photo, pullquote, take me back",
        r"copy link(?: to section)?|link copied(?: to clipboard)?!?|copied(?: to clipboard)?!?",
        r"(?:back to|take me back to the) top(?: of (?:this|the) (?:post|page|article))?|scroll down for (?:video|more)s?",
        r"(?:press \"?enter\"? to )?skip to (?:main |primary |secondary )?(?:content|navigation|sidebar)|loading(?: \.\.\.|"
        r"\.\.\.|…)?|jump to comments?",
        r"slideshow \([0-9]+ images?|view (?:photos|slideshow|gallery)|(?:prev(?:ious)?|next) image [0-9]+ of [0-9]+|image "
        r"[0-9]+ of [0-9]+",
        r"play video|show (?:more|less|caption)|hide caption|toggle caption|replay|text size|font size",
        r"print article|order reprints|placeholder image|an error (?:has )?occurred[.,] please try again(?: later)?",
        r"there was an error processing your (?:subscription|request)(?:\. please try again(?: later)?)?",
        r"aller au contenu(?: principal)?|zum (?:haupt)?inhalt springen|saltar al contenido(?: principal)?|ir al contenido|"
        r"pular para o conteúdo(?: principal)?|vai al contenuto(?: principale)?",
        r"your message has been sent(?: successfully)?|[0-9]+[ -]min(?:ute)?s? read|(?:estimated )?reading time ?:? ?[0-9]+ "
        r"?min(?:ute)?s?|"
        r"(?:temps de lecture|tiempo de lectura|tempo de leitura|tempo di lettura|lesezeit) ?:? ?[0-9]+ ?min(?:ut(?:e|en|es|"
        r"os|i))?|photo|pullquote|image",
        r"(?:can't|don't) see the (?:video|graphic|chart|map)(?: above| below)?\? click here",
    ),
    family(
        "R104",
        240,
        "read more, read also, also read, see also, more, related, related stories, related coverage, recommended, "
        "recommended stories, "
        "also see, you may, you might, don t miss, must read, watch, video, click for more, click here for, further reading, "
        "lire aussi, à lire, voir aussi, lesen sie, mehr zum thema, lea también, lee también, te puede, también te, leia "
        "também, read next, read, sur le même, auch interessant, lea además, leia mais, veja também, saiba mais, lees, läs "
        "också, "
        "les også, læs også, zum thema, aus dem ressort, meistgelesen, neueste artikel, das könnte sie, weiter zum artikel, lire "
        "également, voir également, les plus, les articles, lire la suite, lire l article, le puede interesar, leer más, leer "
        "noticia completa, noticias, artículos, notas, lo más, más, notícias relacionadas, matérias relacionadas, mais lidas, "
        "leggi tutto, potrebbe interessarti, articoli correlati, ap, trending, top stories, popular, most popular, most "
        "read, most viewed, most shared, latest, more from, "
        "more on, leggi anche, listen",
        r"(?:read more|related|see also|also read|read also|also see|don't miss|must[- ]read|you (?:may|might) also like|"
        r"read next|more from [^:]{2,40}|lire aussi|à lire aussi|à lire également|voir aussi|sur le même sujet|"
        r"lesen sie (?:auch|hier|mehr)|auch interessant|mehr zum thema|lea también|lee también|lea además|te puede interesar|"
        r"leia também|leia mais|veja também|saiba mais|leggi anche|lees ook|läs också|les også|læs også) ?: ?" + _HEADLINE,
        r"(?:watch|listen|recommended) ?: ?" + _LONG_HEADLINE,
        r"(?:read more|related|also see|see also|more|watch|video|you (?:may|might) also like|don't miss|must "
        r"reads?) ?:",
        r"(?:read|see) more|more on this(?: story| topic)?(?:\.\.\.|…)?|more from (?:the web|around the web|this author|our "
        r"network)",
        r"(?:related|recommended|popular|trending|top|latest) (?:stories|articles|coverage|posts|content|topics|news|videos|"
        r"links|now)",
        r"most (?:popular|read|viewed|shared)|you (?:may|might) (?:also|be) (?:like|interested in)|read next",
        r"click (?:here )?for more from [\w .'&-]{2,50}",
        r"related coverage " + _HEADLINE,
        r"mehr zum thema|zum thema|aus dem ressort|meistgelesen|neueste artikel|das könnte sie auch interessieren|auch "
        r"interessant|"
        r"weiter zum artikel|lesen sie (?:auch|mehr)",
        r"(?:à lire|lire|voir) (?:aussi|également)|sur le même (?:sujet|thème)|les (?:articles )?(?:les )?plus (?:lus|consultés|"
        r"commentés|partagés)(?: de la semaine| du jour)?|lire la suite|lire l'article(?: complet)?",
        r"(?:también )?te puede interesar|le puede interesar|lea también|lee también|leer más|leer noticia completa|"
        r"(?:noticias|artículos|notas) relacionad[ao]s|(?:lo )?más (?:leído|leídas|visto|vistas)",
        r"leia (?:mais|também)|veja também|saiba mais|(?:notícias|matérias) relacionadas|mais lidas",
        r"leggi (?:anche|tutto)|potrebbe interessarti(?: anche)?|articoli correlati|lees (?:ook|meer|verder)",
        r"(?:more )?ap [\w -]{2,40}: (?=.*\bapnews\.com/)(?:(?:and )?(?:https?://|twitter\.com/|@)\S+ ?){1,4}",
    ),
    family(
        "R105",
        900,
        "sign up, sign me up, subscribe, subscribe to, subscribe on, subscribe now, get the, get our, get all, get breaking, "
        "get daily, want, "
        "newsletter, newsletters, for indispensable, ... newsletter, ... newsletters, ... inbox, ... sign up here, ... sign up, "
        "... subscribe here, enter your, join our, thanks for subscribing, thank you for, you ll receive, daily, abonnez, "
        "inscrivez, "
        "jetzt abonnieren, suscríbete, s inscrire, registrieren, vox mark, the coronavirus brief, ... our newsletter, invalid "
        "email, "
        "please enter a, ... sign up now, don t miss",
        unspoken(
            r"sign up (?:for|to (?:get|receive)|here|now|today)\b(?=.*\b(?:newsletters?|inbox|e-?mail|alerts?|"
            r"brief(?:ing)?)\b).{3,800}",
            r"subscribe (?:to|on|now|for|today)\b(?=.*\b(?:our|newsletters?|inbox|podcasts?|itunes|spotify|youtube|"
            r"alerts?)\b).{3,300}",
            r"newsletter sign up continue reading .{10,800}",
            r"get (?:the|our|all|breaking|daily)\b(?=.*\b(?:newsletters?|inbox|sign up|daily email)\b).{3,800}",
            r"want .{3,160}\? ?(?:sign up|subscribe)\b(?=.*\b(?:newsletters?|inbox|e-?mail|alerts?|podcast|brief(?:ing)?|"
            r"here)\b).{0,120}",
            r"for indispensable .{3,120}subscribe to .{3,80}newsletters?",
            r".{3,120}(?:delivered|straight|sent) to your inbox: ?sign up.{0,60}",
            r"(?:the coronavirus brief|vox-mark)\b(?=.*\bsign up\b)(?=.*\b(?:privacy policy|email)\b).{10,880}",
            r"join our (?:facebook|whatsapp|telegram|newsletter|mailing)\b.{0,120}",
        ),
        r"(?:sign up|subscribe|sign up now|subscribe now|sign me up|sign up here|subscribe here|newsletters?|newsletter "
        r"sign[- ]?up)",
        r"enter your e-?mail(?: address)?|(?:invalid|please enter a valid) e-?mail(?: address)?|thanks? (?:you )?for "
        r"(?:subscribing|signing up)",
        r"(?:abonnez-vous|inscrivez-vous) à .{0,30}newsletter.{0,60}|jetzt abonnieren|suscríbete a .{0,40}(?:newsletter|"
        r"boletín).{0,40}",
    ),
    family(
        "R106",
        200,
        "click here, click for, click to, tap for, tap to, get the, download, download our, download the, stay up to, visit, "
        "visit our, for "
        "more, "
        "get fox business, watch the latest, read the full, ... click here, ... clicking here, open in, view in, for continuing, "
        "this content is, got a tip, got a, tap here",
        unspoken(
            r"(?:click|tap) here (?:to|for) .{3,140}|click for .{3,140}",
            # A thing has a name like "Click to cancel" or "Tap to pay".
            r"(?:click|tap) to (?:read|view|see|listen|watch|hear|get|enlarge|expand|zoom|play|share|subscribe|sign up|download|"
            r"open|follow|join|learn|find out|continue|visit|explore|register|print|show|load|copy|tweet)\b.{0,140}",
            r"(?:for|to) .{3,120}[,:]? (?:please )?(?:click|tap) here",
            r"get [\w ]{3,40} on the go by clicking here",
        ),
        r"click here(?: get the app .{3,80})?",
        r"(?:get|download) (?:the|our) [\w ]{0,40}app(?: now| today| here)?",
        r"stay up to date with the free [\w ]{2,40} app",
        r"visit (?:our|the)?[\w '.&-]{2,50}(?:homepage|home page|website) for more(?: stories| news)?",
        r"watch the latest videos? at [\w.]{4,40}",
        r"got a tip\b.{0,30}\? ?(?:e-?mail|contact|send) .{3,80}",
    ),
    family(
        "R107",
        420,
        "follow, like us, join us, find us, you can follow, connect with, watch state of, suivez, folgen sie, síguenos, "
        "~follow, ~twitter, ~facebook, ~instagram",
        rf"follow (?:us|me|@\w+|[^.!?]{{2,60}}) on (?:{NETWORKS}|social media)\b{_AND_MORE}"
        r"(?:[ :]*(?:at )?@\w+)*(?:[.!]? follow (?:his|her|their) facebook page here)?",
        r"(?:follow @\w+ ?)+",
        rf"(?:like|join|find|follow) us on {NETWORKS}(?:\.com)?(?:/\w+)?{_AND_MORE}(?: at)?(?: @\w+)?",
        rf"follow (?:{NAME} ){{1,4}}(?:join|like|find) us on {NETWORKS}(?: and {NETWORKS})?",
        rf"you can follow (?:him|her|them|{NAME}(?: {NAME}){{0,3}}) on {NETWORKS}{_AND_MORE}"
        r"(?:[ ,:]*(?:at |here )?@\w+)?",
        rf"{NAME}(?: {NAME}){{1,3}},? (?:is|was) (?:an? |the )?[^?!]{{3,300}}[.!] ?(?:you can )?follow (?:him|her|them)"
        rf"(?: on {NETWORKS})?(?: at| here)?:? @\w+",
        r"(?:suivez-nous|folgen sie uns|síguenos) (?:sur|auf|en) .{2,60}",
    ),
    family(
        "R111",
        900,
        "we use, this website uses, this site uses, our website uses, by continuing, by using, accept all, accept cookies, "
        "cookie, "
        "cookie settings, cookie policy, manage cookies, privacy policy, terms of, please enable, you need to, javascript, "
        "this page requires, "
        "please verify, by clicking, by signing up, nous utilisons, diese website verwendet, wir verwenden, utilizamos, este "
        "sitio, "
        "ie is not, this video is, your browser, we and our, this site is",
        NO_SPEECH
        + r"(?:we|this (?:web)?site|our (?:web)?site) uses? cookies\b(?=.*\b(?:you|your|experience|agree|consent|traffic|"
        r"analy[sz]e|website|site)\b).{0,600}",
        r"by (?:continuing|using|clicking|signing up)\b(?=.*\b(?:you(?:'re| are)?|i) (?:agree|accept|consent|acknowledge|"
        r"agreeing|"
        r"accepting|consenting|confirm)\b)(?=.*\b(?:cookies|privacy policy|(?:our|these|the site's) terms|"
        r"terms (?:of (?:use|service)|(?:and|&) conditions))\b).{10,600}",
        r"ie 11 is not supported\b.{0,120}",
        r"(?:accept|reject|manage|allow) (?:all )?cookies|cookies? (?:settings|policy|preferences|notice)",
        r"privacy policy|terms of (?:use|service)|terms (?:&|and) conditions|privacy policy(?: and|,| \|) terms of (?:use|"
        r"service)",
        r"(?:please enable|you need to enable|this page requires) javascript\b.{0,200}|javascript (?:is )?(?:disabled|"
        r"required|must be enabled)\b.{0,120}",
        r"please verify (?:that )?you(?:'re| are) (?:not a robot|human)\b.{0,120}",
        r"your browser (?:does not|doesn't) support .{3,120}|we and our (?:[0-9]+ )?(?:partners|vendors)\b(?=.*\bcookies\b).{10,"
        r"700}",
        r"nous utilisons des cookies\b.{0,400}|diese website verwendet cookies\b.{0,400}|wir verwenden cookies\b.{0,400}|"
        r"utilizamos cookies\b.{0,400}",
    ),
    family(
        "R112",
        4000,
        "window, function, var, googletag, document, jquery, gtag, fbq, ga, datalayer, if typeof, const, let, script, cdata",
        r"(?:window|googletag|document|datalayer)\.\w+\s*[.=(\[].*[;)}\]]|(?:jquery|gtag|fbq|ga)\(['\"].*\);?|"
        r"jquery\(document\).*",
        # An article on programming shows code of its own; what a page runs names its trackers and advertisements.
        r"(?=.*(?:_gaq|googletag|datalayer|adsbygoogle|fbq|gtag|_taboola|outbrain|disqus|addthis|twttr|pubads|prebid|comscore|"
        r"quantserve|\.async|jquery|createelement\(.script))"
        r"(?:function ?\w* ?\(.*\) ?\{.*|(?:var|const|let) [\w$]+ ?= ?.*[;{\[(]|if ?\(typeof .*\{.*)",
        r"(?:<script|<!\[cdata\[|// ?<!\[cdata\[).*",
    ),
    family(
        "R113",
        900,
        "editorial process, editorial course, editorial policy, editorial process for, editorial standards, our editorial "
        "process, "
        "strict editorial",
        NO_SPEECH
        + r"editorial (?:process|course of|course|policy|standards?)(?: (?:for|of|at) [\w .'-]{2,50})? (?:is|are) (?:centered|"
        r"centred|focused|targeted|based|built) (?:on|upon|round|around) .{20,800}",
        r"strict editorial policy that focuses on accuracy.{0,300}",
    ),
    family(
        "R115",
        160,
        "years ago, year ago, months ago, month ago, weeks ago, week ago, days ago, day ago, hours ago, hour ago, minutes ago,"
        " minute ago, "
        "mins ago, min ago, h ago, hrs ago, this story has, this story was, this article has, this article was, this post "
        "has, this "
        "post was, this report has, this report was, editor s note, this is a",
        # "50 years ago" and "25 YEARS AGO" head the paragraphs of a column on what happened then.
        r"(?-i:(?:[1-9]|1[1-46-9]) years?) ago|[0-9]{1,3} ?(?:months?|weeks?|days?|hours?|hrs?|minutes?|mins?|h) ago",
        rf"{_THIS} (?:has been|was) updated(?: (?:with|to (?:include|add|reflect)) (?:additional|new|more|further) "
        rf"(?:information|"
        r"details|developments|reporting|comments?|reaction|background)(?:,? (?:and )?(?:information|details|developments|"
        r"reporting|"
        r"comments?|reaction|background(?: information)?)){0,3}(?: (?:on )?(?:mon|tues|wednes|thurs|fri|satur|sun)day)?"
        r"| (?:at|on) [^!?]{3,40})?",
        r"this is a (?:developing|breaking)(?: news)? story(?:(?:,|\.| and) ?(?:please )?(?:check back(?: here)?|stay tuned|"
        r"refresh|will be "
        r"updated|it will be updated)\b[\w ]{0,40})?",
    ),
    family(
        "R116",
        300,
        ", http, https, www, pic, chars",
        r"(?:(?:https?://|www\.|pic\.twitter\.com/)\S{4,250}\s?)+",
        r"\[ ?(?:…|\.\.\.) ?\]|\+[0-9]+ chars",
    ),
    family(
        "R119",
        300,
        "tags, tag, tagged, filed under, posted in, categories, related topics, related tags, catégories, kategorien, "
        "categorías, "
        "etiquetas, schlagwörter, schlagworte, mots clés",
        r"(?!.*[.!?]$)"
        rf"(?:tags?|tagged|filed under|related (?:topics|tags)|categories|catégories|kategorien|categorías|etiquetas|"
        rf"schlagw(?:ö|o)rter?|schlagworte|mots[- ]clés) ?: ?(?=.*[^\W\d_]){_TAG}(?: ?[,|;•·] ?{_TAG}){{0,30}}(?: ?\|)?",
        r"posted in [^.!?]{2,120}\| ?(?:tagged|leave a|[0-9]+ comments?|no comments)\b[^.!?]{0,160}",
    ),
)

FAMILIES: tuple[Family, ...] = tuple(sorted((*_PAGE, *CREDITS), key=lambda kind: kind.code))
