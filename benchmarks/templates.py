"""Reports that are filled in anew every day, and plain articles with names, numbers and dates: text made from a seed alone."""

from __future__ import annotations

import random
from collections.abc import Callable

DAYS = [
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
]  # fmt: skip
MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
]  # fmt: skip
FIRST = [
    "Maria", "James", "Aisha", "Peter", "Helen", "Tomas", "Grace", "Victor", "Ingrid", "Samuel", "Nadia", "Oscar", "Ruth",
    "Felix", "Carmen", "Hugo", "Leila", "Martin", "Joan", "Ivan",
]  # fmt: skip
LAST = [
    "Albright", "Bergstrom", "Castellano", "Dunmore", "Eastman", "Fairbanks", "Gallagher", "Hartwell", "Ibarra",
    "Jankowski", "Kowalczyk", "Lindqvist", "Moreau", "Novak", "Okafor", "Pemberton", "Quigley", "Rosales", "Sandoval",
    "Thackeray", "Underhill", "Vasquez", "Whitlock", "Yamada", "Zimmerman",
]  # fmt: skip
PLACES = [
    "Ashford", "Brookhaven", "Carlsbad", "Denton", "Elmhurst", "Fairview", "Galveston", "Hillsboro", "Irvington",
    "Jacksonville", "Kenosha", "Lancaster", "Marysville", "Norwalk", "Oakdale", "Plainfield", "Quincy", "Riverside",
    "Stamford", "Trenton", "Uniontown", "Vernon", "Westbrook", "Yorktown", "Zanesville",
]  # fmt: skip
COMPANIES = [
    "Arcadia", "Borealis", "Cobalt", "Dynacore", "Everline", "Fortuna", "Granite", "Helix", "Ironwood", "Juniper",
    "Keystone", "Lumina", "Meridian", "Northgate",
]  # fmt: skip
CLUBS = [
    "Albion", "Rangers", "Wanderers", "Athletic", "Rovers", "Corinthians", "Harriers", "Borough", "Villa", "Orient",
    "Thistle", "Argyle",
]  # fmt: skip


def _pick(rng: random.Random, words: list[str], count: int) -> list[str]:
    return rng.sample(words, count)


def _person(rng: random.Random) -> str:
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"


def _date(rng: random.Random) -> str:
    return f"{rng.choice(DAYS)}, {rng.choice(MONTHS)} {rng.randint(1, 28)}"


def _market(rng: random.Random) -> str:
    points, share = rng.randint(20, 400), rng.uniform(0.1, 2)
    return (
        f"Stocks closed higher on {rng.choice(DAYS)} as investors weighed company results and waited for word from the "
        "central bank on "
        f"interest rates. The benchmark index rose {points} points, or {share:.2f} percent, to "
        f"{rng.randint(20, 39)},{rng.randint(100, 999)}. "
        f"The broader index added {rng.uniform(0.1, 2):.1f} percent and the technology index gained "
        f"{rng.uniform(0.1, 2):.1f} percent. "
        f"Shares of {rng.choice(COMPANIES)} led the gainers after the company said that demand had held up better than "
        "it had feared at the "
        f"start of the quarter. Oil for delivery next month settled at ${rng.uniform(40, 110):.2f} a barrel. Gold stood "
        "little changed, and "
        f"the yield of the ten-year note was {rng.uniform(1, 5):.2f} percent at the close of trading."
    )


def _weather(rng: random.Random) -> str:
    low = rng.randint(20, 60)
    return (
        f"The National Weather Service forecast for the {rng.choice(PLACES)} area calls for partly cloudy skies through "
        "the afternoon with a "
        f"chance of showers of {rng.randint(1, 9)}0 percent toward the evening. Highs will be near "
        f"{low + rng.randint(8, 25)} degrees, and "
        f"lows overnight will be around {low}. Winds from the southwest at {rng.randint(5, 12)} to "
        f"{rng.randint(13, 25)} miles an hour are "
        f"expected, and gusts may be stronger along the shore. The outlook for {rng.choice(DAYS)} is for more of the "
        "same, forecasters "
        "said, with drier air moving in behind the front by the end of the week. Residents were advised to check for "
        "updates before "
        f"they set out, since roads in low places may be under water after heavy rain."
    )


