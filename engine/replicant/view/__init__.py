"""How anything is shown: figures as text, one palette for light and dark, small pictures, fragments for notebooks.

Every room may show what it holds, so this one knows none of them: it takes plain numbers, names and lists.
"""

from __future__ import annotations
