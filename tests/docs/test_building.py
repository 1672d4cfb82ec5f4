"""What the site is built by beyond Sphinx: what it finds wrong, and what it makes of files and of the command line."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import click
import nbformat
import psutil
import pytest
from jupyter_client.channels import HBChannel
from nbclient.exceptions import CellExecutionError, DeadKernelError

from .pages import ROOT


@pytest.fixture(autouse=True)
def _docs_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "engine" / "docs"))


def page(folder: Path, body: str, head: str = "") -> None:
    (folder / "index.html").write_text(f"<html><head>{head}</head><body>{body}</body></html>")


@pytest.mark.parametrize(
    ("body", "head", "found"),
    [
        ('<a href="other.html">x</a>', "", "no file for the link other.html"),
        ('<a href="#there">x</a>', "", "no target for #there"),
        ('<img src="https://example.org/a.png">', "", "loads https://example.org/a.png"),
        ('<img srcset="a.png 1x, //example.org/b.png 2x">', "", "loads //example.org/b.png"),
        ('<p style="background:url(https://example.org/a.png)">', "", "loads https://example.org/a.png"),
        ("", '<script src="//cdn.example.org/a.js"></script>', "loads //cdn.example.org/a.js"),
        ("", '<link rel="stylesheet" href="https://fonts.example.org/css">', "loads https://fonts.example.org/css"),
        ("", "<style>@import 'https://example.org/a.css';</style>", "loads https://example.org/a.css"),
    ],
)
def test_what_loads_from_elsewhere_or_leads_nowhere_is_found(tmp_path: Path, body: str, head: str, found: str) -> None:
    from building.offline import problems

    page(tmp_path, body, head)
    assert list(problems(tmp_path)) == [f"index.html: {found}"]


def test_a_style_sheet_that_loads_from_elsewhere_is_found(tmp_path: Path) -> None:
    from building.offline import problems

    (tmp_path / "a.css").write_text("@font-face{src:url('https://example.org/a.woff2')}")
    assert list(problems(tmp_path)) == ["a.css: loads https://example.org/a.woff2"]


def test_what_stays_within_the_site_is_fine(tmp_path: Path) -> None:
    from building.offline import problems

    (tmp_path / "a.css").write_text("p{background:url(data:image/png;base64,AAAA)}")
    page(tmp_path, '<a id="there" href="#there">x</a><a href="https://example.org">y</a><img src="a.png">')
    assert not list(problems(tmp_path))


def test_links_lead_to_the_pages_that_show_a_file(tmp_path: Path) -> None:
    from building.shown import relinked, shown_files

    docs = tmp_path / "engine" / "docs"
    docs.mkdir(parents=True)
    (docs / "deploy.md").write_text("[Where](../../deploy/README.md) <!-- shown here -->\n")
    shown = shown_files(docs)
    text = "[a](../engine/docs/scale.md#x) [b](tls/make.sh) [c](https://e.org)\n```sh\n[d](tls/make.sh)\n```"
    assert relinked(text, tmp_path / "deploy", docs, shown) == (
        "[a](scale.md#x) [b](../../deploy/tls/make.sh) [c](https://e.org)\n```sh\n[d](tls/make.sh)\n```"
    )
    assert relinked("[a](../../deploy/README.md)", docs, docs, shown) == "[a](deploy.md)"


def test_help_becomes_sections_with_usage_options_and_examples() -> None:
    from building.commands import commands_as_markdown

    @click.group(help="All.")
    def top() -> None: ...

    @top.command(help="Do it.\n\n\b\nExamples:\n    replicant do x --fast\n")
    @click.argument("thing")
    @click.option("--fast", is_flag=True, help="Not slowly | at all.")
    def do(thing: str, fast: bool) -> None: ...

    made = commands_as_markdown(top, "replicant")
    assert "## replicant do\n\n```text\nreplicant do [OPTIONS] THING\n```\n\nDo it.\n\nExamples:" in made
    assert "```sh\nreplicant do x --fast\n```" in made
    assert "| `--fast` | Not slowly \\| at all. |" in made


@pytest.mark.cluster
def test_a_notebook_becomes_its_prose_its_cells_and_what_they_give(tmp_path: Path) -> None:
    from building.notebook import notebook_as_markdown

    def cell(kind: str, source: str) -> dict[str, object]:
        more = {"execution_count": None, "outputs": []} if kind == "code" else {}
        return {"cell_type": kind, "id": f"c{len(source)}", "metadata": {}, "source": source, **more}

    shown = "class P:\n    def _repr_html_(self): return '<b>5</b>'\nP()"
    cells = [cell("markdown", "# A title"), cell("code", "print(2 + 3)"), cell("code", shown)]
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    assert notebook_as_markdown(path) == (
        "# A title\n\n```python\nprint(2 + 3)\n```\n\n```text\n5\n```\n\n"
        f'```python\n{shown}\n```\n\n```{{raw}} html\n<div class="output"><b>5</b></div>\n```'
    )
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.ipynb"]


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("source", "error"),
    [("1 / 0", CellExecutionError), ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", DeadKernelError)],
)
def test_a_kernel_is_gone_with_its_sockets_however_it_ends(
    tmp_path: Path, execute_notebook: Callable[..., None], source: str, error: type[Exception]
) -> None:
    before = {one.pid for one in psutil.Process().children()}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    with pytest.raises(error):
        execute_notebook(notebook, tmp_path)
    assert {one.pid for one in psutil.Process().children()} <= before
    assert [one.name for one in threading.enumerate() if isinstance(one, HBChannel)] == []


def test_the_table_of_measures_has_all_of_them() -> None:
    from building.generated import COMMENT, _made

    from replicant.report.measures import MEASURES

    made = COMMENT.sub(_made, "<!-- measures -->")
    assert [name for name in MEASURES if f"| `{name}` |" not in made] == []
