"""Methods by name: the built-in ones, those a user registers, and those an installed package offers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points

from replicant.errors import SpecError, nearest
from replicant.methods.base import Method
from replicant.methods.cart import Cart
from replicant.methods.sample import Sample

__all__ = ["BUILTIN", "GROUP", "method_for", "names", "register", "registered"]

BUILTIN = ("cart", "sample", "passive", "keep", "copy", "surrogate")
GROUP = "replicant.methods"
"""Entry points of this group name instances or classes without arguments, for job files and workers to find."""

_registered: dict[str, Method] = {}


def register(name: str, method: Method) -> None:
    """Make a method of your own available under a name.

    Parameters
    ----------
    name
        What `method:` calls it.
    method
        An object with `fit(y, x, weights, rng)` whose result has `draw(x, rng)`: see `Method` and `Model`. It must
        pickle to run on other processes. `parametric = True` says that it is; without it, it counts as not so.

    Raises
    ------
    SpecError
        If the name is taken by the engine, the object has no `fit`, or its `parametric` is neither True nor False.
    """
    if name in BUILTIN:
        raise SpecError(f"the method name {name!r} is the engine's own", fix="choose another name")
    if not callable(getattr(method, "fit", None)):
        raise SpecError(f"what is registered as method {name!r} has no `fit`", need="fit(y, x, weights, rng) -> model")
    if not isinstance(getattr(method, "parametric", False), bool):
        raise SpecError(f"`parametric` of the method {name!r} is no truth value", need="True or False")
    _registered[name] = method


def registered() -> Mapping[str, Method]:
    """Methods that are not the engine's own, by name."""
    return {**_offered(), **_registered}


def names() -> tuple[str, ...]:
    """All names a spec may use."""
    return (*BUILTIN, *registered())


def method_for(name: str, settings: Cart, extra: Mapping[str, Method] | None = None) -> Method:
    """The method of a name.

    Parameters
    ----------
    name
        As in the plan.
    settings
        For the trees.
    extra
        Methods that came with the plan, looked at first.
    """
    if name == "cart":
        return settings
    if name == "sample":
        return Sample()
    known = {**registered(), **(extra or {})}
    if name not in known:
        raise SpecError(f"no method is called {name!r}{nearest(name, [*BUILTIN, *known])}", fix="register it first")
    return known[name]


@cache
def _offered() -> dict[str, Method]:
    found: dict[str, Method] = {}
    for point in entry_points(group=GROUP):
        loaded = point.load()
        found[point.name] = loaded() if isinstance(loaded, type) else loaded
    return found
