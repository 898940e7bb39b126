"""What only the whole order of a run shows: spun copies meet their source, stories are told, and texts are restored."""

import difflib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dedupe
from dedupe import job, pipeline
from dedupe.gather import take_rows
from dedupe.match.containment import Sketches
from dedupe.match.signatures import Signer
from dedupe.match.spun import numbers_differ, propose_spun
from dedupe.repair.drafts import Drafts
from dedupe.repair.ledger import Draft, Replacement
from dedupe.repair.spin.lexicon import read_lexicon
from dedupe.repair.spin.spinner import build_spinner, spin
from dedupe.stages import despinning


def rows(output: Path, table: str = "corpus") -> list[dict[str, object]]:
    found: list[dict[str, object]] = pq.read_table(output / f"{table}.parquet").to_pylist()
    return found


@pytest.fixture(scope="module")
def seeds_output(tmp_path_factory: pytest.TempPathFactory, seeds: Path) -> Path:
    output = tmp_path_factory.mktemp("order") / "out"
    job.clean([seeds], output, workers=1)
    return output


def test_the_seeds_tell_one_story_and_the_phone_call_another(seeds_output: Path) -> None:
    story = {row["source"]: row["story_id"] for row in rows(seeds_output)}
    assert story["invitation-crypto-news.txt"] == story["invitation-invezz.txt"] is not None
    assert story["visit-planned-analysis.txt"] == story["visit-planned-bitcoinist-spun.txt"] is not None
    assert story["phone-call-breitbart.txt"] is None
    assert {row["relation"] for row in rows(seeds_output, "pairs")} == {"story"}
    (told,) = rows(seeds_output, "stories")
    assert told["size"] == 4


def test_only_the_spun_seed_is_despun(seeds_output: Path) -> None:
    names = {row["article_id"]: row["source"] for row in rows(seeds_output)}
    spun = {names[edit["article_id"]] for edit in rows(seeds_output, "edits") if str(edit["rule"]).startswith("R4")}
    assert spun == {"visit-planned-bitcoinist-spun.txt"}
    scores = {row["source"]: row["spin_score"] for row in rows(seeds_output)}
    assert max(scores, key=lambda name: scores[name]) == "visit-planned-bitcoinist-spun.txt"


def test_spun_copies_meet_their_source_which_is_canonical_and_gives_its_wording_back(seeds: Path, tmp_path: Path) -> None:
    honest = [path for path in sorted(seeds.iterdir()) if "spun" not in path.name]
    spinner = build_spinner(read_lexicon("en"))
    articles = [{"id": path.stem, "text": path.read_text(encoding="utf-8")} for path in honest]
    copies = [{"id": f"{one['id']}-copy", "text": spin(one["text"], spinner, 0.3, 7).text} for one in articles]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, articles + copies)), encoding="utf-8")
    job.clean([tmp_path / "in.jsonl"], tmp_path / "out", workers=1)
    found = {row["input_id"]: row for row in rows(tmp_path / "out")}
    for one in articles:
        source, copy = found[one["id"]], found[f"{one['id']}-copy"]
        assert copy["relation"] == "spun"
        assert copy["canonical_id"] == source["article_id"]
        assert copy["similarity"] >= 0.3
        words, restored = str(source["text"]).split(), str(copy["text"]).split()
        same = difflib.SequenceMatcher(None, words, restored, autojunk=False).ratio()
        spun = difflib.SequenceMatcher(None, words, str(spin(one["text"], spinner, 0.3, 7).text).split(), autojunk=False).ratio()
        assert same > 0.97 > spun


def test_copies_that_pass_no_gate_are_told_by_their_source(seeds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (pipeline, despinning):
        monkeypatch.setattr(module, "gate_threshold", lambda: float("inf"))
    spinner = build_spinner(read_lexicon("en"))
    honest = {path.stem: path.read_text(encoding="utf-8") for path in seeds.iterdir() if "spun" not in path.name}
    articles = [{"id": name, "text": text} for name, text in honest.items()]
    articles += [{"id": f"{name}-copy", "text": spin(text, spinner, 0.25, 7).text} for name, text in honest.items()]
    # An honest version, shorter by its last paragraph and edited in a few words, is near, and no copy that was spun.
    edited = {name: text.strip().rpartition("\n")[0].replace(" said ", " told reporters ") for name, text in honest.items()}
    articles += [{"id": f"{name}-edited", "text": text} for name, text in edited.items()]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, articles)), encoding="utf-8")
    job.clean([tmp_path / "in.jsonl"], tmp_path / "out", workers=1)
    found = {row["input_id"]: row for row in rows(tmp_path / "out")}
    for name in honest:
        whole, short, copy = (found[f"{name}{part}"] for part in ("", "-edited", "-copy"))
        assert copy["relation"] == "spun"
        assert copy["canonical_id"] == whole["canonical_id"] == short["canonical_id"]
        assert {whole["relation"], short["relation"]} <= {"canonical", "near", "contained", "exact"}
    spun = {found[f"{name}-copy"]["article_id"] for name in honest}
    assert {edit["article_id"] for edit in rows(tmp_path / "out", "edits") if str(edit["rule"]).startswith("R4")} == spun


