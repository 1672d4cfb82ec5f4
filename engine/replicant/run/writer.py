"""From finished partitions to a finished release: staged aside, then put in place whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from replicant import release
from replicant.errors import ReleaseError
from replicant.plan.model import Plan
from replicant.report.summary import Outline, Tally, combine, conclude, outline, tally
from replicant.table import Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PartSink", "Writer", "Written", "writing"]


@dataclass(frozen=True, repr=False)
class Written:
    """One finished partition: the records of its files, and what was counted in it."""

    part: release.Part
    csv: release.Part | None
    tally: Tally | None


@dataclass(frozen=True, repr=False)
class PartSink:
    """Writes one finished partition to the staging folder, and counts it while it is at hand; travels to workers.

    Attributes
    ----------
    staging
        The release in the making.
    meta
        What every file says of the table.
    outline
        What to count for the summary; None for nothing.
    sheet
        How to write CSV beside Parquet; None for no CSV.
    """

    staging: release.Staging
    meta: Mapping[str, Any]
    outline: Outline | None = None
    sheet: release.Sheet | None = None

    def __call__(self, frame: pd.DataFrame, imputation: int, partition: int) -> Written:
        path = self.staging.path
        if "://" not in path and not os.path.isdir(path):
            # Another machine, or a task that outlived its run. Made here, it would be half a release left behind.
            raise ReleaseError(
                "A worker does not see the folder in which the release is being written.",
                need="an output path that all machines share",
                fix="write to a shared disk or to object storage, or run with --workers or --threads",
            )
        at = imputation + 1, partition
        part = release.write_part(self.staging, frame, self.meta, *at)
        csv = None if self.sheet is None else release.write_csv(self.staging, frame, self.sheet, *at)
        return Written(part, csv, None if self.outline is None else tally(frame, self.outline))


@dataclass
class Writer:
    """An open release: whoever writes takes `sink` and adds what it returned to `written`."""

    sink: PartSink
    written: list[Written] = field(default_factory=list)
    helpers: list[release.Helper] = field(default_factory=list)

    @property
    def parts(self) -> list[release.Part]:
        """The Parquet files written."""
        return [one.part for one in self.written]

    @property
    def csv(self) -> list[release.Part]:
        """The CSV files written."""
        return [one.csv for one in self.written if one.csv is not None]

    @property
    def files(self) -> list[release.Part | release.Helper]:
        """All files written, before the manifest."""
        return [*self.parts, *self.csv, *self.helpers]

    def summary(self, table: Table) -> dict[str, Any]:
        """Real beside synthetic, from what was counted."""
        if self.sink.outline is None:
            raise ValueError("nothing was counted")
        sets: dict[int, Tally] = {}
        for one in sorted(self.written, key=lambda one: (one.part.imputation, one.part.partition)):
            if one.tally is not None:
                before = sets.get(one.part.imputation)
                sets[one.part.imputation] = one.tally if before is None else combine(before, one.tally)
        return conclude(self.sink.outline, tally(table, self.sink.outline), list(sets.values()))


@contextmanager
def writing(
    plan: Plan,
    table: Table,
    target: str,
    *,
    internal: str | None = None,
    overwrite: bool = False,
    count: bool = False,
    csv: bool = False,
    helpers: Collection[str] = (),
    spec: Any = None,
    source: Mapping[str, Any] | None = None,
) -> Iterator[Writer]:
    """Open a release, and finish it at the end; whatever goes wrong, nothing is left behind.

    Parameters
    ----------
    plan, table
        What is carried out.
    target
        Where the release will be.
    internal
        The folder of the internal manifest; None for `<target>-internal`.
    overwrite
        Replace a release that is there.
    count
        Count what is written, for `Writer.summary`.
    csv
        Write CSV beside Parquet.
    helpers
        Languages of the scripts to add; `stata` needs `csv`.
    spec, source
        What was asked for and where the data came from, for the internal manifest.

    Raises
    ------
    ReleaseError
        If it cannot be written.
    """
    with release.stage(target, digest=plan.digest, overwrite=overwrite, m=plan.m, internal=internal) as staging:
        sheet = release.sheet_of(table) if csv or helpers else None
        meta, counted = release.table_meta(table), outline(table) if count else None
        writer = Writer(PartSink(staging, meta, counted, sheet if csv else None))
        yield writer
        public = release.public_manifest(plan, table, writer.parts, writer.csv, "" if sheet is None else sheet.missing)
        if sheet is not None:
            texts = {language: release.helper_text(language, public, sheet) for language in helpers}
            writer.helpers += [release.write_helper(staging, language, text) for language, text in texts.items()]
            public["helpers"] = [asdict(helper) for helper in writer.helpers]
        secret = release.internal_manifest(plan, table, writer.parts, spec=spec, source=source)
        release.commit(staging, writer.files, public, secret)
