"""The functions that run as threads: found by their names in modules that are loaded anew for each execution."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from scenrun.errors import UsageError
from scenrun.own_code.hooking.loader import Loader, World, named
from scenrun.own_code.searching.body import Body
from scenrun.own_code.searching.executions import CHECK, CodeExecutions
from scenrun.own_code.searching.modules import Named

Function = Callable[..., Any] | str


@dataclass(frozen=True, slots=True)
class Functions:
    """What `explore_code` searches."""

    setup: Named | None
    """Makes what the threads share; None: the threads' functions take nothing."""
    threads: tuple[tuple[str, Named], ...]
    check: Named | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What the functions take where there is no setup, by name."""

    @classmethod
    def of_main(cls, main: Function, arguments: Mapping[str, Any]) -> Functions:
        """A program: a function that starts threads itself; raises UsageError."""
        return cls(None, (("main", named_function("main", main)),), arguments=arguments)

    @classmethod
    def of(
        cls, setup: Function, threads: Sequence[Function] | Mapping[str, Function], check: Function | None
    ) -> Functions:
        """Given as functions or texts; raises UsageError."""
        if not isinstance(threads, Mapping | Sequence) or isinstance(threads, str):
            raise UsageError("`threads` is a list of functions, or a mapping of names to functions")
        pairs = list(threads.items() if isinstance(threads, Mapping) else _lettered(threads))
        if not pairs:
            raise UsageError("`threads` is empty: give the functions that run at the same time")
        checked = None if check is None else named_function(CHECK, check)
        return cls(
            named_function("setup", setup), tuple((name, named_function(name, one)) for name, one in pairs), checked
        )

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Functions:
        """As `as_dict` gives them; raises KeyError and UsageError."""
        if "main" in given:
            return cls.of_main(given["main"], {})
        return cls.of(given["setup"], given["threads"], given["check"])

    def as_dict(self) -> dict[str, Any]:
        """For a schedule file."""
        if self.setup is None:
            return {"main": str(self.threads[0][1])}
        threads = {name: str(one) for name, one in self.threads}
        return {"setup": str(self.setup), "threads": threads, "check": None if self.check is None else str(self.check)}

    def executions(self, trace: Iterable[str] = (), seed: int = 0, *, with_gil: bool = False) -> CodeExecutions:
        """Executions of them.

        - trace: installed modules that are compiled with hooks.
        - seed: of what they draw at random.
        - with_gil: whether threads are changed only where a Python with the GIL may do so.
        """
        every = [one for one in (self.setup, self.check, *(one for _, one in self.threads)) if one is not None]
        is_checked = False

        def build(world: World) -> Body:
            nonlocal is_checked
            made = self._body(world, checks=not is_checked)
            is_checked = True  # the modules of later executions are of the same source
            return made

        return CodeExecutions(Loader([*trace, *(one.top for one in every)], with_gil=with_gil), build, seed)

    def _body(self, world: World, *, checks: bool) -> Body:
        check = None if self.check is None else self.check.found_in(world)
        if self.setup is not None:
            bodies = [(name, one.found_in(world)) for name, one in self.threads]
            for (_, one), (_, body) in zip(self.threads, bodies, strict=True) if checks else ():
                _check(one, body, None)
            return Body(self.setup.found_in(world), bodies, check)
        made = [(name, one, _program(world, one)) for name, one in self.threads]
        for _, one, program in made if checks else ():
            _check(one, program, self.arguments)
        programs = [(name, partial(_run, program, self.arguments)) for name, _, program in made]
        return Body(_nothing, programs, check)


def _check(name: Named, function: Any, arguments: Mapping[str, Any] | None) -> None:
    """Raises UsageError for what cannot run as a thread. arguments: by name; None: one, by position."""
    if not callable(function) or isinstance(function, type):
        raise UsageError(f"`{name}` is a {type(function).__name__}, not a function")
    if inspect.iscoroutinefunction(function):
        raise UsageError(f"`{name}` is a coroutine; threads are searched, and coroutines are not")
    try:
        signature = inspect.signature(function)
    except ValueError:  # some functions in C have none
        return
    try:
        signature.bind(*(() if arguments is not None else (None,)), **(arguments or {}))
    except TypeError as error:
        takes = "what `setup` gives" if arguments is None else "nothing"
        raise UsageError(f"`{name}` is called with {takes}: {error}") from None


def _nothing() -> None:
    """Shared by threads that share nothing from the beginning."""


def _run(program: Callable[..., object], arguments: Mapping[str, Any], _: None) -> None:
    """What the main thread of a program does; what it returns means nothing."""
    program(**arguments)


def _program(world: World, function: Named) -> Callable[..., object]:
    """A function, or the method of a class, of which an object is made for it."""
    name, _, method = function.name.rpartition(".")
    owner = Named(function.module, name).found_in(world) if name else None
    return cast(
        "Callable[..., object]", getattr(owner(), method) if isinstance(owner, type) else function.found_in(world)
    )


def _lettered(threads: Sequence[Function]) -> list[tuple[str, Function]]:
    return [(chr(ord("a") + at) if at < 26 else f"t{at}", one) for at, one in enumerate(threads)]


def named_function(which: str, function: Function) -> Named:
    """A function by its name. which: the argument, for UsageError where it has no name in a module."""
    if not isinstance(function, str) and not callable(function):
        raise UsageError(f"`{which}` is a function, or `package.module:name`, not {type(function).__name__}")
    if isinstance(function, str) and not all(function.partition(":")):
        raise UsageError(f"`{which}` is `{function}`; a function is given as `package.module:name`")
    module, name = named(function)
    if not module or not name or "<" in name:
        raise UsageError(
            f"`{which}` is `{name or function}`, which has no name in a module: modules are compiled anew with hooks, and "
            "functions are looked up there by their names. Give a function at the top of a module, or `package.module:name`"
        )
    return Named(module, name)
