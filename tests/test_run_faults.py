"""Faults around a run: full and closed disks, damaged files, two runs at once. A sentence and a status, and nothing is lost."""

from __future__ import annotations

import copy
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import Result
from filelock import FileLock

import dedupe as product
from dedupe import job
from dedupe.corpus.explain import explain_pair
from dedupe.corpus.inspect import check_output
from dedupe.corpus.output import Output
from dedupe.corpus.references import References
from dedupe.errors import OutputError
from dedupe.summary import Summary
from dedupe.write.publish import RUNS

LONGEST_SECONDS = 300  # whatever takes longer hangs
WORDS = [f"{a}{b}" for a in ("ba", "ko", "ti", "re", "mu", "so") for b in ("lan", "ver", "dis", "tom", "par", "gen")]


def articles(folder: Path, number: int = 60, files: int = 3, size: int = 80) -> Path:
    chance = random.Random(3)
    words = [f"{a}{b}" for a in WORDS for b in WORDS]
    folder.mkdir()
    for file in range(files):
        lines = [
            json.dumps({"id": f"{file}-{n}", "text": " ".join(chance.choices(words, k=size)) + "."})
            for n in range(number // files)
        ]
        (folder / f"{file}.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def contents(output: Path) -> dict[str, bytes]:
    return {
        path.relative_to(output).as_posix(): path.read_bytes()
        for path in output.rglob("*")
        if path.is_file() and RUNS not in path.relative_to(output).parts and path.name not in ("manifest.json", "report.html")
    }


def command(*arguments: str | Path | bytes, **options: object) -> subprocess.CompletedProcess[str]:
    # A process of its own, which is never waited for without end.
    return subprocess.run(
        [sys.executable, "-m", "dedupe", *arguments],
        capture_output=True, text=True, errors="surrogateescape", timeout=LONGEST_SECONDS, check=False, **options,
    )  # type: ignore[call-overload]  # fmt: skip


def assert_told(done: subprocess.CompletedProcess[str] | Result, status: int, *words: str) -> None:
    code = done.returncode if isinstance(done, subprocess.CompletedProcess) else done.exit_code
    said = done.stderr
    assert code == status, said
    assert "Traceback" not in said
    for word in words:
        assert word in said
    assert len(said.strip().splitlines()) <= 6, said


# ---- disks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a file system of a few megabytes, or of any other options."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(options: str) -> Path:
        if sys.platform != "linux" or not shutil.which("mount"):
            pytest.skip("file systems are mounted on Linux only")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"this user may mount nothing: {done.stderr.decode(errors='replace').strip()}")
        return place

    yield mount
    subprocess.run(["umount", "-l", place], capture_output=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("room", ["300k", "1500k"])
def test_a_full_disk_is_told_and_gone_on_from(room: str, tmp_path: Path, small_disk: Callable[[str], Path]) -> None:
    source = articles(tmp_path / "in", 900, size=150)
    disk = small_disk(f"size={room}")
    done = command("clean", source, "-o", disk / "out", "--workers", "2", "-q")
    assert_told(done, 3, "No space left", "run the same command again")
    assert not (disk / "out" / "manifest.json").exists()
    subprocess.run(["mount", "-o", "remount,size=200m", disk], check=True)
    assert command("clean", source, "-o", disk / "out", "--workers", "2", "-q").returncode == 0
    job.clean([source], tmp_path / "whole", workers=1)
    assert contents(disk / "out") == contents(tmp_path / "whole")
    assert [entry.name for entry in (disk / "out" / RUNS).iterdir()] == ["lock"]


@pytest.mark.slow
def test_a_full_disk_leaves_the_output_that_is_there(tmp_path: Path, small_disk: Callable[[str], Path]) -> None:
    source = articles(tmp_path / "in")
    out = small_disk("size=4m") / "out"
    job.clean([source], out, workers=1)
    before = contents(out)
    more = articles(tmp_path / "more", 3000, size=300)
    assert_told(command("clean", source, more, "-o", out, "-q"), 3, "No space left")
    assert contents(out) == before
    assert check_output(out) == []


@pytest.mark.slow
def test_a_file_that_may_not_grow_is_told(tmp_path: Path) -> None:
    source = articles(tmp_path / "in", 1200, size=150)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    job.clean([source], tmp_path / "whole", workers=1)
    done = command("clean", source, "-o", tmp_path / "out", "-q", "--workers", "1", preexec_fn=limit)
    assert_told(done, 3, "cannot be written", "run the same command again")
    assert command("clean", source, "-o", tmp_path / "out", "-q").returncode == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_an_array_that_is_written_in_part_is_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What numpy raises has no error number.
    def cut(*_: object, **__: object) -> None:
        raise OSError("1000 requested and 24 written")

    monkeypatch.setattr("dedupe.job.np.save", cut)
    with pytest.raises(OutputError, match="No space left") as told:
        job.clean([articles(tmp_path / "in")], tmp_path / "out", workers=1)
    assert "same command again" in told.value.hint


@pytest.mark.slow
def test_an_output_that_cannot_be_written_is_told(tmp_path: Path, small_disk: Callable[[str], Path]) -> None:
    source = articles(tmp_path / "in")
    disk = small_disk("size=50m")
    job.clean([source], disk / "out", workers=1)
    before = contents(disk / "out")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    for target in (disk / "out", disk / "new"):
        assert_told(command("clean", source, "-o", target, "-q"), 3, "cannot be written", "Give a folder that you may write to")
    assert_told(command("forget", disk / "out", "--source", "0.jsonl", "-q"), 3, "cannot be written")
    assert command("stats", disk / "out").returncode == 0
    with pytest.raises(OutputError, match="cannot be written"):
        product.clean([{"text": "a few words"}], output=disk / "new", workers=1)
    assert contents(disk / "out") == before


# ---- two runs at once, and what a run leaves


@pytest.mark.parametrize("how", ["clean", "forget", "python"])
def test_a_second_run_is_refused(how: str, tmp_path: Path, dedupe: Callable[..., Result]) -> None:
    source = articles(tmp_path / "in")
    job.clean([source], tmp_path / "out", workers=1)
    before = contents(tmp_path / "out")
    with FileLock(tmp_path / "out" / RUNS / "lock"):
        if how == "python":
            with pytest.raises(OutputError, match="Another run is writing") as told:
                product.clean([{"text": "a few words"}], output=tmp_path / "out", workers=1)
            assert told.value.exit_status == 3
        elif how == "clean":
            assert_told(
                dedupe("clean", source, "-o", tmp_path / "out", "-q", "--workers", "1"), 3, "Another run is writing", "Wait"
            )
        else:
            assert_told(dedupe("forget", tmp_path / "out", "--source", "0.jsonl", "-q"), 3, "Another run is writing", "Wait")
    assert contents(tmp_path / "out") == before


STREAM = """
import os, signal, sys
import dedupe

def rows():
    for number in range(5_000):
        yield {"text": f"the heron of Quillbrook kept lantern {number} under the bridge"}
    os.kill(os.getpid(), signal.SIGKILL)

dedupe.clean(rows(), output=sys.argv[1], workers=1)
"""


@pytest.mark.slow
@pytest.mark.parametrize("then", ["clean", "forget"])
def test_what_was_streamed_into_a_killed_run_is_swept(then: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    if then == "forget":
        product.clean([{"text": "one two three", "url": "https://example.org/1"}, {"text": "four five"}], output=out, workers=1)
    killed = subprocess.run([sys.executable, "-c", STREAM, out], timeout=LONGEST_SECONDS, capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr
    assert any(b"Quillbrook" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()), "it was on disk"
    if then == "forget":
        assert command("forget", out, "--url", "https://example.org/1", "-q").returncode == 0
    else:
        product.clean([{"text": "one two three"}], output=out, workers=1)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"Quillbrook" in path.read_bytes()]
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
    assert [entry.name for entry in (out / RUNS).iterdir()] == ["lock"]


def test_a_run_that_fails_keeps_no_copy_of_what_was_streamed(tmp_path: Path) -> None:
    class CutError(Exception):
        pass

    def cut(stage: str, *_: int) -> None:
        if stage == "match and verify":
            raise CutError

    def stream(scratch: Path) -> list[str | Path]:
        (scratch / "table.jsonl").write_text('{"text": "a few words of one article"}\n')
        return [scratch / "table.jsonl"]

    with pytest.raises(CutError):
        job.clean(stream, tmp_path / "out", workers=1, progress=cut)
    assert not list((tmp_path / "out").rglob("table.jsonl"))


@pytest.mark.slow
def test_an_interrupt_ends_with_its_status(tmp_path: Path) -> None:
    source = articles(tmp_path / "in", 1500, size=200)
    process = subprocess.Popen(
        [sys.executable, "-m", "dedupe", "clean", source, "-o", tmp_path / "out", "--workers", "2"],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if "read and repair: done" in line:
            break
    process.send_signal(2)
    said = process.communicate(timeout=LONGEST_SECONDS)[1]
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "Run the same command again" in said
    done = command("clean", source, "-o", tmp_path / "out", "--json", "-q")
    assert json.loads(done.stdout)["reused"]["read and repair"] == 1500


# ---- input that changes under a run


@pytest.mark.parametrize("change", ["gone", "grown"])
def test_a_file_that_changes_between_plan_and_read_is_a_reject(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, planned = articles(tmp_path / "in"), job.plan_input

    def plan_then_change(*given: object, **options: object) -> object:
        made = planned(*given, **options)  # type: ignore[arg-type]
        if change == "gone":
            (source / "1.jsonl").unlink()
        else:
            with (source / "1.jsonl").open("a") as file:
                file.write('{"text": "more"}\n')
        return made

    monkeypatch.setattr("dedupe.job.plan_input", plan_then_change)
    summary = job.clean([source], tmp_path / "out", workers=1)
    assert (summary.articles, summary.rejects) == (40, {"unreadable": 1})
    assert check_output(tmp_path / "out") == []


@pytest.mark.parametrize("stage", ["read and repair", "match and verify"])
def test_a_file_that_goes_after_it_was_read_changes_nothing(stage: str, tmp_path: Path) -> None:
    source = articles(tmp_path / "in")
    job.clean([source], tmp_path / "whole", workers=1)

    def change(now: str, done: int, total: int) -> None:
        if now == stage and done == total:
            (source / "1.jsonl").unlink(missing_ok=True)
            (source / "2.jsonl").write_text('{"text": "something else"}\n')

    job.clean([source], tmp_path / "out", workers=1, progress=change)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_damaged_input_of_every_kind_stands_in_the_rejects(tmp_path: Path) -> None:
    source = articles(tmp_path / "in")
    table = pa.table({"text": [f"article {n} of a table" for n in range(50)]})
    pq.write_table(table, source / "whole.parquet")
    data = (source / "whole.parquet").read_bytes()
    (source / "cut.parquet").write_bytes(data[: len(data) // 2])
    (source / "noise.parquet").write_bytes(bytes(b ^ 0x55 if 40 < n < 400 else b for n, b in enumerate(data)))
    (source / "cut.jsonl").write_bytes((source / "0.jsonl").read_bytes()[:-40])
    (source / "noise.jsonl.gz").write_bytes(b"\x1f\x8b\x08" + bytes(range(256)))
    (source / "noise.txt").write_bytes(random.Random(1).randbytes(5000))
    summary = job.clean([source], tmp_path / "out", workers=1)
    assert summary.records == summary.articles + sum(summary.rejects.values())
    assert summary.articles >= 60 + 50 + 19
    paths = set(pq.read_table(tmp_path / "out" / "rejects.parquet")["path"].to_pylist())
    assert paths == {"cut.parquet", "noise.parquet", "cut.jsonl", "noise.jsonl.gz", "noise.txt"}
    assert check_output(tmp_path / "out") == []


# ---- outputs that are damaged


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    source = articles(folder / "in")
    rows = [json.loads(line) for line in (source / "0.jsonl").read_text().splitlines()]
    (source / "copies.jsonl").write_text("".join(json.dumps({"text": row["text"] + " More."}) + "\n" for row in rows[:5]))
    job.clean([source], folder / "out", workers=1)
    return folder


@pytest.fixture
def output(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made / "out", tmp_path / "out")
    return tmp_path / "out"


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "lose":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif how == "head":
        path.write_bytes(bytes(b ^ 0x2A for b in data[:100]) + data[100:])
    else:
        path.write_bytes(data[:-20] + bytes(20))


HARMS = ["lose", "empty", "cut", "head"]


@pytest.mark.parametrize("how", HARMS)
@pytest.mark.parametrize("name", ["signatures.npy", "sketch_offsets.npy", "index.json"])
def test_a_damaged_index_says_what_makes_it_again(
    name: str, how: str, output: Path, made: Path, dedupe: Callable[..., Result]
) -> None:
    damage(output / "index" / name, how)
    new = made / "in" / "0.jsonl"
    again = "dedupe clean` on", f"-o {output}"
    assert_told(dedupe("match", new, "--in", output), 3, "index", *again)
    before = contents(output)
    joined = dedupe("clean", new, "--previous", output, "-o", output, "-q", "--workers", "1")
    assert_told(joined, 3, f"index/{name}", "dedupe clean` on all of its input", f"-o {output}")
    assert contents(output) == before
    assert dedupe("clean", made / "in", "-o", output, "-q", "--workers", "1").exit_code == 0
    assert contents(output).keys() == contents(made / "out").keys()
    assert check_output(output) == []


@pytest.mark.parametrize("name", ["signatures", "keys", "n_tokens", "sketches", "sketch_offsets"])
def test_a_bit_that_turned_in_the_index_is_told_by_whoever_reads_it(
    name: str, output: Path, made: Path, dedupe: Callable[..., Result]
) -> None:
    new = made / "in" / "0.jsonl"
    with product.Corpus.open(output) as corpus:
        found = corpus.match(new)
        path = output / "index" / f"{name}.npy"
        data = bytearray(path.read_bytes())
        data[-5] ^= 0x40
        path.unlink()  # what is mapped stays as it was
        path.write_bytes(data)
        said = (f"index/{name}.npy of {output} is damaged", "hash", "dedupe clean` on all of its input")
        assert_told(dedupe("match", new, "--in", output), 3, *said)
        assert corpus.match(new) == found, "it was compared once"
    with product.Corpus.open(output) as corpus, pytest.raises(OutputError, match=f"index/{name}.npy"):
        corpus.match(new)
    with pytest.raises(OutputError, match=f"index/{name}.npy"):
        References(Output(output)).of(Output(output).table("corpus", ["article_id"])["article_id"].to_pylist()[:1])


def test_an_output_that_is_replaced_under_a_corpus_is_no_damaged_one(output: Path, made: Path) -> None:
    new = made / "in" / "0.jsonl"
    with product.Corpus.open(output) as corpus:
        assert all(result["matches"] for result in corpus.match(new))
        job.clean([made / "in" / "1.jsonl"], output, workers=1)
        assert not any(result["matches"] for result in corpus.match(new))


def test_bits_that_turned_in_the_index_are_not_handed_on(output: Path, made: Path, dedupe: Callable[..., Result]) -> None:
    damage(output / "index" / "signatures.npy", "tail")
    done = dedupe("clean", made / "in" / "0.jsonl", "--previous", output, "-o", output, "-q", "--workers", "1")
    assert_told(done, 3, "index/signatures.npy", "hash")
    assert_told(dedupe("forget", output, "--source", "0.jsonl", "-q"), 3, "index/signatures.npy")


def test_explain_goes_on_without_an_index_and_says_how_to_have_it(
    output: Path, monkeypatch: pytest.MonkeyPatch, dedupe: Callable[..., Result]
) -> None:
    opened = Output(output)
    rows = opened.table("corpus", ["article_id", "text"]).to_pylist()
    text = rows[0]["text"].removesuffix(" More.")
    one, other = [row["article_id"] for row in rows if row["text"].startswith(text)][:2]
    damage(output / "index" / "signatures.npy", "cut")
    monkeypatch.setattr("dedupe.corpus.explain._edge", lambda *_: None)
    reason = explain_pair(opened, one, other)["reason"]
    assert f"-o {output}" in reason
    assert dedupe("explain", one, other, "-o", output).exit_code == 0


@pytest.mark.parametrize("how", HARMS)
@pytest.mark.parametrize("name", ["corpus.parquet", "clusters.parquet", "edits.parquet", "id_map.parquet", "manifest.json"])
def test_a_damaged_table_is_told_by_every_command(
    name: str, how: str, output: Path, made: Path, dedupe: Callable[..., Result]
) -> None:
    one = pq.read_table(output / "corpus.parquet", columns=["article_id"])["article_id"][0].as_py()
    damage(output / name, how)
    new = made / "in" / "0.jsonl"
    commands = {
        "stats": (output,), "inspect": (output,), "explain": (one, "-o", output), "match": (new, "--in", output),
        "clean": (new, "--previous", output, "-o", output, "-q", "--workers", "1"),
        "forget": (output, "--id", one, "-q"), "report": (output,),
    }  # fmt: skip
    ended = {}
    for verb, arguments in commands.items():
        done = dedupe(verb, *arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), (verb, done.exception)
        assert done.exit_code in (0, 2, 3), (verb, done.stderr)
        told = done.stderr.partition("20 seconds.\n")[2] or done.stderr
        assert done.exit_code == 0 or len(told.strip().splitlines()) == 2, (verb, done.stderr)
        ended[verb] = done.exit_code
    assert ended["clean"] == 3 or (name == "manifest.json" and how == "lose")
    checked = dedupe("inspect", output, "--check")
    assert checked.exit_code in (1, 2, 3)
    assert checked.exception is None or isinstance(checked.exception, SystemExit)
    if name != "id_map.parquet" and (name, how) != ("manifest.json", "lose"):
        again = dedupe("clean", made / "in", "-o", output, "-q", "--workers", "1", "--fresh")
        assert again.exit_code == 0, again.stderr
        assert check_output(output) == []


def paths_within(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every entry of a JSON object, at any depth."""
    if isinstance(value, dict):
        for name, entry in value.items():
            yield (*path, name)
            yield from paths_within(entry, (*path, name))


@pytest.mark.parametrize("harm", ["gone", "another kind"])
def test_a_manifest_that_lacks_an_entry_or_has_another_kind_in_its_place_ends_no_command_with_a_trace(
    harm: str, output: Path, dedupe: Callable[..., Result]
) -> None:
    one = pq.read_table(output / "corpus.parquet", columns=["article_id"])["article_id"][0].as_py()
    commands = {
        "stats": (output,), "inspect": (output, "--check"), "explain": (one, "-o", output), "report": (output,),
        "diff": (output, output), "export": (output, output.parent / "out.jsonl", "--force"),
    }  # fmt: skip
    whole = json.loads((output / "manifest.json").read_text())
    (output / "manifest.json").write_text("[]")
    refused = dedupe("stats", output).exit_code
    assert refused == 3
    for path in paths_within(whole):
        harmed = copy.deepcopy(whole)
        within = harmed
        for name in path[:-1]:
            within = within[name]
        if harm == "gone":
            del within[path[-1]]
        else:
            within[path[-1]] = "words" if isinstance(within[path[-1]], dict | list | int | float) else ["words"]
        (output / "manifest.json").write_text(json.dumps(harmed))
        for verb, arguments in commands.items():
            done = dedupe(verb, *arguments)
            assert done.exception is None or isinstance(done.exception, SystemExit), (verb, path, done.exception)
            refused += done.exit_code > 0
    assert refused


def test_a_map_of_ids_that_is_damaged_brings_nothing_back(output: Path, made: Path, dedupe: Callable[..., Result]) -> None:
    # It alone knows what was forgotten.
    damage(output / "id_map.parquet", "cut")
    assert_told(dedupe("clean", made / "in", "-o", output, "-q", "--fresh", "--workers", "1"), 3, "forgotten", "from a copy")


@pytest.mark.parametrize("name", ["id_map", "clusters", "stories", "residue", "corpus"])
@pytest.mark.parametrize("how", [[], ["--previous"]])
def test_a_flipped_byte_in_what_a_run_builds_on_is_told(
    name: str, how: list[str], output: Path, made: Path, dedupe: Callable[..., Result]
) -> None:
    # Its tables can still be read: IDs of another article, or none that was forgotten.
    path = output / f"{name}.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(0, max(0, len(table) - 1)), path)
    joins = [*how, *([output] if how else [])]
    done = dedupe("clean", made / "in", "-o", output, "-q", "--workers", "1", *joins)
    if name == "residue" and not how:  # nothing of it is used
        assert done.exit_code == 0
    else:
        assert_told(done, 3, f"{name}.parquet", "hash")


def test_a_damaged_journal_is_told(output: Path, dedupe: Callable[..., Result]) -> None:
    (output / RUNS).mkdir(exist_ok=True)
    for content in ("{", "[]", "{}"):
        (output / RUNS / "journal.json").write_text(content)
        assert_told(dedupe("stats", output), 3, "journal is damaged", "Delete")


# ---- names


ODD_NAMES = [
    b"caf\xe9.txt", b"\xff\xfe.txt", "東京.txt".encode(), b"new\nline.txt", b"\x1b[31mred.txt", "\u202egnp.txt".encode(),
    b" .txt", b"-rf.txt", b"*.txt", b"%s{0}.txt", b"a" * 251 + b".txt", "e\u0301.txt".encode(), "\xe9.txt".encode(),
]  # fmt: skip


def test_names_in_any_encoding(tmp_path: Path, dedupe: Callable[..., Result]) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for number, name in enumerate(ODD_NAMES):
        Path(os.fsdecode(os.fsencode(source) + b"/" + name)).write_text(f"This is text {number} of some words that are read.")
    done = dedupe("clean", source, "-o", tmp_path / "out", "-q", "--workers", "1", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["articles"] == len(ODD_NAMES)
    names = pq.read_table(tmp_path / "out" / "corpus.parquet")["source"].to_pylist()
    assert len(set(names)) == len(ODD_NAMES)
    assert {"caf\\xe9.txt", "東京.txt", "new\nline.txt", "a" * 251 + ".txt"} <= set(names)
    for verb in (("match", source, "--in", tmp_path / "out"), ("forget", tmp_path / "out", "--source", "\x1b[31mred.txt", "-q")):
        shown = dedupe(*verb)
        assert shown.exit_code == 0, shown.stderr
        assert "\x1b" not in shown.stdout
        assert "\u202e" not in shown.stdout
    assert check_output(tmp_path / "out") == []


@pytest.mark.slow
def test_paths_in_no_encoding_on_the_command_line(tmp_path: Path) -> None:
    source = Path(os.fsdecode(os.fsencode(tmp_path) + b"/in-\xff\n"))
    output = Path(os.fsdecode(os.fsencode(tmp_path) + "/out \u202e\n é".encode()))
    articles(source)
    done = command("clean", source, "-o", output, "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert json.loads((output / "manifest.json").read_text())["run"]["paths"] == [str(source)]
    again = command("clean", source, "-o", output, "--json", "-q")
    assert json.loads(again.stdout)["output"] == str(output)
    assert_told(command("clean", source / "none", "-o", output), 2, "does not exist")
    assert command("inspect", output, "--check").returncode == 0
    nowhere = Path(os.fsdecode(os.fsencode(tmp_path) + b"/out-\xfe"))
    assert_told(command("clean", source, "-o", nowhere), 2, "no name in UTF-8", "another folder")
    assert not nowhere.exists()


# ---- sizes and shapes


def cpu_seconds(source: Path, output: Path) -> tuple[float, Summary]:
    begun = time.process_time()
    summary = job.clean([source], output, workers=1)
    assert summary.records == summary.articles + sum(summary.rejects.values())
    return time.process_time() - begun, summary


def lines(path: Path, texts: Iterator[str]) -> Path:
    with path.open("w") as file:
        for text in texts:
            file.write(json.dumps({"text": text}) + "\n")
    return path


@pytest.mark.slow
def test_a_hundred_thousand_files_in_one_folder(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for number in range(100_000):
        with open(source / f"{number}.txt", "w") as file:
            file.write(f"w{number} x{number * 7} y{number * 13}")
    spent, summary = cpu_seconds(source, tmp_path / "out")
    shutil.rmtree(source)
    assert (summary.articles, summary.clusters) == (100_000, 100_000)
    assert spent < 120


@pytest.mark.slow
def test_one_article_of_ten_megabytes(tmp_path: Path) -> None:
    chance = random.Random(2)
    words = [f"{a}{b}" for a in WORDS for b in WORDS]
    long = " ".join(chance.choices(words, k=1_100_000))[:9_999_999]
    source = lines(
        tmp_path / "in.jsonl", iter([long, long[: len(long) // 2], "x" * 9_999_999, "a few words", long + " more words"])
    )
    spent, summary = cpu_seconds(source, tmp_path / "out")
    assert (summary.articles, summary.rejects) == (4, {"too_large": 1})
    assert summary.edges == {"contained": 1} or summary.edges.keys() <= {"near", "contained", "part_of"}
    assert spent < 120


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text_of", "clusters"),
    [
        pytest.param(lambda number: f"word{number}", 100_000, id="of one word each its own"),
        pytest.param(lambda number: f"word{number % 10}", 10, id="of one of ten words"),
        pytest.param(lambda number: "All that is told here is told in each of these articles, word for word.", 1, id="all equal"),
    ],
)
def test_a_hundred_thousand_articles(text_of: Callable[[int], str], clusters: int, tmp_path: Path) -> None:
    source = lines(tmp_path / "in.jsonl", map(text_of, range(100_000)))
    spent, summary = cpu_seconds(source, tmp_path / "out")
    assert (summary.articles, summary.clusters) == (100_000, clusters)
    assert spent < 90


@pytest.mark.slow
def test_thousands_of_texts_of_one_template_take_time_by_their_number(tmp_path: Path) -> None:
    # All of them meet in every bucket: pair by pair the second run would take sixteen times the first.
    template = " ".join(random.Random(9).choices([f"{a}{b}" for a in WORDS for b in WORDS], k=150))

    def texts(number: int) -> Iterator[str]:
        return (f"{template} On day {n} the index stood at {n * 17 % 9973} points." for n in range(number))

    cpu_seconds(lines(tmp_path / "warm.jsonl", texts(200)), tmp_path / "warm")
    few, _ = cpu_seconds(lines(tmp_path / "few.jsonl", texts(2_000)), tmp_path / "few")
    many, summary = cpu_seconds(lines(tmp_path / "many.jsonl", texts(8_000)), tmp_path / "many")
    assert summary.large_buckets > 0
    assert many < 8 * few + 2, (few, many)
