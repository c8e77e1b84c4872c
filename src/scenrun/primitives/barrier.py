"""A barrier: threads wait until all parties have come; a broken one lets nobody pass."""

from scenrun.primitives.kinds import Kind, Operation

BARRIER = Kind(
    "barrier",
    (
        Operation(
            "wait",
            ("timeout",),
            freed_by=("wait", "abort", "reset"),
            about="barrier.waiting",
            done="barrier.passed",
        ),
        Operation("abort", about="barrier.aborting", done="barrier.aborted"),
        Operation("reset", about="barrier.resetting", done="barrier.reset"),
    ),
    attributes=("n_waiting", "broken", "parties"),
)
