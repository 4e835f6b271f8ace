"""The few kinds of failure that a user can cause or mend, each with its exit code.

Library code raises these; `fer_cli.main` alone turns them into one line on stderr and an exit status.
"""

import re

#: What would command a terminal, turn the direction of writing, or cannot be encoded; tabs and line ends are none.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """`text` as a terminal may be given it, whatever a file or a class is called: control characters as escapes."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


class FerError(Exception):
    """A failure that is told in one line, without a traceback."""

    exit_code = 1


class UsageError(FerError):
    """The command line asks for something that does not exist or does not fit together (exit 2)."""

    exit_code = 2


class InputError(FerError):
    """A file, dataset, model or image that cannot be used; the message names it (exit 3)."""

    exit_code = 3


class OutputError(InputError):
    """An output that cannot be written: no space, no permission, no such folder (exit 3)."""


class OutputExistsError(FerError):
    """An output that is there already and was not to be overwritten (exit 4)."""

    exit_code = 4


class MissingError(FerError):
    """Something optional is not here: a package, a camera, a weight file (exit 5)."""

    exit_code = 5


class DivergedError(FerError):
    """A training whose numbers have left what a float can hold, before anything worth keeping was learnt (exit 1)."""


class InterruptedWorkError(FerError):
    """The user stopped the work; the message says what was saved (exit 130)."""

    exit_code = 130
