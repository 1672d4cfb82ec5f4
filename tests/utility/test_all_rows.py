"""Scores of rows that are not in memory: steps from a model of some are a fit to all."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.evaluation import inputs as inputs_of
from replicant.evaluation.schema import compare_schemas
from replicant.utility import all_rows, call
from replicant.utility.all_rows import WholeTables
from replicant.utility.lumping import Lumping
from replicant.utility.propensity import logistic


def population(rng: np.random.Generator, n: int, shift: float = 0.0) -> pd.DataFrame:
    z = rng.normal(size=n)
    income = np.exp(1.5 * z + rng.normal(0, 0.5, n)).round(2)
    income[rng.random(n) < 0.1] = np.nan
    town = np.minimum(rng.zipf(1.5, n), 60).astype(str)
    return pd.DataFrame({"size": 10 * z + rng.normal(shift, 4, n), "income": income, "town": town})


@pytest.mark.parametrize("shift", [0.0, 1.0, 6.0], ids=["fresh", "other", "far"])
@pytest.mark.parametrize("form", ["frame", "partitions"])
def test_steps_from_some_rows_are_a_fit_to_all(shift: float, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    frames = [population(rng, 12_000), population(rng, 6_000, shift)]
    coding = compare_schemas(frames[0], frames[1:]).coding
    rows = [coding.rows(one) for one in frames]
    lumping = Lumping.of(rows[0], rows[1:], most=20)
    whole = [lumping(one) for one in rows]
    # As many rows of either table, so the share of real rows is another one.
    some = [one.take(np.arange(0, len(one), len(one) // 3_000)) for one in whole]
    monkeypatch.setattr(all_rows, "SLICE", 5_000)
    given: list[Any] = frames
    if form == "partitions":
        given = [[partial(frame.iloc.__getitem__, slice(at, None, 3)) for at in range(3)] for frame in frames]
    [found] = WholeTables(given[0], given[1:], coding, 12_000, [6_000], lumping).scores(some[0], some[1:])
    expected = logistic(*whole)
    assert found.expected == pytest.approx(expected.expected, rel=0.05)  # rare levels may lack in some rows
    assert found.pmse == pytest.approx(expected.pmse, rel=0.02)
    for name in ("specks", "auc"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=0.005), name


def test_large_tables_have_their_scores_from_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    frames = [population(rng, 4_000) for _ in range(2)]
    whole = rp.utility(frames[0], frames[1], effort="quick")
    for module in (inputs_of, call):
        monkeypatch.setattr(module, "MOST_ROWS", 1_500)
    monkeypatch.setattr(inputs_of.in_memory, "__defaults__", (1_500,))
    found = rp.utility(frames[0], frames[1], effort="quick")
    for name in ("pmse_logit", "s_pmse_logit", "auc_logit"):
        assert found[name].value == pytest.approx(whole[name].value, rel=0.1), name
        assert found[name].baseline == pytest.approx(whole[name].baseline, rel=0.1), name
    assert found["s_pmse_logit"].baseline_kind == "theory"
    assert found.passed
