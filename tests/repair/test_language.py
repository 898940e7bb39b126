"""The language kernel against langdetect itself: the same n-grams, the same answers where langdetect is certain."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langdetect import LangDetectException
from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory

from dedupe.repair import language_profiles
from dedupe.repair.language import MIN_LETTERS, REACH, SAMPLE, LanguageIdentifier

DEVELOPMENT_DATA = Path(__file__).parents[2].parent / "shared" / "data" / "languages-dev.parquet"
SEEDS = range(5)

# Three-letter codes of the development data whose language langdetect has.
LANGDETECT_CODES = {
    "afr": "af", "arb": "ar", "ben": "bn", "bul": "bg", "cat": "ca", "ces": "cs", "cym": "cy", "dan": "da", "deu": "de",
    "ell": "el", "eng": "en", "eng-GB": "en", "eng-IN": "en", "eng-US": "en", "est": "et", "fas": "fa", "fil": "tl",
    "fin": "fi", "fra": "fr", "fra-CA": "fr", "guj": "gu", "heb": "he", "hin": "hi", "hrv": "hr", "hun": "hu",
    "ind": "id", "ita": "it", "jpn": "ja", "kan": "kn", "kor": "ko", "lav": "lv", "lit": "lt", "mal": "ml", "mar": "mr",
    "mkd": "mk", "nep": "ne", "nld": "nl", "nob": "no", "pan": "pa", "pol": "pl", "por": "pt", "por-BR": "pt",
    "ron": "ro", "rus": "ru", "slk": "sk", "slv": "sl", "som": "so", "spa": "es", "spa-MX": "es", "sqi": "sq",
    "swa": "sw", "swe": "sv", "tam": "ta", "tel": "te", "tha": "th", "tur": "tr", "ukr": "uk", "urd": "ur", "vie": "vi",
    "zho-CN": "zh-cn", "zho-TW": "zh-tw",
}  # fmt: skip

TEXTS = {
    "en": "The council decided on Tuesday that the old library would stay open for another year, although repairs "
    "will cost far more than expected. Residents had collected four thousand signatures, and many of them waited "
    "outside the town hall until the vote was announced late in the evening.",
    "de": "Der Stadtrat hat am Dienstag beschlossen, dass die alte Bibliothek noch ein weiteres Jahr geöffnet "
    "bleibt, obwohl die Reparaturen deutlich teurer werden als erwartet. Viele Bürger warteten bis spät am Abend "
    "vor dem Rathaus auf das Ergebnis der Abstimmung.",
    "fr": "Le conseil municipal a décidé mardi que l'ancienne bibliothèque resterait ouverte une année de plus, "
    "bien que les travaux coûtent beaucoup plus cher que prévu. De nombreux habitants ont attendu devant la mairie "
    "jusqu'à l'annonce du vote, tard dans la soirée.",
    "es": "El ayuntamiento decidió el martes que la antigua biblioteca seguirá abierta un año más, aunque las obras "
    "costarán mucho más de lo previsto. Muchos vecinos esperaron delante del edificio hasta que se anunció el "
    "resultado de la votación, ya entrada la noche.",
    "it": "Il consiglio comunale ha deciso martedì che la vecchia biblioteca resterà aperta ancora un anno, anche "
    "se i lavori costeranno molto più del previsto. Molti cittadini hanno aspettato davanti al municipio fino "
    "all'annuncio del risultato, arrivato nella tarda serata.",
    "pt": "A câmara municipal decidiu na terça-feira que a antiga biblioteca continuará aberta por mais um ano, "
    "embora as obras custem muito mais do que se esperava. Muitos moradores esperaram diante do edifício até o "
    "anúncio do resultado da votação, já tarde da noite.",
    "nl": "De gemeenteraad heeft dinsdag besloten dat de oude bibliotheek nog een jaar open blijft, hoewel de "
    "herstelwerkzaamheden veel duurder worden dan verwacht. Veel bewoners wachtten buiten het stadhuis tot de "
    "uitslag van de stemming laat in de avond bekend werd gemaakt.",
    "sv": "Kommunfullmäktige beslutade på tisdagen att det gamla biblioteket ska hållas öppet i ytterligare ett år, "
    "trots att reparationerna blir mycket dyrare än väntat. Många invånare väntade utanför stadshuset tills "
    "resultatet av omröstningen meddelades sent på kvällen.",
    "fi": "Kaupunginvaltuusto päätti tiistaina, että vanha kirjasto pidetään auki vielä vuoden ajan, vaikka "
    "korjaukset tulevat maksamaan paljon odotettua enemmän. Monet asukkaat odottivat kaupungintalon edessä, kunnes "
    "äänestyksen tulos julkistettiin myöhään illalla.",
    "pl": "Rada miasta zdecydowała we wtorek, że stara biblioteka pozostanie otwarta jeszcze przez rok, chociaż "
    "remont będzie kosztował znacznie więcej, niż się spodziewano. Wielu mieszkańców czekało przed ratuszem, aż "
    "późnym wieczorem ogłoszono wynik głosowania.",
    "cs": "Zastupitelstvo města v úterý rozhodlo, že stará knihovna zůstane otevřená ještě další rok, přestože "
    "opravy budou stát mnohem víc, než se čekalo. Mnoho obyvatel čekalo před radnicí, dokud nebyl pozdě večer "
    "oznámen výsledek hlasování o rozpočtu.",
    "tr": "Belediye meclisi salı günü eski kütüphanenin bir yıl daha açık kalmasına karar verdi, ancak onarımlar "
    "beklenenden çok daha pahalıya mal olacak. Birçok kişi oylamanın sonucu gece geç saatlerde açıklanana kadar "
    "belediye binasının önünde bekledi.",
    "vi": "Hội đồng thành phố hôm thứ Ba đã quyết định rằng thư viện cũ sẽ mở cửa thêm một năm nữa, mặc dù chi phí "
    "sửa chữa cao hơn nhiều so với dự kiến. Nhiều người dân đã chờ bên ngoài tòa thị chính cho đến khi kết quả bỏ "
    "phiếu được công bố vào buổi tối muộn.",
    "ru": "Городской совет во вторник решил, что старая библиотека останется открытой ещё на один год, хотя ремонт "
    "обойдётся гораздо дороже, чем ожидалось. Многие жители ждали перед зданием мэрии, пока поздно вечером не "
    "объявили результаты голосования.",
    "uk": "Міська рада у вівторок вирішила, що стара бібліотека залишиться відкритою ще на один рік, хоча ремонт "
    "коштуватиме набагато дорожче, ніж очікувалося. Багато мешканців чекали перед будівлею, поки пізно ввечері не "
    "оголосили результати голосування.",
    "el": "Το δημοτικό συμβούλιο αποφάσισε την Τρίτη ότι η παλιά βιβλιοθήκη θα μείνει ανοιχτή για έναν ακόμη χρόνο, "
    "αν και οι επισκευές θα κοστίσουν πολύ περισσότερο από όσο αναμενόταν. Πολλοί κάτοικοι περίμεναν έξω από το "
    "δημαρχείο μέχρι αργά το βράδυ.",
    "zh-cn": "市议会星期二决定,尽管维修费用远远高于预期,旧图书馆仍将继续开放一年。许多居民在市政厅外等待,直到深夜才"
    "公布投票结果。市长表示,这个决定对于孩子们和老人来说非常重要,政府将在明年春天开始进行修理工作。",
    "ja": "市議会は火曜日、修理の費用が予想よりもはるかに高くなるにもかかわらず、古い図書館をもう一年開けておくこと"
    "を決めた。多くの住民は、夜遅くに投票の結果が発表されるまで市役所の外で待っていた。",
    "ko": "시의회는 화요일에 수리 비용이 예상보다 훨씬 많이 들지만 오래된 도서관을 일 년 더 열어 두기로 결정했다. "
    "많은 주민들은 밤늦게 투표 결과가 발표될 때까지 시청 앞에서 기다렸다.",
    "th": "สภาเมืองตัดสินใจเมื่อวันอังคารว่าห้องสมุดเก่าจะเปิดให้บริการต่อไปอีกหนึ่งปี "
    "แม้ว่าค่าซ่อมแซมจะสูงกว่าที่คาดไว้มาก",
    "he": "מועצת העיר החליטה ביום שלישי שהספרייה הישנה תישאר פתוחה עוד שנה אחת, אף שהתיקונים יעלו הרבה יותר מהצפוי.",
    "ar": "قرر مجلس المدينة يوم الثلاثاء أن تبقى المكتبة القديمة مفتوحة لمدة عام آخر، رغم أن الإصلاحات ستكلف أكثر "
    "بكثير مما كان متوقعا.",
    "hi": "नगर परिषद ने मंगलवार को फैसला किया कि पुराना पुस्तकालय एक और साल तक खुला रहेगा, हालांकि मरम्मत पर उम्मीद "
    "से कहीं ज्यादा खर्च आएगा।",
}  # fmt: skip

TRICKY = (
    "see https://example.com/a?b=c and x@y.com or a.b-c@d.e.f, or a@b, @, h@tt https:// httpshttp://x",
    "a@http://x.com aa@bc aa@b aa@b. aa@b.c aa@.bc a@bhttp://x a@bchttps://x s://x ttps://x http://http://a",
    "x" * 70 + "@" + "y" * 300 + ".com " + "z" * 255 + "@" + "w" * 600,
    "http://" + "a" * 3000 + " b",
    "NASA FBI NASAa aB ABc \u00c0\u00c9 \u0416\u0416\u0436 \U00010400\U00010400A \U0001d400B c",
    "Tie\u0301ng Vie\u0323\u0302t a\u0302\u0301 e\u0301\u0301 \u0301a \u00e2\u0301 https://a\u0301",
    "one\u00a0two\u00ab\u00bb\u00b0 \u2014 \u2019 \u3000\u3042\u30a2\u3105\u31a0 \uac01\ud55c \u06cc\u0219\u021b",
    "\u1ea1\u1e00 \u1ebb\u1eff",
    "\u0430\u0431\u0432 abc \u0433\u0434\u0435[\\]^_`\u0436\u0437\u0438\u0439\u043a\u043b\u043c",
    "\x00\x00a\x00\u0323 \u200b\ufeff\U0010ffff",
)

HEADLINES = (
    "Goal!", "Update:", "Photos", "Video", "Live", "Breaking news", "Read more", "Opinion", "NASA", "BREAKING", "Tor!",
    "¡Gol!", "Fotos", "Covid-19", "12345 67 2020-01-01", "3-2 (1:1) 45' +2", "…", "\u200b", " \n\t", "", "😀😀😀" * 20,
    "https://example.com/the-council-decided-on-tuesday-that-the-library-stays-open",
)  # fmt: skip


@pytest.fixture(scope="module")
def identifier() -> LanguageIdentifier:
    return LanguageIdentifier()


@pytest.fixture(scope="module")
def factory() -> DetectorFactory:
    factory = DetectorFactory()
    factory.load_profile(PROFILES_DIRECTORY)
    return factory


def told(identifier: LanguageIdentifier, texts: list[str | None]) -> list[str]:
    names: list[str] = identifier.identify(pa.array(texts, pa.string()))[0].to_pylist()
    return names


def bcp47(code: str) -> str:
    return {"zh-cn": "zh-Hans", "zh-tw": "zh-Hant"}.get(code, code)


def gains_by_langdetect(factory: DetectorFactory, text: str) -> tuple[np.ndarray, int]:
    detector = factory.create()
    detector.append(text)
    detector.cleaning_text()
    order = np.argsort(factory.langlist)
    gains = np.zeros(len(order))
    grams = detector._extract_ngrams()
    for gram in grams:
        gains += np.log1p(np.array(factory.word_lang_prob_map[gram])[order] / language_profiles.SMOOTHING)
    return gains, len(grams)


def certain(factory: DetectorFactory, text: str) -> str | None:
    """Return langdetect's answer where it is one and the same, at 0.99 or more, over all seeds and 200 letters."""
    if sum(letter.isalpha() for letter in text) < 200:
        return None
    answers = set()
    for seed in SEEDS:
        factory.set_seed(seed)
        detector = factory.create()
        detector.append(text)
        best = detector.get_probabilities()[0]
        if best.prob < 0.99:
            return None
        answers.add(str(best.lang))
    return answers.pop() if len(answers) == 1 else None


