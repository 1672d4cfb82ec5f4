"""The simulation of Volker and Vink (2021, section 4) on the very bootstrap samples that R's mice was run on.

The boys data at the paper's settings: minbucket 3, cp 1e-8, bmi passive, hgt and wgt not predicted from bmi. A
bootstrap sample enters as whole-number row weights; its number is the replicate's, so it has streams of its own. R's
figures are of 1000 samples, m = 5. Ours are of the first 300 of them, unless a test says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats

import replicant as rp
from replicant import fcs
from replicant.methods.cart import DonorModel
from replicant.plan import Plan, build_plan
from replicant.spec.models import SynthesisSpec
from replicant.table import Table, encode_table
from replicant.trees import Tree

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]

COLUMNS = ("age", "hgt", "wgt", "bmi", "hc", "gen", "phb", "tv", "reg")
NUMBERS = ("age", "hgt", "wgt", "bmi", "hc", "tv")
DONATED = tuple(name for name in COLUMNS if name != "bmi")
PAIRS = tuple(combinations(NUMBERS, 2))
ENTRIES = (*((name, "mean") for name in NUMBERS), *((name, "sd") for name in NUMBERS), *PAIRS)
SEED = 2021
SAMPLES = 300
M = 5


def family_limit(tests: int) -> float:
    """|z| that the largest of so many true zeros passes in one case of twenty at most (Bonferroni, two-sided)."""
    return NormalDist().inv_cdf(1 - 0.05 / (2 * tests))


# ----------------------------------------------------------------------------------------------- samples and estimates


@dataclass(frozen=True, eq=False)
class Sample:
    """One bootstrap sample of R's: its number, how often it holds each row, and its rows in table order."""

    number: int
    weights: Codes

    @cached_property
    def rows(self) -> npt.NDArray[np.intp]:
        return np.repeat(np.arange(len(self.weights)), self.weights)


@pytest.fixture(scope="module")
def samples(shared_reference: Path) -> list[Sample]:
    drawn = pd.read_csv(shared_reference / "paper" / "bootstrap_indices_1based.csv.gz", header=None).to_numpy()
    n = drawn.shape[1] - 1
    return [Sample(int(row[0]), np.bincount(row[1:] - 1, minlength=n).astype(np.int32)) for row in drawn]


@pytest.fixture(scope="module")
def table(load_table: Callable[[str], pd.DataFrame]) -> Table:
    return encode_table(load_table("boys_completed.csv"))


@pytest.fixture(scope="module")
def settings(boys_spec: dict[str, Any]) -> dict[str, Any]:
    """Keywords of a spec. Rows keep their places, so that they can be held against those they stand in for."""
    return {**boys_spec, "seed": SEED, "shuffle": False}


def describe(x: Array) -> Array:
    """Means, standard deviations and correlations of the columns of (n, 6), as in `ENTRIES`."""
    corner = np.triu_indices(len(NUMBERS), 1)
    return np.concatenate([x.mean(axis=0), x.std(axis=0, ddof=1), np.corrcoef(x, rowvar=False)[corner]])


def pooled(sets: Array) -> Array:
    """(27, ) of (m, 27) as the paper pools: means and sds averaged, correlations averaged as Fisher's z."""
    means = sets.mean(axis=0)
    at = 2 * len(NUMBERS)
    means[at:] = np.tanh(np.arctanh(sets[:, at:]).mean(axis=0))
    return means


def contr_poly(levels: int) -> Array:
    """R's `contr.poly`: orthonormal polynomials over equally spaced levels."""
    x = np.arange(levels) - (levels - 1) / 2
    q, r = np.linalg.qr(np.vander(x, levels, increasing=True))
    return (q * np.sign(np.diag(r)))[:, 1:]


def lm(hgt: Array, age: Array, phb: Codes) -> tuple[Array, Array]:
    """Estimates and variances of `lm(hgt ~ age + phb)`."""
    design = np.column_stack([np.ones(len(hgt)), age, contr_poly(6)[phb]])
    inverse = np.linalg.inv(design.T @ design)
    estimate = inverse @ (design.T @ hgt)
    residual = hgt - design @ estimate
    return estimate, np.diag(inverse) * (residual @ residual) / (len(hgt) - design.shape[1])


