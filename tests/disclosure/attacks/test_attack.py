"""Leaks are caught by the attacks that should, and a fresh sample of the population is not flagged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from replicant.disclosure.attacks import Attacks, attack
from replicant.evaluation import judged

from .samples import copier, leaked, population, rows_of

KEYS, TARGETS = ["age", "region", "sex"], ["income", "work"]


def attacked(seed: int, make: Callable[..., pd.DataFrame], *, with_holdout: bool, cluster: bool = False) -> Attacks:
    rng = np.random.default_rng(seed)
    real, fresh, held = (population(500, rng) for _ in range(3))
    if cluster:
        # People of a household share what they are, nearly.
        for one in (real, fresh, held):
            one["home"] = np.arange(500) // 2
            one.loc[1::2, ["region", "age"]] = one.loc[::2, ["region", "age"]].to_numpy()
    release = make(real, fresh, rng)
    rows = rows_of(real, release, held)
    return attack(
        rows[0],
        rows[1:2],
        holdout=rows[2] if with_holdout else None,
        keys=KEYS,
        targets=TARGETS,
        rng_of=lambda name: np.random.default_rng([seed, *name.encode()]),
        cluster="home" if cluster else None,
    )


def flags(found: Attacks) -> set[str]:
    return {one.measure for one in judged(found.figures) if one.flag}


LEAKS = {
    "copier": (
        lambda real, _, rng: copier(real, rng),
        {"linked", "inference_neighbours_all", "singled_out_by_cells"},
    ),
    "shuffled": (
        lambda real, _, rng: real.iloc[rng.permutation(len(real))],
        {"linked", "inference_neighbours_all", "singled_out_by_rows", "singled_out_by_cells"},
    ),
}


@pytest.mark.parametrize("with_holdout", [True, False])
@pytest.mark.parametrize("leak", LEAKS)
def test_copies_are_caught(leak: str, with_holdout: bool) -> None:
    make, expected = LEAKS[leak]
    found = attacked(3, make, with_holdout=with_holdout)
    assert flags(found) >= expected | ({"membership_auc"} if with_holdout else set())
    assert any("holdout" in one for one in found.left_out) == (not with_holdout)


def test_real_rows_among_fresh_ones_are_caught_by_their_statements() -> None:
    found = attacked(4, lambda real, fresh, rng: leaked(fresh, real, 30, rng), with_holdout=True)
    assert "singled_out_by_rows" in flags(found)


@pytest.mark.parametrize("with_holdout", [True, False])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_fresh_sample_has_no_flag(seed: int, with_holdout: bool) -> None:
    assert not flags(attacked(seed, lambda _, fresh, __: fresh, with_holdout=with_holdout))


def test_households_are_counted_and_their_column_is_not_looked_at() -> None:
    found = attacked(5, lambda real, *_: real, with_holdout=True, cluster=True)
    assert {"linked", "membership_auc", "singled_out_by_rows"} <= flags(found)
    assert not flags(attacked(6, lambda _, fresh, __: fresh, with_holdout=True, cluster=True))
    assert "home" not in {one.of for one in found.figures}


def test_the_same_streams_give_the_same_figures() -> None:
    a, b = (attacked(7, lambda _, fresh, __: fresh, with_holdout=True) for _ in range(2))
    assert a.figures == b.figures
    assert (a.worst == b.worst).all()


@pytest.mark.parametrize("n", [0, 1, 30])
def test_few_rows_are_said_not_attacked(n: int) -> None:
    rng = np.random.default_rng(8)
    real, release = rows_of(population(200, rng), population(200, rng))
    found = attack(real.take(np.arange(n)), [release], rng_of=lambda _: rng)
    assert not found.figures
    assert "40 rows" in found.left_out[-1]
