"""The visit loop: fitting on the observed rows, drawing column by column, and the distributions that come of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from replicant import fcs
from replicant.methods import Cart
from replicant.plan import Plan, build_plan
from replicant.spec.load import validate_synthesis
from replicant.table import Table, encode_table
from replicant.trees import grow_tree

Int = npt.NDArray[np.int32]
CONDITIONINGS = pytest.mark.parametrize("conditioning", ["synthetic", "observed"])


class Run:
    """A plan on a table, and its partitions' draws."""

    def __init__(self, frame: pd.DataFrame, columns: dict[str, Any] | None = None, **settings: Any) -> None:
        self.frame = frame
        self.table: Table = encode_table(frame, columns)
        spec = validate_synthesis(**{"seed": 1, "m": 1, **settings})
        self.plan: Plan = build_plan(spec, self.table)
        self.prepared = []
        for part in self.plan.partitions:
            table = self.table if part.rows is None else self.table.take(part.rows)
            self.prepared.append(fcs.prepare(table, self.plan, part.index))

    def draw(self, imputation: int = 0, partition: int = 0, **options: Any) -> fcs.Drawn:
        prepared = self.prepared[partition]
        fitted_for = 0 if self.plan.shares_fits else imputation
        models = fcs.fit_columns(prepared, self.plan, self.plan.names, fitted_for, **options)
        return fcs.draw_imputation(prepared, self.plan, models, imputation, **options)

    def sets(self, imputation: int = 0, **options: Any) -> pd.DataFrame:
        """All partitions of a set, below each other."""
        drawn = [self.draw(imputation, part.index, **options) for part in self.plan.partitions]
        return pd.concat([self.table.to_frame(d.codes, d.exact) for d in drawn], ignore_index=True)


def people(n: int = 500, seed: int = 1) -> pd.DataFrame:
    """Numbers, a passive column, levels; nothing missing."""
    rng = np.random.default_rng(seed)
    hgt = rng.normal(170, 10, n).round(1)
    wgt = (hgt - 100 + rng.normal(0, 8, n)).round(1)
    return pd.DataFrame(
        {
            "hgt": hgt,
            "wgt": wgt,
            "bmi": wgt / (hgt / 100) ** 2,
            "stage": pd.Categorical.from_codes(
                np.digitize(hgt, [160, 170, 180]), categories=["i", "ii", "iii", "iv"], ordered=True
            ),
            "region": rng.choice(["north", "east", "south"], n),
            "children": rng.poisson(1.5, n),
        }
    )


BMI: dict[str, Any] = {
    "passive": {"bmi": "wgt / (hgt / 100)**2"},
    "predictors": {"hgt": ["wgt", "stage", "region"], "wgt": ["hgt", "stage", "region"]},
}


# --- distributions with a known truth -------------------------------------------------------------


