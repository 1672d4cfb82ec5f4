"""How many threads a plan is given. The kernel releases the GIL, so they are worth it."""

from __future__ import annotations

import os

from replicant.errors import SpecError
from replicant.plan.model import Plan

__all__ = ["SMALL_SECONDS", "default_threads", "threads_for"]

SMALL_SECONDS = 0.3
"""A plan estimated below this runs as a plain loop whatever was asked: starting threads would take longer."""


def default_threads() -> int:
    """CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def threads_for(plan: Plan, threads: int | None) -> int:
    """How many threads to use for a plan.

    Raises
    ------
    SpecError
        If `threads` is not a positive whole number.
    """
    whole: object = threads
    if whole is not None and (isinstance(whole, bool) or not isinstance(whole, int) or whole < 1):
        raise SpecError("`threads` is not a positive whole number.", fix="leave it out for all usable CPUs")
    if plan.seconds_estimate < SMALL_SECONDS:
        return 1
    return threads or default_threads()