def test_flag_scores_and_changes_nothing_and_off_does_neither(seeds: Path, tmp_path: Path) -> None:
    path = seeds / "visit-planned-bitcoinist-spun.txt"
    for mode, scored in (("flag", True), ("off", False)):
        job.clean([path], tmp_path / mode, dedupe.Config(despin=mode), workers=1)  # type: ignore[arg-type]
        (row,) = rows(tmp_path / mode)
        assert (row["spin_score"] is not None) == scored
        assert "White Home" in str(row["text"])


def test_no_stories_are_told_where_none_are_wanted(seeds: Path, tmp_path: Path) -> None:
    summary = job.clean([seeds], tmp_path / "out", dedupe.Config(stories=False), workers=1)
    assert summary.stories == 0
    assert not rows(tmp_path / "out", "stories")


def test_updates_share_no_cluster_and_keep_their_evidence(tmp_path: Path) -> None:
    report = "A fire at a warehouse in the north of the city killed {} people on Friday, the mayor said. " + " ".join(
        f"Witness number {'abcdefghij'[n]} spoke of smoke that rose over the river and of a long night for the crews."
        for n in range(8)
    )
    articles = [{"id": n, "text": report.format(count)} for n, count in enumerate(("twelve", "fifteen"))]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, articles)), encoding="utf-8")
    job.clean([tmp_path / "in.jsonl"], tmp_path / "out", workers=1)
    (edge,) = [row for row in rows(tmp_path / "out", "pairs") if row["relation"] != "story"]
    assert edge["relation"] == "update"
    assert "twelve" in str(edge["evidence"])
    assert len({row["cluster_id"] for row in rows(tmp_path / "out")}) == 2


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("cost $1,200 in 2021", "priced at $1200 in 2021", False),
        ("12 people in 2021", "15 folks in 2021", True),
        ("two people", "2 folks", False),
        ("by 2021", "by 2021 and 30 more", False),
        ("last year, in the 1990s, the 20th of 31", "the final 12 months, in the Nineties, the twentieth of 31", False),
        ("within 18 months", "inside 24 months", True),
    ],
)
def test_numbers_that_spinners_leave_alone(one: str, other: str, differ: bool) -> None:
    assert numbers_differ(one, other) == numbers_differ(other, one) == differ


def test_spun_candidates_have_a_spun_side_and_are_all_there() -> None:
    base = [f"w{n}" for n in range(400)]
    texts = [" ".join(base), " ".join(w if n % 4 else f"x{n}" for n, w in enumerate(base)), " ".join(f"y{n}" for n in range(400))]
    sketches: Sketches = Signer(1)(pa.array(texts * 2)).sketches
    a, b = propose_spun(sketches, np.arange(6), np.array([1]))
    assert set(zip(a.tolist(), b.tolist(), strict=True)) == {(0, 1), (1, 3), (1, 4)}
    assert not len(propose_spun(sketches, np.arange(6), np.array([], np.int64))[0])


@given(st.lists(st.lists(st.text(max_size=3), max_size=4), min_size=1, max_size=4), st.data())
def test_rows_are_those_of_arrow(chunks: list[list[str]], data: st.DataObject) -> None:
    column = pa.chunked_array([pa.array(chunk, pa.string()) for chunk in chunks])
    wanted = data.draw(st.lists(st.integers(0, max(0, len(column) - 1)), max_size=6)) if len(column) else []
    taken = take_rows(column, np.array(wanted, np.int64)).to_pylist()
    assert taken == [column[row].as_py() for row in wanted]


def test_the_evidence_of_stories_is_the_same_however_many_are_written_at_a_time(
    seeds: Path, seeds_output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dedupe.stages.storytelling._BLOCK", 1)
    job.clean([seeds], tmp_path / "out", workers=1)
    assert len(rows(tmp_path / "out", "pairs")) > 2
    assert rows(tmp_path / "out", "pairs") == rows(seeds_output, "pairs")


def test_of_what_was_put_in_place_nothing_is_held() -> None:
    number = despinning._PUT_ROWS + 1
    draft = Draft("one two three")
    draft.replace("R400", [Replacement(0, 3, "another")])
    parts = despinning.drafted_parts(
        pa.table({"n_edits": pa.array([0] * number, pa.int32())}), Drafts.of(dict.fromkeys(range(number), draft))
    )
    before = pa.total_allocated_bytes()
    sizes = []
    while part := next(parts, None):
        sizes.append(len(part[0]))
        del part
        assert pa.total_allocated_bytes() == before
    assert sizes == [despinning._PUT_ROWS, 1]
