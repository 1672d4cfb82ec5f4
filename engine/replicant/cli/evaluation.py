"""`replicant utility` and `replicant disclosure`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from replicant.cli.options import common_options, tell, write_file

if TYPE_CHECKING:
    from replicant.evaluation import Evaluation

__all__ = ["codebook_of", "disclosure", "indicators_of", "lists", "names", "utility"]

F = TypeVar("F", bound=Callable[..., Any])


def names(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[str]:
    """Names, repeated or separated by commas."""
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


def _evaluating(command: F) -> F:
    """Adds what both commands take, and writes what they find."""
    options = [
        click.argument("real", type=click.Path()),
        click.argument("sets", metavar="SYN...", type=click.Path(), nargs=-1, required=True),
        click.option("--holdout", type=click.Path(), metavar="FILE", help="Real rows that were not synthesized."),
        click.option(
            "--targets",
            multiple=True,
            callback=names,
            metavar="COLUMN",
            help="Columns to predict, or to protect. Repeated, or with commas.",
        ),
        click.option("--by", metavar="COLUMN", help="A column of levels: measure in each of its groups, too."),
        click.option("--weights", metavar="COLUMN", help="A column of weights."),
        click.option(
            "--codebook", type=click.Path(dir_okay=False), metavar="FILE", help="A codebook; a release brings its own."
        ),
        click.option(
            "--effort",
            type=click.Choice(["quick", "full"]),
            default="full",
            show_default=True,
            help="quick: fewer draws, and without what takes longest.",
        ),
        click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the random streams."),
        click.option("--csv", "form", flag_value="csv", help="Print all figures as CSV, in full precision."),
        click.option("--json", "form", flag_value="json", help="Print everything as JSON."),
        click.option("--output", "-o", metavar="FILE", help="Write an HTML page instead."),
    ]

    @wraps(command)
    def written(
        real: str, sets: tuple[str, ...], codebook: str | None, form: str | None, output: str | None, **rest: Any
    ) -> None:
        columns = codebook_of(codebook) if codebook is not None else None
        syn = sets[0] if len(sets) == 1 else list(sets)
        found: Evaluation = command(real=real, syn=syn, columns=columns, **rest)
        if output is not None:
            write_file(output, found.to_html())
            click.echo(output)
        elif form == "csv":
            click.echo(found.frame.to_csv(index=False), nl=False)
        elif form == "json":
            click.echo(found.to_json())
        else:
            click.echo(repr(found))

    decorated: Any = common_options(written)
    for option in reversed(options):
        decorated = option(decorated)
    return cast(F, decorated)


def codebook_of(path: str) -> Any:
    """A codebook from its file."""
    from replicant.table import Codebook

    return Codebook.from_yaml(_text(path, "a codebook, a file of YAML"))


def _text(path: str, need: str) -> str:
    from replicant.errors import SpecError, nearest

    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        beside = [other.name for other in Path(path).parent.glob("*.y*ml")]
        hint = nearest(Path(path).name, beside) if isinstance(error, FileNotFoundError) else ""
        raise SpecError(f"{path} cannot be read ({error.strerror}){hint}", need=need) from None


def lists(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[list[str]]:
    """A list of names for each time that the option is given."""
    return [names(ctx, parameter, (value,)) for value in values]


def indicators_of(ctx: click.Context, parameter: click.Parameter, path: str | None) -> Any:
    """What a file declares."""
    if path is None or ctx.resilient_parsing:
        return None
    from replicant.spec.load import read_yaml

    need = "a file of YAML, such as mean income: {mean: income, by: region}"
    return read_yaml(_text(path, need), path, need)[0]


@click.command()
@click.option(
    "--three-way",
    multiple=True,
    callback=lists,
    metavar="COLUMNS",
    help="Compare all tables of three of these columns (age,sex,region), too. May be repeated.",
)
@click.option(
    "--indicators",
    type=click.Path(dir_okay=False),
    callback=indicators_of,
    metavar="FILE",
    help="Figures that are published, as YAML: their relative errors are shown.",
)
@_evaluating
def utility(**settings: Any) -> Evaluation:
    """Show how close synthetic sets are to the real table.

    REAL is the real table. SYN is a release, or files with sets that any tool made (one set a file, or one file with
    a column `imputation`). Every figure stands beside what a second real sample of the same size shows, and is flagged
    if it is worse beyond chance.

    \b
    Examples:
        replicant utility survey.parquet release
        replicant utility survey.csv syn1.csv syn2.csv --targets income -o utility.html
        replicant utility survey.csv release --three-way age,sex,region --indicators published.yaml
        replicant utility train.parquet release --holdout holdout.parquet --by region --json > utility.json
    """
    from replicant.utility.call import utility as evaluate

    return evaluate(settings.pop("real"), settings.pop("syn"), **settings)


@click.command()
@click.option(
    "--keys",
    multiple=True,
    callback=names,
    metavar="COLUMN",
    help="What an intruder knows of a person. Repeated, or with commas.  [default: proposed]",
)
@click.option("--cluster", metavar="COLUMN", help="A column that names households: attacks then count these.")
@click.option(
    "--sensitive",
    multiple=True,
    callback=names,
    metavar="COLUMN",
    help="What people tell few others: proposed as targets. Repeated, or with commas.",
)
@click.option(
    "--earlier",
    multiple=True,
    type=click.Path(),
    metavar="RELEASE",
    help="An earlier release of the same people, or a set of it: risks cumulate. May be repeated.",
)
@click.option(
    "--population",
    type=click.Path(),
    metavar="FILE",
    help="How many people share the keys: a table with the keys and a column count.",
)
@click.option(
    "--records",
    type=click.Path(),
    metavar="FILE",
    help="Write the records at risk, for their owner only (mode 0600). It lies in no release.",
)
@_evaluating
def disclosure(**settings: Any) -> Evaluation:
    """Show what synthetic sets give away of the real records.

    REAL is the real table. SYN is a release, or files with sets that any tool made (one set a file, or one file with
    a column `imputation`). Without --keys and --targets they are proposed, with reasons. A holdout (real rows that
    were not synthesized) shows what is true of anybody; without one, some attacks cannot be judged, which is said.

    \b
    Examples:
        replicant disclosure survey.parquet release --keys sex,age,region --targets income
        replicant disclosure train.csv syn1.csv syn2.csv --holdout holdout.csv -o disclosure.html
        replicant disclosure survey.parquet release --earlier release-2024 --records internal/at_risk.csv
    """
    from replicant.disclosure.call import disclosure as evaluate

    records = settings.pop("records")
    settings["earlier"] = list(settings["earlier"])
    # None named: they are proposed.
    settings |= {name: settings[name] or None for name in ("keys", "targets")}
    found = evaluate(settings.pop("real"), settings.pop("syn"), **settings)
    if records is not None:
        found.write_records(records)
        tell(f"the records at risk: {records}, for your eyes only")
    return found
