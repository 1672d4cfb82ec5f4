"""What the user sees while a plan runs: a bar on a terminal, one line in a notebook, a few plain ones elsewhere, JSON
for a log, or nothing.

Everything goes to standard error, so that standard output holds results alone.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TextIO, TypeAlias

from replicant.events import Event

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

__all__ = ["Bar", "Json", "Level", "Lines", "Progress", "Quiet", "choose", "in_notebook", "joined", "span"]

Level: TypeAlias = Literal["info", "warning", "error"]

LINE_SECONDS = 10.0
"""Never two progress lines within this time."""

SILENCE_SECONDS = 60.0
"""After this time a line comes even if hardly anything was done: a sign of life."""


class Progress:
    """Says nothing; the base of the others. Safe to advance from any thread."""

    _release = ""

    def note(self, line: str) -> None:
        """Say one thing now, such as that the kernel is being compiled."""

    def planned(self, **facts: Any) -> None:
        """What will be done, in JSON-able facts without a cell value: digest, target, counts."""

    def measured(self, metrics: Mapping[str, Any]) -> None:
        """What it took, at the end: `metrics.measure`."""

    def unusual(self, events: Iterable[Event]) -> None:
        """What is unusual but valid in the data. On a terminal the result shows it, at the end."""

    @contextmanager
    def about(self, release: str) -> Iterator[None]:
        """A context for one release of many, whose name then precedes the events on its data."""
        self._release = release
        try:
            yield
        finally:
            self._release = ""

    @contextmanager
    def running(self, total: int, what: str, where: str = "") -> Iterator[None]:
        """The time in which `total` units of work are done: `what` names the stage, `where` says on how many."""
        yield

    def advance(self, units: int) -> None:
        """Some units are done."""


class Quiet(Progress):
    """Says only what may do harm if nobody reads it."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    def unusual(self, events: Iterable[Event]) -> None:
        for event in events:
            if event.level == "warning":
                self._stream.write(f"{event.line(self._release)}\n")
        self._stream.flush()