def check_gains(identifier: LanguageIdentifier, factory: DetectorFactory, text: str) -> None:
    sums, _ = identifier._add_up(pa.array([text], pa.string()), sample=40_000, reach=40_000)
    expected, _ = gains_by_langdetect(factory, text)
    np.testing.assert_allclose(sums[0], expected, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("text", [*TRICKY, *TEXTS.values()])
def test_gains_are_the_sum_over_langdetects_own_ngrams(
    identifier: LanguageIdentifier, factory: DetectorFactory, text: str
) -> None:
    check_gains(identifier, factory, text)


PIECES = st.sampled_from(
    ["http://", "https://", "https", "://", "/", "@", ".", "a", "S", "USA", " ", "\n", "e\u0301", "\u0323", "\u00c2",
     "\u0416", "\u0438", "\u4e2d", "\u3042", "\uac00", "\x00", "\U00010400", "x.y@z-1.org", "\u2019", "\u1ea0"]
)  # fmt: skip
ANY_TEXT = st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), st.lists(PIECES, max_size=60).map("".join))


@given(text=ANY_TEXT)
@settings(max_examples=300, deadline=None)
def test_gains_equal_langdetects_on_any_text(identifier: LanguageIdentifier, factory: DetectorFactory, text: str) -> None:
    check_gains(identifier, factory, text)


