"""Says of each figure that a study expects whether ours is in its range: `check.py EXPECTED.json MODE FOLDER`.

EXPECTED.json: mode ("full", "tiny") -> folder of a result below FOLDER -> name in its results, nested ones and places
in lists joined by dots ("rows.1.against_first.difference") -> [lowest, highest]. Exit status 1 where a figure is out of
its range or missing, or where no result is there; a result that was not made is told and passed over.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

IN_RANGE, NOT_RUN = "in range", "not run"


def verdicts(expected: Mapping[str, Mapping[str, Any]], folder: Path) -> Iterator[tuple[str, str, str, str, str]]:
    """Result, name, ours, range and verdict of each figure expected."""
    for result, ranges in expected.items():
        file = folder / result / "result.json"
        found = json.loads(file.read_text(encoding="utf-8"))["results"] if file.is_file() else None
        for name, (low, high) in ranges.items():
            yield (result, name, *_verdict(found, name, low, high))


def look_up(results: Any, name: str) -> Any:
    """The value that a dotted name leads to, or None."""
    for part in name.split("."):
        if isinstance(results, list) and part.isdecimal() and int(part) < len(results):
            results = results[int(part)]
        else:
            results = results.get(part) if isinstance(results, dict) else None
    return results


def _verdict(found: Any, name: str, low: float, high: float) -> tuple[str, str, str]:
    bounds = f"{low:g} to {high:g}"
    if found is None:
        return "–", bounds, NOT_RUN
    value = look_up(found, name)
    if not isinstance(value, int | float):
        return "–", bounds, "MISSING"
    return f"{value:.4g}", bounds, IN_RANGE if low <= value <= high else "OUT OF RANGE"


def main(expected: str, mode: str, folder: str) -> int:
    """Print the table; 0 where all that was run is in its range."""
    rows = list(verdicts(json.loads(Path(expected).read_text(encoding="utf-8"))[mode], Path(folder)))
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(5)]
    print(f"{expected}, {mode}:")
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    found = {row[-1] for row in rows}
    return 0 if IN_RANGE in found and found <= {IN_RANGE, NOT_RUN} else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
