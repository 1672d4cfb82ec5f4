"""What is public says what it takes, gives and raises; examples in docstrings run and give what they show."""

from __future__ import annotations

import ast
import dataclasses
import doctest
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import numpydoc.validate as numpydoc
import pandas as pd
import pytest

import replicant
from replicant.disclosure.call import disclosure
from replicant.dossier.call import dossier
from replicant.errors import ReplicantError
from replicant.gate.call import gate
from replicant.pool import pool
from replicant.utility.call import utility

from .pages import ROOT
from .shown import Checker

REFERENCE = re.compile(r"<!-- docstrings:(?P<names>[^>]*)-->")
CHECKED = {
    "GL06",  # an unknown section
    "GL08",  # no docstring
    "SS01",  # no summary
    "PR07",  # a parameter of which nothing is said
    "RT01",  # no word of what is returned
    "YD01",  # no word of what is yielded
}


def documented() -> dict[str, Any]:
    """Every name of the reference, with what it stands for."""
    found = {}
    for page in (ROOT / "engine" / "docs").glob("*.md"):
        for comment in REFERENCE.finditer(page.read_text("utf-8")):
            for name in comment["names"].split():
                module, _, attribute = name.rpartition(".")
                found[name] = getattr(importlib.import_module(module), attribute)
    return found


def members(name: str, kind: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties of a class, those of its bases in the engine too."""
    for base in kind.__mro__:
        if base.__module__.startswith("replicant."):
            for member, value in vars(base).items():
                if not member.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
                    yield f"{name}.{member}", getattr(value, "fget", value)


NAMES = documented()
FUNCTIONS = {name: value for name, value in NAMES.items() if not inspect.isclass(value)}
CLASSES = {name: value for name, value in NAMES.items() if inspect.isclass(value)}
METHODS = {path: value for name, kind in CLASSES.items() for path, value in members(name, kind)}
WITH_EXAMPLES = {name: value for name, value in {**NAMES, **METHODS}.items() if ">>>" in (inspect.getdoc(value) or "")}


def test_every_public_name_is_in_the_reference() -> None:
    here = {id(value) for value in NAMES.values()}
    public = {name: getattr(replicant, name) for name in replicant.__all__ if name != "__version__"}
    # These are callable packages; their docstrings are the functions'.
    public |= {"pool": pool, "utility": utility, "disclosure": disclosure, "gate": gate, "dossier": dossier}
    assert not [name for name, value in public.items() if id(value) not in here]


@pytest.mark.parametrize("name", [*FUNCTIONS, *METHODS])
def test_a_function_says_what_it_takes_gives_and_raises(name: str) -> None:
    function = {**FUNCTIONS, **METHODS}[name]
    read = numpydoc.get_doc_object(inspect.unwrap(function))
    doc = numpydoc.Validator(read)
    found = [f"{code} {text}" for code, text in numpydoc.validate(read)["errors"] if code in CHECKED]
    described = {word.lstrip("*") for word in doc.doc_all_parameters}
    taken = {word.lstrip("*") for word in doc.signature_parameters}
    # One line says enough of a property, and of a method that takes nothing.
    if taken:
        found += [f"parameter {word} is not described" for word in sorted(taken - described)]
        found += [f"parameter {word} does not exist" for word in sorted(described - taken)]
    elif name in METHODS:
        found = [one for one in found if not one.startswith("RT01")]
    raised = {word for entry in read["Raises"] for word in re.findall(r"\w+", entry.type)}
    found += [f"raises {error}, and does not say so" for error in sorted(raises(function) - raised)]
    assert not found, found


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_says_what_it_holds(name: str) -> None:
    kind = CLASSES[name]
    read = [numpydoc.get_doc_object(base) for base in kind.__mro__ if base.__module__.startswith("replicant.")]
    assert numpydoc.Validator(read[0]).summary
    said = [entry for doc in read for entry in (*doc["Attributes"], *doc["Parameters"])]
    described = {word.strip() for entry in said for word in entry.name.split(",")}
    fields = {one.name for one in dataclasses.fields(kind)} if dataclasses.is_dataclass(kind) else set()
    fields |= {name for name, field in getattr(kind, "model_fields", {}).items() if not field.description}
    assert not {word for word in fields if not word.startswith("_")} - described


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_of_a_docstring_run_and_give_what_they_show(
    name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    examples = doctest.DocTestParser().get_doctest(inspect.getdoc(WITH_EXAMPLES[name]) or "", {}, name, None, 0)
    assert not [one.source for one in examples.examples if doctest.SKIP in one.options], "an example is run"
    said: list[str] = []
    with pd.option_context("display.width", 100):
        failed = doctest.DocTestRunner(checker=Checker(), optionflags=flags).run(examples, out=said.append).failed
    assert not failed, "".join(said)


def raises(function: Any) -> set[str]:
    """Errors of the engine that stand after `raise` in the function's own text."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    calls = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)]
    named = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
    return {name for name in named if name in {kind.__name__ for kind in families(ReplicantError)}}


def families(kind: type[ReplicantError]) -> Iterator[type[ReplicantError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from families(below)
