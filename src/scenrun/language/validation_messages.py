"""Translates the errors of pydantic into sentences about the file, and finds the places that they are about."""

from __future__ import annotations

from typing import Any

from scenrun.errors import Place
from scenrun.language.fields import shown
from scenrun.language.placed import Mapping, Sequence
from scenrun.language.suggestions import did_you_mean

_TYPE_WORDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def place_and_label(raw: Mapping, loc: tuple[Any, ...]) -> tuple[Place | None, str]:
    """The place of the innermost value along `loc`, and the last key on the way to it."""
    at: Any = raw
    place: Place | None = raw.place
    label = ""
    for part in loc:
        if isinstance(at, Mapping) and part in at:
            place, at, label = at.places[part][1], at[part], f"`{part}`"
        elif isinstance(at, Sequence) and isinstance(part, int) and part < len(at):
            place, at = at.places[part], at[part]
        else:
            break
    return place, label


def unknown_key(key: str, known: list[str], what: str) -> str:
    """The sentence about a key that a part of the file does not take."""
    hint = did_you_mean(key, known)
    keys = f"({what} takes {', '.join(f'`{k}`' for k in known)})" if known else f"({what} takes no keys)"
    return f"unknown key `{key[:60]}`{hint} {keys}"


def sentence(details: Any, label: str) -> str:
    """The sentence about one of pydantic's errors. label: what it is about."""
    kind, given, ctx = details["type"], details["input"], details.get("ctx", {})
    if kind == "scenrun":
        return str(details["msg"])
    if kind in _TYPE_WORDS:
        text = "the text " if isinstance(given, str) else ""
        return f"{label} is {_TYPE_WORDS[kind]}, not {text}{shown(given)}"
    if kind == "literal_error":
        return f"{label} is {ctx['expected'].replace(chr(39), '`')}, not {shown(given)}"
    if kind in ("greater_than_equal", "less_than_equal", "less_than", "greater_than"):
        words = {"greater_than_equal": ("at least", "ge"), "less_than_equal": ("at most", "le"),
                 "less_than": ("below", "lt"), "greater_than": ("above", "gt")}  # fmt: skip
        word, name = words[kind]
        return f"{label} is {word} {ctx[name]:,}, not {shown(given)}"
    return f"{label}: {details['msg']}"


def own_sentence(error: Exception) -> str:
    """The sentence of an error that a field's own check has raised."""
    message = getattr(error, "message_template", None)
    return str(error.context["message"]) if message and hasattr(error, "context") else str(error)
