"""Rules that the real rows keep are found; a fresh sample keeps them, and rows that break them are flagged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.evaluation.schema import compare_schemas
from replicant.table import encode_table
from replicant.utility.rules import find_rules, rule_figures

KINDS = {
    "broken_arithmetic": "total by wage x rent",
    "broken_skip": "hours by work",
    "broken_order": "first by last",
    "broken_levels": "region by town",
}


def households(seed: int, n: int = 800) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    work = rng.choice(["yes", "no"], n)
    wage, rent = rng.integers(0, 3000, n).astype(float), rng.integers(0, 900, n).astype(float)
    town = rng.integers(0, 12, n)
    age, first = rng.integers(0, 90, n).astype(float), rng.integers(1990, 2015, n).astype(float)
    return pd.DataFrame(
        {
            **{"work": work, "wage": wage, "rent": rent, "total": wage + rent},
            "hours": np.where(work == "yes", rng.integers(10, 50, n), np.nan),
            **{"first": first, "last": first + rng.integers(0, 12, n), "age": age},
            "group": np.array(["young", "middle", "old"])[np.searchsorted([30, 60], age, side="right")],
            **{"town": [f"t{i}" for i in town], "region": [f"r{i // 3}" for i in town]},
        }
    )


def test_each_kind_is_found_kept_by_a_fresh_sample_and_broken_by_shuffled_columns() -> None:
    real, fresh = households(1), households(2)
    coding = compare_schemas(real, [fresh]).coding
    rows = coding.rows(real)
    patterns = find_rules(encode_table(real), rows)
    of = {(one.measure, one.of) for one in patterns}
    assert of >= set(KINDS.items()) | {("broken_levels", "group by age")}
    for one in rule_figures(patterns, rows, [coding.rows(fresh)], "half_splits"):
        assert (one.value, one.baseline, one.baseline_kind) == (0, 0, "half_splits")
    rng = np.random.default_rng(3)
    for measure, name in KINDS.items():
        first = name.split()[0]
        shuffled = coding.rows(fresh.assign(**{first: rng.permutation(fresh[first])}))
        figures = {
            (one.measure, one.of): one for one in rule_figures(patterns, coding.rows(fresh), [shuffled], "holdout")
        }
        assert figures[measure, name].value > 0.1
        assert figures[measure, name].p_value < 1e-6
        assert figures[measure, name].baseline_kind == "holdout"


def test_independent_columns_have_no_rules() -> None:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"a": rng.normal(size=500), "b": rng.normal(size=500), "g": rng.choice(list("xyz"), 500)})
    frame.loc[rng.random(500) < 0.2, "b"] = np.nan
    assert find_rules(encode_table(frame), compare_schemas(frame, [frame]).coding.rows(frame)) == []


def test_the_call_flags_what_breaks_a_rule() -> None:
    real, fresh = households(1, 300), households(2, 300)
    assert rp.utility(real, fresh, effort="quick").passed
    broken = fresh.assign(hours=np.random.default_rng(5).permutation(fresh["hours"]))
    flags = {(one.measure, one.of) for one in rp.utility(real, broken, effort="quick").flags}
    assert ("broken_skip", "hours by work") in flags


def test_a_rule_that_is_nearly_kept_is_one() -> None:
    real = households(1)
    real.loc[3, "last"] = 1900
    coding = compare_schemas(real, [real]).coding
    rows = coding.rows(real)
    figures = {one.of: one for one in rule_figures(find_rules(encode_table(real), rows), rows, [rows], "half_splits")}
    assert figures["first by last"].value == pytest.approx(1 / 800)
    assert figures["first by last"].p_value == 1