@given(texts=st.lists(st.one_of(st.none(), ANY_TEXT, st.sampled_from(list(TEXTS.values()))), max_size=12), data=st.data())
@settings(max_examples=60, deadline=None)
def test_batches_slices_and_nulls_change_nothing(
    identifier: LanguageIdentifier, texts: list[str | None], data: st.DataObject
) -> None:
    whole = pa.array(texts, pa.string())
    start = data.draw(st.integers(0, len(texts)))
    names, scores = identifier.identify(whole)
    assert names.type == pa.string()
    assert scores.type == pa.float32()
    parts = [identifier.identify(part) for part in (whole.slice(0, start), whole.slice(start))]
    assert pa.concat_arrays([part[0] for part in parts]) == names
    assert pa.concat_arrays([part[1] for part in parts]) == scores
    assert identifier.identify(whole.cast(pa.large_string()))[0] == names
    single = [identifier.identify(pa.array([text], pa.string())) for text in texts]
    assert [name[0].as_py() for name, _ in single] == names.to_pylist()
    assert [score[0].as_py() for _, score in single] == scores.to_pylist()
    for text, name, score in zip(texts, names.to_pylist(), scores.to_pylist(), strict=True):
        assert 0.0 <= score <= 1.0
        assert (score == 0.0) == (name == "und")
        if text is None:
            assert name == "und"


