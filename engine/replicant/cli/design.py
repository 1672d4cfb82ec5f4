"""Options of a command for the design of a sample (weights, strata, clusters) and for robust or clustered errors."""

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
        help="What a weight counts: the units of a population that a row represents, or equal rows.",
    ),
    click.option(
        "--strata", default=None, shell_complete=columns_of_release, help="The column of the strata of a survey."
    ),
    click.option(
        "--clusters",
        default=None,
        shell_complete=columns_of_release,
        help="The column of the primary sampling units of a survey.",
    ),
    click.option(
        "--fpc",
        default=None,
        shell_complete=columns_of_release,
        help="The column with each stratum's population size in units, or its sampling fraction.",
    ),
    click.option("--nest", is_flag=True, help="Names of units are unique within strata only."),
    click.option(
        "--lonely-psu",
        default="fail",
        show_default=True,
        type=click.Choice(_LONELY),
        help="How to treat a stratum with a single unit.",
    ),
    click.option(
        "--cov",
        default=None,
        type=click.Choice(_COVARIANCES, case_sensitive=False),
        metavar=f"[{'|'.join(_COVARIANCES)}]",
        help="Standard errors that are robust to heteroscedasticity.",
    ),
    click.option(
        "--cluster",
        default=None,
        shell_complete=columns_of_release,
        help="A column of groups whose rows are dependent: cluster-robust standard errors (CR1).",
    ),
)


def design_options(command: F) -> F:
    """Adds the options of a sample's design, in the order of the help."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def given(design: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, as an estimator takes them."""
    options = {key: value for key, value in design.items() if value is not None and value is not False}
    return {key: value for key, value in options.items() if (key, value) != ("lonely_psu", "fail")}
