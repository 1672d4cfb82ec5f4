"""A plan in words: what `replicant plan` prints, and what a notebook shows. No cell value, and no seed, is in it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from replicant.view.fragment import block, folded, fragment, notes, rows

if TYPE_CHECKING:
    from replicant.methods import Cart, Touched
    from replicant.plan.column import ColumnPlan
    from replicant.plan.imputation import ImputationPlan
    from replicant.plan.model import Plan
    from replicant.plan.orders import Orders
    from replicant.table.table import Table

__all__ = ["inner", "render", "to_html"]

WIDTH = 110
SEQUENCES_SHOWN = 5
TASKS_SHOWN = 12


def render(
    plan: Plan,
    table: Table | None = None,
    output: str | None = None,
    *,
    extras: Sequence[str] = (),
    partitions: Sequence[str] | None = None,
    touched: tuple[int, Mapping[str, Touched]] | None = None,
) -> str:
    """The plan as plain text.

    Parameters
    ----------
    plan
        The plan.
    table
        Its table, if why each column is of its kind should be said too.
    output
        Where the release goes, if the tree of its files should be shown.
    extras
        What else is in that tree: scripts, and folders of copies.
    partitions
        For a partitioned table, lines on the partitions; they replace the tasks, which are those of one table.
    touched
        What it changes that leaves protect their donors, by column, and on how many rows that was tried.
    """
    blocks = [
        _headline(plan),
        *([] if plan.imputation is None else [_section("Imputation", _imputation(plan, plan.imputation))]),
        _section("Columns", _grid(_column_head(table), _column_rows(plan, table))),
        _section("Visit sequences", _sequences(plan)),
        _section("Tasks", _tasks(plan)) if partitions is None else _section("Partitions", partitions),
    ]
    if touched is not None:
        blocks.append(_section("Protection", _protected(*touched, plan)))
    if output is not None:
        blocks.append(_section("Output", _tree(plan, output, extras)))
    if plan.events:
        blocks.append(_section("Events", _wrapped(f"{event.code}: {event}" for event in plan.events)))
    return "\n\n".join(blocks) + "\n"


def to_html(plan: Plan, table: Table | None = None) -> str:
    """The plan as an HTML fragment for notebooks."""
    return fragment("Plan", _size(plan), *inner(plan, table))


def inner(plan: Plan, table: Table | None = None) -> list[str]:
    """What the fragment holds under its heading, for a view that has another one."""
    return [
        notes(_settings(plan)),
        *([] if plan.imputation is None else [rows(_IMPUTED, _imputed_rows(plan, plan.imputation), long={2, 3})]),
        rows(_column_head(table), _column_rows(plan, table), long={3, 4, 5}),
        notes(f"{event.code}: {event}" for event in plan.events),
        folded("Visit sequences", block("\n".join(_sequences(plan)))),
        folded("Tasks", block("\n".join(_tasks(plan)))),
    ]


def _headline(plan: Plan) -> str:
    return "\n".join(textwrap.wrap("; ".join([_size(plan), *_settings(plan)]), WIDTH))


def _size(plan: Plan) -> str:
    sets = "1 synthetic set" if plan.m == 1 else f"{plan.m} synthetic sets"
    return f"{sets} of {plan.k:,} rows x {len(plan.columns)} columns from {plan.n:,} rows"


def _settings(plan: Plan) -> list[str]:
    """How it is done: the conditioning, with what is unusual about it; and the trees."""
    extras = [f"{plan.conditioning} conditioning"]
    if plan.fits == "shared":
        extras.append("shared fits")
    if plan.proper:
        extras.append("a bootstrap before each fit")
    if plan.exclude_self:
        extras.append("no record donates to itself")
    if plan.donors is not None:
        cells = "one cell" if plan.donors == 1 else f"{plan.donors} cells at most"
        extras.append(f"a record donates to {cells} of a row")
    if plan.canaries:
        extras.append(f"{plan.canaries} canaries")
    if not plan.shuffle:
        extras.append("rows not shuffled")
    extras.append("seed given" if plan.seed_given else "seed drawn by the system")
    cart = plan.cart
    rows = f"{cart.minbucket}"
    if cart.minbucket == "auto":
        why = "as rows held out say" + ("" if cart.undersmooth else ": few columns tell rows apart")
        rows = f"auto ({cart.sizes[0]} to {cart.sizes[-1]}, {why})"
    least = "3 x minbucket" if cart.split_rows is None else f"{cart.split_rows}"
    trees = f"trees: minbucket {rows}, minsplit {least}, cp {cart.cp:g}, maxdepth {cart.maxdepth}"
    trees += _protection(cart)
    trees += f", risk of classes: {cart.class_risk}"
    if cart.splits == "corrected":
        trees += ", splits corrected for chance"
    if cart.leaf_weights == "regression":
        trees += ", records of a leaf weighted by a regression"
    return [", ".join(extras), trees]


def _protection(cart: Cart) -> str:
    """What leaves must hold, and whether numbers are smoothed."""
    said = [
        (cart.smoothing != "none", "numbers smoothed"),
        (cart.min_donors > 1, f"at least {cart.min_donors} records in a leaf"),
        (cart.l_diversity > 1, f"at least {cart.l_diversity} values in a leaf"),
        (cart.dominance > 0, f"no record dominates a leaf (p = {cart.dominance:.3g})"),
    ]
    return "".join(f", {text}" for given, text in said if given)


_IMPUTED = ["imputed column", "method", "predictors", "why"]


def _imputation(plan: Plan, imputation: ImputationPlan) -> list[str]:
    """How missing cells are filled: the chains, and what is done to each incomplete column."""
    chains = plan.m // plan.syntheses
    sets = f", {plan.syntheses} synthetic sets of each" if plan.syntheses > 1 else ""
    how = imputation.visit if isinstance(imputation.visit, str) else "as listed"
    lines = [f"{chains} chains of {imputation.maxit} iterations{sets}; visit sequence: {how}"]
    if imputation.columns or imputation.passive:
        lines += _grid(_IMPUTED, _imputed_rows(plan, imputation))
    return lines


def _imputed_rows(plan: Plan, imputation: ImputationPlan) -> list[list[str]]:
    made = []
    for column in (*imputation.columns, *imputation.passive):
        given = set(column.predictors)
        out = [name for name in plan.names if name not in given and name not in column.names]
        text = _some(column.predictors) or "-"
        if column.expression is not None:
            text = column.expression.text
        elif not out and len(given) > 1:
            text = f"all {len(given)} others"
        elif given and len(out) < len(given) and len(given) > 3:
            text = f"all but {_some(out)}"
        made.append([", ".join(column.names), column.declaration.name, text, column.why])
    return made


def _protected(rows: int, touched: Mapping[str, Touched], plan: Plan) -> list[str]:
    """By column, what of the first set's trees falls short."""
    of = f"{rows:,} of {plan.n:,} rows, so with other leaves than the run's" if rows < plan.n else f"all {rows:,} rows"
    intro = f"The first set's trees, grown on {of}, beside those without protection."
    head = ["column", "leaves", "few records", "few values", "dominated", "rows of these", "explained", "protected"]
    made = []
    for name in plan.names:
        if name in touched:
            one = touched[name]
            counts = [one.leaves, one.few_records, one.few_values, one.dominated]
            shares = [one.rows_short / one.rows, one.before / one.rows, one.after / one.rows]
            made.append([name, *(f"{count:,}" for count in counts), *(f"{share:.1%}" for share in shares)])
    return [*_wrapped([intro]), *_grid(head, made)]


