"""How anything is shown: figures as text, one palette for light and dark, small pictures, fragments for notebooks.

Every package may show its results, so this one imports none of them: it takes plain numbers, names and lists.
"""

from __future__ import annotations
