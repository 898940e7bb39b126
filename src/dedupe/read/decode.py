"""Bytes to text: byte order mark, declared charset, strict UTF-8, then a guess; what was assumed is told."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass

from dedupe.read.reasons import BadInputError

_BOMS: tuple[tuple[bytes, str, str], ...] = (
    (codecs.BOM_UTF8, "utf-8", "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16-be"),
)

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"PK\x03\x04", "a ZIP archive or office document"),
    (b"\x7fELF", "a program"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office document"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x1f\x8b", "gzip data under a name that does not say so"),
    (b"BZh9", "bzip2 data under a name that does not say so"),
    (b"\xfd7zXZ\x00", "xz data under a name that does not say so"),
    (b"\x28\xb5\x2f\xfd", "zstd data under a name that does not say so"),
    (b"PAR1", "Parquet data under a name that does not say so"),
    (b"ARROW1", "Arrow data under a name that does not say so"),
    (b"SQLite format 3\x00", "an SQLite database"),
)

# Browsers read these labels as windows-1252 (WHATWG Encoding Standard), and so do publishers who write them.
_AS_WINDOWS_1252 = frozenset({"iso8859-1", "ascii", "cp1252", "latin_1"})

# Control characters that no text holds; ESC, form feed and the usual white space are left out.
_CONTROL = bytes(b for b in range(32) if b not in b"\t\n\r\f\x0b\x1b") + b"\x7f"
_SAMPLE = 64 << 10
# A text with one stray control byte in ten is still taken as text by nobody; UTF-8 of any script holds none.
_MOST_CONTROL = 0.1
_NO_CONTROL = dict.fromkeys(_CONTROL)
_LEAST_WIDE = 8
# Which of four bytes are zero where they are the beginning of ASCII characters.
_WIDE_STARTS = {b"\1\0\1\0": "utf-16-le", b"\0\1\0\1": "utf-16-be", b"\1\0\0\0": "utf-32-le", b"\0\0\0\1": "utf-32-be"}
# Share of undecodable bytes up to which a page that says it is UTF-8 is believed, and mended with U+FFFD.
_MOST_BROKEN = 0.002

# The legacy charsets of the web (WHATWG), without those of DOS, mainframes and old Macs, which charset-normalizer also finds:
# with it, 83 to 90 % of 100 texts of 150 to 3,000 characters in 20 languages are decoded right, without it 78 to 89 %.
_ON_THE_WEB = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "tis_620", "cp866", "koi8_r"),
    *("iso8859_2", "gb18030", "big5", "cp932", "euc_jp", "cp949"),
]
_WIDER = {"tis_620": "cp874"}  # the same and more

_META = re.compile(rb"""<meta[^>]{0,400}?charset\s*=\s*["']?\s*([A-Za-z0-9_.:\-]{2,40})""", re.I)
_XML = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_.:\-]{2,40})["']""", re.I)
_DECLARED_WITHIN = 4096


@dataclass(frozen=True, slots=True)
class Decoded:
    """Hold text, the name of the charset that gave it, and the event to count; both None for plain UTF-8."""

    text: str
    decoded_as: str | None = None
    event: str | None = None


