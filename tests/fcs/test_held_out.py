"""Scores of conditionals, against what information theory says of distributions that are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicant.fcs.held_out import BINS, HeldOut
from replicant.table import encode_table


def scores(frame: pd.DataFrame, both: bool = True, **settings: object) -> HeldOut:
    columns = {name: {"kind": "nominal"} for name in frame if frame[name].dtype == object}
    return HeldOut(encode_table(frame, columns), both=both, **settings)  # type: ignore[arg-type]


def test_without_predictors_classes_are_foreseen_by_their_shares() -> None:
    rng = np.random.default_rng(1)
    held = scores(pd.DataFrame({"a": rng.choice(list("xyz"), 4000, p=[0.6, 0.3, 0.1]), "b": rng.normal(size=4000)}))
    found = held.score("a")
    entropy = -sum(p * np.log(p) for p in (0.6, 0.3, 0.1))
    assert found.shape == (4000,)
    assert -found.mean() == pytest.approx(entropy, abs=4 * found.std() / np.sqrt(4000))
    assert held.mean("a") == pytest.approx(found.mean())


def test_numbers_are_foreseen_by_shares_of_equal_bins() -> None:
    rng = np.random.default_rng(2)
    held = scores(pd.DataFrame({"a": rng.standard_cauchy(4000), "b": rng.normal(size=4000)}))
    assert -held.mean("a") == pytest.approx(np.log(BINS), abs=0.02)


def test_a_class_that_depends_on_another_gains_what_they_share() -> None:
    """The gain is the mutual information, but for what leaves must be estimated by: 2 shares of 1,000 rows each."""
    rng = np.random.default_rng(3)
    a = rng.integers(0, 2, 4000)
    b = a ^ (rng.random(4000) < 0.1)
    held = scores(pd.DataFrame({"a": np.array(["n", "y"])[a], "b": np.array(["n", "y"])[b]}))
    gain = held.score("b", ["a"]) - held.score("b")
    shared = np.log(2) + 0.1 * np.log(0.1) + 0.9 * np.log(0.9)
    assert gain.mean() == pytest.approx(shared, abs=4 * gain.std() / np.sqrt(4000) + 0.001)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_no_number_gains_more_than_it_shares(correlation: float) -> None:
    """A proper score cannot: in the mean, bins and trees lose information (data processing inequality)."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=4000)
    y = correlation * x + np.sqrt(1 - correlation**2) * rng.normal(size=4000)
    held = scores(pd.DataFrame({"x": np.exp(3 * x), "y": y}))
    gain = held.score("y", ["x"]) - held.score("y")
    shared = -0.5 * np.log(1 - correlation**2)
    assert gain.mean() < shared + 4 * gain.std() / np.sqrt(4000)
    # Shares of ten rows cost about a quarter of a nat, and bins of a sixteenth some of what is shared.
    assert gain.mean() > 0.5 * shared - 0.25


def test_an_interaction_is_lost_among_noise() -> None:
    rng = np.random.default_rng(5)
    x, z = rng.normal(size=(2, 3000))
    noise = {f"noise{j}": rng.normal(size=3000) for j in range(10)}
    held = scores(pd.DataFrame({"x": x, "z": z, "y": x * z + 0.3 * rng.normal(size=3000)} | noise), both=False)
    near, far = held.score("y", ["x", "z"]), held.score("y", ["x", "z", *noise])
    assert near.shape == (1500,)
    assert near.mean() - far.mean() > 4 * (near - far).std() / np.sqrt(1500)
    assert held.mean("y", ["x"]) < held.mean("y")


def test_missing_cells_and_spikes_have_bins_of_their_own() -> None:
    rng = np.random.default_rng(6)
    kind = rng.integers(0, 3, 3000)
    y = np.where(kind == 0, np.nan, np.where(kind == 1, 0.0, rng.normal(10, 1, 3000)))
    frame = pd.DataFrame({"y": y, "kind": np.array(["m", "s", "v"])[kind]})
    third = pd.DataFrame({"y": y[kind == 2], "kind": "v", "z": rng.normal(size=(kind == 2).sum())})
    # Given the kind, what is left is the number where there is one.
    held, numbers = scores(frame), scores(third)
    assert held.mean("y", ["kind"]) == pytest.approx((kind == 2).mean() * numbers.mean("y"), abs=0.03)
    declared = HeldOut(encode_table(frame, {"y": {"kind": "continuous", "spike": [0]}}), both=True)
    assert declared.mean("y", ["kind"]) == pytest.approx(held.mean("y", ["kind"]), abs=0.03)


def test_cells_that_are_not_drawn_are_not_foreseen() -> None:
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({"x": rng.normal(size=1000), "y": rng.normal(size=1000)})
    some = np.zeros(1000, dtype=np.bool_)
    some[rng.permutation(1000)[:300]] = True
    found = scores(frame, cells={"y": some}).score("y", ["x"])
    assert np.array_equal(found != 0, some)
    frame.loc[~some, "y"] = np.nan
    assert np.array_equal(scores(frame, missing=False).score("y", ["x"]) != 0, some)
    assert not scores(frame, missing=False, cells={"y": ~some}).score("y", ["x"]).any()


def test_unusual_columns() -> None:
    frame = pd.DataFrame(
        {
            "constant": 1,
            "empty": np.nan,
            "one": ["a"] * 59 + ["b"],
            "text": [f"level {i}" for i in range(60)],
            "huge": np.linspace(1, 60, 60) * 1e300,
        }
    )
    held = scores(frame)
    names = [str(name) for name in frame]
    for name in names:
        assert np.isfinite(held.score(name, [other for other in names if other != name])).all()
    assert held.fits <= 2 * len(frame.columns)


def test_what_was_asked_before_costs_nothing() -> None:
    rng = np.random.default_rng(8)
    held = scores(pd.DataFrame(rng.normal(size=(100, 3)), columns=list("abc")))
    held.score("a", ["b", "c"])
    assert held.fits == held.folds == 2
    held.score("a", ["c", "b"])
    assert held.fits == 2