@given(content=st.binary(max_size=4000), cuts=st.lists(st.integers(0, 4000), max_size=6))
@settings(max_examples=100, deadline=None)
def test_broken_utf8_is_harmless(identifier: LanguageIdentifier, content: bytes, cuts: list[int]) -> None:
    offsets = np.array([0, *sorted(min(cut, len(content)) for cut in cuts), len(content)], np.int32)
    column = pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(content))
    names, scores = identifier.identify(column)
    assert len(names) == len(scores) == len(offsets) - 1
    assert set(names.to_pylist()) <= set(identifier.languages)


@pytest.mark.parametrize("language", TEXTS)
def test_text_in_many_languages(identifier: LanguageIdentifier, factory: DetectorFactory, language: str) -> None:
    assert told(identifier, [TEXTS[language]]) == [bcp47(language)]
    answer = certain(factory, TEXTS[language])
    assert answer in (None, language)


@pytest.mark.parametrize("language", [code for code in TEXTS if code not in ("zh-cn", "ja", "ko", "th")])
def test_one_sentence_is_enough(identifier: LanguageIdentifier, language: str) -> None:
    sentence = TEXTS[language].split(",")[0]
    assert told(identifier, [(sentence + TEXTS[language][len(sentence) :])[:110]]) == [language]


