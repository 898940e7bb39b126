"""Residue by rule: golden lines that go and that stay, spacing, credits, and the screen against the rules themselves."""

from __future__ import annotations

import time
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedupe.repair import residue
from dedupe.repair.ledger import Draft, restore
from dedupe.repair.line_removal import enter, stretches
from dedupe.repair.residue_rules import CREDIT, FAMILIES, TRAILING
from dedupe.repair.rules import RULES
from dedupe.tokens import string_buffers

SEEDS = Path(__file__).parents[2] / "seeds"

GOES = {
    "R100": [
        "Advertisement",
        "ADVERTISEMENT",
        "Advertisement:",
        "Advertisement Continue reading the main story",
        "Story continues below advertisement",
        "Article continues below",
        "Scroll to continue",
        "Continue Reading Below",
        "Werbung",
        "Anzeige",
        "PUBLICITÉ",
        "Sponsored Content",
    ],
    "R101": [
        "SHARE THIS ARTICLE Share Tweet Post Email",
        "Share on Facebook",
        "Share on Facebook Share on Twitter",
        "Facebook Twitter Email Print",
        "Click to share on Twitter (Opens in new window)",
        "Share All sharing options for: What the election means",
        "Tweet",
        "LISTEN TO ARTICLE 4:55 SHARE THIS ARTICLE Share Tweet Post Email",
        "Teilen Twittern Drucken",
    ],
    "R102": [
        "Leave a Comment",
        "Leave a Reply Cancel reply",
        "3 Comments",
        "Comments (12)",
        "View comments",
        "Comments are closed.",
        "Join the conversation",
        "No comments yet",
        "Laisser un commentaire",
        "Deja un comentario",
        "Kommentar schreiben",
        "No comments:",
        "Your email address will not be published. Required fields are marked *",
        "Required fields are marked *",
        "Save my name, email, and website in this browser for the next time I comment.",
        "Notify me of new posts by email.",
        "You must be logged in to post a comment.",
        "This site uses Akismet to reduce spam. Learn how your comment data is processed.",
        "Votre adresse e-mail ne sera pas publiée. Les champs obligatoires sont indiqués avec *",
        "Tu dirección de correo electrónico no será publicada.",
        "Deine E-Mail-Adresse wird nicht veröffentlicht.",
        "O seu endereço de e-mail não será publicado.",
        "De momento no hay comentarios.",
    ],
    "R103": [
        "Copy link to section",
        "Link copied!",
        "Back to top",
        "Scroll down for video",
        "Slideshow (5 Images)",
        "prev Image 2 of 2",
        "Loading...",
        "[pullquote]",
        "Photo",
        "5 min read",
        "Can't see the video? Click here.",
        "Don’t see the graphic above? Click here.",
        'Press "Enter" to skip to content',
        "Skip to primary navigation",
        "Zum Inhalt springen",
        "Pular para o conteúdo principal",
        "Order Reprints",
        "Reading time: 3 minutes",
        "Temps de lecture : 2 min",
        "Tempo de leitura: 2 minutos",
        "Print Article",
        "There was an error processing your subscription.",
        "An error has occurred, please try again later.",
    ],
    "R104": [
        "Read more:",
        "Read More: Lawsuits, Contempt, Fines: How Democrats Could Get Trump’s Taxes",
        "Related: What do women want? A job!",
        "RELATED STORIES",
        "Related Coverage Fed chief says growth is slowing",
        "More On This...",
        "You may also like",
        "Click for more from The Wall Street Journal.",
        "Lire aussi : Les ministres se réunissent à Paris",
        "Lesen Sie auch: Was jetzt gilt",
        "Lea también: El presidente viaja a Chile",
        "Most Read",
        "Watch: A visual tour of the world's emissions since 1900",
        "Watch: Can Trump succeed in ending the war in Afghanistan?",
        "Sur le même sujet",
        "Les articles les plus commentés de la semaine",
        "Lire la suite",
        "Meistgelesen",
        "Aus dem Ressort",
        "Das könnte Sie auch interessieren",
        "Auch interessant: Der Rat berät über die Brücke",
        "Noticias relacionadas",
        "Leia Mais »",
        "Veja também: O presidente viaja ao Chile",
        "Leggi anche",
        "Lees ook: De raad beslist over de brug",
        "More AP NBA: https://apnews.com/NBA and https://twitter.com/AP_Sports",
    ],
    "R105": [
        "Sign up for our newsletter to get the best of VICE delivered to your inbox daily.",
        "Subscribe to our podcast at iTunes.",
        "**Want FOX News First in your inbox every day? Sign up here.**",
        "Enter your email address",
        "Newsletter Sign Up",
        "Get all the latest news on coronavirus and more delivered daily to your inbox. Sign up here.",
        "Want the best of VICE News straight to your inbox? Sign up here.",
    ],
    "R106": [
        "CLICK HERE TO GET THE FOX NEWS APP",
        "Click here for complete coverage",
        "GET FOX BUSINESS ON THE GO BY CLICKING HERE",
        "Visit Business Insider's homepage for more stories.",
        "Download our app",
        "For more on school funding, click here.",
        "Click to enlarge.",
        "Click to view the Fox News Ohio Poll",
        "Click for the full statement.",
    ],
    "R107": [
        "Follow Frances Martel on Facebook and Twitter.",
        "Follow us on Twitter @CNNOpinion.",
        "Follow @politicalticker Follow @KilloughCNN",
        "Like us on Facebook.",
        "Join us on Facebook.com/CNNOpinion.",
        "- Follow the Ticker on Twitter: @PoliticalTicker",
        "John Binder is a reporter for Breitbart News. Follow him on Twitter at @JxhnBinder.",
    ],
    "R108": [
        "© 2018 Reason Foundation",
        "Copyright 2019 The Associated Press. All rights reserved.",
        "COPYRIGHT 2016 CREATORS.COM",
        "(c) 2018, Washington Post Writers Group.",
        "All rights reserved.",
        "Alle Rechte vorbehalten",
        "© Copyright 2017 by Creators Syndicate Inc.",
        "Copyright © 2014 NPR. All rights reserved. Visit our website terms of use and permissions pages at www.npr.org for "
        "further information.",
        "DISTRIBUTED BY CREATORS.COM",
        "This copy is for your personal, non-commercial use only. To order presentation-ready copies for distribution to your "
        "colleagues, clients or customers visit http://www.djreprints.com.",
        "RIPRODUZIONE RISERVATA",
    ],
    "R109": [
        "Photo: Andrea Morales for The Intercept",
        "(Photo by Spencer Platt/Getty Images)",
        "Image copyright Getty Images Image caption The square at noon",
        "Featured picture from Gemini Imagen, chart from TradingView",
        "Featured image from Shutterstock",
        "Chart: TradingView",
        "Enlarge this image toggle caption Drew Angerer/Getty Images Drew Angerer/Getty Images",
        "(AP Photo/Evan Vucci)",
        "FILE PHOTO: A sign is pictured at the entrance of a building in New York August 31, 2015. REUTERS/Lucas Jackson/File "
        "Photo",
        "Image source: YouTube",
        "Win McNamee/Getty Images",
        "Image Officials held talks in the White House. Credit... Stephen Crowley/The New York Times",
        "Photographer: Andrew Harrer/Bloomberg Photographer: Andrew Harrer/Bloomberg",
        "Images: BBC",
        "Illustrations by Sean Delonas",
    ],
    "R110": [
        "Hide Caption 3 of 35",
        "JUST WATCHED What does it mean? Replay More Videos ... MUST WATCH What does it mean? 02:11",
        "Photos: The flood Photos: The flood People wade through a street in May. Hide Caption 1 of 2 Photos: The flood A "
        "dog. Hide Caption 2 of 2",
        "Hide caption A nurse walks past a wall of letters in London. Previous Next Rob Stothard/Getty Images",
    ],
    "R111": [
        "We use cookies to give you the best experience on our website.",
        "Accept all cookies",
        "Privacy Policy",
        "Please enable JavaScript to view the page.",
        "By continuing to use this site you agree to the use of cookies and our privacy policy.",
        "Nous utilisons des cookies pour mesurer l'audience.",
        "By signing up, you agree to our terms of service and our privacy policy.",
        "IE 11 is not supported. For an optimal experience visit our site on another browser.",
    ],
    "R112": [
        "window.dataLayer = window.dataLayer || [];",
        "googletag.cmd.push(function() { googletag.display('ad-1'); });",
        "var _gaq = _gaq || [];",
        "function initAds() { googletag.enableServices(); }",
    ],
    "R113": [
        "Editorial Process for bitcoinist is centered on delivering thoroughly researched, accurate, and unbiased content.",
        "Editorial Course of for bitcoinist is centered on delivering completely researched, correct, and unbiased content "
        "material.",
    ],
    "R114": [
        "This article originally appeared on VICE News.",
        "Originally published on Grist.",
        "This story was originally published by the Washington Spectator",
        "The opinions expressed by columnists are their own and do not represent the views of Townhall.com.",
        "First published in The Guardian",
        "Eboni Nelson is a professor of law at the University of South Carolina. The opinions expressed in this commentary are "
        "solely those of the author.",
        "Editor's note: Tom Frieden is the director of the Centers for Disease Control and Prevention. The views expressed are "
        "his own.",
    ],
    "R115": [
        "6 years ago",
        "3 hours ago",
        "25 minutes ago",
        "This story has been updated.",
        "This story has been updated with additional reporting, background information and reaction.",
        "This post was updated at 12:15 p.m. ET.",
        "This is a developing story. Please check back for updates.",
        "This is a breaking news story and will be updated.",
    ],
    "R116": ["https://twitter.com/someone/status/599346024767889408", "[…]", "[...]", "[+1532 chars]"],
    "R118": [
        "Write to Al Root at allen.root@dowjones.com",
        "Write to Eliana Dockterman at eliana.dockterman@time.com and Diane Tsai at diane.tsai@time.com.",
        "Contact us at editors@time.com.",
        "Deirdre Fernandes can be reached at deirdre.fernandes@globe.com. Follow her on Twitter @fernandesglobe.",
        "Reporter Jane Doe can be reached at 555-123-4567 or jdoe@herald.com.",
        "Email Tariq Malik at tmalik@space.com or follow him @tariqjmalik.",
        "Send letters to: letters@suntimes.com.",
        "Have a tip? Amy Doe may be reached at adoe@advancemedia.com. Follow her on Twitter @AmyD or on Facebook.",
        "paul.doe@chron.com",
        "twitter.com/pauldoe",
    ],
    "R119": [
        "Tags: bitcoin, ETF, El Salvador",
        "Filed under: Politics | Elections |",
        "Categories: German News",
        "Schlagwörter: Brücke, Rat",
        "Posted in News | Tagged bitcoin, etf | Leave a comment",
    ],
    "R120": [
        "The Associated Press contributed to this report.",
        "Fox News' Ed Henry and The Associated Press contributed to this report.",
        "- CNN’s Dana Davidsen and Kevin Liptak contributed to this report.",
        "Byrd Pinkerton contributed reporting to this story.",
        "(Reporting by Steve Holland; Editing by Peter Cooney)",
        "NPR's Jessica Taylor contributed.",
        "Additional reporting by Deisy Buitrago in Caracas; Tibisay Romero in Valencia, Venezuela; and Angelo Amante in Rome.",
        "(Additional reporting by Ginger Gibson, Amanda Becker; Writing by Steve Holland; Editing by Leslie Adler)",
        "Fox News' Jake Gibson contributed to this report, along with The Associated Press.",
        "With Post Wires",
        "From staff and wire reports",
        "SOURCE: News agencies",
        "Source: Al Jazeera News",
        "Quelle: dpa",
        "Source: http://www.yale.edu",
    ],
}

