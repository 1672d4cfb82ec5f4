"""One thread of BLAS for each task: tasks run side by side already, and sums come out the same on any machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from threading import Lock
from typing import Any

__all__ = ["one_blas_thread"]

_lock = Lock()
_entered = 0
_limit: Any = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread in this process, for as long as any task asks for it."""
    global _entered, _limit  # noqa: PLW0603  # the limit is one of the process
    with _lock:
        if _entered == 0:
            with _in_control():
                _limit = _libraries().limit(limits=1, user_api="blas")
        _entered += 1
    try:
        yield
    finally:
        with _lock:
            _entered -= 1
            if _entered == 0 and _limit is not None:
                with _in_control():
                    _limit.restore_original_limits()
                _limit = None


@contextmanager
def _in_control() -> Iterator[None]:
    """Within it this thread may set limits: only the first thread that ever did may, else, and others do so in vain."""
    from threadpoolctl import OpenBLASController

    OpenBLASController.clear_controlling_thread(force=True)
    try:
        yield
    finally:
        OpenBLASController.clear_controlling_thread(force=True)


@cache
def _libraries() -> Any:
    """Those of NumPy and SciPy; to look for them takes as long as ten fits, so it is done once."""
    import_module("scipy.linalg")  # its library has to be there when they are looked for
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
