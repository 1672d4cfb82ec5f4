"""`replicant convert` as a user meets it: files in, a job out that the other commands take, words for mistakes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from replicant.release import read_release
from replicant.spec.load import load_job

Command = Callable[..., Any]

METHOD = {"height": "cart", "weight": "pmm", "children": "", "region": "cart", "word": "sample"}


@pytest.fixture
def settings(place: Path, frame: pd.DataFrame) -> Path:
    """`mice.json` beside the table that it is for."""
    frame.to_csv(place / "data.csv", index=False)
    path = place / "mice.json"
    where = {name: [True] * len(frame) for name in frame}
    visits = ["word", "region", "height", "weight"]
    path.write_text(json.dumps({"method": METHOD, "visitSequence": visits, "where": where, "m": 2}))
    return path


def test_from_settings_to_a_release(settings: Path, place: Path, replicant: Command) -> None:
    outcome = replicant("convert", "mice.json", "-o", "job.yaml", "--release", "out")
    assert (outcome.code, outcome.out) == (0, "job.yaml\n")
    assert "note: left as observed: children" in outcome.err
    assert max(map(len, outcome.err.splitlines())) <= 100
    job = load_job(place / "job.yaml")
    assert job.synthesis.method == {"children": "keep", "word": "sample", "weight": "pmm"}
    assert job.synthesis.visit_sequence == ["word", "region", "height", "weight"]
    assert replicant("run", "job.yaml").code == 0
    assert replicant("verify", "out").code == 0


def test_a_call_that_fills_missing_cells(place: Path, frame: pd.DataFrame, replicant: Command) -> None:
    """`where` of a `mids` is the mask of missing cells: the table says that it is."""
    frame.loc[::7, "weight"] = float("nan")
    frame.to_csv(place / "data.csv", index=False)
    where = {name: [bool(cell) for cell in mask] for name, mask in frame.isna().items()}
    settings = {
        "method": {**dict.fromkeys(METHOD, ""), "weight": "pmm"},
        "where": where,
        "m": 2,
        "maxit": 2,
        "donors": 3,
    }
    (place / "mice.json").write_text(json.dumps(settings))
    outcome = replicant("convert", "mice.json", "-o", "job.yaml", "--release", "out")
    assert outcome.code == 0, outcome.err
    imputed = load_job(place / "job.yaml").synthesis.imputed
    assert imputed is not None
    assert imputed.where is None
    assert imputed.method == {"weight": "pmm"}
    assert imputed.options == {"weight": {"donors": 3}}
    assert not imputed.missing
    assert replicant("run", "job.yaml").code == 0
    assert not read_release(place / "out")[0].isna().any(axis=None)


def test_parts_from_files_of_their_own(settings: Path, place: Path, replicant: Command) -> None:
    pd.Series(METHOD, name="x").to_csv(place / "method.csv")
    ones = pd.DataFrame(1, index=list(METHOD), columns=list(METHOD))
    ones.loc["height", "word"] = 0
    ones.to_csv(place / "predictors.csv")
    (place / "visits.json").write_text('{"visitSequence": "arabic"}')
    pd.DataFrame("TRUE", index=range(60), columns=list(METHOD)).to_csv(place / "where.csv", index=False)
    parts = ("--method", "method.csv", "--predictors", "predictors.csv", "--visits", "visits.json")
    outcome = replicant("convert", *parts, "--where", "where.csv", "--data", "data.csv")
    (place / "job.yaml").write_text(outcome.out)
    job = load_job(place / "job.yaml")
    assert job.synthesis.predictors == {"height": ["weight", "children", "region"]}
    assert job.synthesis.visit_sequence == ["word", "region", "weight", "height"]
    assert replicant("plan", "job.yaml").code == 0


def test_a_parquet_table_gives_its_names(settings: Path, place: Path, frame: pd.DataFrame, replicant: Command) -> None:
    frame.to_parquet(place / "people.parquet")
    (place / "bare.json").write_text('{"method": ["cart", "cart", "", "cart", "cart"]}')
    outcome = replicant("convert", "bare.json", "--data", "people.parquet")
    assert "missing: {children: keep}" in outcome.out
    assert replicant("convert", "bare.json", "--data", "elsewhere.parquet").code == 2


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "Give SETTINGS"),
        (("nice.json",), "there is no file 'nice.json', did you mean 'mice.json'"),
        (("data.csv",), "A CSV file holds one setting"),
        (("mice.json", "--method", "method.csv"), "mice.json has method already"),
        (("lasso.json", "--strict"), "the method of weight is 'lasso.norm', which has no equal here"),
        (("mice.json", "-o", "mice.json"), "mice.json exists"),
        (("mice.json", "-o", "no/such/folder.yaml"), "cannot be written"),
        (("mice.json", "--from", "synthpop"), "'visitSequence' is not a setting of synthpop"),
        (("list.json",), "is not an object with names"),
        (("bad.json",), "bad.json, line 1, column 2: not valid JSON"),
        (("latin.json",), "not UTF-8"),
        (("--where", "data.csv", "--from", "synthpop"), "--where goes with mice"),
        (("--method", "data.csv"), "method"),
        (("--predictors", "data.csv"), "predictorMatrix has 60 rows and 5 columns"),
        (("--visits", "data.csv"), "visitSequence"),
        (("--where", "data.csv"), "where has cells in column 'height' that are not TRUE or FALSE"),
        (("--visits", "words.csv"), "visitSequence names something that is not a column: something else"),
        (("--method", "words.csv"), "method"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistakes(
    settings: Path, place: Path, frame: pd.DataFrame, args: tuple[str, ...], words: str, replicant: Command
) -> None:
    """Also with a table where settings are wanted: the fixture looks for its cells in what is said."""
    frame["word"].to_csv(place / "words.csv", index=False)
    (place / "list.json").write_text("[1]")
    (place / "lasso.json").write_text(json.dumps({"method": {**METHOD, "weight": "lasso.norm"}}))
    (place / "bad.json").write_text("{]")
    (place / "latin.json").write_bytes('{"m": "é"}'.encode("latin-1"))
    pd.Series(METHOD, name="x").to_csv(place / "method.csv")
    outcome = replicant("convert", *args)
    assert outcome.code == 2
    assert words in outcome.err.replace("\n", " ")


def test_names_are_checked_against_the_table(settings: Path, place: Path, replicant: Command) -> None:
    settings.write_text(json.dumps({"method": {**METHOD, "hight": "cart"}}))
    outcome = replicant("convert", "mice.json")
    assert outcome.code == 2
    assert "names something that is not a column: 'hight', did you mean 'height'?" in outcome.err
