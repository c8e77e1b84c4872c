"""The exceptions that a scenario can raise and catch, by name: Python's own and author-defined ones."""

from __future__ import annotations

import builtins
import concurrent.futures
import queue
import threading

from scenrun.errors import Fault


class _ShutDown(Exception):
    """Stands for `queue.ShutDown`, which Python has from 3.13 on."""


EXCEPTIONS: dict[str, type[Exception]] = {
    "queue.Empty": queue.Empty,
    "queue.Full": queue.Full,
    "queue.ShutDown": getattr(queue, "ShutDown", _ShutDown),
    "threading.BrokenBarrierError": threading.BrokenBarrierError,
    "concurrent.futures.CancelledError": concurrent.futures.CancelledError,
    "concurrent.futures.InvalidStateError": concurrent.futures.InvalidStateError,
}
"""The exceptions of modules, by the names that a scenario has for them."""
_OF_PYTHON_3_11 = (
    "ArithmeticError", "AssertionError", "AttributeError", "BlockingIOError", "BrokenPipeError", "BufferError",
    "BytesWarning", "ChildProcessError", "ConnectionAbortedError", "ConnectionError", "ConnectionRefusedError",
    "ConnectionResetError", "DeprecationWarning", "EOFError", "EncodingWarning", "EnvironmentError", "Exception",
    "ExceptionGroup", "FileExistsError", "FileNotFoundError", "FloatingPointError", "FutureWarning", "IOError",
    "ImportError", "ImportWarning", "IndentationError", "IndexError", "InterruptedError", "IsADirectoryError",
    "KeyError", "LookupError", "MemoryError", "ModuleNotFoundError", "NameError", "NotADirectoryError",
    "NotImplementedError", "OSError", "OverflowError", "PendingDeprecationWarning", "PermissionError",
    "ProcessLookupError", "RecursionError", "ReferenceError", "ResourceWarning", "RuntimeError", "RuntimeWarning",
    "StopAsyncIteration", "StopIteration", "SyntaxError", "SyntaxWarning", "SystemError", "TabError", "TimeoutError",
    "TypeError", "UnboundLocalError", "UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError",
    "UnicodeTranslateError", "UnicodeWarning", "UserWarning", "ValueError", "Warning", "ZeroDivisionError",
)  # fmt: skip
"""The exceptions that every supported version of Python has, so that a file means the same under each of them."""
_ABOVE: dict[str, type[BaseException]] = {
    "BaseException": BaseException, "KeyboardInterrupt": KeyboardInterrupt, "SystemExit": SystemExit,
}  # fmt: skip
"""Those that `except: Exception` does not catch."""
EXIT = "SystemExit"
"""The exception that ends a thread without a word."""
_PYTHON: dict[str, type[BaseException]] = {
    **_ABOVE,
    **{name: getattr(builtins, name) for name in _OF_PYTHON_3_11},
    **EXCEPTIONS,
}
_SHORT = {name.rpartition(".")[2]: name for name in EXCEPTIONS}
KNOWN = tuple(sorted(name for name in _PYTHON if not name.startswith("_")))
"""The names of the exceptions of Python that a scenario can raise and catch, sorted."""


FROM_EXPRESSIONS = (
    ArithmeticError, LookupError, TypeError, ValueError, UnboundLocalError, MemoryError, RecursionError,
)  # fmt: skip
"""The exceptions that evaluating an expression of a scenario may raise; any other is a bug of scenrun."""


def canonical(name: str) -> str:
    """The full name of an exception: `Empty` is `queue.Empty`; an author's own name stays as it is."""
    if name in _SHORT:
        return _SHORT[name]
    if name in ("concurrent.futures.TimeoutError", "futures.TimeoutError"):
        return "TimeoutError"
    return name


def is_known(name: str) -> bool:
    """Whether the name is one of Python's exceptions that a thread may raise."""
    return canonical(name) in _PYTHON


def is_base(name: str) -> bool:
    """Whether the name is one of Python's exceptions that do not derive from Exception and are not raised by programs."""
    if name in _ABOVE:
        return False
    found = getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, BaseException) and not issubclass(found, Exception)


def name_of(error: BaseException) -> str:
    """The name that a scenario has for a Python exception."""
    if isinstance(error, Fault):
        return error.type
    found = type(error)
    return next((name for name, known in EXCEPTIONS.items() if known is found), found.__name__)


def is_a(fault: Fault, name: str) -> bool:
    """Whether `except: {name: ..}` catches this fault; an author's own exception is a direct subclass of Exception."""
    if name == "Exception":
        return fault.type not in _ABOVE
    if name == "BaseException" or fault.type == name:
        return True
    raised, caught = _PYTHON.get(fault.type), _PYTHON.get(name)
    return raised is not None and caught is not None and issubclass(raised, caught)


def fault_of(error: BaseException, registers: dict[str, str] | None = None) -> Fault:
    """A Python exception as a fault of the scenario; `registers` maps a code's registers to the file's names of locals."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, UnboundLocalError):
        register = str(error).partition("'")[2].partition("'")[0]
        return Fault("UnboundLocalError", f"`{(registers or {}).get(register, register)}` has no value yet")
    text = str(error)
    if isinstance(error, KeyError) and error.args:
        text = repr(error.args[0])
    return Fault(name_of(error), text)
