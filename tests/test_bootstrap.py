"""`rp.study`: from a frame or a path, here or elsewhere; errors; and a truth that is known."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.errors import DataError, SpecError

FIT = {"name": "fit", "model": "ols", "formula": "y ~ x"}
CANARY_TEXT, CANARY_NUMBER = "canary-zebra", 471147.25


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(6)
    x = rng.normal(size=80).round(2)
    y = (1 + x / 2 + rng.normal(size=80)).round(2)
    return pd.DataFrame({"x": x, "y": y, "group": rng.choice(["a", "b", "c"], 80)})


def study(data: Any, **asked: Any) -> Any:
    return rp.study(data, **{"replicates": 4, "m": 2, "seed": 3, "progress": False, **asked})


def test_everything_by_default(frame: pd.DataFrame) -> None:
    found = study(frame)
    assert set(found.tables) == {
        *("describe", "correlation", "discrimination", "discrimination-scores", "densities", "copies")
    }
    assert list(found.summary["arm"]) == ["sample", "synthetic"]
    assert found.run["workers"] == 1
    assert json.loads(json.dumps(found.document, allow_nan=False)) == found.document
    assert json.loads(json.dumps(found.run, allow_nan=False)) == found.run
    assert "<table" in found._repr_html_()
    assert found.to_html().lstrip().lower().startswith("<!doctype html>")


def test_a_path_is_as_its_frame(frame: pd.DataFrame, tmp_path: Path) -> None:
    frame.to_parquet(tmp_path / "data.parquet")
    expected = study(frame, estimands=[FIT]).document
    for data in (tmp_path / "data.parquet", str(tmp_path / "data.parquet")):
        assert study(data, estimands=[FIT]).document == expected


def test_threads_do_not_matter(frame: pd.DataFrame) -> None:
    asked = {"estimands": [FIT, {"discriminate": "all"}], "replicates": 25, "m": 2}
    one, two = (study(frame, threads=threads, **asked) for threads in (None, 2))
    assert one.document == two.document
    assert (one.run["workers"], two.run["workers"]) == (1, 2)


@pytest.mark.cluster
def test_a_client_does_not_matter(frame: pd.DataFrame, tmp_path: Path) -> None:
    """With a frame that is sent, and with a path that workers read."""
    from replicant.execution import dask_client

    frame.to_parquet(tmp_path / "data.parquet")
    expected = study(frame, estimands=[FIT], replicates=25).document
    with dask_client.local_cluster(2) as client:
        for data in (frame, tmp_path / "data.parquet"):
            found = study(data, estimands=[FIT], replicates=25, client=client)
            assert found.document == expected
            assert found.run["workers"] == 2


def test_a_model_may_be_a_function(frame: pd.DataFrame) -> None:
    def median(frame: pd.DataFrame) -> tuple[list[str], list[float], list[float]]:
        x = frame["x"]
        return ["median"], [x.median()], [np.pi / 2 * x.var() / len(x)]

    found = study(frame, estimands=[{"name": "med", "model": median}, {"means": ["x"]}], replicates=3)
    rows = found.tables["med"].set_index("arm")
    assert rows["truth"].tolist() == [frame["x"].median()] * 2
    assert rows.loc["synthetic", "replicates"] == 3
    assert found.document["estimands"][0]["about"]["model"] == "a function"
    json.dumps(found.document, allow_nan=False)


def test_a_function_that_fails_in_a_sample_is_counted(frame: pd.DataFrame) -> None:
    def brittle(frame: pd.DataFrame) -> tuple[list[str], list[float], list[float]]:
        if calls.append(1) or len(calls) % 2 == 0:
            raise ZeroDivisionError(CANARY_TEXT)
        return ["mean"], [frame["x"].mean()], [1.0]

    calls: list[int] = []
    rows = study(frame, estimands=[{"name": "fit", "model": brittle}], replicates=5).tables["fit"]
    assert rows["failed"].sum() > 0
    assert rows["replicates"].sum() > 0


def test_variants_with_settings_from_python(frame: pd.DataFrame) -> None:
    """NumPy's numbers and masks are settings; the document stays plain."""
    mask = np.zeros(frame.shape, dtype=bool)
    mask[:40, 0] = True
    variants = {"few": {"minbucket": np.int64(9)}, "some": {"where": mask, "conditioning": "observed"}}
    found = study(frame, variants=variants, estimands=[{"copies": True}])
    plain = json.loads(json.dumps(found.document, allow_nan=False))
    assert [arm["name"] for arm in plain["arms"]] == ["sample", "few", "some"]
    assert plain["arms"][1]["settings"]["minbucket"] == 9
    copies = found.tables["copies"].set_index(["term", "arm"])["estimate"]
    assert copies["y", "some"] == 1 > copies["y", "few"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"replicates": 1}, "replicates"),
        ({"replicates": "ten"}, "replicates"),
        ({"level": 1.5}, "level"),
        ({"m": 0}, "m"),
        ({"minbuket": 3}, "minbucket"),
        ({"estimands": FIT}, "estimands is a mapping"),
        ({"estimands": [{"modle": "ols"}]}, "did you mean .*model"),
        ({"estimands": [{"means": "x", "counts": "group"}]}, "exactly one of"),
        ({"estimands": [{"means": "z"}]}, r"study\.estimands\[1\]: there is no column 'z'"),
        ({"estimands": [{"model": "ols"}]}, "formula"),
        ({"variants": {"a": 3}}, r"variants\.a"),
        ({"variants": {"sample": {}}}, "names of variants"),
        ({"variants": {"a name": {}}}, "names of variants"),
        ({"threads": 2, "workers": 2}, "exclude each other"),
        ({"samples": "none.csv"}, "file of samples"),
        ({"passive": {"y": "z * 2"}}, "z"),
    ],
    ids=str,
)
def test_errors_name_what_is_wrong(asked: dict[str, Any], found: str, frame: pd.DataFrame) -> None:
    with pytest.raises((SpecError, DataError), match=found):
        study(frame, **asked)


