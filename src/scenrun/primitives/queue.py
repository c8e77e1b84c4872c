"""A queue: items in an order, a bound, and a count of items not yet dealt with."""

from scenrun.primitives.kinds import Kind, Operation

_PUT = Operation("put", ("item", "timeout", "block"), freed_by=("get",), about="queue.putting", done="queue.put")
_GET = Operation("get", ("timeout", "block"), freed_by=("put",), about="queue.getting", done="queue.got")
QUEUE = Kind(
    "queue",
    (
        _PUT,
        _GET,
        Operation("task_done", about="queue.finishing_task", done="queue.task_done"),
        Operation("join", freed_by=("task_done",), writes=False, about="queue.joining", done="queue.joined"),
    ),
    questions=("qsize", "empty", "full"),
)
SIMPLE_QUEUE = Kind("simple_queue", (_PUT, _GET), questions=("qsize", "empty"), noun="queue")
