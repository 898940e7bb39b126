"""The families of lines that are residue wherever they stand: what a scraper picks up around an article.

Every pattern speaks of a *whole* line, less bullets and brackets around it, with straight apostrophes and single spaces; only
trailing credits are cut from the end of a line. Each family names the words with which its lines begin or end, so that
the screen can look them up: a line that has none of them is never tried, and a pattern may not match without one.

Losing a sentence of the article is much worse than leaving residue, so free text is admitted only behind a label with
its colon, between fixed words at both ends, or in an imperative that no reporter writes; and never beside a verb of speech.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Family(NamedTuple):
    """Describe one kind of residue; `keys` as for `line_keys.build_keys`, `limit` the longest line in bytes of UTF-8."""

    code: str
    limit: int
    keys: tuple[str, ...]
    pattern: re.Pattern[str]


def _family(code: str, limit: int, keys: str, *patterns: str) -> Family:
    named = tuple(key.strip() for key in keys.split(","))
    return Family(code, limit, named, re.compile(f"(?:{'|'.join(patterns)})[.!]?", re.IGNORECASE))


_NO_SPEECH = r"(?!.*\b(?:said|says|told|tells|added|asked|wrote|according to|reported)\b)"


def _unspoken(*patterns: str) -> str:
    # One look at the line for all of them: it is most of what a pattern costs.
    return f"{_NO_SPEECH}(?:{'|'.join(patterns)})"


# A headline after a label: it does not end like a sentence of the article.
_HEADLINE = r"(?!.*[.;,]['\")]*$).{1,160}"
_NETWORKS = (
    r"(?:facebook|twitter|x|instagram|youtube|linkedin|tiktok|threads|bluesky|telegram|whatsapp|flipboard|pinterest|"
    r"google\+?|reddit|tumblr|gab|parler)"
)
# Further networks of a list. Separators are told apart in one way only: two ways at each would be 2^n ways to fail over a line.
_AND_MORE = rf"(?:[ ,/&]+(?:(?:and|or) )?{_NETWORKS}\b)*"
_SHARE = (
    rf"(?:(?:share )?(?:on|via|by) (?:e-?mail|{_NETWORKS})|share (?:this (?:article|story|post|page)|this|on|via|with|to)|pin "
    rf"it|copy link|"
    r"share|tweet|post|e-?mail|print|pin|save|like|comments?|more|pocket|messenger|sms|addthis|"
    rf"{_NETWORKS}|teilen|partager|compartir|tweeter|twittern|drucken|imprimer|imprimir)\b"
)
_PHOTO = (
    r"(?:photo|photograph|picture|image|graphic|chart|illustration|video|photo illustration|map|infographic|foto|imagen|"
    r"bild|grafik)"
)
_NAME = r"[^\W0-9_][\w.'’-]*"
# Who is credited: words that begin with a capital, and what stands between names.
_CREDITED = (
    r"(?-i:[A-Z0-9@])[\w.'’&@-]*"
    r"(?:(?: ?[,/|] ?| )(?:(?:via|for|of|the|and|by|courtesy|from|through|in|on|de|von|van)\b|(?-i:[A-Z0-9@])[\w.'’&@-]*)){0,9}"
)

FAMILIES: tuple[Family, ...] = (
    _family(
        "R100",
        120,
        "advertisement, advertisements, ad, continue reading, story continues, article continues, report continues, sponsored, "
        "report this ad, paid content, promoted, werbung, anzeige, publicité, publicidad, la suite, scroll to continue, "
        "... below advertisement",
        r"advertisements?:?(?: continue reading(?: the main story)?)?",
        r"advertisement ?[-:–—]? ?(?:scroll to continue|story continues below|article continues below(?: this ad)?)",
        r"(?:ad|paid content|promoted|promoted content|sponsored|sponsored (?:content|by|links?|stories)|report this ad)",
        r"(?:continue reading|continue reading below|continue reading the main story)",
        r"(?:story|article|report) continues (?:below|after)(?: (?:the |this )?(?:advertisement|ad|video|gallery|newsletter))?",
        r"scroll to continue(?: with content)?",
        r"werbung|anzeige|publicité|publicidad|la suite après (?:la|cette) publicité",
    ),
    _family(
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
        rf"click to (?:share on {_NETWORKS}|e-?mail (?:this|a link) to a friend|print)(?: \(opens in (?:a )?new window)?",
        r"listen to article [0-9]{1,2}:[0-9][0-9](?: share this article(?: share)?(?: tweet)?(?: post)?(?: e-?mail)?)?",
    ),
    _family(
        "R102",
        100,
        "leave a, leave your, post a, add a, add your, write a, view, show, see all, comments, comment, no comments, join the, "
        "be the first, comentarios, kommentare, kommentar, commentaires, laisser un, ajouter un, deja un, deja una, ... "
        "comments, "
        "... commentaires, ... kommentare, ... comentarios, ... comment",
        r"(?:leave|post|add|write) (?:a|your) (?:comment|reply)(?: cancel reply)?",
        r"(?:view|show|see all|hide|read|load more)(?: all)?(?: [0-9][0-9,.]*)? comments?",
        r"[0-9][0-9,.]* comments?(?: so far)?|no comments(?: yet)?|comments? ?\(?[0-9][0-9,.]*\)?|comments(?: are closed| off| "
        r"disabled)?",
        r"join the (?:conversation|discussion)|be the first to comment",
        r"(?:[0-9]+ )?(?:kommentare|commentaires|comentarios)(?: \(?[0-9]+\)?)?|kommentar (?:schreiben|verfassen|hinterlassen)",
        r"(?:laisser|ajouter) un commentaire|deja un comentario|deja una respuesta",
    ),
    _family(
        "R103",
        120,
        "copy link, link copied, copied, back to, scroll down, skip to, loading, slideshow, view photos, view slideshow, "
        "view gallery, prev, next image, previous image, prev image, image, play video, show more, show less, "
        "show caption, hide caption, toggle caption, expand, your message has, don t see, can t see, text size, font size, "
        "jump to, replay, minutes read, min read, minute read, photo, pullquote, take me back",
        r"copy link(?: to section)?|link copied(?: to clipboard)?!?|copied(?: to clipboard)?!?",
        r"(?:back to|take me back to the) top(?: of (?:this|the) (?:post|page|article))?|scroll down for (?:video|more)s?",
        r"skip to (?:main )?content|loading(?: \.\.\.|\.\.\.|…)?|jump to comments?",
        r"slideshow \([0-9]+ images?|view (?:photos|slideshow|gallery)|(?:prev(?:ious)?|next) image [0-9]+ of [0-9]+|image "
        r"[0-9]+ of [0-9]+",
        r"play video|show (?:more|less|caption)|hide caption|toggle caption|replay|text size|font size",
        r"your message has been sent(?: successfully)?|[0-9]+[ -]min(?:ute)?s? read|photo|pullquote|image",
        r"(?:can't|don't) see the (?:video|graphic|chart|map)(?: above| below)?\? click here",
    ),
    _family(
        "R104",
        240,
        "read more, read also, also read, see also, more, related, related stories, related coverage, recommended, "
        "recommended stories, "
        "also see, you may, you might, don t miss, must read, watch, video, click for more, click here for, further reading, "
        "lire aussi, à lire, voir aussi, lesen sie, mehr zum thema, lea también, lee también, te puede, también te, leia "
        "também, read next, "
        "up next, read, trending, top stories, popular, most popular, most read, most viewed, most shared, latest, more from, "
        "more on, leggi anche, listen",
        r"(?:read more|related|see also|also read|read also|also see|don't miss|must[- ]read|you (?:may|might) also like|"
        r"recommended|read next|"
        r"up next|watch|listen|more from [^:]{2,40}|lire aussi|à lire aussi|voir aussi|lesen sie (?:auch|hier|mehr)|lea también|"
        r"lee también|te puede interesar|leia também|leggi anche) ?: ?" + _HEADLINE,
        r"(?:read more|related|also see|see also|more|watch|video|you (?:may|might) also like|recommended|don't miss|must "
        r"reads?) ?:",
        r"(?:read|see) more|more on this(?: story| topic)?(?:\.\.\.|…)?|more from (?:the web|around the web|this author|our "
        r"network)",
        r"(?:related|recommended|popular|trending|top|latest) (?:stories|articles|coverage|posts|content|topics|news|videos|"
        r"links|now)",
        r"most (?:popular|read|viewed|shared)|you (?:may|might) (?:also|be) (?:like|interested in)|read next|up next",
        r"click (?:here )?for more from [\w .'&-]{2,50}",
        r"related coverage " + _HEADLINE,
        r"mehr zum thema|à lire aussi|te puede interesar|también te puede interesar",
    ),
    _family(
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
        _unspoken(
            r"sign up (?:for|to (?:get|receive)|here|now|today)\b(?=.*\b(?:newsletters?|inbox|e-?mail|alerts?|"
            r"brief(?:ing)?)\b).{3,800}",
            r"subscribe (?:to|on|now|for|today)\b(?=.*\b(?:our|newsletters?|inbox|podcasts?|itunes|spotify|youtube|"
            r"alerts?)\b).{3,300}",
            r"newsletter sign up continue reading .{10,800}",
            r"get (?:the|our|all|breaking|daily)\b(?=.*\b(?:newsletters?|inbox|sign up|daily email)\b).{3,800}",
            r"want .{3,160}\? ?(?:sign up|subscribe)\b.{0,120}",
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
    _family(
        "R106",
        200,
        "click here, click to get, click to, get the, download, download our, download the, stay up to, visit, visit our, for "
        "more, "
        "get fox business, watch the latest, read the full, ... click here, ... clicking here, open in, view in, for continuing, "
        "this content is, got a tip, got a, tap here",
        _unspoken(
            r"(?:click|tap) (?:here )?(?:to|for) .{3,140}",
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
    _family(
        "R107",
        420,
        "follow, like us, join us, find us, you can follow, connect with, watch state of, suivez, folgen sie, síguenos, "
        "~follow, ~twitter, ~facebook, ~instagram",
        rf"follow (?:us|me|@\w+|[^.!?]{{2,60}}) on (?:{_NETWORKS}|social media)\b{_AND_MORE}"
        r"(?:[ :]*(?:at )?@\w+)*(?:[.!]? follow (?:his|her|their) facebook page here)?",
        r"(?:follow @\w+ ?)+",
        rf"(?:like|join|find|follow) us on {_NETWORKS}(?:\.com)?(?:/\w+)?{_AND_MORE}(?: at)?(?: @\w+)?",
        rf"follow (?:{_NAME} ){{1,4}}(?:join|like|find) us on {_NETWORKS}(?: and {_NETWORKS})?",
        rf"you can follow (?:him|her|them|{_NAME}(?: {_NAME}){{0,3}}) on {_NETWORKS}{_AND_MORE}"
        r"(?:[ ,:]*(?:at |here )?@\w+)?",
        rf"{_NAME}(?: {_NAME}){{1,3}},? (?:is|was) (?:an? |the )?[^?!]{{3,300}}[.!] ?(?:you can )?follow (?:him|her|them)"
        rf"(?: on {_NETWORKS})?(?: at| here)?:? @\w+",
        r"(?:suivez-nous|folgen sie uns|síguenos) (?:sur|auf|en) .{2,60}",
    ),
    _family(
        "R108",
        420,
        "copyright, ©, ©copyright, c, all rights, this material may, alle rechte, tous droits, todos los derechos, copyright "
        "©, ~reserved, "
        "npr transcripts are",
        r"(?:(?:copyright ?)?©(?=[\s0-9(,.]|copyright|$) ?(?:copyright ?)?(?:[0-9]{4}(?:[-–][0-9]{2,4})?)?|(?:copyright|\(?c\)) "
        r"?\(?[0-9]{4}(?:[-–][0-9]{2,"
        r"4})?)(?!.*[?!])(?:(?!\w{3}\. ).){0,100}"
        r"(?:\. ?(?:all rights reserved|distributed by|this material may not|visit our website|used with|reprinted)\b.{0,260})?",
        r".{0,80}\ball rights reserved(?:\. ?this material may not be published.{0,120})?",
        r"this material may not be published, broadcast.{0,120}",
        r"alle rechte vorbehalten|tous droits réservés|todos los derechos reservados",
        r"npr transcripts are created on a rush deadline .{20,400}",
    ),
    _family(
        "R109",
        620,
        "photo, photos, photo by, photograph, photograph by, photographer, picture, image, image source, image copyright, "
        "chart, graphic, "
        "illustration, featured image, featured picture, featured photo, feature image, cover image, credit, enlarge this, "
        "toggle caption, file photo, ap photo, video, ~reuters, ~getty, foto, imagen, bild, crédit, fotocredit, "
        "main image, top image, header image, lead image, hero image, screenshot, map, infographic",
        r"(?:enlarge this image|toggle caption)\b(?: toggle caption)? .{2,200}",
        r"image copyright .{2,80}?(?: image caption .{3,300})?",
        rf"(?:{_PHOTO}|photo credit|image credit|picture credit|photographer|credit|image source|crédit photo|fotocredit)s?"
        rf" ?(?:: ?|by |courtesy of )(?:by )?{_CREDITED}",
        rf"(?:featured?|cover|main|top|header|lead|hero) (?:image|picture|photo|photograph)(?: ?: ?| from | by | via | "
        rf"courtesy of | credit:? )"
        rf"{_CREDITED}(?:,? (?:and )?(?:chart|image|picture|photo)s? (?:from|by|via) {_CREDITED})?",
        rf"file photo ?: .{{5,560}}|.{{10,480}}[.)] ?(?:{_CREDITED}/pool via )?reuters/{_NAME}(?: {_NAME}){{0,3}}(?:/file "
        rf"photo)?",
        r"ap photo/[^.!?]{3,60}",
        rf"{_NAME}(?: {_NAME}){{0,4}} ?/ ?(?:[\w ]{{2,30}}/ ?)?(?:[\w ]{{2,30}} via )?(?:getty images?|reuters)(?:, file| "
        rf"file photo)?",
    ),
    _family(
        "R110",
        20000,
        "just watched, photos, hide caption, ... hide caption of, ... must watch, ... view slideshow",
        r"just watched .{2,200} replay more videos \.\.\. must watch .{2,200}",
        r"photos ?: .{5,}\bhide caption [0-9]+ of [0-9]+.*",
        r"hide caption [0-9]+ of [0-9]+(?: photos ?: .{5,})?",
        r"hide caption .{5,600} view slideshow",
    ),
    _family(
        "R111",
        900,
        "we use, this website uses, this site uses, our website uses, by continuing, by using, accept all, accept cookies, "
        "cookie, "
        "cookie settings, cookie policy, manage cookies, privacy policy, terms of, please enable, you need to, javascript, "
        "this page requires, "
        "please verify, by clicking, by signing up, nous utilisons, diese website verwendet, wir verwenden, utilizamos, este "
        "sitio, "
        "this video is, your browser, we and our, this site is",
        _NO_SPEECH
        + r"(?:we|this (?:web)?site|our (?:web)?site) uses? cookies\b(?=.*\b(?:you|your|experience|agree|consent|traffic|"
        r"analy[sz]e|website|site)\b).{0,600}",
        r"by (?:continuing|using|clicking|signing up)\b(?=.*\b(?:cookies|privacy policy|terms of (?:use|service)|"
        r"consent)\b).{10,600}",
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
    _family(
        "R112",
        4000,
        "window, function, var, googletag, document, jquery, gtag, fbq, ga, datalayer, if typeof, const, let, script, cdata",
        r"(?:window|googletag|document|datalayer)\.\w+\s*[.=(\[].*[;)}\]]|(?:jquery|gtag|fbq|ga)\(['\"].*\);?|"
        r"jquery\(document\).*",
        r"function ?\w* ?\(.*\) ?\{.*|(?:var|const|let) [\w$]+ ?= ?.*[;{\[(]|if ?\(typeof .*\{.*",
        r"(?:<script|<!\[cdata\[|// ?<!\[cdata\[).*",
    ),
    _family(
        "R113",
        900,
        "editorial process, editorial course, editorial policy, editorial process for, editorial standards, our editorial "
        "process, "
        "strict editorial",
        _NO_SPEECH
        + r"editorial (?:process|course of|course|policy|standards?)(?: (?:for|of|at) [\w .'-]{2,50})? (?:is|are) (?:centered|"
        r"centred|focused|targeted|based|built) (?:on|upon|round|around) .{20,800}",
        r"strict editorial policy that focuses on accuracy.{0,300}",
    ),
    _family(
        "R114",
        400,
        "this article, this story, this post, this column, this piece, a version of, an earlier version, originally published, "
        "reprinted from, republished from, the opinions expressed, the views expressed, opinions expressed, views expressed, "
        "this commentary, excerpted from, first published, cet article, dieser artikel, este artículo",
        _NO_SPEECH
        + r"(?:this|a version of this|an? (?:earlier|longer|shorter) version of this) (?:article|story|post|column|piece|"
        r"commentary|essay)"
        r" (?:was )?(?:originally |first )(?:appeared|published|ran|posted|produced)\b(?:(?!\w{3}[.!?] ).){2,120}",
        r"(?:originally|first) (?:published|appeared) (?:on|in|at|by) (?-i:[A-Z])(?:(?!\w{3}[.!?] ).){1,80}",
        r"(?:reprinted|republished) (?:from|by|with) .{2,200}permission.{0,200}",
        r"(?:the )?(?:opinions|views)(?: and (?:opinions|views))? expressed (?:by columnists|in this (?:article|commentary|"
        r"column|post|piece|video)|"
        r"here|herein|by the authors?|are)\b.{0,40}\b(?:are|do|is)\b.{3,260}",
    ),
    _family(
        "R115",
        60,
        "years ago, year ago, months ago, month ago, weeks ago, week ago, days ago, day ago, hours ago, hour ago, minutes ago,"
        " minute ago, "
        "mins ago, min ago, h ago, hrs ago",
        r"[0-9]{1,3} ?(?:years?|months?|weeks?|days?|hours?|hrs?|minutes?|mins?|h) ago",
    ),
    _family(
        "R116",
        300,
        ", http, https, www, pic, chars",
        r"(?:(?:https?://|www\.|pic\.twitter\.com/)\S{4,250}\s?)+",
        r"\[ ?(?:…|\.\.\.) ?\]|\+[0-9]+ chars",
    ),
)

# Names, in one sentence; what is not a person or an agency does not contribute to reports, but to disasters it does.
_CONTRIBUTORS = (
    r"(?=(?-i:[A-Z])|the )(?!.*\b(?:who|which|that|have|has|had|not|factors?|data|stud(?:y|ies)|research|"
    r"efforts?)\b)(?:(?!\w{3}[.!?] ).){3,300}?"
)

# An agency or a colleague is credited: the line goes, the agencies stay in a column of their own.
CREDIT_CODE = "R120"
CREDIT = _family(
    CREDIT_CODE,
    420,
    "... this report, ... this story, ... this article, ... to this post, ... this dispatch, ... contributed reporting, ... "
    "contributed, "
    "reporting by, with reporting, with files, with agencies, ~contributed, ~reached",
    rf"{_CONTRIBUTORS} (?:also )?contributed(?: reporting)?(?: (?:from|in) [\w ,.]{{2,60}}?)? to this (?:report|story|article|"
    rf"post|dispatch)[.;]*"
    r"(?: [^.!?]{2,100} (?:also )?contributed to this (?:report|story|article)| [^.!?]{2,60} can be reached at \S+)?",
    rf"{_CONTRIBUTORS} contributed reporting(?: from (?-i:[A-Z])[\w ,.]{{2,60}})?",
    r"(?-i:[A-Z]{2,}'s (?:[A-Z][\w.'-]+ ){2,3})contributed",
    r"reporting by (?-i:[A-Z])[^!?]{3,400}",
    r"with (?:files|reporting|material) (?:from|by) (?-i:[A-Z]|the )[^.!?]{2,160}|with agencies",
)

# The only rule that cuts within a line: a credit in brackets, or of a chart, behind the last full stop.
TRAILING_CODE = "R117"
TRAILING = Family(
    TRAILING_CODE,
    2000,
    ("~getty", "~tradingview", "~reuters", "~photo"),
    re.compile(
        r"(?<=[.!?\"”’)])[ \t]+(?:\((?:(?:AP )?Photo (?:by )?[^()\n]{2,80}|AP Photo/[^()\n]{2,60}|[^()\n]{2,60}/Getty Images)\)"
        r"|(?:Chart|Source|Image|Photo|Picture): (?:TradingView|Getty Images|Reuters|Shutterstock))[.]?(?=[ \t\r]*$)"
    ),
)
