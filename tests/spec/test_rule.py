"""Rules against pandas' own comparisons."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.errors import ExpressionError, SpecError
from replicant.spec.rule import parse_rule
from replicant.table import Table, encode_table

CANARY = "Zanzibar-7741"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 400
    income = rng.lognormal(8, 1, n).round(2)
    income[rng.random(n) < 0.1] = np.nan
    age = rng.integers(0, 90, n)
    region = pd.Series(rng.choice(["north", "east", CANARY], n)).astype("str")
    region[rng.random(n) < 0.1] = np.nan
    levels = ["low", "mid", "high"]
    return pd.DataFrame(
        {
            "income": income,
            "age": age,
            "region": region,
            "educ": pd.Categorical(rng.choice(levels, n), categories=levels, ordered=True),
            "sex": rng.choice(["f", "m"], n),
            "member": rng.random(n) < 0.5,
            "flag": rng.integers(0, 2, n),
            "my hours": rng.normal(40, 5, n),
            "p90": rng.normal(0, 1, n),
            "birth": pd.Timestamp("1990-01-01") + pd.to_timedelta(rng.integers(0, 9000, n), unit="D"),
        }
    )


@pytest.fixture(scope="module")
def table(frame: pd.DataFrame) -> Table:
    return encode_table(frame)


def test_rules_select_what_pandas_selects(frame: pd.DataFrame, table: Table) -> None:
    f = frame
    has = f.income.notna()
    expected = {
        "income > p99": f.income > f.income.quantile(0.99),
        "income >= p99.5": f.income >= f.income.quantile(0.995),
        "p10 > income": f.income < f.income.quantile(0.1),
        "income < 3000": f.income < 3000,
        "3000 > income": f.income < 3000,
        "18 <= age < 65": (f.age >= 18) & (f.age < 65),
        "not age < 18": f.age >= 18,
        "not income < 3000": has & ~(f.income < 3000),
        "income != 5 and sex == 'm'": has & (f.sex == "m"),
        "income < 3000 or age > 80": (f.income < 3000) | (f.age > 80),
        "not (income < 3000 or age > 80)": has & ~((f.income < 3000) | (f.age > 80)),
        "not (income < 3000 and age > 80)": ~((f.income < 3000) & (f.age > 80)) & (has | (f.age <= 80)),
        "region == 'north'": f.region == "north",
        "region != 'north'": f.region.notna() & (f.region != "north"),
        "'north' == region": f.region == "north",
        "educ >= 'mid'": f.educ >= "mid",
        "'mid' > educ": f.educ < "mid",
        "member == True": f.member,
        "member == 'False'": ~f.member,
        "flag == 1": f.flag == 1,
        "`my hours` > 40.5": f["my hours"] > 40.5,
        "p90 > 0.5": f["p90"] > 0.5,
        "`p90` > p90": f["p90"] > f["p90"].quantile(0.9),
        "income / `my hours` > 100": f.income / f["my hours"] > 100,
        "income / `my hours` > p75": f.income / f["my hours"] > (f.income / f["my hours"]).quantile(0.75),
        "birth >= '2001-06-30'": f.birth >= "2001-06-30",
        "birth == p50": f.birth == f.birth.quantile(0.5),
        "age > -1": f.age > -1,
        "log(age + 1) > 4": np.log(f.age + 1) > 4,
    }
    for text, mask in expected.items():
        found = parse_rule(text).mask(table)
        assert found.dtype == np.bool_
        assert np.array_equal(found, np.asarray(mask, dtype=bool)), text


def test_names_in_the_order_of_mention() -> None:
    assert parse_rule("3 < b and `a a` == 'x' or b > c").names == ("b", "a a", "c")


@pytest.mark.parametrize(
    "text",
    [
        "age = 5",
        "age",
        "age + 1",
        "age & 1",
        "(age > 1) & (sex == 'm')",
        "age > 1 && sex == 'm'",
        "age in (1, 2)",
        "age is 1",
        "'a' == 'b'",
        "p50 > p90",
        "age > open('x')",
        "age.real > 1",
        "age > income[0]",
        "age > 'x' + 'y'",
        "age > p50 + 1",
        "True",
        "lambda: age > 1",
        "",
    ],
)
def test_what_is_not_a_rule(text: str) -> None:
    with pytest.raises(ExpressionError, match=r"position|empty"):
        parse_rule(text)


@pytest.mark.parametrize(
    "text",
    [
        "region > 'north'",
        "region == p50",
        "region == 'nort'",
        "region == age",
        "sex + 1 > 2",
        "age == '5'",
        "birth > 'today'",
        "birth > '2001-99-99'",
        "member == 'maybe'",
        "agee > 3",
        "age > 3 and incom < p5",
    ],
)
def test_comparisons_a_kind_does_not_allow(table: Table, text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_rule(text).mask(table)
    assert caught.value.exit_code == 2
    assert CANARY not in str(caught.value)
    assert "north" not in str(caught.value).replace(text, "")


def test_the_nearest_column_is_named(table: Table) -> None:
    with pytest.raises(SpecError, match="did you mean 'income'"):
        parse_rule("incom > p99").mask(table)


@given(
    st.lists(st.none() | st.integers(-3, 3), min_size=2, max_size=12),
    st.lists(st.none() | st.integers(-3, 3), min_size=12, max_size=12),
    st.integers(-3, 3),
    st.integers(-3, 3),
)
def test_missing_is_neither_true_nor_false(a: list[int | None], b: list[int | None], x: int, y: int) -> None:
    """Against SQL's three-valued logic as Python's sqlite3 runs it."""
    import sqlite3

    b = b[: len(a)]
    frame = pd.DataFrame({"a": pd.array(a, dtype="Float64"), "b": pd.array(b, dtype="Float64")}).astype("float64")
    spec = {"a": {"kind": "continuous"}, "b": {"kind": "continuous"}}
    table = encode_table(frame, spec)
    base = sqlite3.connect(":memory:")
    base.execute("create table t (a real, b real)")
    base.executemany("insert into t values (?, ?)", list(zip(a, b, strict=True)))
    for rule in (
        f"a > {x} or b <= {y}",
        f"a > {x} and not b <= {y}",
        f"not (a == {x} and b != {y})",
        f"not (a < {x} or not b >= {y}) or a == b",
    ):
        rows = base.execute(f"select coalesce({rule}, 0) from t order by rowid").fetchall()
        assert parse_rule(rule).mask(table).tolist() == [bool(row[0]) for row in rows], rule
