"""The families of lines that say who made an article and its pictures, whose they are, and how to reach them."""

from __future__ import annotations

import re

from dedupe.repair.residue_family import CREDITED, NAME, NETWORKS, NO_SPEECH, Family, family

_PHOTO = (
    r"(?:photo|photograph|picture|image|graphic|chart|illustration|video|photo illustration|map|infographic|foto|imagen|"
    r"bild|grafik)"
)
_PERSON = r"[A-Z][\w.'’-]*(?: (?:(?:de|van|von|der|al|el) )?[A-Z][\w.'’-]*){1,3}"
# A note on an author: "Jane Doe is a professor of law at Yale."
_BIO = rf"(?:editor's note: ?)?(?-i:{_PERSON}),? (?:is|was|has|writes|teaches|serves|works)\b[^?!]{{3,760}}[.!]"
_EMAIL = r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,30}){1,4}"
_HIM = r"(?:him|her|them|me|us)"
_AND_FOLLOW = (
    rf"(?:[.,;]? (?:or |and )?(?:you can )?(?:follow|on twitter|on facebook|twitter ?:?)\b(?: {_HIM})?(?: on "
    rf"(?:{NETWORKS}))?(?: at|:)?"
    rf"(?: ?@\w+)?(?:,? (?:and|or) (?:on )?(?:{NETWORKS}))?)?"
)

