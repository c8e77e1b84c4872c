"""Instrumented code means what it meant: programs that are run with hooks and without give the same."""

from __future__ import annotations

import builtins
import traceback
from typing import Any

import pytest

from scenrun.own_code.hooking.compiling import instrumented
from scenrun.own_code.hooking.hook_names import HOOKS

PROGRAMS = {
    "attributes": """
class C:
    x = 1
    def __init__(self): self.y = [self.x, 2]; self.__z = 3
    def private(self): self.__z += 1; return self.__z, hasattr(self, '_C__z')
c = C(); c.x += 4; C.x = 9; del c.y[0]; out = c.x, C.x, c.y, c.private(), vars(c)
""",
    "order of evaluation": """
log = []
def say(x): log.append(x); return x
class O:
    def __setitem__(self, k, v): log.append(('set', k, v))
    def __getitem__(self, k): log.append(('get', k)); return 1
    def __getattr__(self, n): log.append(('attr', n)); return 2
o = O()
(say(o))[say('k')] = say('v'); (say(o))[say('k')] += say(5)
say(o).name; say(o).f if say(0) else say(1); say(1) < say(2) < say(0) < say(3)
out = [x if not isinstance(x, O) else 'o' for x in log]
""",
    "augmented": """
a = [1]; b = a; a += [2]; d = {'k': [1]}; d['k'] += [3]; x = 1
def f():
    global x
    x += 1; x *= 5; return x
def g():
    n = 1
    def h():
        nonlocal n
        n <<= 3; n |= 1; n //= 2; n **= 2; n -= 1; n %= 7; n ^= 3; n &= 5; n >>= 0
        return n
    return h()
out = a is b, b, d, f(), x, g()
""",
    "errors": """
import traceback
def name(f):
    try: return f()
    except BaseException as e: return type(e).__name__, str(e)
class S: __slots__ = ('a',)
def unbound():
    global nobody
    return nobody
def deleted():
    s = S(); s.b = 1
def item(): return {}['k']
def call(): return len(1)
def inplace():
    x = None
    x += 1
def attribute(): return [].nothing
out = [name(f) for f in (unbound, deleted, item, call, inplace, attribute)]
""",
    "comprehensions": """
data = {'a': [1, 2], 'b': [3]}
out = [(k, v) for k, l in data.items() for v in l if v != 2], {v: k for k, v in enumerate('xy')}, {x % 2 for x in range(5)}
out += (list(y for y in (z * 2 for z in [1, 2]) if y in (2, 4)), [[i for i in range(n)] for n in range(3)])
""",
    "generators and context managers": """
from contextlib import contextmanager
log = []
@contextmanager
def cm(x):
    log.append(('in', x))
    try: yield x
    except ValueError: log.append('swallowed')
    finally: log.append('out')
def gen():
    got = yield 1
    log.append(got)
    try: yield from [2, 3]
    finally: log.append('closed')
g = gen(); first = next(g); second = g.send('sent'); g.close()
with cm(1) as a, cm(2) as b: raise ValueError
out = first, second, log, a, b
""",
    "match": """
from dataclasses import dataclass
@dataclass
class P:
    x: int
    y: int = 0
class K: RED = 1
def f(v):
    match v:
        case K.RED: return 'red'
        case P(x=0, y=y) if y in [1, 2]: return 'p', y
        case [first, *rest]: return first, rest
        case {'k': value, **more}: return value, more
        case str() as s: return s.upper()
        case _: return None
out = [f(v) for v in (1, P(0, 2), P(0, 3), [1, 2, 3], {'k': 1, 'l': 2}, 'text', 2.5)]
""",
    "functions": """
def f(a, /, b=[1], *args, c, d=len('ab'), **kw): return a, b, args, c, d, kw
class C:
    def __init__(self, **kw): self.kw = kw
    @property
    def p(self): return self._p if hasattr(self, '_p') else 'none'
    @p.setter
    def p(self, v): self._p = v
    @classmethod
    def make(cls, *a): return cls(a=a)
    @staticmethod
    def twice(x): return x * 2
    def __call__(self, x): return super().__repr__()[:2], x
c = C.make(1, 2); c.p = 5
out = f(1, 2, 3, c=4, e=5), f(1, c=2), c.kw, c.p, C.twice(4), c(7), (lambda x, *y: (x, y))(1, 2)
out += (sorted([3, 1], key=lambda x: -x), max({'a': 1}), list(map(str, [1])), dict(a=1), (a := [1]).append(2), a)
""",
    "classes": """
class Meta(type):
    def __new__(m, n, b, d, **kw): d['kw'] = kw; return super().__new__(m, n, b, d)
class A(metaclass=Meta, k=1):
    y: int = 1
    z = [y + i for i in range(2)]
    def __init_subclass__(cls, **kw): cls.sub = kw
    def f(self): return __class__.__name__
class B(A, s=2):
    def f(self): return super().f(), self.kw, B.sub
    def __contains__(self, x): return x == 1
    def __iter__(self): yield from (1, 2)
    def __bool__(self): return False
    def __len__(self): return 7
b = B(); out = b.f(), A.z, 1 in b, 3 not in b, list(b), bool(b), len(b), not b, b or 'other', (b and 1) is b, A.__annotations__
""",
    "slices and tuples": """
l = list(range(10)); l[1:3] = 'ab'; del l[::2]; l[-1:] += [7]; t = {}
t[1, 'a'] = 1; t[1, 'a'] += 1
class M:
    def __getitem__(self, k): return k
m = M(); x, (y, *z), m.w = 1, (2, 3, 4), 5
out = l, t, m[1:2, ..., None], m[:, 1], m[()], x, y, z, m.w, l[1:], l[-1]
""",
    "loops and strings": """
out = []
for i, c in enumerate('abc'):
    if c == 'b': continue
    out.append(f'{i}{c!r:>5}{len(out)}')
else: out.append('else')
while out and len(out) < 6:
    out.append(len(out))
    if len(out) == 5: break
try: assert [] , out[0]
except AssertionError as e: out.append(str(e))
finally: out.append('finally')
import sys as s, os.path; from collections import deque as D, OrderedDict
d = D([1, 2]); d.rotate(1); d.appendleft(0); out += [list(d), s.maxsize > 0, OrderedDict(a=1) == {'a': 1}]
async def co(): return [x async for x in ag()]
async def ag():
    yield 1
c = co(); c.close(); out.append(locals() is globals())
""",
}


def ran(source: str, *, with_hooks: bool) -> Any:
    """What a program leaves in `out`, or the exception that ends it."""
    names: dict[str, Any] = {"__name__": "program"}
    if with_hooks:
        names["__builtins__"] = {**vars(builtins), **HOOKS}
    code = instrumented(source, "<program>") if with_hooks else compile(source, "<program>", "exec", dont_inherit=True)
    try:
        exec(code, names)
    except Exception as error:
        return type(error).__name__, str(error), [frame.lineno for frame in traceback.extract_tb(error.__traceback__)]
    return names["out"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_means_the_same(name: str) -> None:
    """With hooks and without."""
    plain = ran(PROGRAMS[name], with_hooks=False)
    assert ran(PROGRAMS[name], with_hooks=True) == plain
    assert plain[0] != "SyntaxError"


def test_an_error_has_its_line() -> None:
    """The user's own line is in the traceback of an error."""
    source = "def f(o):\n    return o.x\n\nf(\n  3)\n"
    (_, _, plain), (_, _, hooked) = ran(source, with_hooks=False), ran(source, with_hooks=True)
    assert [line for line in hooked if line in plain] == plain
