"""Columns that follow from others: the form is named, and one row that disagrees takes it back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.spec.expression import parse_expression
from replicant.table import encode_table
from replicant.table.suspicions import suspicions
from replicant.table.suspicions.derived import derived_suspicions

RNG = np.random.default_rng(6)
N = 400
A, B, C = (RNG.integers(10, 500, N).astype(float) for _ in range(3))
FORMS = {
    "sum": A + B,
    "difference": A - B,
    "product": A * B,
    "ratio": (A / B).round(6),
    "bmi": (A / B**2).round(9),
    "line": 1.8 * A + 32,
    "total": A + B + C,
}


def proposed(made: np.ndarray, *, sure: bool = True) -> str:
    """The expression that is proposed for `made` (to be taken as it is, or to be looked at); empty if none is."""
    table = encode_table(pd.DataFrame({"a": A, "b": B, "c": C, "made": made}))
    key = "synthesis.passive.made"
    return "".join(one.settings[key] for one in derived_suspicions(table) if key in one.settings and one.sure == sure)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_gives_every_row_back(form: str) -> None:
    expression = parse_expression(proposed(FORMS[form]))
    values = expression.evaluate({"a": A, "b": B, "c": C})
    np.testing.assert_allclose(values, FORMS[form], rtol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_a_single_row_that_disagrees_makes_a_form_unsure(form: str) -> None:
    wrong = FORMS[form].copy()
    wrong[N // 2] += 1
    wrong = wrong.round(9)
    assert proposed(wrong) == ""
    assert proposed(wrong, sure=False) == proposed(FORMS[form])


@pytest.mark.parametrize("form", FORMS)
def test_a_form_that_fails_in_one_row_of_twenty_is_not_proposed(form: str) -> None:
    wrong = FORMS[form].copy()
    wrong[::20] += 1
    wrong = wrong.round(9)
    assert proposed(wrong) == proposed(wrong, sure=False) == ""


def test_groups_of_a_number() -> None:
    age = RNG.integers(18, 90, N)
    group = np.array(["young", "middle", "old"], dtype=object)[np.digitize(age, [30, 60])]
    table = encode_table(pd.DataFrame({"age": age, "group": group}))
    assert [(one.column, one.code) for one in derived_suspicions(table)] == [("group", "groups")]
    group[np.argmin(age)] = "old"
    assert derived_suspicions(encode_table(pd.DataFrame({"age": age, "group": group}))) == []


def towns() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    town = rng.integers(0, 24, 1200)
    region = np.array(["north", "south", "east"])[town % 3]
    age = rng.integers(18, 90, 1200)
    group = np.array(["young", "middle", "old"])[np.digitize(age, [30, 60])]
    names = np.array([f"town {i}" for i in range(24)])[town]
    return pd.DataFrame(
        {"town": names, "age": age, "region": region, "group": group, "y": rng.normal(size=1200) + town}
    )


def test_levels_that_follow_from_those_of_another_column() -> None:
    found = {one.column: one for one in derived_suspicions(encode_table(towns()))}
    assert {name: one.code for name, one in found.items()} == {"region": "nested", "group": "groups"}
    assert found["region"].settings == {"synthesis.rules": ["region within town"]}
    assert found["group"].settings == {"synthesis.rules": ["group within age"]}
    frame = towns()
    frame.loc[3, "region"] = "south" if frame.loc[3, "region"] == "north" else "north"
    assert {one.column for one in derived_suspicions(encode_table(frame))} == {"group"}


def test_what_is_proposed_of_levels_keeps_them_in_line() -> None:
    frame = towns()
    rules = [rule for one in derived_suspicions(encode_table(frame)) for rule in one.settings["synthesis.rules"]]
    syn = rp.synthesize(frame, m=2, seed=4, rules=rules)
    pairs = set(zip(frame["town"], frame["region"], strict=True))
    for drawn in syn:
        assert set(zip(drawn["town"], drawn["region"], strict=True)) <= pairs
        group = np.array(["young", "middle", "old"])[np.digitize(drawn["age"], [30, 60])]
        assert (drawn["group"].astype(str) == group).all()


@pytest.mark.parametrize("levels", [2, 3, 8])
def test_rare_levels_follow_from_nothing(levels: int) -> None:
    rng = np.random.default_rng(levels)
    many = rng.permutation(np.repeat(np.arange(60), 5))
    rare = np.where(rng.random(300) < 0.02, rng.integers(1, levels, 300) if levels > 1 else 1, 0)
    frame = pd.DataFrame({"many": [f"m{i}" for i in many], "rare": [f"r{i}" for i in rare]})
    assert derived_suspicions(encode_table(frame)) == []


CODED = RNG.random(N) < 0.1


@pytest.mark.parametrize(
    ("made", "sure"),
    [
        (np.where(CODED, np.nan, A + B), True),  # blank where a is coded: what is computed there
        (np.where(CODED, -9, A + B), False),  # computed blank there, and not the code
        (np.where(CODED, -9 + B, A + B), False),  # somebody added up the code
    ],
)
def test_nothing_is_computed_of_codes_of_missing(made: np.ndarray, sure: bool) -> None:
    table = encode_table(pd.DataFrame({"a": np.where(CODED, -9, A), "b": B, "made": made}))
    found = [one for one in suspicions(table) if "synthesis.passive.made" in one.settings]
    assert [(one.settings["synthesis.passive.made"], one.sure) for one in found] == [("a + b", sure)]


def test_a_code_that_is_not_sure_leaves_the_form_unsure() -> None:
    """8 beyond a gap is a value of a count or a code: as a value it is computed with, as a code it is missing."""
    small = RNG.integers(0, 6, N).astype(float)
    coded = np.where(CODED, 8, small)
    table = encode_table(pd.DataFrame({"a": coded, "b": B, "made": np.where(CODED, np.nan, coded * B)}))
    for one in suspicions(table):
        assert not (one.sure and one.settings)


@pytest.mark.parametrize(
    ("days", "text"),
    [(1, "end - start"), (7, "(end - start) / 7"), (365.25, "(end - start) / 365.25")],
)
@pytest.mark.parametrize("holes", [False, True])
def test_the_time_between_two_dates(days: float, text: str, holes: bool) -> None:
    start = pd.to_datetime("1990-01-01") + pd.to_timedelta(RNG.integers(0, 9000, N), "D")
    end = (start + pd.to_timedelta(RNG.integers(1, 4000, N), "D")).to_series(index=range(N))
    if holes:
        end[CODED] = pd.NaT
    span = ((end - start.to_series(index=range(N))).dt.days / days).round(3)
    frame = pd.DataFrame({"start": start, "end": end, "span": span, "x": RNG.normal(size=N)})
    (one,) = (one for one in derived_suspicions(encode_table(frame)) if one.settings)
    assert (one.settings, one.sure) == ({"synthesis.passive.span": text}, True)
    syn = rp.synthesize(frame, m=1, seed=1, passive={"span": text})[0].dropna()
    made = (syn["end"] - syn["start"]).dt.days / days
    np.testing.assert_allclose(syn["span"], made, atol=0.0005001)
    span[N // 2] += 1
    assert not [one for one in derived_suspicions(encode_table(frame.assign(span=span))) if one.settings]
