import numpy as np
import pyarrow as pa
from datasketch import MinHash, MinHashLSH
from hypothesis import given, settings
from hypothesis import strategies as st

from dedupe.match.signatures import EMPTY, Signer, shingle_sets

texts = st.text(st.sampled_from("ab cd北京é.\n'"), max_size=60)


def datasketch_row(text: str, num_perm: int, seed: int) -> np.ndarray:
    sketch = MinHash(num_perm, seed=seed, scheme="affine32", hashfunc=lambda shingle: shingle)
    shingles, _ = shingle_sets(pa.array([text]))
    sketch.update_batch([int(shingle >> np.uint64(32)) for shingle in shingles])
    return np.asarray(sketch.hashvalues)


@settings(max_examples=60, deadline=None)
@given(texts, st.sampled_from([1, 2, 120]), st.sampled_from([1, 42]))
def test_the_kernel_equals_datasketch(text: str, num_perm: int, seed: int) -> None:
    assert (Signer(num_perm, seed).sign(pa.array([text]))[0] == datasketch_row(text, num_perm, seed)).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(texts, max_size=6))
def test_batches_change_nothing(column: list[str]) -> None:
    signer = Signer(16)
    together = signer(pa.array(column, pa.string()))
    for row, text in enumerate(column):
        alone = signer(pa.array([text]))
        assert (together.signatures[row] == alone.signatures[0]).all()
        assert (together.keys[row] == alone.keys[0]).all()
        assert together.n_tokens[row] == alone.n_tokens[0]


def test_a_signature_can_be_queried_in_datasketch() -> None:
    text = "one two three four five six seven eight nine ten"
    signer = Signer(128)
    lsh = MinHashLSH(threshold=0.5, num_perm=128)
    for name, row in zip("ab", signer.sign(pa.array([text, text + " eleven"])), strict=True):
        lsh.insert(name, MinHash(hashvalues=row, seed=1, scheme="affine32"))
    assert sorted(lsh.query(MinHash(hashvalues=signer.sign(pa.array([text]))[0], seed=1, scheme="affine32"))) == ["a", "b"]


def test_an_article_without_a_word_has_no_signature_and_a_key_of_its_own() -> None:
    signed = Signer(8)(pa.array(["", "!!!", "???", "a", "A!"]))
    assert (signed.signatures[:3] == EMPTY).all()
    assert signed.n_tokens.tolist() == [0, 0, 0, 1, 1]
    assert len({tuple(key) for key in signed.keys.tolist()}) == 4
    assert (signed.keys[3] == signed.keys[4]).all()


@settings(max_examples=60, deadline=None)
@given(texts)
def test_shingle_sets_are_sorted_and_distinct(text: str) -> None:
    shingles, offsets = shingle_sets(pa.array([text, text]))
    first = shingles[: offsets[1]]
    assert (np.diff(first.astype(object)) > 0).all()
    assert (first == shingles[offsets[1] :]).all()
