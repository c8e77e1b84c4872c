"""What this Python says: no test holds the words of one version."""

from __future__ import annotations


def told_by_python(expression: str) -> str:
    """The text of the exception that an expression ends with, in the words of this Python."""
    try:
        eval(expression)
    except Exception as error:
        return str(error)
    raise AssertionError(f"{expression} raises nothing")
