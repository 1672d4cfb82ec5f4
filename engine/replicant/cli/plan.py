"""`replicant plan`."""

from __future__ import annotations

from pathlib import Path

import click

from replicant.cli.offers import jobs
from replicant.cli.options import common_options, memory_option, set_option, tell

__all__ = ["plan"]


@click.command()
@click.argument("job", type=click.Path(), shell_complete=jobs)
@click.option(
    "--graph",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Also draw the tasks, and which needs which. FILE ends in .svg and is replaced if it exists.",
)
@set_option
@memory_option
@common_options
def plan(job: str, graph: str | None, overrides: tuple[str, ...], memory: int | None) -> None:
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
        replicant plan job.yaml --graph tasks.svg
    """
    from replicant.run.preview import preview
    from replicant.spec.load import load_any
    from replicant.spec.models import JobSpec

    if graph is not None and Path(graph).suffix.lower() != ".svg":
        raise click.UsageError(f"{graph} does not end in .svg, and the graph is drawn as SVG. Choose a name that does.")
    if graph is not None and not Path(graph).absolute().parent.is_dir():
        raise click.UsageError(f"The folder of {graph} does not exist. Create it first, or choose another.")
    spec = load_any(job, overrides)
    if not isinstance(spec, JobSpec):
        if graph is not None:
            raise click.UsageError(
                "--graph draws the tasks of one job, and this is a bulk. Plan a job of it by itself."
            )
        from replicant.bulk import plan_bulk

        planned = plan_bulk(spec, memory)
        click.echo(planned.text())
        planned.require()
        return
    found = preview(spec, memory)
    click.echo(found.text, nl=False)
    if graph is not None:
        found.graph().save(graph)
        tell(f"graph: {graph}")
