"""`replicant verify`."""

from __future__ import annotations

import click

from replicant.cli.options import common_options, tell
from replicant.errors import Exit

__all__ = ["verify"]


@click.command()
@click.argument("release", type=click.Path())
@common_options
@click.pass_context
def verify(ctx: click.Context, release: str) -> None:
    """Check that a release is whole and unchanged.

    The command reads every file that the manifest lists and compares rows, bytes and SHA-256; an extra file is a
    problem too. In the folder of a bulk every release is checked. The exit code is 0 without a problem, otherwise 1.

    \b
    Examples:
        replicant verify release
        replicant verify build/bulk
        replicant verify s3://bucket/release
    """
    from replicant.release import verify_release
    from replicant.release.bulk_index import find_index, verify_bulk

    index = find_index(release)
    if index is not None:
        checked = verify_bulk(release, index)
        for name, one in checked:
            for problem in one.problems:
                tell(f"{name}: {problem}", event="release.damaged", level="error")
        broken = sum(not one.ok for _, one in checked)
        files, size = (sum(getattr(one, what) for _, one in checked) for what in ("files", "bytes"))
        summary = f"{release}: {len(checked) - broken} of {len(checked)} releases whole and unchanged"
        click.echo(f"{summary} ({files:,} files, {size:,} bytes)")
        if broken:
            ctx.exit(Exit.FAILED)
        return
    found = verify_release(release)
    if found.ok:
        click.echo(f"{release}: whole and unchanged ({found.files} files, {found.rows:,} rows, {found.bytes:,} bytes)")
        return
    for problem in found.problems:
        tell(problem, event="release.damaged", level="error")
    count = len(found.problems)
    tell(
        f"{release}: {count} problem{'s' if count != 1 else ''}; do not use it.", event="release.damaged", level="error"
    )
    ctx.exit(Exit.FAILED)
