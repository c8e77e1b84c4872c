"""A named region of the program: how many threads are in it."""

from scenrun.primitives.kinds import Kind, Operation

SECTION = Kind(
    "section",
    (Operation("enter", done="section.entered"), Operation("leave", done="section.left")),
    attributes=("inside",),
)
