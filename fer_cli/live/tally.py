"""Counting what was seen in pictures and videos, and what could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fer_cli.errors import InputError
from fer_cli.live.recognise import Moment


class Tally:
    """warn: told of each file that cannot be read, as it turns up."""

    def __init__(self, class_names: Sequence[str], warn: Callable[[str], None]) -> None:
        self._class_names, self._warn = class_names, warn
        self._counts: Counter[str] = Counter()
        self._emotions: Counter[str] = Counter()
        self._begun: set[Path] = set()
        self._problems: list[dict[str, Any]] = []

    def count(self, moment: Moment) -> None:
        """Take in a picture or frame."""
        self._begun.add(moment.path)
        self._counts["pictures" if moment.number is None else "frames"] += 1
        self._counts["faces"] += len(moment.seen)
        self._counts["without_face"] += not moment.seen
        self._emotions.update(self._class_names[face.label] for face in moment.seen if face.label is not None)

    def fail(self, path: Path, error: InputError) -> None:
        """Take in a file that cannot be read, or, where frames of it came before, no further."""
        self._problems.append({"file": str(path), "error": str(error), "in_part": path in self._begun})
        self._warn(str(error))

    def results(self) -> dict[str, Any]:
        """What was seen, in numbers, and the files that could not be read, or only in part.

        Pictures, frames, faces, pictures and frames without one, faces of each emotion. Raises `InputError` where
        nothing could be read at all.
        """
        if not self._begun:
            first = self._problems[0]["error"] if self._problems else "none named"
            raise InputError(f"none of the {len(self._problems)} files can be read: {first}")
        counts = {name: self._counts[name] for name in ("pictures", "frames", "faces", "without_face")}
        return {
            **counts,
            "emotions": {name: self._emotions[name] for name in self._class_names},
            "unreadable": [problem for problem in self._problems if not problem["in_part"]],
            "read_in_part": [problem for problem in self._problems if problem["in_part"]],
        }