STAYS = [
    # words of residue in sentences of the article
    "Advertisement spending fell for the third year in a row.",
    "The advertisement continues to anger viewers in the state.",
    "Read more books, says the mayor, and you will need fewer pills.",
    "Follow the money.",
    "Follow the money and you will find Facebook.",
    "Share prices fell.",
    "Share of voters who agree",
    "Print is dead.",
    "Email servers were seized in the raid.",
    "Twitter",
    "Email",
    "Comment is free, but facts are sacred.",
    "No comment.",
    "Comments by the president angered allies.",
    "Leave a comment, and it may be deleted, said the site.",
    "Related to that, the senator said he would not run.",
    "More from Krugman's column:",
    "Watch: it is what the fans did.",
    "Watch the clip via CNN:",
    "Related: he also denied that he had met the ambassador.",
    "See also the ruling of 2012, which the court did not overturn.",
    "Sign up for classes begins on Monday at the library.",
    "Sign up for the newsletter was slow, said the editor, who had hoped for more email readers.",
    "Subscribe to that theory and you will believe anything.",
    "Subscribe to the view that our podcast is better, he said, and you are mistaken.",
    "Click here, the message said, and the virus was in the network.",
    "Download speeds have doubled since 2010.",
    "Visit the memorial at dawn.",
    "Copyright law has not kept up with the machines.",
    "C. All of the above",
    "(c) the tenant shall pay the rent on the first of the month",
    "Copyright 2001 was a bad year? Yes.",
    "Photo by photo, she rebuilt the life of her grandmother.",
    "Video by the group shows police beating a man.",
    "Photographs of the scene show a burned car.",
    "Image is everything: the mayor knows it.",
    "Picture this: a man walks into a bank with a cake.",
    "Credit: where it is due, the council has delivered.",
    "Map of the problem",
    "Chart a new course, the minister urged.",
    "We use cookies to lure the children home, she said with a laugh.",
    "We use cookies and milk to calm them.",
    "Cookies are baked at dawn.",
    "Window seats cost more.",
    "Function over form is her motto.",
    "Var was used to decide the match.",
    "Ga. Gov. Brian Kemp (R) signed the bill (SB 202)",
    "Editorial process is slow everywhere.",
    "Editorial policy is centered on the reader, he said, and on nobody else in the whole wide world.",
    "This article of the constitution was originally proposed in 1787. It failed. It was then forgotten for a century.",
    "This story first appeared to be true, and then it was not, he said.",
    "The opinions of the court run to 80 pages.",
    "Years ago, he was a teacher.",
    "Six years ago",
    "6 years ago, he was a teacher.",
    "He contributed to this report.",
    "Several factors contributed to this story.",
    "Poor maintenance, which contributed to this report's findings, was blamed.",
    "The study contributed to this report.",
    "Each of them contributed.",
    "He asked what each man had contributed.",
    "Reporting by the committee was late.",
    "The reporter for Reuters/Ipsos polls was asked about the method.",
    "According to Reuters, the talks failed.",
    "...",
    "* * *",
    "***",
    "–",
    "Yes.",
    "What happened",
    "What’s next",
    "Why?",
    "MICHAEL BARBARO: Yes.",
    "Hide the caption, he told her.",
    "Back to school",
    "Loading docks are full.",
    "More than 260 people were killed.",
    "You may be right.",
    "Popular vote",
    "Top court",
    "Latest figures show that growth is slow.",
    "Trending up",
    "Most read the report in silence.",
    "Join us, he said, or leave.",
    "The Conversation",
    "Continue reading the letter, the judge said.",
    "",
    "   ",
    "1.",
    "2016",
    "Photos released by the police show two men.",
    "Just watched him leave, she wrote.",
    # what ends a report of a game or of a meal
    "Watch: ESPN2",
    "Watch: Fox Sports Ohio or the team's own app",
    "Watch: Sunday at 1 p.m. on the local channel in the two states",
    "Listen: 98.5 The Sports Hub",
    "Recommended: The lamb",
    "UP NEXT",
    "Up next: Lakers visit Portland on Wednesday",
    # a post that the article quotes
    "Read more: https://t.co/5xHlNEAzsN pic.twitter.com/MoS58QmGZR — Senate Judiciary (@senjudiciary) August 1, 2019",
    # what happened then
    "5 Years Ago",
    "10 years ago",
    "25 YEARS AGO",
    "50 years ago",
    "100 years ago",
    # news of the trades that residue comes from
    "Want to help? Sign up at the library by Friday.",
    "Want to run for office? Sign up with the county clerk.",
    "Promoted",
    "Recommended:",
    "Reading time was short in the cells.",
    "Source: Officer believes that he was injured during the arrest",
    "Source: The FBI investigated a tip that he was involved",
    "Sources: he will resign on Friday",
    "Source: Sox May Not Be Out Of Teixeira Chase",
    "Source: Trump To Name Judge",
    "This story was first published in 1843 and has never been out of print.",
    "This post first appeared to be a joke.",
    "Click to cancel is the name of the rule that the court has struck down.",
    "Tap to Pay has come to the buses of the city.",
    "By using force, you are accepting the terms of war.",
    "Editing by CRISPR",
    "Writing by Candlelight",
    "Source: Apple, Google Merge",
    "By using the drug you accept the terms of the trial.",
    "By using facial recognition without consent, the company broke the law of the state.",
    "By signing up friends without their consent, the app grew to a million users.",
    "By clicking on the cookies of others, thieves took over the accounts.",
    "const total = items.length;",
    "function add(a, b) { return a + b; }",
    "First published in Paris in 1912, the novel has sold a million copies.",
    "Originally published in French, it won the Goncourt.",
    "Reporting by The New York Times found that the agency had known for years.",
    "Reporting by ProPublica and The Washington Post led to his arrest.",
    "Editing by machine is cheap.",
    "With reporting by the networks under attack, the president doubled down.",
    "From wire to wire she led.",
    "All of them contributed to this report, along with what the police knew.",
    "Tags cost $45 a year.",
    "Tags: $45",
    "Tagged: the bear that ate the honey was seen again.",
    "Categories: he fits none of them.",
    "Posted in Iraq, he wrote home every week.",
    "He can be reached only by helicopter.",
    "A deal can be reached by Friday, the senators hope.",
    "Contact with the probe was lost at noon.",
    "Contact Jane Doe at jane@fair.org to book a table for the fair on Saturday.",
    "Send money to Ukraine, the senator urged.",
    "Write to your senator, she urged them.",
    "Reach for the stars",
    "Email was down.",
    "He typed his address: jane@fair.org",
    "John Doe is a lawyer in Ohio, and he holds that the views expressed are his own.",
    "This story has been updated to correct the age of the victim: she was 31.",
    "This article was updated with the governor's answer, in which she denies it.",
    "This is a breaking point for the town.",
    "This is a developing story of two brothers, one of whom won.",
    "Your email address will not be published in the report, the company promised, but it was.",
    "Save my name from oblivion, he begged.",
    "Notify me of any change, the judge ordered.",
    "An error occurred in the count.",
    "Distributed by the Red Cross, the food lasted a week.",
    "Lo más importante es la salud.",
    "Les plus riches paient moins.",
    "Zum Thema Rente schwieg er.",
    "Image is everything. Credit is cheap.",
    "Image: what the mayor lacks.",
    "Photos were taken to the court. Credit Suisse denied the claim.",
]


