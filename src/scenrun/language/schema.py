"""Generates the JSON Schema of scenario files, in the form that editors complete and diagnose best.

A step is one object whose verbs are all optional properties, instead of a union of steps: editors then offer each verb
once, with its description, and mark the wrong word.
"""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

from scenrun.language import expect, model
from scenrun.language.conform import Conform
from scenrun.language.fields import FIXED_SCHEMA, NAME, TIMING_SCHEMA, Model
from scenrun.language.primitives import KINDS
from scenrun.language.sweep import Sweep
from scenrun.language.verbs.registry import VERBS
from scenrun.language.verbs.step import Step

_JSON_TYPES = ["string", "number", "boolean", "null", "array", "object"]


def schema() -> dict[str, Any]:
    """The whole schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://scenrun.invalid/schemas/scenario.schema.json",
        "title": "A scenrun scenario",
        **_object(model.Scenario),
        "patternProperties": {"^x-": {"description": "ignored: a place for anchors"}},
        "$defs": {
            "step": _step(),
            "duration": FIXED_SCHEMA,
            "timing": TIMING_SCHEMA,
            "sync": {"type": "object", "propertyNames": _name(), "additionalProperties": _primitive()},
            "behaviours": _by_name(_object(model.Behaviour)),
            "params": _by_name(_parameter()),
            "threads": _by_name(_object(model.Group)),
            "objects": _by_name(_object(model.PythonObject)),
            "interrupts": {"type": "array", "items": _object(model.Interrupt)},
            "stop": _stop(),
            "log": _object(model.LogOptions),
            "expect": _expect(),
            "limits": _object(model.Limits),
            "sweep": _object(Sweep),
            "conform": _object(Conform),
        },
    }


def _name() -> dict[str, Any]:
    return {"pattern": f"^{NAME}$"}


def _by_name(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "propertyNames": _name(), "additionalProperties": value}


def _object(cls: type[Model]) -> dict[str, Any]:
    """The schema of a model: an object without additional properties."""
    exported = _referring(cls.model_json_schema())
    out: dict[str, Any] = {"type": "object"}
    if cls.__doc__:
        out["description"] = cleandoc(cls.__doc__)
    out["properties"] = {key: _field(value) for key, value in exported.get("properties", {}).items()}
    if exported.get("required"):
        out["required"] = exported["required"]
    out["additionalProperties"] = False
    return out


def _referring(exported: Any) -> Any:
    """The schema with each key `refer` renamed to `$ref`, which pydantic would resolve among its own definitions."""
    if isinstance(exported, dict):
        return {"$ref" if key == "refer" else key: _referring(value) for key, value in exported.items()}
    return [_referring(item) for item in exported] if isinstance(exported, list) else exported


def _field(exported: dict[str, Any]) -> dict[str, Any]:
    """The schema of one field: without pydantic's titles and empty defaults, and with its description for hovering."""
    out = {k: v for k, v in exported.items() if k not in ("title", "default", "anyOf", "description")}
    choices = [c for c in exported.get("anyOf", []) if c != {"type": "null"}]
    if len(choices) == 1:
        out = {**choices[0], **out}
    elif choices:
        out["anyOf"] = choices
    if exported.get("default") not in (None, "", {}, [], ()):
        out["default"] = exported["default"]
    if "description" in exported:
        out["description"] = out["markdownDescription"] = exported["description"]
    return out


def _step() -> dict[str, Any]:
    """The schema of a step: every verb as an optional property, and companion keys that need their verbs."""
    properties: dict[str, Any] = {}
    dependent: dict[str, Any] = {}
    owners: dict[str, list[str]] = {}
    companions: dict[str, Any] = {}
    for verb, cls in VERBS.items():
        exported = _object(cls)["properties"]
        properties[verb] = _verb(cls, {k: v for k, v in exported.items() if k not in cls.beside})
        if not cls.beside:
            dependent[verb] = {"maxProperties": 1}
            continue
        needed = [k for k in cls.beside if _is_required(cls, k)]
        allowed = {verb: True, **dict.fromkeys(cls.beside, True)}
        dependent[verb] = {
            "properties": allowed,
            "additionalProperties": False,
            **({"required": needed} if needed else {}),
        }
        for key in cls.beside:
            owners.setdefault(key, []).append(verb)
            companions.setdefault(key, exported[key])
    for key, verbs in owners.items():
        described = f"goes with {' or '.join(f'`{v}`' for v in verbs)}"
        properties[key] = {**companions[key], "description": described, "markdownDescription": described}
        dependent[key] = {"anyOf": [{"required": [verb]} for verb in verbs]}
    alone = "|".join(verb for verb, cls in VERBS.items() if cls.alone)
    return {
        "type": ["object", "string"],
        "description": "one step: a verb and its fields",
        "pattern": f"^({alone})$",
        "minProperties": 1,
        "properties": properties,
        "additionalProperties": False,
        "dependentSchemas": dependent,
    }


def _is_required(cls: type[Step], key: str) -> bool:
    return any((field.alias or name) == key and field.is_required() for name, field in cls.model_fields.items())


def _verb(cls: type[Step], fields: dict[str, Any]) -> dict[str, Any]:
    """The schema of a verb's value: its short form, its long form, or both."""
    described = {"description": cleandoc(cls.__doc__ or ""), "markdownDescription": _markdown(cls, fields)}
    short = {k: v for k, v in fields.get(cls.short or "", {}).items() if "escription" not in k}
    if cls.alone and cls.short is None:
        return {"type": "null", **described}
    if cls.whole or (cls.beside and cls.short):
        return {**short, **described}
    required = [key for key in fields if _is_required(cls, key)]
    hidden = {"object"} if cls.verb in ("wait", "cancel") else set()
    long: dict[str, Any] = {
        "properties": {key: value for key, value in fields.items() if key not in hidden},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }
    if cls.short is None:
        return {"type": "object", **long, **described}
    types = short.get("type", _JSON_TYPES)
    if cls.verb == "log":
        types = ["string", "number", "boolean"]
    listed = types if isinstance(types, list) else [types]
    return {"type": list(dict.fromkeys([*listed, "object"])), **long, **described}


def _markdown(cls: type[Step], fields: dict[str, Any]) -> str:
    lines = [cleandoc(cls.__doc__ or ""), ""]
    lines += [f"- `{key}`: {value.get('description', '')}" for key, value in fields.items()]
    return "\n".join(lines).strip()


def _primitive() -> dict[str, Any]:
    long = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {kind: _nullable(_object(cls)) for kind, cls in KINDS.items()},
    }
    without_options = [k for k, cls in KINDS.items() if not _object(cls).get("required")]
    return {"anyOf": [{"enum": without_options, "description": "a primitive with its default options"}, long]}


def _nullable(value: dict[str, Any]) -> dict[str, Any]:
    return value if value.get("required") else {**value, "type": ["object", "null"]}


def _parameter() -> dict[str, Any]:
    types = [*model.PARAMETER_TYPES, *KINDS]
    long = _object(model.Parameter)
    long["properties"]["type"] = {**long["properties"]["type"], "enum": types}
    return {"anyOf": [{"enum": types, "description": "the parameter's type"}, long]}


def _stop() -> dict[str, Any]:
    return {"anyOf": [{"$ref": "#/$defs/duration"}, _object(model.Stop)]}


def _expect() -> dict[str, Any]:
    out = _object(expect.Expect)
    outcomes = _object(expect.Outcomes)
    out["properties"]["outcomes"] = {**out["properties"]["outcomes"], **outcomes}
    return out
