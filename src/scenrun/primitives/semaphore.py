"""A semaphore: a number of permits, with a bound or without."""

from scenrun.primitives.kinds import Kind, Operation

_ACQUIRE = Operation(
    "acquire", ("timeout", "blocking"), freed_by=("release",), about="semaphore.acquiring", done="semaphore.acquired"
)
_RELEASE = Operation("release", ("n",), about="semaphore.releasing", done="semaphore.released")
SEMAPHORE = Kind("semaphore", (_ACQUIRE, _RELEASE))
BOUNDED_SEMAPHORE = Kind("bounded_semaphore", (_ACQUIRE, _RELEASE), noun="semaphore")
