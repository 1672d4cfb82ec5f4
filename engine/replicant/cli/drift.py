"""`replicant drift`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from replicant.cli.options import cluster_options, common_options, write_file

if TYPE_CHECKING:
    from replicant.execution.backend import Backend

__all__ = ["drift"]


@click.command()
@click.argument("earlier", metavar="RELEASE_A", type=click.Path())
@click.argument("later", metavar="RELEASE_B", type=click.Path())
@click.option(
    "--level",
    default=0.95,
    show_default=True,
    type=click.FloatRange(0, 1, True, True),
    help="Confidence level of the intervals.",
)
@click.option("--csv", "form", flag_value="csv", help="Print all means, shares and shares of missing cells as CSV.")
@click.option("--json", "form", flag_value="json", help="Print everything as JSON.")
@click.option("--output", "-o", metavar="FILE", help="Write an HTML page instead.")
@cluster_options
@common_options
def drift(
    earlier: str,
    later: str,
    level: float,
    form: str | None,
    output: str | None,
    backend: Backend,
) -> None:
    """Show what changed between two releases.

    The output lists differences in means, shares and missing cells with their standard errors, new and vanished levels,
    changed types, and one measure for the whole table. It is computed from the releases alone, so it can be shared as
    they can.

    \b
    Examples:
        replicant drift build/bulk/north/2020 build/bulk/north/2021
        replicant drift release2020 release2021 -o drift.html
        replicant drift release2020 release2021 --csv > drift.csv
    """
    import json

    from replicant.report import drift_page, drift_text
    from replicant.run.reading import drift as compare
    from replicant.run.reading import reading

    with reading(backend) as read:
        drifted = compare(read(earlier), read(later), names=_names(earlier, later), level=level)
    if output is not None:
        write_file(output, drift_page.render(drifted.as_dict()))
        click.echo(output)
    elif form == "csv":
        click.echo(drifted.terms.to_csv(index=False), nl=False)
    elif form == "json":
        click.echo(json.dumps(drifted.as_dict(), indent=1, ensure_ascii=False))
    else:
        click.echo(drift_text.render(drifted.as_dict()))


def _names(earlier: str, later: str) -> tuple[str, str]:
    """Names for two releases: the shortest ends of their paths that differ."""
    one, other = (path.rstrip("/").split("/") for path in (earlier, later))
    for count in range(1, max(len(one), len(other))):
        if one[-count:] != other[-count:]:
            return "/".join(one[-count:]), "/".join(other[-count:])
    return earlier, later
