"""What judges say of a translator: hit rate, identity, likeness outside the mask, realism."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fer_cli.analysis.predict import correction_warning
from fer_cli.analysis.scores import Interval
from fer_cli.analysis.translation.base import Embedder, Target, Translator, class_targets
from fer_cli.analysis.translation.bootstrap import mean_interval
from fer_cli.analysis.translation.frechet import Realism, realism
from fer_cli.analysis.translation.identity import Identity, identity
from fer_cli.analysis.translation.trial import Observer, Trial, choose_faces, measure
from fer_cli.datasets.splits import known_leaks
from fer_cli.models import Scorer
from fer_cli.store.reader import Dataset


@dataclass(frozen=True)
class Hits:
    """How often the judge takes translations for what they were to become; 0..1, high is good.

    Counted are faces of other classes than the target. before: how often the judge took the same faces for the target
    as they were, which is what a translator scores that does nothing. recall: how often it knows real faces of the
    target, which is about the most that can be expected; None where the split has none. probability: its mean
    probability of the target.
    """

    target: str
    label: str
    n: int
    hit_rate: float
    hit_interval: Interval
    before: float
    recall: float | None
    probability: float


@dataclass(frozen=True)
class Verdict:
    """What was measured, and the scores made of it. seed: of all intervals and halvings."""

    trial: Trial
    judge: Scorer
    seed: int

    def hits(self) -> list[Hits]:
        """One a target that has faces of other classes."""
        faces, found = self.trial.faces, []
        for number, target in enumerate(self.trial.targets):
            others, own = faces.labels != target.label, faces.labels == target.label
            if not others.any():
                continue
            taken, real = self.taken[others, number], self.trial.answers_real.argmax(1)
            found.append(
                Hits(
                    target=target.name,
                    label=faces.class_names[target.label],
                    n=len(taken),
                    hit_rate=float(taken.mean()),
                    hit_interval=mean_interval(taken, faces.groups[others], self.seed),
                    before=float((real[others] == target.label).mean()),
                    recall=float((real[own] == target.label).mean()) if own.any() else None,
                    probability=float(self.trial.answers[others, number, target.label].mean()),
                )
            )
        return found

    @property
    def taken(self) -> np.ndarray:
        """Mask (N, T): which translations the judge takes for their target."""
        wanted = np.array([target.label for target in self.trial.targets])
        return np.asarray(self.trial.answers.argmax(2) == wanted)

    @property
    def counted(self) -> np.ndarray:
        """Mask (N, T): which translations have another target than the class of the face."""
        wanted = np.array([target.label for target in self.trial.targets])
        return np.asarray(self.trial.faces.labels[:, None] != wanted)

    def identity(self) -> Identity | None:
        """None where nothing was given that tells persons apart."""
        trial = self.trial
        if trial.identity is None or trial.identity_real is None:
            return None
        faces = trial.faces
        return identity(trial.identity_real, trial.identity, faces.persons, faces.groups, self.seed, trial.gallery)

    def realism(self) -> Realism | None:
        """None for a judge without features, and for too few faces."""
        trial = self.trial
        if trial.features is None or trial.features_real is None:
            return None
        targets = [target.label for target in trial.targets]
        faces = trial.faces
        return realism(trial.features_real, faces.labels, trial.features, targets, faces.groups, self.seed)

    def results(self) -> dict[str, Any]:
        """All scores, JSON-able; figures that do not exist are None."""
        trial, faces, dataset = self.trial, self.trial.faces, self.trial.faces.dataset
        hits, counted, taken = self.hits(), self.counted, self.taken
        groups = np.repeat(faces.groups, len(trial.targets)).reshape(counted.shape)
        kept, real = self.identity(), self.realism()
        warning = correction_warning(self.judge, dataset.transforms, str(dataset.path))
        return {
            "judge": str(self.judge.path),
            "dataset": str(dataset.path),
            "split": faces.split,
            "n": len(faces),
            "translations": int(counted.sum()),
            "persons": None if faces.persons is None else len(np.unique(faces.persons)),
            "judge_accuracy": float((trial.answers_real.argmax(1) == faces.labels).mean()),
            "hit_rate": float(taken[counted].mean()) if hits else None,
            "hit_interval": mean_interval(taken[counted], groups[counted], self.seed) if hits else None,
            "hits": [dataclasses.asdict(one) for one in hits],
            "identity": None if kept is None else dataclasses.asdict(kept),
            "ssim_outside": _mean(trial.ssim_outside),
            "ssim": _mean(trial.ssim),
            "changed": _mean(trial.changed),
            "realism": None if real is None else dataclasses.asdict(real),
            "leaks": known_leaks(dataset.provenance),
            "warnings": [warning] if warning else [],
        }

    def rows(self) -> list[dict[str, Any]]:
        """One a translation: source, label, target, what the judge takes it for, how sure it is of the target, ssim."""
        trial, faces = self.trial, self.trial.faces
        sources, names = np.array(faces.dataset.sources(faces.split))[faces.rows], faces.class_names
        return [
            {
                "source": str(sources[face]),
                "label": names[faces.labels[face]],
                "target": target.name,
                "before": names[trial.answers_real[face].argmax()],
                "after": names[trial.answers[face, number].argmax()],
                "probability": round(float(trial.answers[face, number, target.label]), 6),
                "changed": round(float(trial.changed[face, number]), 6),
                "ssim": round(float(trial.ssim[face, number]), 6),
                "ssim_outside": _known(trial.ssim_outside[face, number]),
            }
            for face in range(len(faces))
            for number, target in enumerate(trial.targets)
        ]


def judge(
    translator: Translator,
    judge_model: Scorer,
    dataset: Dataset,
    split: str = "val",
    targets: Sequence[Target] | None = None,
    strength: float = 1.0,
    limit: int | None = None,
    identity: Embedder | None = None,
    batch_size: int = 128,
    seed: int = 0,
    observers: Sequence[Observer] = (),
    advance: Callable[[int], None] = lambda _: None,
) -> Verdict:
    """Translate the faces of a split, or at most `limit` of each class, and have them judged.

    judge_model: a classifier that was trained apart from the translator. targets: in the order of the dataset's
    classes; by default each of them. identity: tells persons apart; without it nothing is said of identity. advance: is
    called with the number of translations just made. Raises `InputError` where a split is empty or the classes differ.
    """
    faces = choose_faces(dataset, split, limit, seed)
    wanted = class_targets(dataset.class_names) if targets is None else targets
    trial = measure(translator, judge_model, faces, wanted, strength, identity, batch_size, observers, advance)
    return Verdict(trial, judge_model, seed)


def _mean(values: np.ndarray) -> float | None:
    return None if np.isnan(values).all() else float(np.nanmean(values))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)