class Lines(Progress):
    """Plain lines: one at the start, few in between, one at the end."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._lock = Lock()
        self._stage = ""
        self._total = 1
        self._done = 0
        self._began = self._said_at = 0.0
        self._said = 0.0

    def note(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()

    @contextmanager
    def running(self, total: int, what: str, where: str = "") -> Iterator[None]:
        self._stage, self._total, self._done, self._said = what, max(1, total), 0, 0.0
        self._began = self._said_at = self._clock()
        self._begins(where)
        yield
        self._ends(self._clock() - self._began)

    def advance(self, units: int) -> None:
        with self._lock:
            self._done += units
            share = self._done / self._total
            now = self._clock()
            silent = now - self._said_at
            due = silent >= LINE_SECONDS and (share - self._said >= 0.1 or silent >= SILENCE_SECONDS)
            if due and self._done < self._total:
                self._said, self._said_at = share, now
                self._goes_on(share, now - self._began)

    def _begins(self, where: str) -> None:
        self.note(joined(self._stage, where))

    def _goes_on(self, share: float, spent: float) -> None:
        self.note(f"{share:.0%} after {span(spent)}, about {span(spent / share - spent)} left")

    def _ends(self, spent: float) -> None:
        self.note(f"done in {span(spent)}")


class Json(Lines):
    """One JSON object a line, for who collects logs.

    Every object has `time` (UTC, ISO 8601), `level` (info, warning, error), `event` (a stable name), `message` (words
    for people), and `run`, which all lines of one invocation share; then facts of the event.

    Parameters
    ----------
    stream
        Where lines go; standard error by default.
    clock
        Seconds, for the pace of `stage.advances`.
    quiet
        Warnings and errors only.
    """

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic, *, quiet: bool = False
    ) -> None:
        super().__init__(stream, clock)
        self._quiet = quiet
        self._facts: dict[str, Any] = {"run": secrets.token_hex(6)}
        self._writing = Lock()

    def say(self, level: Level, event: str, message: str, **facts: Any) -> None:
        """Write one object. Safe from any thread; passwords and queries in URLs are left out."""
        if self._quiet and level == "info":
            return
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        said = {"time": now, "level": level, "event": event, "message": message, **self._facts, **facts}
        line = json.dumps(_without_secrets(said), ensure_ascii=False, allow_nan=False)
        with self._writing:
            self._stream.write(line + "\n")
            self._stream.flush()

    def planned(self, **facts: Any) -> None:
        self.say("info", "job.planned", "what will be done", **facts)

    def measured(self, metrics: Mapping[str, Any]) -> None:
        self.say("info", "job.measured", "what it took", **metrics)

    def note(self, line: str) -> None:
        self.say("info", "note", line)

    def unusual(self, events: Iterable[Event]) -> None:
        facts = {"release": self._release} if self._release else {}
        for event in events:
            self.say("warning", "data.unusual", str(event), code=event.code, column=event.column, **facts)

    def _begins(self, where: str) -> None:
        self.say("info", "stage.begins", joined(self._stage, where), stage=self._stage, total=self._total)

    def _goes_on(self, share: float, spent: float) -> None:
        left = spent / share - spent
        facts = {"done": self._done, "total": self._total, "seconds": round(spent, 3), "seconds_left": round(left)}
        self.say("info", "stage.advances", f"{share:.0%} after {span(spent)}", stage=self._stage, **facts)

    def _ends(self, spent: float) -> None:
        facts = {"done": self._done, "total": self._total, "seconds": round(spent, 3)}
        self.say("info", "stage.ends", f"done in {span(spent)}", stage=self._stage, **facts)


class Bar(Progress):
    """A bar in a terminal, gone from the screen when the work is done."""

    def __init__(self, stream: TextIO | None = None) -> None:
        from rich.console import Console

        self._console = Console(file=stream or sys.stderr, highlight=False)
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None

    def note(self, line: str) -> None:
        self._console.print(line, markup=False)

    @contextmanager
    def running(self, total: int, what: str, where: str = "") -> Iterator[None]:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        began = time.monotonic()
        what = joined(what, where)
        with Progress(*columns, console=self._console, transient=True) as bar:
            self._bar, self._task = bar, bar.add_task(what, total=max(1, total))
            try:
                yield
            finally:
                self._bar = None
        self.note(f"{what}: done in {span(time.monotonic() - began)}")

    def advance(self, units: int) -> None:
        bar, task = self._bar, self._task
        if bar is not None and task is not None:
            bar.advance(task, units)


def choose(*, quiet: bool = False, stream: TextIO | None = None) -> Progress:
    """The progress for where we are: `Bar` on a terminal, `Live` in a notebook, `Lines` elsewhere, nothing if quiet."""
    stream = stream or sys.stderr
    if quiet:
        return Progress()
    if stream is sys.stderr and in_notebook():
        from replicant.execution.live import Live

        return Live()
    return Bar(stream) if stream.isatty() else Lines(stream)


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook: IPython is there then, and nobody has to install it."""
    shell = sys.modules.get("IPython")
    return shell is not None and getattr(shell.get_ipython(), "kernel", None) is not None


def span(seconds: float) -> str:
    """A time in the units that people would say it in, as briefly as a line of progress needs."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def joined(what: str, where: str) -> str:
    """A stage, and on how many, as one phrase."""
    return f"{what} {where}" if where else what


_SECRETS = re.compile(r"(?<=://)[^/@\s'\"]*(?=@)|(?<=[?&])[^\s'\"]+")


def _without_secrets(said: Any) -> Any:
    """URLs may hold passwords before their host, and signatures behind a question mark."""
    if isinstance(said, str):
        return _SECRETS.sub("***", said) if "://" in said else said
    if isinstance(said, Mapping):
        return {key: _without_secrets(value) for key, value in said.items()}
    if isinstance(said, list | tuple):
        return [_without_secrets(value) for value in said]
    return said
