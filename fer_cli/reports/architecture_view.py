"""What `fer train --list-architectures` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fer_cli.reports.terminal import Terminal


def show(terminal: Terminal, rows: Sequence[Mapping[str, Any]], input_shape: Sequence[int]) -> None:
    """Print a table of architectures.

    rows: with name, parameters, multiply_adds (of one image) and paper. input_shape: (H, W, C) of that image.
    """
    height, width, channels = input_shape
    cells = [[row["name"], row["parameters"], f"{row['multiply_adds'] / 1e6:,.1f}", row["paper"]] for row in rows]
    terminal.table(
        f"Architectures at {height}×{width} {'grey' if channels == 1 else 'colour'}",
        ("name", "parameters", "MMAC", "paper"),
        cells,
    )
    terminal.log(
        "MMAC: million multiply-adds for one image. Your own: --arch pattern:CCPCCPFF, with C convolution, "
        "P max-, A average and S stochastic pooling, D dropout, F fully connected"
    )
