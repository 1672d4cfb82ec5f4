"""Steps of an evaluation give the same bits on one thread, on several, and leave filters of warnings as they were."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.evaluation.tasks import Tasks, opened, seeds, stream_of


def drawn(data: np.ndarray, item: tuple[int, int]) -> float:
    at, seed = item
    return float(data[at] + stream_of(seed).normal())


def noisy(data: None, item: int) -> int:
    with warnings.catch_warnings():
        warnings.resetwarnings()
        if item == 3:
            warnings.warn("`sklearn.utils.parallel.delayed` is used otherwise", UserWarning, stacklevel=2)
        if item == 5:
            warnings.warn("this counts", UserWarning, stacklevel=2)
    return item


def test_results_stand_in_the_order_of_items_and_do_not_depend_on_threads() -> None:
    data = np.arange(40.0)
    items = list(enumerate(seeds(np.random.default_rng(1), 40)))
    alone = Tasks().each("drawing", drawn, data, items)
    assert len(set(alone)) == 40
    for threads in (1, 3):
        with opened(threads=threads) as tasks:
            assert tasks.each("drawing", drawn, data, items) == alone
            assert tasks.each("drawing", drawn, data, []) == []


def test_filters_of_warnings_stay_and_only_other_warnings_are_seen() -> None:
    before = list(warnings.filters)
    with opened(threads=3) as tasks, pytest.warns(UserWarning, match="this counts") as seen:
        assert tasks.each("warning", noisy, None, range(20)) == list(range(20))
    assert len(seen) == 1
    assert list(warnings.filters) == before


@pytest.mark.parametrize("call", [rp.utility, rp.disclosure], ids=["utility", "disclosure"])
def test_figures_do_not_depend_on_threads(call: object) -> None:
    rng = np.random.default_rng(2)
    frames = [
        pd.DataFrame({"x": rng.normal(size=120).round(2), "y": rng.integers(0, 3, 120), "z": list("abcd") * 30})
        for _ in range(4)
    ]
    results = [
        call(frames[0], frames[1:3], holdout=frames[3], effort="quick", threads=threads)  # type: ignore[operator]
        for threads in (1, 2)
    ]
    pd.testing.assert_frame_equal(results[0].frame, results[1].frame, check_exact=True)
    assert any(text.startswith("quick effort leaves out") for text in results[0].left_out)
