"""`2l.norm`: sets drawn from it have the variance between and within clusters, and intervals that cover."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from scipy import stats

from replicant.methods import Clustered, registered
from replicant.methods.two_level_norm import TwoLevelNorm
from replicant.pool.rules import rubin1987

from .clustered import clusters
from .coded import numbers


def between(y: np.ndarray, cluster: np.ndarray) -> tuple[float, float]:
    """Variance of clusters' effects and of residuals, by analysis of variance of clusters of equal size."""
    size = np.bincount(cluster)[0]
    means = np.bincount(cluster, y) / size
    within = float(((y - means[cluster]) ** 2).sum() / (len(y) - len(means)))
    return float(means.var(ddof=1)) - within / size, within


def balanced(seed: int, groups: int = 50, size: int = 10) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(groups), size).astype(np.int32)
    return cluster, 5.0 + rng.normal(0, 0.8, groups)[cluster] + rng.normal(size=len(cluster))


@pytest.mark.parametrize("variances", ["common", "by_cluster"])
@pytest.mark.parametrize("proper", [False, True])
def test_a_synthetic_column_varies_between_and_within_clusters_as_the_real_one(variances: str, proper: bool) -> None:
    found, truth = [], []
    for seed in range(20):
        cluster, y = balanced(seed)
        x = Clustered(np.ones((500, 1)), cluster, 50)
        model = TwoLevelNorm(variances, 40, proper).fit(numbers(y), x, None, np.random.default_rng(seed))
        found.append(between(model.draw(x, np.random.default_rng(seed + 100)), cluster))
        truth.append(between(y, cluster))
    difference = np.mean(found, axis=0) - np.mean(truth, axis=0)
    error = np.std(np.array(found) - np.array(truth), axis=0) / np.sqrt(20)
    # Clusters' own variances have heavier tails than the common one that is there: some more within clusters.
    allowed = np.array([0.0, 0.1 if variances == "by_cluster" else 0.0])
    assert (np.abs(difference) < 4 * error + allowed).all()


def test_intervals_for_a_mean_cover_where_rows_are_missing() -> None:
    covered = []
    for seed in range(100):
        cluster, y = balanced(seed, 25, 8)
        rng = np.random.default_rng(seed + 1000)
        # Half of the clusters lose most of their rows.
        gone = (cluster % 2 == 0) & (rng.random(len(y)) < 0.7)
        x = Clustered(np.ones((200, 1)), cluster, 25)
        seen = Clustered(x.design[~gone], cluster[~gone], 25)
        means, variances = [], []
        for _ in range(5):
            model = TwoLevelNorm(iterations=30, proper=True).fit(numbers(y[~gone]), seen, None, rng)
            completed = np.where(gone, model.draw(x, rng), y)
            by_cluster = np.bincount(cluster, completed) / 8
            means.append(by_cluster.mean())
            variances.append(by_cluster.var(ddof=1) / 25)
        total = np.mean(variances) + 1.2 * np.var(means, ddof=1)
        covered.append(abs(np.mean(means) - 5.0) < 2.06 * np.sqrt(total))
    # 0.95 with the Monte-Carlo error of 100 replicates.
    assert np.mean(covered) > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 100)


def test_a_cluster_without_rows_varies_as_the_population() -> None:
    cluster, y = balanced(3, 200)
    x = Clustered(np.ones((len(y), 1)), cluster, 4000)
    model = TwoLevelNorm().fit(numbers(y), x, None, np.random.default_rng(4))
    new = Clustered(np.ones((3800, 1)), np.arange(200, 4000, dtype=np.int32), 4000)
    drawn = model.draw(new, np.random.default_rng(5))
    assert drawn.mean() == pytest.approx(5.0, abs=4 * np.sqrt(0.64 / 200 + 1.64 / 3800))
    assert drawn.std() == pytest.approx(np.sqrt(1.64), rel=4 / np.sqrt(2 * 200))
    twice = Clustered(np.ones((2, 1)), np.array([3999, 3999], dtype=np.int32), 4000)
    pairs = np.array([model.draw(twice, np.random.default_rng(seed)) for seed in range(400)])
    assert np.corrcoef(pairs.T)[0, 1] == pytest.approx(0.64 / 1.64, abs=0.2)  # rows of one cluster share its effect


def test_same_seed_same_draw_and_it_pickles() -> None:
    x, y, _ = clusters(6, groups=10, n=80)
    made = [TwoLevelNorm().fit(numbers(y), x, None, np.random.default_rng(7)) for _ in range(2)]
    drawn = [one.draw(x, np.random.default_rng(8)) for one in (made[0], pickle.loads(pickle.dumps(made[1])))]
    np.testing.assert_array_equal(drawn[0], drawn[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("norm", 0.75, 0.92), ("pmm", 0.72, 0.91), ("2l.norm", 0.93, 0.97), ("2l.pmm", 0.93, 0.97)],
)
def test_methods_for_clusters_cover_where_others_do_not(name: str, low: float, high: float) -> None:
    """Half of the cells missing at random, 40 clusters of 15: the mean of the clusters, from a predictor of rows."""
    groups, size, m = 40, 15, 5
    cluster = np.repeat(np.arange(groups), size).astype(np.int32)
    declared = registered()[name].made_proper(True)
    covered = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        value = rng.normal(size=len(cluster))
        y = 2.0 + value + rng.normal(size=groups)[cluster] + rng.normal(size=len(cluster))
        gone = rng.random(len(cluster)) < 1 / (1 + np.exp(-value))
        design = np.column_stack([np.ones(len(cluster)), value])

        def rows(chosen: np.ndarray, design: np.ndarray = design) -> Any:
            if declared.works_on == "clusters":
                return Clustered(design[chosen], cluster[chosen], groups)
            return design[chosen]

        means, variances = [], []
        for _ in range(m):
            drawn = declared.method.fit(numbers(y[~gone]), rows(~gone), None, rng).draw(rows(gone), rng)
            completed = y.copy()
            completed[gone] = drawn if drawn.dtype.kind == "f" else np.unique(y[~gone])[drawn]
            by_cluster = np.bincount(cluster, completed) / size
            means.append(by_cluster.mean())
            variances.append(by_cluster.var(ddof=1) / groups)
        pooled = rubin1987(np.array(means)[:, None], np.array(variances)[:, None], dfcom=groups - 1)
        half = stats.t.ppf(0.975, pooled.df[0]) * np.sqrt(pooled.total[0])
        covered.append(abs(pooled.estimate[0] - 2.0) <= half)
    error = np.sqrt(0.05 * 0.95 / 400)
    assert low - error < np.mean(covered) < high + error
