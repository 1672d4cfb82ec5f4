"""Whether a fit of the real data and those of the synthetic sets are of one model, term by term."""

from __future__ import annotations

from collections.abc import Sequence

from replicant.errors import DataError
from replicant.estimate.grounds import Coded, Grounds, listed
from replicant.estimate.result import Fit

__all__ = ["matched"]


def matched(real: Fit, made: Sequence[Fit]) -> list[str]:
    """Messages on terms that only the real data or only the sets have.

    Values of a number used as levels, `C(x)`, may occur in one of them only: their terms are left out.

    Parameters
    ----------
    real, made
        The same model on the real data and on each set.

    Raises
    ------
    DataError
        If a column is coded differently in the two, so that terms differ; the message says which and why.
    """
    there = tuple(dict.fromkeys(term for one in made for term in one.terms))
    only = {
        "the real data": tuple(term for term in real.terms if term not in there),
        "the sets": tuple(term for term in there if term not in real.terms),
    }
    reasons = _unlike(real.grounds, made[0].grounds) if made[0].grounds and real.grounds else _UNKNOWN
    if reasons and (reasons is not _UNKNOWN or any(only.values())):
        shown = [f"only {which} have {listed(terms)}" for which, terms in only.items() if terms]
        raise DataError(
            f"The terms of the model do not match: {'; '.join([*reasons, *shown])}",
            need="the same columns, of the same kinds and levels, in the real data and the sets",
            fix="give the real data as they were synthesized: with the kinds, levels and labels of the codebook",
        )
    return [f"{term} is left out: only {which} have it" for which, terms in only.items() for term in terms]


_UNKNOWN = ["the function gave other names"]


def _unlike(real: Grounds, made: Grounds) -> list[str]:
    """Columns that are coded differently in the real data and the sets, and how."""
    here, there = ({one.label: one for one in grounds.factors} for grounds in (real, made))
    said = []
    for label in dict.fromkeys((*here, *there)):
        one, other = here.get(label), there.get(label)
        if one is None or other is None:
            which, others = ("the real data", "the sets") if other is None else ("the sets", "the real data")
            said.append(f"{label} has levels in {which} and is a number in {others}")
        elif one.coding != other.coding:
            ordered = "the real data" if one.coding == "together" else "the sets"
            said.append(f"{label} is ordered in {ordered} only")
        elif one.typed and not _alike(one, other):
            said.append(
                f"{label} has {len(one.levels)} levels in the real data and {len(other.levels)} in the sets, "
                f"{len(set(one.levels) & set(other.levels))} of them the same"
            )
    return said


def _alike(one: Coded, other: Coded) -> bool:
    """Whether a term of the one is that of the other."""
    if one.coding == "together":
        return one.levels == other.levels
    return one.reference == other.reference and set(one.levels) == set(other.levels)
