"""Discrimination against synthpop's utility.gen, statsmodels, scikit-learn, and what must hold."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from sklearn.metrics import roc_auc_score

from replicant.errors import SpecError
from replicant.estimate import discriminate, discriminate_tree


def typed(path: Path, types: dict[str, dict[str, object]]) -> pd.DataFrame:
    frame = pd.read_csv(path)
    for name, entry in types.items():
        if entry["type"] in {"ordered", "nominal"}:
            frame[name] = pd.Categorical(frame[name], entry["levels"], ordered=entry["type"] == "ordered")
    return frame


def sets(shared_reference: Path) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    folder = shared_reference / "r"
    types = json.loads((folder / "boys_types.json").read_text())
    return typed(folder / "boys.csv", types), [typed(folder / f"synthpop_boys_{i}.csv", types) for i in range(1, 6)]


@pytest.mark.parametrize(
    "case", ["boys_logit_maxorder0", "boys_logit_maxorder0_numeric", "boys_logit_maxorder1_numeric"]
)
def test_pmse_is_that_of_synthpop(shared_reference: Path, case: str) -> None:
    theirs = json.loads((shared_reference / "r" / "utility_gen.json").read_text())[case]
    real, synthetic = sets(shared_reference)
    names = theirs["args"].get("vars")
    formula = None if names is None else "~ " + " + ".join(names)
    if theirs["args"]["maxorder"] == 1:
        formula = f"~ ({' + '.join(names)})^2"
    frame = discriminate(real, synthetic, formula).frame
    np.testing.assert_allclose(frame["pmse"], theirs["pMSE"], rtol=1e-6)
    np.testing.assert_allclose(frame["pmse_ratio"], theirs["S_pMSE"], rtol=1e-6)
    np.testing.assert_allclose(frame["specks"], theirs["SPECKS"], rtol=1e-6)


def pair(n: int = 500, shift: float = 0.4) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(5)

    def one(by: float) -> pd.DataFrame:
        return pd.DataFrame({"x": rng.normal(by, 1, n), "z": rng.normal(size=n), "g": rng.choice(list("abc"), n)})

    return one(0.0), one(shift)


def test_fits_scores_and_confusion_are_those_of_other_libraries() -> None:
    real, synthetic = pair()
    ours = discriminate(real, [synthetic], "~ x + z")
    y = np.repeat([0, 1], [len(synthetic), len(real)])
    x = sm.add_constant(np.vstack([f[["x", "z"]].to_numpy() for f in (synthetic, real)]))
    theirs = sm.Logit(y, x).fit(disp=0, tol=1e-14)
    np.testing.assert_allclose(ours.fits[0].estimates, theirs.params, rtol=1e-8)
    p = theirs.predict(x)
    row = ours.frame.iloc[0]
    assert row["auc"] == pytest.approx(roc_auc_score(y, p), rel=1e-12)
    assert row["pmse"] == pytest.approx(np.mean((p - 0.5) ** 2), rel=1e-9)
    table = [[sum((p <= 0.5) & (y == k)) for k in (0, 1)], [sum((p > 0.5) & (y == k)) for k in (0, 1)]]
    np.testing.assert_array_equal(ours.cut[0].table, table)
    assert ours.confusion_frame("cut")["accuracy"][0] == pytest.approx(np.mean((p > 0.5) == y))
    assert ours.drawn[0].table.sum() == 1000
    again = discriminate(real, [synthetic], "~ x + z", rng=np.random.default_rng(0))
    np.testing.assert_array_equal(ours.drawn[0].table, again.drawn[0].table)
    # A drawn class is right with probability p or 1 - p: its mean and Monte-Carlo error.
    chance = np.where(y == 1, p, 1 - p)
    error = np.sqrt((chance * (1 - chance)).sum()) / len(y)
    assert abs(ours.drawn[0].overall["accuracy"] - chance.mean()) < 5 * error


def test_partitions_give_what_one_frame_gives() -> None:
    real, synthetic = pair()
    one = discriminate(real, [synthetic])
    parts = discriminate([real[:3], real[3:70], real[70:]], [[synthetic[:400], synthetic[400:]]])
    np.testing.assert_allclose(parts.fits[0].estimates, one.fits[0].estimates, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(parts.frame, one.frame, rtol=1e-8)
    lazy = discriminate([lambda: real[:70], lambda: real[70:]], [[lambda: synthetic]])
    np.testing.assert_allclose(lazy.fits[0].estimates, one.fits[0].estimates, rtol=1e-8, atol=1e-12)
    assert abs(lazy.frame["auc"][0] - one.frame["auc"][0]) <= lazy.frame["auc_error"][0] < 1e-3
    assert lazy.frame["pmse"][0] == pytest.approx(one.frame["pmse"][0], rel=1e-6)


def test_what_is_told_apart_entirely_is_said() -> None:
    real, synthetic = pair()
    ours = discriminate(real, [synthetic.assign(x=synthetic["x"] + 50)])
    assert ours.fits[0].messages[0].startswith("separation: ")
    assert ours.frame["auc"][0] == 1
    with pytest.raises(SpecError, match="one-sided"):
        discriminate(real, [synthetic], "x ~ z")


def test_a_tree_sees_what_is_different_and_only_that() -> None:
    real, same = pair(shift=0.0)
    different = same.assign(x=same["x"].abs())
    out = discriminate_tree(real, [same, different], permutations=39).frame
    assert out["p_value"][0] > 0.025  # one set of equal distribution: the test's level
    assert out["p_value"][1] == pytest.approx(1 / 40)
    assert out["pmse_ratio"][1] > 3
    assert out["pmse"].min() >= 0
    assert out["pmse"].max() <= 0.25
