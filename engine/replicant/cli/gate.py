"""`replicant gate` and `replicant release`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from replicant.cli.evaluation import codebook_of, indicators_of, lists, names
from replicant.cli.options import common_options, tell, write_file

if TYPE_CHECKING:
    from replicant.gate.verdict import Verdict

__all__ = ["gate", "release"]


def _limits(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    """`CHECK=NUMBER`, and perhaps `:REASON`."""
    found: dict[str, Any] = {}
    for value in values:
        check, sign, rest = value.partition("=")
        number, _, reason = rest.partition(":")
        try:
            found[check.strip()] = {"limit": float(number), "reason": reason.strip()}
        except ValueError:
            raise click.BadParameter(
                f"{value!r} is no limit: CHECK=NUMBER is needed, or CHECK=NUMBER:REASON where it allows more", ctx
            ) from None
        if not sign:
            raise click.BadParameter(f"{value!r} has no number: CHECK=NUMBER is needed", ctx)
    return found


@click.command()
@click.argument("real", type=click.Path())
@click.argument("sets", metavar="SYN...", type=click.Path(), nargs=-1, required=True)
@click.option("--tier", default="public", show_default=True, metavar="TIER", help="public, safeguarded or secure.")
@click.option("--holdout", type=click.Path(), metavar="FILE", help="Real rows that were not synthesized.")
@click.option(
    "--keys",
    multiple=True,
    callback=names,
    metavar="COLUMN",
    help="What an intruder knows of a person. Repeated, or with commas.  [default: proposed]",
)
@click.option("--targets", multiple=True, callback=names, metavar="COLUMN", help="What must stay unknown.")
@click.option("--sensitive", multiple=True, callback=names, metavar="COLUMN", help="What people tell few others.")
@click.option(
    "--limit",
    "limits",
    multiple=True,
    callback=_limits,
    metavar="CHECK=NUMBER[:REASON]",
    help="In place of the tier's limit; one that allows more needs a reason. May be repeated.",
)
@click.option(
    "--pair", "pairs", multiple=True, callback=lists, metavar="COLUMN,COLUMN", help="A pair that matters. Repeated."
)
@click.option("--indicators", callback=indicators_of, metavar="FILE", help="Figures that are published, as YAML.")
@click.option("--earlier", multiple=True, type=click.Path(), metavar="RELEASE", help="An earlier release.")
@click.option("--population", type=click.Path(), metavar="FILE", help="How many people share the keys.")
@click.option("--donors", type=click.IntRange(1), metavar="N", help="Fewest records behind a value, of other tools.")
@click.option("--rule", "rules", multiple=True, metavar="RULE", help="What every row keeps. May be repeated.")
@click.option("--codebook", type=click.Path(dir_okay=False), metavar="FILE", help="A codebook.")
@click.option("--effort", type=click.Choice(["quick", "full"]), default="full", show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the random streams.")
@click.option("--json", "form", flag_value="json", help="Print the record as JSON.")
@click.option("--output", "-o", metavar="FILE", help="Write an HTML page instead.")
@common_options
def gate(
    real: str, sets: tuple[str, ...], codebook: str | None, form: str | None, output: str | None, **settings: Any
) -> None:
    """Judge whether synthetic sets may go out, check by check.

    REAL is the real table, without the holdout. SYN is a release, or files with sets that any tool made. The exit
    code is 5 if a check fails. What is printed is for the owner of the data.

    \b
    Examples:
        replicant gate survey.parquet release --holdout holdout.parquet --keys sex,age,region
        replicant gate survey.csv syn1.csv syn2.csv --tier safeguarded -o gate.html
        replicant gate survey.csv release --limit "linkability=0.08:keys are known to nobody"
    """
    import json

    from replicant.gate.call import gate as judge

    settings["columns"] = codebook_of(codebook) if codebook is not None else None
    settings |= {name: settings[name] or None for name in ("keys", "targets")}
    settings["earlier"] = list(settings["earlier"]) or None
    found: Verdict = judge(real, sets[0] if len(sets) == 1 else list(sets), **settings)
    if output is not None:
        write_file(output, found.to_html())
        click.echo(output)
    elif form == "json":
        click.echo(json.dumps(found.as_dict(), indent=1, ensure_ascii=False))
    else:
        click.echo(found.text())
    if found.failed:
        from replicant.errors import WithheldError

        raise WithheldError(f"{len(found.failed)} checks failed: {', '.join(found.failed)}.")


@click.command()
@click.argument("target", type=click.Path())
@click.option("--override", "overrides", multiple=True, required=True, metavar="CHECK", help="A check that failed.")
@click.option("--reason", required=True, metavar="TEXT", help="Why the release goes out all the same.")
@click.option("--by", required=True, metavar="NAME", help="Who decides.")
@click.option(
    "--internal", type=click.Path(), metavar="FOLDER", help="Its internal folder.  [default: TARGET-internal]"
)
@click.option("--overwrite", is_flag=True, help="Replace a finished release.")
@common_options
def release(
    target: str, overrides: tuple[str, ...], reason: str, by: str, internal: str | None, overwrite: bool
) -> None:
    """Release what the gate withholds, by decision of a person.

    TARGET is the output.path of the job. Each check that failed is named with --override. The decision, its reason,
    who made it and when stand in both manifests of the release.

    \b
    Examples:
        replicant release out --override distinct_donors --reason "teaching data, 1 % sample" --by "A. Owner"
    """
    from replicant.run.candidate import release_anyway

    release_anyway(target, overrides=overrides, reason=reason, by=by, internal=internal, overwrite=overwrite)
    tell(f"released by decision of {by}: {target}")
