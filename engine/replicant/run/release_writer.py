"""From finished partitions to a finished release: staged aside, then put in place whole or not at all.

What a job was to write and could not finish is kept, and taken up by the same job or by `replicant resume`.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from replicant import release
from replicant.errors import DataError, ReleaseError, SpecError, UnexpectedError
from replicant.events import Event
from replicant.execution.progress import Progress
from replicant.fcs import Account, account_events, facts_of
from replicant.plan.model import Plan
from replicant.remedy.counts import RowCounts, row_counts
from replicant.run.part_sink import PartSink, Written
from replicant.run.partial_results import SUFFIX, Records
from replicant.storage.filesystem import is_url
from replicant.storage.folder import Folder
from replicant.storage.lease import check_held
from replicant.storage.open import open_folder
from replicant.summaries.summary import Outline, Tally, combine
from replicant.table import Table

if TYPE_CHECKING:
    pass

__all__ = [
    "Synthesized",
    "Writer",
    "finish",
    "is_kept",
    "settled",
    "staged",
    "sweep",
    "unfinished",
    "writing",
]


@dataclass
class Writer:
    """An open release: whoever writes takes `sink` and adds what it returned to `written`.

    Accounts of partitions whose rows were shuffled before they were written are in `elsewhere`.
    """

    sink: PartSink
    written: list[Written] = field(default_factory=list)
    helpers: list[release.Helper] = field(default_factory=list)
    elsewhere: list[Account] = field(default_factory=list)

    @property
    def parts(self) -> list[release.SetFile]:
        """The Parquet files written."""
        return [one.part for one in self.written]

    @property
    def copies(self) -> list[release.Copy]:
        """The copies written."""
        return [copy for one in self.written for copy in one.copies]

    def events(self, plan: Plan) -> tuple[Event, ...]:
        """What became of chains and donors, what methods noted, and what copies hold otherwise than the table."""
        said = [event for facts in self.sink.copies.values() for event in getattr(facts, "events", ())]
        return (*account_events(self.accounts, plan), *said)

    @property
    def accounts(self) -> list[Account]:
        """What is known of the sets beside their rows."""
        return [*(one.account for one in self.written), *self.elsewhere]

    @property
    def treated(self) -> RowCounts | None:
        """What was done to rows at risk, over all sets; None if there were no remedies."""
        return row_counts(one.treated for one in self.written)

    @property
    def files(self) -> list[release.Record]:
        """All files written, before the manifest."""
        return [*self.parts, *self.copies, *self.helpers]

    def take_up(self, plan: Plan, progress: Progress) -> frozenset[tuple[int, int]]:
        """Take what an interrupted run has finished: imputation and partition of each."""
        found = set()
        for imputation in range(plan.m):
            for part in plan.partitions:
                if (written := self.sink.find(imputation, part.index)) is not None:
                    self.written.append(written)
                    found.add((imputation, part.index))
        if found:
            progress.note(
                f"taking up an interrupted run: {len(found)} of {plan.m * len(plan.partitions)} files are there"
            )
        return frozenset(found)

    def tallies(self) -> list[Tally]:
        """What was counted in each set."""
        sets: dict[int, Tally] = {}
        for one in sorted(self.written, key=lambda one: (one.part.imputation, one.part.partition)):
            if one.tally is not None:
                before = sets.get(one.part.imputation)
                sets[one.part.imputation] = one.tally if before is None else combine(before, one.tally)
        return list(sets.values())


@dataclass(frozen=True, repr=False)
class Synthesized:
    """Everything that a release is made of, before its manifests are written.

    Attributes
    ----------
    writer
        The files that are there.
    plan, table
        What was done; the encoded table, with its cells or without.
    outline, real
        What was counted, and in the real rows.
    source
        Where the data came from, for the internal manifest.
    resumed
        Whether an interrupted run was taken up.
    """

    writer: Writer
    plan: Plan
    table: Table
    outline: Outline
    real: Tally
    source: Mapping[str, Any]
    resumed: bool


@contextmanager
def writing(
    plan: Plan,
    table: Table,
    target: str,
    *,
    internal: str | None = None,
    overwrite: bool = False,
    copies: Collection[str] = (),
    helpers: Collection[str] = (),
    flag: str | None = None,
    spec: Any = None,
    source: Mapping[str, Any] | None = None,
) -> Iterator[Writer]:
    """Open a release of what is drawn already, and finish it at the end; whatever goes wrong, nothing is left behind.

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
    copies
        Formats to write beside Parquet.
    helpers
        Languages of the scripts to add; `stata` needs copies as `csv`.
    flag
        A column that says in each row whether it is synthetic; None for none.
    spec, source
        What was asked for and where the data came from, for the internal manifest.

    Raises
    ------
    ReleaseError
        If it cannot be written.
    """
    with staged(target, digest=plan.digest, m=plan.m, internal=internal, overwrite=overwrite, job=None) as staging:
        facts = copied(copies, table, max(part.k for part in plan.partitions), flag)
        writer = Writer(PartSink(staging, release.output_schema(plan, table, flag), copies=facts))
        yield writer
        finish(writer, plan, table, helpers=helpers, spec=spec, source=source)


def copied(formats: Collection[str], table: Table, rows: int, flag: str | None) -> dict[str, Any]:
    """What the writers of copies need to know of the table, by format.

    Parameters
    ----------
    formats
        Names of `release.FORMATS`.
    table
        The encoded table, with its cells or without.
    rows
        The most rows that one file will hold.
    flag
        A column that says in each row whether it is synthetic; None for none.

    Raises
    ------
    DataError
        If a format cannot hold the table.
    """
    table = release.flagged(table, flag)
    return {form: release.FORMATS[form].prepare(table, rows) for form in formats}


@contextmanager
def staged(
    target: str,
    *,
    digest: str,
    m: int,
    internal: str | None,
    overwrite: bool,
    job: Mapping[str, Any] | None,
    private: bool = False,
) -> Iterator[release.Staging]:
    """Hold a folder beside the target in which a release is made.

    Parameters
    ----------
    target, digest, m, internal, overwrite
        As for `release.stage`.
    job
        The job as a document: what is finished is kept if the run stops, and found again by a run of the same digest.
        None: an unfinished release is removed.
    private
        Whether the release can be read by its owner only.

    Raises
    ------
    ReleaseError
        If it cannot be made, or the same job is running.
    """
    make = partial(release.stage, target, digest=digest, overwrite=overwrite, m=m, internal=internal, private=private)
    if job is None:
        with make() as staging:
            yield staging
        return
    records = Records(release.staging_folder(target, digest))
    with records.held():
        try:
            staging = make()  # after the run that held the folder before
            records.begin({"digest": digest, "overwrite": overwrite, "job": job})
            yield staging
        except BaseException as error:
            # What is wrong with the job or the data stays wrong; and nothing is kept for nothing.
            if isinstance(error, SpecError | DataError | UnexpectedError) or not _may_be_kept(records):
                records.end()
                open_folder(records.result).remove()
            raise
        records.end()


def _may_be_kept(records: Records) -> bool:
    try:
        return records.any()
    except ReleaseError:  # the run stops because the folder cannot be looked at
        return True


def finish(
    writer: Writer,
    plan: Plan,
    table: Table,
    *,
    helpers: Collection[str],
    spec: Any,
    source: Mapping[str, Any] | None,
) -> None:
    """Write helpers and manifests, and put the release in place.

    Raises
    ------
    ReleaseError
        If a file is missing, or anything cannot be written.
    """
    staging = writer.sink.staging
    flag = writer.sink.schema.flag
    sheet = release.sheet_of(release.flagged(table, flag)) if helpers or "csv" in writer.sink.copies else None
    public = release.public_manifest(plan, table, writer.parts, writer.copies, "" if sheet is None else sheet.missing)
    if flag is not None:
        public["flag"] = flag
    public["events"] += [event.as_dict() for event in (*_confidential(plan), *writer.events(plan))]
    if sheet is not None and helpers:
        texts = {language: release.helper_text(language, public, sheet) for language in helpers}
        writer.helpers += [release.write_helper(staging, language, text) for language, text in texts.items()]
        public["helpers"] = [asdict(helper) for helper in writer.helpers]
    secret = release.internal_manifest(plan, table, writer.parts, spec=spec, source=source)
    secret |= facts_of(writer.accounts)
    if (treated := writer.treated) is not None:
        secret["treated"] = asdict(treated)
    if writer.sink.records is not None:
        check_held(writer.sink.records.folder.url)
    release.commit(staging, writer.files, public, secret)


def _confidential(plan: Plan) -> list[Event]:
    """A warning, if the sets are not synthetic."""
    if not plan.keeps_all:
        return []
    text = "nothing is synthesized: the sets are the real records, their missing cells filled, and as confidential"
    return [Event("real_records", "", text)]


def sweep(target: str) -> bool:
    """Remove what a run left behind on a disk that was killed while it removed it; whether there was any."""
    if is_url(target):
        return False
    left = _beside(open_folder(os.path.realpath(target)), f"({re.escape(SUFFIX)})?\\.gone")
    for entry in left:
        shutil.rmtree(entry, ignore_errors=True)
    return bool(left)


def settled(target: str, *, digest: str, internal: str | None) -> list[release.Record] | None:
    """Tidy up after a run that was killed when its release was in place already; its files, or None if it is not.

    Raises
    ------
    ReleaseError
        If that run is still at it, or something cannot be read or written.
    """
    records = Records(release.staging_folder(target, digest))
    with records.held():
        files = release.settle(target, digest=digest, internal=internal)
        if files is not None:
            records.end()
        return files


def unfinished(target: str) -> dict[str, Any] | None:
    """The `job`, `digest` and `overwrite` of a release that was begun and not finished; None if there is none whole.

    Raises
    ------
    ReleaseError
        If the folder cannot be looked at.
    """
    for entry in _beside(open_folder(target if is_url(target) else os.path.realpath(target)), re.escape(SUFFIX)):
        begun = Records(entry.removesuffix(SUFFIX)).document()
        if begun is not None:
            return begun
    return None


def is_kept(target: str) -> bool:
    """Whether there may be something to go on with."""
    try:
        return unfinished(target) is not None
    except ReleaseError:  # the run stops because the folder cannot be looked at
        return True


def _beside(target: Folder, ending: str) -> list[str]:
    """Paths or URLs of hidden folders of a target, by the pattern of what their names end on."""
    pattern = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{8}}\.partial{ending}")
    return [target.sibling(name) for name in target.beside() if pattern.fullmatch(name)]
