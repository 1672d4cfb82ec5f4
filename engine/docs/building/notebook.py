"""A notebook as Markdown: its prose, its cells, and what they give, each executed once in its own folder."""

from __future__ import annotations

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
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    with TemporaryDirectory() as folder:
        NotebookClient(
            notebook,
            timeout=SECONDS,
            extra_arguments=["--log-level=ERROR"],  # that its loopback port is not encrypted is no news here
            resources={"metadata": {"path": folder}},
        ).execute()
    return "\n\n".join(part for cell in notebook.cells for part in _cell(cell))


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
