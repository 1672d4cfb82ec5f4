"""`replicant resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from replicant.cli.options import backend_options, common_options, quiet_option, watching

if TYPE_CHECKING:
    from replicant.execution.backend import Backend

__all__ = ["resume"]


@click.command()
@click.argument("run", type=click.Path())
@backend_options
@click.option("--dry-run", is_flag=True, help="Plan and check everything, but run no task.")
@quiet_option
@common_options
def resume(
    run: str,
    backend: Backend,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Complete a run that was interrupted.

    RUN is the folder that the run was to write, its `output.path`. Finished work is used; the release, or the results
    of a study, equal those of an undisturbed run byte for byte. The run is refused if data, settings or version have
    changed since. For the folder of a bulk, missing and changed releases are synthesized.

    With --dry-run the command stops before the first task, and shows what is finished and what would be done.

    \b
    Examples:
        replicant resume release
        replicant resume build/boys_study
        replicant resume build/boys_study --workers 4
    """
    from replicant.bulk import begun_at, dry_run_bulk, run_bulk
    from replicant.run.dry_run import dry_run_resume
    from replicant.run.job_result import JobResult
    from replicant.run.resume import resume as take_up

    progress = watching(quiet=quiet)
    bulk = begun_at(run)
    if bulk is not None:
        done = dry_run_bulk(bulk, backend) if dry_run else run_bulk(bulk, backend, progress=progress)
        if not quiet:
            click.echo(done.text())
        done.require()
        return
    if dry_run:
        text = dry_run_resume(run, backend, progress)
        if not quiet:
            click.echo(text)
        return
    result = take_up(run, backend, progress)
    if not quiet:
        click.echo(result.text())
    if isinstance(result, JobResult):
        result.require()
