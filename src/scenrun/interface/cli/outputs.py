"""Output files of commands: written beside their place and moved there when complete, and never over a file without --force."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

import click

from scenrun.errors import OutputError, UsageError
from scenrun.interface.cli.shared_options import together

output_options = together(
    click.option("-o", "--output", metavar="FILE", type=click.Path(allow_dash=True), required=True,
                 help="Where to write; - is stdout."),
    click.option("--force", is_flag=True, help="Replace FILE if it exists."),
)  # fmt: skip
"""The options of commands that write an output file."""
raw_option = click.option(
    "--raw", is_flag=True, help="Texts in a CSV as they are, also those that a spreadsheet would run as a formula."
)


def check_output(path: str, force: bool, source: str = "-") -> None:
    """Raises UsageError, before any work, for a path that must not or cannot be written; `source` is the input file."""
    with suppress(OSError):
        if "-" not in (path, source) and os.path.samefile(path, source):
            raise UsageError(f"{path} is what is read; name another output")
    if path == "-":
        if force:
            raise UsageError("--force has no effect with -o -")
        return
    if not path:
        raise UsageError("the name of the output is empty")
    if os.path.exists(path) and not os.path.isdir(path):
        if not os.path.isfile(path):
            raise UsageError(f"{path} is a device or a pipe, which a file must not replace; -o - writes to stdout")
        if not force:
            raise UsageError(f"{path} exists; --force replaces it")
    check_place(path)


def check_place(path: str) -> None:
    """Raises UsageError for a path that is a folder, or in whose folder nothing can be written."""
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path):
        raise UsageError(f"{path} is a folder; -o names a file")
    if not os.path.isdir(folder):
        raise UsageError(f"cannot write {path}: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"cannot write {path}: {folder} cannot be written to")


@contextmanager
def output_path(path: str, force: bool) -> Iterator[str]:
    """The path of a temporary file to write; on success it replaces `path`, otherwise it is removed."""
    check_output(path, force)
    folder = tempfile.mkdtemp(prefix=".scenrun-", dir=os.path.dirname(path) or ".")
    beside = os.path.join(folder, os.path.basename(path))
    try:
        yield beside
        _keep_mode(path, beside)
        # Within one file system replacing is atomic: readers see the old file or the whole new one.
        os.replace(beside, path)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}", midway=True) from None
    finally:
        with suppress(OSError):
            os.unlink(beside)
        with suppress(OSError):
            os.rmdir(folder)


@contextmanager
def output_file(path: str, force: bool) -> Iterator[BinaryIO]:
    """A binary file to write to; `-` is stdout. Raises UsageError before, and OutputError when writing fails."""
    if path == "-":
        check_output(path, force)
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"cannot write to stdout: {error.strerror}", midway=True) from None
        return
    with output_path(path, force) as beside, open(beside, "wb") as file:
        yield file


def _keep_mode(path: str, beside: str) -> None:
    """Gives the new file the permissions of the replaced one."""
    with suppress(FileNotFoundError):
        os.chmod(beside, os.stat(path).st_mode & 0o7777)
