"""The verbs of control flow: branches, loops, exceptions, regions, and calls of behaviours and of Python."""

from typing import Annotated, Any, Self

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema, model_validator

from scenrun.language.fields import (
    Args,
    CallArgs,
    Expr,
    Name,
    OptionalExpr,
    Steps,
    each,
    parse_expression,
    parse_text,
    reader_of,
    refuse,
)
from scenrun.language.templates import Template
from scenrun.language.verbs.step import Into, OptionalTiming, Step

BRANCHES = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object", "required": ["if", "then"], "additionalProperties": False,
        "properties": {"if": {}, "then": {"type": "array", "items": {"refer": "#/$defs/step"}}},
    },
}  # fmt: skip
"""The schema of `elif`, which is read as an `if` in the `else` of the one before."""


def _except(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, dict) or not value:
        raise refuse("`except` takes a mapping of exceptions to steps: `except: {queue.Empty: [..]}`")
    return dict(each(value, reader_of(info).steps, info))


def _alternatives(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, list) or not value:
        raise refuse("`from` takes a list of alternatives: `choose: {from: [1, 2], into: x}`")
    return tuple(expression for _, expression in each(value, parse_expression, info))


class If(Step):
    """Run steps where an expression holds, others where it does not."""

    verb = "if"
    short = "condition"
    beside = ("then", "elif", "else")
    in_atomic = True
    condition: Expr = Field(description="the expression")
    then: Steps = Field(description="the steps where it holds")
    elif_: Annotated[Any, PlainValidator(lambda value: ()), WithJsonSchema(BRANCHES)] = Field(
        default=(), alias="elif", description="more of them, each `{if: .., then: [..]}`; the first that holds is taken"
    )
    else_: Steps = Field(default=(), alias="else", description="the steps where it does not")


class While(Step):
    """Run steps again and again while an expression holds."""

    verb = "while"
    short = "condition"
    beside = ("do",)
    in_atomic = True
    condition: Expr = Field(description="the expression")
    do: Steps = Field(description="the steps")


class Repeat(Step):
    """Run steps a number of times, counted once at the beginning."""

    verb = "repeat"
    short = "times"
    beside = ("do",)
    in_atomic = True
    times: Expr = Field(description="how often; a negative number is none")
    do: Steps = Field(description="the steps")


class For(Step):
    """Run steps once for each item; with `as_completed`, for each future, as `concurrent.futures.as_completed` gives them."""

    verb = "for"
    short = "variable"
    beside = ("in", "as_completed", "timeout", "do")
    in_atomic = True
    variable: Name = Field(description="the variable that takes the item")
    in_: OptionalExpr = Field(None, alias="in", description="the items: a list, a range, a text, or a mapping's keys")
    as_completed: OptionalExpr = Field(
        None,
        description="instead of `in`: a list of futures of tasks, each taken once it is done",
    )
    timeout: OptionalTiming = Field(
        None, description="with `as_completed`: if some are not done so long after the loop began, raise TimeoutError"
    )
    do: Steps = Field(description="the steps")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.in_ is None) == (self.as_completed is None):
            raise refuse("`for` takes its items from `in`, or futures from `as_completed`")
        if self.timeout is not None and self.as_completed is None:
            raise refuse("a `timeout` is for futures, with `as_completed`; remove it")
        return self


class Break(Step):
    """Leave the innermost loop."""

    verb = "break"
    alone = True
    in_atomic = True


class Continue(Step):
    """Go on with the next turn of the innermost loop."""

    verb = "continue"
    alone = True
    in_atomic = True


class Return(Step):
    """End this behaviour; the value is the result of a `run`, or of a future."""

    verb = "return"
    short = "value"
    alone = True
    whole = True
    in_atomic = True
    value: Expr | None = Field(None, description="the result")


class Run(Step):
    """Run a behaviour in line, in this thread."""

    verb = "run"
    short = "target"
    in_atomic = True
    target: str = Field(description="the behaviour")
    args: Args = Field(default={}, description="its parameters by name")
    into: Into = Field(None, description="the variable that takes what it returns")


class Raise(Step):
    """Raise an exception: its name, and after a colon its text."""

    verb = "raise"
    short = "exception"
    in_atomic = True
    exception: Annotated[Template, PlainValidator(parse_text("raise")), WithJsonSchema({"type": "string"})] = Field(
        description="`ValueError: the text`"
    )


class Try(Step):
    """Run steps and catch their exceptions, as Python's `try`; inside `except`, `error` is the exception's text."""

    verb = "try"
    short = "body"
    whole = True
    beside = ("except", "else", "finally")
    in_atomic = True
    body: Steps = Field(description="the steps")
    except_: Annotated[
        dict[str, Any],
        PlainValidator(_except),
        WithJsonSchema(
            {"type": "object", "additionalProperties": {"type": "array", "items": {"refer": "#/$defs/step"}}}
        ),
    ] = Field(default={}, alias="except", description="exceptions by name, and what to do about each")
    else_: Steps = Field(default=(), alias="else", description="the steps where there was no exception")
    finally_: Steps = Field(default=(), alias="finally", description="the steps that are run in any case")

    @model_validator(mode="after")
    def _caught(self) -> Self:
        if not self.except_ and not self.finally_:
            raise refuse("`try` without `except` or `finally` has no effect")
        if self.else_ and not self.except_:
            raise refuse("`else` of a `try` needs `except`")
        return self


class Assert(Step):
    """Raise AssertionError where an expression does not hold; if that leaves the thread the verdict is `violated`."""

    verb = "assert"
    short = "that"
    in_atomic = True
    that: Expr = Field(description="the expression")
    message: Annotated[Template | None, PlainValidator(parse_text("message")), WithJsonSchema({"type": "string"})] = (
        Field(None, description="the text of the AssertionError")
    )


class Choose(Step):
    """Take one of several alternatives: a run draws one, a search takes each."""

    verb = "choose"
    from_: Annotated[Any, PlainValidator(_alternatives), WithJsonSchema({"type": "array", "minItems": 1})] = Field(
        alias="from", description="the alternatives, each an expression"
    )
    into: Into = Field(description="the variable that takes it")


class Atomic(Step):
    """Run steps on variables as one step that nobody can see half done."""

    verb = "atomic"
    short = "body"
    whole = True
    body: Steps = Field(description="steps that neither block, sleep, call, choose nor touch a primitive")


class Section(Step):
    """Name a region; `inside('name')` is the number of threads in it."""

    verb = "section"
    short = "section"
    beside = ("do",)
    section: Name = Field(description="the region's name")
    do: Steps = Field(description="the steps inside")


class Call(Step):
    """Call a Python function of yours; only with `--allow-python`."""

    verb = "call"
    short = "function"
    function: str = Field(description="`package.module:function`, or `object.method` of one of `objects`")
    args: CallArgs = Field(default={}, description="its arguments by name, or a list of them; each is an expression")
    into: Into = Field(None, description="the variable that takes what it returns")