def cleaned(text: str, *disabled: str) -> Draft:
    column = pa.array(["Advertisement\n\nBefore.", text], pa.string()).slice(1)
    suspects = residue.Suspects(column, frozenset(disabled))
    draft = Draft(text)
    made = stretches(*string_buffers(column), suspects.found)
    enter(draft, made, residue.CODES, [""] * len(made.rows))
    draft.credits += suspects.credits.get(0, [])
    return draft


@pytest.mark.parametrize(("code", "line"), [(code, line) for code, lines in GOES.items() for line in lines])
def test_residue_goes(code: str, line: str) -> None:
    draft = cleaned(f"A first paragraph of the article.\n\n{line}\n\nAnother paragraph.")
    assert draft.text == "A first paragraph of the article.\n\nAnother paragraph."
    assert [edit.rule for edit in draft.edits] == [code]


@pytest.mark.parametrize("line", STAYS)
def test_the_article_stays(line: str) -> None:
    text = f"A first paragraph of the article.\n\n{line}\n\nAnother paragraph."
    draft = cleaned(text)
    assert (draft.text, draft.edits) == (text, [])


def test_every_family_has_its_golden_lines_and_its_rule() -> None:
    codes = {family.code for family in (*FAMILIES, CREDIT)}
    assert codes == set(GOES)
    assert codes | {TRAILING.code} <= set(RULES)


