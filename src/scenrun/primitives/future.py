"""Pools and futures: tasks wait for a worker, and their futures for an end."""

from scenrun.primitives.kinds import Kind, Operation

POOL = Kind(
    "pool",
    (
        Operation("submit", ("arguments",), about="pool.submitting", done="pool.submitted"),
        Operation(
            "shutdown",
            ("wait", "cancel_futures"),
            freed_by=("end",),
            about="pool.shutting_down",
            done="pool.shut_down",
        ),
    ),
)
FUTURE = Kind(
    "future",
    (
        Operation(
            "result",
            ("future", "timeout"),
            freed_by=("end", "cancel"),
            writes=False,
            about="future.awaiting",
            done="future.answered",
        ),
        Operation("cancel", ("future",), about="future.cancelling", done="future.cancel_asked"),
    ),
    questions=("done", "running", "cancelled"),
)
