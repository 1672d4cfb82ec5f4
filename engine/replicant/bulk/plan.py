"""What a bulk would do, in words, before anything is written: what `replicant plan` prints of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from replicant.bulk.ledger import known_fingerprints, seeded
from replicant.bulk.result import near
from replicant.bulk.staleness import Judgement, State, fingerprint_of, judge
from replicant.errors import PartialError, ReplicantError
from replicant.execution.backend import Backend
from replicant.execution.failure import describe
from replicant.plan.memory import BASE, readable
from replicant.run.preview import Preview, preview
from replicant.spec.bulk import BulkJob, BulkRelease
from replicant.storage.lock import check_free
from replicant.storage.open import open_folder
from replicant.view.figures import duration, plain

__all__ = ["BulkPlan", "dry_run_bulk", "plan_bulk"]


@dataclass(frozen=True)
class _Line:
    """What is known of one release."""

    name: str
    todo: str
    found: Preview | None = None
    refused: str = ""


@dataclass(frozen=True, repr=False)
class BulkPlan:
    """What a bulk would do.

    Attributes
    ----------
    bulk
        The bulk.
    lines
        One for each release.
    """

    bulk: BulkJob
    lines: tuple[_Line, ...]

    @property
    def refused(self) -> Mapping[str, str]:
        """Releases that cannot be made, with the reason."""
        return {line.name: line.refused for line in self.lines if line.refused}

    def text(self) -> str:
        """What `replicant plan` prints."""
        head = ["release", "to do", "rows", "columns", "seconds", "memory"]
        cells = [head, *(_cells(line) for line in self.lines)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
        rows = [
            "  ".join(
                cell.ljust(width) if i < 2 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in cells
        ]
        todo = [line.found for line in self.lines if line.found is not None]
        together = BASE + sum(found.peak - BASE for found in todo)
        lines = [*rows, "", f"{len(self.lines)} releases: {self._counted()}."]
        if todo:
            most = max(found.peak for found in todo)
            lines += [
                f"About {duration(max(0.1, sum(found.seconds for found in todo)))} on one core.",
                f"Memory: about {readable(most)} for the largest, {readable(together)} for all at once in one process; "
                "--memory says how much there is.",
            ]
        pairs = len(self.bulk.neighbours)
        if pairs:
            lines.append(f"{pairs} pairs of releases are next to each other on {self.bulk.drift} and are compared.")
        shared, kept = near(self.bulk.folder), near(self.bulk.internal)
        return "\n".join([*lines, f"The index goes to {shared}, what is not to be shared to {kept}."])

    def require(self) -> None:
        """Raise if a release cannot be made.

        Raises
        ------
        PartialError
            With the reason of each.
        """
        if not self.refused:
            return
        reasons = "\n".join(f"  {name}: {'; '.join(why.splitlines())}" for name, why in self.refused.items())
        raise PartialError(
            f"{len(self.refused)} of {len(self.lines)} releases cannot be made.\n{reasons}",
            fix="correct the cause; a run would make the others",
        )

    def _counted(self) -> str:
        fresh = sum(line.found is not None for line in self.lines)
        still = len(self.lines) - fresh - len(self.refused)
        parts = [(fresh, "to be made"), (still, "up to date"), (len(self.refused), "cannot be made")]
        return ", ".join(f"{count} {words}" for count, words in parts if count)


def plan_bulk(bulk: BulkJob, memory: int | None = None, *, overwrite: bool = False) -> BulkPlan:
    """Judge and plan every release of a bulk, touching nothing; tables of those that are up to date are not read.

    Parameters
    ----------
    bulk
        From `load_any`.
    memory
        Bytes that one process may take.
    overwrite
        Whether what this bulk did not make may be replaced.
    """
    _, releases = seeded(bulk)
    known = known_fingerprints(bulk)
    return BulkPlan(bulk, tuple(_line(release, known.get(release.name), memory, overwrite) for release in releases))


def dry_run_bulk(bulk: BulkJob, backend: Backend | None = None, *, overwrite: bool = False) -> BulkPlan:
    """The same, and whether the folders can be written to and no other run holds them.

    Parameters
    ----------
    bulk, overwrite
        As for `plan_bulk`.
    backend
        Where it would run.

    Raises
    ------
    ReleaseError
        If nothing can be written, or the bulk is running.
    """
    check_free(open_folder(bulk.internal))
    for path in (bulk.folder, bulk.internal):
        open_folder(f"{path}/any").check_writable()
    return plan_bulk(bulk, None if backend is None else backend.memory, overwrite=overwrite)


def _line(release: BulkRelease, known: str | None, memory: int | None, overwrite: bool) -> _Line:
    try:
        judged = judge(release.job, fingerprint_of(release.job), known)
        if judged.state is State.UNCHANGED:
            return _Line(release.name, "up to date")
        if judged.state is State.FOREIGN and not overwrite:
            return _Line(release.name, "", refused="its folder holds something that this bulk did not make")
        found = preview(release.job, memory)
        if judged.state is State.UNSURE and found.digest == judged.digest:
            return _Line(release.name, "up to date")
        return _Line(release.name, _words(judged), found)
    except ReplicantError as error:
        return _Line(release.name, "", refused=str(error))
    except Exception as error:
        return _Line(release.name, "", refused=str(describe(error, release.name)))


def _words(judged: Judgement) -> str:
    if judged.state is State.MISSING:
        return "make"
    return "replace" if judged.state is State.FOREIGN else f"make anew: {judged.why}"


def _cells(line: _Line) -> list[str]:
    if line.found is None:
        return [plain(line.name), "cannot be made" if line.refused else line.todo, "", "", "", ""]
    found = line.found
    seconds = f"{found.seconds:.1f}" if found.seconds >= 0.1 else "<0.1"
    return [plain(line.name), line.todo, f"{found.rows:,}", f"{found.columns:,}", seconds, readable(found.peak)]
