"""JSON encoding and decoding, with msgspec.

msgspec has wheels for every Python that scenrun supports, free-threaded ones too. Values that JSON cannot represent are
written as text, so that no value costs a line of the log.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from scenrun.program.sets import Set


def _as_json(value: Any) -> Any:
    """A set as the list of its members, and what else JSON cannot represent as text."""
    return list(value) if isinstance(value, Set) else str(value)


_encode = msgspec.json.Encoder(enc_hook=_as_json).encode
_strict = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_NEWLINE = b"\n"


def dumps(value: Any) -> bytes:
    """A value as JSON in UTF-8. Values and keys that JSON cannot represent become text; NaN and infinity become null."""
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError):
        # Slower, and needed only for the values and keys that msgspec refuses.
        return json.dumps(_speakable(value), separators=(",", ":")).encode()


def dumps_line(value: Any) -> bytes:
    """A value as JSON in UTF-8, with a newline at its end."""
    return dumps(value) + _NEWLINE


def dumps_strictly(value: Any) -> bytes:
    """A value as JSON; raises TypeError or ValueError for values that JSON cannot represent."""
    return _strict(value)


def dumps_indented(value: Any) -> str:
    """A value as JSON text that is indented by two spaces."""
    return msgspec.json.format(dumps(value), indent=2).decode()


def loads(text: bytes) -> Any:
    """The value of a JSON text; raises ValueError for invalid JSON and for one that is nested too deeply."""
    try:
        return _decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _speakable(value: Any) -> Any:
    """A copy in which keys, and values that JSON cannot represent, are text; huge integers stay numbers."""
    if isinstance(value, dict):
        return {str(key): _speakable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | Set):
        return [_speakable(item) for item in value]
    return value if isinstance(value, str | int | float | None) else str(value)
