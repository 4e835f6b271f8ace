"""A page to decide about suspects with the keyboard, which saves the decisions for `fer worst-labels --apply`."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.reports import page
from fer_cli.reports.sprites import COLUMNS, sprite_sheet

#: The page in a result's folder, and the table that it saves.
FILE, DECISIONS = "review.html", "decisions.csv"


def review_page(
    results: Mapping[str, Any],
    images: npt.NDArray[np.uint8],
    probabilities: npt.NDArray[np.floating],
    command_line: str,
) -> str:
    """The page as HTML.

    results: of a ranking (`fer_cli.analysis.labels.results`). images: uint8 (M, H, W, 1 or 3), M at least 1, and
    probabilities (M, K) of the M suspects in its `worst`, in their order. command_line: that made it.
    """
    names: Sequence[str] = results["class_names"]
    rows = [
        {
            **row,
            "given": names.index(row["given"]),
            "suggested": names.index(row["suggested"]),
            "suspicion": round(row["suspicion"], 4),
            "probabilities": [round(float(p), 4) for p in answers],
        }
        for row, answers in zip(results["worst"], probabilities, strict=True)
    ]
    # What a browser remembers of one page must not turn up on another.
    key = hashlib.sha256(json.dumps([results["dataset"], rows]).encode()).hexdigest()[:16]
    data = {
        "classes": list(names),
        "rows": rows,
        "sheet": sprite_sheet(images),
        "columns": COLUMNS,
        "size": [int(images.shape[2]), int(images.shape[1])],
        "key": f"fer-worst-labels-{key}",
        "file": DECISIONS,
        "voted": results["votes"] is not None,
    }
    apply = shlex.join(["fer", "worst-labels", results["dataset"], "--apply", DECISIONS, "-o", "cleaned.h5"])
    title = f"Suspects of {Path(results['dataset']).name}, {results['split']}"
    made_by = f"Made with: {command_line}"
    return page.interactive("labels.html.j2", title, data, made_by, apply=apply, protocol=results["protocol"])