@pytest.mark.parametrize("headline", HEADLINES)
def test_what_is_too_short_to_tell_is_undetermined(identifier: LanguageIdentifier, headline: str) -> None:
    names, scores = identifier.identify(pa.array([headline]))
    assert names.to_pylist() == ["und"]
    assert scores.to_pylist() == [0.0]


def test_the_shortest_text_that_is_told(identifier: LanguageIdentifier) -> None:
    letters = "whether the weather will hold through the night"
    enough = next(i for i in range(len(letters)) if sum(c.isalpha() for c in letters[:i]) == MIN_LETTERS)
    assert told(identifier, [letters[: enough - 1], letters[:enough]]) == ["und", "en"]


@pytest.mark.parametrize(
    "text",
    [
        "Քաղաքային խորհուրդը երեքշաբթի որոշեց, որ հին գրադարանը բաց կմնա ևս մեկ տարի, թեև վերանորոգումը թանկ կարժենա։",
        "საქალაქო საბჭომ სამშაბათს გადაწყვიტა, რომ ძველი ბიბლიოთეკა კიდევ ერთი წელი ღია დარჩება.",
        "Lorem 12 ipsum 34 qzx wvk jjq xkz vvw qqj zzk xwq kkv jxz qvw zkj xxq wvz kqj zvx",
    ],
)
def test_a_language_without_a_profile_is_undetermined(identifier: LanguageIdentifier, text: str) -> None:
    assert told(identifier, [text]) == ["und"]


