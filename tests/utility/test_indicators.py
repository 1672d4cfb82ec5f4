"""Coefficients and published figures of sets beside those of the real rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicant.analysis import compare
from replicant.utility.indicators import indicator_figures, model_figures


def table(seed: int, slope: float = 1.0, n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n), rng.normal(size=n)
    return pd.DataFrame({"y": slope * x + rng.normal(size=n), "x": x, "z": z, "w": rng.gamma(2, 1, n)})


MANIFEST = {
    **{"m": 2, "n": 400, "k": 400, "config": {"conditioning": "synthetic"}},
    "columns": [{"name": name, "kind": "continuous", "synthesized": "all"} for name in "yxzw"],
}


@pytest.mark.parametrize(("slope", "flagged"), [(1.0, False), (-1.0, True)])
def test_a_coefficient_is_judged_beside_that_of_a_second_sample(slope: float, flagged: bool) -> None:
    comparison = compare(table(1), [table(2, slope), table(3, slope)], MANIFEST, "ols", "y ~ x + z", rule="reiter2003")
    found = {(one.measure, one.of): one for one in model_figures(comparison)}
    of_x = found["std_difference", "ols: x"]
    assert of_x.p_value is not None
    assert (of_x.p_value < 1e-4) == flagged
    assert found["std_difference", "ols: z"].p_value > 1e-3
    assert (found["signs_kept", "ols"].value < 1) == flagged
    row = comparison.frame.set_index("term").loc["x"]
    assert found["ci_overlap", "ols: x"].value == pytest.approx(row["overlap"])
    assert of_x.value == pytest.approx(abs(row["std_difference"]))


def test_differences_of_second_samples_have_the_mean_that_is_stated() -> None:
    values, overlaps = [], []
    for i in range(40):
        comparison = compare(table(2 * i), [table(2 * i + 1)] * 2, MANIFEST, "ols", "y ~ x + z", rule="reiter2003")
        figures = model_figures(comparison)
        values += [one.value for one in figures if one.measure == "std_difference"]
        overlaps += [one.value - one.baseline for one in figures if one.measure == "ci_overlap" and one.baseline]
    stated = np.sqrt(4 / np.pi)
    assert np.mean(values) == pytest.approx(stated, abs=4 * np.sqrt(2 * (1 - 2 / np.pi) / len(values)))
    assert np.mean(overlaps) == pytest.approx(0, abs=0.1)


def test_relative_errors_of_weighted_figures() -> None:
    def figures(frame: pd.DataFrame) -> dict[str, float]:
        return {"total": float((frame["w"] * frame["x"] ** 2).sum()), "rows": float(len(frame)), "none": 0.0}

    rng = np.random.default_rng(1)
    real = table(5)
    fresh = {one.of: one for one in indicator_figures(figures, real, [table(6), table(7)], rng)}
    assert fresh["total"].value == pytest.approx(
        np.mean([abs(figures(table(i))["total"] / figures(real)["total"] - 1) for i in (6, 7)])
    )
    assert fresh["total"].p_value > 1e-3
    assert fresh["rows"].value == 0
    assert fresh["rows"].p_value == 1
    assert fresh["none"].p_value is None
    doubled = indicator_figures(figures, real, [table(6).assign(w=lambda frame: 2 * frame["w"])], rng)
    assert next(one for one in doubled if one.of == "total").p_value < 1e-4
