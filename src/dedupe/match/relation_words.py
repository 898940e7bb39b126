"""Words that are facts or stand beside them: numbers, months, days, titles, agencies, places with two names."""

from __future__ import annotations

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"

# Only words that mean nothing else in English: "once" is eleven in Spanish, "cent" a hundred in French, "due" two in Italian.
_OTHERS = {
    "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9, "zehn": 10, "zwölf": 12,
    "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "huit": 8, "neuf": 9, "dix": 10, "onze": 11, "douze": 12, "vingt": 20,
    "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8, "nueve": 9, "diez": 10, "doce": 12,
    "tre": 3, "quattro": 4, "cinque": 5, "sette": 7, "otto": 8, "nove": 9, "dieci": 10, "dodici": 12, "venti": 20,
    "dois": 2, "três": 3, "quatro": 4, "sete": 7, "oito": 8, "dez": 10, "doze": 12,
}  # fmt: skip

# What one word is worth as a number.
NUMBERS: dict[str, int] = {
    **_OTHERS,
    **{word: value for value, word in enumerate(_UNITS.split())},
    **{word: 10 * value for value, word in enumerate(_TENS.split(), 2)},
    **{word: value for value, word in enumerate(_ORDINALS.split(), 1)},
    "dozen": 12,
}

# What a number before these words is multiplied by; as letters right behind digits too ("30k", "$2bn"). In digits as spun
# text has them: "$88.6 1000000".
MULTIPLIERS: dict[str, float] = {
    "hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
    "millionen": 1e6, "milliarden": 1e9, "millions": 1e6, "milliards": 1e9, "millones": 1e6, "milioni": 1e6, "milhões": 1e6,
    "mil": 1e6, "bil": 1e9, "1000": 1e3, "1000000": 1e6, "1000000000": 1e9,
}  # fmt: skip
SUFFIXES: dict[str, float] = {"k": 1e3, "m": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9, "tn": 1e12, "trn": 1e12}

_MONTHS = (
    "january jan januar janvier enero gennaio janeiro",
    "february feb februar février febrero febbraio fevereiro",
    "march märz marzo março",
    "april apr avril abril aprile",
    "mayo maggio maio",  # "may" counts only with a capital: see MONTHS below
    "june juni juin junio giugno junho jun",
    "july juli juillet julio luglio julho jul",
    "august aug août agosto",
    "september sep sept septembre septiembre settembre setembro",
    "october oct oktober octobre octubre ottobre outubro okt",
    "november nov novembre noviembre novembro",
    "december dec dezember décembre diciembre dicembre dezembro dez",
)
_DAYS = (
    "monday mon montag lundi lunes lunedì",
    "tuesday tue tues dienstag mardi martes martedì",
    "wednesday wed mittwoch mercredi miércoles mercoledì",
    "thursday thu thur thurs donnerstag jeudi jueves giovedì",
    "friday fri freitag vendredi viernes venerdì",
    "saturday sat samstag sonnabend samedi sábado sabato",
    "sunday sun sonntag dimanche domingo domenica",
)

# Months as 1 to 12, days as 1 to 7. Those that are plain words too count only where they are written with a capital.
MONTHS: dict[str, int] = {word: number for number, words in enumerate(_MONTHS, 1) for word in words.split()} | {
    "may": 5,
    "mai": 5,
}
DAYS: dict[str, int] = {word: number for number, words in enumerate(_DAYS, 1) for word in words.split()}
CAPITAL_ONLY = frozenset([
    "may", "mai", "march", "sun", "sat", "wed", "mon", "dec", "jan", "dez", "mar",
])  # fmt: skip

TITLES = frozenset([
    "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "sir", "dame", "lord", "lady", "president", "vice",
    "premier", "chancellor", "minister", "prime", "secretary", "senator", "sen", "representative", "rep", "congressman",
    "congresswoman", "governor", "gov", "mayor", "judge", "sheriff", "chief", "captain", "capt", "lieutenant", "lt",
    "sergeant", "sgt", "officer", "detective", "general", "gen", "colonel", "col", "maj", "admiral", "commander", "pope",
    "king", "queen", "prince", "princess", "coach", "director", "chairman", "chairwoman", "ceo", "spokesman", "spokeswoman",
    "attorney", "reverend", "rev", "st", "saint", "jr", "sr", "herr", "frau", "monsieur", "madame", "señor",
])  # fmt: skip

# Who reported it is no fact of what is reported: "told Reuters" and "told the BBC" are one sentence.
AGENCIES = frozenset([
    "ap", "afp", "reuters", "associated", "press", "upi", "bloomberg", "dpa", "efe", "ansa", "xinhua", "tass", "cnn", "bbc",
    "pa", "aap", "cnbc", "fox", "nbc", "abc", "cbs",
])  # fmt: skip

# Words that open sentences, or carry a capital in headlines, and are never names.
PLAIN = frozenset([
    "a", "an", "the", "this", "that", "these", "those", "and", "or", "but", "nor", "so", "yet", "if", "as", "at", "by",
    "for", "from", "in", "into", "of", "off", "on", "onto", "out", "over", "to", "up", "with", "within", "without", "after",
    "before", "during", "since", "until", "while", "when", "where", "who", "whom", "whose", "which", "what", "why", "how",
    "because", "although", "though", "however", "meanwhile", "moreover", "also", "still", "even", "just", "only", "not",
    "no", "yes", "he", "she", "it", "they", "we", "you", "i", "his", "her", "its", "their", "our", "my", "your", "him",
    "them", "us", "me", "is", "are", "was", "were", "be", "been", "being", "has", "have", "had", "do", "does", "did",
    "will", "would", "can", "could", "may", "might", "shall", "should", "must", "said", "says", "say", "there", "here",
    "then", "now", "today", "yesterday", "tomorrow", "tonight", "earlier", "later", "last", "next", "first", "second",
    "third", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "some", "many", "most", "more",
    "all", "both", "each", "every", "any", "few", "several", "about", "around", "nearly", "almost", "more", "than", "per",
    "via", "amid", "among", "against", "between", "under", "above", "across", "through", "police", "officials",
    "authorities", "according",
])  # fmt: skip

# Two spellings of one name that no small number of letters tells to be one.
ALIASES: dict[str, str] = {
    "kiev": "kyiv", "odessa": "odesa", "kharkov": "kharkiv", "lvov": "lviv", "peking": "beijing", "bombay": "mumbai",
    "burma": "myanmar", "rangoon": "yangon", "turkiye": "turkey", "qaeda": "qaida", "hizbullah": "hezbollah",
    "hizballah": "hezbollah",
    "koran": "quran", "saigon": "hochiminh", "daesh": "isis", "isil": "isis", "swaziland": "eswatini", "czechia": "czech",
    "gaddafi": "qaddafi", "kadafi": "qaddafi", "gadhafi": "qaddafi",
}  # fmt: skip

# Every folded word that is a fact although it may begin with a small letter.
FACT_WORDS = tuple(sorted({*NUMBERS, *MULTIPLIERS, *MONTHS, *DAYS} - {"may", "mai"}))
