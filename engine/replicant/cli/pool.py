"""`replicant pool`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from replicant.cli.design import design_options, given
from replicant.cli.model_options import model_settings, shares_explained
from replicant.cli.offers import model_options, models, rules
from replicant.cli.options import cluster_options, common_options, tell

if TYPE_CHECKING:
    from replicant.execution.backend import Backend

__all__ = ["pool"]


@click.command()
@click.argument("release", type=click.Path())
@click.option(
    "--model",
    default="ols",
    shell_complete=models,
    show_default=True,
    help="ols, logit, poisson, polr, multinomial, phreg, negbin, quantreg, mixedlm, ...",
)
@click.option(
    "--formula", required=True, help='As in R: "hgt ~ age + phb", with bs, ns, offset, C(x, ref="b"), I(x > 3).'
)
@click.option(
    "--rule",
    default="auto",
    shell_complete=rules,
    show_default=True,
    help="The combining rule; auto chooses it by the manifest.",
)
@design_options
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=model_options,
    help="An option of the model, such as status=dead or q=0.25. May be repeated.",
)
@click.option(
    "--test",
    "tests",
    multiple=True,
    metavar="TERM",
    help="Test all coefficients of a term jointly, or against a smaller formula ('~ . - phb'). May be repeated.",
)
@click.option(
    "--level",
    default=0.95,
    show_default=True,
    type=click.FloatRange(0, 1, True, True),
    help="Confidence level of the intervals.",
)
@click.option("--csv", "form", flag_value="csv", help="Print the table as CSV, in full precision.")
@click.option("--latex", "form", flag_value="latex", help="Print the table as a LaTeX tabular.")
@cluster_options
@common_options
def pool(
    release: str,
    model: str,
    formula: str,
    rule: str,
    options: tuple[str, ...],
    tests: tuple[str, ...],
    level: float,
    form: str | None,
    backend: Backend,
    **design: Any,
) -> None:
    """Fit a model on each set of a release and pool the fits.

    The combining rule follows from how the release was synthesized, which its manifest records; a rule that is not
    valid for it is refused. With --workers or --scheduler a cluster reads the files and returns sums only, so sets may
    be larger than memory.

    State the kind of weights. --weight-kind survey: a row represents that many units of a population, and standard
    errors are design-based (linearized), with --strata and --clusters if the sample had them. --weight-kind frequency:
    a row counts as that many equal rows.

    \b
    Examples:
        replicant pool release --formula "hgt ~ age + phb"
        replicant pool release --model polr --formula "gen ~ age + hc + reg" --csv
        replicant pool release --formula "wage ~ age" --weights w --weight-kind survey --clusters psu
        replicant pool release --formula "score ~ hours" --cluster school
        replicant pool release --model phreg --formula "time ~ age" --option status=dead --option ties=efron
        replicant pool release --formula "hgt ~ age + phb" --test phb
        replicant pool release --model logit --formula "smokes ~ age" --scheduler tcp://10.0.0.5:8786
    """
    from replicant.run.reading import reading

    settings = {**given(design), **model_settings(options, taken=given(design))}
    with reading(backend) as read:
        analyses = read(release).analyse(model, formula, **settings)
        pooled = analyses.pool(rule, level=level)
        extra = [str(analyses.test(term, rule=rule)) for term in tests]
        extra += shares_explained(analyses, rule, level)
    text = pooled.to_csv() if form == "csv" else pooled.to_latex() if form == "latex" else pooled.summary()
    click.echo(text, nl=False)
    for line in extra:
        if form is None:
            click.echo(f"\n{line}" if line is extra[0] else line)
        else:
            tell(line)
