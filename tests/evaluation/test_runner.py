"""The whole and its groups are measured, with streams of their own, and judged together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicant.errors import SpecError
from replicant.evaluation import Evaluation, plain
from replicant.evaluation.inputs import inputs
from replicant.evaluation.runner import SMALLEST, Found, Subset, evaluate, streams_of

RNG = np.random.default_rng(8)
REAL = pd.DataFrame({"x": RNG.normal(size=400), "g": ["a"] * 250 + ["b"] * 140 + ["c"] * 10})


def sizes(subset: Subset) -> Found:
    drawn = float(subset.rng_of("draw").random())
    return [plain("rows", [float(len(subset.real))]), plain("drawn", [drawn])], ["nothing"]


def run(by: str | None = None, seed: int = 1, effort: str = "full") -> Evaluation:
    given = inputs(REAL, REAL.sample(frac=1, random_state=1), REAL[:60])
    return evaluate("utility", given, sizes, by=by, effort=effort, seed=seed, settings={})  # type: ignore[arg-type]


def test_groups_are_measured_if_they_are_large_enough() -> None:
    found = run("g")
    rows = {one.group: one.value for one in found.figures if one.measure == "rows"}
    assert rows == {"": 400, "g = a": 250, "g = b": 140}
    assert any(f"fewer than {SMALLEST}" in text for text in found.left_out)
    drawn = [one.value for one in found.figures if one.measure == "drawn"]
    assert len(set(drawn)) == 3
    assert drawn == [one.value for one in run("g").figures if one.measure == "drawn"]
    assert drawn != [one.value for one in run("g", seed=2).figures if one.measure == "drawn"]


def test_streams_are_addresses() -> None:
    a, b, again = streams_of(1, "u")("x", 1), streams_of(1, "u")("x", 2), streams_of(1, "u")("x", 1)
    assert a.random() == again.random() != b.random()


def test_a_holdout_of_training_rows_is_told_by_their_number() -> None:
    found = [one for one in run().findings if one.code == "holdout_overlaps"]
    assert len(found) == 1
    assert "60 of 60" in found[0].message


@pytest.mark.parametrize(("by", "effort"), [("h", "full"), ("x", "full"), (None, "ful")])
def test_settings_that_cannot_be_are_refused(by: str | None, effort: str) -> None:
    with pytest.raises(SpecError):
        run(by, effort=effort)
