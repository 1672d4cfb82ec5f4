"""Numbers of small types: what a method draws beyond their reach is the nearest that they hold, and said."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.methods import NOTES, Origin, registered
from replicant.table import Kind

TYPES = ("int8", "uint8", "Int8", "int64", "float16", "float32", "Float32", "float64")
METHODS = sorted(
    name
    for name, declared in registered().items()
    if declared.origin is Origin.MODEL and declared.works_on != "clusters" and Kind.CONTINUOUS in declared.kinds
    if name not in {"nested", "survival"}  # which need a second column
)
PARAMETRIC = ("cubertnorm", "jomo", "lognorm", "norm", "norm.boot", "norm.nob", "quadratic", "sqrtnorm")


def table(dtype: str) -> pd.DataFrame:
    """Heavy tails that reach the ends of the type."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=60)
    shape = 0.3 * rng.standard_t(2, size=60) + 0.3 * x
    shape /= np.abs(shape).max()
    if "nt" in dtype:
        limits = np.iinfo(dtype.lower())
        middle, half = (limits.max + limits.min) / 2, (limits.max - limits.min) / 2
        y = pd.Series(np.rint(middle + 0.99 * half * shape)).astype(dtype)
    else:
        y = pd.Series(shape * 0.9 * float(np.finfo(dtype.lower()).max) ** 0.99).astype(dtype)
    return pd.DataFrame({"x": x, "y": y, "z": np.resize([0, 1], 60)})


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", METHODS)
def test_every_set_has_the_type_and_finite_numbers(name: str, dtype: str) -> None:
    frame = table(dtype)
    columns = {"y": {"kind": "count" if dtype == "uint8" else "continuous"}}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sets = rp.synthesize(frame, m=2, seed=1, method={"y": name}, visit_sequence=["x", "z", "y"], columns=columns)
        frames = list(sets)
    for one in frames:
        assert one["y"].dtype == frame["y"].dtype
        assert np.isfinite(one["y"].astype(float)).all()
    beyond = [event for event in sets.events if event.code == "limited"]
    assert all(event.column == "y" and NOTES["limited"] in str(event) for event in beyond)
    if beyond:
        assert name in PARAMETRIC


def test_a_release_is_written_and_an_imputation_is_completed(tmp_path: Path) -> None:
    frame = table("int8")
    sets = rp.synthesize(frame, m=2, seed=1, method={"y": "cubertnorm"}, visit_sequence=["x", "z", "y"])
    assert [event.column for event in sets.events if event.code == "limited"] == ["y"]
    sets.to_parquet(tmp_path / "release")
    assert {one["y"].dtype for one in rp.read_release(tmp_path / "release")} == {np.dtype("int8")}
    holes = frame.astype({"y": "Int8"})
    holes.loc[::3, "y"] = pd.NA
    completed = rp.impute(holes, m=2, maxit=2, seed=1, method={"y": "cubertnorm"}, delta={"y": "100"})
    assert [event.column for event in completed.events if event.code == "limited"] == ["y"]
    assert completed[0]["y"].max() == 127


@pytest.mark.parametrize("dtype", ["Int8", "UInt8", "Int64", "Float32"])
def test_what_a_passive_column_of_an_imputation_cannot_hold_is_the_nearest_that_it_can(dtype: str) -> None:
    """The widest number that is observed is within its reach; that of an imputed row is beyond it."""
    most = float(np.finfo(dtype.lower()).max if dtype[0] == "F" else np.iinfo(dtype.lower()).max)
    factor = most / 4 if dtype[0] == "F" else float(most // 4)
    a = np.resize([0.0, 1.0, 2.0, 3.0], 80)
    frame = pd.DataFrame({"x": a + np.sin(np.arange(80)), "a": a, "b": pd.array(a * factor, dtype="Float64")})
    frame.loc[::3, ["a", "b"]] = pd.NA
    frame = frame.astype({"a": "Int64", "b": dtype})
    settings = {"method": {"a": "norm"}, "passive": {"b": f"{factor!r} * a"}, "delta": {"a": "3"}}
    completed = rp.impute(frame, m=2, maxit=2, seed=1, **settings)  # type: ignore[arg-type]
    assert [event.column for event in completed.events if event.code == "limited"] == ["b"]
    for one in completed:
        assert one["b"].dtype == frame["b"].dtype
        expected = np.clip(factor * one["a"].astype(float), 0 if dtype == "UInt8" else -most, most)
        assert np.allclose(one["b"].astype(float), expected, rtol=1e-6)
        assert float(one["b"].max()) >= 0.999 * most
