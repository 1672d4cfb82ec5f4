"""Chains on one partition, run side by side: a method that can draws for all of them in one go.

On a small table most of the time goes into calls of NumPy, whatever they are given, so ten chains take little longer
than one. What a chain draws does not depend on which others run beside it: each has random streams of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from replicant.fcs.chain import Chain, Completed
from replicant.fcs.chain_table import Visit
from replicant.fcs.checked import checked_draw

__all__ = ["run_chains"]


def run_chains(chains: Sequence[Chain], iterations: int) -> list[Completed]:
    """Run some iterations.

    Parameters
    ----------
    chains
        Those to run, which visit columns in the same order.
    iterations
        How many.

    Returns
    -------
    list of Completed
        Where each of them is then.
    """
    shared = chains[0].shared
    matrices = chains[0].matrix[None]
    if len(chains) > 1:
        matrices = np.stack([chain.matrix for chain in chains])
        for chain, matrix in zip(chains, matrices, strict=True):
            chain.matrix = matrix
    means = np.full((len(chains), iterations, len(shared.traced)), np.nan)
    sds = np.full_like(means, np.nan)
    for i in range(iterations):
        for chain in chains:
            chain.iteration += 1
        with np.errstate(all="ignore"):  # what is drawn is checked, which numbers on the way need not be
            for name in chains[0].sequence:
                visit = shared.visits.get(name)
                if visit is None:
                    continue
                if visit.together and len(chains) > 1:
                    _draw_together(chains, matrices, visit)
                    continue
                for chain in chains:
                    chain.draw(visit)
            for j, name in enumerate(shared.traced):
                numbers = np.array([chain.imputed(name) for chain in chains])
                size = numbers.shape[1]
                means[:, i, j] = mean = numbers.sum(axis=1) / size
                numbers -= mean[:, None]
                sds[:, i, j] = np.sqrt(np.square(numbers, out=numbers).sum(axis=1) / max(1, size - 1))
    return [chain.completed(*moments) for chain, *moments in zip(chains, means, sds, strict=True)]


def _draw_together(chains: Sequence[Chain], matrices: npt.NDArray[np.float64], visit: Visit) -> None:
    """A visit of all chains, whose design matrices are given."""
    planned, shared = visit.column, chains[0].shared
    design = matrices.take(visit.design, axis=1)
    known, x = (design.take(rows, axis=2).transpose(0, 2, 1) for rows in (visit.fit, visit.rows))
    position = shared.positions[planned.name]
    rngs = [chain.stream(position) for chain in chains]
    found = planned.declaration.method.draw_each(visit.response.value, known, x, rngs)
    together = [drawn for drawn, _ in filter(None, found)]
    if together:
        size = len(together) * len(visit.rows)
        checked_draw(np.concatenate(together), size, planned.declaration.name, shared.table.columns[position])
    for chain, one in zip(chains, found, strict=True):
        if one is None:
            chain.draw(visit)
        else:
            chain.take(visit, *one)
