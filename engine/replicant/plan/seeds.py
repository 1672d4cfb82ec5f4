"""Seeds are addresses: every random stream is named by what it is for, never by when or where it is drawn.

A stream is `SeedSequence(seed, spawn_key=(stage, replicate, imputation, partition, column))`, so results are the same
bytes for any number of workers, any order of tasks, any retry, and after a resume.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

__all__ = ["Stage", "stream"]


class Stage(IntEnum):
    """What a stream is drawn for. The numbers are part of every result: never renumber, only add."""

    ORDER = 0
    FIT = 1
    DRAW = 2
    SHUFFLE = 3
    ROWS = 4


def stream(
    seed: int,
    stage: Stage,
    *,
    replicate: int = 0,
    imputation: int = 0,
    partition: int = 0,
    column: int = 0,
) -> np.random.Generator:
    """The random stream of one address.

    Parameters
    ----------
    seed
        The run's seed, not negative.
    stage
        What the numbers are for.
    replicate, imputation, partition
        0-based indices. Replicate 0 is the run itself, or the first replicate of a study.
    column
        Position of the column in the table.

    Returns
    -------
    numpy.random.Generator
        A fresh PCG64 generator at the start of its stream.
    """
    address = (int(stage), replicate, imputation, partition, column)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=address)))
