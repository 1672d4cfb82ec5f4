"""Templates of HTML, which stand beside the view models that fill them: every value is escaped, a missing one an error.

A template writes texts and whole numbers. Anything else was not rounded or is not there, and is refused, so that no
page can show `None`, `nan` or a number with all its digits.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from replicant.view.figures import plain
from replicant.view.markup import DARK, LIGHT, SYNTHETIC, declare

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["environment", "json_text", "part", "render"]


def render(name: str, **values: Any) -> str:
    """A whole page.

    Parameters
    ----------
    name
        Of the template, below the package: `report/study.html`.
    values
        What the template names.
    """
    return environment().get_template(name).render(values)


def part(name: str, *values: Any, **more: Any) -> Markup:
    """One of the macros of `view/parts.html`, by its name and with its parameters."""
    macro = getattr(environment().get_template("view/parts.html").module, name)
    return macro(*values, **more)  # type: ignore[no-any-return]


def json_text(document: Any) -> Markup:
    """A document as JSON that may stand in a page: nothing in it ends the element it stands in."""
    from jinja2.utils import htmlsafe_json_dumps

    return htmlsafe_json_dumps(document, ensure_ascii=False)


@cache
def environment() -> Environment:
    """The environment that all templates share."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_written,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    palette = {"light": Markup(declare(LIGHT)), "dark": Markup(declare(DARK))}
    environment.globals |= {**palette, "colours": SYNTHETIC}
    return environment


def _source(name: str) -> str:
    # Resources are read from a folder and from a wheel alike.
    return files("replicant").joinpath(*name.split("/")).read_text(encoding="utf-8")


def _written(value: Any) -> Any:
    """A value as it is written on a page: no control code or line break stays in a text."""
    if hasattr(value, "__html__") or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if not isinstance(value, str):
        str(value)  # a name that the template was not given raises an error of its own
        raise TypeError(f"a template writes a {type(value).__name__}; it needs a text or a whole number")
    return plain(value)
