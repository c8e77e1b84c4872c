"""Random Python programs of two or three threads over shared objects, with every kind of access and construct that hooks announce.

`Author(seed).source()` is a module with `setup`, the functions `thread_0`, `thread_1` .. and `final`, which gives what is left as a
text. Without locks, a program can be run with a switch between any two bytecodes (see `opcode_schedules`).
"""

from __future__ import annotations

import random

HEAD = """
import functools, heapq, itertools, operator, queue, threading
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass

total = 0


@dataclass
class Pair:
    left: int = 0
    right: int = 0


class Shared:
    level = 0

    def __init__(self):
        self.x = self.y = 0
        self.__hidden = 0
        self.items = [1, 2]
        self.nested = [[1], [2]]
        self.table = {"a": 1, 7: [3]}
        self.made = defaultdict(list)
        self.names = {1, 2}
        self.line = deque([1, 2])
        self.pair = Pair(1, 2)
        self.heap = [1, 5]
        self.turns = iter([10, 20, 30, 40, 50, 60])
        self.ids = itertools.count()
        self.seen = []
        self.lock = threading.Lock()
        self.other = threading.RLock()
        self.event = threading.Event()
        self.condition = threading.Condition()
        self.queue = queue.Queue()
        self.bump = counter()
        self.go = False

    @property
    def double(self):
        return self.x * 2

    @double.setter
    def double(self, value):
        self.x = value // 2

    def add(self, by=1):
        before = self.x
        self.x = before + by
        return self.x

    def hide(self):
        self.__hidden += 1
        return self.__hidden

    def __len__(self):
        return self.x

    def __contains__(self, what):
        return what == self.y

    def __getitem__(self, key):
        return self.items[key]

    def __setitem__(self, key, value):
        self.y = value

    def __iter__(self):
        return iter(self.items)

    def __iadd__(self, by):
        self.x += by
        return self

    def __eq__(self, other):
        return self.x == other

    __hash__ = object.__hash__


def counter():
    made = 0

    def bump():
        nonlocal made
        made += 1
        return made

    return bump


def count_up():
    global total
    total += 1
    return total


def twice(function):
    @functools.wraps(function)
    def both(*arguments):
        function(*arguments)
        return function(*arguments)

    return both


@twice
def add_twice(s):
    return s.add()


def each_of(values):
    for value in values:
        yield value + 1


def setup():
    global total
    total = 0
    Shared.level = 0
    return Shared()


def final(s):
    return repr((
        s.x, s.y, s._Shared__hidden, s.items, s.nested, s.table, dict(s.made), sorted(s.names), list(s.line), s.pair, s.heap,
        sorted(map(repr, s.seen)), s.level, total, s.queue.qsize(),
    ))
"""
VALUES = (
    "1", "2", "s.x", "s.y", "s.x + s.y", "len(s.items)", "s.items[0]", "s.table['a']", "s.double", "s.add()", "s.hide()", "s.bump()",
    "count_up()", "add_twice(s)", "len(s)", "(2 in s) + 0", "s[0]", "sum(s.items)", "max(s.items)", "s.pair.left",
    "(1 in s.items) + 0", "len([v for v in s.items if v])", "sum(v + w for v in s.items for w in s.line)", "s.table.get('b', 0)",
    "len(f'{s.items}')", "len('%s' % s.nested)", "(s.items == [1, 2]) + 0", "(s.nested == [[1], [2]]) + 0", "(s == 1) + 0",
    "len([*s.items, *s.line])", "len({**s.table})", "max(s.line, default=0)", "len(s.items[:1])", "len(repr(s.pair))",
    "(s.pair == Pair(1, 2)) + 0", "next(s.turns)", "next(s.ids)", "s.level", "getattr(s, 'y')", "s.__dict__['x']",
    "functools.reduce(operator.add, s.items, 0)", "len(list(s.table.items()))", "len(s.items + [1])", "(0 <= s.x < 3) + 0",
    "sum(each_of(s.items))", "len(list(map(str, s.items)))", "(lambda: s.x)()", "(s.x if s.items else 9)", "(s.x or s.y)",
    "heapq.nsmallest(1, [s.x])[0]", "(not s.items) + 0", "sum(v for v in s)", "len([v for v in s if v in s.items])", "len([*s])", "s.names.__len__()", "len(sorted(s.names))",
)  # fmt: skip
STEPS = (
    "s.x = {v}", "s.y = {v}", "s.x += {v}", "s.y -= {v}", "s.items.append({v})", "s.items += [{v}]", "s.items[0] = {v}",
    "s.items[0] += {v}", "s.table['a'] = {v}", "s.table['a'] += {v}", "s.table[7].append({v})", "s.made[{v}].append(1)",
    "s.names.add({v})", "s.line.append({v})", "s.nested[0].append({v})", "s.nested[0] += [{v}]", "s.pair.left = {v}", "s.double = {v}",
    "heapq.heappush(s.heap, {v})", "s.seen.append({v})", "Shared.level = {v}", "setattr(s, 'y', {v})", "s.__dict__['x'] = {v}",
    "s.x, s.y = s.y, {v}", "a, b = s.items[:2]; s.seen.append((a, b, {v}))", "s[1] = {v}", "s += {v}", "t = s.items; t += [{v}]",
    "del s.items[:1]", "s.table.pop('a', None); s.table['a'] = {v}", "s.table.setdefault('b', {v})", "s.table.update(a={v})",
    "object.__setattr__(s, 'y', {v})", "list.append(s.items, {v})", "add = s.items.append; add({v})", "s.line.rotate({v})",
    "s.items.sort(key=lambda one: -one if isinstance(one, int) else 0)", "s.items[:] = [{v}]", "s.names |= set([{v}])",
    "s.queue.put({v})", "dict.__setitem__(s.table, 'a', {v})", "s.__dict__.update(y={v})",
)  # fmt: skip
AROUND = (
    "if {v}:\n{0}\nelse:\n{1}", "for k in s.items[:2]:\n{0}", "for k, m in list(s.table.items()):\n{0}", "try:\n{0}\nexcept (IndexError, KeyError):\n{1}",
    "for k in s.line:\n{0}", "for k in s:\n{0}", "match list(s.items):\n    case [1, *rest]:\n{00}\n    case _:\n{11}", "for k in s.nested:\n{0}",
    "i = 0\nwhile i < 2:\n    i += 1\n{0}",
)  # fmt: skip
LOCKED = (
    "with s.lock:\n{0}", "with s.other:\n    with s.other:\n{00}", "with s.condition:\n{0}\n    s.condition.notify_all()",
    "s.event.set()\n{!0}", "if s.event.is_set():\n{0}", "if s.lock.acquire(False):\n    try:\n{00}\n    finally:\n        s.lock.release()",
    "while not s.go and s.y < 2:\n    k = s.x\n{!0}", "s.go = True\n{!0}", "while not s.event.is_set():\n    k = len(s.items)\n{!0}",
    "n = 0\nwhile s.y == 0 and n < 2:\n    n += 1\n    k = s.items[0]\n{!0}", "while s.x < 1 or s.y > 5:\n    if s.go:\n        break\n{!0}",
    "child = threading.Thread(target=s.add)\nchild.start()\n{!0}\nchild.join()", "try:\n    s.seen.append(s.queue.get(False))\nexcept queue.Empty:\n{0}",
)  # fmt: skip


