"""Templates: everything is escaped, nothing that is not there is written, all HTML stands in templates."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import pytest

import replicant
from replicant.view import templates

ENGINE = Path(replicant.__file__).parent
FILES = sorted(path for kind in ("html", "css", "svg") for path in ENGINE.rglob(f"*.{kind}"))
SAFE = re.compile(r"\|\s*safe\b|\bautoescape\b")


def filled(source: str, **values: object) -> str:
    return templates.environment().from_string(source).render(values)


def test_there_are_templates() -> None:
    assert {path.name for path in FILES} >= {"study.html", "bulk.html", "drift.html", "parts.html", "page.css"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_template_is_valid_and_switches_no_escaping_off(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    templates.environment().get_template(path.relative_to(ENGINE).as_posix())
    assert not SAFE.search(source)
    assert "://" not in source.replace('xmlns="http://www.w3.org/2000/svg"', "")
    # What programs read of a page is data, and escaped as such.
    assert "<script" not in source.replace('<script type="application/ld+json">{{ linked }}</script>', "")


def test_values_are_escaped_and_hold_no_control_codes() -> None:
    assert filled("{{ a }}", a="<b>&'\"\x1b\n") == "&lt;b&gt;&amp;&#39;&#34;  "
    assert filled('{% macro m(x) %}{{ x }}{% endmacro %}<i title="{{ m(a) }}">', a='"<') == '<i title="&#34;&lt;">'


@pytest.mark.parametrize("value", [None, 0.1, float("nan"), True, [1]])
def test_what_nobody_wrote_as_text_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="needs a text or a whole number"):
        filled("{{ a }}", a=value)


def test_what_is_missing_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="'a' is undefined"):
        filled("{{ a }}")


@pytest.mark.parametrize("path", sorted(ENGINE.rglob("*.py")), ids=lambda path: str(path.relative_to(ENGINE)))
def test_python_joins_no_html(path: Path) -> None:
    """SVG may be joined in Python, where its text goes through `escape`; no other markup."""
    source = re.sub(r'""".*?"""', "", path.read_text(), flags=re.DOTALL)
    assert not re.findall(
        r"</?(?:div|p|span|table|t[drh]|section|h[1-6]|[uod]l|li|d[td]|b|progress|html|body)[ >]", source
    )
