"""Terms in the index: the same however a run was cut, and of an output that articles join what extracting them anew gives."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dedupe import job
from dedupe.corpus.output import Output
from dedupe.corpus.references import References, refusal_of
from dedupe.decisions.store import Decisions
from dedupe.errors import OutputError
from dedupe.match.terms import StoryTerms, extract_terms, story_texts
from dedupe.stages import term_files
from dedupe.stages.term_files import keep_terms, load_terms, put_terms, terms_within, write_terms


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(term_files, "BLOCK", 16)


def texts(count: int, seed: int = 1) -> pa.Array:
    chance = random.Random(seed)
    words = "Anders Bellweather visited Cardiff in 2019 where Minister Dolores Ekeberg counted 4,512 herons".split()
    return pa.array([" ".join(chance.choices(words, k=chance.randint(0, 30))) for _ in range(count)])


def articles() -> list[dict[str, str]]:
    lines = texts(120, seed=3).to_pylist()
    return [{"id": f"a{n}", "text": "\n".join(lines[2 * n : 2 * n + 2]) + f"\nCase {n} of Ludo Krantz."} for n in range(60)]


def write(folder: Path, rows: list[dict[str, str]]) -> Path:
    folder.mkdir()
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def cut(folder: Path, terms: StoryTerms, sizes: list[int]) -> list[Path]:
    folder.mkdir()
    paths, first = [], 0
    for number, size in enumerate(sizes):
        paths.append(folder / f"{number}.terms")
        keep_terms(paths[-1], terms.slice(first, first + size))
        first += size
    return paths


def contents(index: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in terms_within(index)}


def equal(one: StoryTerms, other: StoryTerms) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in (*term_files._KEPT, "offsets"))


NOTHING = np.empty(0, np.int64), lambda rows: extract_terms(pa.array([], pa.string()))


@pytest.mark.parametrize("sizes", [[50], [16, 16, 16, 2], [3, 0, 40, 7], [1] * 50, [16, 34]])
def test_the_files_are_the_same_however_a_run_was_cut(sizes: list[int], tmp_path: Path) -> None:
    terms = extract_terms(texts(50))
    write_terms(tmp_path / "one", cut(tmp_path / "in", terms, sizes), *NOTHING)
    write_terms(tmp_path / "other", cut(tmp_path / "whole", terms, [50]), *NOTHING)
    assert contents(tmp_path / "one") == contents(tmp_path / "other")
    assert list(contents(tmp_path / "one")) == ["00000.arrow", "00001.arrow", "00002.arrow", "00003.arrow"]
    rows = np.array([0, 15, 16, 33, 49])
    found = StoryTerms.concatenate(list(load_terms(terms_within(tmp_path / "one"), rows)))
    assert equal(found, terms.take(rows))


def test_full_files_are_linked_unless_a_row_of_theirs_is_put_anew(tmp_path: Path) -> None:
    terms, other = extract_terms(texts(40)), extract_terms(texts(2, seed=2))
    before = cut(tmp_path / "in", terms, [16, 16, 8])
    others = np.array([17, 39])
    write_terms(tmp_path / "index", before, others, lambda rows: other.take(np.searchsorted(others, rows)))
    first, second, third = terms_within(tmp_path / "index")
    assert first.samefile(before[0])
    assert not second.samefile(before[1])
    whole = StoryTerms.concatenate(list(load_terms([first, second, third], np.arange(40))))
    assert equal(whole.take(others), other)
    assert equal(without(whole, others), without(terms, others))


def without(terms: StoryTerms, rows: np.ndarray) -> StoryTerms:
    return terms.take(np.delete(np.arange(len(terms.offsets) - 1), rows))


@pytest.mark.parametrize("others", [[], [0], [39], [0, 1, 2, 3, 4, 5, 6], [5, 17, 18, 38], list(range(40))])
@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_terms_put_anew_are_the_same_however_many_are_taken_at_a_time(
    others: list[int], at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(term_files, "_AGAIN", at_once)
    terms, other = extract_terms(texts(40)), extract_terms(texts(40, seed=2))
    rows, asked = np.arange(40) * 3, []

    def again(wanted: np.ndarray) -> StoryTerms:
        asked.append(len(wanted))
        return other.take(wanted // 3)

    parts = [terms.slice(0, 7), terms.slice(7, 7), terms.slice(7, 40)]
    # Some rows have no terms here, as those of articles that are no canonical ones.
    put = StoryTerms.concatenate([terms.slice(0, 0), *put_terms(parts, rows, np.array([1, *(3 * np.array(others))]), again)])
    for row in range(40):
        assert equal(put.slice(row, row + 1), (other if row in others else terms).slice(row, row + 1))
    assert max(asked, default=0) <= at_once
    assert sum(asked) == len(others)


def test_a_join_leaves_the_terms_of_one_run_over_all(tmp_path: Path) -> None:
    rows, output = articles(), tmp_path / "out"
    job.clean([write(tmp_path / "all", rows)], tmp_path / "whole", workers=1)
    job.clean([write(tmp_path / "first", rows[:40])], output, workers=1)
    job.clean([write(tmp_path / "second", rows[40:])], output, previous=output, workers=1)
    assert contents(output / "index") == contents(tmp_path / "whole" / "index")
    assert len(contents(output / "index")) > 2


def extracted(output: Path) -> StoryTerms:
    table = pq.read_table(output / "corpus.parquet", columns=["title", "text", "language"]).combine_chunks()
    title, text, language = (table[name].combine_chunks() for name in ("title", "text", "language"))
    return extract_terms(story_texts(title, text), language)


def test_terms_follow_what_is_forgotten_and_what_people_refuse(tmp_path: Path) -> None:
    rows, output = articles()[:40], tmp_path / "out"
    # An edit that takes a line with names away, and gives it back once it is refused.
    rows[20]["text"] = "Advertisement\n" + rows[20]["text"]
    job.clean([write(tmp_path / "in", rows)], output, workers=1)
    ids = pq.read_table(output / "corpus.parquet", columns=["article_id"])["article_id"].to_pylist()
    job.forget(output, {ids[3], ids[30]}, workers=1)
    kept = StoryTerms.concatenate(list(load_terms(terms_within(output / "index"), np.arange(38))))
    assert equal(kept, extracted(output))
    before = kept.slice(19, 20)
    refusal = refusal_of(Output(output), ids[20], 0)
    Decisions.open(output).record(
        "undo_repair", [refusal], who="ann", queue="repair", articles=References(Output(output)).of(refusal.articles)
    )
    job.clean([write(tmp_path / "late", articles()[40:44])], output, previous=output, workers=1)
    kept = StoryTerms.concatenate(list(load_terms(terms_within(output / "index"), np.arange(42))))
    assert equal(kept, extracted(output))
    assert not equal(kept.slice(19, 20), before)


def test_terms_of_another_corpus_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, output = articles(), tmp_path / "out"
    source = write(tmp_path / "in", rows[:40])
    job.clean([source], output, workers=1)
    shutil.copy(output / "index" / "terms" / "00002.arrow", output / "index" / "terms" / "00001.arrow")
    with pytest.raises(OutputError, match="index/terms"):
        job.clean([source], output, previous=output, workers=1)
    monkeypatch.setattr("dedupe.stages.adopting.check_files", lambda *_: None)
    with pytest.raises(OutputError, match="speaks of 32 articles, the corpus of 40"):
        job.clean([source], output, previous=output, workers=1)
