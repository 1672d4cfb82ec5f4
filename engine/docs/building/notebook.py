"""A notebook as Markdown: its prose, its cells, and what they give, each executed once in its own folder."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

SECONDS = 600
"""What a cell may take at most."""


def notebook_as_markdown(path: Path) -> str:
    """Run a notebook and write it down.

    Parameters
    ----------
    path
        An `.ipynb` file. What it writes goes to a folder that is thrown away.

    Returns
    -------
    str
        Markdown for MyST. Of an output, its HTML or picture is taken, else its text.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    import nbformat

    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    with TemporaryDirectory() as folder:
        execute_notebook(notebook, Path(folder))
    return "\n\n".join(part for cell in notebook.cells for part in _cell(cell))


def execute_notebook(notebook: Any, folder: Path, environment: Mapping[str, str] | None = None) -> None:
    """Execute the cells of a notebook, in a kernel that is gone afterwards with all that led to it.

    Parameters
    ----------
    notebook
        A notebook of `nbformat`; its cells receive their outputs.
    folder
        Where the kernel works.
    environment
        Variables of the kernel, instead of those of this process.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    nbclient.exceptions.DeadKernelError
        If the kernel ends before its time.
    """
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    with TemporaryDirectory() as sockets:
        # Through sockets of the file system: a kernel on ports would be open to whoever is on this machine.
        kernel = AsyncKernelManager(transport="ipc", ip=f"{sockets}/k", kernel_name="python3")
        client = NotebookClient(notebook, km=kernel, timeout=SECONDS, resources={"metadata": {"path": folder}})
        # A manager that nbclient did not make itself is left running, with its sockets, unless this is asked for. And
        # a loop of our own is closed at the end, where the one of `execute` stays.
        settings: dict[str, Any] = {} if environment is None else {"env": environment}
        asyncio.run(client.async_execute(cleanup_kc=True, **settings))


def _cell(cell: Any) -> list[str]:
    if cell.cell_type == "markdown":
        return [cell.source]
    if cell.cell_type != "code" or not cell.source.strip():
        return []
    return [_fenced("python", cell.source), *(_output(one) for one in cell.outputs)]


def _output(output: Any) -> str:
    if output.output_type == "stream":
        return "" if output.name == "stderr" else _fenced("text", output.text.rstrip("\n"))
    data = output.get("data", {})
    for kind in ("text/html", "image/svg+xml"):
        if kind in data:
            return _fenced("{raw} html", f'<div class="output">{data[kind]}</div>')
    return _fenced("text", data["text/plain"]) if "text/plain" in data else ""


def _fenced(kind: str, text: str) -> str:
    ticks = "`" * max(3, 1 + max((len(run) for run in text.split() if set(run) == {"`"}), default=0))
    return f"{ticks}{kind}\n{text}\n{ticks}"
