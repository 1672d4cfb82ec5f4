"""One model fitted on each of m sets, its terms meaning the same in all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from replicant.analysis.analyses import Analyses
from replicant.analysis.data import Data, columns_known, names_in, refuse_identifiers, typed, words_of
from replicant.errors import DataError, SpecError
from replicant.estimate import Fit, Formula, aligned, fit, parse
from replicant.estimate.adapter import EVENT_2
from replicant.estimate.learned import Learned, learned_together
from replicant.estimate.requests import columns_beside
from replicant.estimate.sampling import design_columns

__all__ = ["Model", "analyse"]

Model = str | Callable[..., Any]


def analyse(
    sets: Sequence[Data],
    manifest: Mapping[str, Any],
    model: Model,
    formula: str = "",
    *,
    weights: str | None = None,
    learned: Learned | None = None,
    **options: Any,
) -> Analyses:
    """Fit one model on each set.

    What `poly`, `scale`, `bs` and `ns` must know of the rows is learned once of all sets together: their terms would
    otherwise mean something else in each.

    Parameters
    ----------
    sets
        m frames, or for each set the functions that load its partitions: no more than one is then in memory at a time;
        or partitions elsewhere, of which only the columns that the model names are kept.
    manifest
        The public manifest: levels of text columns, and how the sets were made.
    model, formula
        As in `replicant.estimate.fit`.
    weights
        Name of a column of weights.
    learned
        What terms have learned, if not of these sets.
    options
        As for `replicant.estimate.fit`: `weight_kind` and what else is to be said of a sample, `cov`, `cluster`, and
        those of the model.
    """
    _check_call(model, formula)
    settings = {"weights": weights, **options}
    if callable(model):
        fits = [_fitted(i, len(sets), model, formula, typed(one, manifest), settings) for i, one in enumerate(sets)]
        return Analyses(aligned(fits), manifest)
    bound = _parsed(formula, manifest, sets[0])
    known = columns_known(manifest) or names_in(sets[0])
    beside = (*design_columns(settings, known), *columns_beside(model, options, known))
    refuse_identifiers(manifest, beside)
    used = tuple(dict.fromkeys((*bound.names, *beside)))
    data = [typed(one, manifest, used) for one in sets]
    if learned is None:
        learned = learned_together(bound, data, weights, counted=options.get("weight_kind") != "survey")
    settings["learned"] = learned
    fits = [_fitted(i, len(sets), model, bound, one, settings) for i, one in enumerate(data)]
    _check_events(fits)
    return Analyses(aligned(fits), manifest, used, learned, bound)


def _fitted(i: int, m: int, model: Model, formula: str | Formula, data: Data, settings: Mapping[str, Any]) -> Fit:
    """The fit of one set; an error says of which set it is, where there are several."""
    try:
        return fit(model, formula, data, **settings)
    except DataError as error:
        if m == 1:
            raise
        raise DataError(f"set {i + 1}: {error.found}", need=error.need, fix=error.fix) from None


def _check_events(fits: Sequence[Fit]) -> None:
    """Refuse sets of which some have statuses 1 and 2, and others 1 alone: it is the event there, and no event here."""
    others = [str(i + 1) for i, one in enumerate(fits) if EVENT_2 not in one.messages]
    if others and len(others) < len(fits):
        raise DataError(
            f"the status is 1 and 2, and set {', '.join(others)} has no 2: the event is undetermined there",
            need="the same event in every set",
            fix="name it by a comparison, such as status='column == 2'",
        )


def _check_call(model: Model, formula: object) -> None:
    """Refuse a formula in place of the model, a missing formula, or the two in the wrong order."""
    if not isinstance(model, str) or isinstance(formula, Formula):
        return
    if "~" in model:
        name = formula if isinstance(formula, str) and formula and "~" not in formula else "ols"
        raise SpecError(
            "a formula is given instead of the model's name",
            need="the name of a model, then the formula",
            fix=f'write "{name}", "{model}"',
        )
    if formula is None or (isinstance(formula, str) and not formula.strip()):
        raise SpecError(
            f"the model {model[:40]!r} is given without a formula",
            need="response ~ terms",
            fix=f'write "{model[:40]}", "y ~ x"',
        )


def _parsed(formula: str, manifest: Mapping[str, Any], data: Data) -> Formula:
    known = columns_known(manifest)
    try:
        return parse(formula, known or names_in(data))
    except SpecError:
        refuse_identifiers(manifest, words_of(formula))
        raise
