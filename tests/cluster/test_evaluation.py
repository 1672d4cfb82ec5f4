"""Utility and disclosure on worker processes: the same figures as in this thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from distributed import Client

import replicant as rp
from replicant.execution import dask_client

pytestmark = pytest.mark.cluster


def sample(seed: int, n: int = 160) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(50, 9, n).round(1)
    y = np.round(x / 2 + rng.normal(0, 2, n), 1)
    y[rng.random(n) < 0.1] = np.nan
    region = rng.choice(["north", "south"], n)
    return pd.DataFrame({"x": x, "y": y, "region": region, "word": rng.choice(["yes", "no"], n)})


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Client]:
    with dask_client.local_cluster(2) as client:
        yield client


@pytest.mark.parametrize(
    ("call", "settings"),
    [
        (rp.utility, {"targets": ["word"], "by": "region"}),
        (rp.disclosure, {"keys": ["x", "region"], "targets": ["y"]}),
    ],
    ids=["utility", "disclosure"],
)
def test_figures_are_the_same_with_a_client(call: Any, settings: dict[str, Any], two_workers: Client) -> None:
    real, holdout, *sets = (sample(seed) for seed in range(4))
    here, there = (call(real, sets, holdout=holdout, **settings, **where) for where in _backends(two_workers))
    pd.testing.assert_frame_equal(here.frame, there.frame, check_exact=True)
    assert here.left_out == there.left_out


def _backends(client: Client) -> list[dict[str, Any]]:
    return [{"threads": 1}, {"client": client}]
