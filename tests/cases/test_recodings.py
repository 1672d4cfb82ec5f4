"""Recoded columns through all that has to do with a release: drawing, rules, strata, files, comparisons, logs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.errors import SpecError
from replicant.run import chunks
from replicant.run.job import run_job
from replicant.run.preview import preview
from replicant.spec.load import parse_job

N = 600
CANARY_LEVEL, CANARY_NUMBER, CANARY_DAY = "beekeeper of Vlieland", 87_654_321.0, "1911-03-07"


def people(n: int = N) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    age = rng.integers(18, 100, n)
    income = rng.lognormal(7, 1, n).round(2)
    income[rng.random(n) < 0.03] = np.nan
    income[0] = CANARY_NUMBER
    job = rng.choice(["clerk", "cook", "nurse", "smith"], n, p=[0.5, 0.3, 0.19, 0.01]).astype(object)
    job[:2] = CANARY_LEVEL
    birth = pd.Timestamp("1935-01-01") + pd.to_timedelta(rng.integers(0, 9000, n), "D")
    birth = birth.where(np.arange(n) > 0, pd.Timestamp(CANARY_DAY))
    return pd.DataFrame(
        {
            "who": np.arange(n) // 2,
            "age": age,
            "income": income,
            "taxes": (income * rng.uniform(0, 0.3, n)).round(2),
            "asked": np.where(age < 30, -8, rng.integers(1, 60, n)),
            "job": pd.Series(job, dtype="str"),
            "region": rng.choice(["north", "south"], n),
            "birth": birth,
            "death": birth + pd.to_timedelta(rng.integers(400, 9000, n), "D"),
        }
    )


COLUMNS: dict[str, Any] = {"asked": {"kind": "continuous", "missing_codes": [-8]}}
RECODINGS: dict[str, Any] = {
    "drop": ["who"],
    "top_coding": {"income": {"rows": 10}, "age": 90, "asked": 50},
    "bottom_coding": {"birth": {"rows": 10}},
    "rounding": {"income": 50},
    "granularity": {"birth": "month"},
    "rare": {"job": 10},
    "outliers": {"taxes": 10},
    "date_shift": {"by": "who", "days": 30, "columns": ["birth", "death"]},
}
SETTINGS: dict[str, Any] = {"m": 2, "seed": 3, **RECODINGS}


def check(made: pd.DataFrame, real: pd.DataFrame) -> None:
    """What is promised of synthetic rows, whatever drew them."""
    assert made["age"].max() <= 90
    assert made["income"].max() < real["income"].nlargest(9).min()
    assert (made["income"].dropna() % 50 == 0).all()
    assert made["asked"].max() <= 50
    assert set(made["job"]) <= {"clerk", "cook", "nurse", "other"}
    assert (pd.to_datetime(made["birth"]).dt.day == 1).all()
    assert pd.to_datetime(made["birth"]).min() > pd.Timestamp("1930-01-01")


WAYS: dict[str, dict[str, Any]] = {
    "trees": {},
    "a parametric method": {"method": {"income": "norm", "age": "norm", "asked": "norm"}},
    "smoothed numbers": {"smoothing": "kernel"},
    "given the real row": {"conditioning": "observed"},
    "strata": {"strata": "job", "min_stratum": 50},
    "rules": {"rules": ["taxes <= income + 25", "if age > 60: income >= 50"], "on_violation": "exclude_rows"},
    "imputed cells": {"missing": "impute", "imputation": {"maxit": 2, "method": {"income": "norm"}}},
    "partitions": {"partition_rows": 250},
    "partitions of strata": {"partition_rows": 250, "strata": "job", "min_stratum": 50},
}


@pytest.mark.parametrize("way", WAYS)
def test_synthetic_rows_keep_to_the_recodings(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 170)
    real = people()
    syn = rp.synthesize(real, columns=COLUMNS, threads=1, **{**SETTINGS, **WAYS[way]})
    for made in syn:
        check(made, real)
        assert (made["asked"] == -8).any() == (way != "imputed cells")
    plain = rp.synthesize(real, columns=COLUMNS, threads=1, **SETTINGS)
    for one, other in zip(syn.manifest["columns"], plain.manifest["columns"], strict=True):
        assert one.get("recoding") == other.get("recoding")
    assert [event for event in syn.events if event.code == "recoded"] == [
        event for event in plain.events if event.code == "recoded"
    ]


def test_a_computed_column_is_computed_from_recoded_ones() -> None:
    real = people().assign(half=lambda all: all["age"] / 2)
    syn = rp.synthesize(real, seed=3, m=1, drop="who", top_coding={"age": 90}, passive={"half": "age / 2"}, threads=1)
    assert syn[0]["half"].equals(syn[0]["age"] / 2)
    found = rp.synthesize(real, seed=3, m=1, drop="who", rounding={"age": 10}, passive="auto", threads=1)
    assert (found[0]["age"] % 10 == 0).all()


def test_dates_that_stay_beside_shifted_ones_are_named() -> None:
    shift = {"by": "who", "days": 30, "columns": ["birth"]}
    syn = rp.synthesize(people(), seed=3, m=1, drop="who", date_shift=shift, threads=1)
    assert [event.column for event in syn.events if event.code == "date_not_shifted"] == ["death"]


def test_variants_of_a_study_are_of_one_table() -> None:
    with pytest.raises(SpecError, match="all variants are of the same table"):
        rp.study(people(), 2, estimands=[{"describe": ["age"]}], variants={"a": {"rounding": {"age": 5}}}, seed=1)


def test_an_encoded_table_is_recoded_further_as_its_frame_is() -> None:
    real = people().assign(place=np.arange(N) % 7 // 3)
    columns = {**COLUMNS, "place": {"kind": "nominal", "labels": {0: "north", 1: "south", 2: "isle"}}}
    first = {"rounding": {"income": 50}, "outliers": {"taxes": 10}, "seed": 3}
    more = {"top_coding": {"income": {"rows": 10}, "age": 90}, "rare": {"job": 10, "place": 100}}
    one = rp.synthesize(real, m=1, columns=columns, drop="who", threads=1, **first, **more)
    table = rp.synthesize(real, m=1, columns=columns, drop="who", threads=1, **first).table
    two = rp.synthesize(table, m=1, seed=3, threads=1, **more)
    assert two[0].equals(one[0])
    said = [{entry["name"]: entry.get(key) for entry in syn.manifest["columns"]} for syn in (one, two) for key in KEYS]
    assert said[: len(KEYS)] == said[len(KEYS) :]
    assert {str(event) for event in one.events} == {str(event) for event in two.events} | {
        str(event) for event in one.events if event.column == "who"
    }


KEYS = ("recoding", "labels", "levels", "decimals", "dtype", "kind")


def test_a_remedy_recodes_the_table_from_which_sets_are_drawn_again() -> None:
    rng = np.random.default_rng(0)
    age, gain = rng.integers(18, 90, N), np.where(rng.random(N) < 0.01, rng.lognormal(8, 1, N).round(), 0)
    real = pd.DataFrame(
        {"age": age, "sex": rng.choice(["m", "f"], N), "gain": gain, "pay": rng.lognormal(8, 1, N).round()}
    )
    rows = {"tier": "public", "holdout": real[1::2], "keys": ["age", "sex"], "targets": ["pay"], "effort": "quick"}
    syn = rp.synthesize(real[::2], m=1, seed=1, minbucket=3, donors="any", threads=1)
    done = rp.treat(real[::2], syn, ["top_code"], **rows)
    assert len(done.steps) == 2
    assert (done.frame["s_pmse_logit_before"] != done.frame["s_pmse_logit_after"]).all()  # other sets were judged
    recoded = {entry["name"] for entry in done.synthesis.manifest["columns"] if "recoding" in entry}
    assert recoded == ({"age", "gain", "pay"} if any(step.kept for step in done.steps) else set())


# --- a job, its files, and what is compared with them -----------------------------------------------------------------


def job(place: Path, target: str, **more: Any) -> Any:
    people().to_parquet(place / "people.parquet", index=False, row_group_size=100)
    document = {
        "input": {"path": str(place / "people.parquet")},
        "columns": COLUMNS,
        "synthesis": {**SETTINGS, **more},
        "output": {"path": str(place / target), "copies": ["csv"], "helpers": ["r"]},
    }
    return parse_job(json.dumps(document))


def test_no_value_that_was_recoded_is_in_a_release_or_in_what_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 170)
    for target, more in (("whole", {}), ("parts", {"partition_rows": 250})):
        said = preview(job(tmp_path, target, **more))
        assert "recoded: income: top coding: 9 cells above the top code are set to it" in str(said)
        result = run_job(job(tmp_path, target, **more))
        texts = [str(said), str(result.events), *capfd.readouterr()]
        texts += [
            file.read_text("utf-8", "ignore")
            for folder in (target, f"{target}-internal")
            for file in (tmp_path / folder).rglob("*")
            if file.is_file()
        ]
        for canary in (CANARY_LEVEL, "87654321", "8.765", CANARY_DAY, "1911-03", "87,654"):
            assert not [text for text in texts if canary in text]


def test_a_release_is_compared_with_real_rows_recoded_as_it_says(tmp_path: Path) -> None:
    run_job(job(tmp_path, "release"))
    release, real = rp.read_release(tmp_path / "release"), people()
    rows = {name: entry for entry in release.manifest["columns"] if (name := entry["name"])}
    assert rows["job"]["recoding"] == {"rare": 10, "rest": "other"}
    assert rows["income"]["recoding"]["rounding"] == 50
    assert rows["death"]["recoding"] == {"date_shift": {"by": "who", "days": 30}}
    assert "recoding" not in rows["region"]
    found = rp.utility(real, release)
    one_way = found.frame[found.frame["measure"] == "s_pmse_oneway"].set_index("of")["value"]
    # Without it, levels and numbers that only one of the tables has tell the tables apart in every row.
    assert one_way[["job", "income", "age"]].max() < 10
    assert not [event for event in found.findings if event.code in ("new_levels", "lost_levels")]
    same = rp.utility(real, [release[0], release[1]], columns=rp.Codebook.from_manifest(release.manifest))
    assert not [event for event in same.findings if event.code in ("new_levels", "lost_levels")]
    compared = release.compare(real, "ols", "income ~ age + job").frame
    assert compared.notna().any(axis=None)
    rp.disclosure(real, release, keys=["age", "job"], targets=["income"])
