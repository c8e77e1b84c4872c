"""Steps by chance, with every verb in them but `call`: what a thread does to the objects that its scenario declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Step = dict[str, Any]
Written = tuple[Step | list[Step], bool]
"""A step, or a few, and whether it may well raise."""


@dataclass
class Here:
    """Where steps are being written: one thread's own names, and what may stand there."""

    results: list[str] = field(default_factory=list)
    """Locals that take what steps give."""
    futures: list[str] = field(default_factory=list)
    spawned: list[str] = field(default_factory=list)
    loops: int = 0
    depth: int = 0
    is_helper: bool = False
    """Whether this is a behaviour that steps of others run, and so may start nobody itself."""
    is_replica: bool = False
    is_daemon: bool = False
    """Whether it may be cut off: then it has no branch inside `atomic`, as a real run may leave it half done there."""


class StepAuthor:
    """Writes the steps of one scenario; each byte of a tape decides once, and after its end the first alternative is taken."""

    closing: tuple[str, ...] = ("shutdown",)
    """What queues can do that not every Python's can."""
    closed: tuple[str, ...] = ("queue.ShutDown",)

    def __init__(self, tape: bytes) -> None:
        self._tape = iter(tape)
        self.sync: dict[str, Any] = {}
        self.kinds: dict[str, str] = {}
        self.state: dict[str, Any] = {"v": 0, "items": [], "table": {"a": 0}, "job": None}
        self.behaviours: dict[str, Any] = {}
        self.threads: dict[str, Any] = {}
        self.sections = False
        self.counters = 0
        self.busy = 0
        self.calls_back_pools = False

    # --- chance

    def one(self, *alternatives: Any) -> Any:
        """One of these."""
        return alternatives[next(self._tape, 0) % len(alternatives)] if len(alternatives) > 1 else alternatives[0]

    def often(self) -> bool:
        """True, more often than not."""
        return bool(self.one(True, True, True, False))

    def seldom(self) -> bool:
        """False, more often than not."""
        return bool(self.one(False, False, False, True))

    def _of_kind(self, *kinds: str) -> list[str]:
        return [name for name, kind in self.kinds.items() if kind in kinds]

    # --- behaviours that steps run

    def _helper(self) -> str:
        """The name of a behaviour: one with a parameter, one without."""
        name = str(self.one("h0", "h1"))
        self._write_helper(name)
        return name

    def _write_helper(self, name: str) -> None:
        if name in self.behaviours:
            return
        self.behaviours[name] = {}
        here = Here(is_helper=True, depth=1)
        steps = self._steps(self.one(0, 1, 1, 2), here)
        begin = [{"set": dict.fromkeys(here.results)}] if here.results else []
        results = ["x0"] * (name == "h0") + here.results
        end = self.one(
            {"return": f"[{', '.join(results)}]"}, {"append": {"to": "items", "item": f"[{', '.join(results)}]"}}
        )
        parameters = {"params": {"x0": {"type": "value"}}} if name == "h0" else {}
        self.behaviours[name] = {**parameters, "do": [*begin, *steps, end]}

    def _use(self, here: Here) -> Step:
        """A behaviour to run, with its arguments."""
        name = self._helper()
        return {"target": name, **({"args": {"x0": self._value(here)}} if name == "h0" else {})}

    # --- steps

    def _steps(self, size: int, here: Here) -> list[Step]:
        return [step for _ in range(size) for step in self._step(here)]

    def _block(self, here: Here, most: int = 2) -> list[Step]:
        """Steps inside another step."""
        here.depth += 1
        steps = self._steps(self.one(*range(1, most + 1)), here)
        here.depth -= 1
        return steps

    def _step(self, here: Here) -> list[Step]:
        """One step, sometimes with its exceptions caught and noted."""
        written, fails = self.one(*self._menu(here))(here)
        steps = written if isinstance(written, list) else [written]
        if not fails or here.depth > 1 or self.seldom():
            return steps
        return [self._caught(steps, here)]

    def _caught(self, steps: list[Step], here: Here) -> Step:
        into = self._into(here)
        name = self.one(
            "Exception",
            "Exception",
            "RuntimeError",
            "ValueError",
            "queue.Empty",
            "queue.Full",
            "LookupError",
            *self.closed,
        )
        out: Step = {"try": steps, "except": {name: [{"set": {into: self.one("error", "'failed'")}}]}}
        if self.seldom():
            out["else"] = [{"set": {into: "'fine'"}}]
        if self.seldom():
            out["finally"] = [{"set": {into: f"[{into}]"}}]
        return out

    def _menu(self, here: Here) -> list[Callable[[Here], Written]]:
        """What may stand here: the objects' verbs most often."""
        menu = [self._write, self._write, self._read, self._plain]
        for kind in self.kinds.values():
            if kind not in ("pool", "timer") or not here.is_helper:
                menu += [getattr(self, f"_do_{kind}")] * 4
        if not here.is_helper:
            menu += [self._threads, self.one(self._run, self._part)]
        if here.depth < 2:
            menu += [self._flow]
        if here.loops:
            menu += [self._leave, self._leave]
        if here.is_helper:
            menu += [self._give]
        return menu

    def _into(self, here: Here) -> str:
        """A local that takes a result, a new one unless there are many."""
        if len(here.results) >= 4 or (here.results and self.seldom()):
            return str(self.one(*here.results))
        here.results.append(f"r{len(here.results)}")
        return here.results[-1]

    def _maybe_into(self, here: Here) -> Step:
        target = self.one("local", "local", "local", "shared", "none")
        return {"into": self._into(here)} if target == "local" else {"into": "v"} if target == "shared" else {}

    def _value(self, here: Here) -> Any:
        known = [*here.results, *(["index"] if here.is_replica else [])]
        computed = (
            "[x + 1 for x in items[-2:] if x]", "table.get('a', 5)", "str(v).isdigit()", "sum(x for x in [1, 2] if x > 1)",
            "{x: 1 for x in table}", "table.keys()", "','.join(['a', 'b']).split(',')[::-1]", "(v, 'a')", "(v, 1)[0]", "{v, 1}",
            "set(items)", "tuple(items)", "sorted({2, v})", "{x % 2 for x in [1, 2, 3]} - {v}", "{1}.union(items)",
        )  # fmt: skip
        return self.one(0, 1, 2, "v", "v + 1", "len(items)", "'a'", "random.randint(0, 1)", self.one(*computed), *known)

    def _question(self, here: Here) -> str:
        asked = ["v > 0", "v == 1", "items", "len(items) > 1", "v == 0 or not items", "random.randint(0, 1)"]
        asked += ["v in {0, 1}", "(v, 0) < (1, 0)"]
        asked += [f"{local}" for local in here.results[:1]]
        asks = {
            "event": ("is_set()",), "barrier": ("broken", "n_waiting"), "timer": ("is_alive()",),
            "future": ("done()", "cancelled()", "running()"),
        }  # fmt: skip
        for name, kind in self.kinds.items():
            one = f"{name}[0]" if kind == "future" and not isinstance(self.sync[name], str) else name
            asked += [f"{one}.{question}" for question in asks.get(kind, ())] * 2
            if kind == "queue":
                asked += [f"{name}.qsize()", f"{name}.empty()"]
            if kind == "lock":
                asked += [f"{self._named(name)}.locked()"] * 2
        asked += [f"{future}.{self.one('done()', 'running()', 'cancelled()')}" for future in here.futures[:1]]
        asked += [f"{thread}.is_alive()" for thread in here.spawned[:1]]
        if self.sections:
            asked.append("inside('crit')")
        return str(self.one(*asked))

    def _named(self, name: str) -> str:
        """An object, or one of an array: sometimes one that is not there."""
        primitive = self.sync[name]
        if isinstance(primitive, dict) and primitive.get("lock", {}).get("count"):
            return f"{name}[{self.one(0, 0, 0, 1, 'v')}]"
        return name

    def _timing(self, *more: Step) -> Step:
        """A time-out, or none, or another way not to wait."""
        return dict(
            self.one(
                {},
                {},
                {"timeout": self.one("1ms", "0s", {"us": "500 * len(items)"}, {"uniform": ["0s", "1ms"]})},
                *more,
            )
        )

    def _write(self, here: Here) -> Written:
        value = self._value(here)
        return self.one(
            ({"set": {"v": value}}, False),
            ({"set": {"v": "v + 1"}}, True),
            ({"append": {"to": "items", "item": value}}, False),
            ({"atomic": [{"set": {"v": "v + 1"}}, self._in_atomic(here)]}, True),
        )

    def _in_atomic(self, here: Here) -> Step:
        straight = {"append": {"to": "items", "item": "v"}}, {"pop": {"from": "items"}}
        branching = (
            {"if": "v > 1", "then": [{"set": {"v": 0}}]},
            {"assert": "v == 1"},
            {"repeat": 2, "do": [{"set": {"v": "v + 1"}}]},
        )
        return dict(self.one(*straight, *(() if here.is_daemon else branching)))

    def _read(self, here: Here) -> Written:
        value = self._question(here) if self.one(True, False) else self._value(here)
        return {"set": {self._into(here): value}}, "." in str(value)

    def _part(self, here: Here) -> Written:
        into = {"into": self._into(here)} if self.one(True, False) else {}
        return self.one(
            ({"pop": {"from": "items", **into}}, True),
            ({"pop": {"from": "items", "at": 0, **into}}, True),
            ({"pop": {"from": "table", "at": "'a'", **into}}, True),
            ({"set": {"items[0]": self._value(here)}}, True),
            ({"set": {"table['a']": self._value(here)}}, False),
        )

    def _plain(self, here: Here) -> Written:
        verb = self.one("log", "sleep", "work", "raise", "assert", "choose")
        if verb == "log":
            return {"log": self.one("here", "v is {v}", "{items[0]}")}, True
        if verb in ("sleep", "work"):
            lengths = ("1ms", {"us": "100 * v"}, "0s", {"uniform": ["0s", "200us"]}, {"us": -200}, {"us": "100 / v"})
            return {verb: self.one(*lengths) if verb == "sleep" else "20us"}, True
        if verb == "raise":
            return {
                "raise": self.one(
                    "ValueError: v is {v}", "queue.Empty: none", "SystemExit: {v}", "KeyboardInterrupt: it"
                )
            }, True
        if verb == "assert":
            return {
                "assert": self.one(self._question(here), {"that": self._question(here), "message": "v is {v}"})
            }, True
        return {"choose": {"from": self.one([0, 1], ["v", 2]), "into": self._into(here)}}, False

    def _give(self, here: Here) -> Written:
        return {"return": self._value(here)}, False

    def _leave(self, here: Here) -> Written:
        verb = self.one("break", "continue", "break", "continue", "return")
        return {"if": self._question(here), "then": [{verb: None}]}, True

    def _flow(self, here: Here) -> Written:
        verb = self.one("if", "while", "repeat", "for", "try", "section")
        if verb == "if":
            other = {"else": self._block(here, 1)} if self.one(True, False) else {}
            return {"if": self._question(here), "then": self._block(here), **other}, True
        if verb == "try":
            return self._try(here), True
        if verb == "section":
            self.sections = True
            return {"section": "crit", "do": self._block(here)}, True
        here.loops += 1
        step = self._loop(verb, here)
        here.loops -= 1
        return step, True

    def _loop(self, verb: str, here: Here) -> list[Step]:
        if verb == "repeat":
            return [{"repeat": self.one(2, 2, "len(items)"), "do": self._block(here)}]
        if verb == "for":
            return [{"for": self._into(here), "in": self.one("range(2)", "items", "[1, 'b']"), "do": self._block(here)}]
        self.counters += 1
        counter = f"n{self.counters}"
        body = [{"set": {counter: f"{counter} + 1"}}, *self._block(here)]
        loop = {"while": f"{counter} < 2 and ({self._question(here)})", "do": body}
        return [{"set": {counter: 0}}, loop]

    def _try(self, here: Here) -> Step:
        out, into = {"try": self._block(here)}, self._into(here)
        parts = self.one(("except",), ("finally",), ("except", "else", "finally"))
        if "except" in parts:
            out["except"] = {
                self.one("Exception", "BaseException", "SystemExit", "ValueError"): [{"set": {into: "error"}}]
            }
        if "else" in parts:
            out["else"] = [{"set": {into: "'else'"}}]
        return {**out, "finally": self._block(here, 1)} if "finally" in parts else out

    # --- the verbs of each kind of object

    def _do_lock(self, here: Here) -> Written:
        name = self.one(*self._of_kind("lock", "rlock", "semaphore", "bounded_semaphore"))
        kind, name = self.kinds[name], self._named(name)
        many = {"n": self.one(1, 2, 0)} if "semaphore" in kind else {}
        verb = self.one("acquire", "acquire", "release", "with")
        if verb == "release":
            return {"release": self.one(name, {"lock": name, **many})}, True
        if verb == "with":
            return {"with": name, "do": self._block(here)}, True
        timing = self._timing({"blocking": False})
        return {"acquire": {"lock": name, **timing, **self._maybe_into(here)} if timing else name}, "[" in name

    _do_rlock = _do_semaphore = _do_bounded_semaphore = _do_lock

    def _do_condition(self, here: Here) -> Written:
        name = self.one(*self._of_kind("condition"))
        verb = self.one("wait", "wait", "wait_for", "notify", "notify_all", "acquire", "release")
        if verb in ("acquire", "release"):
            return {verb: name}, verb == "release"
        step = self._of_condition(verb, name, here)
        if self.one(True, True, False):
            return {"with": name, "do": [step]}, True
        return step, True

    def _of_condition(self, verb: str, name: str, here: Here) -> Step:
        if verb == "wait":
            return {"wait": {"condition": name, **self._timing(), **self._maybe_into(here)}}
        if verb == "wait_for":
            until = self.one("v > 0", "items", "v == len(items)")
            return {"wait_for": {"condition": name, "until": until, **self._timing(), **self._maybe_into(here)}}
        if verb == "notify":
            return {"notify": self.one(name, name, {"condition": name, "n": self.one(0, 2)})}
        return {"notify_all": name}

    def _do_event(self, here: Here) -> Written:
        name = self.one(*self._of_kind("event"))
        verb = self.one("wait", "wait", "set_event", "set_event", "clear_event")
        if verb == "wait":
            return {"wait": {"event": name, **self._timing(), **self._maybe_into(here)}}, False
        return {verb: name}, False

    def _do_barrier(self, here: Here) -> Written:
        name = self.one(*self._of_kind("barrier"))
        verb = self.one("wait", "wait", "wait", "abort", "reset")
        if verb == "wait":
            return {"wait": {"barrier": name, **self._timing(), **self._maybe_into(here)}}, True
        return {verb: name}, False

    def _do_queue(self, here: Here) -> Written:
        name = self.one(*self._of_kind("queue"))
        is_simple = self.sync[name]["queue"]["kind"] == "simple"
        verb = self.one("put", "put", "get", "get", *(() if is_simple else ("task_done", "join_queue", *self.closing)))
        if verb == "shutdown":
            return {"shutdown": self.one({"queue": name}, {"queue": name, "immediate": True})}, False
        if verb == "get":
            return {"get": {"queue": name, **self._timing({"block": False}), **self._maybe_into(here)}}, True
        if verb == "put":
            timing = self.one({}, {"block": False}) if is_simple else self._timing({"block": False})
            return {"put": {"queue": name, "item": self._value(here), **timing}}, True
        return {verb: name}, verb == "task_done"

    def _do_pool(self, here: Here) -> Written:
        name = self.one(*self._of_kind("pool"))
        verb = self.one(
            "submit", "submit", "submit", "map", "shutdown", "with", "result", "cancel", "share", "several", "called",
        )  # fmt: skip
        if verb == "several" and here.futures:
            return self._several(here)
        if verb == "called" and here.futures:
            self.calls_back_pools = True
            return self._call_back(self.one(*here.futures), here), True
        if verb == "share":
            return self._share({"submit": {"pool": name, **self._use(here), "into": "job"}}, here)
        if verb in ("result", "cancel") and here.futures:
            return self._of_future(verb, here)
        if verb == "map":
            into = {"into": self._into(here)} if self.often() else {}
            self._write_helper("h0")
            return {
                "map": {"pool": name, "target": "h0", "over": self.one("range(2)", "items", "[5]"), "as": "x0", **into}
            }, True
        if verb == "shutdown":
            more = self.one({}, {"wait": False}, {"wait": False, "cancel_futures": True}, {"cancel_futures": True})
            return {"shutdown": {"pool": name, **more}}, True
        if verb == "with":
            return {"with": name, "do": self._block(here)}, True
        future = self._new(here.futures, "_f")
        submit = {"submit": {"pool": name, **self._use(here), "into": future}}
        asked = {"set": {self._into(here): f"{future}.{self.one('done()', 'running()')}"}}
        return {
            "try": [submit, *self.one([], [asked])],
            "finally": [self._of_future(self.one("result", "cancel"), here)[0]],
        }, True

    def _several(self, here: Here) -> Written:
        """A wait for some futures, or a loop over them as they are done."""
        some = f"[{', '.join(self.one(here.futures[-1:], here.futures[-2:], here.futures[:2]))}]"
        if len(self._of_kind("pool")) == 1 and self.one(True, False):
            into = self._into(here)
            do = self.one(
                [{"append": {"to": "items", "item": "_c.done()"}}],
                [{"result": {"future": "_c", "into": into}}],
                [{"sleep": "1ms"}, {"set": {into: "_c"}}],
            )
            return {"for": "_c", "as_completed": some, **self.one({}, {"timeout": "1ms"}), "do": do}, True
        when = self.one({}, {"return_when": "first_completed"}, {"return_when": "first_exception"})
        return {"wait": {"futures": some, **when, **self._timing(), "into": self._into(here)}}, True

    def _call_back(self, future: str, here: Here) -> Step:
        """A callback of a future: steps that complete no future, but for one that completes another."""
        kind = self.one("notes", "notes", "fails", "holds")
        locks = [name for name in self._of_kind("lock", "rlock") if self.sync[name] in ("lock", "rlock")]
        note = {"append": {"to": "items", "item": "c0"}}
        steps = {
            "notes": [note],
            "fails": [{"set": {"v": "v + 1"}}, {"raise": "ValueError: called"}],
            "holds": [{"with": locks[0], "do": [note]}] if locks else [{"sleep": "1ms"}, note],
        }[kind]
        params = {} if kind == "fails" else {"params": {"c0": {"type": "value"}}}
        self.behaviours[f"called_{kind}"] = {**params, "do": steps}
        args = {"args": {"c0": self._value(here)}} if params else {}
        return {"on_done": {"future": future, "target": f"called_{kind}", **args}}

    def _do_future(self, here: Here) -> Written:
        names = self._of_kind("future")
        name = self.one(*names)
        verb = self.one(
            "set_result", "set_result", "set_exception", "result", "result", "cancel", "on_done", "on_done", "chain"
        )
        if verb == "chain" and len(names) > 1 and not here.is_helper and isinstance(self.sync[names[0]], str):
            second = names[-1] if isinstance(self.sync[names[-1]], str) else f"{names[-1]}[0]"
            self.behaviours["called_next"] = {"do": [{"set_result": {"future": second, "value": "v"}}]}
            return {"on_done": {"future": names[0], "target": "called_next"}}, False
        if not isinstance(self.sync[name], str):
            name = f"{name}[{self.one(0, 1)}]"
        if verb == "set_result":
            return {"set_result": {"future": name, "value": self._value(here)}}, True
        if verb == "set_exception":
            return {
                "set_exception": {"future": name, "exception": self.one("ValueError: bad", "LookupError: none")}
            }, True
        if verb == "cancel":
            return {"cancel": {"future": name, **self._maybe_into(here)}}, False
        if verb == "result":
            return {"result": {"future": name, **self._timing(), **self._maybe_into(here)}}, True
        return self._call_back(name, here), True

    def _share(self, make: Step, here: Here) -> Written:
        """A thread or future in a variable that others ask, too: it may not be there yet, or may be the other kind."""
        asked = {"set": {self._into(here): self.one("job.done()", "job.is_alive()")}}
        result = {"result": {"future": "job", **self._timing(), **self._maybe_into(here)}}
        return self.one(make, make, asked, result, {"join": {"thread": "job", **self._timing()}}), True

    def _new(self, names: list[str], prefix: str) -> str:
        names.append(f"{prefix}{len(names)}")
        return names[-1]

    def _of_future(self, verb: str, here: Here) -> Written:
        future = self.one(*here.futures)
        if verb == "result":
            return {"result": {"future": future, **self._timing(), **self._maybe_into(here)}}, True
        return {"cancel": {"future": future, **self._maybe_into(here)}}, True

    def _do_timer(self, here: Here) -> Written:
        return {self.one("start", "start", "cancel", "join"): self.one(*self._of_kind("timer"))}, True

    def _threads(self, here: Here) -> Written:
        """Threads that are joined, started again, or made while running."""
        if here.spawned and self.one(True, False):
            thread = self.one(*here.spawned)
            return {"join": {"thread": thread, **self._timing()}}, True
        if self.threads and self.one(True, False):
            name = self.one(*self.threads)
            if self.threads[name].get("count", 1) > 1:
                name = f"{name}[{self.one(0, 1)}]"
            verb = self.one("join", "join", "start")
            return {verb: {"thread": name, **(self._timing() if verb == "join" else {})}}, True
        if self.seldom():
            return self._share({"spawn": {**self._use(here), "into": "job"}}, here)
        if self.seldom():
            self._write_ghost()
            return {"spawn": {"target": "ghost", "daemon": True}}, False
        later = self.one({}, {}, {"after": "1ms"}, {"after": "0s"})
        spawn = {"spawn": {**self._use(here), "into": self._new(here.spawned, "_s"), **later}}
        cancels = [{"cancel": {"timer": here.spawned[-1]}}] if later or self.seldom() else []
        return [spawn, *self.one([], cancels), *self.one([], [{"join": here.spawned[-1]}])], True

    def _write_ghost(self) -> None:
        self.behaviours["ghost"] = {"do": [{"set": {"v": 5}}]}

    def _run(self, here: Here) -> Written:
        return {"run": {**self._use(here), **self._maybe_into(here)}}, True
