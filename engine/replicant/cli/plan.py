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
    """Show what a job would do; write nothing.

    JOB is a job file, or a table, which is then planned with the defaults.

    The command reads the data and shows each column's kind, method and predictors with the reason for each; then the
    tasks, rows, memory and output files; for a study, its variants and tables; for a bulk, its releases and which of
    them are up to date. A job whose tasks do not fit in --memory is refused, with a size of partitions that does.

    \b
    Examples:
        replicant plan job.yaml
        replicant plan job.yaml --set synthesis.m=20 --set synthesis.conditioning=observed
        replicant plan big.yaml --memory 2GB
    """
    from replicant.run.preview import preview
    from replicant.spec.load import load_any
    from replicant.spec.models import JobSpec

    spec = load_any(job, overrides)
    if not isinstance(spec, JobSpec):
        from replicant.bulk import plan_bulk

        planned = plan_bulk(spec, memory)
        click.echo(planned.text())
        planned.require()
        return
    click.echo(preview(spec, memory).text, nl=False)