@pytest.mark.parametrize("code", sorted(GOES))
def test_a_disabled_rule_does_nothing(code: str) -> None:
    for line in GOES[code]:
        draft = cleaned(f"Body.\n\n{line}\n\nBody.", code)
        assert code not in {edit.rule for edit in draft.edits}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A one.\n\nAdvertisement\n\nB two.", "A one.\n\nB two."),
        ("A one.\nAdvertisement\nB two.", "A one.\nB two."),
        ("A one.\n\nAdvertisement\nB two.", "A one.\n\nB two."),
        ("A one.\nAdvertisement\n\nB two.", "A one.\n\nB two."),
        ("Advertisement\n\nB two.", "B two."),
        ("A one.\n\nAdvertisement", "A one."),
        ("A one.\n\nAdvertisement\n", "A one."),
        ("A one.\n\nAdvertisement\n\nTweet\n\nB two.", "A one.\n\nB two."),
        ("A one.\nAdvertisement\nTweet\n\n\nB two.", "A one.\n\n\nB two."),
        ("A one.\n\n  Advertisement  \n\n  B two.", "A one.\n\n  B two."),
        ("Ä eins.\n\nAdvertisement\n\nÖ zwei.\n\nTweet", "Ä eins.\n\nÖ zwei."),
        ("The market stood at $2.68 trillion. Chart: TradingView\nNext.", "The market stood at $2.68 trillion.\nNext."),
        ("He spoke on Friday. (Photo by Drew Angerer/Getty Images)\nNext.", "He spoke on Friday.\nNext."),
        ("He spoke on Friday. (Leah Millis/Reuters)\nNext.", "He spoke on Friday.\nNext."),
        ("He spoke on Friday. (Saul Loeb/AFP via Getty Images)\nNext.", "He spoke on Friday.\nNext."),
        ("A shop in Long Beach, N.Y. Mary Altaffer/AP\nNext.", "A shop in Long Beach, N.Y.\nNext."),
        ("A park in Atlanta. Kevin C. Cox/Getty Images\nNext.", "A park in Atlanta.\nNext."),
        ("A hearing on May 21. Photographer: Andrew Harrer/Bloomberg\nNext.", "A hearing on May 21.\nNext."),
        ("Ein Wagen der Polizei. Symbolfoto: Jens Büttner/dpa\nNext.", "Ein Wagen der Polizei.\nNext."),
        ("He leads. (Reuters/Ipsos)\nNext.", "He leads. (Reuters/Ipsos)\nNext."),
        ("They met in Paris. (AP)\nNext.", "They met in Paris. (AP)\nNext."),
        ("He spoke to the AP. Then to Reuters.\nNext.", "He spoke to the AP. Then to Reuters.\nNext."),
        ("What to know about benefits Nam Y. Huh/AP\nNext.", "What to know about benefits Nam Y. Huh/AP\nNext."),
        ("Advertisement\n\nTweet", "Advertisement\n\nTweet"),
    ],
)
def test_paragraphs_stay_apart(before: str, after: str) -> None:
    draft = cleaned(before)
    assert draft.text == after
    assert restore(draft.text, draft.edits) == before