CREDITS: tuple[Family, ...] = (
    family(
        "R108",
        420,
        "copyright, ©, ©copyright, c, all rights, this material may, alle rechte, tous droits, todos los derechos, copyright "
        "©, ~reserved, "
        "npr transcripts are, this copy is, distributed by, riproduzione riservata",
        r"(?:(?:copyright ?)?©(?=[\s0-9(,.]|copyright|$) ?(?:copyright ?)?(?:[0-9]{4}(?:[-–][0-9]{2,4})?)?|(?:copyright|\(?c\)) "
        r"?\(?[0-9]{4}(?:[-–][0-9]{2,"
        r"4})?)(?!.*[?!])(?:(?!\w{3}\. ).){0,100}"
        r"(?:\. ?(?:all rights reserved|distributed by|this material may not|visit our website|used with|reprinted)\b.{0,260})?",
        r".{0,80}\ball rights reserved(?:[.,;]? ?(?:this material|visit our website|distributed by|used with|reprinted|"
        r"reproduction|no part|"
        r"click here|terms of)\b.{0,260})?",
        # The rest of a line that holds a notice with its year: to whom to write for a reprint.
        r"(?:copyright ?)?© ?[0-9]{4} [^.!?]{2,60}\. ?click here for reprint permission",
        r"this copy is for your personal,? (?:and )?non-?commercial use only\b.{0,360}",
        r"distributed by (?-i:[A-Z])[\w&' ]{2,40}(?:\.com|, inc\.?)?|(?:© ?)?riproduzione riservata",
        r"this material may not be published, broadcast.{0,120}",
        r"alle rechte vorbehalten|tous droits réservés|todos los derechos reservados",
        r"npr transcripts are created on a rush deadline .{20,400}",
    ),
    family(
        "R109",
        620,
        "photo, photos, photo by, photograph, photograph by, photographer, picture, image, image source, image copyright, "
        "chart, graphic, "
        "illustration, featured image, featured picture, featured photo, feature image, cover image, credit, enlarge this, "
        "toggle caption, file photo, ap photo, video, ~reuters, ~getty, foto, imagen, bild, crédit, fotocredit, "
        "images, pictures, photographs, photographers, illustrations, charts, graphics, maps, infographics, videos, credits, "
        "photo credit, photo illustration, slide show, source, main image, top image, header image, lead image, hero image, "
        "screenshot, map, infographic",
        r"(?:enlarge this image|toggle caption)\b(?: toggle caption)? .{2,200}",
        r"image copyright .{2,80}?(?: image caption .{3,300})?",
        rf"(?-i:Image|Photo|Slide Show) .{{5,420}} (?-i:Credit)(?:\.\.\.|…)? ?{CREDITED}(?:[ ,—-]+{CREDITED})?",
        rf"(?:{_PHOTO}|photo credit|image credit|picture credit|photographer|credit|image source|crédit photo|fotocredit)s?"
        rf" ?(?:: ?|by |courtesy of )(?:by )?{CREDITED}",
        # Twice, as a scraper reads a picture and its enlargement.
        rf"(?:photographer|photo|photograph|source)(?:: ?| by )(?P<credit>{CREDITED}) (?:photographer|photo|photograph|source)"
        rf"(?:: ?| by )(?P=credit)",
        rf"(?:featured?|cover|main|top|header|lead|hero) (?:image|picture|photo|photograph)(?: ?: ?| from | by | via | "
        rf"courtesy of | credit:? )"
        rf"{CREDITED}(?:,? (?:and )?(?:chart|image|picture|photo)s? (?:from|by|via) {CREDITED})?",
        rf"file photo ?: .{{5,560}}|.{{10,480}}[.)] ?(?:{CREDITED}/pool via )?reuters/{NAME}(?: {NAME}){{0,3}}(?:/file "
        rf"photo)?",
        r"ap photo/[^.!?]{3,60}",
        rf"{NAME}(?: {NAME}){{0,4}} ?/ ?(?:[\w ]{{2,30}}/ ?)?(?:[\w ]{{2,30}} via )?(?:getty images?|reuters)(?:, file| "
        rf"file photo)?",
    ),
    family(
        "R110",
        20000,
        "just watched, photos, hide caption, ... hide caption of, ... must watch, ... view slideshow",
        r"just watched .{2,200} replay more videos \.\.\. must watch .{2,200}",
        # Behind the last caption stands no more than the begun next one: an article that runs on there is not lost.
        r"photos ?: .{5,}\bhide caption [0-9]+ of [0-9]+.{0,600}",
        r"hide caption [0-9]+ of [0-9]+(?: photos ?: .{5,})?",
        r"hide caption .{5,600} (?:view slideshow|previous next .{2,80})",
    ),
    family(
        "R114",
        900,
        "this article, this story, this post, this column, this piece, a version of, an earlier version, originally published, "
        "reprinted from, republished from, the opinions expressed, the views expressed, opinions expressed, views expressed, "
        "~expressed, ~commentary, ~solely, this commentary, excerpted from, first published, cet article, dieser artikel, "
        "este artículo",
        NO_SPEECH
        + r"(?:this|a version of this|an? (?:earlier|longer|shorter) version of this) (?:article|story|post|column|piece|"
        r"commentary|essay)"
        r" (?:was )?(?:originally |first )(?:appeared|published|ran|posted|produced)\b(?! to (?:be|have)\b)"
        r"(?!.*\b(?:and|but) (?:has|have|had|was|were|is|it|then|never|soon)\b)(?:(?!\w{3}[.!?] ).){2,120}",
        # "First published in Paris in 1912, the novel ..." is a sentence of the article.
        r"(?:originally|first) (?:published|appeared) (?:on|in|at|by) (?-i:[A-Z])(?!.*, (?:the|it|he|she|they|his|her|its|"
        r"this|that|"
        r"an?|which|and)\b)(?:(?!\w{3}[.!?] ).){1,80}",
        r"(?:reprinted|republished) (?:from|by|with) .{2,200}permission.{0,200}",
        r"(?:the )?(?:opinions|views)(?: and (?:opinions|views))? expressed (?:by columnists|in this (?:article|commentary|"
        r"column|post|piece|video)|"
        r"here|herein|by the authors?|are)\b.{0,40}\b(?:are|do|is)\b.{3,260}",
        rf"{_BIO}[\"”']? ?(?:the )?(?:opinions|views) expressed (?:in this (?:commentary|column|article|op-ed|"
        rf"piece) |here )?are "
        r"(?:solely )?(?:those of the (?:author|writer)s?|his|hers|her own|his own|their own|theirs)",
    ),
    family(
        "R118",
        320,
        "email, e mail, write to, contact, reach, reach out, send, have a tip, have a news, have a story, have a question, "
        "got a, "
        "twitter com, facebook com, instagram com, x com, ~reached, ~follow, ~twitter, ... com, ... org, ... net, ... uk",
        rf"(?:e-?mail ?:? ?)?{_EMAIL}(?:[ ,;|/]+(?:{_EMAIL}|(?:twitter ?:? ?)?@\w+|[(0-9][0-9() .-]{{6,20}}[0-9])){{0,3}}",
        r"(?:twitter|facebook|instagram|x)\.com/[\w./]{2,60}",
        rf"(?:(?:reporter|columnist|staff writer|contact) )?(?-i:{_PERSON}) (?:can|may) be reached (?:at|by e-?mail at|via "
        rf"e-?mail at|via "
        rf"twitter|on twitter)(?: [(0-9][0-9() .-]{{6,20}}[0-9],?(?: or| and)?)? ?(?:{_EMAIL}|@\w+){_AND_FOLLOW}",
        rf"(?:e-?mail|write to|contact|reach|reach out to) (?:{_HIM}|the (?:author|reporter|writer|columnist|editor)s?|"
        rf"(?-i:{_PERSON})(?: "
        rf"and (?-i:{_PERSON}))?) at {_EMAIL}(?: and (?:(?-i:{_PERSON}) at )?{_EMAIL})?{_AND_FOLLOW}",
        rf"send (?:letters|tips|news tips|story ideas|comments|feedback|corrections)(?: and (?:letters|tips|comments|"
        rf"feedback|story "
        rf"ideas|questions))? to:? ?{_EMAIL}",
        rf"(?:have|got) an? (?:news |story |breaking news )?(?:tip|question|story idea|idea)s?(?: for us)?\? "
        rf"?[^?!]{{0,120}}{_EMAIL}"
        rf"{_AND_FOLLOW}",
        r"reach the reporters? (?:on twitter )?at https?://\S+(?: and https?://\S+)?",
    ),
)

