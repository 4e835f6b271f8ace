"""An HDF5 file that is being written, safe against a disk that fills up."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Literal

import h5py


class Spool:
    """An open HDF5 file, `hdf5`, whose failures to write come from `check`, `flush` and `close` as plain `OSError`.

    HDF5 cannot be closed safely after a write has failed (on a full disk it crashes the process), so it never hears of
    one: the Python file beneath it keeps the failure to itself, and in memory what could not be written since. Call
    `check` often, for that memory's sake.
    """

    def __init__(self, path: Path, mode: Literal["w", "r+"]) -> None:
        self._raw = _ForgivingFile(path, "w+b" if mode == "w" else "r+b")
        self.hdf5 = h5py.File(self._raw, mode)

    def check(self) -> None:
        """Raise the first failure so far, if there was one."""
        if self._raw.failure is not None:
            raise self._raw.failure

    def flush(self) -> None:
        """Write what is pending; raises `OSError` where any part of the file could not be written."""
        self.hdf5.flush()
        self.check()

    def discard(self) -> None:
        """Close without a word; once is enough, twice is harmless."""
        if self.hdf5:
            self.hdf5.close()
        self._raw.close()

    def close(self) -> None:
        """Write what is pending and close; raises `OSError` where any part of the file could not be written."""
        self.discard()
        self.check()


class _ForgivingFile(io.FileIO):
    """A file that always takes what is written and gives it back, but after the first `failure` only from memory."""

    def __init__(self, path: Path, mode: str) -> None:
        super().__init__(path, mode)
        self.failure: OSError | None = None
        self._unwritten: list[tuple[int, bytes]] = []

    def write(self, data: Any, /) -> int:
        start, view = self.tell(), memoryview(data).cast("B")
        done = 0
        try:
            while done < len(view) and self.failure is None:
                done += super().write(view[done:])
        except OSError as error:
            self.failure = error
        if done < len(view):
            self._unwritten.append((start, bytes(view)))
            self.seek(start + len(view))
        return len(view)

    def readinto(self, buffer: Any, /) -> int:
        start, view = self.tell(), memoryview(buffer).cast("B")
        done = super().readinto(view) or 0
        for offset, data in self._unwritten:
            first, last = max(start, offset), min(start + len(view), offset + len(data))
            if first < last:
                view[first - start : last - start] = data[first - offset : last - offset]
                done = max(done, last - start)
        self.seek(start + done)
        return done

    def truncate(self, size: int | None = None, /) -> int:
        try:
            if self.failure is None:
                super().truncate(size)
        except OSError as error:
            self.failure = error
        return size or 0
