"""`replicant plan`."""

from __future__ import annotations

import click

from replicant.cli.offers import jobs
from replicant.cli.options import common_options, memory_option, set_option

__all__ = ["plan"]


@click.command()
@click.argument("job", type=click.Path(), shell_complete=jobs)
@set_option
@memory_option
@common_options
def plan(job: str, overrides: tuple[str, ...], memory: int | None) -> None:
    """Print what a job would do, touch nothing.

    JOB may be a table instead, for which the defaults stand.

    Reads the data, and shows for each column its kind, method, predictors and why; then the tasks, rows, memory, and
    the output tree; of a study its variants and tables; of a bulk its releases, and which of them are up to date. A job
    whose pieces do not fit in --memory is refused, with the size of parts that fit. Nothing is written.

    \b
    Examples:
        replicant plan job.yaml
        replicant plan job.yaml --set synthesis.m=20 --set synthesis.conditioning=observed
        replicant plan big.yaml --memory 2GB
    """
    from replicant.run.preview import preview
    from replicant.spec.bulk import BulkJob
    from replicant.spec.load import load_any

    spec = load_any(job, overrides)
    if isinstance(spec, BulkJob):
        from replicant.bulk import plan_bulk

        planned = plan_bulk(spec, memory)
        click.echo(planned.text())
        planned.require()
        return
    click.echo(preview(spec, memory).text, nl=False)