def reiter2003(estimates: Array, variances: Array) -> tuple[Array, Array, Array]:
    """Estimate, standard error and df of partially synthetic sets (Reiter 2003, `pool.syn` in mice); (m, q) each."""
    m = len(estimates)
    between = estimates.var(axis=0, ddof=1) / m
    within = variances.mean(axis=0)
    return estimates.mean(axis=0), np.sqrt(within + between), (m - 1) * (1 + within / between) ** 2


@dataclass(frozen=True, eq=False)
class Study:
    """What a synthesis of many bootstrap samples gave; r samples, m sets of each.

    Attributes
    ----------
    sets
        (r, m, 27) entries of every synthetic set.
    boot
        (r, 27) those of the bootstrap samples themselves.
    same
        (r, m, 9) share of cells equal to the cell they stand in for, bmi by its exact value.
    same_rows
        (r, m) share of rows equal in every column but bmi.
    chance
        (r, m, 9) the share that is expected where a set has its values in random order.
    lm
        (r, 2, m, 7) estimates and variances of `lm(hgt ~ age + phb)`.
    """

    sets: Array
    boot: Array
    same: Array
    same_rows: Array
    chance: Array
    lm: Array

    @cached_property
    def synthetic(self) -> Array:
        """(r, 27), pooled over the sets."""
        return np.array([pooled(sets) for sets in self.sets])

    def error_against_r(self, r_samples: int = 1000) -> Array:
        """(27,) standard error of our mean difference, synthetic minus bootstrap, minus R's.

        R's samples hold ours, so what a sample does to the difference (variance b) counts for those that only R has,
        and the draws within a sample (variance s) count for both: b (1/r - 1/R) + s (1/r + 1/R).
        """
        r, m = self.sets.shape[:2]
        draws = self.sets.var(axis=1, ddof=1).mean(axis=0) / m
        total = (self.synthetic - self.boot).var(axis=0, ddof=1)
        by_sample = np.maximum(total - draws, 0)
        return np.sqrt(by_sample * (1 / r - 1 / r_samples) + draws * (1 / r + 1 / r_samples))


def draw_sets(prepared: fcs.Prepared, plan: Plan, sample: Sample) -> Iterator[fcs.Drawn]:
    """The m synthetic sets of one sample."""
    address: dict[str, Any] = {"replicate": sample.number, "weights": sample.weights}
    models: dict[str, fcs.ColumnModel] = {}
    for imputation in range(plan.m):
        if not models or not plan.shares_fits:
            models = fcs.fit_columns(prepared, plan, plan.fitted, imputation, **address)
        yield fcs.draw_imputation(prepared, plan, models, imputation, **address)


def run(table: Table, plan: Plan, samples: list[Sample]) -> Study:
    """Synthesize every sample and describe what came out. Columns beyond the nine are there to predict only."""
    prepared = fcs.prepare(table, plan)
    at = {name: plan.positions[name] for name in COLUMNS}
    real = np.column_stack([table[name].numbers() for name in NUMBERS])
    real_codes = np.array([table[name].codes for name in COLUMNS])
    sizes = [table[name].size for name in COLUMNS]
    bmi = COLUMNS.index("bmi")
    record: dict[str, list[Any]] = {name: [] for name in ("sets", "boot", "same", "same_rows", "chance", "lm")}
    for sample in samples:
        base, base_codes = real[sample.rows], real_codes[:, sample.rows]
        own: dict[str, list[Any]] = {name: [] for name in ("sets", "same", "same_rows", "chance", "lm")}
        for drawn in draw_sets(prepared, plan, sample):
            codes = drawn.codes[list(at.values())]
            x = np.column_stack([drawn.exact.get(name, table[name].values[drawn.codes[at[name]]]) for name in NUMBERS])
            equal = codes == base_codes
            # R compares numbers by their text, of 15 significant digits.
            equal[bmi] = np.isclose(x[:, NUMBERS.index("bmi")], base[:, NUMBERS.index("bmi")], rtol=5e-15, atol=0)
            own["sets"].append(describe(x))
            own["same"].append(equal.mean(axis=1))
            own["same_rows"].append(np.delete(equal, bmi, axis=0).all(axis=0).mean())
            own["chance"].append([shared(a, b, size) for a, b, size in zip(codes, base_codes, sizes, strict=True)])
            own["lm"].append(lm(x[:, 1], x[:, 0], codes[COLUMNS.index("phb")]))
        record["boot"].append(describe(base))
        for name, values in own.items():
            record[name].append(values)
    made = {name: np.array(values) for name, values in record.items()}
    made["lm"] = made["lm"].swapaxes(1, 2)
    return Study(**made)


