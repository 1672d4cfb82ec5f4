"""Situations 16 and 17: identifiers and people in the rows."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.cli.main import main
from replicant.spec.load import load_job
from replicant.table import Kind, encode_table, merge_scans, scan
from replicant.table.suspicions import suspicions

N = 400
RNG = np.random.default_rng(20)


def variables(n: int = N) -> dict[str, Any]:
    rng = np.random.default_rng(n)
    return {"age": rng.integers(18, 90, n), "wage": rng.lognormal(7, 0.4, n).round(2), "sex": rng.choice(["f", "m"], n)}


def table(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({**columns, **variables(len(next(iter(columns.values()))))})


def drawn(low: int, high: int, n: int = N) -> np.ndarray:
    """Numbers in a range, none twice."""
    return np.random.default_rng(n).choice(high - low, n, replace=False) + low


def test_an_axis_is_no_identifier() -> None:
    for name in ("x", "time", "rank", "study_year", "Period"):
        (event,) = encode_table(table(**{name: np.arange(N)})).events
        assert (event.code, event.column) == ("near_identifier", name)


def birth(n: int) -> pd.Series:
    days = np.random.default_rng(3).choice(25_000, n, replace=False)
    return pd.Series(pd.Timestamp("1940-01-01") + pd.to_timedelta(days, unit="D"))


IDENTIFIERS: dict[str, Callable[[], Any]] = {
    "nine-digit numbers": lambda: drawn(10**8, 10**9),
    "running numbers": lambda: np.arange(1, N + 1),
    "running numbers, shuffled, with gaps": lambda: np.random.default_rng(1).permutation(
        np.arange(0, 6 * N, 6)[:N] + 5
    ),
    "running numbers that start anywhere": lambda: 730_000 + np.arange(N)[::-1],
    "six digits, at random": lambda: drawn(100_000, 1_000_000),
    "whole numbers as floats, some missing": lambda: np.where(np.arange(N) % 9, drawn(10**8, 10**9), np.nan),
    "nullable integers": lambda: pd.array(drawn(10**9, 10**10), dtype="Int64"),
    "sixteen digits": lambda: drawn(10**15, 10**16 - 1),
    "unsigned integers beyond 2^63": lambda: drawn(10**8, 10**9).astype(np.uint64) + np.uint64(2**63),
    "codes with leading zeros": lambda: [f"{i:06d}" for i in drawn(0, 10**6)],
    "texts with a prefix": lambda: [f"PAT-{i:05d}" for i in drawn(0, 10**5)],
    "categories": lambda: pd.Categorical([f"P{i}" for i in drawn(1000, 9999)]),
    "categories of numbers": lambda: pd.Categorical(drawn(10**6, 10**7)),
    "UUIDs": lambda: [str(uuid.UUID(int=int(i) << 64 | int(i) ** 2, version=4)) for i in drawn(2**40, 2**41)],
    "addresses": lambda: [f"name{i}.other@mail{i % 7}.org" for i in drawn(100, 999)],
    "telephone numbers": lambda: [f"+43 664 {i // 1000:04d} {i % 1000:03d}" for i in drawn(10**6, 10**7)],
    "names, of which some are the same": lambda: [f"person {i % (N - 8)}" for i in range(N)],
    "birth dates within numbers": lambda: [
        int(f"{day:%y%m%d}{i:04d}") for day, i in zip(birth(N), drawn(1000, 9999), strict=True)
    ],
}

MEASURED: dict[str, Callable[[], Any]] = {
    "incomes in whole units": lambda: np.random.default_rng(1).lognormal(10, 0.6, N).round(),
    "amounts in cents": lambda: (np.random.default_rng(2).lognormal(10, 0.6, N) * 100).round().astype(int),
    "populations": lambda: (np.random.default_rng(3).pareto(1.1, N) * 5000).round().astype(int),
    "seconds since 1970": lambda: np.random.default_rng(4).integers(1_500_000_000, 1_600_000_000, N),
    "dates as numbers": lambda: birth(N).dt.strftime("%Y%m%d").astype(int),
    "numbers with decimals": lambda: np.random.default_rng(5).normal(size=N),
    "distances": lambda: np.random.default_rng(6).normal(50_000, 9_000, N).round(),
}


@pytest.mark.parametrize("what", IDENTIFIERS)
def test_identifiers_are_refused_whatever_their_type(what: str) -> None:
    frame = table(pid=IDENTIFIERS[what]())
    with pytest.raises(rp.errors.DataError) as refused:
        rp.synthesize(frame, m=1, seed=1)
    text = str(refused.value)
    assert "identifier: 'pid'" in text
    assert "drop: [pid]" in text
    assert "method: {pid: surrogate}" in text
    assert "distinct" in text
    for value in frame["pid"].dropna().astype(str).head(20):
        assert value not in text


@pytest.mark.parametrize("what", IDENTIFIERS)
def test_identifiers_are_dropped_or_made_up(what: str) -> None:
    frame = table(pid=IDENTIFIERS[what]())
    without = rp.synthesize(frame, m=1, seed=1, drop=["pid"])
    assert list(without[0].columns) == ["age", "wage", "sex"]
    assert ("dropped_column", "pid") in {(event.code, event.column) for event in without.events}
    made = rp.synthesize(frame, m=2, seed=1, method={"pid": "surrogate"})
    real = frame["pid"].dropna()
    for synthetic in made:
        pid = synthetic["pid"]
        there = pid.dropna()
        assert there.is_unique
        assert not set(there) & set(real)
        if isinstance(frame["pid"].dtype, pd.CategoricalDtype):
            assert pid.dtype == frame["pid"].cat.categories.dtype  # new ones are no categories of the old
            assert not set(pid) & set(frame["pid"].cat.categories)
        else:
            assert pid.dtype == frame["pid"].dtype
        assert {shape(value) for value in there} <= {shape(value) for value in real} | longer(real)
        assert abs(pid.isna().mean() - frame["pid"].isna().mean()) < 0.06
    assert set(made[0]["pid"].dropna()) != set(made[1]["pid"].dropna())
    again = rp.synthesize(frame, m=2, seed=1, method={"pid": "surrogate"})
    pd.testing.assert_frame_equal(again[1], made[1])


def shape(value: object) -> str:
    text = str(int(value)) if isinstance(value, int | float | np.number) else str(value)
    return re.sub(r"\d", "9", re.sub(r"[A-Za-z0-9]*[a-z][A-Za-z0-9]*", "a", text)) if "-4" not in text else "uuid"


def longer(real: pd.Series) -> set[str]:
    """Running numbers fill their pattern: new ones have a digit more."""
    return {max(map(shape, real), key=len) + "9"}


@pytest.mark.parametrize("what", MEASURED)
def test_measurements_are_not_refused(what: str) -> None:
    frame = table(x=MEASURED[what]())
    syn = rp.synthesize(frame, m=1, seed=1)
    assert set(syn[0]["x"]) <= set(frame["x"])
    warned = {event.column for event in syn.events if event.level == "warning"}
    assert warned <= {"x"}


NEAR: dict[str, tuple[Callable[[], Any], str]] = {
    "400 of 500 texts": (lambda: [f"text {i % 400}" for i in range(500)], "near_identifier"),
    "dates of birth, 94.97 %": (lambda: pd.concat([birth(1000)[:950], birth(1000)[:50]]).to_numpy(), "near_identifier"),
    "all dates of birth": (lambda: birth(500).to_numpy(), "near_identifier"),
    "dates of birth as text": (lambda: birth(500).dt.strftime("%Y-%m-%d").to_numpy(), "near_identifier"),
    "amounts, all distinct": (
        lambda: np.cumsum(np.random.default_rng(9).lognormal(5, 2, 500)).round(),
        "near_identifier",
    ),
    "numbers, nine in ten distinct": (lambda: drawn(10**8, 10**9, 450)[np.arange(500) % 450], "near_identifier"),
}


@pytest.mark.parametrize("what", NEAR)
def test_what_is_near_is_warned_about(what: str) -> None:
    make, code = NEAR[what]
    syn = rp.synthesize(table(x=make()), m=1, seed=1)
    assert [event.level for event in syn.events if (event.code, event.column) == (code, "x")] == ["warning"]


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("nine-digit numbers", "count"),
        ("texts with a prefix", "nominal"),
        ("UUIDs", "nominal"),
        ("running numbers", "continuous"),
    ],
)
def test_a_declared_identifier_is_warned_about(what: str, kind: str) -> None:
    syn = rp.synthesize(table(pid=IDENTIFIERS[what]()), m=1, seed=1, columns={"pid": {"kind": kind}})
    (event,) = [event for event in syn.events if event.column == "pid" and event.code == "declared_identifier"]
    assert event.level == "warning"


@pytest.mark.parametrize("what", [*IDENTIFIERS, *MEASURED])
def test_parts_of_a_table_tell_what_the_whole_tells(what: str) -> None:
    frame = table(pno={**IDENTIFIERS, **MEASURED}[what]())
    whole = encode_table(frame)
    parts = merge_scans(*(scan(frame[i::3], chunk=i) for i in (2, 0, 1)))
    assert parts.codebook()["pno"].kind == whole["pno"].kind
    assert sorted(parts.findings()) == sorted(event for event in whole.events if event.code == "near_identifier")


def test_many_numbers_are_judged_by_a_sample_of_their_hashes() -> None:
    n = 60_000
    frame = pd.DataFrame({"pid": drawn(10**8, 10**9, n), "age": np.arange(n) % 71, "nr": np.arange(n) * 3 % 100_003})
    whole = encode_table(frame)
    assert [column.kind for column in whole] == [Kind.IDENTIFIER, Kind.COUNT, Kind.IDENTIFIER]
    parts = merge_scans(*(scan(frame[i : i + 20_000], chunk=i) for i in range(0, n, 20_000)))
    assert [spec.kind for spec in parts.codebook().values()] == [column.kind for column in whole]


WRONG: dict[str, dict[str, Any]] = {
    "names 'pud', which is not a column, did you mean 'pid'": {"drop": ["pud"]},
    "'surrogate', and the column is count": {"drop": ["pid"], "method": {"age": "surrogate"}},
    "predictors.age names 'pid', which is an identifier": {
        "method": {"pid": "surrogate"},
        "predictors": {"age": ["pid"]},
    },
    "strata names 'pid', which is an identifier": {"method": {"pid": "surrogate"}, "strata": "pid"},
    "whose values are made up": {"method": {"pid": "surrogate"}, "visit_sequence": ["pid", "age", "wage", "sex"]},
    "looks like an identifier": {"method": {"pid": "keep"}},
    "for all columns": {"method": "surrogate"},
}


@pytest.mark.parametrize("says", WRONG)
def test_what_cannot_be_said_of_identifiers(says: str) -> None:
    with pytest.raises(rp.errors.ReplicantError, match=re.escape(says)):
        rp.synthesize(table(pid=drawn(10**8, 10**9)), m=1, seed=1, **WRONG[says])


def test_identifiers_are_not_analysed() -> None:
    syn = rp.synthesize(table(pid=drawn(10**8, 10**9)), m=2, seed=1, method={"pid": "surrogate"})
    for call in (lambda: syn.analyse("ols", "wage ~ pid"), lambda: syn.describe(["pid"])):
        with pytest.raises(rp.errors.SpecError, match="'pid' is an identifier"):
            call()
    assert "pid" not in set(syn.describe()["column"])
    assert "pid" not in {column["name"] for column in syn.summary()["columns"]}
    entry = next(entry for entry in syn.manifest["columns"] if entry["name"] == "pid")
    assert (entry["kind"], entry["method"], entry["predictors"]) == ("identifier", "surrogate", [])


def test_strata_share_no_identifier() -> None:
    frame = table(pid=drawn(1000, 3000))
    syn = rp.synthesize(frame, m=1, seed=2, method={"pid": "surrogate"}, strata="sex", min_stratum=20)
    assert syn[0]["pid"].is_unique
    assert not set(syn[0]["pid"]) & set(frame["pid"])
    assert syn[0]["pid"].between(1000, 9999).all()


def test_a_pattern_without_room_is_refused() -> None:
    frame = pd.DataFrame({"pid": np.arange(100, dtype=np.int8), "x": np.arange(100) / 7})
    with pytest.raises(rp.errors.DataError, match="its pattern allows about"):
        rp.synthesize(frame, m=1, seed=1, method={"pid": "surrogate"})


def command(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(ended.value.code or 0)


@pytest.mark.parametrize("data", ["data.csv", "data.parquet"])
def test_warnings_survive_quiet(
    data: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    frame = table(name=[f"text {i % 400}" for i in range(500)])
    frame.to_parquet(data, index=False) if data.endswith("t") else frame.to_csv(data, index=False)
    assert command("run", data, "--quiet") == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "warning: name: 400 distinct values in 500 cells" in captured.err


def test_a_table_in_parts_makes_up_identifiers_that_are_unique_in_the_whole(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("replicant.run.chunks.CHUNK_ROWS", 500)
    frame = table(pid=drawn(10**5, 10**6, 2000), nr=np.arange(2000))
    frame["key"] = [f"K{i:04d}" for i in drawn(0, 10**4, 2000)]
    frame.to_parquet("data.parquet", index=False, row_group_size=400)
    job = """
