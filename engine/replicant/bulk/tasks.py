"""One release of a bulk, from its job to its verification, and one comparison: tasks that fail by themselves."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

from replicant.bulk.result import Outcome
from replicant.bulk.staleness import Judgement, State, fingerprint_of, judge
from replicant.errors import DataError, PartialError, ReleaseError, ReplicantError, SpecError, WithheldError
from replicant.execution.backend import Backend
from replicant.execution.failure import describe
from replicant.execution.progress import Progress
from replicant.plan.task import Task
from replicant.release import read_release, verify_release
from replicant.release.bulk_index import Facts, facts
from replicant.run.in_memory import prepare
from replicant.run.job import run_job
from replicant.run.job_result import JobResult
from replicant.run.release_writer import settled, sweep, unfinished
from replicant.spec.bulk import BulkRelease
from replicant.utility.drift import drift

__all__ = ["Order", "Stoppable", "compare", "facts_there", "judged_at_once", "make", "make_large"]

_FAMILIES: tuple[tuple[type[ReplicantError], str], ...] = (
    (DataError, "its data cannot be synthesized as they are"),
    (SpecError, "its job asks for something impossible"),
    (ReleaseError, "it could not be written or verified"),
    (ReplicantError, "its run stopped"),
)
"""All that the public index says of a failure: the reason may name paths, columns and counts of the real data."""


WITHHELD = "the gate withholds it"


@dataclass(frozen=True)
class Order:
    """What every task needs to know; it pickles."""

    releases: tuple[BulkRelease, ...]
    known: Mapping[str, str | None]
    overwrite: bool
    memory: int | None
    threads: int


class Stoppable(Progress):
    """Shows nothing, and ends a release once the bulk is stopped; finished work is kept."""

    def __init__(self, stop: Event) -> None:
        self.stop = stop

    def advance(self, units: int) -> None:
        """A step is done: the moment to end."""
        if self.stop.is_set():
            raise PartialError("The run was asked to stop.")


def judged_at_once(order: Order, at: int) -> Judgement | None:
    """The state of a release if it can be judged without a task; None if not, and its task reports the reason."""
    job, name = order.releases[at].job, order.releases[at].name
    try:
        return judge(job, fingerprint_of(job), order.known.get(name))
    except ReplicantError:
        return None


def facts_there(release: BulkRelease) -> Facts | None:
    """The facts of what is there, if that can be seen."""
    try:
        return facts(release.job.output.path)
    except ReplicantError:
        return None


def make(shared: tuple[Order, Event | None], task: Task) -> Outcome:
    """One release in memory, unless it turns out to be up to date."""
    order, stop = shared
    release = order.releases[task.index]

    def run(judged: Judgement) -> JobResult | None:
        ready = prepare(release.job)
        if judged.state is State.UNSURE and ready.plan.digest == judged.digest:
            return None
        return run_job(
            release.job,
            Backend(threads=order.threads, memory=order.memory),
            overwrite=judged.state is not State.MISSING,
            progress=None if stop is None else Stoppable(stop),
            ready=ready,
        )

    return _ended(order, release, run)


def make_large(order: Order, at: int, backend: Backend, progress: Progress) -> Outcome:
    """One release whose table is read in chunks, by all workers."""
    release = order.releases[at]

    def run(judged: Judgement) -> JobResult | None:
        return run_job(release.job, backend, overwrite=judged.state is not State.MISSING, progress=progress)

    return _ended(order, release, run)


def _ended(order: Order, release: BulkRelease, run: Callable[[Judgement], JobResult | None]) -> Outcome:
    """Make a release and verify it; whatever goes wrong with it is how it ended."""
    name, job, began = release.name, release.job, time.monotonic()
    fingerprint = None
    try:
        fingerprint = fingerprint_of(
            job
        )  # before it is read: what is written to it meanwhile is then seen by the next run
        _tidy(release)
        judged = judge(job, fingerprint, order.known.get(name))
        if judged.state is State.FOREIGN and not order.overwrite:
            raise ReleaseError(
                f"There is something at {job.output.path} that this bulk did not make.",
                need="an empty folder, or a release of this bulk",
                fix="move it away, choose another output.path, or say --overwrite",
            )
        made = None if judged.state is State.UNCHANGED else run(judged)
        if made is not None:
            made.require()
            verify_release(job.output.path).require()
        state, events = ("unchanged", ()) if made is None else ("released", made.events)
        return Outcome(name, state, fingerprint=fingerprint, seconds=time.monotonic() - began, events=events)
    except WithheldError as error:
        return Outcome(name, "withheld", str(error), WITHHELD, fingerprint, time.monotonic() - began)
    except Exception as error:
        known = describe(error, name)
        public = next(words for family, words in _FAMILIES if isinstance(known, family))
        return Outcome(name, "failed", str(known), public, fingerprint, time.monotonic() - began)


def _tidy(release: BulkRelease) -> None:
    """Complete, or remove, what a run left behind that was killed on its last steps."""
    target = release.job.output.path
    sweep(target)
    begun = unfinished(target)
    if begun is not None:
        settled(target, digest=str(begun["digest"]), internal=release.job.output.internal_path)


def compare(pairs: Sequence[tuple[str, str, str, str]], task: Task) -> dict[str, Any]:
    """One comparison, JSON-able. Of one that cannot be made the family of its error, and the `reason`, not for all."""
    a, path_a, b, path_b = pairs[task.index]
    try:
        return drift(read_release(path_a), read_release(path_b), names=(a, b)).as_dict()
    except Exception as error:
        known = describe(error, f"{a}, {b}")
        return {"a": a, "b": b, "failure": type(known).__name__, "reason": str(known)}
