"""The types that fields of the log can have, as JSON Schema."""

from __future__ import annotations

from typing import Any

JsonType = dict[str, Any]
OBJECT: JsonType = {"type": "object"}
TEXT: JsonType = {"type": "string"}
NUMBER: JsonType = {"type": "number"}
INTEGER: JsonType = {"type": "integer"}
BOOLEAN: JsonType = {"type": "boolean"}
ANY: JsonType = {}
LIST: JsonType = {"type": "array"}
