"""`replicant schema`."""

from __future__ import annotations

import json

import click

from replicant.cli.options import common_options

__all__ = ["schema"]


@click.command()
@common_options
def schema() -> None:
    """Print the JSON Schema of a job file, for an editor.

    An editor with a YAML language server then completes keys, explains them, and marks those that a job cannot have.
    Name the file in the first line of a job.

    \b
    Examples:
        replicant schema > job.schema.json
        sed -i '1i # yaml-language-server: $schema=job.schema.json' job.yaml
    """
    from replicant.spec.schema import job_schema

    click.echo(json.dumps(job_schema(), indent=1, ensure_ascii=False))
