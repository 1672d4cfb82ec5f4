"""The kernel is compiled once per machine; whoever waits for it is told why."""

from __future__ import annotations

from collections.abc import Callable

from replicant.plan.model import Plan

__all__ = ["ensure_compiled"]


def ensure_compiled(plan: Plan, notify: Callable[[str], None]) -> None:
    """Compile the kernel, if the plan needs it and it is not in the cache yet.

    Done before any step, so that threads and workers find it in the cache and none of them waits in silence.

    Parameters
    ----------
    plan
        What will be run.
    notify
        Gets a line before a compilation starts, and nothing otherwise.
    """
    if not any(column.is_fitted and column.method != "sample" for column in plan.columns):
        return
    from replicant.trees.compile import ensure_compiled as compile_kernel

    compile_kernel(notify)
