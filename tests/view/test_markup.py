"""The palette can be read: contrasts by the formula of WCAG 2.1, in light and in dark."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.report.study_tables import TINT
from replicant.view.figures import plain
from replicant.view.markup import DARK, LIGHT, SYNTHETIC, escape, wrap

PALETTES = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])


def parts(colour: str) -> tuple[float, ...]:
    code = colour[1:] if len(colour) > 4 else "".join(2 * sign for sign in colour[1:])
    return tuple(int(code[i : i + 2], 16) / 255 for i in (0, 2, 4))


def luminance(colour: tuple[float, ...]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_formula() -> None:
    assert contrast((0, 0, 0), (1, 1, 1)) == pytest.approx(21)
    assert contrast(parts("#777777"), parts("#fff")) == pytest.approx(4.48, abs=0.01)


@PALETTES
@pytest.mark.parametrize("ground", ["page", "card"])
def test_words_and_marks_can_be_told_from_their_ground(palette: dict[str, str], ground: str) -> None:
    for name in ("ink", "soft", "alarm"):
        assert contrast(parts(palette[name]), parts(palette[ground])) >= 4.5
    for name in ("mark", *SYNTHETIC):
        assert contrast(parts(palette[name]), parts(palette[ground])) >= 3


@PALETTES
@pytest.mark.parametrize("tint", ["rise", "fall"])
def test_a_number_can_be_read_on_the_darkest_tint(palette: dict[str, str], tint: str) -> None:
    over = tuple(TINT * a + (1 - TINT) * b for a, b in zip(parts(palette[tint]), parts(palette["card"]), strict=True))
    assert contrast(parts(palette["ink"]), over) >= 4.5


@given(st.text())
def test_what_is_escaped_holds_no_markup(text: str) -> None:
    found = escape(text)
    assert not set(found) & set("<>\"'")
    assert not [sign for sign in found if ord(sign) < 32]


@given(st.text(max_size=60), st.floats(20, 200))
def test_a_label_is_broken_and_never_cut(label: str, room: float) -> None:
    lines = wrap(label, room)
    assert "".join("".join(lines).split()) == "".join(plain(label).split())
    assert all(len(line) <= room / 6 + 1 for line in lines)


@pytest.mark.parametrize(
    ("label", "room", "lines"),
    [
        ("age", 100, ["age"]),
        ("", 100, [""]),
        ("slightly liberal", 70, ["slightly", "liberal"]),
        ("income_of_household", 90, ["income_of_", "household"]),
        ("extraordinarily", 60, ["extraordin", "arily"]),
    ],
)
def test_lines_end_between_words(label: str, room: float, lines: list[str]) -> None:
    assert wrap(label, room) == lines
