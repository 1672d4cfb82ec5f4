"""Chains: bytes, what is drawn and what is not, and the three forms of the current cells held equal."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import replicant as rp
from replicant import fcs
from replicant.fcs.chain import Chain, Completed
from replicant.fcs.lockstep import run_chains
from replicant.methods import registered
from replicant.plan import build_plan
from replicant.spec.models import SynthesisSpec
from replicant.table import encode_table

METHODS = ("pmm", "norm", "cart", "sample")


def people(n: int = 200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 10, n).round(1)
    frame = pd.DataFrame(
        {
            "age": age,
            "size": (age / 10 + rng.normal(0, 1, n)).round(2),
            "sex": rng.choice(["f", "m"], n),
            "town": rng.choice(["a", "b", "c", "d"], n),
            "kids": rng.poisson(2, n),
        }
    )
    for j, name in enumerate(("size", "sex", "town", "kids")):
        frame[name] = frame[name].mask(rng.random(n) < 0.1 + 0.05 * j)
    return frame


def chain_table(frame: pd.DataFrame, **imputation: Any) -> fcs.ChainTable:
    table = encode_table(frame)
    spec = SynthesisSpec(method="keep", missing="impute", seed=1, shuffle=False, imputation=imputation)
    plan = build_plan(spec, table, methods=registered())
    assert plan.imputation is not None
    return fcs.ChainTable(table, plan.imputation, plan.seed)


def run(chain: Chain, iterations: int) -> Completed:
    return run_chains([chain], iterations)[0]


def check_forms(chain: Chain) -> None:
    """Codes, the design matrix and the features of trees hold the same cells."""
    shared = chain.shared
    other = Chain.__new__(Chain)
    other.__dict__.update(chain.__dict__)
    for name, rows in shared.layout.items():
        if not chain.matrix.size:
            break
        column = shared.template[name]
        codes = chain.codes[shared.positions[name]]
        if column.is_numeric:
            numbers = chain.exact.get(name, column.numbers(codes))
            np.testing.assert_array_equal(chain.matrix[rows[0]], np.nan_to_num(numbers))
        else:
            levels = shared.coded_levels(column)
            wanted = [(codes == level).astype(float) for level in levels]
            np.testing.assert_array_equal(chain.matrix[list(rows[: len(levels)])], wanted)
    if chain.features is not None:
        columns = [replace(c, codes=codes) for c, codes in zip(shared.table.columns, chain.codes, strict=True)]
        features, _ = fcs.encoding.encode_columns(replace(shared.table, columns=tuple(columns)))
        np.testing.assert_array_equal(chain.features.codes, features.codes)
        for mine, its, codes in zip(chain.features.order, features.order, features.codes, strict=True):
            np.testing.assert_array_equal(codes[mine], codes[its])


@pytest.mark.parametrize("method", METHODS)
def test_codes_design_and_features_are_the_same_cells(method: str) -> None:
    chosen = {"size": method, "kids": method, "sex": "cart", "town": "polyreg"}
    chain = Chain(chain_table(people(), method=chosen), 0)
    check_forms(chain)
    run(chain, 2)
    check_forms(chain)


def test_observed_cells_stay_and_every_missing_one_is_filled() -> None:
    frame = people()
    done = run(Chain(chain_table(frame, method="cart"), 0), 2)
    table = encode_table(frame)
    for column, codes in zip(table.columns, done.codes, strict=True):
        there = column.codes >= 0
        np.testing.assert_array_equal(codes[there], column.codes[there])
        assert (codes >= 0).all()


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.sampled_from(METHODS))
def test_a_chain_that_goes_on_is_one_that_ran_at_once(first: int, more: int, method: str) -> None:
    shared = chain_table(people(60), method={"size": method, "sex": "cart", "town": "cart", "kids": "sample"})
    whole = run(Chain(shared, 3), first + more)
    part = run(Chain(shared, 3, start=run(Chain(shared, 3), first)), more)
    np.testing.assert_array_equal(whole.codes, part.codes)
    np.testing.assert_array_equal(whole.trace.means, part.trace.means)
    np.testing.assert_array_equal(whole.trace.sds, part.trace.sds)
    assert whole.exact.keys() == part.exact.keys()
    for name, numbers in whole.exact.items():
        np.testing.assert_array_equal(numbers, part.exact[name])
    assert whole.iteration == part.iteration == first + more


def test_traces_are_the_means_and_spreads_of_the_imputed_cells() -> None:
    frame = people()
    shared = chain_table(frame, method="cart")
    done = run(Chain(shared, 0), 3)
    completed = fcs.completed_table(shared.table, done).to_frame(done.codes, done.exact)
    missing = frame["size"].isna().to_numpy()
    at = done.trace.columns.index("size")
    assert done.trace.means[-1, at] == pytest.approx(completed["size"][missing].mean())
    assert done.trace.sds[-1, at] == pytest.approx(completed["size"][missing].std())


def test_a_passive_column_agrees_with_its_inputs_where_it_was_missing() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"hgt": rng.normal(170, 9, 150).round(1), "wgt": rng.normal(70, 9, 150).round(1)})
    frame["bmi"] = (frame["wgt"] / (frame["hgt"] / 100) ** 2).round(2)
    gone = rng.random(150) < 0.3
    frame.loc[gone, ["wgt", "bmi"]] = np.nan
    imp = rp.impute(frame, m=2, maxit=3, seed=1, passive={"bmi": "wgt / (hgt / 100)**2"}, threads=1)
    for filled in imp:
        np.testing.assert_allclose(filled["bmi"], (filled["wgt"] / (filled["hgt"] / 100) ** 2).round(2), atol=0.011)
        pd.testing.assert_frame_equal(filled[~gone], frame[~gone])


def test_threads_do_not_matter() -> None:
    one, two = (rp.impute(people(), m=4, maxit=3, method="cart", seed=9, threads=threads) for threads in (1, 2))
    pd.testing.assert_frame_equal(one.stack(), two.stack())


def test_more_iterations_are_those_that_would_have_come() -> None:
    frame = people()
    whole = rp.impute(frame, m=2, maxit=5, seed=4, method="cart")
    part = rp.impute(frame, m=2, maxit=2, seed=4, method="cart").more(3)
    pd.testing.assert_frame_equal(whole.stack(), part.stack())
    assert part.iterations == 5


def test_rows_that_are_ignored_are_imputed_and_not_fitted_on() -> None:
    frame = people(300)
    odd = frame["age"] > 50
    frame.loc[odd, "size"] = frame.loc[odd, "size"] + 1000  # the model would see them at once
    imp = rp.impute(frame, m=1, maxit=2, seed=1, method="sample", ignore="age > 50")
    filled = imp[0]["size"][frame["size"].isna()]
    assert filled.notna().all()
    assert filled.max() < 100


def test_a_delta_moves_imputed_numbers_only() -> None:
    frame = people()
    plain = rp.impute(frame, m=1, maxit=1, seed=1, method={"size": "sample"}, predictors={"size": []})[0]["size"]
    moved = rp.impute(
        frame, m=1, maxit=1, seed=1, method={"size": "sample"}, predictors={"size": []}, delta={"size": 5}
    )
    gone = frame["size"].isna()
    np.testing.assert_allclose(moved[0]["size"][gone], plain[gone] + 5)
    np.testing.assert_array_equal(moved[0]["size"][~gone], frame["size"][~gone])
    sd = rp.impute(frame, m=1, maxit=1, seed=1, method={"size": "sample"}, delta={"size": "-0.5 sd"})[0]["size"]
    np.testing.assert_allclose(sd[gone], plain[gone] - 0.5 * frame["size"].std(), atol=0.006)


def test_cells_that_are_missing_by_design_stay_missing() -> None:
    frame = people()
    frame["partner"] = np.where(frame["sex"] == "f", np.nan, frame["age"])
    gone = np.zeros(len(frame), dtype=bool)
    gone[::9] = True
    frame.loc[gone, "partner"] = np.nan
    imp = rp.impute(
        frame, m=2, maxit=2, seed=1, method="cart", missing={"partner": {"when": "sex == 'f'", "as": "keep"}}
    )
    for filled in imp:
        np.testing.assert_array_equal(filled["partner"].isna(), filled["sex"] == "f")
    kept = rp.impute(frame, m=1, maxit=1, seed=1, method="cart", missing={"partner": "keep"})[0]
    np.testing.assert_array_equal(kept["partner"].isna(), frame["partner"].isna())


def test_only_some_coded_missing_values_stay() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=80), "income": rng.integers(10, 99, 80)})
    frame.loc[:9, "income"] = -8
    frame.loc[10:19, "income"] = -9
    imp = rp.impute(
        frame,
        m=1,
        maxit=1,
        seed=1,
        method="cart",
        columns={"income": {"missing_codes": [-8, -9]}},
        missing={"income": {"codes": [-8], "as": "keep"}},
    )
    assert (imp[0]["income"][:10] == -8).all()
    assert (imp[0]["income"][10:20] >= 10).all()


def test_a_list_may_visit_a_column_twice() -> None:
    shared = chain_table(people(), method="cart", visit_sequence=["kids", "size", "sex", "kids", "town"])
    assert Chain(shared, 0).sequence == ("kids", "size", "sex", "kids", "town")
    assert (run(Chain(shared, 0), 1).codes >= 0).all()


@pytest.mark.parametrize("rule", ["monotone", "revmonotone", "reverse", "table", "random"])
def test_visit_sequences(rule: str) -> None:
    frame = people()
    shared = chain_table(frame, method="cart", visit_sequence=rule)
    found = Chain(shared, 0).sequence
    missing = frame.isna().sum()[list(found)]
    assert sorted(found) == ["kids", "sex", "size", "town"]
    if rule == "monotone":
        assert missing.is_monotonic_increasing
    elif rule == "revmonotone":
        assert missing.is_monotonic_decreasing
    elif rule == "reverse":
        assert found == ("kids", "town", "sex", "size")
    elif rule == "random":
        assert len({Chain(shared, i).sequence for i in range(20)}) > 5


def test_a_spike_is_drawn_as_one() -> None:
    rng = np.random.default_rng(8)
    income = np.where(rng.random(400) < 0.3, 0.0, rng.lognormal(3, 0.5, 400).round(2))
    frame = pd.DataFrame({"work": np.where(income > 0, "yes", "no"), "income": income})
    frame.loc[::4, "income"] = np.nan
    imp = rp.impute(
        frame, m=2, maxit=2, seed=1, method={"income": "norm"}, columns={"income": {"spike": [0]}}, threads=1
    )
    for filled in imp:
        np.testing.assert_array_equal(filled["income"] == 0, filled["work"] == "no")


def test_chains_on_several_threads_hold_blas_to_one_each_and_give_it_back() -> None:
    from threadpoolctl import threadpool_info

    def threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = threads()
    with fcs.blas.one_blas_thread():
        assert set(threads()) <= {1}
        with fcs.blas.one_blas_thread():
            assert set(threads()) <= {1}
        assert set(threads()) <= {1}
    assert set(threads()) == set(before)


def test_what_multiplies_matrices_holds_blas_to_one_thread() -> None:
    frame = pd.DataFrame({"a": np.arange(60) % 7, "b": np.arange(60) % 11})
    found = {
        name: rp.synthesize(frame, m=1, seed=1, **asked).plan.uses_matrices
        for name, asked in {
            "default": {},
            "equal": {"leaf_weights": "equal"},
            "norm": {"leaf_weights": "equal", "method": {"a": "norm"}},
            "observed": {"conditioning": "observed"},
        }.items()
    }
    assert found == {"default": True, "equal": False, "norm": True, "observed": False}


def test_threads_hold_blas_whichever_thread_has_limited_it_before() -> None:
    """threadpoolctl hears the first thread that limits OpenBLAS, and no other for as long as that lives."""
    from threadpoolctl import threadpool_info, threadpool_limits

    def threads() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    both = Barrier(2)

    def task(_: int) -> set[int]:
        with fcs.blas.one_blas_thread():
            both.wait(60)
            found = threads()
            both.wait(60)
        return found

    with threadpool_limits(2, user_api="blas"):
        with fcs.blas.one_blas_thread():
            assert threads() == {1}
        for _ in range(3):
            assert threads() == {2}
            with ThreadPoolExecutor(2) as pool:
                assert list(pool.map(task, range(2))) == [{1}, {1}]
        assert threads() == {2}


def test_what_cannot_or_shall_not_be_drawn_stays_missing() -> None:
    """Never a value that was only put there to begin with."""
    frame = people()
    frame["none"] = np.nan
    kept = rp.impute(frame, m=1, maxit=2, seed=1, method={"kids": "keep", "size": "norm", "sex": "cart"})[0]
    np.testing.assert_array_equal(kept["kids"].isna(), frame["kids"].isna())
    assert kept["none"].isna().all()
    assert not kept[["size", "sex", "town"]].isna().any().any()
    # No row is left to learn kids from.
    lost = rp.impute(frame, m=1, maxit=2, seed=1, method="cart", ignore=[f"kids >= {frame['kids'].min():.0f}"])[0]
    np.testing.assert_array_equal(lost["kids"].isna(), frame["kids"].isna())
    some = rp.impute(frame, m=1, maxit=2, seed=1, method="cart", where={"size": "age > 40"})[0]
    np.testing.assert_array_equal(some["sex"].isna(), frame["sex"].isna())
    changed = some["size"].notna() & (some["size"] != frame["size"])
    assert (frame.loc[changed, "age"] > 40).all()


def test_masks_are_rules_that_select_the_same() -> None:
    frame = people()
    old, some = frame["age"] > 45, frame["age"] > 40
    settings = {"m": 1, "maxit": 2, "seed": 1, "method": "cart"}
    by_rule = rp.impute(frame, ignore="age > 45", where={"size": "age > 40"}, **settings)
    for ignore, where in (
        (old, pd.DataFrame({"size": some})),
        (old.to_numpy(), {"size": some.to_numpy()}),
    ):
        by_mask = rp.impute(frame, ignore=ignore, where=where, **settings)
        pd.testing.assert_frame_equal(by_mask[0], by_rule[0])
        assert by_mask.plan.digest == rp.impute(frame, ignore=ignore, where=where, **settings).plan.digest
        strata = {"strata": "town", "min_stratum": 20}
        pd.testing.assert_frame_equal(
            rp.impute(frame, ignore=ignore, where=where, **strata, **settings)[0],
            rp.impute(frame, ignore="age > 45", where={"size": "age > 40"}, **strata, **settings)[0],
        )
    other = rp.impute(frame, ignore=~old, where={"size": "age > 40"}, **settings)
    assert other.plan.digest != by_rule.plan.digest
