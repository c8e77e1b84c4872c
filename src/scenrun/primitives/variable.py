"""A shared variable: each read and each write is a step of its own."""

from scenrun.primitives.kinds import Kind, Operation

VARIABLE = Kind(
    "variable",
    (
        Operation("read", writes=False, done="variable.read"),
        Operation("write", ("value",), done="variable.written"),
        Operation("append", ("item",), done="variable.appended"),
        Operation("pop", ("at",), done="variable.popped"),
        Operation("assign", ("path", "value"), done="variable.item_written"),
        Operation("remove", ("path", "at"), done="variable.item_popped"),
        Operation("extend", ("path", "item"), done="variable.item_appended"),
    ),
)
