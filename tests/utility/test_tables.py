"""Measures of tables against synthpop's, closed forms, SciPy, and the distribution of splits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from replicant.utility.tables import MEASURES, layout_of, split_counts, table_measures

THEIRS = {
    **{name.lower(): name for name in ("VW", "FT", "JSD", "SPECKS", "WMabsDD", "U", "G", "pMSE", "PO50", "MabsDD")},
    "dbhatt": "dBhatt",
    **{f"s_{name.lower()}": f"S_{name}" for name in ("VW", "FT", "JSD", "WMabsDD", "G", "pMSE")},
    **{"df": "df", "df_g": "dfG"},
}


def close(ours: dict[str, Any], theirs: dict[str, Any], c: Any = 0.5) -> None:
    """Equal but for the scale of S_JSD: synthpop has 2 N JSD / (df ln 2), dividing by ln 2 instead of multiplying."""
    for name, other in THEIRS.items():
        scale = 1 / (4 * c * np.log(2) ** 2) if name == "s_jsd" else 1.0
        np.testing.assert_allclose(np.asarray(ours[name]) * scale, theirs[other], rtol=1e-6, atol=1e-12, err_msg=name)


def test_measures_of_a_table_are_those_of_synthpop(shared_reference: Path, measured: Any) -> None:
    folder = shared_reference / "r"
    for case in json.loads((folder / "utility_tab.json").read_text()):
        names, options = case["vars"], case["args"] or {}
        data = measured("boys" if set(names) <= set(measured("boys").types) else "sd2011_sub")
        rows = data.rows(names, options.get("ngroups", 5))
        sizes = rows[0].coding.sizes
        lost = np.array(sizes) - 1 if options.get("useNA") is False else -1
        real, *sets = (one.groups[(one.groups != lost).all(axis=1)] for one in rows)
        layout = layout_of(sizes, (), [range(len(names))])
        observed = layout.count(real)
        found = [
            table_measures(observed, layout.count(one), layout.starts, k_random=options.get("k.syn", False))
            for one in sets
        ]
        c = np.array([len(one) / (len(one) + len(real)) for one in sets])
        close({name: [one[name][0] for one in found] for name in MEASURES}, case, c)
        counts = np.array(case["tab_obs"]["Freq"])
        assert sorted(observed[observed > 0]) == sorted(counts[counts > 0])


@pytest.mark.parametrize(
    ("name", "table", "way", "columns"),
    [
        ("boys", "boys_oneway", 1, None),
        ("boys", "boys_twoway", 2, None),
        ("sd2011_sub", "sd_twoway", 2, ["sex", "age", "edu", "income", "ls", "nofriend"]),
    ],
)
def test_all_tables_at_once_are_those_of_synthpop(
    shared_reference: Path, measured: Any, name: str, table: str, way: int, columns: list[str] | None
) -> None:
    folder = shared_reference / "r"
    theirs = json.loads((folder / "utility_tables.json").read_text())[table]
    data = measured(name)
    real, *sets = (one.groups for one in data.rows(columns))
    layout = layout_of(data.rows(columns)[0].coding.sizes, (way,))
    observed = layout.count(real)
    found = [table_measures(observed, layout.count(one), layout.starts) for one in sets]
    values = np.array(theirs["values"], dtype=float)
    means = {name: np.mean([one[name] for one in found], axis=0) for name in MEASURES}
    close(means, {column: values[:, j] for j, column in enumerate(theirs["cols"])})


def random_tables(seed: int, n: int = 400, k: int = 300) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    layout = layout_of([3, 4, 2, 5], (1, 2, 3))
    real, made = (np.column_stack([rng.integers(0, size, rows) for size in layout.sizes]) for rows in (n, k))
    return layout, real.astype(np.int32), made.astype(np.int32)


@pytest.mark.parametrize("seed", range(3))
def test_measures_of_many_tables_are_those_of_each(seed: int) -> None:
    layout, real, made = random_tables(seed)
    together = table_measures(layout.count(real), layout.count(made), layout.starts)
    for t, table in enumerate(layout.tables):
        alone = layout_of(layout.sizes, (), [table])
        for name, value in table_measures(alone.count(real), alone.count(made), alone.starts).items():
            assert value[0] == pytest.approx(together[name][t], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_rank_sum_and_distance_are_those_of_the_scores(seed: int) -> None:
    layout, real, made = random_tables(seed)
    o, s = layout.count(real), layout.count(made)
    found = table_measures(o, s, layout.starts)
    for t in range(len(layout.tables)):
        mine, theirs = layout.block(o, t).ravel(), layout.block(s, t).ravel()
        score = theirs / np.maximum(mine + theirs, 1)
        a, b = np.repeat(score, theirs.astype(int)), np.repeat(score, mine.astype(int))
        assert found["u"][t] == pytest.approx(stats.mannwhitneyu(a, b).statistic)
        assert found["specks"][t] == pytest.approx(stats.ks_2samp(a, b).statistic)
        assert found["vw"][t] * 1.0 == pytest.approx(
            stats.chi2_contingency(np.vstack([mine, theirs])[:, mine + theirs > 0], correction=False).statistic
            * (1 + len(made) / len(real))
        )


def test_counts_of_partitions_add_up_and_weights_count() -> None:
    layout, real, _ = random_tables(5)
    np.testing.assert_array_equal(layout.count(real[:150]) + layout.count(real[150:]), layout.count(real))
    twice = np.repeat(real, 2, axis=0)
    np.testing.assert_allclose(layout.count(real, np.full(len(real), 2.0)), layout.count(twice))


def test_scaled_divergence_agrees_with_the_chi_squared_for_small_differences() -> None:
    rng = np.random.default_rng(1)
    shares = rng.dirichlet(np.full(12, 5.0))
    o = np.rint(shares * 1e6)
    for k in (5e5, 1e6, 3e6):
        s = np.rint(k * shares * (1 + 0.01 * rng.normal(size=12)))
        found = table_measures(o, s, np.array([0, 12]))
        assert found["s_jsd"][0] == pytest.approx(found["s_vw"][0], rel=0.01)


def test_splits_have_the_sums_and_the_spread_of_splits_of_rows() -> None:
    layout, real, _ = random_tables(7, n=600)
    pool = layout.count(real)
    rng = np.random.default_rng(3)
    first, second = split_counts(pool, layout.starts, rng, 400)
    np.testing.assert_array_equal(first + second, np.broadcast_to(pool, first.shape))
    drawn = np.array([table_measures(a, b, layout.starts)["s_vw"] for a, b in zip(first, second, strict=True)])
    rows = []
    for _ in range(400):
        half = layout.count(real[rng.permutation(600)[:300]])
        rows.append(table_measures(half, pool - half, layout.starts)["s_vw"])
    error = np.sqrt((drawn.var(axis=0) + np.var(rows, axis=0)) / 400)
    assert (np.abs(drawn.mean(axis=0) - np.mean(rows, axis=0)) < 4.5 * error).all()
    assert drawn.mean() == pytest.approx(2, abs=0.1)  # a second real sample: twice what draws from the shares show


def test_a_table_too_large_to_be_counted_is_left_out_and_named() -> None:
    layout = layout_of([3000, 3000, 2])
    assert layout.left_out == ((0, 1),)
    assert layout.names(["a", "b", "c"]) == ("a", "b", "c", "a x c", "b x c")


def test_an_empty_table_of_no_rows_is_no_number_and_no_error() -> None:
    layout = layout_of([2, 3])
    found = table_measures(
        layout.count(np.zeros((0, 2), np.int32)), layout.count(np.zeros((4, 2), np.int32)), layout.starts
    )
    assert all(len(value) == 3 for value in found.values())
