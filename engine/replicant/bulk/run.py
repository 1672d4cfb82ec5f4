"""Many releases in one run: those that are missing or changed are released on one executor; the rest is left alone.

A release in memory is one task, which reads, synthesizes, writes and verifies it, so that no row of it reaches this
process. As many run at the same time as memory allows. A partitioned release (`partition_rows`) runs after them, on all
workers. A release that fails leaves its target unchanged, and does not stop the others.

What is public (the index in the bulk's folder) says which releases there are; what is not (the internal index beside
it) says why one failed, from what each was made, and by which seed.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from threading import Event
from typing import Any

import replicant
from replicant.bulk.ledger import Ledger, known_fingerprints, seeded
from replicant.bulk.result import BulkResult, Outcome, inline, near
from replicant.bulk.staleness import State
from replicant.bulk.tasks import Order, compare, facts_there, judged_at_once, make, make_large
from replicant.errors import ReplicantError
from replicant.execution.backend import Backend
from replicant.execution.executor import Executor
from replicant.execution.progress import Progress
from replicant.execution.scratch import sweep
from replicant.plan.memory import BASE
from replicant.plan.task import Task
from replicant.release.bulk_index import FORMAT, INDEX, PAGE, Facts, facts, find_index, index_bytes
from replicant.report import bulk_page
from replicant.run.footprint import footprint
from replicant.run.resumable import resume_hint
from replicant.spec.bulk import BulkJob, BulkRelease
from replicant.storage.lock import locked
from replicant.storage.open import open_folder

__all__ = ["run_bulk"]

WRITE_SECONDS = 10.0
"""The index is written anew so often while the bulk runs; what is true stands in the releases."""

COMPARED = 24
"""Bytes that a cell of a release takes while it is compared with another."""


def run_bulk(
    bulk: BulkJob,
    backend: Backend | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> BulkResult:
    """Make what is missing or changed of a bulk.

    Parameters
    ----------
    bulk
        From `load_any`.
    backend
        As for `run_job`: all that runs at the same time in a process fits in its memory.
    overwrite
        Replace releases and folders at the targets that this bulk did not write.
    progress
        What the user sees. None: nothing.

    Returns
    -------
    BulkResult
        Its `require` raises if a release failed.

    Raises
    ------
    ReleaseError
        If the index cannot be written, the internal one is of another format, or the bulk is running already.
    PartialError
        If the run was asked to stop, or the cluster was lost; the same call continues it.
    """
    progress = progress or Progress()
    sweep()
    with locked(open_folder(bulk.internal)):
        run = _Run(bulk, overwrite, backend or Backend(), progress)
        with resume_hint(near(bulk.folder), progress):
            return run.go()


class _Run:
    """One run of a bulk."""

    def __init__(self, bulk: BulkJob, overwrite: bool, backend: Backend, progress: Progress) -> None:
        self.bulk = bulk
        self.backend = backend
        self.progress = progress
        self.began = time.monotonic()
        self.ledger = Ledger(bulk.folder)
        before = self.ledger.read()
        self.entries: dict[str, dict[str, Any]] = {
            str(entry["name"]): entry for entry in before.get("releases", ()) if isinstance(entry, dict)
        }
        self.seed, self.releases = seeded(bulk)
        self.order = Order(self.releases, known_fingerprints(bulk), overwrite, backend.memory, 1)
        self.locations = {release.name: release.job.output.path for release in self.releases}
        self.outcomes: dict[str, Outcome] = {}
        self.facts: dict[str, Facts | None] = {}
        self.drift: list[dict[str, Any]] = []
        self.not_compared: dict[str, str] = {}
        self.wrote = 0.0

    def go(self) -> BulkResult:
        todo = self._todo()
        small = [at for at in todo if self.releases[at].job.synthesis.partition_rows is None]
        large = [at for at in todo if self.releases[at].job.synthesis.partition_rows is not None]
        pairs = self._pairs(todo)
        try:
            if todo:
                self._write()
            if todo or pairs:
                with self.backend.open(self.progress) as executor:
                    detail = f"({len(todo)} of {len(self.releases)})"
                    for wave in self._waves(todo):
                        self._make(executor, [at for at in small if at in wave], detail)
                        for at in (at for at in large if at in wave):
                            self.progress.note(f"{self.releases[at].name}: in partitions, on all workers")
                            with self.progress.about(self.releases[at].name):  # it reports what is unusual by itself
                                shared = replace(self.backend, **executor.shared)
                                outcome = make_large(self.order, at, shared, self.progress)
                            self._take(outcome)
                    self._compare(executor, pairs)
        finally:
            self._write()
        return BulkResult(
            self.bulk.folder,
            self.bulk.internal,
            self._index(),
            self._outcomes(),
            time.monotonic() - self.began,
            self.not_compared,
        )

    def _todo(self) -> list[int]:
        """What has to be made, or at least looked at more closely."""
        todo = []
        for at, release in enumerate(self.releases):
            judged = judged_at_once(self.order, at)
            self.facts[release.name] = facts_there(release) if judged is None else judged.facts
            if judged is not None and judged.state is State.UNCHANGED:
                fingerprint = self.order.known.get(release.name)
                self.outcomes[release.name] = Outcome(release.name, "unchanged", fingerprint=fingerprint)
            else:
                todo.append(at)
        return todo

    def _waves(self, todo: Sequence[int]) -> Iterator[frozenset[int]]:
        """What is made at the same time: releases whose gates look at earlier ones wait for these."""
        earlier = self.bulk.earlier
        if not earlier:
            yield frozenset(todo)
            return
        for depth in sorted({len(names) for names in earlier.values()}):
            wave = frozenset(at for at in todo if len(earlier[self.releases[at].name]) == depth)
            releases = list(self.order.releases)
            for at in wave:
                # What is withheld is with nobody, and adds nothing to what is known of people.
                there = [self.locations[name] for name in earlier[self.releases[at].name] if self.facts.get(name)]
                releases[at] = _beside(releases[at], there)
            self.order = replace(self.order, releases=tuple(releases))
            yield wave

    def _take(self, outcome: Outcome) -> None:
        self.outcomes[outcome.name] = outcome
        if outcome.state == "released":
            self.facts[outcome.name] = facts(self.locations[outcome.name])
        if outcome.state in {"failed", "withheld"}:
            how = "failed" if outcome.state == "failed" else "is withheld"
            self.progress.note(f"{outcome.name} {how}: {inline(outcome.reason)}")
        if time.monotonic() - self.wrote > WRITE_SECONDS:
            self._write()

    def _make(self, executor: Executor, todo: Sequence[int], detail: str) -> None:
        """Releases side by side, each by one worker; with fewer releases than threads each may have several."""
        if not todo:
            return
        here, stop, memory = not self.backend.on_cluster, Event(), self.backend.memory
        order = replace(
            self.order,
            threads=max(1, executor.workers // len(todo)) if here else 1,
            memory=None if memory is None else memory // executor.threads_per_process,
        )
        limited = here and memory is not None
        tasks = [Task(f"release-{at}", "release", at, memory=self._weight(at) if limited else 0) for at in todo]
        results = executor.run(
            "making releases",
            {"release": make},
            (order, stop if here else None),
            tasks,
            detail=detail,
            memory=self._free if limited else None,
            stop=stop,
        )
        with closing(results) as outcomes:  # type: ignore[type-var]
            for _, outcome in outcomes:
                with self.progress.about(outcome.name):
                    self.progress.unusual(outcome.events)
                self._take(outcome)

    @property
    def _free(self) -> int:
        """Bytes for all that runs at the same time in this process."""
        return max(0, (self.backend.memory or 0) - BASE)

    def _weight(self, at: int) -> int:
        try:
            return footprint(self.releases[at].job) - BASE
        except ReplicantError:
            return 0  # it fails before it takes any

    # ---------------------------------------------------------------- drift

    def _pairs(self, todo: Sequence[int]) -> list[tuple[str, str, dict[str, Any] | None]]:
        """Neighbours, each with what is known of them if neither was made anew; what failed is compared again."""
        before = (find_index(self.bulk.folder) or {}).get("drift", [])
        known = {(str(entry["a"]), str(entry["b"])): entry for entry in before if "failure" not in entry}
        new = {self.releases[at].name for at in todo}
        return [
            (a.name, b.name, None if {a.name, b.name} & new else known.get((a.name, b.name)))
            for a, b in self.bulk.neighbours
        ]

    def _compare(self, executor: Executor, pairs: Sequence[tuple[str, str, dict[str, Any] | None]]) -> None:
        digests = {name: found.manifest_sha256 for name, found in self.facts.items() if found is not None}
        fresh, kept = [], {}
        for a, b, known in pairs:
            if a not in digests or b not in digests:
                continue
            stands = {"a_manifest": digests[a], "b_manifest": digests[b]}
            if known is not None and all(known.get(key) == value for key, value in stands.items()):
                kept[a, b] = known
            else:
                fresh.append((a, self.locations[a], b, self.locations[b]))
        if fresh:
            limited = self.backend.memory is not None and not self.backend.on_cluster
            tasks = [
                Task(f"compare-{at}", "compare", at, memory=self._held(a) + self._held(b) if limited else 0)
                for at, (a, _, b, _) in enumerate(fresh)
            ]
            options: dict[str, Any] = {"memory": self._free if limited else None, "stop": Event()}
            found = executor.run("comparing neighbours", {"compare": compare}, fresh, tasks, **options)
            with closing(found) as compared:  # type: ignore[type-var]
                for task, one in compared:
                    a, _, b, _ = fresh[task.index]
                    reason = one.pop("reason", None)
                    if reason is not None:
                        self.not_compared[f"{a}, {b}"] = reason
                        self.progress.note(f"{a} and {b} could not be compared: {inline(reason)}")
                    kept[a, b] = {**one, "a_manifest": digests[a], "b_manifest": digests[b]}
        self.drift = [kept[a, b] for a, b, _ in pairs if (a, b) in kept]

    def _held(self, name: str) -> int:
        """Bytes that the sets of a release take when they are compared."""
        found = self.facts.get(name)
        return 0 if found is None else found.m * found.rows * found.columns * COMPARED

    # ---------------------------------------------------------------- index

    def _outcomes(self) -> dict[str, Outcome]:
        return {
            release.name: self.outcomes.get(release.name) or Outcome(release.name, "unfinished")
            for release in self.releases
        }

    def _index(self) -> dict[str, Any]:
        """The public index."""
        outcomes = self._outcomes()
        entries = []
        for release in self.releases:
            found, outcome = self.facts.get(release.name), outcomes[release.name]
            # What was there before a failure is still there, and is not what the job asks for.
            whole = found is not None and outcome.state in {"released", "unchanged"}
            entries.append(
                {
                    "name": release.name,
                    "values": dict(release.values),
                    "path": release.job.output.path[len(self.bulk.folder) + 1 :],
                    "state": "released" if whole else _not_there(outcome.state),
                    "failure": outcome.public or None,
                    "earlier": found is not None and not whole,
                    **(dict.fromkeys(Facts.__slots__) if found is None else asdict(found)),
                }
            )
        return {
            "format": FORMAT,
            "title": self.bulk.title or "Releases",
            "version": replicant.__version__,
            "updated": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "axes": list(self.releases[0].values),
            "drift_axis": self.bulk.drift,
            "releases": entries,
            "drift": self.drift,
        }

    def _write(self) -> None:
        """Both indices and their pages, each whole or not at all."""
        index, outcomes = self._index(), self._outcomes()
        reasons = {name: one.reason for name, one in outcomes.items() if one.reason} | self.not_compared
        entries = []
        for release in self.releases:
            one, before = outcomes[release.name], self.entries.get(release.name, {})
            # A release that was not reached keeps what is known of it.
            left = one.state in {"failed", "withheld", "unfinished"}
            fingerprint = before.get("fingerprint") if left else one.fingerprint
            seconds = before.get("seconds") if one.state in {"unchanged", "unfinished"} else round(one.seconds, 3)
            entries.append(
                {
                    "name": release.name,
                    "state": one.state,
                    "reason": one.reason or None,
                    "fingerprint": fingerprint,
                    "seconds": seconds,
                    "input": release.job.input.path or release.job.input.dataset,
                    "release": release.job.output.path,
                    "internal": release.job.output.internal_path,
                }
            )
        secret = {
            "format": FORMAT,
            "confidential": True,
            "updated": index["updated"],
            "seed": self.seed,
            "base": self.bulk.base,
            "document": self.bulk.document,
            "releases": entries,
            "not_compared": self.not_compared,
        }
        root = f"../{open_folder(self.bulk.folder).name}/"
        self.ledger.write(INDEX, index_bytes(secret))
        self.ledger.write(PAGE, bulk_page.render(index, reasons=reasons, root=root).encode())
        folder = open_folder(self.bulk.folder)
        folder.make()
        if _said(find_index(self.bulk.folder)) != _said(index):
            folder.write(INDEX, index_bytes(index))
            folder.write(PAGE, bulk_page.render(index).encode())
        self.wrote = time.monotonic()


def _not_there(state: str) -> str:
    return state if state in {"failed", "withheld"} else "unfinished"


def _beside(release: BulkRelease, earlier: Sequence[str]) -> BulkRelease:
    """A release whose gate looks at earlier ones, too."""
    gate = release.job.gate
    if gate is None or not earlier:
        return release
    known = gate.model_copy(update={"earlier": [*gate.earlier, *earlier]})
    return replace(release, job=release.job.model_copy(update={"gate": known}))


def _said(index: Mapping[str, Any] | None) -> Any:
    """An index but for when it was written: one that says the same stays as it is."""
    return None if index is None else {key: value for key, value in index.items() if key != "updated"}
