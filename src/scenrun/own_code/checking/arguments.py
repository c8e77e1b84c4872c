"""The arguments that methods are called with: guessed from names and annotations, or given as `put(key: 0..2, value: 0..1)`."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Sequence
from itertools import product
from types import FunctionType, MethodDescriptorType, WrapperDescriptorType
from typing import Any

from scenrun.errors import UsageError
from scenrun.own_code.histories.operations import Operation

BY_NAME: dict[str, tuple[Any, ...]] = {
    "key": ("a", "b"), "k": ("a", "b"), "name": ("a", "b"), "field": ("a", "b"), "label": ("a", "b"), "topic": ("a", "b"),
    "index": (0,), "i": (0,), "idx": (0,), "pos": (0,), "position": (0,),
    "maxsize": (2,), "max_size": (2,), "size": (2,), "capacity": (2,), "limit": (2,), "maxlen": (2,), "parties": (2,),
    "iterable": ([1, 2],), "items": ([1, 2],), "other": ([1, 2],), "mapping": ({"a": 1},), "default": (None,),
}  # fmt: skip
"""What parameters of a name take, unless their annotation says otherwise."""
BY_ANNOTATION: dict[str, tuple[Any, ...]] = {
    "int": (1, 2), "float": (1.0, 2.0), "str": ("a", "b"), "bytes": (b"a", b"b"), "bool": (True, False), "None": (None,),
    "list": ([1, 2],), "dict": ({"a": 1},), "tuple": ((1, 2),), "set": ([1, 2],), "object": (1, 2), "Any": (1, 2),
}  # fmt: skip
OTHERS = (1, 2)
FUNCTIONS = frozenset(
    ("func", "fn", "function", "callback", "factory", "predicate", "callable", "handler", "listener", "creator")
)
"""Names of parameters that take functions, which are not guessed."""
OF_CONTAINERS: dict[str, tuple[str, ...]] = {
    "keys": (), "values": (), "items": (), "copy": (), "clear": (), "popitem": (), "get": ("key",), "pop": ("key",),
    "setdefault": ("key", "value"), "update": ("mapping",), "append": ("value",), "add": ("value",), "remove": ("value",),
    "__getitem__": ("key",), "__setitem__": ("key", "value"), "__delitem__": ("key",), "__contains__": ("key",), "__len__": (),
    "__iter__": (), "move_to_end": ("key",),
}  # fmt: skip
"""The parameters of methods in C of which none are known."""
MOST_WAYS = 1_000
"""Calls that one `--op` may stand for."""


class CannotGuess(Exception):
    """Arguments that are not guessed, with the reason."""


def guessed_calls(name: str, function: Callable[..., Any]) -> list[Operation]:
    """Some calls of a method, with arguments of different values. Raises CannotGuess."""
    signature = _signature_of(name, function)
    values, names = [], []
    for parameter in signature.parameters.values():
        if parameter.default is not parameter.empty or parameter.kind in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        ):
            continue
        values.append(_values_of(parameter))
        names.append(parameter.name if parameter.kind is parameter.KEYWORD_ONLY else None)
    return list(dict.fromkeys(_call(name, names, one) for one in _some_of(values)))


def guessed_settings(name: str, setter: Callable[..., Any]) -> list[Operation]:
    """A property set to some values. Raises CannotGuess."""
    parameters = list(_signature_of(name, setter).parameters.values())
    return [setting_of(name, value) for value in (_values_of(parameters[0]) if parameters else OTHERS)[:2]]


def setting_of(name: str, value: Any) -> Operation:
    """A property that is set to a value."""
    return Operation(name, (repr(value),), is_property=True)


def _signature_of(name: str, function: Callable[..., Any]) -> inspect.Signature:
    """The parameters of a method without its object. Raises CannotGuess."""
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        if name not in OF_CONTAINERS:
            raise CannotGuess("its parameters are not known") from None
        return inspect.Signature(
            [inspect.Parameter(one, inspect.Parameter.POSITIONAL_ONLY) for one in OF_CONTAINERS[name]]
        )
    if isinstance(inspect.unwrap(function), FunctionType | WrapperDescriptorType | MethodDescriptorType):
        return signature.replace(parameters=list(signature.parameters.values())[1:])
    return signature


def _values_of(parameter: inspect.Parameter) -> tuple[Any, ...]:
    annotation = parameter.annotation
    said = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    said = re.sub(r"^(typing|builtins|collections\.abc)\.|\[.*$|\s*\|.*$", "", str(said))
    if said in ("Callable", "Type") or parameter.name.strip("_") in FUNCTIONS:
        raise CannotGuess(f"`{parameter.name}` takes a function")
    named = BY_NAME.get(parameter.name.strip("_").lower())
    known = BY_ANNOTATION.get(said)
    if named is not None and (known is None or said in ("object", "Any") or type(named[0]) is type(known[0])):
        return named
    return known or named or OTHERS


def _some_of(values: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The first values, the second ones, and the first of the first parameter with the second ones of the others."""
    if not values:
        return [()]
    first, second = tuple(one[0] for one in values), tuple(one[-1] for one in values)
    return [first, second, (*first[:1], *second[1:])]