@pytest.mark.parametrize(
    ("text", "credited", "changed"),
    [
        ("Body.\n\nThe Associated Press contributed to this report.", ["Associated Press"], True),
        (
            "Body.\n\nFox News' Ed Henry, Reuters and The Associated Press contributed to this report.",
            ["Associated Press", "Reuters"],
            True,
        ),
        ("WASHINGTON (Reuters) - The president spoke.", ["Reuters"], False),
        ("PARIS, April 3 (AFP) — The president spoke.", ["Agence France-Presse"], False),
        ("The polls (Reuters) were wrong.", [], False),
        ("According to Reuters, the talks failed.", [], False),
        ("Body.\n\nSource: AFP and Reuters", ["Reuters", "Agence France-Presse"], True),
        ("Body.\n\nFox News' Ed Henry contributed to this report, along with The Associated Press.", ["Associated Press"], True),
        ("Body.\n\nFox News' Ed Henry contributed to this report.", [], True),
    ],
)
def test_agencies_are_credited(text: str, credited: list[str], changed: bool) -> None:
    draft = cleaned(text)
    assert draft.credits == credited
    assert (draft.text != text) is changed
    assert bool(residue.screen(pa.array([text]))[0]) or not (credited or changed)


def test_a_text_of_nothing_but_residue_in_great_number_is_left_and_costs_little() -> None:
    text = "Advertisement\n" * 50_000
    assert cleaned(text).text == text
    draft = cleaned(text + "The article.")
    assert draft.text == "The article."
    assert restore(draft.text, draft.edits) == text + "The article."


