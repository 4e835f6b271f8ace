"""Whether attacks did what attacks do: where they did not, a network's accuracy under them means little.

A network whose gradient says nothing (a quantised one, one with chance or rounding in it, one that is certain beyond
the precision of its numbers) stands attacks that follow the gradient and falls to others: gradient masking. The signs
looked for are those of Carlini et al., On Evaluating Adversarial Robustness (2019, arXiv:1902.06705), section 4, and of
Athalye, Carlini and Wagner, Obfuscated Gradients Give a False Sense of Security (ICML 2018, arXiv:1802.00420).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_cli import catalog, gradients
from fer_cli.analysis.attack.experiment import Experiment, Point
from fer_cli.analysis.attack.plan import PART, Task
from fer_cli.attacks import ball
from fer_cli.attacks.ball import Tensor
from fer_cli.attacks.base import Attack, cross_entropy

#: Rows, drawn at random, of attacks that run for the checks alone; queries of Square there.
CHECK_ROWS, CHECK_QUERIES = 100, 100
#: Share of the rows by which Square, which sees no gradient, may be ahead of PGD beyond chance.
SQUARE_MARGIN = 0.05
#: Share of the rows that may have no gradient at all.
FLAT_SHARE = 0.1
#: Standard errors beyond which a difference is taken for one: 95 %.
_ERRORS = 1.96
#: What is compared, and with what epsilon where none of its norm was asked for: 4 levels.
_COMPARED, _EPSILON = ("fgsm", "pgd", "square"), 4 / 255

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Check:
    """One thing that should hold. value must be at most threshold; both are shares of the n rows.

    masking: whether its failure is a sign of gradient masking. text: what was found, in one line.
    """

    name: str
    n: int
    value: float
    threshold: float
    passed: bool
    masking: bool
    text: str


def check(experiment: Experiment, points: Sequence[Point], run: bool = True) -> list[Check]:
    """Every check that can be made of an experiment's points, the attacks that lack being run on some of the rows.

    - `epsilon, METHOD`: a larger epsilon of a method loses no more of the rows that a smaller one moved than it wins.
    - `pgd`: PGD moves as many rows as FGSM, at the same norm and epsilon.
    - `square`: Square moves at most `SQUARE_MARGIN` more rows than PGD, there, too.
    - `gradient`: at most `FLAT_SHARE` of the rows have a loss whose gradient is 0 in every pixel.

    The first three allow for chance, on the same rows: 1.96 standard errors of (lost - won) / n, which are
    sqrt(lost + won) / n. The epsilon of the second and third is the one asked for where the first method moves nearest
    to half of the rows. In a transfer they are about the network that perturbations are crafted on, attacked itself.

    run: False makes only those that need no further attack.
    """
    found = [made for task in _tasks(points) if (made := _rising(experiment, task))]
    norm, epsilon = _where(experiment, points)
    known = [] if experiment.transfer else [p for p in points if (p.norm, p.epsilon) == (norm, epsilon)]
    have = {point.method: point for point in known if point.method in _COMPARED}
    if run:
        own = experiment.on_itself()
        rows = _sample(experiment)
        if set(_COMPARED) - set(have):
            have = {name: _some(point, rows) for name, point in have.items()}
        for method in _COMPARED:
            if method not in have and (task := _task(own, method, norm, epsilon)):
                (have[method],) = own.run(task, rows)
        found.append(_flat(own, rows))
    moved = {name: experiment.reached(point.probabilities, point.rows) for name, point in have.items()}
    where = f"at {_epsilon_text(epsilon)} in norm {norm}"
    if {"pgd", "fgsm"} <= set(moved):
        found.append(_behind("pgd", moved["pgd"], moved["fgsm"], f"FGSM is ahead of PGD {where}", masking=True))
    if {"pgd", "square"} <= set(moved):
        text = f"Square, which sees no gradient, is ahead of PGD {where}"
        found.append(_behind("square", moved["pgd"], moved["square"], text, SQUARE_MARGIN, masking=True))
    return found


def warnings(checks: Sequence[Check]) -> list[str]:
    """A line for each check that failed, and one on what it may mean."""
    failed = [made for made in checks if not made.passed]
    found = [made.text for made in failed]
    if any(made.masking for made in failed):
        found.append(
            "these are signs of gradient masking: the network hides its gradient rather than standing the attack, and "
            "its accuracy under attacks that follow the gradient is an overestimate"
        )
    return found


def _tasks(points: Sequence[Point]) -> list[list[Point]]:
    """Points by method and norm, in the order of their epsilons."""
    keys = dict.fromkeys((point.method, point.norm) for point in points)
    return [[point for point in points if (point.method, point.norm) == key] for key in keys]


def _rising(experiment: Experiment, points: Sequence[Point]) -> Check | None:
    """The pair of neighbouring epsilons that is farthest beyond what chance allows, or nearest to it.

    A failure is no sign of masking: steps that are too long for a curved network do it, FGSM's before all.
    """
    moved = [experiment.reached(point.probabilities, point.rows) for point in points]
    made = [
        _behind(
            f"epsilon, {points[i].method}", moved[i + 1], moved[i],
            f"{points[i].method} moves fewer rows with {_epsilon_text(points[i + 1].epsilon)} than with "
            f"{_epsilon_text(points[i].epsilon)}",
        )
        for i in range(len(points) - 1)
    ]  # fmt: skip
    return max(made, key=lambda one: one.value - one.threshold, default=None)


def _behind(name: str, strong: Flags, weak: Flags, text: str, margin: float = 0.0, masking: bool = False) -> Check:
    """Whether what should be strong is behind what should be weak, on the same rows."""
    n, lost, won = len(strong), int((weak & ~strong).sum()), int((strong & ~weak).sum())
    value, threshold = (lost - won) / n, margin + _ERRORS * math.sqrt(lost + won) / n
    text = f"{text} by {value:+.3f} of {n} rows (allowed: {threshold:.3f})"
    return Check(name, n, value, threshold, value <= threshold, masking, text)


def _flat(experiment: Experiment, rows: npt.NDArray[np.intp]) -> Check:
    def loss(images: Tensor, labels: Tensor) -> tuple[Tensor, None]:
        return cross_entropy(experiment.victim.logits(images), labels), None

    slope, flat = gradients.compiled(gradients.slope(loss)), 0
    for some, images in experiment.rows.batches(rows):
        gradient = gradients.as_array(slope(gradients.as_tensor(images), experiment.rows.aim(some).labels)[2])
        flat += int((~gradient.any((1, 2, 3))).sum())
    value = flat / len(rows)
    text = f"the loss of {value:.3f} of {len(rows)} rows has no gradient (allowed: {FLAT_SHARE})"
    return Check("gradient", len(rows), value, FLAT_SHARE, value <= FLAT_SHARE, True, text)


def _where(experiment: Experiment, points: Sequence[Point]) -> tuple[str, float]:
    """Norm and epsilon of the comparisons."""
    usable = [task for task in _tasks(points) if task[0].norm != PART]
    if not usable:
        return ball.INF, _EPSILON
    shares = [float(experiment.reached(point.probabilities, point.rows).mean()) for point in usable[0]]
    nearest = usable[0][int(np.argmin(np.abs(np.array(shares) - 0.5)))]
    return nearest.norm, nearest.epsilon


def _sample(experiment: Experiment) -> npt.NDArray[np.intp]:
    order = np.random.default_rng(experiment.settings.seed).permutation(len(experiment.rows))
    return np.sort(order[:CHECK_ROWS])


def _some(point: Point, rows: npt.NDArray[np.intp]) -> Point:
    """A point of all rows, of these only."""
    columns = (rows, point.probabilities[rows], point.l2[rows], point.linf[rows])
    return Point(point.method, point.norm, point.epsilon, *columns)


def _task(experiment: Experiment, method: str, norm: str, epsilon: float) -> Task | None:
    attack: type[Attack] = catalog.find(catalog.ATTACKS, method, "attack")
    if norm not in attack.norms or (experiment.rows.target is not None and not attack.can_target):
        return None
    return Task(method, norm, (epsilon,), CHECK_QUERIES if method == "square" else None)


def _epsilon_text(epsilon: float) -> str:
    return f"epsilon {epsilon:.4g}"