def _crime(rng: random.Random) -> str:
    return (
        f"A {rng.randint(18, 70)}-year-old {rng.choice(PLACES)} man was arrested on {rng.choice(DAYS)} after a break-in "
        "at a store on the "
        f"{rng.randint(100, 9900)} block of {rng.choice(LAST)} Avenue, police said. Officers were called at about "
        f"{rng.randint(1, 12)} a.m. by a "
        f"neighbor who had heard glass break. They found {_person(rng)} behind the building with a bag that held cash "
        "and cigarettes, "
        f"according to a statement of the department. He was taken to the county jail, where he was held on a bond of "
        f"${rng.randint(2, 90)},000 on charges of burglary and criminal mischief. It was not clear whether he had a "
        "lawyer who could speak "
        f"for him. Anyone with information is asked to call the department."
    )


def _football(rng: random.Random) -> str:
    home, away = _pick(rng, PLACES, 2)
    one, two = _pick(rng, CLUBS, 2)
    scorer = rng.choice(LAST)
    return (
        f"{home} {one} beat {away} {two} {rng.randint(2, 5)}-{rng.randint(0, 1)} on {rng.choice(DAYS)} to move up to number "
        f"{rng.randint(2, 15)} in the table. {_person(rng)} opened the scoring after {rng.randint(3, 40)} minutes with "
        "a low shot from the edge "
        f"of the area, and {scorer} made sure of the points in the second half when the visitors failed to clear a "
        "corner. The home side "
        "had most of the ball but had to wait for a second goal, and the goalkeeper made two fine saves before the "
        "break. A crowd of "
        f"{rng.randint(3, 40)},{rng.randint(100, 999)} saw the match. The visitors, who have now lost "
        f"{rng.randint(2, 7)} games in a row, play "
        f"at home next week."
    )


def _earnings(rng: random.Random) -> str:
    return (
        f"{rng.choice(COMPANIES)} Corp. on {rng.choice(DAYS)} reported profit of ${rng.uniform(10, 900):.1f} million in its "
        f"{rng.choice(['first', 'second', 'third', 'fourth'])} quarter. On a per-share basis, the company said it had "
        "net income of "
        f"{rng.randint(11, 99)} cents. Earnings, adjusted for costs that do not recur, came to {rng.randint(11, 99)} "
        "cents per share. The results "
        f"topped the expectations of analysts who were surveyed before the report. The company posted revenue of "
        f"${rng.uniform(1, 9):.2f} billion in the period, which also beat forecasts. Shares of the company have risen "
        f"{rng.randint(2, 40)} percent since the beginning of the year, and stood slightly higher in late trading after "
        "the report."
    )


def _repurchase(rng: random.Random) -> str:
    return (
        "The central bank said it would conduct a "
        f"{rng.choice(['two', 'three', 'four', 'six', 'nine', 'fourteen'])}-day repurchase agreement "
        f"for ${rng.uniform(1, 20):.2f} billion as part of the regular program by which it steers the money market. The "
        "operation is meant "
        "to add reserves to the banking system for a limited time, and dealers had expected it. The rate on overnight "
        "loans stood at "
        f"{rng.uniform(0.5, 6):.2f} percent when the operation was announced, near the level that policy makers aim for. "
        f"The operation settles the same day and runs out on {rng.choice(DAYS)}."
    )


def _earthquake(rng: random.Random) -> str:
    return (
        f"An earthquake with a magnitude of {rng.uniform(3.5, 7.9):.1f} was reported {rng.choice(DAYS)} at "
        f"{rng.randint(1, 12)}:"
        f"{rng.randint(10, 59)} p.m. {rng.randint(5, 90)} miles from {rng.choice(PLACES)}, according to the geological "
        "survey. The quake "
        f"struck at a depth of {rng.uniform(1, 20):.1f} miles. In the past ten days, there have been "
        f"{rng.randint(2, 30)} earthquakes of "
        "similar or greater strength centered nearby. There were no immediate reports of damage or injury, an official "
        "said, and no "
        "warning of high waves was issued for the coast. This information comes from the notification service of the "
        "survey, and it "
        f"was reviewed by an editor before it was published."
    )