@pytest.mark.parametrize(
    "unit",
    [
        "share on facebook ", "x, ", "follow @a", "follow us on x,,,, and ", "reporting by A; editing by A", "photo by A of ",
        "A. ", "© 2001 ", "photos: hide caption 1 of ", "A is a b. Follow ", "A/Getty Images via ", "get our newsletter ",
        "contributed to this report. ", "window.a=[;", "read more: ",
        "Additional Reporting, Editing ", "Jane Doe is a b. ", "jane@fair.org ", "A-a, ", "Jane Doe/", "A A ", "https://a.b and ",
    ],
)  # fmt: skip
def test_no_line_takes_long_to_fail(unit: str) -> None:
    """Article text is hostile input: patterns with two ways to match one thing take ages over lines like these."""
    start = time.process_time()
    for ending in ("!", "@?", " …,"):
        for size in (180, 400, 850, 3_900, 19_000):
            residue.match_line((unit * size)[:size].strip() + ending)
    assert time.process_time() - start < 2


LINES = st.one_of(
    st.sampled_from([line for lines in GOES.values() for line in lines]),
    st.sampled_from(STAYS),
    st.text(max_size=40),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(LINES, max_size=8),
    st.sampled_from(["\n", "\n\n", " \n", "\r\n"]),
    st.sampled_from([lambda s: s, str.upper, str.lower, lambda s: f"  • {s}", lambda s: f"[{s}]"]),
)
def test_the_screen_fires_on_whatever_the_patterns_match(lines: list[str], joint: str, written) -> None:  # type: ignore[no-untyped-def]
    """The patterns alone, tried on each line without the screen's table of words, are the slow tool."""
    text = joint.join(map(written, lines)).encode("utf-8", "replace").decode()
    matched = any(residue.match_line(line.strip(" \t\r")) for line in text.split("\n"))
    fired = bool(residue.screen(pa.array([text]))[0])
    assert fired or not matched


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES, max_size=8), st.sampled_from(["\n", "\n\n", "\r\n", "\r"]))
def test_what_is_removed_can_be_restored_and_is_removed_at_once(lines: list[str], joint: str) -> None:
    text = joint.join(lines).encode("utf-8", "replace").decode()
    draft = cleaned(text)
    assert restore(draft.text, draft.edits) == text
    assert bool(residue.screen(pa.array([text]))[0]) or not draft.edits
    for edit in draft.edits:
        assert edit.before.strip()


def test_a_screen_over_slices_and_nulls_is_the_screen_of_each() -> None:
    column = pa.array(["Body.", None, "Body.\n\nAdvertisement", "", "Ein Satz.\n\nÀ lire aussi"]).slice(1)
    assert residue.screen(column).tolist() == [False, True, False, True]


def test_the_seeds_keep_their_articles_and_lose_their_residue() -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted(SEEDS.glob("*.txt"))]
    assert len(texts) == 5
    gone = {edit.before.strip() for text in texts for edit in cleaned(text).edits}
    assert len(gone) == 6
    assert {
        "Leave a Comment",
        "Copy link to section",
        "Chart: TradingView",
        "Follow Frances Martel on Facebook and Twitter.",
    } <= gone
    assert any(line.startswith("Featured picture from") for line in gone)
    assert any(line.startswith("Editorial Course of") for line in gone)
