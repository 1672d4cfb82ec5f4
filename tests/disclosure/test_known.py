"""What an intruder has besides the release: earlier ones, and how many people share the keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.errors import DataError, SpecError

KEYS = ["age", "town"]


def population(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age, town = rng.integers(18, 90, rows), rng.choice(list("abcdefgh"), rows)
    return pd.DataFrame({"age": age, "town": town, "income": (age * 20 + rng.gamma(2, 300, rows)).round()})


def figures(real: pd.DataFrame, syn: Any, **more: Any) -> dict[str, Any]:
    found = rp.disclosure(real, syn, keys=KEYS, targets=["income"], effort="quick", **more)
    return {one.measure: one for one in found.figures if one.of in ("", "age x town")} | {"found": found}


def test_the_risk_of_keys_and_copies_cumulates_over_releases(tmp_path: Path) -> None:
    real, now = population(400, 1), population(400, 2)
    alone = figures(real, now)
    assert alone["class_match"].value == alone["class_match_cumulative"].value
    assert "copied_records_cumulative" not in alone
    path = tmp_path / "before.csv"
    real[:100].to_csv(path, index=False)
    both = figures(real, now, earlier=[population(400, 3), str(path)])
    assert both["class_match"].value == alone["class_match"].value
    assert both["class_match_cumulative"].value > alone["class_match"].value
    # The records of the earlier file came back whole, but for those that others equal.
    assert both["copied_records"].value < 0.05
    assert both["copied_records_cumulative"].value > 0.2
    held = figures(real, now, earlier=str(path), holdout=population(400, 4))
    assert held["copied_records_cumulative"].flag
    assert not held["copied_records"].flag
    assert held["found"].settings["earlier"] == 1


def test_earlier_levels_are_not_missing_ones() -> None:
    real = population(300, 1)
    real.loc[:20, "town"] = None
    now = population(300, 2)
    other = figures(real, now, earlier=[now.assign(town="elsewhere")])
    assert other["class_match_cumulative"].value == figures(real, now)["class_match_cumulative"].value


def test_an_earlier_release_without_some_columns_counts_as_far_as_it_goes() -> None:
    real, now = population(300, 1), population(300, 2)
    keys_only = figures(real, now, earlier=[real[["age", "town"]]])
    assert keys_only["class_match_cumulative"].value > keys_only["class_match"].value
    assert keys_only["copied_records_cumulative"].value == keys_only["copied_records"].value
    assert any("it has 2 of the columns" in text for text in keys_only["found"].left_out)
    without = figures(real, now, earlier=[real[["age", "income"]]])
    assert any("no column town, which is a key" in text for text in without["found"].left_out)
    with pytest.raises(DataError, match="earlier release 1 has no column"):
        figures(real, now, earlier=[pd.DataFrame({"z": [1]})])


def test_rows_that_are_peoples_are_matched_over_releases() -> None:
    real = population(300, 1)
    first, second = (
        rp.synthesize(real, m=2, seed=seed, conditioning="observed", shuffle=False, threads=1) for seed in (1, 2)
    )
    found = figures(real, second, earlier=[first])
    assert found["match_together_cumulative"].value >= found["match_together"].value - 0.1
    assert "match_together_cumulative" not in figures(real, second)


def test_people_of_the_population_lower_the_risk() -> None:
    real, now = population(300, 1), population(300, 2)
    everybody = population(30_000, 5).groupby(KEYS).size()
    alone, known = figures(real, now), figures(real, now, population=everybody)
    assert known["class_match"].value < alone["class_match"].value / 5
    assert 0 < known["reidentification_of_real"].value < 0.2
    as_frame = figures(real, now, population=everybody.rename("count").reset_index())
    assert as_frame["reidentification_of_real"].value == known["reidentification_of_real"].value
    # Nobody else: as many people as records.
    census = figures(real, now, population=real.groupby(KEYS).size())
    assert census["class_match"].value == pytest.approx(alone["class_match"].value)


@pytest.mark.parametrize(
    ("population_", "said"),
    [
        (pd.DataFrame({"age": [1], "twon": ["a"], "count": [3]}), "no column 'town', did you mean 'twon'"),
        (pd.DataFrame({"age": [1], "town": ["a"]}), "no column 'count'"),
        (pd.DataFrame({"age": [1], "town": ["a"], "count": [-1]}), "below 0"),
    ],
)
def test_a_population_that_says_nothing_is_refused(population_: pd.DataFrame, said: str) -> None:
    real = population(60, 1)
    with pytest.raises((SpecError, DataError), match=said):
        figures(real, real, population=population_)


def test_sensitive_columns_are_targets_and_no_keys() -> None:
    real = population(300, 1)
    found = rp.disclosure(real, population(300, 2), sensitive=["town"], effort="quick")
    assert "town" in found.settings["targets"]
    assert found.settings["keys"] == ["age"]
    assert "town: target (it is named as sensitive)" in found.settings["proposed"]
    with pytest.raises(SpecError, match=r"sensitive names 'twon'.*did you mean 'town'"):
        rp.disclosure(real, real, sensitive=["twon"])


def test_keys_that_are_published_in_groups_are_known_by_these() -> None:
    real, now = population(300, 1), population(300, 2)
    exact, coarse = figures(real, now), figures(real, now, grouped={"age": [30, 60]})
    assert coarse["unique_in_real"].value < exact["unique_in_real"].value
