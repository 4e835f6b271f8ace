"""A few attacked faces to look at: the clean image, the attacked one, and what the model said of each."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fer_cli.analysis.attack.experiment import Experiment, Probabilities, Seen
from fer_cli.attacks.base import Images

#: Faces on a sheet.
FACES = 8


@dataclass(frozen=True)
class Example:
    """One face, and the norm and epsilon of its attack.

    clean, attacked: float32 (H, W, C) in 0..255. before, after: probabilities (K,).
    """

    label: int
    norm: str
    epsilon: float
    clean: Images
    attacked: Images
    before: Probabilities
    after: Probabilities


@dataclass
class Examples:
    """An observer that keeps some faces, method by method, at the largest epsilon.

    rows: which of the rows under attack. clean: probabilities (N, K) of all rows before. found: method -> faces.
    """

    experiment: Experiment
    clean: Probabilities
    rows: frozenset[int]
    found: dict[str, list[Example]] = field(default_factory=dict)

    def __call__(self, seen: Seen) -> None:
        """Keep what is wanted of a batch."""
        if seen.epsilon != seen.task.epsilons[-1]:
            return
        kept = self.found.setdefault(seen.task.method, [])
        for place, row in enumerate(seen.rows.tolist()):
            if row in self.rows:
                label, images = int(self.experiment.rows.labels[row]), (seen.clean[place], seen.attacked[place])
                kept.append(
                    Example(label, seen.task.norm, seen.epsilon, *images, self.clean[row], seen.probabilities[place])
                )


def choose(experiment: Experiment, clean: Probabilities, count: int = FACES) -> Examples:
    """An observer of `count` rows at most, drawn by the seed: of each class in turn one named rightly."""
    labels, rng = experiment.rows.labels, np.random.default_rng(experiment.settings.seed)
    right = rng.permutation(np.flatnonzero(clean.argmax(1) == labels))
    queues = [list(right[labels[right] == label]) for label in range(clean.shape[1])]
    turns = max(map(len, queues), default=0)
    order = [queue[turn] for turn in range(turns) for queue in queues if turn < len(queue)]
    return Examples(experiment, clean, frozenset(int(row) for row in order[:count]))
