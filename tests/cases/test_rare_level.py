"""A level with 5 rows of 500: how often the pooled interval of its coefficient holds the truth, and is given at all."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

import replicant as rp

REPLICATES, ROWS, RARE = 600, 500, 5
MEANS = {"a": 0.0, "b": 0.5, "rare": 2.0}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("levels", "term", "truth", "without"),
    [(["a", "b", "rare"], "grare", 2.0, "left out"), (["rare", "a", "b"], "ga", -2.0, "refused")],
)
def test_the_interval_of_a_rare_level_covers_where_it_is_given(
    levels: list[str], term: str, truth: float, without: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """New samples of a known truth, m = 5; as a level among others, and as the one that they are compared with.

    A set of 500 rows has none of the rare ones with a chance of 0.99^500 = 0.66 %, one of five sets with 3.2 %: of 600
    that is 19 with a deviation of 4.3.
    """
    became: Counter[str] = Counter()
    for replicate in range(REPLICATES):
        rng = np.random.default_rng([7, replicate])
        g = np.r_[["rare"] * RARE, rng.choice(["a", "b"], ROWS - RARE)]
        y = pd.Series(g).map(MEANS).to_numpy() + rng.normal(size=ROWS)
        frame = pd.DataFrame({"g": pd.Categorical(g, levels), "y": y})
        syn = rp.synthesize(frame, m=5, seed=replicate, visit_sequence=["g", "y"])
        try:
            pooled = syn.analyse("ols", "y ~ g").pool()
        except rp.DataError:
            became["refused"] += 1
            continue
        if term not in pooled.terms:
            became["left out"] += 1
            continue
        i = pooled.terms.index(term)
        became["covered" if pooled.conf_low[i] <= truth <= pooled.conf_high[i] else "missed"] += 1
    shown = became["covered"] + became["missed"]
    coverage = became["covered"] / shown
    error = np.sqrt(coverage * (1 - coverage) / shown)
    with capsys.disabled():
        print(f"\n{term}: {dict(became)}; coverage {100 * coverage:.1f} % (Monte-Carlo error {100 * error:.1f})")
    assert coverage >= 0.93
    assert set(became) <= {"covered", "missed", without}
    assert abs(became[without] - 19) < 4 * 4.3
