"""Bootstrap samples: drawn ones are addresses, given ones are what the file says, or an error that quotes no cell."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from replicant.errors import DataError
from replicant.studies.samples import drawn, given

ROWS = np.array([[1, 1, 3, 4], [2, 2, 2, 2], [4, 3, 2, 1]])


def written(path: Path, rows: np.ndarray | list[list[object]]) -> Path:
    text = "".join(f"{i + 1},{','.join(map(str, row))}\n" for i, row in enumerate(rows))
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def test_drawn_samples_are_addresses() -> None:
    """A replicate's weights depend on nothing but the seed and its number."""
    samples = drawn(50, 1000, seed=3)
    forth = [samples.weights(i) for i in range(20)]
    back = [drawn(50, 20, seed=3).weights(i) for i in reversed(range(20))][::-1]
    np.testing.assert_array_equal(forth, back)
    assert len({w.tobytes() for w in forth}) == 20
    assert (drawn(50, 20, seed=4).weights(0) != forth[0]).any()


def test_halves_have_each_row_once() -> None:
    samples = drawn(51, 1000, seed=3, halves=True)
    weights = np.array([samples.weights(i) for i in range(1000)])
    assert (weights.sum(axis=1) == 26).all()
    assert set(np.unique(weights)) == {0, 1}
    assert stats.chisquare(weights.sum(axis=0)).pvalue > 0.001
    assert (samples.how, drawn(51, 1000, seed=3).how) == ("halves", "drawn")
    assert samples.digest() != drawn(51, 1000, seed=3).digest()
    codes = np.arange(51, dtype=np.int32) // 3
    clusters = drawn(51, 10, seed=3, clusters=codes, halves=True).weights(0).reshape(17, 3)
    assert (clusters == clusters[:, :1]).all()
    assert clusters.sum() == 27


def test_clusters_are_drawn_as_a_whole() -> None:
    """As many clusters as there are, each with all its rows; a row without one is a cluster by itself."""
    codes = np.array([2, 0, 0, 2, -1, 5, -1, 0], dtype=np.int32)
    clusters = [[0, 3], [1, 2, 7], [4], [5], [6]]
    samples = drawn(8, 2000, 1, codes)
    weights = np.array([samples.weights(i) for i in range(2000)])
    for rows in clusters:
        assert (weights[:, rows] == weights[:, rows[:1]]).all()
    counts = weights[:, [rows[0] for rows in clusters]]
    assert (counts.sum(axis=1) == 5).all()
    assert stats.chisquare(counts.sum(axis=0)).pvalue > 0.001
    assert samples.digest() != drawn(8, 2000, 1).digest()
    assert samples.digest() != drawn(8, 2000, 1, codes[::-1]).digest()


def test_a_cluster_that_is_drawn_twice_is_two_clusters() -> None:
    """The second has the name of one that was not drawn, so there are as many names as there were draws."""
    rng = np.random.default_rng(2)
    codes = rng.permutation(np.repeat(np.arange(12), np.arange(1, 13))).astype(np.int32)
    samples = drawn(len(codes), 30, seed=5, clusters=codes)
    for replicate in range(30):
        weights = samples.weights(replicate)
        apart, base = samples.clusters_apart(codes, weights), np.repeat(codes, weights)
        assert set(apart.tolist()) == set(range(12))
        for name in range(12):
            [origin] = set(base[apart == name].tolist())
            assert (apart == name).sum() == (codes == origin).sum()  # one whole cluster each
            if name in base:
                assert origin == name
    # A row without a cluster is a unit that is drawn, too, and has no name to give or take.
    codes[codes < 4] = -1
    samples = drawn(len(codes), 30, seed=5, clusters=codes)
    for replicate in range(30):
        weights = samples.weights(replicate)
        apart, base = samples.clusters_apart(codes, weights), np.repeat(codes, weights)
        np.testing.assert_array_equal(apart < 0, base < 0)
        assert len(set(apart[apart >= 0].tolist())) >= len(set(base[base >= 0].tolist()))


