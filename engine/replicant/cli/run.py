"""`replicant run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from replicant.cli.offers import jobs
from replicant.cli.options import backend_options, common_options, quiet_option, set_option, watching

if TYPE_CHECKING:
    from replicant.execution.backend import Backend

__all__ = ["run"]


@click.command()
@click.argument("job", type=click.Path(), shell_complete=jobs)
@set_option
@backend_options
@click.option("--overwrite", is_flag=True, help="Replace a finished release.")
@click.option("--dry-run", is_flag=True, help="Plan and check everything, but run no task.")
@quiet_option
@common_options
def run(
    job: str,
    overrides: tuple[str, ...],
    backend: Backend,
    overwrite: bool,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Run a job: read a table, synthesize it, write a release.

    A job with a study writes its results and report; a bulk writes all releases that are missing or changed, and an
    index of them. JOB may also be a table: survey.csv is then synthesized with the defaults, to survey-release.

    The release appears whole or not at all. The internal manifest, which holds the seed, is written beside it; never
    share that file. The same seed gives the same files, byte for byte, on any number of threads or workers. Run the
    same line again, or `replicant resume`, and a study that was interrupted continues where it stopped.

    With --dry-run the command stops before the first task: it prints the plan, checks target, memory and cluster, and
    ends with the exit code that the run would have had so far. Nothing is written.

    \b
    Examples:
        replicant run job.yaml
        replicant run survey.csv
        replicant run job.yaml --set synthesis.m=20 --set output.path=release20
        replicant run job.yaml --dry-run
        replicant run job.yaml --workers 4
        replicant run job.yaml --scheduler tcp://10.0.0.5:8786 --overwrite
        replicant run jobs/demo_study.yaml --set study.replicates=50
        replicant run jobs/bulk.yaml --memory 4GB
    """
    from replicant.run.dry_run import dry_run_job
    from replicant.run.job import run_job
    from replicant.run.job_result import JobResult
    from replicant.run.study import run_study_job
    from replicant.spec.bulk import BulkJob
    from replicant.spec.load import load_any

    spec = load_any(job, overrides)
    options: dict[str, Any] = {"overwrite": overwrite, "progress": watching(quiet=quiet)}
    if isinstance(spec, BulkJob):
        from replicant.bulk import dry_run_bulk, run_bulk

        done = dry_run_bulk(spec, backend, overwrite=overwrite) if dry_run else run_bulk(spec, backend, **options)
        if not quiet:
            click.echo(done.text())
        done.require()
        return
    if dry_run:
        text = dry_run_job(spec, backend, **options)
        if not quiet:
            click.echo(text)
        return
    result = (run_job if spec.study is None else run_study_job)(spec, backend, **options)
    if not quiet:
        click.echo(result.text())
    if isinstance(result, JobResult):
        result.require()
