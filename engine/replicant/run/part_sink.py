"""Writes finished partitions of sets, wherever they were drawn, and records what was written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from replicant import release
from replicant.errors import ReleaseError
from replicant.fcs import NOTHING, Account
from replicant.remedy.counts import RowCounts
from replicant.run.partial_results import Records
from replicant.storage.filesystem import is_url
from replicant.summaries.summary import Outline, Tally, tally

if TYPE_CHECKING:
    import pandas as pd

    from replicant.remedy.rows import RowRemedies

__all__ = ["PartSink", "Written"]


@dataclass(frozen=True, repr=False)
class Written:
    """One finished partition: the records of its files, what was counted in it, and what else is known of it."""

    part: release.SetFile
    copies: tuple[release.Copy, ...]
    tally: Tally | None
    account: Account = NOTHING
    treated: RowCounts | None = None

    @property
    def hashes(self) -> dict[str, str]:
        """The sha256 of each of its files, by path."""
        return {self.part.path: self.part.sha256, **{copy.path: copy.sha256 for copy in self.copies}}

    def as_dict(self) -> dict[str, Any]:
        """For a record."""
        copies = [asdict(copy) for copy in self.copies]
        account = self.account.as_dict()
        treated = None if self.treated is None else asdict(self.treated)
        return {
            "part": asdict(self.part),
            "copies": copies,
            "tally": self.tally,
            "account": account,
            "treated": treated,
        }

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Written:
        """From a record."""
        copies = tuple(release.Copy(**copy) for copy in said["copies"])
        treated = None if said["treated"] is None else RowCounts(**said["treated"])
        return cls(release.SetFile(**said["part"]), copies, said["tally"], Account.of(said["account"]), treated)


@dataclass(frozen=True, repr=False)
class PartSink:
    """Writes one finished partition to the staging folder, and counts it while it is at hand; travels to workers.

    Attributes
    ----------
    staging
        The release in the making.
    schema
        That of every file.
    outline
        What to count for the summary; None for nothing.
    copies
        Formats to write beside Parquet, with what each needs to know of the table.
    records
        Where finished partitions are recorded; None: nowhere.
    remedies
        What is done to rows at risk before they are written; None: nothing.
    """

    staging: release.Staging
    schema: release.OutputSchema
    outline: Outline | None = None
    copies: Mapping[str, Any] = field(default_factory=dict)
    records: Records | None = None
    remedies: RowRemedies | None = None

    def find(self, imputation: int, partition: int) -> Written | None:
        """A partition that an interrupted run has finished."""
        said = None if self.records is None else self.records.find(_name(imputation, partition))
        wanted = [*self.copies], self.schema.flag
        if said is None or ([copy["format"] for copy in said["copies"]], said["flag"]) != wanted:
            return None
        return Written.of(said)

    def __call__(self, frame: pd.DataFrame, imputation: int, partition: int, account: Account = NOTHING) -> Written:
        path = self.staging.path
        if not is_url(path) and not os.path.isdir(path):
            # Another machine, or a task that outlived its run. Made here, it would be half a release left behind.
            raise ReleaseError(
                "A worker does not see the folder in which the release is being written.",
                need="an output path that all machines share",
                fix="write to a shared disk or to object storage, or run with --workers or --threads",
            )
        treated = None
        if self.remedies is not None:
            frame, treated = self.remedies(frame, imputation, partition)
        at = imputation + 1, partition
        part = release.write_file(self.staging, frame, self.schema, *at)
        flag = self.schema.flag
        whole = frame if flag is None else frame.assign(**{flag: bool(self.schema.meta["synthetic"])})
        copies = tuple(release.write_copy(self.staging, whole, form, facts, *at) for form, facts in self.copies.items())
        counted = None if self.outline is None else tally(frame, self.outline)
        written = Written(part, copies, counted, account, treated)
        if self.records is not None:
            self.records.keep(_name(imputation, partition), {**written.as_dict(), "flag": flag}, written.hashes)
        return written


def _name(imputation: int, partition: int) -> str:
    return f"set-{imputation}-{partition}"
