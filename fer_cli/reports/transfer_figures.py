"""PNG figures of the training of a generator: sheets of translated faces, and curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from fer_cli.reports import figures, style

#: Columns that are no parts of a whole.
_DISTANCES = {"cycle", "kept", "person"}
#: Columns of a history by panel, with their labels.
_PANELS: Mapping[str, Mapping[str, str]] = {
    "wanted emotion found": {
        "val_hit": "by the discriminator, held-out",
        "hit": "by the discriminator",
        "guided": "by the classifiers",
    },
    "the discriminator's eye": {"accuracy": "emotions of real faces named"},
    "pixels, half the range being 1": {"cycle": "changed by there and back", "kept": "changed by its own emotion"},
    "identity, 1 - cosine": {"person": "moved, by the identity guide"},
}
_COLORS = (style.BLUE, style.ORANGE, style.GREEN)


def translations(
    faces: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.integer],
    translated: npt.NDArray[np.uint8],
    class_names: Sequence[str],
    path: Path,
) -> None:
    """A row a face: as it is, then translated to every class.

    faces: uint8 (N, H, W, C), labels: (N,), translated: uint8 (N, K, H, W, C).
    """
    rows = np.concatenate([faces[:, None], translated], 1)
    captions = [text for label in labels for text in (f"given: {class_names[label]}", *(f"→ {c}" for c in class_names))]
    figures.face_sheet(rows.reshape(-1, *faces.shape[1:]), captions, path, columns=len(class_names) + 1)


def fit_curves(history: Mapping[str, Sequence[float]], path: Path) -> None:
    """What a run's history says, by epoch: `epoch`, and any of the columns of `translation.fit`."""
    panels = {title: columns for title, columns in _PANELS.items() if columns.keys() & history.keys()}
    with style.figure(path, 4.2 * len(panels), 3.4) as canvas:
        for axes, (title, columns) in zip(canvas.subplots(1, len(panels)), panels.items(), strict=True):
            _panel(axes, history, columns)
            axes.set(title=title, xlabel="epoch")


def _panel(axes: Axes, history: Mapping[str, Sequence[float]], columns: Mapping[str, str]) -> None:
    epochs = history["epoch"]
    for (name, label), color in zip(columns.items(), _COLORS, strict=False):
        if name in history:
            axes.plot(epochs, history[name], color=color, label=label, marker="o" if len(epochs) < 3 else None)
    if not _DISTANCES & columns.keys():
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
