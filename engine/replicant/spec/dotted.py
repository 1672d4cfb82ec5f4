"""Dotted keys: `synthesis.minbucket` names a value in a document."""

from __future__ import annotations

from typing import Any

from replicant.errors import SpecError

__all__ = ["put", "steps"]

_SHORT: dict[tuple[str, ...], tuple[str, ...]] = {("data",): ("input", "path")}
"""Short keys: `data` is `input.path`."""


def steps(key: str) -> tuple[str, ...]:
    """The steps of a dotted key; an empty one where nothing stands between two dots."""
    found = tuple(part.strip() for part in key.split("."))
    return _SHORT.get(found, found)


def put(document: dict[Any, Any], keys: tuple[str, ...], value: Any, *, said: str) -> None:
    """Put a value into a document, making the sections above it.

    Parameters
    ----------
    document
        Is changed.
    keys
        From `steps`.
    value
        What stands there afterwards.
    said
        Where the key stands, for errors: `--set synthesis.m`.

    Raises
    ------
    SpecError
        If something that is no section is in the way.
    """
    current = document
    for i, step in enumerate(keys[:-1]):
        below = current.get(step)
        if below is None:
            below = current[step] = {}
        if not isinstance(below, dict):
            raise SpecError(
                f"{said}: {'.'.join(keys[: i + 1])} holds a value, not keys",
                need="a dotted key of the job",
                fix=f"set {'.'.join(keys[: i + 1])} itself",
            )
        current = below
    current[keys[-1]] = value
