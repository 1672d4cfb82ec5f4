"""Rules against pandas' own comparisons."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.errors import ExpressionError, SpecError
from replicant.spec.rule import parse_kept_rule, parse_rule
from replicant.spec.rule_cells import TableCells
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
        "age = 30": f.age == 30,
        "age in (30, 31)": f.age.isin([30, 31]),
        "sex not in ('f')": f.sex == "m",
        "income is missing": f.income.isna(),
        "region is not missing and sex == 'f'": f.region.notna() & (f.sex == "f"),
        "birth + 1000 days < '2000-01-01'": f.birth + pd.Timedelta(days=1000) < pd.Timestamp("2000-01-01"),
        "birth - 2 weeks >= '1999-06-01'": f.birth - pd.Timedelta(weeks=2) >= pd.Timestamp("1999-06-01"),
        "age / 10 == 3.1": f.age == 31,
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
        "age",
        "age + 1",
        "age & 1",
        "(age > 1) & (sex == 'm')",
        "age > 1 && sex == 'm'",
        "age in income",
        "age in ()",
        "age in (1, income)",
        "1 < age in (1, 2)",
        "age is sex",
        "5 is missing",
        "birth > 3 years",
        "if age > 5: income > 3",
        "sex within region",
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


def broken_by(text: str, table: Table) -> np.ndarray:
    return np.broadcast_to(parse_kept_rule(text).decided(TableCells(table))[1], (table.n,))


def test_rules_that_rows_keep_are_broken_where_pandas_says_so(frame: pd.DataFrame, table: Table) -> None:
    f = frame
    expected = {
        "income > 3000": f.income <= 3000,
        "if sex == 'f': income > 3000": (f.sex == "f") & (f.income <= 3000),
        "if income > 3000: age >= 18 and sex = 'f'": (f.income > 3000) & ~((f.age >= 18) & (f.sex == "f")),
        "if age < 18: income is missing": (f.age < 18) & f.income.notna(),
        "if (sex == 'f' or age > 60): educ <= 'mid'": ((f.sex == "f") | (f.age > 60)) & (f.educ == "high"),
        "region within region": pd.Series(False, index=f.index),
        "birth + 30 days <= '2001-01-01'": f.birth + pd.Timedelta(days=30) > pd.Timestamp("2001-01-01"),
    }
    for text, broken in expected.items():
        assert np.array_equal(broken_by(text, table), broken.to_numpy()), text


def test_two_columns_of_levels_are_compared_by_their_labels() -> None:
    f = pd.DataFrame({"born": list("abca"), "lives": list("acbd"), "x": [1, 2, 3, 4]})
    assert broken_by("born == lives", encode_table(f)).tolist() == [False, True, True, True]
    assert broken_by("born != lives", encode_table(f)).tolist() == [True, False, False, False]
    with pytest.raises(SpecError, match="order that they do not share"):
        broken_by("born < lives", encode_table(f))


def test_sums_of_decimal_numbers_are_equal_but_for_their_rounding() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 1000, (2, 500)) / 10
    f = pd.DataFrame({"a": a, "b": b, "total": np.round(a + b, 1)})
    assert not broken_by("total == a + b", encode_table(f)).any()
    assert not broken_by("total - a - b == 0", encode_table(f)).any()
    assert broken_by("total == a + b + 0.1", encode_table(f)).all()


def test_the_parts_of_a_rule_say_together_what_it_says(table: Table) -> None:
    for text, count in {
        "1 <= age <= 80 and income > 100": 3,
        "if sex == 'f': (age > 3 and income > 200)": 2,
        "age > 3 or income > 200": 1,
        "not (age < 3 and income < 200)": 1,
    }.items():
        rule = parse_kept_rule(text)
        assert len(rule.parts) == count
        broken = [np.broadcast_to(part.decided(TableCells(table))[1], (table.n,)) for part in rule.parts]
        assert np.array_equal(np.any(broken, axis=0), broken_by(text, table))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("if age > 5 income > 3", "no colon"),
        ("if : income > 3", "no condition"),
        ("if age > 5:", "no rule"),
        ("'north' within region", "no column"),
        ("if age > 5: if income > 3: sex == 'f'", "the word if"),
        ("age > 5: income > 3", "does not belong"),
    ],
)
def test_what_is_no_rule_that_rows_keep(text: str, found: str) -> None:
    with pytest.raises(ExpressionError, match=found):
        parse_kept_rule(text)
