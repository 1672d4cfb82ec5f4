"""The bill of materials of what Replicant runs on: `python deploy/sbom/make_sbom.py OUTPUT`, or `make sbom`.

CycloneDX's own program reads the packages with their hashes from `requirements-extras.lock`, and their licences from
the environment it runs in, which has the same versions. The two are put together, each licence as one SPDX expression, and
what may not be among them is refused.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cyclonedx import spdx
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).resolve().parents[2]

FORBIDDEN = re.compile(r"GPL|General Public|BUSL|Business Source|SSPL|Server Side Public", re.IGNORECASE)

HARMLESS = re.compile(r"L?GPL-[\w.+-]+ WITH GCC-exception-[\d.]+", re.IGNORECASE)
"""The runtime of GNU's compilers, which wheels of numerical libraries carry, binds nobody."""

CLASSIFIERS = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""PyPI's classifiers that mean exactly one licence of the SPDX list."""

VAGUE = {"License :: OSI Approved :: BSD License"}
"""Classifiers that mean one of several licences: they add nothing where an exact one stands beside them."""

READ = {
    "aiohappyeyeballs": "PSF-2.0",
    "jinja2": "BSD-3-Clause",
    "numba": "BSD-2-Clause",
    "partd": "BSD-3-Clause",
    "patsy": "BSD-2-Clause",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "s3fs": "BSD-3-Clause",
    "scipy": "BSD-3-Clause",
    "zict": "BSD-3-Clause",
}
"""Licences of packages whose metadata do not name exactly one; read in their licence files."""


def bill(*words: str) -> dict[str, Any]:
    """What CycloneDX's program says."""
    command = [
        sys.executable,
        "-m",
        "cyclonedx_py",
        *words,
        "--output-format",
        "JSON",
        "--output-reproducible",
        "--no-validate",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def name_of(component: Mapping[str, Any]) -> str:
    """The name of a package, however it is written."""
    return re.sub(r"[-_.]+", "-", str(component["name"])).lower()


def licences(component: Mapping[str, Any]) -> list[str]:
    """All that a component says of its licences."""
    found = []
    for entry in component.get("licenses", ()):
        said = entry.get("expression") or entry["license"].get("id") or entry["license"].get("name")
        found.append(str(said))
    return found


def expression(component: Mapping[str, Any]) -> str | None:
    """The licence of a component as an SPDX identifier or expression; None if its metadata do not settle it."""
    if name_of(component) in READ:
        return READ[name_of(component)]
    exact = {CLASSIFIERS.get(one, one) for one in licences(component) if one not in VAGUE}
    return exact.pop() if len(exact) == 1 and is_spdx(min(exact)) else None


def is_spdx(text: str) -> bool:
    """Whether a text is an identifier of the SPDX list, or an expression of such."""
    return bool(spdx.is_supported_id(text) or spdx.is_expression(text))


def as_entry(text: str) -> dict[str, Any]:
    """An identifier or expression as CycloneDX writes the licence of a component."""
    return {"license": {"id": text}} if spdx.is_supported_id(text) else {"expression": text}


def problems(components: Iterable[Mapping[str, Any]]) -> list[str]:
    """The packages whose licence is not known, is not SPDX, or forbids what an office does with Replicant."""
    found = []
    for component in components:
        stated = licences(component)
        if not stated:
            found.append(f"{component['name']}: no licence is known")
        for one in stated:
            if FORBIDDEN.search(HARMLESS.sub("", one)):
                found.append(f"{component['name']}: {one}")
            elif not is_spdx(one):
                found.append(
                    f"{component['name']}: {one!r} is not on the SPDX list; read its licence file, add it to READ"
                )
    return found


def make() -> dict[str, Any]:
    """The bill of materials, in CycloneDX's JSON.

    Raises
    ------
    ValueError
        If the environment has other versions than the lock.
    """
    whole = bill("requirements", "requirements-extras.lock", "--pyproject", "pyproject.toml")
    installed = {name_of(one): one for one in bill("environment", sys.executable)["components"]}
    for component in whole["components"]:
        name = name_of(component)
        component.pop("description", None)  # the line of the lock
        here = installed.get(name)
        if here is None:
            continue  # for another system or version of Python: its licence is not known here
        if here["version"] != component["version"]:
            raise ValueError(f"{name} is {here['version']} here and {component['version']} in the lock: make setup")
        licence = expression(here)
        # What cannot be settled stays as its metadata say it, for `problems` to name.
        component["licenses"] = here.get("licenses", []) if licence is None else [as_entry(licence)]
    return whole


def main(output: str) -> None:
    """Write the bill of materials, or say what may not be in it."""
    whole = make()
    refused = problems(whole["components"])
    if refused:
        sys.exit("\n".join(["These may not be among what Replicant runs on:", *refused]))
    text = json.dumps(whole, indent=1) + "\n"
    wrong = JsonStrictValidator(SchemaVersion.from_version(whole["specVersion"])).validate_str(text)
    if wrong is not None:
        sys.exit(f"This is not CycloneDX: {wrong}")
    path = Path(output)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(f"{path}: {len(whole['components'])} packages, all licences known, in SPDX and allowed")


if __name__ == "__main__":
    main(sys.argv[1])