input: {path: data.parquet}
synthesis: {m: 2, partition_rows: 600, seed: 5, drop: nr, method: {pid: surrogate, key: surrogate}}
output: {path: release}
"""
    (tmp_path / "job.yaml").write_text(job)
    assert command("run", "job.yaml", "--quiet") == 0
    first = [one.copy() for one in rp.read_release("release")]
    for one in first:
        assert list(one.columns) == ["pid", "age", "wage", "sex", "key"]
        for name in ("pid", "key"):
            assert one[name].is_unique
            assert not set(one[name]) & set(frame[name])
        assert one["pid"].between(10**5, 10**6 - 1).all()
        assert one["key"].str.fullmatch(r"K\d{4}").all()
    assert command("run", "job.yaml", "--quiet", "--overwrite", "--threads", "1") == 0
    for one, other in zip(first, rp.read_release("release"), strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert command("verify", "release") == 0
    undecided = job.replace(", key: surrogate", "")
    (tmp_path / "job.yaml").write_text(undecided.replace("release", "other"))
    assert command("run", "job.yaml", "--quiet") == 3
    assert "identifier: 'key'" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


# --- rows that belong together ----------------------------------------------------------------------------------------


def households(n: int, seed: int) -> tuple[np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    return np.repeat(np.arange(n), rng.integers(1, 5, n)), rng


def panel(shuffled: bool) -> pd.DataFrame:
    person = np.repeat(drawn(1000, 9999, 300), 4)
    frame = table(person=person, wave=np.tile([1, 2, 3, 4], 300))
    return frame.sample(frac=1, random_state=1) if shuffled else frame


def in_households(key: Callable[[np.ndarray], Any], shuffled: bool = False) -> pd.DataFrame:
    of, rng = households(600, 4)
    frame = table(
        house=key(of), region=rng.choice(list("abcdef"), 600)[of], income=rng.lognormal(8, 0.5, 600).round()[of]
    )
    return frame.sample(frac=1, random_state=1) if shuffled else frame


def pupils(sizes: Any, **of_schools: Any) -> pd.DataFrame:
    school = np.repeat(np.arange(len(sizes)), sizes)
    return table(school=school, **{name: np.asarray(values)[school] for name, values in of_schools.items()})


def districts() -> pd.DataFrame:
    of, rng = households(800, 5)
    district, number = np.divmod(np.arange(800), 40)
    rooms, rent = rng.integers(1, 7, 800), rng.normal(600, 90, 800).round(1)
    return table(district=district[of], number=number[of], rooms=rooms[of], rent=rent[of])


KEYS: dict[str, tuple[Callable[[], pd.DataFrame], str]] = {
    "a panel of four waves": (lambda: panel(shuffled=False), "person"),
    "the same in any order": (lambda: panel(shuffled=True), "person"),
    "households, numbered": (lambda: in_households(lambda of: of + 1), "house"),
    "households in any order": (lambda: in_households(lambda of: of * 7 % 601, shuffled=True), "house"),
    "households with texts as keys": (lambda: in_households(lambda of: [f"H-{i:05d}" for i in of]), "house"),
    "thirty pupils in each of a hundred schools": (lambda: pupils([30] * 100), "school"),
    "schools of all sizes": (lambda: pupils(np.random.default_rng(6).integers(12, 50, 60)), "school"),
    "schools with what is known of them": (
        lambda: pupils(
            np.random.default_rng(7).integers(12, 50, 60),
            public=np.random.default_rng(8).choice(["yes", "no"], 60),
            score=np.random.default_rng(9).normal(size=60).round(2),
        ).rename(columns={"school": "s"}),
        "s",
    ),
    "households numbered within districts": (districts, "district"),
}


@pytest.mark.parametrize("what", KEYS)
def test_keys_with_several_rows_are_told(what: str) -> None:
    make, key = KEYS[what]
    frame = make().reset_index(drop=True)
    events = [event for event in encode_table(frame).events if event.code == "repeated_key"]
    assert [event.column for event in events] == [key]
    assert events[0].level == "warning"
    for word in ("independent", "scattered", "standard errors", "design effect"):
        assert word in events[0].message
    parts = merge_scans(scan(frame, chunk=0), scan(frame[:60], chunk=1))
    assert [event for event in parts.findings() if event.code == "repeated_key"] == events


def ordinary(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(n)
    occupation, place = rng.integers(0, 600, n), rng.zipf(1.4, n) % 400
    return pd.DataFrame(
        {
            **variables(n),
            "occupation": occupation,
            "title": [f"title {i * 7 % 600:03d}" for i in occupation],
            "group": [f"group {i // 30 * 7 % 20}" for i in occupation],
            "major": occupation // 120,
            "born": rng.integers(1940, 2003, n),
            "children": rng.poisson(1.4, n),
            "income": rng.lognormal(10, 0.5, n).round(-2),
            "place": place,
            "county": [f"county {i * 13 % 21}" for i in place],
            "date": pd.Timestamp("2001-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
        }
    )


@pytest.mark.parametrize("n", [300, 2000, 20_000])
@pytest.mark.parametrize("order", [None, "age", "born", "income", "date", "county"])
def test_ordinary_columns_are_no_keys(n: int, order: str | None) -> None:
    frame = ordinary(n) if order is None else ordinary(n).sort_values(order, ignore_index=True)
    found = {event.column for event in encode_table(frame).events if event.code in ("repeated_key", "near_identifier")}
    assert found - {"date"} == set()


@pytest.mark.parametrize("name", ["ma2019.csv", "sd2011.csv", "boys.csv"])
def test_real_tables_without_keys(name: str, shared_data: Any) -> None:
    frame = pd.read_csv(shared_data / name)
    assert {event.code for event in encode_table(frame).events if event.level == "warning"} == set()


# --- suspicions -------------------------------------------------------------------------------------------------------


def odd(n: int = 600) -> pd.DataFrame:
    """A table with something of each kind."""
    rng = np.random.default_rng(11)
    age = rng.integers(16, 95, n)
    work = np.where(age < 67, rng.choice(["yes", "no"], n), "no")
    wage = np.where(work == "yes", rng.lognormal(7.5, 0.4, n).round(), np.nan)
    tax = (rng.uniform(0.1, 0.4, n) * 1000).round()
    height, weight = rng.normal(170, 9, n).round(1), rng.normal(72, 11, n).round(1)
    born = pd.Timestamp("2003-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D")
    few = rng.choice([1, 2, 3, 4, 5], n)
    return pd.DataFrame(
        {
            "pid": drawn(10**8, 10**9, n),
            "sex": rng.choice([1, 2], n),
            "age": np.where(rng.random(n) < 0.03, 999, age),
            "work": work,
            "wage": wage,
            "tax": np.where(rng.random(n) < 0.1, -9, tax),
            "trust": np.where(rng.random(n) < 0.1, rng.choice([8, 9], n), few),
            "rooms": np.where(rng.random(n) < 0.05, "N", rng.poisson(2, n).astype(str)),
            "height": height,
            "weight": weight,
            "bmi": (weight / (height / 100) ** 2).round(4),
            "inch": (height / 2.54).round(4),
            "earned": rng.normal(2000, 300, n).round(2),
            "other": rng.normal(300, 90, n).round(2),
            "seen": [f"{day:%d/%m/%Y}" for day in born],
            "always": np.where(np.arange(n) == 7, "b", "a"),
            "wgt_final": rng.gamma(3, 400, n).round(3),
        }
    ).assign(total=lambda d: (d["earned"] + d["other"]).round(2), agegr=np.digitize(age, [30, 50, 70]).astype(str))


SUSPECTED = {
    ("pid", "identifier"): {"kind": "identifier"},
    ("sex", "codes"): {"kind": "nominal"},
    ("age", "missing_codes"): {"kind": "count", "missing_codes": [999]},
    ("tax", "missing_codes"): {"kind": "count", "missing_codes": [-9]},
    ("trust", "missing_codes"): {"missing_codes": [8, 9]},
    ("rooms", "missing_codes"): {"kind": "count", "missing_codes": ["N"]},
    ("seen", "dates"): {"kind": "date"},
    ("wgt_final", "weights"): {"kind": "continuous"},
    ("wage", "skip"): {},
    ("always", "near_constant"): {},
    ("bmi", "derived"): {},
    ("inch", "derived"): {},
    ("total", "derived"): {},
}


def test_what_is_suspected_of_a_table() -> None:
    found = {(one.column, one.code): one for one in suspicions(encode_table(odd()))}
    assert set(SUSPECTED) <= set(found)
    for key, spec in SUSPECTED.items():
        assert spec.items() <= dict(found[key].spec).items()
    assert "work is no" in found["wage", "skip"].text
    assert found["pid", "identifier"].settings == {"synthesis.drop": "pid"}
    assert found["seen", "dates"].settings == {"input.date_format.seen": "%d/%m/%Y"}
    assert found["bmi", "derived"].settings == {"synthesis.passive.bmi": "10000 * weight / height**2"}
    assert found["inch", "derived"].settings == {"synthesis.passive.inch": "height / 2.54"}
    assert found["total", "derived"].settings == {"synthesis.passive.total": "earned + other"}
    assert not {"height", "weight", "earned", "other", "work"} & {column for column, _ in found}


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda a, b, c: a + b, "a + b"),
        (lambda a, b, c: a - c, "a - c"),
        (lambda a, b, c: a * b, "a * b"),
        (lambda a, b, c: a / c, "a / c"),
        (lambda a, b, c: 12 * a, "12 * a"),
        (lambda a, b, c: 1.8 * b + 32, "1.8 * b + 32"),
        (lambda a, b, c: a + b + c, "a + b + c"),
        (lambda a, b, c: a * b + np.arange(len(a)) % 2, None),
        (lambda a, b, c: np.log(a) * c, None),
    ],
)
@pytest.mark.parametrize("missing", [False, True])
def test_columns_that_follow_from_others(make: Any, text: str | None, missing: bool) -> None:
    rng = np.random.default_rng(12)
    a, b, c = (rng.normal(mean, sd, 500).round(2) for mean, sd in ((50, 9), (7, 1), (300, 40)))
    b = np.where(rng.random(500) < 0.1 * missing, np.nan, b)
    frame = pd.DataFrame({"a": a, "b": b, "c": c, "y": make(a, b, c), "z": rng.normal(size=500)})
    found = {one.column: one for one in suspicions(encode_table(frame)) if one.code == "derived"}
    if text is None:
        assert not found
    else:
        assert list(found) == ["y"]
        assert found["y"].settings == {"synthesis.passive.y": text}
        assert found["y"].sure


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ([*range(13), 99], [99]),
        ([*range(13), 88, 99], [88, 99]),
        ([*range(1, 6), 8, 9], [8, 9]),
        ([*range(1, 5), 7, 8, 9], [7, 8, 9]),
        ([*range(90), 999], [999]),
        ([*range(90), 997, 998, 999], [997, 998, 999]),
        ([-8, *range(200)], [-8]),
        ([-9, -8, *range(12)], [-9, -8]),
        ([*range(0, 3000, 10), 9999], [9999]),
        ([*range(120)], []),
        ([*range(10)], []),
        ([*range(1, 8)], []),
        ([*range(-20, 20)], []),
        ([*range(0, 1000, 3)], []),
    ],
)
def test_isolated_extreme_codes(values: list[int], codes: list[int]) -> None:
    rng = np.random.default_rng(len(values))
    weights = 1 / (1 + np.arange(len(values)) % 97)
    drawn_ = rng.choice(values, 20 * len(values), p=weights / weights.sum())
    frame = pd.DataFrame({"x": np.r_[values, drawn_], "y": rng.normal(size=21 * len(values))})
    found = [one for one in suspicions(encode_table(frame)) if one.code == "missing_codes"]
    assert [list(one.spec["missing_codes"]) for one in found] == ([codes] if codes else [])


def written(data: str, place: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(place)
    assert command("inspect", data, "--job", "job.yaml") == 0
    job = load_job("job.yaml")
    assert all(line.strip() for line in (place / "job.yaml").read_text().splitlines() if "#" in line)
    return {name: spec.model_dump(exclude_defaults=True) for name, spec in job.columns.items()}


def release(place: Any, *formulas: str) -> None:
    # What the gate would say of it is not asked here: tests/run/test_treating.py has such jobs.
    settings = ("synthesis.m=2", "synthesis.seed=1", "gate=null")
    assert command("run", "job.yaml", "--quiet", *(word for one in settings for word in ("--set", one))) == 0
    target = str(load_job("job.yaml").output.path)
    assert command("verify", target) == 0
    for formula in formulas:
        assert command("pool", target, "--formula", formula) == 0


@pytest.mark.parametrize("data", ["data.csv", "data.parquet"])
def test_a_proposed_job_runs_as_it_is(
    data: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = odd()
    (frame.to_parquet if data.endswith("t") else frame.to_csv)(tmp_path / data, index=False)
    columns = written(data, tmp_path, monkeypatch)
    said = capsys.readouterr().out
    assert "Suspected:" in said
    for text in (said, (tmp_path / "job.yaml").read_text()):
        assert not any(str(value) in text for value in frame["pid"])
    assert not any(value in (tmp_path / "job.yaml").read_text() for value in frame["seen"])
    assert "pid" not in columns
    assert columns["age"]["missing_codes"] == [999]
    job = load_job("job.yaml")
    assert job.synthesis.drop == ["pid"]
    assert set(job.synthesis.passive) == {"bmi", "inch", "total"}
    release(tmp_path, "wage ~ height + weight")


# What the documentation of the data says: the ACS data dictionary, and synthpop's description of SD2011.
ACS: dict[str, Any] = {
    **dict.fromkeys(["PUMA", "SEX", "HISP", "RAC1P", "HOUSING_TYPE", "OWN_RENT", "DEYE", "DEAR"], "nominal"),
    **dict.fromkeys(["MSP", "INDP", "INDP_CAT", "DVET", "DREM", "DPHY"], ("nominal", ["N"])),
    **dict.fromkeys(["EDU", "PINCP_DECILE"], ("ordered", ["N"])),
    **dict.fromkeys(["NOC", "NPF", "POVPIP"], ("count", ["N"])),
    **{"AGEP": "count", "DENSITY": "continuous", "PINCP": ("continuous", ["N"]), "PWGTP": "count", "WGTP": "count"},
}
SD2011: dict[str, Any] = {
    **dict.fromkeys(["unempdur", "income", "nofriend", "nociga", "wkabdur"], ("count", [-8])),
    **dict.fromkeys(["age", "ymarr", "ysepdiv", "depress", "height", "weight"], "count"),
    **dict.fromkeys(["mmarr", "msepdiv"], "nominal"),
    **dict.fromkeys(["sex", "sport", "smoke", "alcabuse", "alcsol", "workab"], "binary"),
    **dict.fromkeys(["agegr", "placesize", "region", "edu", "eduspec", "socprof", "marital", "ls", "trust"], "nominal"),
    **dict.fromkeys(["trustfam", "trustneigh", "wkabint", "wkabintdur", "emcc", "englang"], "nominal"),
    "bmi": "continuous",
}


@pytest.mark.parametrize(
    ("data", "right", "says", "formulas"),
    [
        ("ma2019.csv", ACS, ["weights='PWGTP'", "weights='WGTP'"], ["PINCP ~ AGEP + SEX"]),
        ("sd2011.csv", SD2011, ["weight / height**2", "stretches of age"], ["income ~ age + sex"]),
    ],
)
def test_public_tables_need_three_lines_of_editing_at_most(
    data: str,
    right: dict[str, Any],
    says: list[str],
    formulas: list[str],
    tmp_path: Any,
    shared_data: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    columns = written(str(shared_data / data), tmp_path, monkeypatch)
    assert list(columns) == list(pd.read_csv(shared_data / data, nrows=1).columns)
    wrong = []
    for name, spec in columns.items():
        kind, codes = right[name] if isinstance(right[name], tuple) else (right[name], [])
        if (spec["kind"], spec.get("missing_codes", [])) != (kind, codes):
            wrong.append(name)
    assert len(wrong) <= 3, wrong
    text = (tmp_path / "job.yaml").read_text()
    for words in says:
        assert words in text
    release(tmp_path, *formulas)


def test_inspect_writes_no_file_twice(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table(x=np.arange(50) / 8).to_csv("data.csv", index=False)
    assert command("inspect", "data.csv", "--job", "job.yaml") == 0
    assert command("inspect", "data.csv", "--job", "job.yaml") == 2
    assert command("inspect", "data.csv", "--job", "-", "--codebook", "-") == 2
    assert command("inspect", "nowhere.csv", "--job", "other.yaml") == 3
    assert not (tmp_path / "other.yaml").exists()


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        ([f"P{i:05d}" for i in range(500)], r"P\d{5}"),
        ([f"{i:06d}" for i in range(1, 401)], r"\d{6}"),
        ([f"DE-{i:08d}-X" for i in range(300)], r"DE-\d{8}-X"),
        ([f"2021-{i:04d}" for i in range(90)], r"2021-\d{4}"),
        (list(range(100_000, 100_500)), r"[1-9]\d{5}"),
        ([float(i) for i in range(20_000, 20_300)], r"[1-9]\d{4}\.0"),
        ([f"2021-{i:03d}" for i in range(999)], r"2021-\d{4}"),
    ],
)
def test_running_numbers_keep_their_length(values: list[Any], pattern: str) -> None:
    frame = table(pid=values)
    made = rp.synthesize(frame, m=1, seed=1, method={"pid": "surrogate"})[0]["pid"]
    assert made.astype(str).str.fullmatch(pattern).all()
    assert made.is_unique
    assert not set(made) & set(values)


def suspected(frame: pd.DataFrame) -> dict[tuple[str, str], Any]:
    return {(one.column, one.code): one for one in suspicions(encode_table(frame))}


def test_what_follows_from_what_follows() -> None:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.integers(0, 50, (600, 5)), columns=list("abcde"))
    frame["total"] = frame.sum(axis=1)
    frame["mean"] = (frame["total"] / 5).round(1)
    frame["mark"] = frame["a"] * 1.95583
    found = suspected(frame)
    assert found["total", "derived"].settings == {"synthesis.passive.total": "a + b + c + d + e"}
    assert found["mean", "derived"].settings == {"synthesis.passive.mean": "total / 5"}
    assert found["mark", "derived"].settings == {"synthesis.passive.mark": "1.95583 * a"}


def test_columns_that_follow_from_others_where_no_row_is_whole() -> None:
    rng = np.random.default_rng(9)
    works = rng.random(600) < 0.5
    frame = pd.DataFrame({"age": rng.integers(18, 70, 600), "born": 0})
    frame["born"] = 2020 - frame["age"]
    frame["hours"] = np.where(works, rng.integers(10, 50, 600), np.nan)
    frame["minutes"] = 60 * frame["hours"]
    frame["pension"] = np.where(works, np.nan, rng.normal(1500, 300, 600).round(2))
    frame["yearly"] = (12 * frame["pension"]).round(2)
    found = suspected(frame)
    assert found["minutes", "derived"].settings == {"synthesis.passive.minutes": "60 * hours"}
    assert found["yearly", "derived"].settings == {"synthesis.passive.yearly": "12 * pension"}
    assert found["born", "derived"].settings == {"synthesis.passive.born": "-1 * age + 2020"}


def test_codes_and_their_names_tell_the_same() -> None:
    rng = np.random.default_rng(10)
    frame = pd.DataFrame({"region": rng.integers(1, 6, 300)})
    frame["name"] = frame["region"].map(dict(enumerate(["N", "S", "E", "W", "C"], 1)))
    frame["number"] = frame["region"].map({1: 30, 2: 10, 3: 50, 4: 20, 5: 40})
    frame["other"] = rng.integers(1, 6, 300)
    assert {column for column, code in suspected(frame) if code == "relabelled"} == {"name", "number"}


@pytest.mark.parametrize("name", ["gewichtung", "fexp", "factor_expansion", "vikt", "wgt_final", "pond2", "poids"])
def test_weights_in_other_languages(name: str) -> None:
    frame = pd.DataFrame({name: np.random.default_rng(1).gamma(5, 200, 300)})
    assert (name, "weights") in suspected(frame)


@pytest.mark.parametrize("name", ["weight_kg", "birth_weight", "weightlb", "weight.g"])
def test_what_bodies_weigh_is_no_weight(name: str) -> None:
    frame = pd.DataFrame({name: np.random.default_rng(1).normal(75, 9, 300).round(1)})
    assert (name, "weights") not in suspected(frame)


def test_dates_as_text_are_no_identifiers() -> None:
    days = np.random.default_rng(1).choice(9000, 500, replace=False)
    born = (pd.Timestamp("1960-01-01") + pd.to_timedelta(days, unit="D")).strftime("%d.%m.%Y")
    found = suspected(pd.DataFrame({"born": born, "x": np.arange(500) % 7}))
    assert ("born", "dates") in found
    assert ("born", "identifier") not in found


@pytest.mark.parametrize("seed", range(5))
def test_a_small_count_is_a_count(seed: int) -> None:
    children = np.random.default_rng(seed).poisson(1.2, 1000)
    assert ("children", "codes") not in suspected(pd.DataFrame({"children": children}))