def test_drawn_samples_are_bootstrap_samples() -> None:
    """n rows each, and every row as often as any other: the counts are multinomial."""
    n, replicates = 25, 400
    weights = np.array([drawn(n, replicates, seed=1).weights(i) for i in range(replicates)])
    assert (weights.sum(axis=1) == n).all()
    assert weights.min() == 0
    assert stats.chisquare(weights.sum(axis=0)).pvalue > 0.001
    # Of a binomial(n, 1/n) the variance is 1 - 1/n; of 10000 counts it is off by some 2 %.
    assert weights.var() == pytest.approx(1 - 1 / n, rel=0.08)


@pytest.mark.parametrize("name", ["samples.csv", "samples.csv.gz"])
def test_given_samples_are_the_lines_of_the_file(tmp_path: Path, name: str) -> None:
    samples = given(written(tmp_path / name, ROWS), 4, 2)
    assert (samples.replicates, samples.n, samples.how) == (2, 4, "given")
    np.testing.assert_array_equal(samples.weights(0), [2, 0, 1, 1])
    np.testing.assert_array_equal(samples.weights(1), [0, 4, 0, 0])


def test_what_decides_the_samples_is_in_the_digest(tmp_path: Path) -> None:
    digests = [
        given(written(tmp_path / "a.csv", ROWS), 4, 3).digest(),
        given(written(tmp_path / "b.csv", ROWS[::-1]), 4, 3).digest(),
        given(written(tmp_path / "a.csv", ROWS), 4, 2).digest(),
        drawn(4, 3, 1).digest(),
        drawn(5, 3, 1).digest(),
    ]
    assert len(set(digests)) == len(digests)
    assert digests[0] == given(written(tmp_path / "other.csv.gz", ROWS), 4, 3).digest()


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([[1, 2, 3, 4], [1, 2, 3]], "line 2 .* is not a sample of this table"),
        ([[1, 2, 3, 4, 4]], "line 1 .* is not a sample of this table"),
        ([[1, 2, 3, 4], [1, 2, 3, 947511]], "line 2 .* is not a sample of this table"),
        ([[1, 2, 3, 0]], "line 1 .* is not a sample of this table"),
        ([[1, 2, 3, -947511]], "line 1 .* is not a sample of this table"),
        ([[1, 2, 3, 4], [1, 2, 3, "canary"]], "line 2 .* does not hold numbers only"),
        ([[1, 2, 3, "1.5"]], "line 1 .* does not hold numbers only"),
        ([[1, 2, 3, ""]], "line 1 .* does not hold numbers only"),
        ([[1, 2, 3, "947511" * 8]], "line 1 .* does not hold numbers only"),
        ([["V1", "V2", "V3", "canary"]], "line 1 .* does not hold numbers only"),
        ([[1, 2, 3, 4]], "has 1 samples, but 2 replicates are requested"),
        ([], "has 0 samples, but 2 replicates are requested"),
    ],
)
def test_a_file_that_holds_no_samples_of_this_table(tmp_path: Path, rows: list[list[object]], found: str) -> None:
    with pytest.raises(DataError, match=found) as raised:
        given(written(tmp_path / "samples.csv", rows), 4, 2)
    assert "947511" not in str(raised.value)
    assert "canary" not in str(raised.value)


def test_a_short_file_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"set study\.replicates to 3"):
        given(written(tmp_path / "samples.csv", ROWS), 4, 4)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        given(tmp_path / "none.csv", 4, 2)
    with pytest.raises(DataError, match="cannot be read"):
        given(tmp_path, 4, 2)
    plain = tmp_path / "plain.csv.gz"
    plain.write_text("1,1,2,3,4\n")
    with pytest.raises(DataError, match="cannot be read"):
        given(plain, 4, 1)
    whole = written(tmp_path / "whole.csv.gz", np.ones((300, 4), dtype=int)).read_bytes()
    for broken in (whole[:-9], whole[:30] + bytes([whole[30] ^ 255, whole[31] ^ 255]) + whole[32:]):
        plain.write_bytes(broken)
        with pytest.raises(DataError, match="cannot be read"):
            given(plain, 4, 300)
    latin = tmp_path / "latin.csv"
    latin.write_bytes(b"1,\xff\xfe,2,3,4\n")
    with pytest.raises(DataError, match="cannot be read"):
        given(latin, 4, 1)
