"""Writes CSV, with cells escaped that a spreadsheet would take for a formula and run.

OWASP, CSV Injection: a cell that begins with one of these characters gets a single quote in front.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from itertools import chain
from typing import Any, TextIO

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""The characters that begin a formula in one spreadsheet or another."""


def cell(value: Any) -> Any:
    """A value for a cell, escaped if it is a text that looks like a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def write_csv(file: TextIO, head: Iterable[Any], rows: Iterable[Iterable[Any]], *, raw: bool = False) -> None:
    """Writes rows below a head; `raw`: texts as they are, also those that a spreadsheet would run as formulas."""
    lines = chain((head,), rows)
    csv.writer(file, lineterminator="\n").writerows(lines if raw else (map(cell, line) for line in lines))


def cell_in_sql(column: str) -> str:
    """The same escape as an SQL expression for a text column."""
    characters = ", ".join(f"chr({ord(character)})" for character in FORMULA)
    return (
        f'CASE WHEN left("{column}", 1) IN ({characters}) THEN chr(39) || "{column}" ELSE "{column}" END AS "{column}"'
    )