def test_no_cell_is_in_an_error_or_in_what_is_said(
    frame: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = frame.copy()
    data.loc[5, "x"], data.loc[6, "group"] = CANARY_NUMBER, CANARY_TEXT
    asked: list[dict[str, Any]] = [
        {"estimands": [{"means": "group"}]},
        {"estimands": [{"counts": "x"}]},
        {"estimands": [{"model": "ols", "formula": "group ~ x"}]},
        {"estimands": [{"model": "logit", "formula": "group ~ x"}]},
        {"estimands": [{"model": lambda frame: int(frame["group"].iloc[6])}]},
        {"estimands": [{"discriminate": "~ nothing"}]},
        {"variants": {"a": {"passive": {"y": "group * 2"}}}},
        {"samples": tmp_path / "data.csv"},
    ]
    data.to_csv(tmp_path / "data.csv", header=False)
    for one in asked:
        with pytest.raises(rp.errors.ReplicantError) as raised:
            study(data, **one)
        assert CANARY_TEXT not in str(raised.value)
        assert "471147" not in str(raised.value)
    study(
        data,
        estimands=[FIT, {"model": "polr", "formula": "group ~ x"}],
        columns={"group": {"kind": "ordered"}},
        progress=True,
    )
    said = capsys.readouterr()
    assert CANARY_TEXT not in said.out + said.err
    assert "471147" not in said.out + said.err
    assert "4 replicates" in said.err


# --- a truth that is known --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulated() -> tuple[pd.DataFrame, Any]:
    """A normal x, y = 1 + x/2 + e: the table plays the population, so its own estimate is the truth."""
    rng = np.random.default_rng(20)
    x = rng.normal(size=200)
    frame = pd.DataFrame({"x": x, "y": 1 + x / 2 + rng.normal(size=200)})
    return frame, study(frame, replicates=300, m=3, estimands=[FIT, {"correlation": ["x", "y"]}, {"means": ["x"]}])


def test_intervals_of_bootstrap_samples_cover_as_often_as_they_say(simulated: Any) -> None:
    frame, found = simulated
    fit = found.tables["fit"].set_index(["term", "arm"])
    error = np.sqrt(0.95 * 0.05 / 300)
    for term in ("(Intercept)", "x"):
        row = fit.loc[(term, "sample")]
        assert abs(row["coverage"] - 0.95) < 3.5 * error
        assert row["coverage_error"] == pytest.approx(np.sqrt(row["coverage"] * (1 - row["coverage"]) / 299), rel=1e-6)
        # Unbiased, and its standard error is what the estimates' deviation is.
        assert abs(row["bias"]) < 4 * row["bias_error"]
        assert row["std_error"] == pytest.approx(row["sd"], rel=0.15)
    mean = found.tables["means"].set_index("arm").loc["sample"]
    assert mean["sd"] == pytest.approx(frame["x"].std(ddof=0) / np.sqrt(200), rel=0.15)
    rho = found.tables["correlation"].set_index("arm").loc["sample"]
    assert abs(rho["coverage"] - 0.95) < 3.5 * error


def test_pooled_intervals_cover_too(simulated: Any) -> None:
    """Trees shrink a slope a little, so coverage is near the level and not at it."""
    _, found = simulated
    fit = found.tables["fit"].set_index(["term", "arm"])
    for term in ("(Intercept)", "x"):
        row = fit.loc[(term, "synthetic")]
        assert 0.85 < row["coverage"] <= 1
        assert row["width"] > fit.loc[(term, "sample"), "width"]
        assert abs(row["difference"]) <= abs(row["bias"]) + 4 * row["bias_error"]
        # The difference to the very sample is known better than the bias.
        assert row["difference_error"] < row["bias_error"]


def test_numbers_at_the_ends_of_what_there_is_have_no_figures_and_no_warnings() -> None:
    frame = pd.DataFrame({"x": [1.7e308, -1.7e308, 0.0, 1.0, 5e-324] * 8, "y": np.arange(40.0)})
    asked = [{"describe": ["x", "y"]}, {"correlation": ["x", "y"]}, {"means": ["x"]}, {"densities": ["x"]}]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = rp.study(frame, 3, m=2, seed=1, estimands=asked, progress=False)
        assert "densit" in found.to_html()
    described = found.tables["describe"]
    assert np.isfinite(described.loc[described["term"].str.startswith("y"), "truth"]).any()
