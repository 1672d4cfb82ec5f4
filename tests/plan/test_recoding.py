"""Recodings before anything is learnt: the same in chunks as in memory, what they promise, and what is refused."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from replicant.errors import DataError, ReplicantError
from replicant.plan.recoding import Survey, recode, settle, survey
from replicant.spec.load import validate_synthesis
from replicant.table import Table, encode_table
from replicant.table.coarsen import coarsened

N = 400
CODES = {"asked": {"kind": "continuous", "missing_codes": [-8]}}


def people(seed: int = 1, n: int = N) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    asked = rng.integers(0, 60, n)
    asked[rng.random(n) < 0.1] = -8
    birth = pd.Timestamp("1930-01-01") + pd.to_timedelta(rng.integers(0, 20_000, n), "D")
    income = rng.lognormal(7, 1, n).round(2)
    income[rng.random(n) < 0.05] = np.nan
    edu = pd.Categorical(rng.choice(["none", "low", "mid", "high", "phd"], n, p=[0.01, 0.3, 0.38, 0.3, 0.01]))
    return pd.DataFrame(
        {
            "who": rng.integers(0, n // 2, n),
            "income": income,
            "heaped": np.minimum(rng.poisson(3, n), 5),
            "asked": asked,
            "job": rng.choice(list("abcdefgh"), n, p=[0.4, 0.3, 0.2, 0.06, 0.02, 0.01, 0.006, 0.004]),
            "edu": edu.set_categories(["none", "low", "mid", "high", "phd"], ordered=True),
            "birth": birth,
            "death": birth + pd.to_timedelta(rng.integers(1, 30_000, n), "D"),
            "day": [dt.date(2020, 1, 1) + dt.timedelta(days=int(one)) for one in rng.integers(0, 900, n)],
        }
    )


ALL: dict[str, Any] = {
    "seed": 5,
    "drop": ["who"],
    "top_coding": {"income": {"rows": 10}, "heaped": {"rows": 10}, "asked": 50},
    "bottom_coding": {"birth": "1932-01-01", "income": {"rows": 5}, "day": {"rows": 20}},
    "rounding": {"income": 10, "asked": 5},
    "granularity": {"birth": "month", "day": "week"},
    "rare": {"job": 12, "edu": 12},
    "outliers": {"income": 10, "heaped": 10, "asked": 8},
    "date_shift": {"by": "who", "days": 30, "columns": ["birth", "death", "day"]},
}


def in_memory(frame: pd.DataFrame, columns: Any = CODES, **said: Any) -> Table:
    spec = validate_synthesis(**said)
    rows, book, events = recode(frame, columns, spec)
    return encode_table(rows, book, events=events, drop=spec.drop)


@settings(max_examples=8)
@given(st.integers(0, 10_000), st.lists(st.integers(1, N // 9), max_size=4))
def test_chunks_are_recoded_as_the_whole(seed: int, cuts: list[int]) -> None:
    frame, spec = people(seed), validate_synthesis(**ALL)
    edges = sorted({0, N, *(9 * cut for cut in cuts if cut < N // 9)})
    chunks = [frame.iloc[a:b].reset_index(drop=True) for a, b in pairwise(edges)]
    found = reduce(Survey.merge, (survey(one, CODES, spec, at) for at, one in enumerate(chunks)))
    recoder = settle(found, CODES, spec)
    rows, book, events = recode(frame, CODES, spec)
    assert recoder.columns == book
    assert recoder.events == events
    parts = [encode_table(recoder.move(one, at), book, judged=True).observed() for at, one in enumerate(chunks)]
    whole = encode_table(rows, book, judged=True).observed()
    for name in whole:
        assert [str(cell) for part in parts for cell in part[name]] == [str(cell) for cell in whole[name]]


def test_what_is_promised_holds() -> None:
    frame = people()
    table = in_memory(frame, **ALL)
    made = table.observed()
    how = {name: spec.recoding for name, spec in table.specs.items()}
    assert (made["income"] >= how["income"].top_coding).sum() >= 10
    assert made["income"].max() == how["income"].top_coding
    assert (made["income"].dropna() % 10 == 0).all()
    assert set(made["asked"]) <= {-8, *range(0, 51, 5)}
    assert (made["asked"] == -8).equals(frame["asked"] == -8)
    assert made["birth"].min() == pd.Timestamp("1932-01-01")
    assert (made["birth"].dt.day == 1).all()
    assert {day.weekday() for day in made["day"]} == {0}
    assert (made["job"].value_counts() >= 12).all()
    assert table["job"].levels() == ["a", "b", "c", "d", "other"]
    assert table["edu"].levels() == ["low", "mid", "high"]
    assert made["edu"].cat.ordered
    assert {event.column for event in table.events if event.code == "recoded"} == set(frame) - {"who"}


# --- levels ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 30), min_size=2, max_size=9), st.integers(2, 25), st.booleans())
def test_no_level_has_fewer_records(counts: list[int], rows: int, ordered: bool) -> None:
    levels = [f"level {at}" for at in range(len(counts))]
    cells = np.repeat(levels, counts)
    if len(cells) < 30 or sum(count > 0 for count in counts) < 3:
        return
    frame = pd.DataFrame({"x": pd.Categorical(cells, levels, ordered=ordered), "y": range(len(cells))})
    try:
        table = in_memory(frame, None, rare={"x": rows})
    except ReplicantError as error:
        assert "one level" in str(error) or "fewer" in str(error)  # noqa: PT017
        return
    made = table.observed()["x"]
    found = made.value_counts()
    assert (found[found > 0] >= rows).all()
    assert found.sum() == len(cells)
    if ordered:  # levels that are not neighbours never meet
        codes = pd.Series(made.cat.codes)
        assert codes.is_monotonic_increasing
    else:
        kept = pd.Series(cells) == made.astype(str)
        assert set(made[~kept]) <= {"other"}


LABELS = {"x": {"kind": "nominal", "labels": {1: "north", 2: "south", 3: "isle", 4: "ship", -9: "refused"}}}


def test_labels_name_the_merged_level() -> None:
    frame = pd.DataFrame({"x": [1] * 30 + [2] * 20 + [3] * 3 + [4] * 2 + [-9] * 2, "y": range(57)})
    columns = {"x": {**LABELS["x"], "missing_codes": [-9]}}
    table = in_memory(frame, columns, rare={"x": {"rows": 5, "into": "elsewhere"}})
    assert table["x"].levels() == ["north", "south", "elsewhere"]
    assert table.observed()["x"].value_counts()["elsewhere"] == 5
    again = coarsened(table.observed(), table.specs)["x"]
    assert again.tolist() == table.observed()["x"].tolist()
    whole = encode_table(frame, columns).observed()  # by its labels, and not recoded
    assert coarsened(whole, table.specs)["x"].tolist() == again.tolist()
    assert coarsened(frame, table.specs)["x"].equals(frame["x"])
    assert table.specs["x"].labels == {1: "north", 2: "south", 3: "elsewhere", 4: "elsewhere", -9: "refused"}


def test_whole_numbers_are_merged_into_nines() -> None:
    frame = pd.DataFrame({"x": [1] * 30 + [27] * 20 + [99] * 3 + [4] * 2 + [-9] * 3, "y": range(58)})
    columns = {"x": {"kind": "nominal", "missing_codes": [99]}}
    table = in_memory(frame, columns, rare={"x": 5})
    assert table["x"].levels() == [1, 27, 999]
    assert table.observed()["x"].value_counts().to_dict() == {1: 30, 27: 20, 99: 3, 999: 5}


# --- records ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("keep", "days", "step"), [(None, 30, 1), ("weekday", 30, 7), ("season", 800, 364)])
def test_dates_of_a_person_are_shifted_alike(keep: Any, days: int, step: int) -> None:
    frame = people()
    shift = {"by": "who", "days": days, "columns": ["birth", "death", "day"], "keep": keep}
    made = in_memory(frame, seed=5, date_shift=shift).observed()
    by = (made["birth"] - frame["birth"]).dt.days
    assert (made["death"] - frame["death"]).dt.days.equals(by)
    assert (pd.to_datetime(made["day"]) - pd.to_datetime(frame["day"])).dt.days.equals(by)
    assert by.groupby(frame["who"]).nunique().eq(1).all()
    assert by.between(-days, days).all()
    assert (by % step == 0).all()
    assert (by != 0).all()
    each = by.groupby(frame["who"]).first()
    every = [*range(-(days // step), 0), *range(1, days // step + 1)]
    if len(each) > 5 * len(every):
        assert chisquare([(each == one * step).sum() for one in every]).pvalue > 1e-4


def test_a_shift_follows_person_and_seed_whatever_the_rows() -> None:
    frame, shift = people(), {"by": "who", "days": 30, "columns": ["birth"]}
    one = in_memory(frame, seed=5, date_shift=shift).observed()["birth"]
    part = frame.iloc[::3].reset_index(drop=True).astype({"who": float})
    assert in_memory(part, seed=5, date_shift=shift).observed()["birth"].equals(one.iloc[::3].reset_index(drop=True))
    assert not in_memory(frame, seed=6, date_shift=shift).observed()["birth"].equals(one)


def test_moments_are_shifted_whole() -> None:
    frame = people().assign(at=lambda all: all["birth"] + pd.to_timedelta(np.arange(N) * 61.0, "s"))
    frame.loc[3, "at"] = pd.NaT
    made = in_memory(frame, seed=5, date_shift={"by": "who", "days": 9, "columns": ["at"]}).observed()
    by = made["at"] - frame["at"]
    assert made["at"].isna().equals(frame["at"].isna())
    assert (by.dropna() % pd.Timedelta(days=1) == pd.Timedelta(0)).all()


def test_tails_keep_their_values_and_no_other_cell_changes() -> None:
    frame = people()
    made = in_memory(frame, outliers={"income": 10, "heaped": 10}, seed=5).observed()
    for name in ("income", "heaped"):
        assert Counter(made[name].dropna()) == Counter(frame[name].dropna())
    low, high = frame["income"].nsmallest(10).max(), frame["income"].nlargest(10).min()
    inside = frame["income"].between(low, high, inclusive="neither") | frame["income"].isna()
    assert made["income"][inside].equals(frame["income"][inside])
    assert not made["income"].equals(frame["income"])


def test_every_record_of_a_tail_gets_the_largest_value_as_often() -> None:
    frame = pd.DataFrame({"x": np.r_[np.zeros(80), 1.0 + np.arange(5), np.full(4, 1.0)], "y": np.arange(89)})
    rows = [int(in_memory(frame, None, outliers={"x": 8}, seed=seed).observed()["x"].argmax()) for seed in range(360)]
    times = Counter(rows)
    assert set(times) == set(range(80, 89))  # all that hold a 1 or more: five of the eight are 1
    assert chisquare([times[row] for row in range(80, 89)]).pvalue > 1e-4


# --- what is refused -------------------------------------------------------------------------------------------------

SHIFT = {"by": "who", "days": 30, "columns": ["birth"]}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "top coding of levels": ({"top_coding": {"job": 3}}, "nominal"),
    "a bound above the data": ({"top_coding": {"income": 1e12}}, "no value is above"),
    "a bound below the data": ({"top_coding": {"income": -5}}, "every value is above"),
    "a lower bound below the data": ({"bottom_coding": {"heaped": -1}}, "no value is below"),
    "rows above those of the table": ({"top_coding": {"heaped": {"rows": N + 1}}}, "asks for 401 records"),
    "one row": ({"top_coding": {"heaped": {"rows": 1}}}, "at least 2"),
    "no rows": ({"top_coding": {"heaped": {"row": 5}}}, "unknown key"),
    "codes that cross": ({"top_coding": {"heaped": 2}, "bottom_coding": {"heaped": 3}}, "is above"),
    "a bound of another type": ({"top_coding": {"heaped": 2.5}}, "does not hold"),
    "a date for a number": ({"top_coding": {"heaped": "2020-01-01"}}, "is a date"),
    "a number for a date": ({"top_coding": {"birth": 3}}, "is a number"),
    "a word for a date": ({"top_coding": {"birth": "soon"}}, "ISO date"),
    "a bound off the multiples": ({"top_coding": {"income": 1005}, "rounding": {"income": 10}}, "rounding leaves"),
    "a bound within a month": ({"top_coding": {"birth": "1960-01-15"}, "granularity": {"birth": "month"}}, "leaves"),
    "rounding to zero": ({"rounding": {"income": 0}}, "above 0"),
    "rounding below zero": ({"rounding": {"income": -10}}, "above 0"),
    "rounding of dates": ({"rounding": {"birth": 10}}, "granularity"),
    "granularity of a number": ({"granularity": {"heaped": "month"}}, "rounding"),
    "granularity that there is not": ({"granularity": {"birth": "minute"}}, "'month'"),
    "rare above the rows": ({"rare": {"job": N + 1}}, "401"),
    "rare of numbers": ({"rare": {"income": 10}}, "rounding"),
    "one level left": ({"rare": {"edu": 380}}, "one level"),
    "a number among texts": ({"rare": {"job": {"rows": 12, "into": 9}}}, "no level"),
    "outliers beyond the middle": ({"outliers": {"heaped": 250}, "seed": 1}, "each half"),
    "outliers without a seed": ({"outliers": {"income": 10}}, "seed"),
    "a shift without a seed": ({"date_shift": SHIFT}, "seed"),
    "a shift without a person": ({"date_shift": {"days": 3, "columns": ["birth"]}, "seed": 1}, "date_shift.by"),
    "a person that is not there": ({"date_shift": {**SHIFT, "by": "person"}, "seed": 1}, "not a column"),
    "a shift of numbers": ({"date_shift": {**SHIFT, "columns": ["income"]}, "seed": 1}, "no dates"),
    "a shift of no columns": ({"date_shift": {**SHIFT, "columns": []}, "seed": 1}, "one column of dates"),
    "less than a week": ({"date_shift": {**SHIFT, "days": 6, "keep": "weekday"}, "seed": 1}, "at least 7"),
    "a column that is not there": ({"rounding": {"incme": 10}}, "income"),
    "a column that is dropped": ({"rounding": {"income": 10}, "drop": ["income"]}, "dropped"),
    "a column that is computed": ({"rounding": {"income": 10}, "passive": {"income": "heaped * 2"}}, "passive"),
    "an identifier": ({"rare": {"name": 10}}, "identifier"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_is_refused_with_reason_and_fix(case: str) -> None:
    said, words = BAD[case]
    frame = people().assign(name=[f"N{at:05d}" for at in range(N)])
    with pytest.raises(ReplicantError, match=words) as caught:
        in_memory(frame, None, **said)
    assert caught.value.need or caught.value.fix


@pytest.mark.parametrize("how", [{"outliers": 5}, {"date_shift": {"by": "who", "days": 3}}])
def test_a_codebook_does_not_say_what_it_cannot_do(how: dict[str, Any]) -> None:
    with pytest.raises(ReplicantError, match="a codebook cannot do"):
        in_memory(people(), {"birth": {"recoding": how}})
    assert in_memory(people(), {"heaped": {"recoding": {"top_coding": 3}}})["heaped"].values.max() == 3
    with pytest.raises(ReplicantError, match="says one too"):
        in_memory(people(), {"heaped": {"recoding": {"top_coding": 3}}}, rounding={"heaped": 2})


def test_rows_without_a_person_are_refused() -> None:
    frame = people().astype({"who": float})
    frame.loc[[2, 5], "who"] = np.nan
    with pytest.raises(DataError, match="2 rows have no value"):
        in_memory(frame, seed=1, date_shift=SHIFT)


def test_tails_that_meet_leave_one_value() -> None:
    frame = pd.DataFrame({"x": [0] * 90 + [1, 2, 3, 4, 5] + [-1] * 5, "y": range(100)})
    both = {"top_coding": {"x": {"rows": 10}}, "bottom_coding": {"x": {"rows": 10}}}
    table = in_memory(frame, None, **both)
    assert table["x"].values.tolist() == [0.0]
    assert "constant_column" in {event.code for event in table.events}


def test_a_sample_is_not_judged_by_bounds_that_others_reach() -> None:
    spec = validate_synthesis(top_coding={"income": 1e9, "heaped": {"rows": 9000}}, rare={"job": 9000})
    with pytest.raises(ReplicantError):
        recode(people(), None, spec)
    said = validate_synthesis(top_coding={"income": 1e9, "heaped": {"rows": 9000}})
    _, book, _ = recode(people(), None, said, sample=True)
    assert book["income"].recoding is not None
