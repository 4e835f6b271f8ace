"""Everything that `fer attack` found, JSON-able."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from fer_cli import catalog
from fer_cli.analysis import scores
from fer_cli.analysis.attack import checks as sanity
from fer_cli.analysis.attack.checks import Check
from fer_cli.analysis.attack.experiment import Experiment, Point, Probabilities
from fer_cli.analysis.attack.rows import LEARNING_ROWS
from fer_cli.analysis.attack.scores import accuracy_interval, confusion, outcome, strongest
from fer_cli.analysis.predict import correction_warning, whole_shape
from fer_cli.datasets.splits import known_leaks


def results(
    experiment: Experiment, points: Sequence[Point], clean: Probabilities, checks: Sequence[Check]
) -> dict[str, Any]:
    """Conditions, the scores without an attack, an `Outcome` a point, the strongest one, and the checks.

    clean: (N, K) before any attack.
    """
    rows, counts = experiment.rows, confusion(experiment, clean)
    outcomes = [outcome(experiment, point, clean) for point in points]
    warning = correction_warning(experiment.attacked, rows.dataset.transforms, str(rows.dataset.path))
    return {
        "model": str(experiment.model.path),
        "crafted_on": str(experiment.attacked.path) if experiment.transfer else None,
        "dataset": str(rows.dataset.path),
        "split": rows.split,
        "n": len(rows),
        "protocol": _protocol(experiment),
        "class_names": list(rows.dataset.class_names),
        "leaks": known_leaks(rows.dataset.provenance),
        "clean": {
            "accuracy": float(scores.accuracy(counts)),
            "accuracy_interval": accuracy_interval(counts, experiment.settings.seed),
            "confidence": float(clean.max(1).mean()),
            "confusion_matrix": counts.tolist(),
        },
        "attacks": [dataclasses.asdict(one) for one in outcomes],
        "strongest": dataclasses.asdict(strongest(outcomes)),
        "checks": [dataclasses.asdict(check) for check in checks],
        "warnings": [*([warning] if warning else []), *sanity.warnings(checks)],
        "notes": _notes(experiment, points),
    }


def _protocol(experiment: Experiment) -> str:
    rows = experiment.rows
    aim = "untargeted" if rows.target is None else f"aimed at {rows.dataset.class_names[rows.target]}"
    return f"{aim}, crafted on {experiment.attacked.path.name}" if experiment.transfer else f"{aim}, white box"


def _notes(experiment: Experiment, points: Sequence[Point]) -> list[str]:
    """What was done to images on the way, and from what attacks learnt."""
    rows, found = experiment.rows, []
    given = rows.dataset.image_shape
    shape = whole_shape(experiment.attacked, given)
    if shape != given:
        found.append(f"images adapted from {_size(given)} to {_size(shape)} before the attack")
    if experiment.corrections:
        found.append(f"illumination corrected before the attack: {', '.join(experiment.corrections)}")
    if experiment.rounded:
        found.append(f"{experiment.model.path} saw the attacked images rounded to 8 bits")
    if rows.target is not None:
        found.append(f"rows of the class {rows.dataset.class_names[rows.target]} were left out")
    learnt = {p.method for p in points if catalog.find(catalog.ATTACKS, p.method, "attack").learns}
    for method in sorted(learnt):
        same = " (those under attack: the file has no train rows)" if rows.learns_from == rows.split != "train" else ""
        found.append(f"{method} learnt from {LEARNING_ROWS:,} rows of {rows.learns_from} at most{same}")
    return found


def _size(shape: tuple[int, int, int]) -> str:
    return "×".join(map(str, shape))
