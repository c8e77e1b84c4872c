"""What the editor completes and explains: verbs and keys, with the words that the reference has for them."""

from __future__ import annotations

from typing import Any

from scenrun.language.fields import Model
from scenrun.language.model import Scenario
from scenrun.language.primitives import KINDS
from scenrun.language.verbs.registry import VERBS


def words() -> dict[str, list[dict[str, str]]]:
    """The verbs, and the keys of the file, of verbs and of objects; each with its meaning."""
    verbs = [{"label": name, "info": _first(verb), "type": "keyword"} for name, verb in sorted(VERBS.items())]
    keys: dict[str, str] = {}
    models: list[type[Model]] = [Scenario, *VERBS.values(), *KINDS.values()]
    for model in models:
        for name, field in model.model_fields.items():
            keys.setdefault(field.alias or name, field.description or "")
    for name, kind in KINDS.items():
        keys[name] = _first(kind)
    listed = [{"label": name, "info": said, "type": "property"} for name, said in sorted(keys.items()) if said]
    return {"verbs": verbs, "keys": listed}


def _first(documented: Any) -> str:
    return (documented.__doc__ or "").split("\n\n")[0].strip()
