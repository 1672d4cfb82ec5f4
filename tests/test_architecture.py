"""The house rules that a reader of one file cannot see: who may import whom, and what never happens anywhere."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import replicant
from replicant.methods import BUILTIN

ENGINE = Path(__file__).resolve().parents[1] / "engine" / "replicant"

# The way of the data. A package may import those before it, and itself; the trees import no other package.
PACKAGES = [
    *(
        "errors",
        "normal",
        "ranges",
        "events",
        "versions",
        "callable_package",
        "storage",
        "view",
        "table",
        "spec",
        "trees",
        "estimate",
        "methods",
        "plan",
    ),
    *("missing", "execution", "fcs", "pool", "report", "analysis", "summaries", "release"),
    *("evaluation", "utility", "disclosure", "gate", "remedy", "dossier", "studies", "run", "bulk"),
    *("synthesis", "bootstrap", "incomplete", "testing", "cli"),
]
KERNEL_MAY_IMPORT = {"numba", "llvmlite", "numpy"}

# What turns text or bytes into code. Formulas are parsed against a whitelist; nothing is unpickled by hand.
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_METHODS = {"eval", "query"}
FORBIDDEN_IMPORTS = {"pickle", "cloudpickle", "dill", "marshal", "shelve"}
SEEDED = {"Generator", "PCG64", "default_rng", "bit_generator"}

FILES = sorted(ENGINE.rglob("*.py"))


def package_of(path: Path) -> str:
    return path.relative_to(ENGINE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports anywhere in it, also inside functions and for types only."""
    package = ("replicant", *path.relative_to(ENGINE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield from ([f"replicant.{alias.name}" for alias in node.names] if module == "replicant" else [module])


def offences(test: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(), str(path))):
            if isinstance(node, test):
                yield f"{path.relative_to(ENGINE)}:{getattr(node, 'lineno', 0)}", node


def test_every_package_has_a_position_on_the_way_of_the_data() -> None:
    assert {package_of(path) for path in FILES} - {"__init__", "__main__"} <= set(PACKAGES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ENGINE)))
def test_a_package_imports_only_what_stands_left_of_it(path: Path) -> None:
    package = package_of(path)
    if package in {"__init__", "__main__"}:
        return
    known = {other.split(".")[1] for other in imported(path) if other.startswith("replicant.")} - {"__version__"}
    allowed = (
        {"errors", "normal", "ranges", "trees"} if package == "trees" else set(PACKAGES[: PACKAGES.index(package) + 1])
    )
    assert known <= allowed, f"{package} may not import {sorted(known - allowed)}"


def test_no_module_imports_one_that_imports_it() -> None:
    """Imports in functions, and for types only, are left out: they happen when all modules are there."""
    graph = {}
    for path in FILES:
        tree = ast.parse(path.read_text(), str(path))
        outer = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.If)]
        later = {id(inner) for node in outer for inner in ast.walk(node)}
        name = ".".join(("replicant", *path.relative_to(ENGINE).with_suffix("").parts)).removesuffix(".__init__")
        package = name if path.stem == "__init__" else name.rpartition(".")[0]
        graph[name] = {
            found
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module and id(node) not in later
            for module in [f"{package}.{node.module}" if node.level else node.module]
            for found in (module, *(f"{module}.{alias.name}" for alias in node.names))
        }
    modules = {name: (found & graph.keys()) - {name} for name, found in graph.items()}
    TopologicalSorter(modules).prepare()  # names a cycle


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ENGINE)))
def test_a_long_module_says_why_it_is_long(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 450 or "long " in (ast.get_docstring(ast.parse(text)) or "").lower()


LIBRARIES = [("dask", "execution"), ("distributed", "execution"), ("numba", "trees"), ("jinja2", "view")]


@pytest.mark.parametrize(("library", "package"), LIBRARIES)
def test_a_library_is_imported_by_one_package(library: str, package: str) -> None:
    users = {package_of(path) for path in FILES if any(name.split(".")[0] == library for name in imported(path))}
    assert users <= {package}


def test_the_kernel_needs_numpy_and_numba_only() -> None:
    used = {n.split(".")[0] for path in FILES if package_of(path) == "trees" for n in imported(path)} - {"replicant"}
    assert used - set(sys.stdlib_module_names) <= KERNEL_MAY_IMPORT


def test_names_of_methods_are_compared_nowhere_but_at_home() -> None:
    """What is done with a column depends on what its method declares, also where that is one of your own."""
    found = []
    for place, node in offences(ast.Compare):
        text = ast.unparse(node)
        words = {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}
        # These are words of other settings too, and models of an analysis.
        named = words & (BUILTIN.keys() if "method" in text else BUILTIN.keys() - {"keep", "mean", "polr", "sample"})
        if named and not place.startswith("methods/"):
            found.append(f"{place} {text}")
    assert not found


def test_nothing_is_evaluated_or_unpickled() -> None:
    found = []
    for place, node in offences(ast.Call):
        assert isinstance(node, ast.Call)
        called = node.func
        if isinstance(called, ast.Name) and called.id in FORBIDDEN_CALLS:
            found.append(f"{place} {called.id}()")
        if isinstance(called, ast.Attribute) and called.attr in FORBIDDEN_METHODS:
            found.append(f"{place} .{called.attr}()")
        if any(key.arg == "shell" for key in node.keywords):
            found.append(f"{place} shell=")
    found += [
        f"{path.relative_to(ENGINE)} imports {name}"
        for path in FILES
        for name in imported(path)
        # The suite for methods reads what it has pickled itself, to see whether they travel.
        if name.split(".")[0] in FORBIDDEN_IMPORTS and package_of(path) != "testing"
    ]
    assert not found


def test_randomness_comes_from_addressed_streams_only() -> None:
    """No global state: `np.random.normal` or the module `random` would make results depend on order."""
    found = [
        f"{place} np.random.{node.attr}"
        for place, node in offences(ast.Attribute)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "random"
        and isinstance(node.value.value, ast.Name)
        and node.value.value.id in {"np", "numpy"}
        and node.attr not in SEEDED
    ]
    found += [f"{path.relative_to(ENGINE)} imports random" for path in FILES if "random" in imported(path)]
    assert not found


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = ["dask", "distributed", "numba", "statsmodels", "pyarrow", "rich", "polars", "pandas", "numpy", "pydantic"]
    script = f"import replicant, sys; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_public_name_is_there() -> None:
    missing = [name for name in replicant.__all__ if getattr(replicant, name, None) is None]
    assert not missing
    assert set(replicant.__all__) <= set(dir(replicant))


def test_type_checkers_see_the_same_public_names() -> None:
    """The imports under TYPE_CHECKING and the table of lazy names say the same."""
    tree = ast.parse((ENGINE / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            seen[alias.asname or alias.name] = f"{node.module}:{alias.name}" if alias.asname else node.module
    assert seen == replicant._HOMES
    assert {*seen, "__version__"} == set(replicant.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="synthesise"):
        replicant.synthesise
