"""Fragments for notebooks: one look for a table, a plan, a pooled result, a release, a report.

A fragment is one `<section>` with its style in it: no script, nothing to fetch, light and dark. What it holds is first
made into plain texts and numbers and then written by the functions here, which escape everything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from replicant.view.markup import DARK, LIGHT, declare, escape

__all__ = ["block", "facts", "folded", "fragment", "notes", "rows"]

# Dark by the system's wish, or by what JupyterLab, VS Code and the Sphinx theme of the documentation say of themselves;
# light where they say that.
_LIGHT, _DARK = declare(LIGHT), declare(DARK)
STYLE = f"""
.replicant{{{_LIGHT};color:var(--ink);background:var(--page);
font:13px/1.45 system-ui,-apple-system,"Segoe UI",sans-serif;padding:14px 16px;border-radius:10px;text-align:left;
max-width:1100px;box-sizing:border-box;margin:4px 0}}
@media (prefers-color-scheme:dark){{.replicant{{{_DARK}}}}}
[data-jp-theme-light="true"] .replicant,body.vscode-light .replicant,[data-theme="light"] .replicant{{{_LIGHT}}}
[data-jp-theme-light="false"] .replicant,body.vscode-dark .replicant,[data-theme="dark"] .replicant{{{_DARK}}}
.replicant header{{display:flex;flex-wrap:wrap;gap:2px 18px;align-items:baseline;margin:0 0 8px}}
.replicant h3{{margin:0;padding:0;font-size:16px;font-weight:650;line-height:1.3;color:var(--ink);
overflow-wrap:anywhere}}
.replicant p{{margin:4px 0;color:var(--ink);max-width:90ch;overflow-wrap:anywhere}}
.replicant header p{{margin:0;color:var(--soft)}}
.replicant .scroll{{overflow-x:auto;width:fit-content;max-width:100%;box-sizing:border-box;
background:var(--card);border:1px solid var(--faint);border-radius:8px;margin:8px 0}}
.replicant table{{border-collapse:collapse;border:0;background:none;margin:0;font-size:12.5px;line-height:1.4;
font-variant-numeric:tabular-nums;color:var(--ink)}}
.replicant tr{{background:none!important;border:0}}
.replicant th,.replicant td{{border:0;background:none;font-weight:400;text-align:left;color:var(--ink)}}
.replicant .rows th,.replicant .rows td{{padding:3px 11px;vertical-align:top;white-space:nowrap}}
.replicant .rows thead th{{color:var(--soft);vertical-align:bottom;padding-top:6px;white-space:normal}}
.replicant .rows tbody th,.replicant .rows tbody td{{border-top:1px solid var(--faint)}}
.replicant .rows tbody th{{font-weight:600}}
.replicant .rows .right{{text-align:right}}
.replicant .rows .long{{white-space:normal;min-width:22ch;max-width:56ch;overflow-wrap:anywhere}}
.replicant ul{{margin:6px 0;padding:0 0 0 18px;color:var(--soft)}}
.replicant li{{margin:1px 0;overflow-wrap:anywhere}}
.replicant details{{margin:6px 0}}
.replicant summary{{cursor:pointer;color:var(--soft);width:fit-content}}
.replicant summary:focus-visible{{outline:2px solid var(--fill);outline-offset:2px}}
.replicant pre{{margin:8px 0;padding:8px 12px;overflow-x:auto;background:var(--card);border:1px solid var(--faint);
border-radius:8px;font:12px/1.45 ui-monospace,"SF Mono",Menlo,Consolas,monospace;color:var(--ink);white-space:pre}}
.replicant dl{{display:grid;grid-template-columns:max-content 1fr;gap:1px 14px;margin:6px 0}}
.replicant dt{{color:var(--soft);font-weight:400;margin:0}}
.replicant dd{{margin:0;color:var(--ink);overflow-wrap:anywhere}}
"""


def fragment(title: str, told: str, *parts: str, style: str = "", label: str = "", aside: str = "") -> str:
    """One `<section>` to show in a notebook or to place in a page.

    Parameters
    ----------
    title, told
        What it is, and the facts that one looks for first; plain texts.
    parts
        HTML from the other functions here. Empty ones are left out.
    style
        CSS beyond the common one.
    label
        What a screen reader calls it; the title unless given.
    aside
        HTML at the right of the heading, such as a key.
    """
    head = f"<h3>{escape(title)}</h3>" + (f"<p>{escape(told)}</p>" if told else "") + aside
    return (
        f'<section class="replicant" aria-label="{escape(label or title)}"><style>{STYLE}{style}</style>'
        f"<header>{head}</header>{''.join(parts)}</section>"
    )


def rows(
    head: Sequence[str],
    body: Iterable[Sequence[str]],
    *,
    right: Collection[int] = (),
    long: Collection[int] = (),
) -> str:
    """A table; the first cell of a row names it.

    Parameters
    ----------
    head, body
        Plain texts, as many in each row as in the head.
    right, long
        Places of the columns that stand at the right, as numbers do, and of those that may take several lines.
    """

    def cell(tag: str, at: int, content: str, scope: str = "") -> str:
        kinds = " ".join(name for name, places in (("right", right), ("long", long)) if at in places)
        style = f' class="{kinds}"' if kinds else ""
        return f"<{tag}{scope}{style}>{escape(content)}</{tag}>"

    top = "".join(cell("th", i, word, ' scope="col"') for i, word in enumerate(head))
    lines = (
        "<tr>"
        + "".join(cell("td", i, word) if i else cell("th", i, word, ' scope="row"') for i, word in enumerate(row))
        + "</tr>"
        for row in body
    )
    return (
        f'<div class="scroll"><table class="rows"><thead><tr>{top}</tr></thead><tbody>{"".join(lines)}</tbody></table>'
        "</div>"
    )


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """A list of what is said of a thing, each with its name."""
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(said)}</dd>" for name, said in pairs) + "</dl>"


def notes(lines: Iterable[str]) -> str:
    """What the reader must know, a line each; nothing where there is nothing."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def folded(summary: str, content: str, *, unfolded: bool = False) -> str:
    """HTML that one opens by its summary."""
    return f"<details{' open' if unfolded else ''}><summary>{escape(summary)}</summary>{content}</details>"


def block(text: str) -> str:
    """Text as it is, with its line breaks."""
    lines = "\n".join(escape(line) for line in text.split("\n"))
    return f"<pre>{lines}</pre>"