def _column_head(table: Table | None) -> list[str]:
    return ["column", "kind", "method", "predictors", "why"] + (["kind because"] if table is not None else [])


def _column_rows(plan: Plan, table: Table | None) -> list[list[str]]:
    made = []
    for column in plan.columns:
        row = [column.name, str(column.kind), column.method, _predictors(column, plan.names), column.why]
        if table is not None:
            row.append(table[column.name].why)
        made.append(row)
    return made


def _predictors(column: ColumnPlan, names: Sequence[str]) -> str:
    """The shorter of the two lists: the predictors, or what is left out."""
    if column.expression is not None:
        return column.expression.text
    if column.is_computed:
        return column.inputs[0]
    given = column.predictors
    if not given:
        return "-"
    out = [name for name in names if name not in set(given) and name != column.name]
    if not out:
        return f"all {len(given)} others" if len(given) > 1 else given[0]
    if len(out) < len(given) and len(given) > 3:
        return f"all but {_some(out)}"
    return _some(given)


def _some(names: Sequence[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _sequences(plan: Plan) -> list[str]:
    count = "one order for all imputations" if plan.fits == "shared" else "one order per imputation"
    orders = plan.orders if plan.orders is not None and not plan.orders.reason else None
    rule = {"random": f"random, {count}", "auto": f"random, {count}", "table": "as in the table"}
    how = rule.get(plan.visit, "as listed") if isinstance(plan.visit, str) else "as listed"
    if orders is not None:
        how = f"auto, {count}"
    lines = [how + (": each column is predicted from those before it" if plan.conditioning == "synthetic" else "")]
    if orders is not None:
        lines += _why(orders)
    if len(set(plan.sequences)) == 1:
        return [*lines, *_wrapped([f"all: {' '.join(plan.sequences[0])}"])]
    shown = plan.sequences[:SEQUENCES_SHOWN]
    lines += _wrapped(f"{i}: {' '.join(sequence)}" for i, sequence in enumerate(shown, 1))
    if plan.m > len(shown):
        lines.append(f"... and {plan.m - len(shown)} more")
    return lines


def _why(orders: Orders) -> list[str]:
    """What the orders obey, and why."""
    if not orders.why:
        return _wrapped([f"{orders.rows:,} rows say nothing of what comes before what: the orders are random"])
    summary = f"{orders.rows:,} rows say where these columns come; all else is random"
    return [*_wrapped([summary]), *_wrapped(f"  {name}: {text}" for name, text in orders.why.items())]


def _tasks(plan: Plan) -> list[str]:
    rows_to_write = f"{plan.m * plan.k:,} rows to write"
    if len(plan.partitions) > 1 and plan.partitions[0].rows is None:
        within = f" within strata by {', '.join(plan.strata)}" if plan.strata else ""
        return [f"{len(plan.partitions):,} random partitions{within}, {plan.n:,} rows in all", rows_to_write]
    fits = sum(task.kind == "fit" for task in plan.tasks)
    draws = len(plan.tasks) - fits
    count = len(plan.partitions)
    cut = "1 partition (all rows)" if count == 1 else f"{count} partitions by {', '.join(plan.strata)}"
    if count > 1:
        sizes = [plan.n if one.rows is None else len(one.rows) for one in plan.partitions]
        cut += f" of {min(sizes):,} to {max(sizes):,} rows"
    lines = [
        f"{_count(fits, 'fit task')}, {_count(draws, 'draw task')}, {cut}",
        f"about {_seconds(plan.seconds_estimate)} on one core, {_bytes(plan.bytes_estimate)} of memory",
        rows_to_write,
    ]
    shown = plan.tasks[:TASKS_SHOWN]
    lines += [f"  {task.key}" for task in shown]
    if len(plan.tasks) > len(shown):
        lines.append(f"  ... and {len(plan.tasks) - len(shown)} more")
    return lines


def _tree(plan: Plan, output: str, extras: Sequence[str]) -> list[str]:
    root = output.rstrip("/")
    width = max(2, len(str(plan.m)))
    shares = [partition for partition in plan.partitions if partition.k]
    lines = [f"{root}/"]
    for i in _ends(plan.m):
        lines.append("  ..." if i is None else f"  imputation={i + 1:0{width}d}/")
        if i is None:
            continue
        for j in _ends(len(shares)):
            lines.append("    ..." if j is None else f"    part-{shares[j].index}.parquet  {shares[j].k:,} rows")
    return [
        *lines,
        *(f"  {name}" for name in extras),
        "  _manifest.json",
        "  _SUCCESS",
        f"{root}-internal  (seed, hashes and spec: not part of the release)",
    ]


def _ends(count: int, most: int = 3) -> list[int | None]:
    """All positions, or the first two, a gap, and the last."""
    return list(range(count)) if count <= most else [0, 1, None, count - 1]


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n".join([title, "-" * len(title), *lines])


def _grid(head: list[str], rows: list[list[str]]) -> list[str]:
    table = [head, *rows]
    widths = [max(len(row[j]) for row in table) for j in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def _wrapped(texts: Iterable[str]) -> list[str]:
    return [line for text in texts for line in textwrap.wrap(text, WIDTH, subsequent_indent="   ") or [""]]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _seconds(seconds: float) -> str:
    if seconds < 1:
        return f"{max(1, round(seconds * 1000))} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _bytes(size: int) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{max(1, round(size / 1e3))} kB"
