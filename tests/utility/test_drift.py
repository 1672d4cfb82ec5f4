"""Drift between two releases: no difference where there is none, the planted one where there is one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

import replicant as rp
from replicant.errors import ReleaseError
from replicant.pool import pool
from replicant.release.sets import SyntheticSets
from replicant.utility.drift import Drift, drift, holm

COLUMNS = [
    {"name": "x", "kind": "continuous", "dtype": "float64", "synthesized": "all"},
    {"name": "g", "kind": "nominal", "dtype": "str", "synthesized": "all"},
    {"name": "y", "kind": "continuous", "dtype": "float64", "synthesized": "all"},
]


class Sets(SyntheticSets):
    """Frames as a release."""

    def __init__(self, frames: list[pd.DataFrame], n: int, columns: list[dict[str, Any]] | None = None) -> None:
        super().__init__()
        self.frames = frames
        config = {"conditioning": "synthetic", "fits": "own", "missing": "keep"}
        self.said = {"m": len(frames), "n": n, "k": len(frames[0]), "config": config, "columns": columns or COLUMNS}

    @property
    def m(self) -> int:
        return len(self.frames)

    @property
    def manifest(self) -> dict[str, Any]:
        return self.said

    def _make(self, imputation: int) -> pd.DataFrame:
        return self.frames[imputation]

    def summary(self) -> dict[str, Any]:
        raise NotImplementedError


def made(rng: np.random.Generator, n: int, m: int, k: int | None = None, shift: float = 0.0) -> Sets:
    """A sample of a population, and m sets of a right model of it: numbers, levels, and numbers that are missing."""
    k = k or n
    x, g, there = rng.normal(shift, 1, n), rng.choice(3, n, p=[0.5, 0.3, 0.2]), rng.random(n) < 0.8
    y = 0.5 * x + rng.normal(0, 1, n)
    levels, known = np.bincount(g, minlength=3) / n, there.mean()
    slope, start = np.polyfit(x[there], y[there], 1)
    noise = (y - start - slope * x)[there].std(ddof=2)
    frames = []
    for _ in range(m):
        drawn = rng.normal(x.mean(), x.std(ddof=1), k)
        other = start + slope * drawn + rng.normal(0, noise, k)
        other[rng.random(k) >= known] = np.nan
        frames.append(pd.DataFrame({"x": drawn, "g": np.array(list("abc"))[rng.choice(3, k, p=levels)], "y": other}))
    return Sets(frames, n)


def _null(times: int, n: int, m: int, k: int | None, seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    tests, ratios = [], []
    for _ in range(times):
        found = drift(made(rng, n, m, k), made(rng, n, m, k))
        assert found.whole is not None
        tests.append([found.whole.p_value, *found.columns["p_value"], *found.terms["p_value"]])
        ratios.append(found.whole.pmse_ratio)
    return np.array(tests), np.array(ratios)


@pytest.mark.parametrize(
    ("times", "n", "m", "k"),
    [
        (100, 150, 5, None),
        pytest.param(300, 200, 10, None, marks=pytest.mark.slow),
        pytest.param(300, 200, 5, 100, marks=pytest.mark.slow),
    ],
)
def test_without_a_change_p_values_are_uniform(times: int, n: int, m: int, k: int | None) -> None:
    """Two samples of one population, each synthesized: p of the whole, of columns, of terms; pMSE's ratio is 1."""
    p, ratios = _null(times, n, m, k, 5)
    assert p.shape == (times, 1 + 3 + 6)
    for one in p.T:
        assert stats.kstest(one, "uniform").pvalue > 0.001 / p.shape[1]
        error = np.sqrt(0.05 * 0.95 / times)
        assert abs((one < 0.05).mean() - 0.05) < 4 * error
    assert abs(ratios.mean() - 1) < 4 * ratios.std() / np.sqrt(times)


@pytest.mark.slow
def test_without_a_change_the_engine_finds_none() -> None:
    """The same with trees for the model, whose own error is counted where every set has its own fits."""
    rng = np.random.default_rng(8)

    def real(n: int = 250) -> pd.DataFrame:
        x, g = rng.normal(0, 1, n), rng.choice(list("abc"), n, p=[0.5, 0.3, 0.2])
        return pd.DataFrame({"x": x.round(2), "g": g, "y": (x + (g == "a") + rng.normal(0, 1, n)).round(2)})

    p = []
    for i in range(100):
        one, other = (rp.synthesize(real(), m=5, seed=2 * i + j) for j in (0, 1))
        found = drift(one, other)
        assert found.whole is not None
        p.append([found.whole.p_value, *found.columns["p_value"]])
    error = np.sqrt(0.05 * 0.95 / len(p))
    assert ((np.array(p) < 0.05).mean(axis=0) < 0.05 + 4 * error).all()