def shared(one: Codes, other: Codes, size: int) -> float:
    """Chance that two cells, one of each column, are equal."""
    shares = [np.bincount(codes, minlength=size) / len(codes) for codes in (one, other)]
    return float(shares[0] @ shares[1])


@pytest.fixture(scope="module")
def observed(table: Table, settings: dict[str, Any], samples: list[Sample]) -> Study:
    plan = build_plan(SynthesisSpec(**settings, conditioning="observed"), table)
    return run(table, plan, samples[:SAMPLES])


@pytest.fixture(scope="module")
def synthetic(table: Table, settings: dict[str, Any], samples: list[Sample]) -> Study:
    """All 1000 samples, each imputation of each in its own random order."""
    plan = build_plan(SynthesisSpec(**settings, conditioning="synthetic"), table)
    return run(table, plan, samples)


@pytest.fixture(scope="module")
def expanded(load_table: Callable[[str], pd.DataFrame], settings: dict[str, Any], samples: list[Sample]) -> Study:
    """As `observed`, but factors predict as mice lets them: expanded to polynomials (ordered) and dummies (`reg`)."""
    frame = load_table("boys_completed.csv")
    parts: dict[str, list[str]] = {name: [name] for name in COLUMNS}
    for factor in ("gen", "phb", "reg"):
        levels = frame[factor].cat.categories
        contrasts = np.eye(len(levels))[:, 1:] if factor == "reg" else contr_poly(len(levels)).round(9)
        parts[factor] = [f"{factor}{i}" for i in range(1, len(levels))]
        frame[parts[factor]] = contrasts[frame[factor].cat.codes]
    extra = [name for factor in ("gen", "phb", "reg") for name in parts[factor]]
    not_from_bmi = {"hgt", "wgt"}
    predictors = {
        name: [part for other in COLUMNS if other != name for part in parts[other]]
        for name in DONATED
        if name not in not_from_bmi
    }
    predictors |= {name: [part for other in DONATED if other != name for part in parts[other]] for name in not_from_bmi}
    spec = {**settings, "predictors": predictors, "method": dict.fromkeys(extra, "keep")}
    table = encode_table(frame, {name: {"kind": "continuous"} for name in extra})
    return run(table, build_plan(SynthesisSpec(**spec, conditioning="observed"), table), samples[:SAMPLES])


@dataclass(frozen=True, eq=False)
class Theirs:
    """R's figures, in the order of `ENTRIES` and of `COLUMNS`."""

    synthetic: Array
    boot: Array
    true: Array
    same: Array
    same_sd: Array
    same_rows: Array


@pytest.fixture(scope="module")
def theirs(shared_reference: Path) -> Theirs:
    paper = shared_reference / "paper"
    one = pd.read_csv(paper / "r_table2_univariate.csv").set_index(["variable", "stat"])
    two = pd.read_csv(paper / "r_table3_correlations.csv").set_index(["a", "b"])
    copies = pd.read_csv(paper / "r_copies.csv").set_index("measure")
    moments, pairs = list(ENTRIES[: 2 * len(NUMBERS)]), list(PAIRS)

    def both(first: str, second: str) -> Array:
        return np.concatenate([one.loc[moments, first].to_numpy(float), two.loc[pairs, second].to_numpy(float)])

    cells = [f"same_{name}" for name in COLUMNS]
    return Theirs(
        synthetic=both("r_syn_mean", "r_syn"),
        boot=both("r_boot_mean", "r_boot"),
        true=both("original", "true"),
        same=copies.loc[cells, "mean"].to_numpy(float),
        same_sd=copies.loc[cells, "mc_sd"].to_numpy(float),
        same_rows=copies.loc["rowcopy8_own", ["mean", "mc_sd"]].to_numpy(float),
    )


def show(what: str, names: Any, *columns: Array) -> None:
    """Figures for `pytest -s`, and beside a failure."""
    print(f"\n{what}")
    for name, *row in zip(names, *columns, strict=True):
        print(f"  {name!s:20}", *(f"{value:10.5f}" for value in row))


# --------------------------------------------------------------------------------------------- the instruments are R's


