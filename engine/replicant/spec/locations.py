"""What a job reads is never inside what it writes, nor the other way round."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from replicant.errors import SpecError
from replicant.storage.filesystem import is_url

if TYPE_CHECKING:
    from replicant.spec.models import JobSpec

__all__ = ["check_locations"]

_FIX = "name a folder that is not there yet, such as output: {path: release}"


def check_locations(job: JobSpec) -> None:
    """Refuse an output that would lie in the input, or hold it, or the working directory.

    Raises
    ------
    SpecError
        With the two locations.
    """
    target = _normal(job.output.path)
    if not target or target == os.sep:
        what = "empty" if not job.output.path.strip() else "the root of the file system"
        raise SpecError(f"output.path is {what}", need="a folder with a name", fix=_FIX)
    if not is_url(target) and _holds(target, os.getcwd()):
        raise SpecError(
            f"output.path is {job.output.path!r}, the working directory or a folder above it",
            need="a folder of its own",
            fix=_FIX,
        )
    if job.input.path is None:
        return
    source = _normal(job.input.path)
    if source == target:
        raise SpecError(
            f"input.path and output.path are both {job.output.path!r}", need="an output of its own", fix=_FIX
        )
    for key, path in (("output.path", target), ("output.internal", _normal(job.output.internal_path))):
        if _holds(source, path):
            raise SpecError(
                f"{key} lies inside the input, {job.input.path!r}: the next run would read it as data",
                need="an output outside the folder of the data",
                fix=_FIX,
            )
        if _holds(path, source):
            raise SpecError(
                f"the input, {job.input.path!r}, lies inside {key}",
                need="an output that is not the folder of the data",
                fix=_FIX,
            )


def _normal(path: str) -> str:
    text = path.strip()
    if not text or is_url(text):
        return text.rstrip("/")
    return os.path.abspath(os.path.expanduser(text))


def _holds(outer: str, inner: str) -> bool:
    """Whether a path is another one, or lies in it."""
    return inner == outer or inner.startswith(outer.rstrip("/") + "/")