class Author:
    """Writes one program."""

    def __init__(self, seed: int, *, locks: bool) -> None:
        self.draw = random.Random(seed)
        self.locks = locks

    def source(self) -> str:
        """The module."""
        threads = 2 if self.draw.random() < 0.8 else 3
        bodies = [self._block(self.draw.randint(1, 2 if threads == 3 else 3), 0) for _ in range(threads)]
        functions = "".join(f"\n\ndef thread_{at}(s):\n{body}" for at, body in enumerate(bodies))
        return f"{HEAD}{functions}\n\nTHREADS = {threads}\n"

    def _block(self, count: int, depth: int) -> str:
        return "\n".join(self._step(depth) for _ in range(count))

    def _step(self, depth: int) -> str:
        chance = self.draw.random()
        if depth < 1 and chance < 0.35:
            around = self.draw.choice(LOCKED if self.locks and chance < 0.25 else AROUND)
            one, other = self._block(1, 1), self._block(1, 1)
            text = around.replace("{v}", self._value())
            text = text.replace("{00}", _indented(one, 8)).replace("{11}", _indented(other, 8))
            text = (
                text.replace("{!0}", _indented(one, 0))
                .replace("{0}", _indented(one, 4))
                .replace("{1}", _indented(other, 4))
            )
        else:
            text = self.draw.choice(STEPS).replace("{v}", self._value())
        return _indented(text, 0 if depth else 4)

    def _value(self) -> str:
        return self.draw.choice(VALUES)


def _indented(text: str, by: int) -> str:
    return "\n".join(" " * by + line for line in text.splitlines())
