"""`replicant version`."""

from __future__ import annotations

import json

import click

from replicant.cli.options import common_options

__all__ = ["version"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As a JSON object, name to version.")
@common_options
def version(as_json: bool) -> None:
    """Print the versions that results depend on.

    These are Replicant, Python, and the libraries that draw, compute and write. All machines of a cluster must have the
    same versions. `replicant --version` prints Replicant's only.

    \b
    Examples:
        replicant version
        replicant version --json
    """
    from replicant.versions import software

    found = software()
    if as_json:
        click.echo(json.dumps(found))
        return
    width = max(map(len, found))
    for name, number in found.items():
        click.echo(f"{name:<{width}}  {number}")