def decode(
    data: bytes,
    declared: str | None = None,
    *,
    markup: bool = False,
    cut: bool = False,
    likely: Callable[[], str | None] | None = None,
) -> Decoded:
    """Decode the bytes of one article or file.

    Plain UTF-8 without any declaration, by far the most frequent case, costs one strict decode. `declared` comes from outside
    (an HTTP header); `markup` looks for a charset in the page's own head; `cut` says that the end is missing, so that half a
    character there is dropped; `likely` tells the charset of the file that holds the data, and is asked only where nothing else
    says it. Raises BadInputError: binary, undecodable.
    """
    for bom, codec, name in _BOMS:
        if data.startswith(bom):
            return _by_mark(data[len(bom) :], codec, name, cut)
    if kind := binary_kind(data):
        raise BadInputError("binary", kind)
    if wide := wide_kind(data):  # its ASCII part would pass as UTF-8 with zero bytes
        data = data[: len(data) // 4 * 4] if wide.startswith("utf-32") else data[: len(data) // 2 * 2]
        try:
            return Decoded(codecs.getincrementaldecoder(wide)().decode(data, not cut), wide, f"charset_guessed:{wide}")
        except UnicodeDecodeError:
            pass
    label = declared or (_declared(data[:_DECLARED_WITHIN]) if markup else None)
    codec_name = _codec(label)
    if codec_name and codec_name != "utf-8":
        text = _by_declaration(data, codec_name)
        if text is not None:
            return Decoded(text, codec_name, f"charset_declared:{codec_name}")
    try:
        return Decoded(_strict(data, cut))
    except UnicodeDecodeError:
        pass
    if codec_name == "utf-8":
        text = data.decode("utf-8", "replace")
        broken = text.count("�") - data.count("�".encode())
        if broken <= max(1, _MOST_BROKEN * len(data)):
            return Decoded(text, f"utf-8 ({broken} broken)", "charset_broken:utf-8")
    return _guess(data, likely() if likely else None)


def charset_of_lines(data: bytes) -> str | None:
    """Guess one charset for those of some lines that are no UTF-8; None where there are none, or where they fit no charset."""
    broken = b"\n".join(line for line in data.split(b"\n") if not _is_utf8(line))
    try:
        return _guess(broken).decoded_as if broken else None
    except BadInputError:
        return None


def binary_kind(data: bytes) -> str | None:
    """Say what kind of binary data this is, or None for what may be text."""
    if kind := magic_kind(data):
        return kind
    sample = data[:_SAMPLE]
    stray = len(sample) - len(sample.translate(None, _CONTROL))
    if stray > _MOST_CONTROL * len(sample) and not wide_kind(sample):
        return f"{stray:,} of its first {len(sample):,} bytes are control characters"
    return None


def magic_kind(data: bytes) -> str | None:
    """Say what kind of file starts with these bytes, where it is one of the well-known kinds that are no text."""
    return next((kind for magic, kind in _MAGIC if data.startswith(magic)), None)


def replace_surrogates(text: str) -> tuple[str, int]:
    """Join surrogate pairs and replace the lone ones by U+FFFD, as Arrow holds only valid Unicode; count those replaced."""
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    if joined.isascii():
        return joined, 0
    lone = sum(1 for c in joined if "\ud800" <= c <= "\udfff")
    if not lone:
        return joined, 0
    return "".join("�" if "\ud800" <= c <= "\udfff" else c for c in joined), lone


def _by_mark(data: bytes, codec: str, name: str, cut: bool) -> Decoded:
    try:
        if codec == "utf-8":
            return Decoded(_strict(data, cut), name, f"charset_marked:{name}")
        if cut:
            data = data[: len(data) // 4 * 4] if codec.startswith("utf-32") else data[: len(data) // 2 * 2]
        return Decoded(data.decode(codec), name, f"charset_marked:{name}")
    except UnicodeDecodeError as error:
        raise BadInputError("undecodable", f"its byte order mark says {name}, but byte {error.start:,} is not") from error


def _strict(data: bytes, cut: bool) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if cut and error.end == len(data) and error.reason == "unexpected end of data":
            return data[: error.start].decode("utf-8")
        raise


def _declared(head: bytes) -> str | None:
    found = _XML.search(head) or _META.search(head)
    return found.group(1).decode("ascii") if found else None


def _codec(label: str | None) -> str | None:
    if not label:
        return None
    try:
        info = codecs.lookup(label.strip().strip("\"'"))
    except (LookupError, ValueError):
        return None
    if not info._is_text_encoding or info.name in ("utf-16", "utf-16-le", "utf-16-be", "utf-7", "idna", "punycode"):
        # A page whose <meta> can be read as ASCII is not UTF-16, whatever it says (WHATWG: taken as UTF-8).
        return "utf-8" if info.name.startswith("utf-16") else None
    return "cp1252" if info.name in _AS_WINDOWS_1252 else info.name


def _by_declaration(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeDecodeError, ValueError):
        # Five bytes of windows-1252 mean nothing; browsers take them as control characters.
        return data.decode("latin-1") if codec == "cp1252" and not _is_utf8(data) else None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def wide_kind(data: bytes) -> str | None:
    """Tell UTF-16 and UTF-32 without a mark, where the beginning is text in it.

    By the zeros of the first two characters where these are ASCII, as in all JSON and tables (RFC 4627, section 3), whatever the
    script of the rest; else by zeros in every other byte and nowhere else, as Latin text has them.
    """
    sample = data[:_SAMPLE]
    if 0 not in sample or len(sample) < 2 * _LEAST_WIDE:
        return None
    codec = _WIDE_STARTS.get(bytes(map(bool, sample[:4])))
    if codec is None:
        pairs = len(sample) // 2
        even, odd = sample[0::2].count(0), sample[1::2].count(0)
        if odd > 0.7 * pairs and even < 0.05 * pairs:
            codec = "utf-16-le"
        elif even > 0.7 * pairs and odd < 0.05 * pairs:
            codec = "utf-16-be"
        else:
            return None
    text = codecs.getincrementaldecoder(codec)("replace").decode(sample)
    stray = text.count("\ufffd") + len(text) - len(text.translate(_NO_CONTROL))
    return codec if stray <= _MOST_CONTROL * len(text) else None


def _guess(data: bytes, likely: str | None = None) -> Decoded:
    if b"\x00" in data[:_SAMPLE]:
        raise BadInputError("binary", "it holds zero bytes and is no Unicode")
    from dedupe.read.codepages import PAGES, code_page

    codec = None
    if likely and likely not in PAGES:  # of several bytes a character: few other bytes can be read in it
        codec = likely if _by_declaration(data, likely) is not None else None
    codec = codec or code_page(data[: 1 << 20], likely) or _guess_of_any(data)
    try:
        return Decoded(data.decode(codec), codec, f"charset_guessed:{codec}")
    except UnicodeDecodeError as error:
        raise BadInputError("undecodable", f"it looked like {codec}, but byte {error.start:,} is not") from error


def _guess_of_any(data: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(data[: 1 << 20], threshold=0.3, cp_isolation=_ON_THE_WEB).best()
    if best is None:
        raise BadInputError("undecodable", "it is not UTF-8, declares nothing, and fits no charset well")
    return _WIDER.get(best.encoding, best.encoding)
