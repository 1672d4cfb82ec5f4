"""Where a job's table comes from, so that any process can read it again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from replicant.errors import DataError
from replicant.table import ColumnSpec, Dataset, Loaded, Reading, Table, encode_table, read_dataset, read_table
from replicant.table.codebook import as_specs

if TYPE_CHECKING:
    from replicant.run.holdout import Holdout
    from replicant.spec.models import JobSpec, SynthesisSpec

__all__ = ["Source", "dataset_of"]


@dataclass(frozen=True, repr=False)
class Source:
    """Where a table comes from, so that any process can load it again.

    Attributes
    ----------
    path, dataset
        A path or URL, or the name of a built-in data set; exactly one is given.
    select
        Columns to read, in the order wanted; None for all.
    columns
        What the user said of columns.
    drop
        Columns to leave out.
    digest
        Of the table that is expected; None if any will do.
    reading
        How the file is written, where that was said.
    holdout
        Rows that are left out of the table.
    recodings
        The settings that say how columns are recoded; None if none are.
    """

    path: str | None = None
    dataset: str | None = None
    select: tuple[str, ...] | None = None
    columns: Mapping[str, ColumnSpec | dict[str, Any]] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    digest: str | None = None
    reading: Reading = field(default_factory=Reading)
    holdout: Holdout | None = None
    recodings: SynthesisSpec | None = None

    @classmethod
    def at(
        cls,
        path: str | PathLike[str],
        columns: Mapping[str, Any] | None = None,
        reading: Reading | None = None,
        spec: SynthesisSpec | None = None,
    ) -> Source:
        """A file, folder or URL, as seen from any working directory."""
        given, reading, drop = dict(columns or {}), reading or Reading(), () if spec is None else tuple(spec.drop)
        return cls(
            path=_absolute(os.fspath(path)), columns=given, drop=drop, reading=reading, recodings=_recodings(spec)
        )

    @classmethod
    def of_job(cls, job: JobSpec) -> Source:
        """A job's input. What its gate holds out hangs on the seed of the synthesis, which is settled then."""
        path = None if job.input.path is None else _absolute(job.input.path)
        select = None if job.input.columns is None else tuple(job.input.columns)
        drop = tuple(job.synthesis.drop)
        share = None if job.gate is None else job.gate.share
        held = None
        if share is not None and job.synthesis.seed is not None:
            from replicant.run.holdout import Holdout

            held = Holdout(share, job.synthesis.seed)
        made = cls(path, job.input.dataset, select, dict(job.columns), drop, reading=job.input.reading, holdout=held)
        return replace(made, recodings=_recodings(job.synthesis))

    def load(self) -> Table:
        """Read and encode.

        Raises
        ------
        DataError, SpecError
            If it cannot be read, cannot be synthesized as it is, or is not the table expected.
        """
        return self.counted()[0]

    def counted(self) -> tuple[Table, int]:
        """The same, and how many rows there are with those that are left out.

        Raises
        ------
        DataError, SpecError
            As `load`.
        """
        loaded = self._read()
        rows = len(loaded.frame)
        if self.holdout is not None:
            self.holdout.check(rows)
            kept = ~self.holdout.mask(rows)
            loaded = replace(loaded, frame=loaded.frame[kept].reset_index(drop=True))
        table = self._encoded(loaded, self.recodings)
        if self.digest is not None and table.digest() != self.digest:
            raise DataError(
                "A worker read another table than the one the plan was made for.",
                need="the same data at the same path on every machine, unchanged while the job runs",
                fix="check what the workers see there, or give the table as a frame",
            )
        return table, rows

    def halves(self) -> tuple[Table, Table | None]:
        """The table, and the rows that are left out of it, by one codebook, and not recoded; for the owner of the data.

        Raises
        ------
        DataError, SpecError
            If it cannot be read.
        """
        whole = self._encoded(self._read(), None)
        if self.holdout is None:
            return whole, None
        held = self.holdout.mask(whole.n)
        return whole.take(np.flatnonzero(~held)), whole.take(np.flatnonzero(held))

    def _encoded(self, loaded: Loaded, recodings: SynthesisSpec | None) -> Table:
        if recodings is None and not any(spec.recoding for spec in as_specs(self.columns).values()):
            known, by_file = loaded.declared(self.columns), loaded.by_file(self.columns)
            return encode_table(loaded.frame, known, events=loaded.events, drop=self.drop, by_file=by_file)
        # Who only looks at a table does not wait for plans.
        from replicant.plan.recoding import encode_recoded

        return encode_recoded(loaded, self.columns, recodings, self.drop)

    def describe(self) -> dict[str, Any]:
        """For the internal manifest."""
        given: dict[str, Any] = {"path": self.path, "dataset": self.dataset}
        given |= {"columns": self.select and list(self.select), "holdout": self.holdout and self.holdout.share}
        return {key: value for key, value in given.items() if value is not None}

    def _read(self) -> Loaded:
        data = self.path if self.dataset is None else read_dataset(self.dataset)
        return read_table(data, columns=self.select, reading=self.reading, codebook=self.columns)


def dataset_of(job: JobSpec) -> Dataset:
    """A job's input, of which only the metadata is read.

    Raises
    ------
    SpecError, DataError
        If it is no Parquet, cannot be read, or is not what was said.
    """
    chosen = None if job.input.columns is None else tuple(job.input.columns)
    return Dataset.open(str(job.input.path), chosen, reading=job.input.reading, codebook=job.columns)


def _recodings(spec: SynthesisSpec | None) -> SynthesisSpec | None:
    return spec if spec is not None and spec.recoded else None


def _absolute(path: str) -> str:
    """A local path as every process sees it, wherever it works; a URL as it is."""
    return path if "://" in path else os.path.abspath(path)