def test_the_bootstrap_samples_are_those_of_r(table: Table, samples: list[Sample], theirs: Theirs) -> None:
    real = np.column_stack([table[name].numbers() for name in NUMBERS])
    assert [sample.number for sample in samples] == list(range(1, 1001))
    np.testing.assert_allclose(describe(real), theirs.true, rtol=1e-12)
    boot = np.mean([describe(real[sample.rows]) for sample in samples], axis=0)
    np.testing.assert_allclose(boot, theirs.boot, rtol=1e-12)


def test_least_squares_and_its_coverage_are_those_of_r(
    table: Table, samples: list[Sample], shared_reference: Path
) -> None:
    r = pd.read_csv(shared_reference / "paper" / "r_table4_lm.csv")
    hgt, age, phb = table["hgt"].numbers(), table["age"].numbers(), table["phb"].codes
    true, _ = lm(hgt, age, phb)
    np.testing.assert_allclose(true, r["true"], rtol=1e-10)
    fits = np.array([lm(hgt[s.rows], age[s.rows], phb[s.rows]) for s in samples])
    half = stats.t.ppf(0.975, len(hgt) - 7) * np.sqrt(fits[:, 1])
    np.testing.assert_allclose((abs(fits[:, 0] - true) < half).mean(axis=0), r["boot_cov"], rtol=1e-12)


def test_pooling_is_that_of_pool_syn(shared_reference: Path) -> None:
    for model in json.loads((shared_reference / "r" / "mice_pool.json").read_text()):
        r = model["reiter2003"]["summary"]
        made = reiter2003(np.array(model["estimates"]).T, np.array(model["std_errors"]).T ** 2)
        for ours, theirs in zip(made, (r["estimate"], r["std.error"], r["df"]), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9)


# ---------------------------------------------------------------------------------------------- conditioning: observed


def against_r(what: str, study: Study, theirs: Theirs) -> tuple[Array, Array]:
    """Synthetic minus bootstrap, which takes the samples' own spread out of both, and its z against R's."""
    ours = (study.synthetic - study.boot).mean(axis=0)
    r = theirs.synthetic - theirs.boot
    z = (ours - r) / study.error_against_r()
    show(f"{what}, synthetic minus bootstrap: ours, R's, z", ENTRIES, ours, r, z)
    return ours, z


def test_on_the_predictors_of_mice_every_entry_is_that_of_mice(expanded: Study, theirs: Theirs) -> None:
    """Engine against R where nothing but the software differs: all 27 entries, and every share of identical cells."""
    _, z = against_r("factors expanded", expanded, theirs)
    assert abs(z).max() < family_limit(len(ENTRIES))
    ours = np.append(expanded.same.mean(axis=1), expanded.same_rows.mean(axis=1)[:, None], axis=1)
    r, r_sd = np.append(theirs.same, theirs.same_rows[0]), np.append(theirs.same_sd, theirs.same_rows[1])
    error = np.sqrt(ours.var(axis=0, ddof=1) / SAMPLES + r_sd**2 / 1000)
    z = (ours.mean(axis=0) - r) / error
    show("factors expanded, identical cells: ours, R's, z", [*COLUMNS, "rows of 8"], ours.mean(axis=0), r, z)
    assert abs(z).max() < family_limit(len(r))


def test_observed_has_the_moments_and_correlations_of_mice(observed: Study, expanded: Study, theirs: Theirs) -> None:
    """All 27 entries within Monte-Carlo error of R's, but where native splits on factors do better than dummies.

    mice grows its trees on dummies (reg) and polynomials (gen, phb); here they split factors into subsets of levels, or
    in their order. What that changes is told by the same engine run on mice's predictors: an entry beyond the limit
    must be a correlation, must be within it there, and must have the smaller bias here. (On all 1000 samples, over four
    seeds, hardly more than R's own error is left. There four entries are beyond the limit with native splits: age-tv by
    4.3 standard errors, wgt-hc 3.5, bmi-hc 3.2, wgt-tv 3.2, the bias being R's larger one in each. With all factors
    expanded they are 1.5, 1.4, 0.9 and 2.0. With only `reg` expanded age-tv is 2.8, bmi-hc 0.6 and wgt-tv 1.6, but
    wgt-hc 3.6: that one is the polynomials' doing.)
    """
    ours, z = against_r("native splits", observed, theirs)
    _, z_expanded = against_r("factors expanded", expanded, theirs)
    limit = family_limit(len(ENTRIES))
    beyond = abs(z) > limit
    print("beyond the limit:", [ENTRIES[i] for i in np.flatnonzero(beyond)])
    assert not beyond[: 2 * len(NUMBERS)].any()
    assert (abs(z_expanded[beyond]) < limit).all()
    assert (abs(ours[beyond]) < abs(theirs.synthetic - theirs.boot)[beyond]).all()