def _lottery(rng: random.Random) -> str:
    drawn = ", ".join(str(number) for number in sorted(rng.sample(range(1, 69), 5)))
    return (
        f"The winning numbers drawn in the game of {_date(rng)} were {drawn}, and the bonus ball was "
        f"{rng.randint(1, 26)}. Nobody matched all "
        f"of them, so the estimated jackpot grows to ${rng.randint(20, 900)} million for the next drawing, officials of "
        "the lottery said. "
        f"{rng.randint(2, 90)} tickets matched enough numbers for a smaller prize. Tickets cost two dollars each and "
        "are sold in most "
        "states until an hour before the drawing, which is shown live on television. Players should sign the back of "
        "their tickets and "
        f"keep them in a safe place until they have checked the numbers with a retailer."
    )


def _traffic(rng: random.Random) -> str:
    return (
        f"A crash involving {rng.choice(['two', 'three', 'four', 'five'])} vehicles closed lanes of Interstate "
        f"{rng.randint(5, 95)} near "
        f"{rng.choice(PLACES)} on {rng.choice(DAYS)}, the highway patrol said. The crash was reported about "
        f"{rng.randint(1, 12)} p.m. and "
        f"traffic was backed up for {rng.randint(2, 14)} miles at one time while crews worked to clear the road. "
        f"{rng.choice(['Two', 'Three', 'Four', 'Six'])} people were taken to a hospital with injuries that were not "
        "thought to threaten "
        "their lives. Troopers asked drivers to find another way and to leave room for crews at the side of the road. "
        "The cause of the "
        f"crash was under investigation, and all lanes were open again by the evening."
    )


def _obituary(rng: random.Random) -> str:
    name, last = rng.choice(FIRST), rng.choice(LAST)
    return (
        f"{name} {last}, {rng.randint(60, 99)}, of {rng.choice(PLACES)}, died {rng.choice(DAYS)} at home after a long "
        "illness. A service will be "
        f"held at {rng.randint(9, 12)} a.m. {_date(rng)} at the chapel, with burial to follow in the cemetery beside "
        "the church. "
        f"Visitation will be from five to seven the evening before. Born in {rng.choice(PLACES)}, {last} worked for "
        f"{rng.randint(11, 45)} "
        f"years at the mill and was a member of the church choir and of the gardening club. Survivors include "
        f"{rng.choice(['two', 'three', 'four', 'five'])} children and {rng.randint(3, 14)} grandchildren. In place of "
        "flowers, the family asks "
        f"for gifts to the hospice that cared for its patient with such kindness in the last months."
    )


def _election(rng: random.Random) -> str:
    one, two = _pick(rng, LAST, 2)
    share = rng.uniform(50.1, 69)
    return (
        f"{rng.choice(FIRST)} {one} held a lead over {rng.choice(FIRST)} {two} in the race for mayor of "
        f"{rng.choice(PLACES)} on "
        f"{rng.choice(DAYS)} with {rng.randint(20, 99)} percent of precincts counted. Unofficial returns from the "
        "county gave the leader "
        f"{share:.1f} percent of the vote to {100 - share - 0.1:.1f} percent for the challenger. Turnout was "
        f"{rng.randint(21, 75)} percent of "
        "registered voters, the clerk of the county said, and ballots that came by mail were still to be counted. "
        "Neither campaign "
        "had claimed victory or conceded when the count was stopped for the night. Results become official when the "
        "board meets "
        f"to certify them later this month."
    )


def _appointment(rng: random.Random) -> str:
    name, last = rng.choice(FIRST), rng.choice(LAST)
    return (
        f"{rng.choice(COMPANIES)} has named {name} {last} its chief financial officer, the company said on "
        f"{rng.choice(DAYS)}. {last} joins "
        f"from {rng.choice(COMPANIES)}, where {rng.randint(3, 19)} years were spent in posts of growing responsibility, "
        "and takes over on "
        f"{rng.choice(MONTHS)} {rng.randint(1, 28)} from {_person(rng)}, who is to retire. The board had looked for a "
        "successor within the company "
        "and outside it since the spring. In the new post, which reports to the chief executive, the duties include "
        "accounting, taxes, "
        f"the treasury and relations with investors. The company, which employs about {rng.randint(2, 80)},000 people, "
        "left its forecast "
        f"for the year as it was."
    )