def test_only_the_first_bytes_are_read_from_several_places(identifier: LanguageIdentifier) -> None:
    english, german = (TEXTS[code] + "\n" for code in ("en", "de"))
    body = english * (REACH // len(english) + 1)
    assert told(identifier, [body, body + german * 200]) == ["en", "en"]
    assert identifier.identify(pa.array([body[:REACH]]))[1] == identifier.identify(pa.array([body[:REACH] + german]))[1]
    # A sample of the opening alone would take this for German.
    assert told(identifier, [german * (SAMPLE // len(german)) + english * 30]) == ["en"]


def test_codes_are_bcp47(identifier: LanguageIdentifier) -> None:
    assert len(set(identifier.languages)) == 56
    assert identifier.languages[-1] == "und"
    assert {"zh-Hans", "zh-Hant", "no", "tl", "he"} <= set(identifier.languages)
    assert not {"zh-cn", "zh-tw"} & set(identifier.languages)


@pytest.fixture(scope="module")
def built() -> language_profiles.Profiles:
    return language_profiles.build_profiles()


@pytest.fixture
def cache(tmp_path: Path, built: language_profiles.Profiles, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a cache of its own; building takes a second and is done once."""
    monkeypatch.setattr(language_profiles, "cache_dir", lambda: tmp_path)
    monkeypatch.setattr(language_profiles, "build_profiles", lambda: built)
    return tmp_path


def test_a_second_load_reads_what_the_first_wrote(
    cache: Path, built: language_profiles.Profiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_same(language_profiles.load_profiles(), built)
    monkeypatch.setattr(language_profiles, "build_profiles", lambda: pytest.fail("built again"))
    check_same(language_profiles.load_profiles(), built)
    assert len(list(cache.iterdir())) == 1


def test_a_broken_cache_is_written_anew(cache: Path, built: language_profiles.Profiles) -> None:
    language_profiles.load_profiles()
    (path,) = cache.iterdir()
    content = path.read_bytes()
    heading = content.index(b'"codes"')
    for wrong in (
        b"",
        content[:1000],
        content[:-1],
        content.replace(b'"af"', b"{{{{"),
        content[:heading] + b"x" * 200 + content[heading + 200 :],
    ):
        path.write_bytes(wrong)
        check_same(language_profiles.load_profiles(), built)
        assert path.read_bytes() == content


def test_without_a_cache_folder_nothing_is_written(
    cache: Path, built: language_profiles.Profiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language_profiles, "cache_dir", lambda: None)
    check_same(language_profiles.load_profiles(), built)
    assert list(cache.iterdir()) == []


def check_same(left: language_profiles.Profiles, right: language_profiles.Profiles) -> None:
    assert left.codes == right.codes
    for name in language_profiles._ARRAYS:
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))
        assert not getattr(left, name).flags.writeable


@pytest.mark.parametrize("name", ["slots", "starts", "languages", "vietnamese"])
def test_arrays_that_would_lead_a_kernel_astray_are_not_used(name: str, cache: Path, built: language_profiles.Profiles) -> None:
    wrong = getattr(built, name).copy()
    wrong.reshape(-1)[7] = np.iinfo(wrong.dtype).max
    path = cache / "wrong.npy"
    language_profiles._write(path, built)
    assert language_profiles._read(path) is not None
    language_profiles._write(path, dataclasses.replace(built, **{name: wrong}))
    assert language_profiles._read(path) is None


def test_a_disk_that_cannot_be_written_costs_only_time(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert len(language_profiles.load_profiles().codes) == 55
    assert list(cache.iterdir()) == []


def test_loading_takes_under_30_ms(cache: Path) -> None:
    language_profiles.load_profiles()
    times = []
    for _ in range(5):
        start = time.process_time()
        LanguageIdentifier()
        times.append(time.process_time() - start)
    assert min(times) < 0.03


def test_langdetect_is_not_imported_once_the_cache_is_there(cache: Path) -> None:
    language_profiles._write(cache / language_profiles._cache_name(), language_profiles.build_profiles())
    code = (
        "import sys; from dedupe.repair.language import LanguageIdentifier; LanguageIdentifier(); "
        "print('langdetect' in sys.modules)"
    )
    environment = {**os.environ, "DEDUPE_CACHE_DIR": str(cache)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "False"


# langdetect takes 20 ms a text and seed. Every third document is asked for, unless this is set: it then takes two minutes.
EVERYTHING = "DEDUPE_TEST_EVERYTHING"


def development_texts(per_language: int, step: int = 1) -> list[tuple[str, str]]:
    if not DEVELOPMENT_DATA.is_file():
        pytest.skip("the development data is not beside the project: ../shared/data/languages-dev.parquet")
    table = pq.read_table(DEVELOPMENT_DATA, columns=["lang", "text"]).to_pylist()
    taken: dict[str, list[str]] = {}
    for row in table:
        if row["lang"] in LANGDETECT_CODES and len(taken.setdefault(row["lang"], [])) < per_language:
            taken[row["lang"]].append(row["text"])
    return [(LANGDETECT_CODES[lang], text) for lang, texts in taken.items() for text in texts[::step]]


@pytest.mark.parametrize(
    ("per_language", "step"),
    [
        pytest.param(2, 1, id="some"),
        pytest.param(10_000, 1 if os.environ.get(EVERYTHING) else 3, id="many", marks=pytest.mark.slow),
    ],
)
def test_langdetects_answer_wherever_it_is_certain(
    identifier: LanguageIdentifier, factory: DetectorFactory, per_language: int, step: int
) -> None:
    documents = development_texts(per_language, step)
    answers = [certain(factory, text) for _, text in documents]
    names = told(identifier, [text for _, text in documents])
    differ = [(name, sure) for name, sure in zip(names, answers, strict=True) if sure and name != bcp47(sure)]
    assert differ == []
    assert sum(sure is not None for sure in answers) > 0.9 * len(documents)


def test_at_least_langdetects_accuracy(identifier: LanguageIdentifier, factory: DetectorFactory) -> None:
    documents = development_texts(10)
    names = told(identifier, [text for _, text in documents])
    ours = sum(name == bcp47(language) for name, (language, _) in zip(names, documents, strict=True))
    theirs = 0
    factory.set_seed(0)
    for language, text in documents:
        detector = factory.create()
        detector.append(text)
        try:
            theirs += detector.detect() == language
        except LangDetectException:
            continue
    assert ours >= theirs
    assert ours >= 0.995 * len(documents)


def test_most_documents_in_other_languages_are_undetermined(identifier: LanguageIdentifier) -> None:
    if not DEVELOPMENT_DATA.is_file():
        pytest.skip("the development data is not beside the project: ../shared/data/languages-dev.parquet")
    table = pq.read_table(DEVELOPMENT_DATA, columns=["lang", "text"]).to_pylist()
    texts = [row["text"] for row in table if row["lang"] not in LANGDETECT_CODES]
    assert told(identifier, texts).count("und") > 0.6 * len(texts)
