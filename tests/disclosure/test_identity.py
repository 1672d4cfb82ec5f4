"""Uniqueness on the keys, against synthpop and by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from replicant.disclosure.identity import SIZES, class_sizes, identity, reidentification

from .tables import coded, combined

NAMES = {"UiO": "unique_in_real", "UiS": "unique_in_release", "UiOiS": "unique_found", "repU": "replicated_uniques"}


def test_uniqueness_is_synthpops(frames: Callable[[str], list[pd.DataFrame]], shared_reference: Path) -> None:
    """But where synthpop leaves levels of a target out of the keys' counts: there uniqueness depends on the target."""
    tables = coded(frames("sd2011_sub"))
    seen = 0
    for known in json.loads((shared_reference / "r" / "disclosure.json").read_text()):
        if {"ngroups_keys", "not.targetlev", "denom_lim"} & {*known["args"]}:
            continue
        whole = tables.align(known["keys"])
        for i in range(5):
            one = identity(type(whole)(**{**vars(whole), "sets": whole.sets[i : i + 1]}), of="keys")
            found = {figure.measure: figure.value for figure in one}
            for name, measure in NAMES.items():
                assert 100 * found[measure] == pytest.approx(known["ident"][name][i], abs=1e-9)
                seen += 1
    assert seen == 6 * 5 * 4


def test_a_record_of_the_holdout_is_unique_where_the_real_table_has_none_like_it() -> None:
    real = np.array([[1], [2], [3], [3]])
    synthetic = np.array([[1], [7], [8], [8]])
    holdout = np.array([[7], [7], [8], [3], [9]])
    found = {one.measure: one for one in identity(combined(real, synthetic, holdout=holdout))}
    assert (found["unique_found"].value, found["unique_found"].baseline) == (0.25, 0.6)
    assert (found["replicated_uniques"].value, found["replicated_uniques"].baseline) == (0.25, 0.4)
    assert found["unique_found"].baseline_kind == "holdout"


def test_sizes_of_classes() -> None:
    found = class_sizes(np.array([1, 1, 0, 2, 4, 7, 150]))
    assert found.smallest == 1
    assert dict(zip(SIZES, found.records.tolist(), strict=True)) == {
        **{1: 2, 2: 2, 3: 4, 5: 7, 10: 0},
        **{20: 0, 50: 0, 100: 150},
    }
    assert found.below == pytest.approx((2 / 165, 4 / 165, 4 / 165 + 4 / 165))
    assert class_sizes(np.zeros(2, dtype=np.int64)).smallest == 0


@pytest.mark.parametrize(("f", "size"), [(1, 1.0), (1, 4.0), (2, 9.0), (3, 40.0), (12, 60.0), (4, 4.0)])
def test_reidentification_is_the_mean_of_one_by_the_population(f: int, size: float) -> None:
    """By simulation of the negative binomial that the formula is the mean of (an approximation from f = 3)."""
    p = f / size
    rng = np.random.default_rng(5)
    people = f + (rng.negative_binomial(f, p, 400_000) if p < 1 else np.zeros(10))
    assert reidentification(np.array([f]), np.array([size]))[0] == pytest.approx(
        np.mean(1 / people), rel=0.01 if f < 3 else 0.2
    )


def test_risks_are_probabilities() -> None:
    counts, population = np.array([0, 1, 1, 2, 5]), np.array([0.0, 0.2, 1e9, 2.0, 5.0])
    found = reidentification(counts, population)
    assert found[0] == 0
    assert ((found >= 0) & (found <= 1)).all()
    assert found[1] == 1
    assert found[3] == 0.5
    assert found[4] == 0.2
