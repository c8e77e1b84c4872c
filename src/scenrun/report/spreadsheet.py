"""Cells of a CSV file that a spreadsheet would take for a formula, and run: they are written as text.

OWASP, CSV Injection: a cell that begins with one of these characters gets a single quote in front.
"""

from __future__ import annotations

from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a formula begins, to one spreadsheet or another."""


def cell(value: Any) -> Any:
    """A value for a cell: a text that would be a formula is one no more; numbers are as they are."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def cell_in_sql(column: str) -> str:
    """The same, as an expression of SQL for a column of texts."""
    characters = ", ".join(f"chr({ord(character)})" for character in FORMULA)
    return (
        f'CASE WHEN left("{column}", 1) IN ({characters}) THEN chr(39) || "{column}" ELSE "{column}" END AS "{column}"'
    )
