"""Methods by name: the built-in ones, those a user registers, and those an installed package offers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points

from replicant.errors import SpecError
from replicant.methods.base import Method
from replicant.methods.cart import Cart
from replicant.methods.catall import CatAll
from replicant.methods.ctree import Ctree
from replicant.methods.cubertnorm import Cubertnorm
from replicant.methods.declaration import Declaration, Origin
from replicant.methods.forest import Forest
from replicant.methods.ipf import Ipf
from replicant.methods.jomo import Jomo
from replicant.methods.keep import Keep
from replicant.methods.lda import Lda
from replicant.methods.lognorm import Lognorm
from replicant.methods.logreg import Logreg
from replicant.methods.mean import Mean
from replicant.methods.midastouch import Midastouch
from replicant.methods.nested import Nested
from replicant.methods.norm import Norm
from replicant.methods.norm_boot import NormBoot
from replicant.methods.norm_nob import NormNob
from replicant.methods.normrank import Normrank
from replicant.methods.pmm import Pmm
from replicant.methods.polr import Polr
from replicant.methods.polyreg import Polyreg
from replicant.methods.quadratic import Quadratic
from replicant.methods.sample import Sample
from replicant.methods.saturated import Saturated
from replicant.methods.sqrtnorm import Sqrtnorm
from replicant.methods.surrogate import Surrogate
from replicant.methods.survival import Survival
from replicant.methods.two_level_bin import TwoLevelBin
from replicant.methods.two_level_norm import TwoLevelNorm
from replicant.methods.two_level_only_mean import TwoLevelOnlyMean
from replicant.methods.two_level_only_norm import TwoLevelOnlyNorm
from replicant.methods.two_level_pmm import TwoLevelPmm

__all__ = ["BUILTIN", "CART", "COPY", "GROUP", "KEEP", "PASSIVE", "SURROGATE", "origin_of", "register", "registered"]

CART = Declaration.of("cart", Cart())
KEEP = Declaration.of("keep", Keep(), Origin.OBSERVED)
SURROGATE = Declaration.of("surrogate", Surrogate(), Origin.NEW)
PASSIVE = Declaration("passive", origin=Origin.COMPUTED)
COPY = Declaration("copy", origin=Origin.COMPUTED)

BUILTIN: Mapping[str, Declaration] = {
    one.name: one
    for one in (
        Declaration.of("2l.bin", TwoLevelBin()),
        Declaration.of("2l.norm", TwoLevelNorm()),
        Declaration.of("2l.pmm", TwoLevelPmm()),
        Declaration.of("2lonly.mean", TwoLevelOnlyMean()),
        Declaration.of("2lonly.norm", TwoLevelOnlyNorm()),
        CART,
        Declaration.of("catall", CatAll()),
        Declaration.of("ctree", Ctree()),
        Declaration.of("cubertnorm", Cubertnorm()),
        Declaration.of("ipf", Ipf()),
        Declaration.of("jomo", Jomo()),
        Declaration.of("lda", Lda()),
        Declaration.of("lognorm", Lognorm()),
        Declaration.of("logreg", Logreg()),
        Declaration.of("mean", Mean()),
        Declaration.of("midastouch", Midastouch()),
        Declaration.of("nested", Nested()),
        Declaration.of("norm", Norm()),
        Declaration.of("norm.boot", NormBoot()),
        Declaration.of("norm.nob", NormNob()),
        Declaration.of("normrank", Normrank()),
        Declaration.of("pmm", Pmm()),
        Declaration.of("polr", Polr()),
        Declaration.of("polyreg", Polyreg()),
        Declaration.of("quadratic", Quadratic()),
        Declaration.of("rf", Forest()),
        Declaration.of("sample", Sample()),
        Declaration.of("satcat", Saturated()),
        Declaration.of("sqrtnorm", Sqrtnorm()),
        Declaration.of("survival", Survival()),
        KEEP,
        SURROGATE,
        PASSIVE,
        COPY,
    )
}
"""The engine's own. Those that compute are chosen by the plan and not asked for by name."""

GROUP = "replicant.methods"
"""Entry points of this group name instances or classes without arguments, for job files and workers to find."""

_registered: dict[str, Declaration] = {}


def register(name: str, method: Method) -> None:
    """Make a method of your own available under a name.

    Parameters
    ----------
    name
        What `method:` calls it.
    method
        An object with `fit(y, x, weights, rng)` whose result has `draw(x, rng)`: see `Method` and `Model`. It must
        pickle to run on other processes. What it declares of itself are attributes such as `parametric = True`: see
        `Declaration`.

    Raises
    ------
    SpecError
        If the name is taken by the engine, the object has no `fit`, or what it declares cannot be.
    """
    if name in BUILTIN:
        raise SpecError(f"the method name {name!r} is the engine's own", fix="choose another name")
    _registered[name] = _declared(name, method)


def registered() -> Mapping[str, Declaration]:
    """All methods by name."""
    return {**_offered(), **_registered, **BUILTIN}


def origin_of(name: str) -> Origin:
    """Where the cells of a column come from whose method has this name, registered or not."""
    return BUILTIN[name].origin if name in BUILTIN else Origin.MODEL


def _declared(name: str, method: object) -> Declaration:
    if not callable(getattr(method, "fit", None)):
        raise SpecError(
            f"the object registered as method {name!r} has no `fit`", need="fit(y, x, weights, rng) -> model"
        )
    return Declaration.of(name, method)


@cache
def _offered() -> dict[str, Declaration]:
    found: dict[str, Declaration] = {}
    for point in entry_points(group=GROUP):
        loaded = point.load()
        found[point.name] = _declared(point.name, loaded() if isinstance(loaded, type) else loaded)
    return found
