"""What `fer augment` shows: rows per class and split before and after, and a sheet of augmented faces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fer_cli.labels import SPLITS
from fer_cli.reports import figures
from fer_cli.reports.terminal import Terminal
from fer_cli.store.reader import Dataset
from fer_cli.transform.policy import Policy
from fer_cli.transform.preview import ORIGINAL, preview

#: Faces on the sheet, and how often each row draws for one of them.
FACES, DRAWS = 2, 4


def show(terminal: Terminal, results: Mapping[str, Any]) -> None:
    """Print the `results` of an augment record."""
    for line in results["notes"]:
        terminal.warn(line)
    before, after = results["table_before"], results["table"]
    rows = [[name, *_changes([before[name][s] for s in SPLITS], [after[name][s] for s in SPLITS])] for name in after]
    totals = ([sum(row[s] for row in table.values()) for s in SPLITS] for table in (before, after))
    terminal.table("images before → after", ["class", *SPLITS, "all"], [*rows, ["all", *_changes(*totals)]])
    copies = results["copies"]
    terminal.log(f"copies: {copies['augmented']:,} augmented, {copies['plain']:,} plain")


def _changes(before: list[int], after: list[int]) -> list[str]:
    """Cells of the splits and of their sum: two numbers where they differ, else one."""
    pairs = [*zip(before, after, strict=True), (sum(before), sum(after))]
    return [f"{old:,}" if old == new else f"{old:,} → {new:,}" for old, new in pairs]


def preview_sheet(dataset: Dataset, policy: Policy, path: Path, seed: int) -> None:
    """Draw train faces of different classes beside augmented ones: a row for each operation, and one for all.

    Raises `InputError` for a dataset without train rows, `OutputError` where the PNG cannot be written.
    """
    dataset.require("train")
    rng, labels = np.random.default_rng(seed), dataset.labels("train")
    classes = rng.permutation(np.unique(labels))[:FACES]
    rows = [int(rng.choice(np.flatnonzero(labels == label))) for label in classes]
    sheet = preview(dataset.images("train").take(rows), policy, DRAWS, seed)
    images = np.concatenate([faces for row in sheet.values() for faces in row])
    captions = [caption for text in sheet for _ in rows for caption in (ORIGINAL, *[text] * DRAWS)]
    figures.face_sheet(images, captions, path, columns=len(rows) * (1 + DRAWS))
