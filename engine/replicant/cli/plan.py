"""`replicant plan`."""

from __future__ import annotations

import click

from replicant.cli.options import debug_option, set_option

__all__ = ["plan"]


@click.command()
@click.argument("job", type=click.Path())
@set_option
@debug_option
def plan(job: str, overrides: tuple[str, ...]) -> None:
    """Print what a job would do, column by column, and touch nothing.

    Reads the data, and shows for each column its kind, method, predictors and why; then the tasks, rows, bytes, and the
    output tree. Nothing is written.

    \b
    Examples:
        replicant plan job.yaml
        replicant plan job.yaml --set synthesis.m=20 --set synthesis.conditioning=observed
    """
    from replicant.plan.show import render
    from replicant.release import HELPERS
    from replicant.run.job import prepare
    from replicant.spec.load import load_job

    spec = load_job(job, overrides)
    ready = prepare(spec)
    output = spec.output
    names = [HELPERS[language] for language in output.helpers]
    click.echo(render(ready.plan, ready.table, output.path, csv=output.writes_csv, helpers=names))
