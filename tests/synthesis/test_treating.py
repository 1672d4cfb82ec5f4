"""`rp.treat`: sets that the gate withholds are drawn again, or swapped, until it passes; the record says the cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp


def people(seed: int, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.integers(16, 90, n)
    hours = np.clip(rng.normal(40 - 0.3 * np.abs(age - 45), 5), 0, 80).round(2)
    return pd.DataFrame(
        {
            "age": age,
            "sex": rng.choice(["f", "m"], n),
            "region": rng.choice(list("abcdef"), n),
            "hours": hours,
            "pay": (hours * rng.lognormal(3, 0.3, n)).round(2),
        }
    )


QUESTIONS: dict[str, Any] = {"keys": ["age", "sex", "region"], "targets": ["pay"], "effort": "quick", "threads": 1}


def test_sets_from_leaves_of_few_donors_are_drawn_again() -> None:
    train, held = people(1, 600), people(2, 300)
    syn = rp.synthesize(train, m=2, seed=1)
    out = rp.treat(train, syn, ["redraw", "smooth", "swap"], tier="safeguarded", holdout=held, **QUESTIONS)
    assert out.passed, out
    assert "distinct_donors" in out.steps[0].failed_before
    assert out.synthesis.plan.cart.min_donors >= 5
    assert out.synthesis.plan.seed == syn.plan.seed
    assert list(out.frame["remedy"]) == [step.remedy for step in out.steps]
    assert {"s_pmse_logit_before", "s_pmse_logit_after", "cells_changed"} <= set(out.frame)


def test_rows_that_equal_real_ones_are_swapped(tmp_path: Any) -> None:
    train, held = people(1, 600), people(2, 300)
    syn = rp.synthesize(train, m=2, seed=1, minbucket=1, minsplit=2, donors="any", splits="rpart")
    limits = {"distinct_donors": {"limit": 1, "reason": "rows are what is tested here"}}
    judging = {"tier": "safeguarded", "holdout": held, "limits": limits, **QUESTIONS}
    assert "copied_unique_records" in rp.gate(train, syn, **judging).failed
    out = rp.treat(train, syn, ["swap"], **judging)
    assert "copied_unique_records" not in out.verdict.failed
    assert out.treatment.rows[:1] == ("swap",)
    for before, after in zip(syn, out.synthesis, strict=True):
        assert not after.merge(train).shape[0]
        for name in train:
            assert sorted(before[name]) == sorted(after[name]), "swapping changes no column"
    counts = out.synthesis.row_counts
    assert counts is not None
    assert 0 < counts.cells == [step for step in out.steps if step.kept][-1].cells_changed
    out.synthesis.to_parquet(tmp_path / "release")
    release = rp.read_release(tmp_path / "release")
    pd.testing.assert_frame_equal(release.stack(), out.synthesis.stack())


def test_what_cannot_be_treated_is_said() -> None:
    train = people(1, 100)
    syn = rp.synthesize(train, m=1, seed=1)
    with pytest.raises(rp.SpecError, match=r"'swop' is no remedy.*swap"):
        rp.treat(train, syn, ["swop"])
    with pytest.raises(rp.SpecError, match="the sets are a list, which cannot be drawn again"):
        rp.treat(train, [syn[0]])  # type: ignore[arg-type]
