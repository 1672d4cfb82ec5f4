"""The suite: every check on every kind of column that a method accepts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from replicant.errors import ReplicantError, SpecError, nearest
from replicant.methods import Declaration, Method, Origin, registered
from replicant.table.kinds import Kind
from replicant.testing.checks import CHECKS, NotApplicable
from replicant.testing.recovery import CLAIMS, coverage, recovery
from replicant.testing.trial import BrokenPromise, Trial

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_method"]

REPLICATES = {False: 10, True: 60}
"""Samples of the statistical part: of the short form, and of the full one."""

COVERAGE_REPLICATES = 300


def check_method(
    method: Method | str,
    name: str | None = None,
    *,
    claims: Collection[str] | None = None,
    full: bool = False,
) -> pd.DataFrame:
    """Run the conformance suite on a method: your own, or one by name.

    It checks the promises of `replicant.methods`: shapes and types of draws, seeds, pickling, weights, levels that are
    rare, absent or new, one value only, one or two rows, no predictor, missing cells in predictors, more predictors
    than rows, collinear predictors, scales, clusters of one row; that nothing is warned of, nothing that was given is
    changed, and nothing that is drawn is not a number. A statistical part compares what is drawn with data from a
    linear model with normal errors, a logistic, proportional-odds or multinomial one, or one with random effects.

    Parameters
    ----------
    method
        An object with `fit`, or the name of a method that is registered.
    name
        What reports call it; None for the name of its class.
    claims
        What the method recovers: `mean` (means and shares), `spread`, and association with predictors that are
        `numbers` and `levels`. None for what its attribute `recovers` holds, or all of them where it has none. A method
        that uses no predictors claims no association.
    full
        Whether the statistical part is run at length, with the coverage of Rubin's intervals for methods that draw
        their parameters: minutes rather than seconds.

    Returns
    -------
    DataFrame
        method, variant (what was modelled), check, outcome (`kept` or `not claimed`), one row each.

    Raises
    ------
    ReplicantError
        If a promise is broken; it lists all that are.
    SpecError
        If there is no such method, or the object is none.

    Examples
    --------
    >>> from replicant.testing import check_method
    >>> table = check_method("sample")
    >>> sorted(set(table["outcome"]))
    ['kept', 'not claimed']
    """
    import pandas as pd

    declared = _declared(method, name)
    claims = getattr(declared.method, "recovers", CLAIMS) if claims is None else claims
    if set(claims) - set(CLAIMS):
        raise SpecError("`claims` holds an unknown one", need=f"some of {', '.join(CLAIMS)}")
    wanted = [claim for claim in CLAIMS if claim in claims and (declared.uses_predictors or claim in CLAIMS[:2])]
    records = [record for trial in _trials(declared) for record in _tried(trial, wanted, full)]
    frame = pd.DataFrame(records, columns=["variant", "check", "outcome"])
    frame.insert(0, "method", declared.name)
    broken = frame[~frame["outcome"].isin([KEPT, NOT_CLAIMED])]
    if len(broken):
        lines = [f"  {row.check} ({row.variant}): {row.outcome}" for row in broken.itertuples()]
        raise ReplicantError(
            "\n".join([f"the method {declared.name!r} breaks {len(broken)} of {len(frame)} promises:", *lines]),
            need="what the protocol of methods promises: see `help(replicant.methods.Method)`",
        )
    return frame


KEPT, NOT_CLAIMED = "kept", "not claimed"


def _declared(method: Method | str, name: str | None) -> Declaration:
    if isinstance(method, str):
        known = registered()
        if method not in known:
            raise SpecError(
                f"there is no method {method!r}{nearest(method, known)}", need="a method that is registered"
            )
        declared = known[method]
    else:
        declared = Declaration.of(name or type(method).__name__, method)
    if declared.origin is not Origin.MODEL or not callable(getattr(declared.method, "fit", None)):
        raise SpecError(f"{declared.name!r} fits no model", need="an object with fit(y, x, weights, rng) -> model")
    return declared


def _trials(declared: Declaration) -> list[Trial]:
    """The method with and without drawn parameters, on each kind of column that it accepts."""
    kinds = declared.kinds
    numeric = bool(kinds & {Kind.CONTINUOUS, Kind.COUNT, Kind.DATE})
    levels = [str(kind) for kind in (Kind.BINARY, Kind.ORDERED, Kind.NOMINAL) if kind in kinds]
    if not declared.block:
        columns: list[tuple[str, ...]] = [(kind,) for kind in [*(["numbers"] if numeric else []), *levels]]
    else:
        columns = [tuple([*(["numbers", "numbers"] if numeric else []), *levels, *levels][:3])]
    method = declared.method
    proper = is_dataclass(method) and any(field.name == "proper" for field in fields(method))
    made = [declared.made_proper(True), declared.made_proper(False)] if proper else [declared]
    return [Trial(one, column) for one in made for column in columns]


def _tried(trial: Trial, claims: list[str], full: bool) -> list[tuple[str, str, str]]:
    def outcome(check: Any, *arguments: Any) -> str:
        try:
            check(trial, *arguments)
        except NotApplicable:
            return NOT_CLAIMED
        except BrokenPromise as broken:
            return str(broken)
        return KEPT

    found = [(trial.label, name, outcome(check)) for name, check in CHECKS.items()]
    found.append((trial.label, "recovery", outcome(recovery, claims, REPLICATES[full])))
    drawn = getattr(trial.declaration.method, "proper", False) and trial.declaration.parametric
    if full and drawn and "mean" in claims and not trial.declaration.block and not trial.on_clusters:
        found.append((trial.label, "coverage", outcome(coverage, COVERAGE_REPLICATES)))
    return found
