"""Streams depend on their address alone, and differ between addresses as independent ones do."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from replicant.plan import Stage, stream

small = st.integers(0, 50)
address = st.fixed_dictionaries({"replicate": small, "imputation": small, "partition": small, "column": small})


@given(st.integers(0, 2**127), st.sampled_from(Stage), address)
def test_a_stream_depends_on_its_address_alone(seed: int, stage: Stage, at: dict[str, int]) -> None:
    found = stream(seed, stage, **at)
    stream(seed + 1, stage, **at).random(3)
    assert isinstance(found.bit_generator, np.random.PCG64)
    assert np.array_equal(found.random(5), stream(seed, stage, **at).random(5))


@given(
    st.integers(0, 2**127), st.sampled_from(Stage), address, st.sampled_from(["seed", "stage", "column", "replicate"])
)
def test_any_other_address_is_another_stream(seed: int, stage: Stage, at: dict[str, int], what: str) -> None:
    other_seed = seed + 1 if what == "seed" else seed
    other_stage = Stage((stage + 1) % len(Stage)) if what == "stage" else stage
    other = {name: value + (name == what) for name, value in at.items()}
    assert stream(seed, stage, **at).integers(2**62) != stream(other_seed, other_stage, **other).integers(2**62)


def test_all_addresses_differ() -> None:
    firsts = {
        stream(7, stage, replicate=r, imputation=i, partition=p, column=c).integers(2**62)
        for stage in Stage
        for r in range(3)
        for i in range(3)
        for p in range(3)
        for c in range(3)
    }
    assert len(firsts) == len(Stage) * 81


def test_neighbours_are_uncorrelated() -> None:
    values = np.array([stream(3, Stage.DRAW, imputation=i).random(2000) for i in range(40)])
    correlations = np.corrcoef(values)[np.triu_indices(40, 1)]
    # 780 correlations of standard error 1 / sqrt(2000): their mean square is 1 / 2000 within 4 of its standard errors.
    assert abs(np.mean(correlations**2) * 2000 - 1) < 4 * np.sqrt(2 / 780)
    # First numbers of many streams are uniform: Kolmogorov's 0.999 quantile is 1.95 / sqrt(n).
    firsts = np.sort([stream(s, Stage.FIT, column=c).random() for s in range(40) for c in range(50)])
    assert np.abs(firsts - (np.arange(2000) + 0.5) / 2000).max() < 1.95 / np.sqrt(2000)


def test_stages_keep_their_numbers() -> None:
    # A new number would change every release that was made with an old one.
    assert {stage.name: int(stage) for stage in Stage} == {
        **{"ORDER": 0, "FIT": 1, "DRAW": 2, "SHUFFLE": 3, "ROWS": 4, "SAMPLE": 5, "ESTIMATE": 6},
        **{"SPLIT": 7, "RESHUFFLE": 8, "SURROGATE": 9, "SURROGATE_ORDER": 10},
        **{"CHAIN": 11, "CHAIN_ORDER": 12, "AMPUTE": 13, "STATE": 14},
        **{"ORDER_SCORE": 15, "ORDER_CHOICE": 16, "EVALUATION": 17, "RULES": 18, "CANARIES": 19},
        **{"REMEDY": 20, "HOLDOUT": 21, "OUTLIERS": 22},
    }


def test_derived_seeds_hang_on_seed_and_name_alone() -> None:
    """BLAKE2b as Python's standard library has it; no two of many names or seeds meet."""
    from hashlib import blake2b

    from replicant.plan.seeds import derived_seed

    expected = blake2b(b"2010-north", key=(5).to_bytes(64, "little"), digest_size=16, person=b"replicant-bulk")
    assert derived_seed(5, "2010-north") == int.from_bytes(expected.digest(), "little")
    found = {derived_seed(seed, f"{year}") for seed in range(50) for year in range(2000, 2050)}
    assert len(found) == 2500
    assert all(0 <= seed < 2**128 for seed in found)
