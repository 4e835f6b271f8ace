"""Files made to do harm: models, datasets, pictures, label files and names.

Nothing of them runs, reads or writes other files, takes all memory, or becomes markup; each is told in one line.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fer_cli.errors import InputError

#: Made by whatever is run, read or followed although it must not be.
TRACE = Path("trace")


class Payload:
    """Leaves a trace where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (TRACE,)


def refused(work: Callable[[], Any]) -> str:
    """The line that tells of the `InputError` that `work` must raise."""
    with pytest.raises(InputError) as caught:
        work()
    assert not TRACE.exists()
    return str(caught.value)
