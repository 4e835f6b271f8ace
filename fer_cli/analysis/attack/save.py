"""The attacked images as a dataset file, rounded to 8 bits, and what the model says of them then."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fer_cli.analysis import scores
from fer_cli.analysis.attack.experiment import Experiment, Probabilities, Seen, to_pixels
from fer_cli.analysis.attack.plan import Task
from fer_cli.datasets.splits import known_leaks
from fer_cli.errors import UsageError
from fer_cli.labels import SPLITS
from fer_cli.records import Records
from fer_cli.store.reader import Dataset
from fer_cli.store.writer import DatasetWriter, create_dataset


class Saver:
    """An observer that writes what a task makes of the rows with its largest epsilon.

    Rows keep label, split, source, votes, person and attributes.
    """

    def __init__(self, writer: DatasetWriter, path: Path, task: Task, experiment: Experiment) -> None:
        self._writer, self._path, self._task, self._experiment = writer, path, task, experiment
        self._columns = _columns(experiment.rows.dataset, experiment.rows.split)
        self._answers: list[Probabilities] = []

    def __call__(self, seen: Seen) -> None:
        """Write a batch, where it is of the task and the epsilon that are kept."""
        if seen.task != self._task or seen.epsilon != self._task.epsilons[-1]:
            return
        pixels = to_pixels(seen.attacked)
        self._answers.append(self._experiment.score(pixels.astype(np.float32)))
        rows = self._experiment.rows.index[seen.rows]
        self._writer.append(Records(pixels, **_taken(self._columns, rows)))

    def results(self) -> dict[str, Any]:
        """Path, method, norm and epsilon, and the accuracy on the images as the file has them."""
        experiment, answers = self._experiment, np.concatenate(self._answers)
        counts = scores.confusion_matrix(experiment.rows.labels, answers.argmax(1), answers.shape[1])
        return {
            "path": str(self._path),
            "method": self._task.method,
            "norm": self._task.norm,
            "epsilon": self._task.epsilons[-1],
            "n": len(answers),
            "accuracy_rounded": float(scores.accuracy(counts)),
        }

    def finish(self, record: Mapping[str, Any]) -> None:
        """Complete the file. record: of the command, of which the file keeps all but the figures."""
        saved, rows = self.results(), self._experiment.rows
        step = {
            "name": "attack",
            **{key: saved[key] for key in ("method", "norm", "epsilon")},
            "model": str(self._experiment.attacked.path),
            "target": self._experiment.settings.target,
            "seed": self._experiment.settings.seed,
        }
        results = {"attack": saved, "split": {"leaks": known_leaks(rows.dataset.provenance)}}
        self._writer.finish({**record, "results": results}, [*self._experiment.transforms, step])


@contextlib.contextmanager
def saving(path: Path, task: Task, experiment: Experiment) -> Iterator[Saver]:
    """A saver whose file appears at `path` when the block ends well; the block must call `finish`.

    Raises `UsageError` for a network that sees a crop of an image: what it saw is no image for another command.
    """
    if "crop" in experiment.attacked.metadata:
        raise UsageError(f"--save: {experiment.attacked.path} sees the centre of its images, which is no face to keep")
    dataset = experiment.rows.dataset
    values = {name: dataset.attribute_values(name) for name in dataset.attribute_names}
    named = {name: names for name, names in values.items() if names is not None}
    with create_dataset(path, dataset.class_names, named) as writer:
        yield Saver(writer, path, task, experiment)


def _columns(dataset: Dataset, split: str) -> dict[str, Any]:
    """The columns of a split as `Records` has them."""
    labels = dataset.labels(split)
    return {
        "labels": labels,
        "split": np.full(len(labels), SPLITS.index(split), np.uint8),
        "source": np.array(dataset.sources(split), object),
        "votes": dataset.votes(split),
        "subject": None if (names := dataset.subjects(split)) is None else np.array(names, object),
        "attributes": {name: dataset.attribute(name, split) for name in dataset.attribute_names},
    }


def _taken(columns: Mapping[str, Any], rows: Any) -> dict[str, Any]:
    """The same of some rows."""
    taken = {key: None if column is None else column[rows] for key, column in columns.items() if key != "attributes"}
    return {**taken, "attributes": {name: column[rows] for name, column in columns["attributes"].items()}}
