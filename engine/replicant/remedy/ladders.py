"""What each remedy does, step by step, and which checks of the gate it treats."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from replicant.errors import SpecError, nearest
from replicant.spec.models import SynthesisSpec

__all__ = [
    "LADDERS",
    "Ladder",
    "Rung",
    "Situation",
    "check_remedies",
    "newly_recoded",
    "situation_of",
    "stronger",
    "swappable",
]

_IDENTITY = frozenset({"match_probability", "copied_unique_records", "singling_out", "linkability"})
_ATTRIBUTE = frozenset({"inference", "attribute_disclosure", "confident_guesses"})
_MODEL = frozenset({"membership", "memorisation", "canaries", "distinct_donors"})


@dataclass(frozen=True)
class Situation:
    """What the steps of remedies hang on.

    Attributes
    ----------
    donors
        Distinct donors behind a value that the tier asks for.
    numbers
        Numeric columns that are drawn from donors.
    nominal
        Nominal columns that may have rare levels.
    n
        Rows that are synthesized.
    keys
        Whether there are keys that an intruder knows.
    swappable
        Number of columns whose cells may be exchanged.
    had
        Distinct donors that stand behind a value already; 0 if there may be single ones.
    """

    donors: int
    numbers: tuple[str, ...] = ()
    nominal: tuple[str, ...] = ()
    n: int = 0
    keys: bool = True
    had: int = 0
    swappable: int = 2


@dataclass(frozen=True)
class Rung:
    """One step.

    Attributes
    ----------
    what
        What is done, in a sentence without a stop.
    settings
        Of the synthesis, which is drawn anew with them.
    rows
        Or what is done to drawn rows.
    """

    what: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    rows: str | None = None


@dataclass(frozen=True)
class Ladder:
    """A remedy.

    Attributes
    ----------
    treats
        Names of checks that it may fix.
    rung
        The step after so many; None: there is no more.
    needs
        What it works on.
    cost
        What it costs, in a sentence: it stands in the record of a step that is kept.
    """

    treats: frozenset[str]
    rung: Callable[[int, Situation], Rung | None]
    needs: str
    cost: str


def _redraw(taken: int, of: Situation) -> Rung | None:
    donors = max(of.donors, 2 * of.had) * 2**taken
    if taken > 2 or donors > of.n // 10:
        return None
    what = f"all sets are drawn again from leaves of at least {donors} records, of which each gives one cell of a row"
    return Rung(what, {"min_donors": donors, "donors": {"distinct": 1}})


def _smooth(taken: int, of: Situation) -> Rung | None:
    if taken or not of.numbers:
        return None
    return Rung("numbers are drawn near those of donors instead of these", {"smoothing": "kernel"})


def _recode(taken: int, of: Situation) -> Rung | None:
    records = of.donors * 2**taken
    if taken > 1 or not of.nominal:
        return None
    what = f"levels of fewer than {records} records are merged"
    return Rung(what, {"rare": dict.fromkeys(of.nominal, records)})


def _top_code(taken: int, of: Situation) -> Rung | None:
    records = of.donors * 2**taken
    if taken > 1 or not of.numbers:
        return None
    bounds = {name: {"rows": records} for name in of.numbers}
    return Rung(
        f"numbers stop where {records} records are beyond, above and below",
        {"top_coding": bounds, "bottom_coding": bounds},
    )


def _swap(taken: int, of: Situation) -> Rung | None:
    if of.swappable < 2:
        return None
    if not taken:
        return Rung("one cell of each row that equals a unique record is exchanged with a row like it", rows="swap")
    if taken > 1 or not of.keys:
        return None
    what = "one cell of each row that answers the keys of a unique record rightly is exchanged with a row like it"
    return Rung(what, rows="swap_answers")


def _remove(taken: int, of: Situation) -> Rung | None:
    return None if taken else Rung("rows that equal a unique record are removed", rows="remove")


LADDERS: Mapping[str, Ladder] = {
    "redraw": Ladder(
        _IDENTITY | _ATTRIBUTE | _MODEL,
        _redraw,
        "at least 10 times as many rows as records in a leaf",
        "Relations that few records show are lost.",
    ),
    "swap": Ladder(
        _IDENTITY | _ATTRIBUTE,
        _swap,
        "two columns that are drawn, and from which no other is computed",
        "Columns keep their distribution exactly; associations lose what the exchanged cells said.",
    ),
    "smooth": Ladder(
        _IDENTITY | frozenset({"membership", "memorisation"}),
        _smooth,
        "a column of numbers that is drawn",
        "Numbers are nobody's, but for those that many have.",
    ),
    "recode": Ladder(
        _IDENTITY | _ATTRIBUTE, _recode, "a nominal column that is drawn", "Levels that few people have are one."
    ),
    "top_code": Ladder(
        _IDENTITY | _ATTRIBUTE, _top_code, "a column of numbers that is drawn", "Tails end at a bound: means move."
    ),
    "remove": Ladder(
        frozenset({"copied_unique_records"}),
        _remove,
        "sets of rows",
        "What is absent informs: who knows the method learns that a row which ought to be there is real.",
    ),
}
"""By name."""


def check_remedies(names: Sequence[str]) -> tuple[str, ...]:
    """Names of remedies, each once.

    Raises
    ------
    SpecError
        One is unknown.
    """
    for name in names:
        if name not in LADDERS:
            raise SpecError(
                f"{name!r} is no remedy{nearest(str(name), list(LADDERS))}", need=f"some of {', '.join(LADDERS)}"
            )
    return tuple(dict.fromkeys(names))


def check_work(names: Sequence[str], situation: Situation) -> None:
    """Refuse remedies that have nothing to work on.

    Raises
    ------
    SpecError
        With what the remedy needs.
    """
    for name in names:
        if LADDERS[name].rung(0, situation) is None:
            raise SpecError(
                f"the remedy {name!r} has nothing to work on",
                need=LADDERS[name].needs,
                fix=f"take {name} out of the remedies",
            )


def situation_of(manifest: Mapping[str, Any], donors: int, *, keys: bool) -> Situation:
    """What the steps of remedies hang on in a run.

    Parameters
    ----------
    manifest
        The public one of its sets.
    donors
        Distinct donors behind a value that the tier asks for.
    keys
        Whether there are keys that an intruder knows.
    """
    drawn = {one["name"]: one["kind"] for one in manifest["columns"] if _is_drawn(one)}
    numbers = tuple(name for name, kind in drawn.items() if kind in ("continuous", "count"))
    nominal = tuple(name for name, kind in drawn.items() if kind == "nominal")
    had = int(manifest["config"]["min_donors"])
    exchanged = len(swappable(manifest))
    return Situation(donors, numbers, nominal, int(manifest["n"]), keys, had if had > 1 else 0, exchanged)


def stronger(spec: SynthesisSpec, settings: Mapping[str, Any], seed: int) -> SynthesisSpec:
    """A synthesis with settings that protect more: of what was asked for already, the stronger one stands.

    Parameters
    ----------
    spec
        What was asked for.
    settings
        Of a treatment.
    seed
        Of the run.
    """
    given = {name: getattr(spec, name) for name in spec.model_fields_set}
    known = dict(settings)
    for name in settings.keys() & {"rare", "top_coding", "bottom_coding"}:
        known[name] = {**settings[name], **given.get(name, {})}
    if "min_donors" in settings:
        known["min_donors"] = max(settings["min_donors"], spec.min_donors)
    return SynthesisSpec.model_validate({**given, **known, "seed": seed})


def newly_recoded(spec: SynthesisSpec, before: SynthesisSpec) -> SynthesisSpec:
    """The recodings of a treatment that were not done before."""
    keys = ("rare", "top_coding", "bottom_coding")
    new = {
        key: {name: how for name, how in getattr(spec, key).items() if name not in getattr(before, key)} for key in keys
    }
    return SynthesisSpec.model_validate(new)


def swappable(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Columns whose cells may be exchanged: drawn ones that no other column is computed from."""
    inputs = {name for one in manifest["columns"] for name in one.get("inputs", ())}
    return tuple(one["name"] for one in manifest["columns"] if _is_drawn(one) and one["name"] not in inputs)


def _is_drawn(column: Mapping[str, Any]) -> bool:
    """Whether cells come from a model: they are neither kept, computed, nor made up."""
    return column["synthesized"] != "none" and not column.get("inputs") and column["kind"] != "identifier"