# Names, in one sentence; what is not a person or an agency does not contribute to reports, but to disasters it does.
_CONTRIBUTORS = (
    r"(?=(?-i:[A-Z])|the )(?!.*\b(?:who|which|that|have|has|had|not|factors?|data|stud(?:y|ies)|research|"
    r"efforts?)\b)(?:(?!\w{3}[.!?] ).){3,300}?"
)

# Possessive throughout, and no word in two ways: else a long list that fails in the end would take 2^n steps.
_BUREAU = (
    r"(?=(?-i:[A-Z])|the |dpa\b)(?-i:(?:[A-Z0-9][\w.'’@&/-]*+[,;:]*+|(?:dpa|in|and|by|at|for|from|with|of|the|de|da|del|van|von|"
    r"der|den|bin|al|el|la|le|additional|reporting|writing|written|editing|edited|compiled|translated|graphics?|photos?|video|"
    r"bureaus?|newsrooms?|staff)[,;:.]*+)(?: |$)){1,70}"
)

# An agency or a colleague is credited: the line goes, the agencies stay in a column of their own.
CREDIT_CODE = "R120"
CREDIT = family(
    CREDIT_CODE,
    420,
    "... this report, ... this story, ... this article, ... to this post, ... this dispatch, ... contributed reporting, ... "
    "contributed, "
    "source, quelle, fuente, fonte, reporting by, additional reporting by, writing by, editing by, with reporting, "
    "with files, with material, with "
    "agencies, with "
    "post, with wire, with wires, from staff, from wire, from news service, from agency, ~along, ~contributed, ~reached",
    rf"{_CONTRIBUTORS} (?:also )?contributed(?: reporting)?(?: (?:from|in) [\w ,.]{{2,60}}?)? to this (?:report|story|article|"
    rf"post|dispatch)(?:,? along with (?-i:[A-Z]|the )[^.!?]{{2,80}})?[.;]*"
    r"(?: [^.!?]{2,100} (?:also )?contributed to this (?:report|story|article)| [^.!?]{2,60} can be reached at \S+)?",
    rf"{_CONTRIBUTORS} contributed reporting(?: from (?-i:[A-Z])[\w ,.]{{2,60}})?",
    r"(?-i:[A-Z]{2,}'s (?:[A-Z][\w.'-]+ ){2,3})contributed",
    # Names and what stands between them: "Reporting by The Times found that ..." is a sentence of the article.
    # One word behind it is no name: "Editing by CRISPR" heads a section.
    rf"(?:(?:additional )?reporting|writing|editing) by (?=\S+ \S){_BUREAU}",
    rf"with (?:files|reporting|material) (?:from|by) {_BUREAU}|with agencies|with (?:post )?wires?(?: services?| reports?)?",
    # "Source: Trump to name a judge" is a headline, and so is "Source: Apple, Google Merge".
    rf"(?:source|quelle|fuente|fonte) ?: ?(?=[^\s,]+(?: [^\s,]+){{0,3}}$)(?!.*\b(?:to|not|be|is|may|will|says?|out)\b)"
    rf"(?:{CREDITED}|dpa|news agencies|agencies|agencias|(?:https?://|www\.)\S+)",
    r"from (?:staff|wire|staff and wire|wire and staff|news service|agency) (?:reports?|services?|dispatches)",
)

_WIRE = r"(?:Getty Images|Getty|AP Images|AP Photo|AP|AFP|Reuters|REUTERS|EPA|dpa|Bloomberg|Shutterstock)"
_PHOTOGRAPHER = r"[A-Z][\w.'’-]*(?: (?:(?:de|van|von|der|al|el) )?[A-Z][\w.'’-]*){0,3}"

# The only rule that cuts within a line: a credit in brackets, or of a chart, behind the last full stop.
TRAILING_CODE = "R117"
TRAILING = Family(
    TRAILING_CODE,
    2000,
    (
        "~getty",
        "~tradingview",
        "~reuters",
        "~photo",
        "~ap",
        "~afp",
        "~dpa",
        "~photographer",
        "~foto",
        "~symbolfoto",
        "~archivfoto",
        "~bloomberg",
        "~epa",
    ),
    re.compile(
        # Not behind the full stop of a middle name.
        r"(?<=[.!?\"”’)])(?<! [A-Z]\.)[ \t]+(?:\((?:(?:AP )?Photo (?:by )?[^()\n]{2,80}|AP Photo/[^()\n]{2,60}|"
        r"[^()\n]{2,60}/Getty Images"
        rf"|[^()\n]{{2,60}}(?:/ ?|via ){_WIRE}|(?:{_WIRE} )?[Pp]hotos?: [^()\n]{{2,60}})\)"
        r"|(?:Chart|Source|Image|Photo|Picture): (?:TradingView|Getty Images|Reuters|Shutterstock)"
        rf"|(?:(?:Photographer|Photos?|Photograph|(?:Symbol|Archiv)?[Ff]oto)(?:: ?| by ))?{_PHOTOGRAPHER}"
        rf" ?/ ?(?:{_PHOTOGRAPHER} ?/ ?|Pool )?(?:{_PHOTOGRAPHER} )?(?:via )?{_WIRE}(?:, (?i:file))?)[.]?(?=[ \t\r]*$)"
    ),
)
