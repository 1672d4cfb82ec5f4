"""What pictures of disclosure are made of: risks over the records, without a record."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.disclosure.measures import compare_rows, matches
from replicant.disclosure.pictures import CLASSES, disclosure_pictures
from replicant.evaluation.inputs import in_memory, inputs


def people(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age, town = rng.integers(18, 60, rows), rng.choice(list("abcdef"), rows)
    return pd.DataFrame({"age": age, "town": town, "income": (age * 20 + rng.gamma(2, 300, rows)).round()})


def evaluated(real: pd.DataFrame, syn: Any, **options: Any) -> Any:
    return rp.disclosure(real, syn, keys=["age", "town"], targets=["income"], effort="quick", **options)


@pytest.mark.parametrize("held", [False, True])
def test_the_curve_falls_and_its_mean_is_the_figure(held: bool) -> None:
    real = people(400, 1)
    found = evaluated(real, [people(400, 2), people(400, 3)], holdout=people(400, 4) if held else None)
    drawn = found.as_dict()["pictures"]
    assert json.loads(json.dumps(drawn)) == drawn
    assert drawn["keys"] == ["age", "town"]
    assert drawn["baseline_kind"] == ("holdout" if held else "leave_one_out")
    curve = drawn["risk"]["risk"]
    assert curve == sorted(curve, reverse=True)
    assert np.mean(curve) == pytest.approx(found["class_match"].value, abs=0.02)
    table = drawn["uniqueness"]
    sizes = real.groupby(["age", "town"])["income"].transform("size")
    assert table["records"][0] == pytest.approx((sizes == 1).mean(), abs=0.005)
    if not held:
        assert table["baseline"][0] == 0.0
    assert table["risk"][CLASSES.index(50)] is None


def test_copies_of_unique_records_stand_out() -> None:
    real = people(400, 1)
    fresh, copied = (evaluated(real, one).pictures["uniqueness"]["risk"][0] for one in (people(400, 2), real))
    assert copied == 1.0
    assert fresh < 0.9


def test_rows_that_are_the_records_have_the_risk_to_be_matched() -> None:
    given = inputs(people(300, 1), [people(300, 1), people(300, 2)])
    real, *sets = (in_memory(one, given.coding) for one in (given.real, *given.sets))
    comparison = compare_rows(real, sets, keys=["age", "town"], targets=["income"])
    risk = matches(real, sets, comparison.questions)
    drawn = disclosure_pictures(real, comparison, risk)
    assert drawn["risk"]["baseline"] is None
    assert drawn["baseline_kind"] == ""
    assert np.mean(drawn["risk"]["risk"]) == pytest.approx(risk.together.mean(), abs=0.02)


def test_without_keys_there_is_nothing_to_draw() -> None:
    found = rp.disclosure(people(200, 1), people(200, 2), keys=[], targets=[], effort="quick")
    assert dict(found.pictures) == {}
