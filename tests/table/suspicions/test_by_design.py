"""Cells that seem not applicable: what condition says so, and that the rule of it selects them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant.plan import build_plan
from replicant.spec.load import job_of_table, parse_job
from replicant.spec.proposal import proposal
from replicant.spec.rule import parse_rule
from replicant.table import encode_table
from replicant.table.suspicions import suspicions
from replicant.table.suspicions.skips import skip_suspicions

RNG = np.random.default_rng(3)
N = 600
AGE = RNG.integers(5, 90, N)
MARRIED = RNG.choice(["yes", "no", "widowed", "divorced"], N)
KIDS = RNG.poisson(1.5, N)
INCOME = RNG.lognormal(7, 0.5, N).round(2)
NOBODY = np.zeros(N, dtype=bool)
SOME = RNG.random(N) < 0.08
"""Rows in which nobody answered."""


def table(gone: np.ndarray, **others: Any) -> pd.DataFrame:
    return pd.DataFrame({**others, "spouse": np.where(gone, np.nan, RNG.normal(45, 9, N).round(1))})


def conditions(frame: pd.DataFrame) -> dict[str, str]:
    found = skip_suspicions(encode_table(frame))
    return {
        key.removeprefix("imputation.missing."): said["when"]
        for one in found
        for key, said in one.settings.items()
        if key.startswith("imputation.")
    }


@pytest.mark.parametrize("unanswered", [NOBODY, SOME], ids=["exactly", "nearly"])
@pytest.mark.parametrize(
    ("gone", "when"),
    [
        (MARRIED != "yes", "married != 'yes'"),
        (MARRIED == "no", "married == 'no'"),
        (np.isin(MARRIED, ["no", "widowed"]), "married == 'no' or married == 'widowed'"),
        (AGE < 16, "age < 16"),
        (AGE >= 65, "age >= 65"),
        (KIDS == 0, "kids == 0"),
    ],
)
def test_the_condition_selects_what_was_skipped(gone: np.ndarray, when: str, unanswered: np.ndarray) -> None:
    frame = table(gone | unanswered, married=MARRIED, age=AGE, kids=KIDS, income=INCOME)
    assert conditions(frame) == {"spouse": when}
    np.testing.assert_array_equal(parse_rule(when).mask(encode_table(frame)), gone)


def test_a_few_that_answered_all_the_same() -> None:
    gone = AGE < 60
    gone[np.flatnonzero(gone)[:2]] = False
    assert conditions(table(gone, age=AGE)) == {"spouse": "age < 60"}
    gone[np.flatnonzero(gone)[:20]] = False
    assert conditions(table(gone, age=AGE)) == {}


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.9])
def test_what_is_missing_at_random_has_no_condition(share: float) -> None:
    others = {"married": MARRIED, "age": AGE, "kids": KIDS, "income": INCOME}
    for _ in range(20):
        assert conditions(table(RNG.random(N) < share, **others)) == {}


def test_a_few_rows_are_no_condition() -> None:
    married = MARRIED.copy()
    married[:6] = "other"
    assert conditions(table(SOME | (married == "other"), married=married)) == {}


def test_a_threshold_is_round() -> None:
    """A number of three digits at most between two values, never a value that is exact to the cent."""
    cut = float(np.sort(INCOME)[200])
    found = conditions(table(cut > INCOME, income=INCOME))
    for when in found.values():
        number = when.split()[-1]
        assert len(number.strip("0").replace(".", "").strip("0")) <= 3
    close = np.concatenate([1000 + np.arange(300) / 1000, 1000.3 + np.arange(300) / 1000 + 1e-4])
    assert conditions(table(close < 1000.3, close=close)) == {}


@pytest.mark.parametrize("name", ["p99", "and", "class", "marital status", "état", "2nd"])
def test_any_name_is_one_of_a_rule(name: str) -> None:
    frame = table(MARRIED == "no", **{name: MARRIED})
    (when,) = conditions(frame).values()
    np.testing.assert_array_equal(parse_rule(when).mask(encode_table(frame)), MARRIED == "no")


@pytest.mark.parametrize("level", ["it's", 'so-called "no"', "`", "-1", "50 %", "a#b: {c}"])
def test_any_level_is_one_of_a_rule(level: str) -> None:
    married = np.where(MARRIED == "no", level, MARRIED)
    frame = table(MARRIED == "no", married=married)
    job = proposed(frame)
    (when,) = conditions(frame).values()
    np.testing.assert_array_equal(parse_rule(when).mask(encode_table(frame)), MARRIED == "no")
    assert uncommented(job).synthesis.imputed.missing["spouse"].when == when


@pytest.mark.parametrize("codes", [(1, 2), (-1, 1), (0.5, 1.5)])
def test_a_level_may_be_a_number(codes: tuple[float, float]) -> None:
    for kind in ("nominal", "continuous"):
        frame = table(MARRIED == "no", code=np.where(MARRIED == "no", *codes))
        encoded = encode_table(frame, {"code": {"kind": kind}})
        (one,) = skip_suspicions(encoded)
        when = one.settings["imputation.missing.spouse"]["when"]
        np.testing.assert_array_equal(parse_rule(when).mask(encoded), MARRIED == "no")


def test_rows_in_which_the_other_is_missing_say_nothing() -> None:
    married = pd.Series(MARRIED).where(RNG.random(N) >= 0.1, None)
    assert conditions(table(MARRIED != "yes", married=married)) == {"spouse": "married != 'yes'"}
    most = pd.Series(MARRIED).where(RNG.random(N) >= 0.6, None)
    assert "spouse" not in conditions(table(MARRIED != "yes", married=most))


def test_columns_of_one_pattern_have_one_condition() -> None:
    frame = table(MARRIED != "yes", married=MARRIED)
    frame["wed"] = np.where(MARRIED != "yes", np.nan, RNG.integers(1960, 2020, N))
    assert conditions(frame) == dict.fromkeys(["spouse", "wed"], "married != 'yes'")


def test_a_large_table_is_judged_by_all_of_its_rows() -> None:
    n = 40_000
    age = RNG.integers(0, 100, n)
    gone = (age < 16) | (RNG.random(n) < 0.05)
    late = gone.copy()
    late[(age < 16) & (np.arange(n) % 8 == 3)] = False  # rows that no sample of every eighth row has
    frame = pd.DataFrame({"age": age, "a": np.where(gone, np.nan, 1.5), "b": np.where(late, np.nan, 2.5)})
    frame[["a", "b"]] *= RNG.integers(1, 50, (n, 2))
    assert conditions(frame) == {"a": "age < 16"}


def proposed(frame: pd.DataFrame) -> str:
    job = job_of_table(path="data.csv", dataset=None, overrides=())
    encoded = encode_table(frame)
    return proposal(job, encoded, suspicions(encoded), lambda one: encode_table(frame, one.columns))


def uncommented(text: str) -> Any:
    """The job with the proposal taken: the comments that YAML would read."""
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if line == "# imputation:")
    end = next(i for i in range(at, len(lines)) if not lines[i])
    lines[at:end] = [line.removeprefix("# ") for line in lines[at:end]]
    return parse_job("\n".join(lines).replace("  # missing: impute", "  missing: impute"))


def test_a_proposed_job_that_imputes_leaves_what_is_not_applicable() -> None:
    frame = table((MARRIED != "yes") | SOME, married=MARRIED, age=AGE)
    text = proposed(frame)
    assert parse_job(text).synthesis.imputed is None
    job = uncommented(text)
    plan = build_plan(job.synthesis, encode_table(frame, job.columns))
    assert plan.imputation is not None
    assert [one.name for one in plan.imputation.columns] == ["spouse"]
    assert job.synthesis.imputed.missing["spouse"].when == "married != 'yes'"


def test_conditions_on_what_is_dropped_are_not_proposed() -> None:
    """An identifier is dropped, and no rule may name it."""
    frame = table(MARRIED != "yes", married=MARRIED).assign(pid=RNG.permutation(10**8 + np.arange(N)))
    frame["late"] = np.where(frame["pid"] < 10**8 + 200, np.nan, INCOME)
    text = proposed(frame)
    assert "drop: [pid]" in text
    assert "when: pid" not in text
