"""Sums over replicates: as of all of them at once, the same bits in any order of arrival, and whole from a file."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from replicant.studies.tally import Fold, Replicates, Tally, flat, unflat

Floats = np.ndarray

PARTS = ("n", "mean", "m2", "draws")


@st.composite
def replicates(draw: st.DrawFn) -> Floats:
    """(replicates, fields, terms) figures, some of them missing, on any scale."""
    shape = draw(st.tuples(st.integers(1, 30), st.integers(1, 3), st.integers(1, 3)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    scale = 10.0 ** draw(st.integers(-6, 6))
    figures = (rng.normal(draw(st.sampled_from([0.0, 1.0, 100.0])), 1, shape)) * scale
    figures[draw(hnp.arrays(bool, shape))] = np.nan
    figures[rng.random(shape) < 0.05] = np.inf
    return figures


def blocks_of(figures: Floats, size: int) -> list[Tally]:
    return [
        {
            ("a", "arm"): Replicates.of(figures[i : i + size], True),
            ("b", "arm"): Replicates.of(figures[i : i + size], False),
        }
        for i in range(0, len(figures), size)
    ]


def folded(blocks: list[Tally], order: list[int]) -> Fold:
    fold = Fold()
    for i in order:
        fold.add(i, blocks[i])
    return fold


@given(figures=replicates(), size=st.integers(1, 12), data=st.data())
def test_blocks_in_any_order_are_all_replicates(figures: Floats, size: int, data: st.DataObject) -> None:
    blocks = blocks_of(figures, size)
    order = data.draw(st.permutations(range(len(blocks))))
    fold = folded(blocks, list(order))
    assert fold.folded == len(blocks)
    found = fold.total["a", "arm"]
    known = np.where(np.isfinite(figures), figures, np.nan)
    n = np.isfinite(known).sum(axis=0)
    np.testing.assert_array_equal(found.n, n)
    scale = np.nanmax(np.abs(known), initial=0.0)
    for at in np.ndindex(n.shape):
        column = known[:, *at][np.isfinite(known[:, *at])]
        if len(column):
            np.testing.assert_allclose(found.mean[at], column.mean(), rtol=1e-12, atol=1e-12 * scale)
        expected = column.std(ddof=1) if len(column) > 1 else np.nan
        np.testing.assert_allclose(found.sd[at], expected, rtol=1e-10, atol=1e-12 * scale)
        np.testing.assert_allclose(
            found.error[at], expected / np.sqrt(max(len(column), 1)), rtol=1e-10, atol=1e-12 * scale
        )
    np.testing.assert_array_equal(found.draws, figures[:, 0])
    assert fold.total["b", "arm"].draws.shape == (0, figures.shape[2])


@given(figures=replicates(), size=st.integers(1, 7), data=st.data())
def test_the_order_of_arrival_leaves_the_bits_alone(figures: Floats, size: int, data: st.DataObject) -> None:
    blocks = blocks_of(figures, size)
    straight = folded(blocks, list(range(len(blocks))))
    mixed = folded(blocks, list(data.draw(st.permutations(range(len(blocks))))))
    for key, moments in straight.total.items():
        for part in PARTS:
            assert getattr(moments, part).tobytes() == getattr(mixed.total[key], part).tobytes()


@given(figures=replicates(), size=st.integers(1, 7))
def test_a_file_keeps_every_bit(figures: Floats, size: int) -> None:
    for tally in blocks_of(figures, size):
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **flat(tally))
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            back = unflat(dict(arrays))
        assert list(back) == list(tally)
        for key, moments in tally.items():
            for part in PARTS:
                one, other = getattr(moments, part), getattr(back[key], part)
                assert one.shape == other.shape
                assert one.tobytes() == other.tobytes()


def test_blocks_that_come_early_wait() -> None:
    blocks = blocks_of(np.arange(8.0).reshape(4, 1, 2), 1)
    fold = Fold()
    fold.add(1, blocks[1])
    fold.add(3, blocks[3])
    assert fold.folded == 0
    assert fold.total == {}
    fold.add(0, blocks[0])
    assert fold.folded == 2
    np.testing.assert_array_equal(fold.total["a", "arm"].draws, [[0, 1], [2, 3]])
