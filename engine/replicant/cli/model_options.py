"""Options of a model on the command line, and the lines that are printed below its table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from replicant.errors import SpecError
from replicant.view.figures import number

if TYPE_CHECKING:
    from replicant.analysis import Analyses

__all__ = ["model_settings", "shares_explained"]

_OWN = ("model", "formula", "rule", "level", "weights", "weight_kind")


def model_settings(given: Sequence[str], *, taken: Collection[str] = ()) -> dict[str, Any]:
    """Options of a model from `KEY=VALUE`; values are scalars as YAML reads them.

    Parameters
    ----------
    given
        The texts as typed.
    taken
        Names that other options have given already.

    Raises
    ------
    SpecError
        An option has no equals sign, is given twice, has an option of its own, or is not a scalar.
    """
    import yaml

    out: dict[str, Any] = {}
    for text in given:
        key, sign, value = text.partition("=")
        key = key.strip()
        if not sign or not key.isidentifier():
            raise SpecError(
                f"--option {text[:60]} is not of the form KEY=VALUE", need="KEY=VALUE, such as --option status=dead"
            )
        if key in _OWN:
            raise SpecError(f"--option {key} is not an option of the model", need=f"--{key.replace('_', '-')}")
        if key in out or key in taken:
            raise SpecError(f"{key} is given twice", need="each option once")
        try:
            read = yaml.safe_load(value)
        except yaml.YAMLError:
            read = value  # a comparison or a formula is a text, whatever YAML makes of its signs
        if not isinstance(read, str | int | float | bool):
            read = value
        if read == "":
            raise SpecError(f"--option {key} has no value", need="KEY=VALUE, such as --option status=dead")
        out[key] = read
    return out


def shares_explained(analyses: Analyses, rule: str, level: float) -> list[str]:
    """R squared and adjusted R squared with their intervals, for models where they can be pooled."""
    from replicant.analysis.analyses import CLUSTERED_SHARE

    out = []
    for adjusted in (False, True):
        try:
            pooled = analyses.r_squared(adjusted=adjusted, rule=rule, level=level)
        except SpecError:
            continue
        value, low, high = (number(float(one[0]), 3) for one in (pooled.estimate, pooled.conf_low, pooled.conf_high))
        name = "Adjusted R squared" if adjusted else "R squared"
        out.append(f"{name}: {value} ({100 * level:g} % interval {low} to {high})")
        if adjusted and CLUSTERED_SHARE in pooled.messages:
            out.append(f"Note: {CLUSTERED_SHARE}.")
    return out
