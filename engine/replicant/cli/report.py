"""`replicant report`."""

from __future__ import annotations

import click

from replicant.cli.options import common_options

__all__ = ["report"]


@click.command()
@click.argument("results", type=click.Path())
@click.option(
    "--output", "-o", metavar="FILE", help="Write the page to this file.  [default: report.html in the folder]"
)
@common_options
def report(results: str, output: str | None) -> None:
    """Rewrite the page of a study from its results.

    RESULTS is the folder that a study wrote. The page is one file that opens offline. Like the results, it holds
    statistics of the confidential data and is meant for the data owner.

    \b
    Examples:
        replicant report build/boys_study
        replicant report build/boys_study -o study.html
    """
    from replicant.run.checkpoint import read_results

    path = output or f"{results.rstrip('/')}/report.html"
    read_results(results).write_html(path)
    click.echo(path)
