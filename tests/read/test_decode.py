"""Bytes to text: each source of knowledge, in its order, and what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedupe.read.decode import decode, replace_surrogates, wide_kind
from dedupe.read.reasons import BadInputError

from .conftest import RECORD_FORMATS, read_paths

GERMAN = (
    "Der Bürgermeister eröffnete am Freitag die neue Brücke über den Fluss. Viele Gäste kamen, und es gab Würstchen für alle. "
    * 3
)
RUSSIAN = "Мэр города открыл в пятницу новый мост через реку. Пришло много гостей, и погода была хорошая. " * 3


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"])
def test_marked_and_wide_text(codec):
    got = decode(GERMAN.encode(codec))
    assert got.text == GERMAN
    assert got.decoded_as
    assert got.event


@pytest.mark.parametrize(("codec", "text"), [("cp1251", RUSSIAN), ("koi8-r", RUSSIAN), ("cp1252", GERMAN)])
def test_a_guess_is_right_and_said(codec, text):
    got = decode(text.encode(codec))
    assert got.text == text
    assert got.event == f"charset_guessed:{got.decoded_as}"


def test_plain_utf8_is_nothing_to_say():
    assert decode(GERMAN.encode()) == (type(decode(b""))(GERMAN, None, None))


@pytest.mark.parametrize(
    "head",
    [
        '<meta charset="windows-1251">',
        "<META http-equiv=Content-Type content='text/html; charset=cp1251'>",
        '<?xml version="1.0" encoding="windows-1251"?>',
    ],
)
def test_a_page_may_declare_its_charset(head):
    got = decode((head + RUSSIAN).encode("cp1251"), markup=True)
    assert got.text == head + RUSSIAN
    assert got.event == "charset_declared:cp1251"


def test_latin_1_means_windows_1252_and_nonsense_means_nothing():
    assert decode("“quoted” – café".encode("cp1252"), "iso-8859-1").text == "“quoted” – café"
    assert decode(b"\x81 caf\xe9", "iso-8859-1").text == "\x81 café"
    for label in ("none", "rot13", "idna", "undefined", "utf-7"):
        assert decode(GERMAN.encode(), label).text == GERMAN


def test_a_page_that_says_utf8_keeps_its_few_broken_bytes_visible():
    got = decode(b'<meta charset="utf-8">' + GERMAN.encode() + b" cut \xc3", markup=True)
    assert got.text.endswith(" cut \ufffd")
    assert got.event == "charset_broken:utf-8"


@pytest.mark.parametrize(
    "data", [b"%PDF-1.4 x", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04abc", bytes(range(32)) * 10, b"\xff\x00\x80" * 50]
)
def test_binary_is_refused(data):
    with pytest.raises(BadInputError) as error:
        decode(data)
    assert error.value.code == "binary"


def test_what_fits_nothing_is_undecodable():
    with pytest.raises(BadInputError) as error:
        decode(b"\xff\xfe" + b"\x00\xd8" * 9)  # marked as UTF-16, but lone surrogates
    assert error.value.code == "undecodable"


def test_a_text_with_zero_bytes_is_still_text():
    assert decode(b"one\0two and more text").text == "one\0two and more text"


@given(st.text(st.characters(codec="utf-16-le", exclude_categories=[]), max_size=50) | st.text(max_size=20))
def test_surrogates_are_joined_or_replaced_never_left(text):
    got, lone = replace_surrogates(text)
    got.encode()
    assert (got == text) == (lone == 0 and not any("\ud800" <= c <= "\udfff" for c in text))


@given(st.binary(max_size=300))
def test_arbitrary_bytes_decode_to_valid_text_or_a_reason(data):
    reason = None
    try:
        decode(data, markup=True).text.encode()
    except BadInputError as error:
        reason = error.code
    assert reason in (None, "binary", "undecodable")


def test_rows_say_how_they_were_decoded(tmp_path):
    (tmp_path / "a.txt").write_bytes(RUSSIAN.encode("cp1251"))
    (tmp_path / "b.csv").write_bytes(RECORD_FORMATS["csv"]([{"id": "1", "text": RUSSIAN}]).decode().encode("cp1251"))
    (tmp_path / "c.jsonl").write_text('{"text": "' + RUSSIAN + '"}\n', encoding="utf-16")
    (tmp_path / "d.json").write_text('{"text": "' + RUSSIAN + '"}\n', encoding="cp1251")
    rows = read_paths([tmp_path]).rows
    assert [row["text"] for row in rows] == [RUSSIAN] * 4
    assert [json.loads(row["extra"])["decoded_as"] for row in rows] == ["cp1251", "cp1251", "utf-16", "cp1251"]


WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
CHINESE = "市长星期五宣布大桥通车，许多客人前来参加。" * 30


@pytest.mark.parametrize("codec", WIDE)
@pytest.mark.parametrize("text", ["short", GERMAN, RUSSIAN, CHINESE, "Ԋ਀ 😀" * 400_000])
@pytest.mark.parametrize("kind", ["jsonl", "csv", "json"])
def test_wide_files_without_a_mark(tmp_path, codec, text, kind):
    articles = [{"id": str(n), "text": f"{n} {text}"} for n in range(3)]
    written = RECORD_FORMATS[kind](articles).decode() if kind != "json" else json.dumps(articles, ensure_ascii=False)
    (tmp_path / f"a.{kind}").write_bytes(written.encode(codec))
    got = read_paths([tmp_path], part_bytes=1000)
    assert [row["text"] for row in got.rows] == [article["text"] for article in articles]
    assert {json.loads(row["extra"])["decoded_as"] for row in got.rows} == {codec}
    assert (got.rejects, got.report.events) == ([], {f"charset_guessed:{codec}": 1})


@pytest.mark.parametrize("codec", WIDE)
def test_zeros_alone_make_no_wide_text(codec):
    for text in ("{{" + "\1\2\3" * 99, "{{" + "\ud800" * 99):
        assert wide_kind(text.encode(codec, "surrogatepass")) is None
    assert wide_kind(b"a\0b plain text that goes on") is None
    assert wide_kind(b'{"text": "zero \0 inside"}\n' * 9) is None


def test_one_line_in_another_charset_is_decoded_alone(tmp_path):
    good = '{"text": "' + RUSSIAN + '"}\n'
    (tmp_path / "a.jsonl").write_bytes(good.encode() + good.encode("cp1251") + good.encode())
    got = read_paths([tmp_path])
    assert [row["text"] for row in got.rows] == [RUSSIAN] * 3
    assert [row["extra"] is None for row in got.rows] == [True, False, True]


SENTENCES = {
    "cp1252": [
        "Le gouvernement a présenté son projet à l’Assemblée.",
        "O presidente não quis falar à comunicação social.",
        "Statsministern säger att frågan måste få ett svar.",
        "El año pasado la población creció más que nunca.",
        "Die Züge fahren wegen der Störung nur stündlich.",
        "La città è più bella di così, perché è antica.",
        "Þetta er það sem við höfum verið að bíða eftir.",
        "The “deal” – if it is one – isn’t done.",
    ],
    "cp1250": ["Vláda dnes schválila nový zákon o daních.", "Rząd przyjął dziś nową ustawę, która zmieni życie wielu ludzi."],
    "iso8859_2": [
        "Předseda vlády řekl, že se příští týden sejde s ministry.",
        "Minister powiedział, że większość posłów się z tym zgadza.",
    ],
    "cp1254": ["Başbakan dün akşam yaptığı açıklamada şunları söyledi."],
    "cp1257": ["Vyriausybė šiandien pritarė naujam įstatymui.", "Valdība šodien apstiprināja jauno likumu, kas stāsies spēkā."],
    "cp1251": [RUSSIAN[:50]],
    "koi8_r": [RUSSIAN[:50]],
    "cp1253": ["Η κυβέρνηση παρουσίασε σήμερα το νέο νομοσχέδιο."],
}


@pytest.mark.parametrize(("codec", "text"), [(codec, text) for codec, texts in SENTENCES.items() for text in texts])
def test_one_sentence_is_enough_for_most_languages(codec, text):
    got = decode(text.encode(codec))
    assert (got.text, got.event) == (text, f"charset_guessed:{got.decoded_as}")


def _lines(texts: list[bytes]) -> bytes:
    return b"".join(b'{"text": "' + text + b'"}\n' for text in texts)


@pytest.mark.parametrize("codec", ["cp1252", "cp1250", "iso8859_2", "cp1257", "gb18030"])
def test_the_lines_of_a_file_are_in_one_charset(tmp_path, codec):
    """Short lines that say little of their charset are read as the others are, wherever the file is cut."""
    sentences = SENTENCES.get(codec, [CHINESE]) * 20
    short = {"cp1257": "jūrų", "iso8859_2": "śnieg", "cp1250": "są", "cp1252": "Sør", "gb18030": "车"}[codec]
    texts = [text for sentence in sentences for text in (sentence, f"Plain {short}")]
    (tmp_path / "a.jsonl").write_bytes(_lines([text.encode(codec) for text in texts]))
    got = read_paths([tmp_path])
    assert [row["text"] for row in got.rows] == texts
    assert read_paths([tmp_path], part_bytes=400).rows == got.rows


def test_a_line_that_is_clearly_in_another_charset_is_decoded_alone(tmp_path):
    texts = [*SENTENCES["cp1252"] * 9, *SENTENCES["cp1252"]]
    lines = [*(text.encode("cp1252") for text in texts), RUSSIAN.encode("cp1251"), SENTENCES["cp1257"][0].encode()]
    (tmp_path / "a.jsonl").write_bytes(_lines(lines))
    assert [row["text"] for row in read_paths([tmp_path]).rows] == [*texts, RUSSIAN, SENTENCES["cp1257"][0]]
