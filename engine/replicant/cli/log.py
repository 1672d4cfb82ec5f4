"""`--log json`: one JSON object a line on standard error, instead of words for people.

Progress and the end of a command are written in full. Of messages of libraries (Python's warnings, Dask's log) only
the kind and the line of code are written: their texts may quote cells.
"""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import PurePath
from typing import Any

import replicant
from replicant.errors import Exit
from replicant.execution.progress import Json

__all__ = ["FORMATS", "VARIABLE", "Log", "open_log"]

FORMATS = ("text", "json")
VARIABLE = "REPLICANT_LOG"


class Log(Json):
    """The log of one invocation: its begin, its progress and its end."""

    def __init__(self, *, quiet: bool = False) -> None:
        super().__init__(quiet=quiet)
        self._begun = False
        self._at = time.monotonic()

    def begins(self, command: str) -> None:
        """Log that a command starts, once its line has been parsed."""
        self._begun = True
        self._facts["command"] = command
        self.say("info", "run.begins", f"replicant {command}", version=replicant.__version__, process=os.getpid())

    def ends(self, code: int, message: str | None = None, **facts: Any) -> None:
        """Log the end of the command and its exit code; help and the like, which never began, end in silence."""
        if code == Exit.DONE and not self._begun:
            return
        meaning = next((known.meaning for known in Exit if known == code), f"exit code {code}")
        facts |= {"exit_code": code, "seconds": round(time.monotonic() - self._at, 3)}
        self.say("info" if code == Exit.DONE else "error", "run.ends", message or meaning, **facts)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Collect Python's warnings and the logs of libraries while the context is open."""
        root = logging.getLogger()
        handler = _Handler(self)
        show, words = warnings.showwarning, os.environ.get("PYTHONWARNINGS")
        # With a handler on the root Dask adds none of its own.
        root.addHandler(handler)
        warnings.showwarning = self._warned
        os.environ.setdefault("PYTHONWARNINGS", "ignore")  # processes that are started write to the same stream
        try:
            yield
        finally:
            warnings.showwarning = show
            root.removeHandler(handler)
            if words is None:
                os.environ.pop("PYTHONWARNINGS", None)

    def _warned(
        self, message: Any, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
    ) -> None:
        where = f"{PurePath(filename).name}:{lineno}"
        self.say("warning", "library.warns", f"{category.__name__} at {where}", kind=category.__name__, source=where)


class _Handler(logging.Handler):
    """Messages of libraries at the level of warnings or above: the logger, the line of code, the exception's type."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        where = f"{record.filename}:{record.lineno}"
        level = record.levelname.lower()
        facts = {"logger": record.name, "level_of_library": level, "source": where} | ({"kind": kind} if kind else {})
        # A warning, whatever level the library gave it: an error of the engine ends the run and is logged as such.
        self._log.say("warning", "library.logs", f"{record.name}: {kind or level} at {where}", **facts)


def open_log(args: Sequence[str], environment: Mapping[str, str]) -> Log | None:
    """The log requested by `--log` or `REPLICANT_LOG`; None for text.

    The option is read before the command line is parsed, so that mistakes there are reported in JSON too.
    """
    words = list(args[: args.index("--")] if "--" in args else args)
    asked = environment.get(VARIABLE, "")
    for word, following in pairwise([*words, ""]):
        if word == "--log":
            asked = following
        elif word.startswith("--log="):
            asked = word.removeprefix("--log=")
    return Log(quiet="--quiet" in words or "-q" in words) if asked == "json" else None