def test_a_planted_change_is_found() -> None:
    """A mean that moved by half a deviation moves what follows from it, and not the levels."""
    rng = np.random.default_rng(3)
    found = drift(made(rng, 1500, 5), made(rng, 1500, 5, shift=0.5), names=("2020", "2021"))
    assert found.whole is not None
    assert found.differing == ["x", "y"]
    assert found.whole.p_value < 1e-6
    assert found.whole.pmse_ratio > 4
    terms = found.terms.set_index(["column", "measure", "level"])
    moved = terms.loc[("x", "mean", "")]
    assert moved["conf_low"] < 0.5 < moved["conf_high"]
    assert abs(moved["effect"] - 0.5) < 4 * moved["std_error"]
    assert terms.loc[("y", "mean", "")]["conf_low"] < 0.25 < terms.loc[("y", "mean", "")]["conf_high"]


def test_terms_are_what_the_rules_make_of_plain_means_and_shares() -> None:
    """Against numpy and `rp.pool`, term by term; k is not n."""
    rng = np.random.default_rng(4)
    one, other = made(rng, 200, 6, 120), made(rng, 300, 6, 150)
    terms = drift(one, other).terms.set_index(["column", "measure", "level"])

    def pooled(estimate: Any, variance: Any) -> Any:
        q = [estimate(b) - estimate(a) for a, b in zip(one, other, strict=True)]
        u = [variance(a) * 120 / 200 + variance(b) * 150 / 300 for a, b in zip(one, other, strict=True)]
        return pool(q, u, "reiter2003").frame.iloc[0]

    cases = {
        ("x", "mean", ""): pooled(lambda f: f["x"].mean(), lambda f: f["x"].var() / len(f)),
        ("y", "mean", ""): pooled(lambda f: f["y"].mean(), lambda f: f["y"].var() / f["y"].count()),
        ("y", "missing", ""): pooled(
            lambda f: f["y"].isna().mean(), lambda f: f["y"].isna().mean() * f["y"].notna().mean() / len(f)
        ),
        ("g", "share", "b"): pooled(
            lambda f: (f["g"] == "b").mean(), lambda f: (f["g"] == "b").mean() * (f["g"] != "b").mean() / len(f)
        ),
    }
    for key, expected in cases.items():
        found = terms.loc[key]
        for mine, theirs in {
            "difference": "estimate",
            "std_error": "std_error",
            "df": "df",
            "p_value": "p_value",
        }.items():
            assert found[mine] == pytest.approx(expected[theirs], rel=1e-9)
        assert found["conf_high"] == pytest.approx(expected["conf_high"], rel=1e-9)
    # In one dimension F is the square of t.
    columns = drift(one, other).columns.set_index("column")
    x = terms.loc[("x", "mean", "")]
    assert columns.loc["x", "statistic"] == pytest.approx((x["difference"] / x["std_error"]) ** 2, rel=1e-9)


def test_levels_types_and_columns_that_come_and_go() -> None:
    rng = np.random.default_rng(6)
    n = 300
    before = pd.DataFrame(
        {
            "g": rng.choice(["a", "b", "old"], n),
            "flag": rng.choice([0, 1], n),
            "size": rng.poisson(3, n),
            "gone": rng.normal(size=n),
            "same": "one",
        }
    )
    after = pd.DataFrame(
        {
            "g": pd.Categorical(rng.choice(["a", "b", "new"], n)),
            "flag": rng.choice([0.0, 1.0], n),
            "size": rng.choice(["small", "large"], n),
            "came": rng.normal(size=n),
            "same": "one",
        }
    )
    found = drift(rp.synthesize(before, m=5, seed=1), rp.synthesize(after, m=5, seed=2))
    columns = found.columns.set_index("column")
    assert columns["change"].to_dict() == {
        **{"g": "type", "flag": "type", "size": "type"},
        **{"gone": "vanished", "same": "", "came": "new"},
    }
    assert columns.loc["g", "new_levels"] == ["new"]
    assert columns.loc["g", "vanished_levels"] == ["old"]
    # 1 and 1.0 are one level; numbers beside levels are not compared; of what never varies there is no test.
    assert columns.loc["flag", "new_levels"] == []
    assert np.isnan(columns.loc["size", "p_value"])
    assert np.isnan(columns.loc["same", "p_value"])
    assert columns.loc["g", "p_adjusted"] < 1e-6
    assert set(found.differing) == set(columns.index) - {"same"}
    assert found.whole is not None
    assert found.whole.auc > 0.6


