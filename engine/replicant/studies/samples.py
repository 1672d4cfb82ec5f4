"""Samples as whole-number row weights: bootstrap samples or halves, drawn from the study's seed, or given in a file."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from os import PathLike, fspath
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicant.errors import DataError
from replicant.plan.seeds import Stage, stream

__all__ = ["Samples", "drawn", "given"]

Rows: TypeAlias = NDArray[np.int32]


@dataclass(frozen=True, eq=False, repr=False)
class Samples:
    """The samples of a study.

    Attributes
    ----------
    n
        Rows of the table, and of each bootstrap sample.
    replicates
        The number of samples.
    seed
        The seed, if they are drawn.
    rows
        (replicates, n) 0-based rows where they are given; None: drawn, each from its own address.
    cluster
        (n,) 0 ... G - 1, the clusters that are drawn as a whole; None: rows are drawn.
    halves
        Whether each sample is half of the rows, or clusters, each once.
    """

    n: int
    replicates: int
    seed: int
    rows: Rows | None = None
    cluster: NDArray[np.intp] | None = None
    halves: bool = False

    @property
    def how(self) -> str:
        """`drawn`, `halves` or `given`."""
        return "given" if self.rows is not None else "halves" if self.halves else "drawn"

    def weights(self, replicate: int) -> Rows:
        """How often a sample holds each row: (n,) int32.

        Of a bootstrap sample the sum is n, or n on average where clusters are drawn; of a half, half of it.
        """
        if self.rows is not None:
            return np.bincount(self.rows[replicate], minlength=self.n).astype(np.int32)
        rng = stream(self.seed, Stage.SAMPLE, replicate=replicate)
        units = self.n if self.cluster is None else int(self.cluster.max(initial=-1)) + 1
        taken = rng.permutation(units)[: (units + 1) // 2] if self.halves else rng.integers(0, units, units)
        weights = np.bincount(taken, minlength=units).astype(np.int32)
        return weights if self.cluster is None else weights[self.cluster]

    def clusters_apart(self, codes: Rows, weights: Rows) -> Rows:
        """The cluster of each row of a sample, where one that was drawn twice is two clusters.

        Its second copy has the name of a cluster that was not drawn. There are as many of these as there are further
        copies; if rows without a cluster are among the units drawn there may be fewer, and the last copies keep their
        name.

        Parameters
        ----------
        codes
            (n,) codes of the clusters of the table's rows.
        weights
            (n,) how often the sample holds each row.

        Returns
        -------
        array
            (sum of weights,) codes, in the order of the table's rows.

        References
        ----------
        Davison, A. C. and Hinkley, D. V. (1997). *Bootstrap Methods and their Application*, section 3.8. Cambridge.
        """
        of_rows = np.repeat(codes, weights)
        if self.cluster is None:
            return of_rows
        _, first = np.unique(self.cluster, return_index=True)
        names, counts = codes[first], weights[first]
        unused = names[(counts == 0) & (names >= 0)]
        further = np.where(names >= 0, np.maximum(counts - 1, 0), 0)
        before = np.cumsum(further) - further
        copy = np.arange(len(of_rows)) - np.repeat(np.cumsum(weights) - weights, weights)
        at = np.where(of_rows >= 0, np.repeat(before[self.cluster], weights) + copy - 1, -1)
        renamed = (copy > 0) & (at >= 0) & (at < len(unused))
        of_rows[renamed] = unused[at[renamed]]
        return of_rows

    def digest(self) -> str:
        """A digest of what determines the samples, except for the seed."""
        facts = f"{self.n},{self.replicates},{self.how}".encode()
        of_rows = b"" if self.rows is None else self.rows.tobytes()
        of_clusters = b"" if self.cluster is None else self.cluster.astype(np.int64).tobytes()
        return sha256(facts + of_rows + of_clusters).hexdigest()


def drawn(
    n: int, replicates: int, seed: int, clusters: NDArray[np.integer[Any]] | None = None, *, halves: bool = False
) -> Samples:
    """Simple random samples: with replacement, or halves.

    Parameters
    ----------
    n
        Rows of the table.
    replicates
        How many samples.
    seed
        Of the study.
    clusters
        (n,) codes of clusters: as many of these as there are make up a sample, each with all its rows. A row without
        one, of a code below 0, is a cluster by itself. None: n rows.
    halves
        Half of the rows, or clusters, each once.

    Returns
    -------
    Samples
        Drawn when they are asked for.
    """
    if clusters is None:
        return Samples(n, replicates, seed, halves=halves)
    own = np.where(clusters < 0, int(clusters.max(initial=-1)) + 1 + np.arange(n), clusters)
    _, cluster = np.unique(own, return_inverse=True)
    return Samples(n, replicates, seed, cluster=cluster, halves=halves)


def given(path: str | PathLike[str], n: int, replicates: int) -> Samples:
    """Samples from a file.

    Parameters
    ----------
    path
        CSV without a header, plain or gzipped: one line for each sample, its number and then n row numbers from 1.
    n
        Rows of the table.
    replicates
        How many samples to use: the first ones.

    Raises
    ------
    DataError
        If there are too few, or a line is not a sample of this table.
    """
    rows = np.empty((replicates, n), dtype=np.int32)
    need = f"on each line the sample's number and {n:,} row numbers from 1 to {n:,}"
    count = 0
    with _opened(path) as file:
        for line in csv.reader(file):
            if count == replicates:
                break
            try:
                values = np.array(line[1:], dtype=np.int64)
            except (ValueError, OverflowError):
                raise DataError(f"line {count + 1} of the samples does not hold numbers only", need=need) from None
            if values.shape != (n,) or values.min() < 1 or values.max() > n:
                raise DataError(f"line {count + 1} of the samples is not a sample of this table", need=need)
            rows[count] = values - 1
            count += 1
    if count < replicates:
        raise DataError(
            f"the file has {count:,} samples, but {replicates:,} replicates are requested",
            need="a sample for each replicate",
            fix=f"set study.replicates to {count}, or leave study.samples out to draw them",
        )
    return Samples(n, replicates, 0, rows)


@contextmanager
def _opened(path: str | PathLike[str]) -> Iterator[IO[str]]:
    location = fspath(path)
    try:
        with gzip.open(location, "rt", newline="") if location.endswith(".gz") else open(location, newline="") as file:
            yield file
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        raise DataError(
            f"the file of samples cannot be read ({getattr(error, 'strerror', None) or type(error).__name__})",
            need="a CSV file, plain or gzipped",
        ) from None