def test_observed_gives_back_as_many_cells_as_mice(observed: Study, theirs: Theirs) -> None:
    same = observed.same.mean(axis=(0, 1))
    show("identical cells: ours, R's", COLUMNS, same, theirs.same)
    assert abs(same - theirs.same).max() < 0.03
    assert abs(observed.same_rows.mean() - theirs.same_rows[0]) < 0.03


def test_subset_splits_on_factors_are_what_sets_tv_apart(observed: Study, expanded: Study, theirs: Theirs) -> None:
    """One share of identical cells is not R's to Monte-Carlo error: that of tv, whose trees split `reg` often."""
    tv = COLUMNS.index("tv")
    change = (observed.same - expanded.same)[:, :, tv].mean(axis=1)
    z = change.mean() / (change.std(ddof=1) / np.sqrt(SAMPLES))
    print(f"\ntv, native minus expanded: {change.mean():.5f}, z = {z:.1f}")
    assert z > family_limit(len(COLUMNS))
    difference = observed.same[:, :, tv].mean() - theirs.same[tv]
    error = np.sqrt(change.var(ddof=1) / SAMPLES + theirs.same_sd[tv] ** 2 * (1 / SAMPLES + 1 / 1000))
    assert abs(difference - change.mean()) < family_limit(1) * error


# -------------------------------------------------------------------------------------------------------- exclude_self


def test_exclude_self_leaves_what_ties_explain(table: Table, settings: dict[str, Any], samples: list[Sample]) -> None:
    """Identical cells under `exclude_self` are as many as *other* records in the leaf have the very same value.

    Given the trees every draw is a Bernoulli trial, whose chance is the share of equal values among the other records
    of the leaf (of the smallest node that holds another record, where the leaf holds none): the sum over all draws has
    a known mean and variance. The same holds without `exclude_self`, the record itself included.
    """
    columns = list(DONATED)
    shares: dict[bool, Array] = {}
    for exclude_self in (False, True):
        plan = build_plan(SynthesisSpec(**settings, conditioning="observed", exclude_self=exclude_self), table)
        prepared = fcs.prepare(table, plan)
        tally = np.zeros((len(columns), 4))  # equal cells, their expectation, its variance, cells
        for sample in samples[:60]:
            address: dict[str, Any] = {"replicate": sample.number, "weights": sample.weights}
            models = fcs.fit_columns(prepared, plan, plan.fitted, **address)
            base = sample.rows
            chances = [
                chance_of_own_value(tree_of(models[name]), table[name].codes, base, exclude_self=exclude_self)
                for name in columns
            ]
            for imputation in range(plan.m):
                drawn = fcs.draw_imputation(prepared, plan, models, imputation, **address)
                for i, (name, chance) in enumerate(zip(columns, chances, strict=True)):
                    equal = drawn.codes[plan.positions[name]] == table[name].codes[base]
                    tally[i] += equal.sum(), chance.sum(), (chance * (1 - chance)).sum(), len(base)
        z = (tally[:, 0] - tally[:, 1]) / np.sqrt(tally[:, 2])
        shares[exclude_self] = tally[:, 0] / tally[:, 3]
        show(
            f"identical cells, exclude_self={exclude_self}: found, expected, z",
            columns,
            shares[exclude_self],
            tally[:, 1] / tally[:, 3],
            z,
        )
        assert abs(z).max() < family_limit(2 * len(columns))
    assert (shares[True] < shares[False]).all()


def tree_of(model: fcs.ColumnModel) -> Tree:
    assert isinstance(model.value, DonorModel)
    return model.value.tree