def test_missing_codes_are_missing() -> None:
    """A code such as -8 is no number: it counts as missing, on both sides."""
    rng = np.random.default_rng(7)

    def real(share: float) -> pd.DataFrame:
        values = rng.normal(100, 5, 400).round()
        return pd.DataFrame({"v": np.where(rng.random(400) < share, -8, values), "w": rng.normal(size=400)})

    columns = {"v": {"missing_codes": [-8]}}
    one, other = (rp.synthesize(real(share), m=5, seed=i, columns=columns) for i, share in enumerate((0.1, 0.4)))
    terms = drift(one, other).terms.set_index(["column", "measure"])
    assert abs(terms.loc[("v", "mean"), "a"] - 100) < 2
    assert abs(terms.loc[("v", "missing"), "difference"] - 0.3) < 0.12


def test_what_cannot_be_tested_is_not() -> None:
    rng = np.random.default_rng(9)
    one = drift(made(rng, 100, 1), made(rng, 100, 1))
    assert "no errors and no tests" in one.messages[0]
    assert one.terms["difference"].notna().all()
    assert one.terms["p_value"].isna().all()
    assert one.whole is not None
    assert np.isnan(one.whole.p_value)
    assert one.whole.pmse > 0
    uneven = drift(made(rng, 100, 3), made(rng, 100, 4))
    assert uneven.m == 3
    assert "3 and 4 sets" in uneven.messages[0]
    nothing = drift(*(Sets([pd.DataFrame({c: [1.0, 2.0]})] * 2, 2, [{**COLUMNS[0], "name": c}]) for c in "ab"))
    assert nothing.whole is None
    assert list(nothing.columns["change"]) == ["vanished", "new"]


def test_what_is_computed_from_another_column_adds_nothing() -> None:
    """A column twice: a singular covariance, the same whole."""
    rng = np.random.default_rng(10)
    one, other = made(rng, 200, 5), made(rng, 200, 5)
    alone = drift(one, other).whole
    columns = [*COLUMNS, {**COLUMNS[0], "name": "again"}]
    doubled = drift(
        *(Sets([f.assign(again=2 * f["x"] + 1) for f in sets], 200, columns) for sets in (one, other))
    ).whole
    assert alone is not None
    assert doubled is not None
    assert doubled.df1 == alone.df1
    assert doubled.p_value == pytest.approx(alone.p_value, rel=1e-6)
    assert doubled.pmse == pytest.approx(alone.pmse, rel=1e-6)


def test_releases_are_read_in_partitions_and_give_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)

    def real() -> pd.DataFrame:
        return pd.DataFrame({"x": rng.normal(size=400), "s": rng.choice(["u", "v"], 400), "h": rng.random(400)})

    made_of = [rp.synthesize(real(), m=3, seed=i, strata="s", min_stratum=10) for i in (1, 2)]
    for name, syn in zip("ab", made_of, strict=True):
        syn.to_parquet(tmp_path / name)
    in_memory = drift(*made_of)
    found = drift(*(rp.read_release(tmp_path / name) for name in "ab"))
    pd.testing.assert_frame_equal(found.terms, in_memory.terms)
    pd.testing.assert_frame_equal(found.columns, in_memory.columns, rtol=1e-9)
    pd.testing.assert_frame_equal(rp.drift(tmp_path / "a", str(tmp_path / "b")).terms, found.terms)
    part = tmp_path / "a/imputation=01/part-0.parquet"
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(ReleaseError, match="hash differs"):
        drift(*(rp.read_release(tmp_path / name) for name in "ab"))


def test_nothing_but_the_releases_is_in_it(tmp_path: Path) -> None:
    """Everything that is told can be computed from the files that are shared: twice the same, wherever they lie."""
    rng = np.random.default_rng(12)
    frame = pd.DataFrame({"x": rng.normal(size=100), "g": rng.choice(["a", "b"], 100)})
    for name, seed in {"a": 1, "b": 2}.items():
        rp.synthesize(frame, m=2, seed=seed).to_parquet(tmp_path / name)

    def digest(folder: Path) -> str:
        found = drift(*(rp.read_release(folder / name) for name in "ab")).as_dict()
        return hashlib.sha256(repr(found).encode()).hexdigest()

    first = digest(tmp_path)
    for name in "ab":
        (tmp_path / name).rename(tmp_path / f"{name}.moved")
        (tmp_path / f"{name}-internal/_manifest.json").unlink()
        (tmp_path / f"{name}.moved").rename(tmp_path / name)
    assert digest(tmp_path) == first


def test_holm_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(13)
    for size in (1, 2, 7, 30):
        p = rng.random(size) ** 3
        np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])
    np.testing.assert_allclose(holm(np.array([0.01, np.nan, 0.04])), [0.02, np.nan, 0.04])
    assert holm(np.array([np.nan])).shape == (1,)


def test_the_whole_is_json() -> None:
    import json

    rng = np.random.default_rng(14)
    found: Drift = drift(made(rng, 60, 2), made(rng, 60, 2))
    again = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert again["columns"][0]["p_value"] == found.columns["p_value"][0]
