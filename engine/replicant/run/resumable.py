"""Common parts of jobs that can be resumed: the job as a document, and the resume hint when a run stops."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from threading import Event
from typing import Any

import yaml

from replicant.errors import PartialError, ReleaseError, RunError, UnexpectedError
from replicant.execution.progress import Progress
from replicant.spec.models import JobSpec
from replicant.storage.filesystem import is_url

__all__ = ["as_yaml", "ask_to_stop", "document_of", "resume_hint"]


_asked_to_stop = Event()


def ask_to_stop() -> None:
    """Remember that the process was asked to end, whatever becomes of the exception that says so."""
    _asked_to_stop.set()


class _Dumper(yaml.SafeDumper):
    """With words of a fixed list as texts."""


_Dumper.add_multi_representer(StrEnum, lambda dumper, word: dumper.represent_str(str(word)))


def as_yaml(document: Mapping[str, Any]) -> bytes:
    """Keys that are numbers (raw values of labels) stay numbers, not so in JSON; variants keep their order."""
    return yaml.dump(dict(document), Dumper=_Dumper, allow_unicode=True, sort_keys=False).encode()


def document_of(job: JobSpec, seed: int) -> dict[str, Any]:
    """The job as it is taken up again from any folder, with the seed that was drawn."""
    said = job.model_dump()
    said["synthesis"]["seed"] = seed
    paths = [
        ("input", "path"),
        ("study", "samples"),
        ("study", "reference"),
        ("gate", "population"),
        ("output", "path"),
        ("output", "internal"),
    ]
    for section, key in paths:
        path = (said[section] or {}).get(key)
        if path is not None and not is_url(path):
            said[section][key] = os.path.abspath(path)
    if job.gate is not None:
        held, earlier = said["gate"]["holdout"], said["gate"]["earlier"]
        said["gate"]["holdout"] = os.path.abspath(held) if isinstance(held, str) and not is_url(held) else held
        said["gate"]["earlier"] = [one if is_url(one) else os.path.abspath(one) for one in earlier]
    return said


@contextmanager
def resume_hint(target: str, progress: Progress, kept: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """However a run stops, finished work is kept, and the error says how to resume.

    Parameters
    ----------
    target
        What was to be written.
    progress
        What the user sees.
    kept
        Whether there is anything to go on with.

    Raises
    ------
    PartialError
        If it was asked to stop, or something outside it failed, such as a disk or a cluster, and something is kept.
        What is wrong with the job, the data or the engine stays as it is.
    """
    how = f"replicant resume {target}"
    try:
        yield
    except KeyboardInterrupt:
        if kept():
            progress.note(f"What is finished is kept. To go on: {how}")
        raise
    except SystemExit:
        if not kept():
            raise
        raise PartialError("The run was asked to stop; what is finished is kept.", fix=how) from None
    except (RunError, ReleaseError) as error:
        if _asked_to_stop.is_set() and kept():
            # The signal came in the middle of something that made another exception of it.
            raise PartialError("The run was asked to stop; what is finished is kept.", fix=how) from None
        if isinstance(error, UnexpectedError | PartialError) or not kept():
            raise
        raise PartialError(error.found, need=error.need, fix=f"{error.fix}; then {how}" if error.fix else how) from None
