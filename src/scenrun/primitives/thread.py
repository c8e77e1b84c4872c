"""Threads, tasks of a pool and timers as objects: started, joined, asked whether they live."""

from scenrun.primitives.kinds import Kind, Operation

_JOIN = Operation("join", ("timeout",), freed_by=("end",), writes=False, about="thread.joining", done="thread.joined")
THREAD = Kind("thread", (Operation("start", about="thread.starting"), _JOIN), questions=("is_alive",))
TASK = Kind("task", (Operation("start", about="thread.starting"), _JOIN), questions=("is_alive",), noun="thread")
TIMER = Kind(
    "timer",
    (
        Operation("start", ("after", "arguments"), about="timer.starting", done="timer.started"),
        Operation("cancel", about="timer.cancelling", done="timer.cancelled"),
        _JOIN,
    ),
    questions=("is_alive",),
)
SPAWNED = Kind(
    "spawned",
    (
        Operation("spawn", ("arguments",), about="thread.spawning"),
        Operation(
            "join", ("thread", "timeout"), freed_by=("end",), writes=False, about="thread.joining", done="thread.joined"
        ),
    ),
    noun="thread",
)
