"""Generated tables and sets of rules: every row of every set keeps every rule, and no draw hangs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import replicant as rp
from replicant.errors import ExpressionError, RunError, SpecError
from replicant.spec.rule import parse_kept_rule
from replicant.spec.rule_cells import TableCells
from replicant.table import encode_table

from .test_fuzz import fuzzed

pytestmark = pytest.mark.fuzz

NUMBERS = st.sampled_from(["a", "b", "c"])
SIGNS = st.sampled_from(["<=", ">=", "!="])
LEVELS = st.sampled_from(["u", "v"])
COMPARISONS = st.one_of(
    st.builds(lambda one, sign, other: f"{one} {sign} {other}", NUMBERS, st.sampled_from(["<=", ">=", "<"]), NUMBERS),
    st.builds(
        lambda one, sign, at: f"{one} {sign} {at}", NUMBERS, st.sampled_from(["<=", ">=", "!="]), st.integers(0, 20)
    ),
    st.builds(lambda one, other, at: f"{one} + 2 * {other} <= {at}", NUMBERS, NUMBERS, st.integers(5, 60)),
    st.builds(lambda one, other, at: f"{one} * {other} <= {at}", NUMBERS, NUMBERS, st.integers(5, 300)),
    st.builds(
        lambda one, sign, level: f"{one} {sign} 'l{level}'", LEVELS, st.sampled_from(["==", "!="]), st.integers(0, 3)
    ),
    st.builds(lambda one, word: f"{one} is {word}missing", st.sampled_from(["a", "u"]), st.sampled_from(["", "not "])),
    st.builds(lambda at: f"u in ('l0', 'l{at}')", st.integers(1, 3)),
    st.just("u == v"),
)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda part: st.one_of(
        st.builds(lambda one, word, other: f"({one} {word} {other})", part, st.sampled_from(["and", "or"]), part),
        part.map(lambda one: f"not ({one})"),
    ),
    max_leaves=3,
)
CHAINS = st.builds(
    lambda names, sign, more: f"{names[0]} {sign} {names[1]} <= {names[2]}{more}",
    st.permutations(list("abc")),
    st.sampled_from(["<", "<="]),
    st.sampled_from(["", " + 3", " + 10", " <= 18"]),
)
ANY_RULE = st.one_of(
    CONDITIONS,
    st.builds(lambda one, other: f"if {one}: {other}", CONDITIONS, CONDITIONS),
    CHAINS,
    st.sampled_from(["unique(a, b)", "unique(b, u, v)", "unique(a, b, c)"]),
)
OF_NUMBERS = ["norm", "norm.nob", "lognorm", "sqrtnorm", "cubertnorm", "normrank", "pmm", "sample", "rf"]
METHODS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            "abc",
            st.sampled_from(
                ["norm", "norm.nob", "lognorm", "sqrtnorm", "cubertnorm", "normrank", "pmm", "sample", "rf"]
            ),
        ),
        **dict.fromkeys("uv", st.sampled_from(["polyreg", "lda", "sample"])),
    },
)


def small_table(seed: int, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.integers(0, 21, n).astype(float) for name in "abc"})
    frame.loc[rng.random(n) < 0.2, "a"] = np.nan
    for name in "uv":
        frame[name] = pd.Categorical.from_codes(rng.integers(0, 4, n), [f"l{i}" for i in range(4)])
    frame.loc[rng.random(n) < 0.2, "u"] = None
    return frame


@fuzzed(1.0)
@given(
    texts=st.lists(ANY_RULE, min_size=1, max_size=3, unique=True),
    seed=st.integers(0, 10_000),
    n=st.integers(30, 120),
    conditioning=st.sampled_from(["synthetic", "observed"]),
    exclude_self=st.booleans(),
    method=METHODS,
)
def test_any_rules_that_real_rows_keep_are_kept(
    texts: list[str], seed: int, n: int, conditioning: Any, exclude_self: bool, method: dict[str, str]
) -> None:
    real = small_table(seed, n)
    rules = [parse_kept_rule(text) for text in texts]
    cells = TableCells(encode_table(real))  # rows that break one are left out, so that donors keep all together
    broken_rows = np.any([np.broadcast_to(rule.decided(cells)[1], (n,)) for rule in rules], axis=0)
    real = real[~broken_rows].reset_index(drop=True)
    if len(real) < 8:
        return
    settings = {"conditioning": conditioning, "exclude_self": exclude_self, "method": method}
    try:
        syn = rp.synthesize(real, m=1, seed=seed, rules=texts, threads=1, **settings)
    except (SpecError, ExpressionError):
        return  # a level that is not there any more
    except RunError:
        if method or any("unique" in text for text in texts):
            return  # a model may have no chance of what few rows keep; records of the table always do
        raise
    again = TableCells(encode_table(syn[0], columns={name: {"kind": "continuous"} for name in "abc"}))
    for rule in rules:
        try:
            false = rule.decided(again)[1]
        except (SpecError, ExpressionError):
            continue
        assert not np.any(false), rule.text
