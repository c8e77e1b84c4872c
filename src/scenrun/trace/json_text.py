"""JSON as scenrun writes and reads it: the only module that knows the library behind it.

msgspec has wheels for every Python that scenrun supports, free-threaded ones too. What it has no word for is written as
text by `json`, so that a line of a log is never lost to a value.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

_encode = msgspec.json.Encoder(enc_hook=str).encode
_strict = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_NEWLINE = b"\n"


def dumps(value: Any) -> bytes:
    """A value as JSON in UTF-8. What JSON has no word for becomes text, keys too; NaN and infinity become null."""
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError):
        return json.dumps(_speakable(value), separators=(",", ":")).encode()


def dumps_line(value: Any) -> bytes:
    """The same, as one line."""
    return dumps(value) + _NEWLINE


def dumps_strictly(value: Any) -> bytes:
    """A value as JSON; raises TypeError or ValueError where it has something that JSON has no word for."""
    return _strict(value)


def dumps_indented(value: Any) -> str:
    """A value as JSON for people: indented by two spaces."""
    return msgspec.json.format(dumps(value), indent=2).decode()


def loads(text: bytes) -> Any:
    """The value of a JSON text; raises ValueError where it is none, or is nested too deeply."""
    try:
        return _decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _speakable(value: Any) -> Any:
    """A value with text for everything that JSON cannot say: huge numbers stay numbers, keys become text."""
    if isinstance(value, dict):
        return {str(key): _speakable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_speakable(item) for item in value]
    return value if isinstance(value, str | int | float | None) else str(value)
