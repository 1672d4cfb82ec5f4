"""Settings of R that cannot be left out without changing the sets, and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping

from replicant.errors import SpecError
from replicant.spec.r_values import Values

__all__ = ["events_of", "refuse_what_changes_cells"]


def refuse_what_changes_cells(values: Values) -> None:
    """Refuse settings that make other cells than a draw does; without them the sets would not be what was asked for.

    Raises
    ------
    SpecError
        If there is one, with what to write instead.
    """
    code = {name: str(text) for name, text in values.by_name("post").items() if text} if "post" in values.given else {}
    if code:
        first = next(iter(code))
        squeezed = any("squeeze" in text for text in code.values())
        raise SpecError(
            f"post holds R code for {', '.join(code)}, which cannot be run here",
            need="settings without post",
            fix=f"take post out and write in the job {_bounds(first) if squeezed else _shift(first)}",
        )
    for key, words in (
        ("rules", "take rules and rvalues out, and write in the job: rules: [\"if age < 18: marital == 'SINGLE'\"]"),
        ("denom", "counts out of a total: give the share, or both counts"),
    ):
        if values.lists(key) if key == "rules" else any(values.lists(key).values()):
            raise SpecError(f"{key} is set for {', '.join(values.lists(key))}", need="settings without it", fix=words)


def events_of(values: Values, method: Mapping[str, str]) -> dict[str, str]:
    """By column of a time, the column that says whether it ended by an event: where the method is `survctree`.

    Raises
    ------
    SpecError
        For an event of another column, or a time without one.
    """
    found = {name: str(events[0]) for name, events in values.lists("event").items() if events}
    times = [name for name, word in method.items() if word == "survctree"]
    if idle := [name for name in found if name not in times]:
        raise SpecError(
            f"event is set for {', '.join(idle)}, whose method is not survctree",
            need="events of times that are drawn together with them",
            fix='write "survctree" as the method of the time, or take event out',
        )
    values.check_names(found.values(), "event")
    if alone := [name for name in times if name not in found]:
        raise SpecError(
            f"the method of {', '.join(alone)} is survctree, and event does not name the event of it",
            need='event = list(TIME = "EVENT")',
            fix="write cart for a time that always ends by an event",
        )
    return found


def _bounds(name: str) -> str:
    return (
        f"method: {{{name}: pmm}}, whose draws are observed values and so stay within their bounds, in exchange for "
        "squeeze()"
    )


def _shift(name: str) -> str:
    return (
        f'delta: {{{name}: "+5"}} or {{{name}: "*1.1"}} for a shift or a factor of imputed numbers, `passive` for a '
        "column that others give, `missing` for cells that stay missing"
    )