def _call(name: str, names: Sequence[str | None], values: Sequence[Any]) -> Operation:
    pairs = list(zip(names, values, strict=True))
    return Operation.of(
        name, [value for key, value in pairs if key is None], {key: value for key, value in pairs if key}
    )


# --- given ones


def given_calls(text: str) -> list[Operation]:
    """The calls that a text stands for, such as `put(key: 0..2, value: 'a'|'b')`; raises UsageError."""
    setting = re.fullmatch(r"\s*([A-Za-z_]\w*)\s*=([^=].*)", text, re.DOTALL)
    if setting is not None:
        return [setting_of(setting.group(1), value) for value in _values(setting.group(2), text)]
    match = re.fullmatch(r"\s*([A-Za-z_]\w*)\s*(?:\((.*)\))?\s*", text, re.DOTALL)
    if match is None:
        raise UsageError(
            f"`{text}` is no operation; write it as `put(key: 0..2, value: 1)`, or `size` and `size = 1` for a property"
        )
    name, inner = match.group(1), match.group(2)
    if inner is None:
        return [Operation(name, is_property=True)]
    names, ways = [], []
    for part in _split(inner, ","):
        key, colon, said = part.partition(":")
        is_named = bool(colon) and key.strip().isidentifier()
        names.append(key.strip() if is_named else None)
        ways.append(_values(said if is_named else part, text))
    found = [_call(name, names, one) for one, _ in zip(product(*ways), range(MOST_WAYS + 1), strict=False)]
    if len(found) > MOST_WAYS:
        raise UsageError(f"`{text}` stands for more than {MOST_WAYS:,} calls; give fewer values")
    return found


def invariant_of(text: str) -> Operation:
    """An expression of the object, such as `len(o) <= 2`; raises UsageError."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"--invariant `{text}` is no expression: {getattr(error, 'msg', error)}") from None
    if not any(isinstance(node, ast.Name) and node.id == "o" for node in ast.walk(tree)):
        raise UsageError(f"--invariant `{text}` is not about the object, which it calls `o`: `len(o) <= 2`")
    return Operation(ast.unparse(tree), is_expression=True)


def _values(said: str, whole: str) -> list[Any]:
    """What one argument may be: `0..2`, `'a'|'b'`, `1`."""
    out: list[Any] = []
    for part in _split(said, "|"):
        span = re.fullmatch(r"\s*(-?\d+)\s*\.\.\s*(-?\d+)\s*", part)
        try:
            if span is not None and int(span.group(2)) - int(span.group(1)) < MOST_WAYS:
                out += range(int(span.group(1)), int(span.group(2)) + 1)
            else:
                out.append(ast.literal_eval(part.strip()))
        except (ValueError, SyntaxError):
            raise UsageError(
                f"`{part.strip()}` in `{whole}` is no value; values are `1`, `'a'`, `0..2`, `'a'|'b'`"
            ) from None
    return out


def _split(text: str, at: str) -> list[str]:
    """The parts of a text between separators that are in no brackets and no quotes."""
    parts, depth, quote = [""], 0, ""
    for one in text:
        if quote:
            quote = "" if one == quote else quote
        elif one in "'\"":
            quote = one
        elif one in "([{":
            depth += 1
        elif one in ")]}":
            depth -= 1
        elif one == at and not depth:
            parts.append("")
            continue
        parts[-1] += one
    return parts if text.strip() else []