def pairs(n: int, seed: int = 2) -> tuple[pd.DataFrame, npt.NDArray[np.float64]]:
    """Two columns of levels with a joint distribution that is no product, and their shares in the table."""
    rng = np.random.default_rng(seed)
    joint = rng.dirichlet(np.full(12, 0.7))
    cells = rng.choice(12, p=joint, size=n)
    frame = pd.DataFrame({"a": np.array(list("wxyz"))[cells // 3], "b": np.array(["p", "q", "r"])[cells % 3]})
    return frame, np.bincount(cells, minlength=12) / n


def shares(frame: pd.DataFrame) -> npt.NDArray[np.float64]:
    table = pd.crosstab(frame["a"], frame["b"], normalize=True)
    return table.reindex(index=list("wxyz"), columns=list("pqr"), fill_value=0.0).to_numpy().ravel()


def test_synthetic_conditioning_reproduces_a_joint_distribution() -> None:
    """Sequential draws are draws from the joint: 40 sets of 4000 rows, each share within four standard errors."""
    frame, truth = pairs(4000)
    run = Run(frame, m=40)
    mean = np.mean([shares(run.sets(i)) for i in range(40)], axis=0)
    error = np.sqrt(truth * (1 - truth) / (4000 * 40))
    assert (np.abs(mean - truth) < 4 * error + 1e-12).all()


def test_counting_misclassified_rows_loses_shares_that_change_no_majority() -> None:
    """rpart's way, an option under `synthetic`: the joint distribution is off by far more than Monte-Carlo error."""
    frame, truth = pairs(4000)
    run = Run(frame, m=40, class_risk="misclassified", leaf_weights="equal")
    mean = np.mean([shares(run.sets(i)) for i in range(40)], axis=0)
    error = np.sqrt(truth * (1 - truth) / (4000 * 40))
    assert np.abs(mean - truth).max() > 10 * error.max()


def test_observed_conditioning_draws_each_column_given_the_observed_others() -> None:
    """Both columns are drawn given the row's old other one: P(a*, b*) = sum over old rows of P(a* | b) P(b* | a)."""
    frame, joint = pairs(4000)
    run = Run(frame, m=40, conditioning="observed", class_risk="gini")
    p = joint.reshape(4, 3)
    a_given_b, b_given_a = p / p.sum(axis=0), p / p.sum(axis=1, keepdims=True)
    expected = np.einsum("ab,cb,ad->cd", p, a_given_b, b_given_a).ravel()
    mean = np.mean([shares(run.sets(i)) for i in range(40)], axis=0)
    error = np.sqrt(expected * (1 - expected) / (4000 * 40))
    assert (np.abs(mean - expected) < 4 * error + 1e-12).all()


@CONDITIONINGS
def test_one_column_given_a_kept_one_is_reproduced(conditioning: str) -> None:
    frame, truth = pairs(3000)
    run = Run(frame, m=30, conditioning=conditioning, class_risk="gini", method={"a": "keep"}, shuffle=False)
    sets = [run.sets(i) for i in range(30)]
    for one in sets:
        pd.testing.assert_series_equal(one["a"], frame["a"])
    error = np.sqrt(truth * (1 - truth) / (3000 * 30))
    assert (np.abs(np.mean([shares(one) for one in sets], axis=0) - truth) < 4 * error + 1e-12).all()


@CONDITIONINGS
def test_means_of_numbers_stay(conditioning: str) -> None:
    """A draw from the leaves has the column's own mean, within four standard errors of 20 sets."""
    frame = people(800)
    run = Run(frame, m=20, conditioning=conditioning, **BMI)
    sets = [run.sets(i) for i in range(20)]
    for name in ("hgt", "wgt", "children"):
        mean = np.mean([one[name].mean() for one in sets])
        # Under synthetic conditioning a column's predictors vary from set to set: at most the whole variance.
        assert abs(mean - frame[name].mean()) < 4 * frame[name].std() / np.sqrt(800 * 20)


# --- passive, copy, keep, where -------------------------------------------------------------------


@CONDITIONINGS
def test_a_passive_column_is_exact_in_every_row(conditioning: str) -> None:
    """Of the synthetic inputs, which under `observed` R's mice gets wrong."""
    frame = people()
    one = Run(frame, conditioning=conditioning, **BMI).sets()
    np.testing.assert_array_equal(one["bmi"], one["wgt"] / (one["hgt"] / 100) ** 2)
    assert not set(one["bmi"].round(6)) <= set(frame["bmi"].round(6))
    assert not np.isin(one["bmi"], frame["bmi"]).all()


@CONDITIONINGS
def test_a_passive_column_is_missing_where_an_input_is(conditioning: str) -> None:
    frame = people(600)
    rng = np.random.default_rng(3)
    frame.loc[rng.random(600) < 0.2, "hgt"] = np.nan
    frame.loc[rng.random(600) < 0.1, "wgt"] = np.nan
    frame["bmi"] = frame["wgt"] / (frame["hgt"] / 100) ** 2
    one = Run(frame, conditioning=conditioning, **BMI).sets()
    np.testing.assert_array_equal(one["bmi"].isna(), one["hgt"].isna() | one["wgt"].isna())
    whole = one.dropna()
    np.testing.assert_array_equal(whole["bmi"], whole["wgt"] / (whole["hgt"] / 100) ** 2)
    for name in ("hgt", "wgt"):
        assert abs(one[name].isna().mean() - frame[name].isna().mean()) < 4 * np.sqrt(2 * 0.16 / 600)


def test_passive_of_passive_and_of_a_replaced_cell() -> None:
    frame = people(300)
    frame["double"] = 2 * frame["bmi"]
    settings = {"passive": {**BMI["passive"], "double": "2 * bmi"}}
    one = Run(frame, where={"wgt": "hgt > p50"}, shuffle=False, **settings).sets()
    np.testing.assert_array_equal(one["double"], 2 * one["bmi"])
    np.testing.assert_allclose(one["bmi"], one["wgt"] / (one["hgt"] / 100) ** 2, rtol=1e-15)
    low = frame["hgt"] <= frame["hgt"].median() - 1
    np.testing.assert_array_equal(one["wgt"][low], frame["wgt"][low])


@CONDITIONINGS
def test_an_equal_column_is_copied_row_by_row(conditioning: str) -> None:
    frame = people(300).drop(columns="bmi")
    frame["again"] = frame["hgt"]
    run = Run(frame, conditioning=conditioning)
    assert run.plan.column("again").method == "copy"
    one = run.sets()
    np.testing.assert_array_equal(one["again"], one["hgt"])
    assert not np.array_equal(one["hgt"], frame["hgt"])


@CONDITIONINGS
def test_only_selected_cells_change(conditioning: str) -> None:
    frame = people(400).drop(columns="bmi")
    chosen = frame["hgt"] > 175
    run = Run(frame, conditioning=conditioning, where={"hgt": "hgt > 175", "region": "hgt > 175"}, shuffle=False)
    one = run.sets()
    pd.testing.assert_frame_equal(one[~chosen].astype(object), frame[~chosen].astype(object), check_dtype=False)
    pd.testing.assert_frame_equal(one.drop(columns=["hgt", "region"]), frame.drop(columns=["hgt", "region"]))
    assert (one["hgt"] != frame["hgt"])[chosen].mean() > 0.3
    # Fitted on the selected rows alone: no value of another row can be drawn into a selected one.
    assert one["hgt"][chosen].min() > 175


def test_the_rows_that_are_fitted_on_are_the_selected_ones() -> None:
    """The model's tree is the tree of those rows: grown by hand from the same encoding with weights of 0 and 1."""
    frame = people(400).drop(columns="bmi")
    run = Run(frame, conditioning="observed", where={"hgt": "children > 1"})
    model = fcs.fit_columns(run.prepared[0], run.plan, ["hgt"])["hgt"]
    weights = (frame["children"] > 1).to_numpy().astype(np.int32)
    features = run.prepared[0].features
    cart: Cart = run.plan.cart
    tree = grow_tree(
        features,
        run.prepared[0].subset(run.plan.column("hgt").predictors),
        frame["hgt"].to_numpy(dtype=np.float64),
        weights=weights,
        minbucket=cart.minbucket,
        cp=cart.cp,
    )
    assert model.value is not None
    np.testing.assert_array_equal(model.value.tree.nodes, tree.nodes)  # type: ignore[attr-defined]
    assert set(tree.donors.tolist()) == set(np.flatnonzero(weights).tolist())


def test_shuffling_moves_whole_rows() -> None:
    frame = people(200).drop(columns="bmi")
    still = Run(frame, conditioning="observed", shuffle=False).draw()
    moved = Run(frame, conditioning="observed", shuffle=True).draw()
    assert still.rows is not None
    assert moved.rows is not None
    np.testing.assert_array_equal(still.rows, np.arange(200))
    assert not np.array_equal(moved.rows, still.rows)
    np.testing.assert_array_equal(np.sort(moved.rows), still.rows)
    np.testing.assert_array_equal(moved.codes, still.codes[:, moved.rows])


# --- rows: strata, k, weights ---------------------------------------------------------------------


@CONDITIONINGS
def test_strata_are_synthesized_by_themselves(conditioning: str) -> None:
    """Values of one stratum never reach another, and each keeps its size."""
    rng = np.random.default_rng(4)
    group = rng.choice(["low", "high"], 600, p=[0.4, 0.6])
    frame = pd.DataFrame({"x": np.where(group == "low", 0, 100) + rng.integers(0, 50, 600), "g": group})
    frame["y"] = frame["x"] + rng.integers(0, 5, 600)
    run = Run(frame, conditioning=conditioning, strata="g")
    assert len(run.plan.partitions) == 2
    one = run.sets()
    assert one["g"].value_counts().to_dict() == frame["g"].value_counts().to_dict()
    assert one["x"][one["g"] == "low"].max() < 100 <= one["x"][one["g"] == "high"].min()


@CONDITIONINGS
@pytest.mark.parametrize("k", [1, 150, 500, 777, 1600])
def test_k_rows_are_drawn_whatever_was_observed(conditioning: str, k: int) -> None:
    frame = people(500).drop(columns="bmi")
    drawn = Run(frame, conditioning=conditioning, k=k).draw()
    assert drawn.codes.shape == (5, k)
    if conditioning == "observed":
        assert drawn.rows is not None
        counts = np.bincount(drawn.rows, minlength=500)  # every row as often as any other, give or take one
        assert counts.min() == k // 500
        assert counts.max() == -(-k // 500)
    else:
        assert drawn.rows is None


@CONDITIONINGS
def test_weights_stand_for_a_bootstrap_sample(conditioning: str) -> None:
    """A row of weight 0 is no donor and has no successor; others have as many as their weight."""
    frame = pd.DataFrame({"id": np.arange(300) * 10.5, "x": np.random.default_rng(5).integers(0, 9, 300)})
    frame["y"] = frame["id"] % 70
    weights = np.random.default_rng(6).multinomial(250, np.full(300, 1 / 300)).astype(np.int32)
    run = Run(frame, conditioning=conditioning)
    drawn = run.draw(replicate=3, weights=weights)
    assert drawn.codes.shape[1] == 250
    used = {int(run.table["id"].codes[row]) for row in np.flatnonzero(weights)}
    assert set(drawn.codes[0].tolist()) <= used
    if conditioning == "observed":
        assert drawn.rows is not None
        np.testing.assert_array_equal(np.bincount(drawn.rows, minlength=300), weights)
    again = run.draw(replicate=3, weights=weights)
    np.testing.assert_array_equal(drawn.codes, again.codes)
    other = run.draw(replicate=4, weights=weights)
    assert not np.array_equal(drawn.codes, other.codes)


@CONDITIONINGS
def test_weights_grow_the_models_of_repeated_rows(conditioning: str) -> None:
    """The same trees, up to how the rows are numbered, as from a table in which the rows are repeated."""
    frame = people(300).drop(columns="bmi")
    weights = np.random.default_rng(7).integers(0, 3, 300).astype(np.int32)
    rows = np.repeat(np.arange(300), weights)
    given = {"conditioning": conditioning, "minbucket": 5, "splits": "rpart"}  # rows held out are others in the two
    run = Run(frame, **given)
    long = Run(frame, **given)
    prepared = fcs.prepare(long.table.take(rows), long.plan)
    names = run.plan.fitted
    weighted = fcs.fit_columns(run.prepared[0], run.plan, names, weights=weights)
    repeated = fcs.fit_columns(prepared, long.plan, names)
    for name in names:
        one, two = weighted[name].value, repeated[name].value
        np.testing.assert_array_equal(one.tree.nodes, two.tree.nodes)  # type: ignore[union-attr]
        np.testing.assert_array_equal(one.tree.donors, rows[two.tree.donors])  # type: ignore[union-attr]
        assert (one.weights is None) == (two.weights is None)  # type: ignore[union-attr]
        if one.weights is not None:  # type: ignore[union-attr]
            effects = (model.weights.regression.effects for model in (one, two))  # type: ignore[union-attr]
            np.testing.assert_allclose(*effects)


# --- fits -----------------------------------------------------------------------------------------


def test_proper_fits_each_imputation_on_a_bootstrap_sample() -> None:
    """As many entries as rows, drawn with replacement: a share of 1 - 1/e = 0.632 of the rows is in each."""
    frame = people(1000).drop(columns="bmi")
    run = Run(frame, m=20, proper=True, conditioning="observed")
    assert not run.plan.shares_fits
    seen = []
    for i in range(20):
        model = fcs.fit_columns(run.prepared[0], run.plan, ["region"], i)["region"]
        donors = model.value.tree.donors  # type: ignore[union-attr]
        assert len(donors) == 1000
        seen.append(len(set(donors.tolist())) / 1000)
    # The number of distinct rows has variance n (1/e - 2/e^2).
    assert abs(np.mean(seen) - (1 - np.exp(-1))) < 4 * np.sqrt((np.exp(-1) - 2 * np.exp(-2)) / 1000 / 20) + 1e-3
    assert len(set(seen)) > 10


def test_shared_fits_serve_every_imputation() -> None:
    run = Run(people(300), m=3, fits="shared", **BMI)
    models = fcs.fit_columns(run.prepared[0], run.plan, run.plan.names, 0)
    drawn = [fcs.draw_imputation(run.prepared[0], run.plan, models, i) for i in range(3)]
    assert run.plan.sequences[0] == run.plan.sequences[2]
    assert not np.array_equal(drawn[0].codes, drawn[1].codes)
    np.testing.assert_array_equal(run.draw(2).codes, drawn[2].codes)


def test_own_fits_follow_the_order_of_their_imputation() -> None:
    run = Run(people(300).drop(columns="bmi"), m=4)
    assert len(set(run.plan.sequences)) > 1
    for i in range(4):
        models = fcs.fit_columns(run.prepared[0], run.plan, run.plan.names, i)
        for at, name in enumerate(run.plan.sequences[i]):
            before = set(run.plan.sequences[i][:at])
            positions = {p for other in before for p in run.prepared[0].columns[other].positions}
            assert set(models[name].subset.tolist()) == positions


@pytest.mark.parametrize("seed", range(3))
def test_a_record_never_donates_to_itself(seed: int) -> None:
    """Every cell is different in every row, so a cell that stayed would be the record's own."""
    rng = np.random.default_rng(seed)
    x = rng.permutation(400)
    frame = pd.DataFrame({"x": x, "y": x * 1000 + rng.permutation(400), "z": rng.permutation(400) * 7}) / 8
    without = Run(frame, conditioning="observed", exclude_self=True, shuffle=False, seed=seed).sets()
    assert (without.to_numpy() != frame.to_numpy()).all()
    free = Run(frame, conditioning="observed", shuffle=False, seed=seed).sets()
    assert 0.05 < (free.to_numpy() == frame.to_numpy()).mean() < 0.5


def test_a_record_does_not_donate_its_missing_value_either() -> None:
    """Two parts: one row alone is missing, so nobody else can give it that."""
    x = np.arange(200) / 8
    x[17] = np.nan
    frame = pd.DataFrame({"x": x, "y": np.arange(200) / 8})
    one = Run(frame, conditioning="observed", exclude_self=True, shuffle=False).sets()
    assert not np.isnan(one["x"][17])
    assert (one["x"].to_numpy() != x)[np.arange(200) != 17].all()


# --- seeds ----------------------------------------------------------------------------------------


@CONDITIONINGS
def test_a_seed_gives_one_result_and_each_imputation_its_own(conditioning: str) -> None:
    frame = people(250)
    run, same, other = (Run(frame, m=3, conditioning=conditioning, seed=s, **BMI) for s in (1, 1, 2))
    for i in range(3):
        np.testing.assert_array_equal(run.draw(i).codes, same.draw(i).codes)
        np.testing.assert_array_equal(run.draw(i).exact["bmi"], same.draw(i).exact["bmi"])
        assert not np.array_equal(run.draw(i).codes, other.draw(i).codes)
    assert not np.array_equal(run.draw(0).codes, run.draw(1).codes)


@CONDITIONINGS
def test_fitting_columns_one_by_one_or_at_once_is_the_same(conditioning: str) -> None:
    run = Run(people(250), conditioning=conditioning, proper=True, **BMI)
    at_once = run.draw(0)
    models: dict[str, fcs.ColumnModel] = {}
    for name in reversed(run.plan.names):
        models |= fcs.fit_columns(run.prepared[0], run.plan, [name])
    np.testing.assert_array_equal(fcs.draw_imputation(run.prepared[0], run.plan, models, 0).codes, at_once.codes)
