"""The state of one invocation, and options that commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from replicant.cli.log import FORMATS, VARIABLE, Log
from replicant.cli.offers import settings
from replicant.errors import SpecError
from replicant.execution.progress import Level, Progress, Quiet, choose

__all__ = [
    "State",
    "backend_options",
    "cluster_options",
    "common_options",
    "memory_option",
    "quiet_option",
    "set_option",
    "tell",
    "watching",
    "write_file",
]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class State:
    """One invocation.

    Attributes
    ----------
    debug
        Whether a traceback is wanted.
    doing
        The command, for messages.
    log
        The JSON log; None if messages are text.
    """

    debug: bool = False
    doing: str = "replicant"
    log: Log | None = None


def _state() -> State:
    """The state of this invocation."""
    state = click.get_current_context().find_root().obj
    return state if isinstance(state, State) else State()


def _remember(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    state = _state()
    state.debug = state.debug or value
    state.doing = ctx.command_path


def common_options(command: F) -> F:
    """Adds `--log` and `--debug`, which every command takes before or after its name."""

    @wraps(command)
    def logged(*args: Any, **rest: Any) -> Any:
        context = click.get_current_context()
        if (log := _state().log) is not None and context.parent is not None:
            log.begins(str(context.info_name))
        return command(*args, **rest)

    debug = click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        callback=_remember,
        help="Show the whole traceback of an error. It may quote cells of the data.",
    )
    log = click.option(
        "--log",
        type=click.Choice(FORMATS),
        expose_value=False,
        envvar=VARIABLE,
        help="Form of standard error: text, or JSON with one object a line.  [default: text, or REPLICANT_LOG]",
    )
    return cast(F, log(debug(logged)))


def quiet_option(command: F) -> F:
    """Adds `--quiet`."""
    return click.option("--quiet", "-q", is_flag=True, help="Show errors and warnings only: no progress, no table.")(
        command
    )


def watching(*, quiet: bool = False) -> Progress:
    """The progress of this invocation."""
    return _state().log or (Quiet() if quiet else choose())


def tell(message: str, *, event: str = "note", level: Level = "info") -> None:
    """Print a message that is not a result: to standard error, as text or as JSON."""
    if (log := _state().log) is not None:
        log.say(level, event, message)
    else:
        click.echo(message, err=True)


def write_file(file: str, text: str) -> None:
    """Write an output file of a command.

    Raises
    ------
    SpecError
        The file cannot be written.
    """
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise SpecError(
            f"{file} cannot be written ({error.strerror})",
            need="a file in an existing, writable folder",
            fix="choose another file, or create its folder first",
        ) from None


def _overrides(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Check overrides first: for `--set KEY VALUE` click would complain of an extra argument."""
    if values and not ctx.resilient_parsing:
        from replicant.spec.load import check_override

        for value in values:
            check_override(value)
    return values


def set_option(command: F) -> F:
    """Adds `--set KEY=VALUE`, which may be repeated."""
    return click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        shell_complete=settings,
        callback=_overrides,
        help="Override one key of the job, such as synthesis.m=2. May be repeated.",
    )(command)


class Count(click.ParamType[int]):
    """A whole number from 1.

    Parameters
    ----------
    of
        The things counted.
    default
        A sentence on the case without the option.
    """

    name = "count"

    def __init__(self, of: str, default: str) -> None:
        self._of = of
        self._default = default

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if re.fullmatch(r"\+?0*[1-9]\d{0,8}", str(value).strip()):
            return int(value)
        self.fail(
            f"{str(value)[:20]!r} is not a number of {self._of}: a whole number from 1 is needed. {self._default}",
            param,
            ctx,
        )


class Bytes(click.ParamType[int]):
    """A size such as 2GB, 1.5GiB or 800MB."""

    name = "size"
    _PATTERN = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)(i?)B?")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = self._PATTERN.fullmatch(str(value).strip())
        if match is None:
            self.fail(f"{value!r} is not a size such as 2GB, 1.5GiB or 800MB", param, ctx)
        unit = 1024 if match[3] else 1000
        return int(float(match[1]) * unit ** " kMGT".index(match[2] or " "))


def memory_option(command: F) -> F:
    """Adds `--memory`, the limit of one process."""
    return click.option(
        "--memory",
        type=Bytes(),
        metavar="SIZE",
        help="Memory limit of one process, such as 2GB. A job whose tasks need more is refused. Also limits --workers.",
    )(command)


_BACKEND = ("threads", "workers", "scheduler", "memory")


def backend_options(command: F) -> F:
    """Adds `--threads`, `--memory` and the options of a cluster: the backend of a run."""
    threads = click.option(
        "--threads",
        type=Count("threads", "Without the option all usable CPUs are used."),
        metavar="N",
        help="Threads in this process.  [default: all usable CPUs; for a study, processes]",
    )
    return threads(cluster_options(memory_option(command)))


def cluster_options(command: F) -> F:
    """Adds `--workers`, `--scheduler` and the options of TLS; the command gets a `backend`."""
    options = [
        click.option(
            "--workers",
            type=Count("workers", "Without the option no worker process is started."),
            metavar="N",
            help="Start a Dask cluster of N processes on this machine.",
        ),
        click.option(
            "--scheduler",
            metavar="ADDRESS",
            help="Run on the Dask scheduler at ADDRESS, such as tcp://10.0.0.5:8786 or tls://10.0.0.5:8786.",
        ),
        click.option(
            "--tls-ca-file", metavar="FILE", help="Certificate of the CA that signed all certificates of the cluster."
        ),
        click.option(
            "--tls-cert", metavar="FILE", help="This client's certificate (with --workers: that of the whole cluster)."
        ),
        click.option("--tls-key", metavar="FILE", help="The certificate's key, if it is not in the same file."),
        click.option("--require-encryption", is_flag=True, help="Refuse plain connections; certificates imply it."),
    ]

    @wraps(command)
    def trusting_command(
        *args: Any,
        tls_ca_file: str | None,
        tls_cert: str | None,
        tls_key: str | None,
        require_encryption: bool,
        **rest: Any,
    ) -> Any:
        from replicant.execution.backend import Backend

        chosen = [f"--{name}" for name in ("threads", "workers", "scheduler") if rest.get(name) is not None]
        if len(chosen) > 1:
            raise click.UsageError(f"{' and '.join(chosen)} cannot be combined. Choose one.")
        choices = {name: rest.pop(name) for name in _BACKEND if name in rest}
        rest["backend"] = backend = Backend(**choices)
        if tls_ca_file is tls_cert is tls_key is None and not require_encryption:
            return command(*args, **rest)
        if not backend.on_cluster:
            raise click.UsageError("--tls-... and --require-encryption need --scheduler or --workers.")
        from replicant.execution.tls import trusting

        with trusting(tls_ca_file, tls_cert, tls_key, require_encryption=require_encryption):
            return command(*args, **rest)

    decorated: Any = trusting_command
    for option in reversed(options):
        decorated = option(decorated)
    return cast(F, decorated)
