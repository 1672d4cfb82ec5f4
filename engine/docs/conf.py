"""Settings of the documentation: Markdown pages, reference from docstrings and from the command line itself.

`make docs` builds it into `build/docs`. Nothing is asked of the network, at the build or by the pages.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import replicant  # noqa: E402 (the package beside this folder, not one that is installed)
from replicant.view.markup import DARK, LIGHT  # noqa: E402

project = "Replicant"
author = "Replicant developers"
version = release = replicant.__version__
copyright = author
language = "en"
smartquotes_action = "qe"  # `--option` keeps its two hyphens

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "building.generated",  # parts of pages that are made of the program
    "building.shown",  # files of the repository that are pages of the site too
    "building.offline",  # what is built asks for nothing elsewhere, and its links lead somewhere
]
exclude_patterns = ["building", "_static"]
highlight_language = "none"
default_role = "code"  # docstrings put code between single backticks
suppress_warnings = ["ref.python"]  # attributes of several classes may share a name
pygments_style = "default"
pygments_dark_style = "github-dark"

# Headings have the addresses that code forges give them, so that one link serves both.
myst_heading_anchors = 4

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

# A name of ours that leads nowhere is an error; types of other libraries have no page to lead to.
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(?!replicant).*"),
    (
        "py:.*",
        r"replicant\.(estimate\.grounds|table\.dtypes|table\.kinds|methods\.declaration)\..*",
    ),  # of no use to users
]

html_theme = "furo"
html_title = "Replicant"
html_static_path = ["_static"]
html_css_files = ["replicant.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_theme_options = {
    "sidebar_hide_name": False,
    "navigation_with_keys": False,
    "light_css_variables": {
        **{f"replicant-{name}": colour for name, colour in LIGHT.items()},
        "color-brand-primary": LIGHT["fill"],
        "color-brand-content": LIGHT["fill"],
        "color-brand-visited": LIGHT["violet"],
        "color-foreground-primary": LIGHT["ink"],
        "color-foreground-secondary": LIGHT["soft"],
        "color-background-secondary": LIGHT["page"],
        "color-background-border": LIGHT["faint"],
        "font-stack": "system-ui, -apple-system, 'Segoe UI', sans-serif",
        "font-stack--monospace": "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
    },
    "dark_css_variables": {
        **{f"replicant-{name}": colour for name, colour in DARK.items()},
        "color-brand-primary": DARK["fill"],
        "color-brand-content": DARK["fill"],
        "color-brand-visited": DARK["violet"],
        "color-foreground-primary": DARK["ink"],
        "color-foreground-secondary": DARK["soft"],
        "color-background-primary": DARK["page"],
        "color-background-secondary": DARK["card"],
        "color-background-border": DARK["faint"],
    },
}
