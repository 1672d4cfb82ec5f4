"""Which coefficients a term of a formula has, so that tests can be asked for by term."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from replicant.errors import ExpressionError, SpecError, nearest
from replicant.estimate.design import Prepared
from replicant.estimate.formula import Formula, parse, updated
from replicant.estimate.result import Fit

__all__ = ["coefficients", "labels_of"]

INTERCEPT = "(Intercept)"


def labels_of(prepared: Prepared, terms: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """For each term of a formula its coefficients in a fit.

    Parameters
    ----------
    prepared
        The formula, bound to data.
    terms
        Names of the coefficients; those of a multinomial model begin with a level.
    """
    levels = prepared.response_levels
    prefixes = ("", *(f"{level}:" for level in levels.labels)) if levels is not None else ("",)
    known = set(terms)
    out: dict[str, tuple[str, ...]] = {}
    for label, names in zip(prepared.formula.labels, prepared.names_by_term, strict=True):
        out[label] = tuple(prefix + name for prefix in prefixes for name in names if prefix + name in known)
    return out


def coefficients(fits: Sequence[Fit], asked: Sequence[str], formula: Formula | None = None) -> tuple[str, ...]:
    """Coefficients that are asked for by their own names, by terms, or by what is left of a formula without some.

    Parameters
    ----------
    fits
        One for each set.
    asked
        Names of coefficients, labels of terms, `~ . - term`; none: all but the intercept.
    formula
        Of the model, if it has one.

    Raises
    ------
    SpecError
        For what is none of these.
    """
    terms = tuple(dict.fromkeys(term for one in fits for term in one.terms))
    labels: dict[str, tuple[str, ...]] = {}
    for one in fits:
        for label, names in one.labels.items():
            labels[label] = tuple(dict.fromkeys((*labels.get(label, ()), *names)))
    if not asked:
        slopes = tuple(dict.fromkeys(name for names in labels.values() for name in names))
        return slopes or tuple(term for term in terms if term != INTERCEPT)
    found: dict[str, None] = {}
    for text in asked:
        found.update(dict.fromkeys(_asked(str(text), terms, labels, formula)))
    return tuple(found)


def _asked(
    text: str, terms: Sequence[str], labels: Mapping[str, tuple[str, ...]], formula: Formula | None
) -> tuple[str, ...]:
    if text.strip().startswith("~"):
        return _dropped(text, labels, formula)
    if text in labels:
        return labels[text]
    if text in terms:
        return (text,)
    try:
        written = parse(f"~ {text}").labels  # the same term, spaced otherwise
    except ExpressionError:
        written = ()
    if len(written) == 1 and written[0] in labels:
        return labels[written[0]]
    raise SpecError(
        f"{text[:60]!r} is neither a term nor a coefficient{nearest(text, (*labels, *terms))}",
        need="one of " + ", ".join(labels or terms),
    )


def _dropped(text: str, labels: Mapping[str, tuple[str, ...]], full: Formula | None) -> tuple[str, ...]:
    """The coefficients that a smaller formula has not."""
    if full is None:
        raise SpecError("the model has no formula that could be made smaller", need="names of coefficients")
    small = updated(full, text, None)
    left = set(small.labels)
    if new := [label for label in small.labels if label not in labels]:
        raise SpecError(f"{new[0]} is not in {full.text!r}", need="a subset of its terms: '~ . - term'")
    gone = [label for label in labels if label not in left]
    if not gone:
        raise SpecError(f"{text[:60]!r} leaves nothing out of {full.text!r}", need="a smaller formula: '~ . - term'")
    if small.intercept != full.intercept:
        raise SpecError(f"{text[:60]!r} changes the intercept, and with it what the terms mean", need="terms alone")
    parts = {
        label: {full.variables[i].label for i in term} for label, term in zip(full.labels, full.terms, strict=True)
    }
    for label in gone:
        inside = [other for other in left if parts[label] < parts[other]]
        if inside:
            raise SpecError(
                f"{label} is left out and {inside[0]} stays, which then means something else",
                need="a smaller formula without its interactions",
                fix=f"~ . - {label} - {inside[0]}",
            )
    return tuple(name for label in gone for name in labels[label])
