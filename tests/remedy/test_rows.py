"""Rows at risk are told by real records that are alone; swapping keeps columns, breaks no rule and leaves none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicant.evaluation.inputs import inputs
from replicant.evaluation.rows import Rows
from replicant.remedy.at_risk import RealRecords
from replicant.remedy.rows import treat_rows

N = 300


def people(seed: int, n: int = N) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.integers(16, 90, n)
    return pd.DataFrame(
        {
            "age": age,
            "sex": pd.Categorical(rng.choice(["f", "m"], n)),
            "region": pd.Categorical(rng.choice([f"r{i}" for i in range(8)], n)),
            "income": np.where(rng.random(n) < 0.1, np.nan, rng.lognormal(7, 0.5, n).round(-1)),
            "retired": pd.Categorical(np.where(age >= 60, "yes", "no")),
        }
    )


def leaking(real: pd.DataFrame, fresh: pd.DataFrame, copies: int) -> pd.DataFrame:
    return pd.concat([fresh.iloc[copies:], real.iloc[:copies]], ignore_index=True)


def test_copies_are_rows_that_one_real_record_equals() -> None:
    real = people(1)
    real = pd.concat([real, real.iloc[[0]]], ignore_index=True)  # the first record has a double: it is not alone
    syn = leaking(real, people(2), 5)
    coding = inputs(real, [syn]).coding
    records = RealRecords.of(real, coding)
    same = syn.merge(real.drop_duplicates(keep=False), how="left", indicator=True)["_merge"] == "both"
    assert records.copies(coding.rows(syn)).tolist() == same.tolist()
    assert not records.copies(coding.rows(real.iloc[[0]])).any()


def test_partitions_count_as_one_table() -> None:
    real, syn = people(1), people(2)
    coding = inputs(real, [syn]).coding
    keys, targets = ["age", "sex", "region"], ["income", "retired"]
    whole = RealRecords.of(real, coding, keys, targets)
    parts = RealRecords.of([lambda i=i: real.iloc[i::3] for i in range(3)], coding, keys, targets)  # type: ignore[misc]
    assert np.array_equal(whole.rows, parts.rows)
    assert all(np.array_equal(a, b) for a, b in zip(whole.answers, parts.answers, strict=True))


def test_disclosing_rows_have_the_keys_and_an_answer_of_one_record() -> None:
    real, syn = people(1), leaking(people(1), people(2), 40)
    coding = inputs(real, [syn]).coding
    records = RealRecords.of(real, coding, ["age", "sex", "region"], ["retired"])
    keys = ["age", "sex", "region"]
    alone = real[~real.duplicated(keys, keep=False)]
    wanted = syn.merge(alone[[*keys, "retired"]], how="left", indicator=True)["_merge"] == "both"
    assert records.disclosing(coding.rows(syn)).tolist() == wanted.tolist()
    assert wanted.iloc[-40:].any()


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), copies=st.integers(0, 60))
def test_swapping_keeps_every_column_and_leaves_no_copy(seed: int, copies: int) -> None:
    real = people(seed)
    syn = leaking(real, people(seed + 1), copies)
    coding = inputs(real, [syn]).coding
    records = RealRecords.of(real, coding)
    out = treat_rows(
        "swap", syn, coding, records.copies, np.random.default_rng(seed), columns=("age", "sex", "region", "income")
    )
    assert not records.copies(coding.rows(out.frame)).any()
    assert out.counts.left == 0
    assert out.counts.at_risk >= min(copies, 1)
    assert out.frame.dtypes.equals(syn.dtypes)
    for name in syn:
        assert np.array_equal(np.sort(coding.rows(out.frame).only([name]).cells[:, 0]),
                              np.sort(coding.rows(syn).only([name]).cells[:, 0]))  # fmt: skip
    differs = coding.rows(out.frame).cells != coding.rows(syn).cells
    assert (int(differs.sum()), int(differs.any(axis=1).sum())) == (out.counts.cells, out.counts.rows)
    assert not differs[:, coding.names.index("retired")].any(), "a column that was not offered was swapped"


def test_no_exchange_breaks_a_rule() -> None:
    real = people(1)
    syn = leaking(real, people(2), 100)
    coding = inputs(real, [syn]).coding
    records = RealRecords.of(real, coding)
    at = {name: j for j, name in enumerate(coding.names)}
    retired = coding.columns[at["retired"]].levels.index("yes")

    def broken(rows: Rows) -> np.ndarray:
        return (rows.groups[:, at["retired"]] == retired) != (rows.numbers[:, at["age"]] >= 60)

    options = {"columns": ("age", "retired", "sex")}
    free = treat_rows("swap", syn, coding, records.copies, np.random.default_rng(3), **options)  # type: ignore[arg-type]
    kept = treat_rows("swap", syn, coding, records.copies, np.random.default_rng(3), broken=broken, **options)  # type: ignore[arg-type]
    assert broken(coding.rows(free.frame)).any(), "the rule would hold anyhow"
    assert not broken(coding.rows(kept.frame)).any()
    assert kept.counts.left == 0


def test_the_same_stream_gives_the_same_rows() -> None:
    real = people(1)
    syn = leaking(real, people(2), 50)
    coding = inputs(real, [syn]).coding
    records = RealRecords.of(real, coding)
    made = [
        treat_rows("swap", syn, coding, records.copies, np.random.default_rng(7), columns=coding.names)
        for _ in range(2)
    ]
    pd.testing.assert_frame_equal(made[0].frame, made[1].frame)


@pytest.mark.parametrize("copies", [0, 1, 60])
def test_removing_leaves_the_other_rows_as_they_are(copies: int) -> None:
    real = people(1)
    syn = leaking(real, people(2), copies)
    coding = inputs(real, [syn]).coding
    records = RealRecords.of(real, coding)
    out = treat_rows("remove", syn, coding, records.copies, np.random.default_rng(7))
    risky = records.copies(coding.rows(syn))
    pd.testing.assert_frame_equal(out.frame, syn.loc[~risky].reset_index(drop=True))
    assert (out.counts.rows, out.counts.cells, out.counts.left) == (risky.sum(), risky.sum() * 5, 0)


def test_rows_without_a_partner_are_counted() -> None:
    real = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["x", "y", "z"]})
    coding = inputs(real, [real]).coding
    records = RealRecords.of(real, coding)
    out = treat_rows("swap", real, coding, records.copies, np.random.default_rng(1), columns=("a", "b"))
    assert (out.counts.at_risk, out.counts.left, out.counts.rows) == (3, 1, 2)
