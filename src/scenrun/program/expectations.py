"""The one owner of expectations: how each is compiled, whether it holds, and which outcomes are allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from scenrun.program import values
from scenrun.program.ir import Expectations, Observation, Probe
from scenrun.program.values import key


def compiled(
    observation: Observation, parameters: str, look_at: Callable[[int, Probe], str], scope: dict[str, Any]
) -> Callable[..., Any]:
    """An observation as a function.

    parameters: of the function, as text. look_at: the expression that gives what a probe looks at, from the probe's number
    and the probe. scope: what these expressions name.
    """
    lines = [f" {probe.register} = {look_at(number, probe)}" for number, probe in enumerate(observation.probes)]
    lines.append(f" return {'not ' * observation.is_reached}({observation.source})")
    if observation.is_reached:  # what cannot be evaluated does not hold, so that nothing is reached
        lines = [" try:", *(f" {line}" for line in lines), " except Exception:", "  return True"]
    lines.insert(0, f"def __look({parameters}):")
    names: dict[str, Any] = {**values.FUNCTIONS, **scope}
    exec(compile("\n".join(lines), "<scenrun expect>", "exec"), names)
    function: Callable[..., Any] = names["__look"]
    return function


class Failed(str):
    """The exception, in words, of an expression that could not be evaluated."""

    __slots__ = ()


def value_of(function: Callable[..., Any], *arguments: Any) -> Any:
    """The value of an expression; of one that fails, the exception in words."""
    try:
        return function(*arguments)
    except Exception as error:
        return Failed(f"{type(error).__name__}: {error}")


def holds(function: Callable[..., Any], *arguments: Any) -> bool:
    """Whether an expression holds; one that fails does not."""
    try:
        return bool(function(*arguments))
    except Exception:
        return False


def is_among(outcome: Sequence[Any], others: Iterable[Sequence[Any]]) -> bool:
    """Whether an outcome is one of those: the same values of the same types, as 1, 1.0 and True are three values."""
    found = key(list(outcome))
    return any(key(list(one)) == found for one in others)


def complaint_of(expect: Expectations, outcome: Sequence[Any]) -> str | None:
    """What is wrong with an outcome, in words; None where `allowed` and `forbidden` have nothing against it."""
    if expect.allowed is not None and not is_among(outcome, expect.allowed):
        return "is not among the allowed ones"
    if expect.forbidden is not None and is_among(outcome, expect.forbidden):
        return "is forbidden"
    return None


def missing_outcomes(expect: Expectations, outcomes: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """The outcomes that `required` names and that are not among these."""
    found = {key(list(outcome)) for outcome in outcomes}
    return [tuple(one) for one in expect.required or () if key(list(one)) not in found]
