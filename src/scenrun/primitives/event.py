"""An event: a flag; setting it wakes everyone who waits, even if it is cleared at once."""

from scenrun.primitives.kinds import Kind, Operation

EVENT = Kind(
    "event",
    (
        Operation("wait", ("timeout",), freed_by=("set",), writes=False, about="event.waiting", done="event.waited"),
        Operation("set", about="event.setting", done="event.set"),
        Operation("clear", about="event.clearing", done="event.cleared"),
    ),
    questions=("is_set",),
)