def chance_of_own_value(tree: Tree, codes: Codes, base: npt.NDArray[np.intp], *, exclude_self: bool) -> Array:
    """For each row of a sample, the chance that a random donor of its leaf has its value."""
    node_of: npt.NDArray[np.intp] = np.full(len(codes), -1)
    for node, (start, end) in enumerate(zip(tree.start, tree.end, strict=True)):  # a parent comes before its children
        donors = tree.donors[start:end]
        if not exclude_self or (donors != donors[0]).any():
            node_of[donors] = node
    pairs = {node: np.bincount(codes[tree.donors[tree.start[node] : tree.end[node]]]) for node in set(node_of[base])}
    equal = np.array([pairs[node_of[row]][codes[row]] for row in base])
    size = (tree.end - tree.start)[node_of[base]]
    own = np.bincount(base, minlength=len(codes))[base] if exclude_self else 0
    return (equal - own) / (size - own)


def test_exclude_self_without_ties_gives_back_no_cell(boys: pd.DataFrame, settings: dict[str, Any]) -> None:
    """Ties broken by a hair, no donated number is its row's own.

    Without `exclude_self` one in as many as its leaf holds is, and a leaf holds 3 to 8: a node of 9 can be split.
    """
    donated = ["age", "hgt", "wgt", "hc", "tv"]
    rng = np.random.default_rng(1)
    for name in donated:
        boys[name] = boys[name] + 1e-7 * rng.permutation(len(boys))
    assert boys[donated].nunique().eq(len(boys)).all()
    same = {}
    for exclude_self in (False, True):
        made = rp.synthesize(boys, **settings, conditioning="observed", exclude_self=exclude_self)
        same[exclude_self] = np.mean([(frame[donated].to_numpy() == boys[donated].to_numpy()).mean() for frame in made])
    assert same[True] == 0
    assert 1 / 8 < same[False] < 1 / 3


# --------------------------------------------------------------------------------------------- conditioning: synthetic


def test_synthetic_keeps_every_correlation(synthetic: Study, theirs: Theirs) -> None:
    """Bias below 0.0065 against the bootstrap samples, and the data, as the paper counts it; R's goes to 0.013."""
    at = 2 * len(NUMBERS)
    for count in (SAMPLES, len(synthetic.boot)):
        ours, boot = synthetic.synthetic[:count, at:], synthetic.boot[:count, at:]
        bias = (ours - boot).mean(axis=0)
        error = (ours - boot).std(axis=0, ddof=1) / np.sqrt(count)
        to_truth = ours.mean(axis=0) - theirs.true[at:]
        show(f"correlation bias, {count} samples: to bootstrap, error, to the data", PAIRS, bias, error, to_truth)
        assert abs(bias).max() < 0.0065
        assert abs(to_truth).max() < 0.0065


def test_synthetic_rows_stand_for_no_row(synthetic: Study) -> None:
    """Under 3 % of continuous cells are those of the row in the same place: as many in a column as by chance."""
    same, chance = synthetic.same[:SAMPLES].mean(axis=1), synthetic.chance[:SAMPLES].mean(axis=1)
    continuous = [COLUMNS.index(name) for name in ("age", "hgt", "wgt", "bmi", "hc")]
    assert (same[:, continuous].mean(axis=0) < 0.03).all()
    assert same[:, [COLUMNS.index(name) for name in NUMBERS]].mean() < 0.03  # tv too, a count of 18 values
    donated = [COLUMNS.index(name) for name in DONATED]
    difference = (same - chance)[:, donated]
    z = difference.mean(axis=0) / (difference.std(axis=0, ddof=1) / np.sqrt(SAMPLES))
    show("identical cells: found, by chance, z", DONATED, same.mean(0)[donated], chance.mean(0)[donated], z)
    print(f"  bmi, exact value     {same.mean(axis=0)[COLUMNS.index('bmi')]:10.5f}")
    assert abs(z).max() < family_limit(len(donated))


def test_synthetic_intervals_cover(table: Table, synthetic: Study) -> None:
    """`hgt ~ age + phb` on all 1000 samples, pooled by Reiter (2003), against the fit of the full data."""
    true, _ = lm(table["hgt"].numbers(), table["age"].numbers(), table["phb"].codes)
    pools = [reiter2003(*fits) for fits in synthetic.lm]
    covered = np.array([abs(q - true) < stats.t.ppf(0.975, df) * se for q, se, df in pools])
    coverage = covered.mean()
    error = covered.mean(axis=1).std(ddof=1) / np.sqrt(len(covered))
    show("coverage of the coefficients", range(7), covered.mean(axis=0))
    print(f"mean {coverage:.4f}, standard error {error:.4f}, samples {len(covered)}")
    assert len(covered) == 1000
    assert coverage >= 0.935
