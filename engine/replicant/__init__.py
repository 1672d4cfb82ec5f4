"""Replicant: a confidential table in, m synthetic tables out, and what they are worth.

    import replicant as rp

    syn = rp.synthesize(data, m=5, seed=2021, passive={"bmi": "wgt / (hgt / 100)**2"})
    syn[0]  # a pandas frame like `data`, with no real record in it
    syn.to_parquet("release")

Names are loaded when they are first used, so that importing the package, or asking the command line for help, is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from replicant.bootstrap import study
    from replicant.disclosure.call import disclosure
    from replicant.dossier.call import dossier
    from replicant.errors import DataError, ExpressionError, PartialError, ReleaseError, ReplicantError, SpecError
    from replicant.evaluation.plane import plane
    from replicant.gate.call import gate
    from replicant.incomplete import ampute, flux, missing_patterns
    from replicant.methods import register as register_method
    from replicant.plan import Plan, build_plan
    from replicant.pool import pool
    from replicant.release import verify_release
    from replicant.run.reading import drift, read_release
    from replicant.synthesis import Imputation, Synthesis, impute, synthesize
    from replicant.synthesis.treating import treat_synthesis as treat
    from replicant.table import Codebook, ColumnSpec, encode_table, read_data
    from replicant.utility.call import utility

__version__ = "0.1.0"

__all__ = [
    "Codebook",
    "ColumnSpec",
    "DataError",
    "ExpressionError",
    "Imputation",
    "PartialError",
    "Plan",
    "ReleaseError",
    "ReplicantError",
    "SpecError",
    "Synthesis",
    "__version__",
    "ampute",
    "build_plan",
    "disclosure",
    "dossier",
    "drift",
    "encode_table",
    "flux",
    "gate",
    "impute",
    "missing_patterns",
    "plane",
    "pool",
    "read_data",
    "read_release",
    "register_method",
    "study",
    "synthesize",
    "treat",
    "utility",
    "verify_release",
]

# Public name -> where it lives. The imports above say the same to type checkers; a test holds the two together.
_HOMES = {
    "Codebook": "replicant.table",
    "ColumnSpec": "replicant.table",
    "DataError": "replicant.errors",
    "ExpressionError": "replicant.errors",
    "Imputation": "replicant.synthesis",
    "PartialError": "replicant.errors",
    "Plan": "replicant.plan",
    "ReleaseError": "replicant.errors",
    "ReplicantError": "replicant.errors",
    "SpecError": "replicant.errors",
    "Synthesis": "replicant.synthesis",
    "ampute": "replicant.incomplete",
    "build_plan": "replicant.plan",
    "disclosure": "replicant.disclosure.call",
    "dossier": "replicant.dossier.call",
    "drift": "replicant.run.reading",
    "encode_table": "replicant.table",
    "flux": "replicant.incomplete",
    "gate": "replicant.gate.call",
    "impute": "replicant.synthesis",
    "missing_patterns": "replicant.incomplete",
    "plane": "replicant.evaluation.plane",
    "pool": "replicant.pool",
    "read_data": "replicant.table",
    "read_release": "replicant.run.reading",
    "register_method": "replicant.methods:register",
    "study": "replicant.bootstrap",
    "synthesize": "replicant.synthesis",
    "treat": "replicant.synthesis.treating:treat_synthesis",
    "utility": "replicant.utility.call",
    "verify_release": "replicant.release",
}


def __getattr__(name: str) -> Any:
    try:
        home, _, attribute = _HOMES[name].partition(":")
    except KeyError:
        said = f"module 'replicant' has no attribute {name!r}"
        if name.startswith("_"):
            raise AttributeError(said) from None
        from replicant.errors import nearest

        of_sets = {"analyse", "analyze", "compare", "discriminate", "describe", "plot"}
        hint = (
            ": it is a method of what `synthesize` gives"
            if name in of_sets
            else nearest(name, [one for one in __all__ if one[0].islower() == name[0].islower()])
        )
        raise AttributeError(said + hint) from None
    value = getattr(import_module(home), attribute or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
