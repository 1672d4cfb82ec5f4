"""`2l.pmm`: observed values only, with the variance between clusters and the relation of the truth."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from replicant.methods import Clustered
from replicant.methods.two_level_norm import TwoLevelNorm
from replicant.methods.two_level_pmm import TwoLevelPmm

from .clustered import clusters
from .coded import classes, numbers


def moments(y: np.ndarray, x: Clustered) -> list[float]:
    size = np.bincount(x.cluster)
    slope = np.polyfit(x.design[:, 1], y, 1)[0]
    return [y.mean(), y.std(), (np.bincount(x.cluster, y) / size).std(), slope]


@pytest.mark.parametrize("proper", [False, True])
def test_a_column_is_synthesized_with_its_moments(proper: bool) -> None:
    differences = []
    for seed in range(20):
        x, y, _ = clusters(seed, n=1200)
        response = numbers(y)
        model = TwoLevelPmm(iterations=40, proper=proper).fit(response, x, None, np.random.default_rng(seed))
        drawn = np.unique(y)[model.draw(x, np.random.default_rng(seed + 40))]
        differences.append(np.array(moments(drawn, x)) - moments(y, x))
    error = np.std(differences, axis=0) / np.sqrt(20)
    # Donors are observed: the tails end where the data do, by which means of clusters vary less, by some percent.
    assert (np.abs(np.mean(differences, axis=0)) < 4 * error + [0, 0.05, 0.1, 0.05]).all()


def test_donors_are_the_nearest_by_the_prediction() -> None:
    x, y, _ = clusters(1, n=500)
    single = TwoLevelPmm(donors=1).fit(numbers(y), x, None, np.random.default_rng(2))
    mixed = TwoLevelNorm().fit(numbers(y), x, None, np.random.default_rng(2))
    np.testing.assert_allclose(single.model.beta, mixed.beta)
    predicted = mixed.predict(x)
    drawn = single.draw(x, np.random.default_rng(3))
    sought = mixed.predict(x, np.random.default_rng(3))
    nearest = np.abs(predicted[None, :] - sought[:, None]).argmin(axis=1)
    assert np.mean(drawn == numbers(y).codes[nearest]) > 0.99  # the others are tied up to rounding


def test_classes_weights_and_few_rows() -> None:
    x, y, _ = clusters(4, groups=6, n=40, unseen=1)
    ordered = classes(np.digitize(y, [8, 11, 14]), 4)
    weights = np.random.default_rng(5).integers(1, 3, 40).astype(np.int32)
    model = TwoLevelPmm(proper=True).fit(ordered, x, weights, np.random.default_rng(6))
    drawn = [one.draw(x, np.random.default_rng(7)) for one in (model, pickle.loads(pickle.dumps(model)))]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert set(drawn[0]) <= set(ordered.codes)
    few = Clustered(np.ones((2, 1)), np.array([0, 1], dtype=np.int32), 2)
    model = TwoLevelPmm().fit(numbers([1.0, 1.0]), few, None, np.random.default_rng(8))
    assert model.notes == ("few_donors",)
    assert model.draw(few, np.random.default_rng(9)).tolist() == [0, 0]
