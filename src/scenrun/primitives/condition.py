"""A condition: threads wait in line, without its lock, until another notifies them."""

from scenrun.primitives.kinds import Kind, Operation

CONDITION = Kind(
    "condition",
    (
        Operation(
            "wait",
            ("timeout",),
            freed_by=("notify", "notify_all"),
            about="condition.waiting",
            done="condition.woken",
        ),
        Operation("notify", ("n",), about="condition.notifying", done="condition.notified"),
        Operation("notify_all", about="condition.notifying_all", done="condition.notified_all"),
    ),
)
