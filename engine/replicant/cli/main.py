"""`replicant`: the entry point, and the one exit for errors of every kind."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import nullcontext
from types import FrameType

import click

import replicant
from replicant.cli.completion import completion
from replicant.cli.convert import convert
from replicant.cli.dossier import destroy_seed, dossier
from replicant.cli.drift import drift
from replicant.cli.evaluation import disclosure, utility
from replicant.cli.gate import gate, release
from replicant.cli.help import help_
from replicant.cli.inspect import inspect
from replicant.cli.log import open_log
from replicant.cli.options import State, common_options
from replicant.cli.plan import plan
from replicant.cli.pool import pool
from replicant.cli.report import report
from replicant.cli.resume import resume
from replicant.cli.run import run
from replicant.cli.schema import schema
from replicant.cli.usage import hinted
from replicant.cli.verify import verify
from replicant.cli.version import version
from replicant.cli.warm import warm
from replicant.errors import Exit, nearest

__all__ = ["cli", "main"]

EXIT_CODES = "\n".join(["\b", "Exit codes:", *(f"  {int(code):<5}{code.meaning}" for code in Exit)])


class _Commands(click.Group):
    """A group that suggests the nearest command for a misspelt one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if not word.startswith("-") and self.get_command(ctx, word) is None:
            known = self.list_commands(ctx)
            raise click.UsageError(
                f"No such command {word!r}{nearest(word, known) or '.'} There are {', '.join(known)}.", ctx
            )
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order of work, not of the alphabet


@click.group(
    cls=_Commands,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(replicant.__version__, "--version", prog_name="replicant", message="%(prog)s %(version)s")
@common_options
def cli() -> None:
    """Turn a confidential table into m synthetic tables.

    \b
    Inspect a table:             replicant inspect survey.parquet
    Preview a job:               replicant plan job.yaml
    Run it:                      replicant run job.yaml
    Check a release:             replicant verify release
    Analyse a release:           replicant pool release --formula "y ~ x"
    Complete a stopped run:      replicant resume study
    Rewrite a study's page:      replicant report study
    Measure what it is worth:    replicant utility survey.parquet release
    And what it gives away:      replicant disclosure survey.parquet release
    Judge whether it may go out: replicant gate survey.parquet release
    Release what is withheld:    replicant release release --override CHECK
    Compare two releases:        replicant drift release2020 release2021
    Write a release's documents: replicant dossier release

    A job is one YAML file. The smallest:

    \b
        input: {path: survey.parquet}
        synthesis: {m: 5, seed: 2021}
        output: {path: release}
    """


for _command in (
    inspect,
    plan,
    run,
    resume,
    verify,
    pool,
    utility,
    disclosure,
    gate,
    release,
    drift,
    dossier,
    destroy_seed,
    report,
    convert,
    schema,
    completion,
    warm,
    version,
    help_,
):
    cli.add_command(_command)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and leave with an exit code.

    Parameters
    ----------
    args
        Words after the program's name; None for those it was started with.
    """
    signal.signal(signal.SIGTERM, _terminate)
    sys.unraisablehook = _send_again
    if args is None:  # a process of its own
        gc.set_threshold(50_000)  # imports make many objects and no garbage, and 700 are soon made
    words = sys.argv[1:] if args is None else list(args)
    log = open_log(words, os.environ)
    with nullcontext() if log is None else log.collecting():
        sys.exit(_run(words, State(log=log)))


def _run(args: Sequence[str], state: State) -> int:
    report_end = _words if state.log is None else state.log.ends
    try:
        code = cli.main(list(args), prog_name="replicant", standalone_mode=False, obj=state)
        sys.stdout.flush()
    except click.ClickException as found:
        error = hinted(found)
        if state.log is None:
            error.show()
        else:
            state.log.ends(error.exit_code, error.format_message(), error=type(found).__name__)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        report_end(Exit.INTERRUPTED, "interrupted; nothing unfinished was released.")
        return Exit.INTERRUPTED
    except SystemExit as asked:
        if state.log is not None and asked.code == Exit.TERMINATED:
            state.log.ends(Exit.TERMINATED)
        raise
    except BrokenPipeError:
        # The reader of the output is gone; the interpreter must not fail on it again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    except Exception as error:
        from replicant.execution.failure import describe

        known = describe(error, state.doing)
        _show_traceback(error, state)
        if state.log is None:
            _words(known.exit_code, str(known))
        else:
            facts = {"error": type(known).__name__, "need": known.need, "fix": known.fix}
            state.log.ends(known.exit_code, known.found, **{name: fact for name, fact in facts.items() if fact})
        return known.exit_code
    code = code if isinstance(code, int) else Exit.DONE
    if state.log is not None:
        state.log.ends(code)
    return code


def _words(code: int, message: str) -> None:
    click.echo(f"replicant: {message}", err=True)


def _show_traceback(error: BaseException, state: State) -> None:
    """Print the whole traceback with `--debug` only: it may quote cells."""
    if not state.debug:
        return
    chain: BaseException | None = error
    while chain is not None:
        chain.__suppress_context__ = False
        chain = chain.__cause__ or chain.__context__
    traceback.print_exception(error, file=sys.stderr)


def _terminate(number: int, frame: FrameType | None) -> None:
    """Leave in the same way as after an interrupt, so that nothing half-written stays."""
    from replicant.run.resumable import ask_to_stop

    # Batch systems may signal script, process and group: a second signal must not disturb the clean-up.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ask_to_stop()
    raise SystemExit(int(Exit.TERMINATED))


def _send_again(lost: sys.UnraisableHookArgs) -> None:
    """Send a signal again a moment later: Python drops an exception that a signal raises while a destructor runs."""
    if lost.exc_type is SystemExit:
        signal.signal(signal.SIGTERM, _terminate)
        number = signal.SIGTERM
    elif lost.exc_type is KeyboardInterrupt:
        number = signal.SIGINT
    else:
        sys.__unraisablehook__(lost)
        return
    # Sent at once, it would be raised and dropped in here.
    again = threading.Timer(0.05, signal.pthread_kill, [threading.get_ident(), number])
    again.daemon = True
    again.start()


if __name__ == "__main__":
    main()
