"""Options of a command that say what rows stand for: weights, strata, clusters; and robust or clustered errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from replicant.cli.offers import columns_of_release

__all__ = ["design_options", "given"]

F = TypeVar("F", bound=Callable[..., Any])

_KINDS = ("survey", "frequency")
_LONELY = ("fail", "adjust", "average", "certainty")
_COVARIANCES = ("HC0", "HC1", "HC2", "HC3")

_OPTIONS = (
    click.option("--weights", default=None, shell_complete=columns_of_release, help="A column of weights."),
    click.option(
        "--weight-kind",
        default=None,
        type=click.Choice(_KINDS),
        help="What a weight says: a row stands for so many of a population, or for so many equal rows.",
    ),
    click.option(
        "--strata", default=None, shell_complete=columns_of_release, help="Of a survey: the column of the strata."
    ),
    click.option(
        "--clusters",
        default=None,
        shell_complete=columns_of_release,
        help="Of a survey: the column of the primary sampling units.",
    ),
    click.option(
        "--fpc",
        default=None,
        shell_complete=columns_of_release,
        help="Of a survey: the column with the number of units in the stratum's population, or the share drawn.",
    ),
    click.option("--nest", is_flag=True, help="A unit's name that comes again in another stratum is another unit."),
    click.option(
        "--lonely-psu",
        default="fail",
        show_default=True,
        type=click.Choice(_LONELY),
        help="What a stratum with a single unit is.",
    ),
    click.option(
        "--cov",
        default=None,
        type=click.Choice(_COVARIANCES, case_sensitive=False),
        metavar=f"[{'|'.join(_COVARIANCES)}]",
        help="Standard errors for unequal spread.",
    ),
    click.option(
        "--cluster",
        default=None,
        shell_complete=columns_of_release,
        help="A column of groups of rows that are not independent: clustered standard errors (CR1).",
    ),
)


def design_options(command: F) -> F:
    """The options of a sample, in the order in which they are explained."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def given(design: Mapping[str, Any]) -> dict[str, Any]:
    """What was said of it, as an estimator takes it."""
    said = {key: value for key, value in design.items() if value is not None and value is not False}
    return {key: value for key, value in said.items() if (key, value) != ("lonely_psu", "fail")}
