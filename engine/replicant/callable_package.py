"""Packages that are called by their name: `rp.pool(...)` is the function `pool` of the package `replicant.pool`.

Python binds a package's attribute to the subpackage of the same name as soon as that is imported, so the package is
callable too, and `rp.pool(...)` works whichever is imported first.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["make_callable"]


def make_callable(package: str, module: str) -> None:
    """Let a call of a package be one of the function of its name.

    Parameters
    ----------
    package
        Full name of the package.
    module
        The module in it that has the function; imported by the first call.
    """

    def function() -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(import_module(f"{package}.{module}"), package.rpartition(".")[2])
        return found

    class CallablePackage(ModuleType):
        def __call__(self, *args: Any, **options: Any) -> Any:
            return function()(*args, **options)

        @property
        def __signature__(self) -> inspect.Signature:  # so that editors show the arguments
            return inspect.signature(function())

    sys.modules[package].__class__ = CallablePackage
