"""Packages that are called by their name, whichever is imported first."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest

import replicant as rp


@pytest.mark.parametrize(("package", "module"), [("pool", "pool"), ("utility", "call"), ("disclosure", "call")])
def test_a_package_is_the_function_of_its_name(package: str, module: str) -> None:
    called = import_module(f"replicant.{package}")
    function = getattr(import_module(f"replicant.{package}.{module}"), package)
    assert inspect.signature(called) == inspect.signature(function)
    with pytest.raises(TypeError, match=rf"{package}\(\) missing"):
        called()
    with pytest.raises(TypeError, match=rf"{package}\(\) missing"):
        getattr(rp, package)()
