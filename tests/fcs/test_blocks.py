"""Blocks, clusters and nested details in a synthesis: drawn together, in the right order, with their missing cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.errors import SpecError

ROWS = 600


@pytest.fixture
def people() -> pd.DataFrame:
    """Pupils of 20 schools, with a code and a detail of it, a time and an event."""
    rng = np.random.default_rng(1)
    school, effect = rng.integers(0, 20, ROWS), rng.normal(size=20)
    x = rng.normal(size=ROWS).round(3)
    a = rng.choice(list("ab"), ROWS)
    b = np.where(rng.random(ROWS) < 0.7, a, "c")
    return pd.DataFrame(
        {
            "school": [f"s{i}" for i in school],
            "x": x,
            "y": (2 + x + effect[school] + rng.normal(size=ROWS)).round(3),
            "passed": np.where(x + effect[school] + rng.normal(size=ROWS) > 0, "yes", "no"),
            "a": a,
            "b": b,
            "detail": b + rng.choice(list("12"), ROWS),
            "time": rng.exponential(np.exp(x)).round(3),
            "died": np.where(rng.random(ROWS) < 0.6, "yes", "no"),
        }
    )


def with_holes(frame: pd.DataFrame) -> pd.DataFrame:
    holed = frame.copy()
    rng = np.random.default_rng(2)
    for name in frame.columns[2:]:
        holed.loc[rng.random(ROWS) < 0.15, name] = None
    return holed


def block(method: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, method)


METHODS: dict[str, dict[str, Any]] = {
    "catall": {"method": block("catall", "a", "b", "passed")},
    "ipf": {"method": block("ipf", "a", "b", "passed")},
    "jomo": {"method": block("jomo", "a", "b", "passed", "y", "time")},
    "survival": {"method": block("survival", "time", "died")},
    "two blocks": {"method": {**block("jomo", "y", "x"), **block("catall", "a", "b")}},
    "clusters": {
        "method": {"y": "2l.norm", "passed": "2l.bin", "time": "2l.pmm"},
        "cluster": "school",
        "random_slopes": {"y": ["x"]},
    },
}


@pytest.mark.parametrize("conditioning", ["synthetic", "observed"])
@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("name", METHODS)
def test_a_set_has_the_distributions_of_the_table(
    people: pd.DataFrame, name: str, holes: bool, conditioning: str
) -> None:
    table = with_holes(people) if holes else people
    syn = rp.synthesize(table, m=2, seed=3, conditioning=conditioning, **METHODS[name])
    made = pd.concat(list(syn))
    error = np.sqrt(0.25 * (1 / ROWS + 1 / (2 * ROWS)))
    for column in table:
        assert made[column].isna().mean() == pytest.approx(table[column].isna().mean(), abs=4 * error)
    for column in ("a", "b", "passed", "died"):
        shares = table[column].value_counts(normalize=True)
        np.testing.assert_allclose(made[column].value_counts(normalize=True)[shares.index], shares, atol=5 * error)
    for column in ("x", "y", "time"):
        spread = table[column].std()
        assert made[column].mean() == pytest.approx(table[column].mean(), abs=5 * 2 * error * spread)
    assert made[["x", "y"]].corr().iloc[0, 1] == pytest.approx(table[["x", "y"]].corr().iloc[0, 1], abs=0.2)


def test_a_joint_distribution_comes_back_with_its_block(people: pd.DataFrame) -> None:
    syn = rp.synthesize(people, m=5, seed=4, method=block("catall", "a", "b"))
    made = pd.concat(list(syn))
    real = pd.crosstab(people.a, people.b, normalize=True)
    drawn = pd.crosstab(made.a, made.b, normalize=True)
    np.testing.assert_allclose(drawn.loc[real.index, real.columns], real, atol=4 * np.sqrt(0.2 / 3000) + 0.001)
    pairs = set(zip(people.time, people.died, strict=True))
    survival = rp.synthesize(people, m=1, seed=5, method=block("survival", "died", "time"))[0]
    assert set(zip(survival.time, survival.died, strict=True)) <= pairs


def test_columns_of_a_block_are_visited_together(people: pd.DataFrame) -> None:
    syn = rp.synthesize(people, m=4, seed=6, method=block("catall", "a", "died"))
    for sequence in syn.plan.sequences:
        assert abs(sequence.index("a") - sequence.index("died")) == 1
    assert syn.plan.column("a").block == ("a", "died")
    assert "died" not in syn.plan.column("a").predictors


def test_other_options_are_another_block(people: pd.DataFrame) -> None:
    options = {"died": {"prior": 0.0}, "passed": {"prior": 0.0}}
    syn = rp.synthesize(people, m=1, seed=7, method=block("catall", "a", "b", "died", "passed"), options=options)
    assert syn.plan.column("a").block == ("a", "b")
    assert syn.plan.column("died").block == ("passed", "died")


def test_margins_alone_are_what_a_set_holds(people: pd.DataFrame) -> None:
    """Another table with the same codebook gives the same set, byte for byte."""
    columns = {"a": {"kind": "nominal", "levels": ["a", "b"]}, "b": {"kind": "nominal", "levels": ["a", "b", "c"]}}
    entry = {"margins": [["a", "b"]], "counts": [{"a": [40, 0, 20], "b": [0, 30, 10]}]}
    options = {"a": entry, "b": entry}
    other = pd.DataFrame({"a": np.resize(["a", "b", "b", None], ROWS), "b": np.resize(["c", "a", None], ROWS)})
    sets = [
        rp.synthesize(table, m=1, seed=8, method=block("ipf", "a", "b"), options=options, columns=columns)[0]
        for table in (people[["a", "b"]], other)
    ]
    pd.testing.assert_frame_equal(sets[0].astype("str"), sets[1].astype("str"))
    shares = pd.crosstab(sets[0].a, sets[0].b, normalize=True).to_numpy()
    np.testing.assert_allclose(shares, [[0.4, 0.0, 0.2], [0.0, 0.3, 0.1]], atol=4 * np.sqrt(0.24 / ROWS))


def test_only_the_selected_cells_of_a_block_are_drawn_given_the_others(people: pd.DataFrame) -> None:
    where = {"a": "x > 0", "b": "x > 0.5"}
    made = rp.synthesize(people, m=1, seed=9, method=block("catall", "a", "b"), where=where, shuffle=False)[0]
    same = (people.x <= 0.5).to_numpy()
    pd.testing.assert_series_equal(made.b[same], people.b[same])
    pd.testing.assert_series_equal(made.a[people.x <= 0], people.a[people.x <= 0])
    some = ((people.x > 0) & (people.x <= 0.5)).to_numpy()
    assert (made.a[some] != people.a[some]).any()
    # Given b = a or b, a is that in all rows but for the prior's one row.
    known = some & people.b.isin(["a", "b"]).to_numpy()
    assert (made.a[known] == people.b[known]).mean() > 0.95


@pytest.mark.parametrize(
    "visit", ["random", "table", ["school", "x", "y", "passed", "a", "detail", "b", "time", "died"]]
)
def test_a_detail_is_drawn_within_its_broader_code(people: pd.DataFrame, visit: Any) -> None:
    for seed in range(3):
        made = rp.synthesize(
            people,
            m=2,
            seed=seed,
            method={"detail": "nested"},
            options={"detail": {"within": "b"}},
            visit_sequence=visit,
        )
        for one in made:
            assert (one.detail.str[0] == one.b).all()


def test_levels_with_missing_cells_are_left_to_a_tree_where_the_method_has_no_class_for_them(
    people: pd.DataFrame,
) -> None:
    table = with_holes(people)
    syn = rp.synthesize(table, m=2, seed=10, method={"died": "logreg", "b": "polyreg"})
    assert syn.plan.column("died").has_states
    made = pd.concat(list(syn))
    for name in ("died", "b"):
        assert made[name].isna().mean() == pytest.approx(table[name].isna().mean(), abs=0.06)
        assert set(made[name].dropna()) == set(table[name].dropna())


def test_threads_do_not_matter_and_whole_clusters_make_up_partitions(people: pd.DataFrame) -> None:
    call = {"method": {**block("catall", "a", "b"), "y": "2l.norm"}, "cluster": "school", "m": 2, "seed": 11}
    call |= {"strata": "school", "min_stratum": 200}
    one = rp.synthesize(people, threads=1, **call)
    two = rp.synthesize(people, threads=2, **call)
    for first, second in zip(one, two, strict=True):
        pd.testing.assert_frame_equal(first, second)
    partitions = one.plan.partitions
    assert len(partitions) > 1
    schools = [set(people.school[partition.rows]) for partition in partitions]
    assert sum(map(len, schools)) == 20
    completed = rp.impute(
        with_holes(people), m=1, maxit=1, seed=1, cluster="school", strata="school", min_stratum=200, threads=1
    )
    assert not completed[0].isna().to_numpy().any()


def test_a_study_draws_whole_clusters(people: pd.DataFrame) -> None:
    """The mean varies as that of 20 schools does, and not as that of 600 pupils."""
    table = people[["school", "x", "y"]]
    call = {"replicates": 60, "m": 2, "seed": 1, "estimands": [{"model": "ols", "formula": "y ~ 1"}], "progress": False}
    spread = []
    for methods in ({"method": "sample"}, {"method": "sample", "cluster": "school"}):
        (tables,) = rp.study(table, **call, **methods).tables.values()
        spread.append(float(tables.loc[tables["arm"] == "sample", "sd"].iloc[0]))
    schools = table.groupby("school")["y"].mean().std() / np.sqrt(20)
    assert spread[0] == pytest.approx(table.y.std() / np.sqrt(ROWS), rel=4 / np.sqrt(120))
    assert spread[1] == pytest.approx(schools, rel=4 / np.sqrt(120) + 0.1)  # schools differ in size


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"method": {"y": "2l.norm"}}, "needs clusters"),
        ({"method": {"y": "2l.norm"}, "cluster": "y"}, "needs clusters"),
        ({"method": {"y": "2l.norm"}, "cluster": "scool"}, "did you mean 'school'"),
        ({"method": {"y": "2l.norm"}, "cluster": "school", "random_slopes": {"y": ["z"]}}, "random_slopes.y"),
        ({"method": {"y": "2l.norm"}, "cluster": "school", "partition_rows": 200}, "min_stratum"),
        ({"method": {"detail": "nested"}}, "within"),
        ({"method": {"detail": "nested"}, "options": {"detail": {"within": "detail"}}}, "no other column"),
        (
            {
                "method": {"detail": "nested", "b": "nested"},
                "options": {"detail": {"within": "b"}, "b": {"within": "detail"}},
            },
            "none of them can be drawn first",
        ),
        ({"method": {"time": "survival"}}, "one column"),
        ({"method": {"y": "catall"}}, "the column is continuous"),
    ],
)
def test_what_cannot_be_is_explained(people: pd.DataFrame, call: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        rp.synthesize(people, m=1, seed=12, **call)


def test_a_proper_synthesis_draws_the_parameters_of_a_method_that_can(people: pd.DataFrame) -> None:
    """The shares of many sets vary by their posterior as well: twice the variance of a sample of the same size."""
    spread = []
    for proper in (False, True):
        syn = rp.synthesize(people[["a", "died"]], m=200, seed=13, method=block("catall", "a", "died"), proper=proper)
        assert syn.plan.column("a").declaration.method.proper == proper
        spread.append(np.var([(one.a == "a").mean() for one in syn]))
    expected = 0.25 / ROWS
    np.testing.assert_allclose(spread, [expected, 2 * expected], rtol=4 * np.sqrt(2 / 200))
