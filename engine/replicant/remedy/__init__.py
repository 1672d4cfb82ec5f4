"""Remedies: what is done about a release that the gate withholds, and how it is judged again.

Two kinds. Some draw all sets anew with settings that protect more: `redraw`, `smooth`, `recode`, `top_code`. Others
change rows that were drawn and are at risk: `swap`, `remove`. `loop` tries them in turn.
"""
