"""The story terms of a run in files: beside each shard while it runs, in the index of its output for runs that join it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from dedupe.match.terms import StoryTerms, extract_terms
from dedupe.write.index import link

# Articles a file of the index: cut by number alone, so that its bytes are the same however the run was cut into shards, and a
# run that joins it changes the last one alone.
BLOCK = 1 << 14

# The columns of terms that finding stories asks for; evidence takes the others anew from the texts that it quotes.
_KEPT = ("hashes", "kinds", "rarities", "passages")

# Articles whose terms are taken again at a time: those of one take 12 KB on the way.
_AGAIN = 1024

# Takes the terms of some rows, which ascend, from their texts as they are now.
TermsAgain = Callable[[np.ndarray], StoryTerms]


def keep_terms(path: Path, terms: StoryTerms) -> None:
    """Write terms to a file, packed: 1.2 KB for an article of 400 words in place of 2.2."""
    batch = pa.RecordBatch.from_pydict({name: pa.array(getattr(terms, name)) for name in _KEPT})
    schema = batch.schema.with_metadata({"offsets": terms.offsets.tobytes()})
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema, options=options) as writer:
        writer.write_batch(batch.replace_schema_metadata(schema.metadata))


def terms_beside(shards: Iterable[Path]) -> list[Path]:
    """Return the files that hold the terms of shards."""
    return [shard.with_name(f"{shard.name}.terms") for shard in shards]


def terms_within(index: Path) -> list[Path]:
    """Return the files that hold the terms of an output, by its index."""
    return sorted((index / "terms").glob("*.arrow"))


def count_articles(files: Iterable[Path]) -> list[int]:
    """Return how many articles each of these files has the terms of. Raises OSError or ArrowException for a damaged one."""
    return [len(_offsets(file)) - 1 for file in files]


def _offsets(path: Path) -> np.ndarray:
    with pa.memory_map(str(path)) as file:
        return np.frombuffer(pa.ipc.open_file(file).schema.metadata[b"offsets"], np.int64)


def load_terms(files: Iterable[Path], rows: np.ndarray) -> Iterator[StoryTerms]:
    """Read the terms that `keep_terms` has written, of some rows in ascending order, a file at a time."""
    first = 0
    for path in files:
        with pa.OSFile(str(path)) as file:
            reader = pa.ipc.open_file(file)
            offsets = np.frombuffer(reader.schema.metadata[b"offsets"], np.int64)
            stop = first + len(offsets) - 1
            wanted = rows[np.searchsorted(rows, first) : np.searchsorted(rows, stop)] - first
            if len(wanted):
                batch = reader.get_batch(0)
                none = np.broadcast_to(np.int32(0), len(batch))
                columns = {name: batch[name].to_numpy() for name in _KEPT}
                terms = StoryTerms(**columns, starts=none, sizes=none, offsets=offsets)
                yield terms if len(wanted) == len(offsets) - 1 else terms.take(wanted)
        first = stop


def put_terms(parts: Iterable[StoryTerms], rows: np.ndarray, others: np.ndarray, again: TermsAgain) -> Iterator[StoryTerms]:
    """Put terms of the rows `others`, taken `again`, in place of those that `parts` hold, which are of the `rows`; all ascend.

    Some articles at a time, so that memory does not grow with those that are spun.
    """
    begin = 0
    for part in parts:
        own = rows[begin : begin + len(part.offsets) - 1]
        begin += len(own)
        replaced = np.flatnonzero(np.isin(own, others))
        done = 0
        for start in range(0, len(replaced), _AGAIN):
            places = replaced[start : start + _AGAIN]
            other = again(own[places])
            pieces = []
            for number, at in enumerate(places.tolist()):
                pieces += [part.slice(done, at), other.slice(number, number + 1)]
                done = at + 1
            yield StoryTerms.concatenate(pieces)
        if done < len(own):
            yield part.slice(done, len(own))


def write_terms(index: Path, files: Sequence[Path], others: np.ndarray, again: TermsAgain) -> None:
    """Write the terms of all articles of a run into its index, those of `others` taken `again` in place of what the `files` hold.

    Files of so many articles as one here are linked: all but the last of what the run joins.
    """
    folder = index / "terms"
    folder.mkdir(parents=True)
    waiting: list[StoryTerms] = []
    first = held = written = 0
    for path, count in zip(files, count_articles(files), strict=True):
        rows = np.arange(first, first + count)
        first += count
        if count == BLOCK and not held and not np.isin(rows, others).any():
            link(path, _numbered(folder, written))
            written += 1
            continue
        waiting.extend(put_terms(load_terms([path], np.arange(count)), rows, others, again))
        held += count
        while held >= BLOCK:
            whole = StoryTerms.concatenate(waiting)
            keep_terms(_numbered(folder, written), whole.slice(0, BLOCK))
            waiting, held, written = [whole.slice(BLOCK, held)], held - BLOCK, written + 1
    if held or not written:
        keep_terms(_numbered(folder, written), StoryTerms.concatenate(waiting or [extract_terms(pa.array([], pa.string()))]))


def _numbered(folder: Path, number: int) -> Path:
    return folder / f"{number:05}.arrow"
