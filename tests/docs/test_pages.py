"""Every block of code of every page does what the page says, and gives what stands beside it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from replicant.cli.main import cli
from replicant.spec.load import parse_any
from replicant.spec.models import JobSpec

from .pages import ROOT, RUN, Block, blocks, commands, inline_code, pages, without
from .rules import COMMANDS, LANGUAGES, OWN_NETWORK, PICTURES, How
from .running import network, run_steps
from .shown import fits

PAGES = pages()
NAMED = re.compile(r"# (?P<name>[\w.-]+\.ya?ml)\n")
"""The first line of a document that is a file of the page's folder."""

PROGRAMS = {"replicant", "make", "dask", "python"}
SLOW_PAGES = sorted({page for (page, _), (how, _) in COMMANDS.items() if how is How.SLOW})


@pytest.mark.parametrize("page", PAGES)
def test_every_block_has_a_rule(page: str) -> None:
    for block in blocks(page):
        first = block.text.split("\n", 1)[0]
        assert block.language, f"{block}: a block says its language: sh, python, yaml, r, text"
        if block.language == "text":
            known = block.output_of is not None or (page, first) in PICTURES
            assert known, f"{block}: neither what the block above it gives, nor one of rules.PICTURES"
        else:
            assert block.language in {*RUN, "yaml", "json", *LANGUAGES}, f"{block}: no rule for {block.language}"


@pytest.mark.cluster
@pytest.mark.parametrize("page", [page for page in PAGES if any(block.language in RUN for block in blocks(page))])
def test_blocks_run_and_give_what_is_shown(page: str, tmp_path: Path) -> None:
    run_page(page, tmp_path, slow=False)


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.parametrize("page", SLOW_PAGES)
def test_slow_blocks_run_and_give_what_is_shown(page: str, tmp_path: Path) -> None:
    run_page(page, tmp_path, slow=True)


@pytest.mark.parametrize("page", PAGES)
def test_documents_are_jobs_or_sections_of_one(page: str) -> None:
    for block in blocks(page):
        if block.language == "yaml":
            check_document(block)
        elif block.language == "json":
            assert json.loads(block.text)


@pytest.mark.parametrize("page", PAGES)
def test_commands_within_sentences_exist(page: str) -> None:
    """Their verbs, options, targets and files: the rest may be a placeholder."""
    for code in inline_code(page):
        words = code.split()
        if len(words) > 1 and words[0] in PROGRAMS:
            check_words(words, code)


def test_what_is_not_run_is_there_and_parsed() -> None:
    """Every entry of the tables fits something; what is told of CI and of other tests is so; programs understand it."""
    all_blocks = [block for page in PAGES for block in blocks(page)]
    there = {(block.page, line) for block in all_blocks if block.language == "sh" for line in commands(block.text)}
    assert set(COMMANDS) <= there, f"of rules.COMMANDS nowhere to be found: {set(COMMANDS) - there}"
    first = {(block.page, block.text.split("\n", 1)[0]) for block in all_blocks if block.language == "text"}
    assert set(PICTURES) <= first, f"of rules.PICTURES nowhere to be found: {set(PICTURES) - first}"
    said = [*LANGUAGES.values(), *(reason for _, reason in COMMANDS.values())]
    for file in re.findall(r"tests/[\w/]+\.py", " ".join(said)):
        assert (ROOT / file).is_file(), file
    steps = re.findall(r'^step "[^"]*" make (.*)$', (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    made = {f"make {target}" for step in steps for target in step.split() if not target.startswith("-")}
    for (page, command), (how, _) in COMMANDS.items():
        if how is How.CI:
            assert command in made, f"{page}: {command}"
        else:
            parse(command)


def run_page(page: str, folder: Path, *, slow: bool) -> None:
    """Run a page and compare what is shown with what came out."""
    if page in OWN_NETWORK and not network():
        pytest.skip("its addresses and ports need a network of one's own (unshare --net)")
    steps, shown = plan_page(page, slow=slow)
    for result in run_steps(page, steps, folder):
        at = f"{page}:{result['line']}"
        assert not result["error"], f"{at}: {result['error']}"
        if result["line"] in shown:
            assert fits(shown[result["line"]], result["output"]), (
                f"{at} gives\n{result['output']}\nand shows\n{shown[result['line']]}"
            )


def plan_page(page: str, *, slow: bool) -> tuple[list[dict[str, Any]], dict[int, str]]:
    """What is to be done, in order, and the texts that outputs are compared with, by the line of their block."""
    steps: list[dict[str, Any]] = []
    shown = {block.output_of: block.text for block in blocks(page) if block.output_of is not None}
    idle = {line for (where, line), (how, _) in COMMANDS.items() if where == page and not (slow and how is How.SLOW)}
    for block in blocks(page):
        step = {"line": block.line, "language": block.language, "text": block.text}
        if block.language == "yaml" and (named := NAMED.match(block.text)):
            steps.append({**step, "language": "write", "name": named["name"]})
        elif block.language == "sh":
            left_out = idle & set(commands(block.text))
            steps.append({**step, "text": without(block.text, left_out)})
            if left_out:
                shown.pop(block.line, None)
        elif block.language == "python" or (block.language == "r" and shutil.which("Rscript")):
            steps.append(step)
    return steps, shown


def check_document(block: Block) -> None:
    """A whole job is parsed as one (or as many); else every section of it by what it is in a job."""
    document = yaml.safe_load(block.text)
    if "input" in document and "output" in document:
        parse_any(block.text, source=str(block))
        return
    unknown = set(document) - set(JobSpec.model_fields)
    assert not unknown, f"{block}: {sorted(unknown)} are no sections of a job"
    parse_any(yaml.safe_dump({"input": {"path": "a.csv"}, "output": {"path": "b"}, **document}), source=str(block))


def check_words(words: list[str], code: str) -> None:
    program, word, *rest = words
    options = {re.split(r"[=,`]", one)[0] for one in rest if one.startswith("--")}
    if program == "make":
        assert re.search(rf"^{re.escape(word)}:", (ROOT / "Makefile").read_text(), re.MULTILINE), code
    elif program == "python" and word.endswith(".py"):
        assert (ROOT / word).is_file(), code
        assert all(option in (ROOT / word).read_text() for option in options), code
    elif program == "replicant" and not word.startswith("-") and not word.isupper():
        assert options <= known_options(word), code


def known_options(verb: str) -> set[str]:
    command = cli.commands.get(verb)
    assert command is not None, f"no command {verb}"
    return {"--help", *(name for option in command.params for name in (*option.opts, *option.secondary_opts))}


def parse(command: str) -> None:
    """Have a command line understood by the program it calls, without doing anything."""
    words = shlex.split(command.split(" > ", maxsplit=1)[0])
    if words[0] == "replicant":
        enter(cli, words[1:], None)
    elif words[0] == "make":
        subprocess.run(["make", "--dry-run", *words[1:]], cwd=ROOT, capture_output=True, check=True)
    elif "/" in words[0]:
        assert os.access(ROOT / words[0], os.X_OK), command
    else:
        assert subprocess.run(["bash", "-n", "-c", command], check=False).returncode == 0, command


def enter(command: click.Command, words: list[str], parent: click.Context | None) -> None:
    context = command.make_context(command.name, words, parent=parent)
    if isinstance(command, click.Group):
        name, below, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert below is not None
        assert name is not None
        enter(below, rest, context)
