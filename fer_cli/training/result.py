"""What a finished run found, and what its model file says about it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_cli import provenance
from fer_cli.store.reader import Dataset
from fer_cli.training.batches import network_shape
from fer_cli.training.checkpoint import RunState
from fer_cli.training.settings import Settings

#: To be filled in with the last epoch.
DIVERGED = "the training diverged in epoch {}: its numbers are NaN"


@dataclass(frozen=True)
class TrainingResult:
    """What a finished run found.

    parameters: of the network. train_rows, val_rows: how many rows were used.
    """

    parameters: int
    state: RunState
    train_rows: int
    val_rows: int

    @property
    def scores(self) -> dict[str, float]:
        """The history row of the best epoch."""
        return {name: column[self.state.best_epoch - 1] for name, column in self.state.history.items()}

    def summary(self, output: Path) -> dict[str, Any]:
        """The results for the record, JSON-able."""
        history, scores = self.state.history, self.scores
        val = {"n": self.val_rows, **{k[4:]: v for k, v in scores.items() if k.startswith("val_")}}
        return {
            "model": str(output),
            "parameters": self.parameters,
            "loaded": self.state.loaded,
            "train_rows": self.train_rows,
            "epochs": self.state.epochs_done,
            "best_epoch": self.state.best_epoch,
            "diverged": self.state.diverged,
            "train": {name: scores[name] for name in ("loss", "accuracy", "top3")},
            "val": val if self.val_rows else None,
            "seconds": sum(history["seconds"]),
            "images_per_second": statistics.median(history["images_per_second"]),
        }

    @property
    def warning(self) -> str | None:
        """What to tell of a run that diverged, None for one that did not."""
        if not self.state.diverged:
            return None
        kept = f"the network of epoch {self.state.best_epoch} is kept, the best before"
        return f"{DIVERGED.format(self.state.epochs_done)}; {kept}; lower --lr"

    def describe(self) -> str:
        """The outcome in one line."""
        epochs = f"best epoch {self.state.best_epoch} of {self.state.epochs_done}"
        if not self.val_rows:
            return f"{epochs}, not validated"
        scores = self.scores
        attacked = f"{scores['val_robust']:.4f} under attack, " if "val_robust" in scores else ""
        return (
            f"val accuracy {scores['val_accuracy']:.4f}, {attacked}top-3 {scores['val_top3']:.4f} "
            f"(n = {self.val_rows:,}, {epochs}, which was chosen on these rows)"
        )


def model_metadata(settings: Settings, dataset: Dataset, run: RunState, scores: dict[str, float]) -> dict[str, Any]:
    """The metadata that travels inside the model file.

    crop: (H, W) of the images of which the network's input is a crop, if it is.
    """
    whole = dataset.image_shape
    seen = network_shape(whole, settings.crop)
    return {
        "class_names": list(dataset.class_names),
        "input_shape": list(seen),
        **({} if seen == whole else {"crop": list(whole[:2])}),
        "architecture": {"name": settings.architecture, "options": dict(settings.architecture_options)},
        "training": settings.as_dict(),
        "dataset": {"path": str(dataset.path), "sha256": run.dataset},
        "files": run.files,
        "transforms": dataset.transforms,
        "scores": scores,
        "versions": provenance.versions(),
    }