TEMPLATES: tuple[Callable[[random.Random], str], ...] = (
    _market, _weather, _crime, _football, _earnings, _repurchase, _earthquake, _lottery, _traffic, _obituary,
    _election, _appointment,
)  # fmt: skip

# Clauses that are put together at random, so that two sentences seldom share more than a few words in a row.
_OPENINGS = (
    "According to {p}", "In {P}", "Since {M}", "On {D}", "After {u} {n}s", "At {C}", "Critics say",
    "By the {n} of {y}", "For {a} {n}s",
    "With {u} others", "Near the {n} of {P}", "Without {a} {n}", "Before {p} left {P}",
    "Under the {n} of {C}", "When {p} spoke", "Even so",
)  # fmt: skip
_SUBJECTS = (
    "the {n} of {P}", "{p}", "{C}", "a {a} {n}", "nobody at {C}", "the {a} {n}", "{u} people", "every {n}",
    "the {n} and its {n}", "{p} of {C}",
    "no {a} {n}", "about {u} percent of the {n}s", "the council of {P}", "that {n}", "the {n}'s {a} {n}", "one {n} in {u}",
)  # fmt: skip
_VERBS = (
    "would {v}", "had {v}ed", "may yet {v}", "agreed to {v}", "has begun to {v}", "could not {v}",
    "was asked to {v}", "should {v}", "will {v}",
    "did not {v}", "went on to {v}", "tried to {v}", "is to {v}", "never {v}ed", "said it would {v}", "hoped to {v}",
)  # fmt: skip
_OBJECTS = (
    "the {n}", "a {n} worth ${m} million", "{u} {n}s", "what the {n} called {a}", "its {a} {n}", "{p}",
    "the {n} of {n}", "any {a} {n}", "{C}",
    "the road to {P}", "more {n} than {n}", "each {n} in {P}", "an offer of ${m} million",
    "the {n} that {p} led", "both {n}s", "some {n}",
)  # fmt: skip
_ENDINGS = (
    ".", " in {M}.", " for {u} years.", ", {p} said.", " by {D}.", " and {v} it.", ", the {n} found.",
    " near {P}.", " since {y}.", " again.",
    " with {a} {n}.", " as a {n}.", ", which is {a}.", " against the {n}.", " out of {n}.", ", but only in {P}.",
)  # fmt: skip


class Prose:
    """Write articles of invented matter: sentences of clauses filled with words, names, numbers and dates."""

    def __init__(self, words: list[str], rng: random.Random) -> None:
        self._rng = rng
        self._words = [word for word in words if len(word) > 3 and word.isascii() and word.isalpha()][150:9000]

    def sentence(self) -> str:
        """Return one sentence."""
        rng = self._rng
        opening = rng.choice(_OPENINGS) + ", " if rng.random() < 0.5 else ""
        made = opening + " ".join(rng.choice(part) for part in (_SUBJECTS, _VERBS, _OBJECTS)) + rng.choice(_ENDINGS)
        fill: dict[str, Callable[[], str]] = {
            "{n}": lambda: rng.choice(self._words), "{a}": lambda: rng.choice(self._words),
            "{v}": lambda: rng.choice(self._words),
            "{p}": lambda: _person(rng), "{P}": lambda: rng.choice(PLACES), "{D}": lambda: rng.choice(DAYS),
            "{M}": lambda: rng.choice(MONTHS), "{C}": lambda: rng.choice(COMPANIES), "{u}": lambda: str(rng.randint(2, 900)),
            "{m}": lambda: f"{rng.uniform(1, 90):.1f}", "{y}": lambda: str(rng.randint(1990, 2024)),
        }  # fmt: skip
        for slot, value in fill.items():
            while slot in made:
                made = made.replace(slot, value(), 1)
        return made[0].upper() + made[1:]

    def article(self, words: int) -> str:
        """Return an article of about so many words: a headline, a dateline, paragraphs of one to four sentences."""
        rng = self._rng
        headline = " ".join(rng.choice(self._words) for _ in range(rng.randint(5, 9))).capitalize()
        lines: list[str] = []
        while sum(len(line.split()) for line in lines) < words:
            lines.append(" ".join(self.sentence() for _ in range(rng.randint(1, 4))))
        return f"{headline}\n\n{rng.choice(PLACES).upper()} ({rng.choice(['AP', 'Reuters'])}) — " + "\n\n".join(lines)
