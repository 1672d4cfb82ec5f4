"""Many releases in one run: what is missing or changed is made, side by side, on one pool of hands; the rest is left.

A release in memory is one piece of work: whoever makes it reads, synthesizes, writes and verifies it, and no row of it
comes here. They run side by side, within the memory there is. One in parts (`part_rows`) has all hands to itself, after
the others. A release that fails leaves its place as it was, and does not stop the others.

What is public (the index in the bulk's folder) says which releases there are; what is not (the internal index beside
it) says why one failed, from what each was made, and by which seed.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass, replace
from threading import Event
from typing import TYPE_CHECKING, Any

import replicant
from replicant.errors import DataError, PartialError, ReleaseError, ReplicantError, SpecError
from replicant.plan.memory import BASE
from replicant.plan.seeds import derived_seed
from replicant.release import read_release, verify_release
from replicant.release.drift import drift
from replicant.release.index import FORMAT, INDEX, PAGE, Facts, facts, find_index, index_bytes
from replicant.release.store import open_folder
from replicant.report import bulk_page
from replicant.run.abreast import abreast
from replicant.run.bulk_state import Judgement, State, judge, stamp_of
from replicant.run.failure import describe
from replicant.run.farm import farm
from replicant.run.footprint import footprint
from replicant.run.job import client_for, prepare, run_job
from replicant.run.parted import run_parted
from replicant.run.progress import Progress
from replicant.run.resumable import locked, told
from replicant.run.scratch import sweep
from replicant.run.threads import default_threads
from replicant.run.writer import settled, unfinished
from replicant.run.writer import sweep as sweep_beside
from replicant.spec.bulk import BulkJob, BulkRelease, expand

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["BulkResult", "Outcome", "begun_at", "known_stamps", "near", "run_bulk", "seeded"]

WRITE_SECONDS = 10.0
"""The index is written anew so often while the bulk runs; what is true stands in the releases."""

COMPARED = 24
"""Bytes that a cell of a release takes while it is compared with another."""

_FAMILIES: tuple[tuple[type[ReplicantError], str], ...] = (
    (DataError, "its data cannot be synthesized as they are"),
    (SpecError, "its job asks for something impossible"),
    (ReleaseError, "it could not be written or verified"),
    (ReplicantError, "its run stopped"),
)
"""All that the public index says of a failure: the reason may name paths, columns and counts of the real data."""


@dataclass(frozen=True)
class Outcome:
    """How one release ended.

    Attributes
    ----------
    name
        Of the release.
    state
        `released`, `unchanged`, `failed`, or `unfinished` if the run was stopped.
    reason, public
        Why it failed: in full, and what of it may be known to all.
    stamp
        Of the input that was read.
    seconds
        What it took.
    """

    name: str
    state: str
    reason: str = ""
    public: str = ""
    stamp: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True, repr=False)
class BulkResult:
    """What a bulk left behind.

    Attributes
    ----------
    folder, internal
        Where the index is, and the internal one.
    index
        The public index.
    outcomes
        By name, in the order of the bulk.
    seconds
        Of the whole.
    """

    folder: str
    internal: str
    index: Mapping[str, Any]
    outcomes: Mapping[str, Outcome]
    seconds: float

    @property
    def failed(self) -> list[Outcome]:
        """Releases that failed, with their reasons."""
        return [one for one in self.outcomes.values() if one.state == "failed"]

    def text(self) -> str:
        """What `replicant run` prints at its end."""
        from replicant.report import bulk_text

        lines = [bulk_text.render(self.index, {name: one.state for name, one in self.outcomes.items()})]
        lines += [
            f"time:      {self.seconds:.1f} s",
            f"index:     {near(self.folder)}/{PAGE} and {INDEX}",
            f"internal:  {near(self.internal)} (seeds, hashes and reasons: never share it)",
            f"verify it: replicant verify {near(self.folder)}",
        ]
        return "\n".join(lines)

    def require(self) -> None:
        """Raise if a release failed.

        Raises
        ------
        PartialError
            With the reason of each.
        """
        failed = self.failed
        if not failed:
            return
        reasons = "\n".join(f"  {one.name}: {_inline(one.reason)}" for one in failed)
        whole = len(self.outcomes)
        raise PartialError(
            f"{len(failed)} of {whole} releases failed, {whole - len(failed)} are there.\n{reasons}",
            fix=f"mend the cause, then run the same line again, or replicant resume {near(self.folder)}: "
            "only what is missing or changed is made",
        )


def run_bulk(
    bulk: BulkJob,
    *,
    threads: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    memory: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> BulkResult:
    """Make what is missing or changed of a bulk.

    Parameters
    ----------
    bulk
        From `load_any`.
    threads, workers, scheduler
        As for `run_job`.
    memory
        Bytes that one process may take: what runs side by side in it fits in them.
    overwrite
        Replace what stands in the place of a release and was not made by this bulk.
    progress
        What the user sees. None: nothing.

    Returns
    -------
    BulkResult
        Its `require` raises if a release failed.

    Raises
    ------
    SpecError
        If more than one of `threads`, `workers` and `scheduler` is given.
    ReleaseError
        If the index cannot be written, or the bulk is running already.
    PartialError
        If the run was told to stop, or the cluster was lost: the same call goes on.
    """
    if sum(choice is not None for choice in (threads, workers, scheduler)) > 1:
        raise SpecError("`threads`, `workers` and `scheduler` exclude each other.", fix="choose one of them")
    progress = progress or Progress()
    sweep()
    with (
        locked(bulk.internal, lambda: open_folder(bulk.internal).make(private=True)),
        told(near(bulk.folder), progress),
    ):
        run = _Run(bulk, overwrite, memory, progress)
        hands = default_threads() if threads is None else threads
        return run.go(lambda: client_for(workers, scheduler, memory, progress), hands)


def begun_at(folder: str) -> BulkJob | None:
    """The bulk whose folder this is, from its internal index; None if it is that of none.

    Raises
    ------
    SpecError
        If its document does not hold any more.
    """
    said = _Ledger(open_folder(folder).url).read()
    if not said.get("document"):
        return None
    return expand(said["document"], base=str(said["base"]), source="the bulk's document")


def seeded(bulk: BulkJob) -> tuple[int, tuple[BulkRelease, ...]]:
    """The bulk's seed (given, or drawn by its first run) and its releases, each with a seed of its own.

    A release's seed is made of the bulk's and the release's name, so that others may come and go.
    """
    given = (bulk.document.get("synthesis") or {}).get("seed")
    kept = _Ledger(bulk.folder).read().get("seed") if given is None else given
    drawn = int(kept) if kept is not None else secrets.randbits(127)

    def own(release: BulkRelease) -> BulkRelease:
        synthesis = release.job.synthesis
        seed = derived_seed(drawn if synthesis.seed is None else synthesis.seed, release.name)
        job = release.job.model_copy(update={"synthesis": synthesis.model_copy(update={"seed": seed})})
        return replace(release, job=job)

    return drawn, tuple(own(release) for release in bulk.releases)


def near(path: str) -> str:
    """A path as one would write it here."""
    here = os.getcwd()
    return os.path.relpath(path, here) if path.startswith(f"{here}/") else path


def known_stamps(bulk: BulkJob) -> dict[str, str | None]:
    """By name, what was noted of the input of every release when it was made."""
    entries = _Ledger(bulk.folder).read().get("releases", ())
    return {str(entry["name"]): entry.get("stamp") for entry in entries if isinstance(entry, dict)}


@dataclass(frozen=True)
class _Ledger:
    """The internal index of a bulk: what it was made of, and what became of each release, reasons and all."""

    folder: str

    @property
    def place(self) -> str:
        return f"{self.folder}-internal"

    def read(self) -> dict[str, Any]:
        try:
            found = json.loads(open_folder(self.place).read(INDEX))
        except (ReleaseError, ValueError):
            return {}
        return found if isinstance(found, dict) and found.get("format") == FORMAT else {}

    def write(self, name: str, content: bytes) -> None:
        open_folder(self.place).write(name, content, private=True)


@dataclass(frozen=True)
class _Order:
    """What every piece needs to know; it pickles."""

    releases: tuple[BulkRelease, ...]
    known: Mapping[str, str | None]
    overwrite: bool
    memory: int | None
    threads: int


class _Run:
    """One run of a bulk."""

    def __init__(self, bulk: BulkJob, overwrite: bool, memory: int | None, progress: Progress) -> None:
        self.bulk = bulk
        self.memory = memory
        self.progress = progress
        self.began = time.monotonic()
        self.ledger = _Ledger(bulk.folder)
        before = self.ledger.read()
        self.entries: dict[str, dict[str, Any]] = {
            str(entry["name"]): entry for entry in before.get("releases", ()) if isinstance(entry, dict)
        }
        self.seed, self.releases = seeded(bulk)
        self.order = _Order(self.releases, known_stamps(bulk), overwrite, memory, 1)
        self.places = {release.name: release.job.output.path for release in self.releases}
        self.outcomes: dict[str, Outcome] = {}
        self.facts: dict[str, Facts | None] = {}
        self.drift: list[dict[str, Any]] = []
        self.wrote = 0.0

    def go(self, client_of: Callable[[], Any], threads: int) -> BulkResult:
        todo = self._todo()
        small = [at for at in todo if self.releases[at].job.input.part_rows is None]
        large = [at for at in todo if self.releases[at].job.input.part_rows is not None]
        pairs = self._pairs(todo)
        try:
            if todo:
                self._write()
            with client_of() if todo or pairs else nullcontext() as client:
                if small:
                    with self.progress.running(len(small), "making releases", f"({len(todo)} of {len(self.releases)})"):
                        for _, outcome in self._side_by_side(small, client, threads):
                            self._take(outcome)
                            self.progress.advance(1)
                for at in large:
                    self.progress.note(f"{self.releases[at].name}: in parts, on all hands")
                    self._take(_make_large(self.order, at, client, threads, self.progress))
                self._compare(pairs, client, threads)
        finally:
            self._write()
        return BulkResult(
            self.bulk.folder, self.bulk.internal, self._index(), self._outcomes(), time.monotonic() - self.began
        )

    def _todo(self) -> list[int]:
        """What has to be made, or at least looked at more closely."""
        todo = []
        for at, release in enumerate(self.releases):
            judged = _judged(self.order, at)
            self.facts[release.name] = _there(release) if judged is None else judged.facts
            if judged is not None and judged.state is State.UNCHANGED:
                stamp = self.order.known.get(release.name)
                self.outcomes[release.name] = Outcome(release.name, "unchanged", stamp=stamp)
            else:
                todo.append(at)
        return todo

    def _take(self, outcome: Outcome) -> None:
        self.outcomes[outcome.name] = outcome
        if outcome.state == "released":
            self.facts[outcome.name] = facts(self.places[outcome.name])
        if outcome.state == "failed":
            self.progress.note(f"{outcome.name} failed: {_inline(outcome.reason)}")
        if time.monotonic() - self.wrote > WRITE_SECONDS:
            self._write()

    def _side_by_side(self, todo: Sequence[int], client: Client | None, threads: int) -> Iterator[tuple[int, Outcome]]:
        if not todo:
            return
        if client is not None:
            # Threads of a worker share its memory.
            share = max(client.nthreads().values(), default=1)  # type: ignore[no-untyped-call]
            order = replace(self.order, memory=None if self.memory is None else self.memory // share)
            items = [(at,) for at in todo]
            with closing(farm(_make, order, items, what="releases", client=client)) as made:  # type: ignore[type-var]
                for i, outcome in made:
                    yield todo[i], outcome
            return
        stop = Event()
        # With fewer releases than threads each may have several.
        order = replace(self.order, threads=max(1, threads // len(todo)))
        weights = None if self.memory is None else [self._weight(at) for at in todo]
        room = 0 if self.memory is None else max(0, self.memory - BASE)

        def make(at: int) -> Outcome:
            return _make(order, at, _Stoppable(stop))

        together = abreast(make, todo, threads=min(threads, len(todo)), stop=stop, weights=weights, room=room)
        with closing(together) as made:  # type: ignore[type-var]
            yield from made

    def _weight(self, at: int) -> int:
        try:
            return footprint(self.releases[at].job) - BASE
        except ReplicantError:
            return 0  # it fails before it takes any

    # ---------------------------------------------------------------- drift

    def _pairs(self, todo: Sequence[int]) -> list[tuple[str, str, dict[str, Any] | None]]:
        """Neighbours, each with what is known of them if neither was made anew."""
        before = (find_index(self.bulk.folder) or {}).get("drift", [])
        known = {(str(entry["a"]), str(entry["b"])): entry for entry in before}
        new = {self.releases[at].name for at in todo}
        return [
            (a.name, b.name, None if {a.name, b.name} & new else known.get((a.name, b.name)))
            for a, b in self.bulk.neighbours
        ]

    def _compare(
        self, pairs: Sequence[tuple[str, str, dict[str, Any] | None]], client: Client | None, threads: int
    ) -> None:
        digests = {name: found.manifest_sha256 for name, found in self.facts.items() if found is not None}
        fresh, kept = [], {}
        for a, b, known in pairs:
            if a not in digests or b not in digests:
                continue
            stands = {"a_manifest": digests[a], "b_manifest": digests[b]}
            if known is not None and all(known.get(key) == value for key, value in stands.items()):
                kept[a, b] = known
            else:
                fresh.append((a, self.places[a], b, self.places[b]))
        if fresh:
            with self.progress.running(len(fresh), "comparing neighbours"):
                for at, found in self._compared(fresh, client, threads):
                    a, _, b, _ = fresh[at]
                    kept[a, b] = {**found, "a_manifest": digests[a], "b_manifest": digests[b]}
                    self.progress.advance(1)
        self.drift = [kept[a, b] for a, b, _ in pairs if (a, b) in kept]

    def _compared(
        self, fresh: Sequence[tuple[str, str, str, str]], client: Client | None, threads: int
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        if client is not None:
            yield from farm(_drift, None, fresh, what="comparing", client=client)
            return
        weights = None if self.memory is None else [self._held(a) + self._held(b) for a, _, b, _ in fresh]
        room = 0 if self.memory is None else max(0, self.memory - BASE)

        def compare(at: int) -> dict[str, Any]:
            return _drift(None, *fresh[at])

        some = range(len(fresh))
        together = abreast(compare, some, threads=min(threads, len(fresh)), stop=Event(), weights=weights, room=room)
        with closing(together) as made:  # type: ignore[type-var]
            yield from made

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
                    "state": "released" if whole else "failed" if outcome.state == "failed" else "unfinished",
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
        reasons = {name: one.reason for name, one in outcomes.items() if one.reason}
        entries = []
        for release in self.releases:
            one, before = outcomes[release.name], self.entries.get(release.name, {})
            # A release that was not reached keeps what is known of it.
            stamp = before.get("stamp") if one.state in {"failed", "unfinished"} else one.stamp
            seconds = before.get("seconds") if one.state in {"unchanged", "unfinished"} else round(one.seconds, 3)
            entries.append(
                {
                    "name": release.name,
                    "state": one.state,
                    "reason": one.reason or None,
                    "stamp": stamp,
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


# -------------------------------------------------------------------- pieces


class _Stoppable(Progress):
    """Says nothing, and ends what it is told of once nobody wants it any more: what is finished by then is kept."""

    def __init__(self, stop: Event) -> None:
        self.stop = stop

    def advance(self, units: int) -> None:
        """A step is done: the place to end."""
        if self.stop.is_set():
            raise PartialError("The run was told to stop.")


def _judged(order: _Order, at: int) -> Judgement | None:
    """What can be told of a release at once; None if it cannot be: whoever makes it will say why."""
    job, name = order.releases[at].job, order.releases[at].name
    try:
        return judge(job, stamp_of(job), order.known.get(name))
    except ReplicantError:
        return None


def _there(release: BulkRelease) -> Facts | None:
    """The facts of what is there, if that can be seen."""
    try:
        return facts(release.job.output.path)
    except ReplicantError:
        return None


def _make(order: _Order, at: int, progress: Progress | None = None) -> Outcome:
    """One release in memory, unless it turns out to be up to date."""
    release = order.releases[at]

    def run(judged: Judgement) -> bool:
        ready = prepare(release.job)
        if judged.state is State.UNSURE and ready.plan.digest == judged.digest:
            return False
        run_job(
            release.job,
            threads=order.threads,
            memory=order.memory,
            overwrite=judged.state is not State.MISSING,
            progress=progress,
            ready=ready,
        )
        return True

    return _ended(order, release, run)


def _make_large(order: _Order, at: int, client: Client | None, threads: int, progress: Progress) -> Outcome:
    """One release in parts, by all hands."""
    release = order.releases[at]

    def run(judged: Judgement) -> bool:
        run_parted(
            release.job,
            client=client,
            threads=threads,
            memory=order.memory,
            overwrite=judged.state is not State.MISSING,
            progress=progress,
            begun=None,
        )
        return True

    return _ended(order, release, run)


def _ended(order: _Order, release: BulkRelease, run: Callable[[Judgement], bool]) -> Outcome:
    """Make a release and verify it; whatever goes wrong with it is how it ended."""
    name, job, began = release.name, release.job, time.monotonic()
    stamp = None
    try:
        stamp = stamp_of(job)  # before it is read: what is written to it meanwhile is then seen by the next run
        _tidy(release)
        judged = judge(job, stamp, order.known.get(name))
        if judged.state is State.FOREIGN and not order.overwrite:
            raise ReleaseError(
                f"There is something at {job.output.path} that this bulk did not make.",
                need="an empty place, or a release of this bulk",
                fix="move it away, choose another output.path, or say --overwrite",
            )
        made = judged.state is not State.UNCHANGED and run(judged)
        if made:
            verify_release(job.output.path).require()
        state = "released" if made else "unchanged"
        return Outcome(name, state, stamp=stamp, seconds=time.monotonic() - began)
    except Exception as error:
        known = describe(error, name)
        public = next(words for family, words in _FAMILIES if isinstance(known, family))
        return Outcome(name, "failed", str(known), public, stamp, time.monotonic() - began)


def _tidy(release: BulkRelease) -> None:
    """Complete, or remove, what a run left behind that was killed on its last steps."""
    target = release.job.output.path
    sweep_beside(target)
    begun = unfinished(target)
    if begun is not None:
        settled(target, digest=str(begun["digest"]), internal=release.job.output.internal_path)


def _drift(_: None, a: str, place_a: str, b: str, place_b: str) -> dict[str, Any]:
    """One comparison, JSON-able; why one cannot be made is not for everybody."""
    try:
        return drift(read_release(place_a), read_release(place_b), names=(a, b)).as_dict()
    except Exception as error:
        return {"a": a, "b": b, "failure": type(describe(error, f"{a}, {b}")).__name__}


def _said(index: Mapping[str, Any] | None) -> Any:
    """An index but for when it was written: one that says the same stays as it is."""
    return None if index is None else {key: value for key, value in index.items() if key != "updated"}


def _inline(reason: str) -> str:
    """A reason on one line."""
    return "; ".join(line.strip() for line in reason.splitlines() if line.strip())
