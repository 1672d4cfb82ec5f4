"""A page's output is compared word by word, and its numbers within a tolerance."""

from __future__ import annotations

import pytest

from .shown import fits

TABLE = "       estimate  rule\nage       4.127  reiter2003\n"


@pytest.mark.parametrize(
    ("shown", "output"),
    [
        (TABLE, TABLE),
        (TABLE, TABLE.replace("4.127", "4.128")),
        (TABLE, TABLE.replace("4.127", "4.19")),
        ("a = 0.01", "a = 0.02"),  # the last digit that is shown
        ("a = -0.00", "a = 0.01"),
        ("a = 9.99, n = 5", "a = 10.02, n = 5"),
        ("  9.99  b", " 10.02  b"),
        ("2.5e-07", "2.51e-07"),
        ("1,234.5 s.", "1,240.1 s."),
        ("first\n...\nlast 1.50", "first\n1\nlast 3.00\n2\nlast 1.51"),
        ("...\nb", "b"),
    ],
)
def test_words_and_close_numbers_fit(shown: str, output: str) -> None:
    assert fits(shown, output)


@pytest.mark.parametrize(
    ("shown", "output"),
    [
        (TABLE, TABLE.replace("4.127", "4.22")),
        (TABLE, TABLE.replace("reiter2003", "reiter2004")),
        (TABLE, TABLE + "bmi       0.100  reiter2003\n"),
        ("a = 0.01", "a = -0.01"),
        ("1,234.5", "12,345.0"),
        ("400 rows", "401 rows"),
        ("400 rows", "400.0 rows"),
        ("version 1.20.1", "version 1.20.2"),
        ("10.0.0.5:8786", "10.0.0.6:8786"),
        ("a\tb", "a b"),
        ("a  b", "a b"),
        ("first\n...\nlast 1.50", "first\nlast 3.00"),
        ("a\nb", "a"),
    ],
)
def test_other_words_and_numbers_do_not(shown: str, output: str) -> None:
    assert not fits(shown, output)
