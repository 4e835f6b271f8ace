"""What attacks are to be run: methods, the norm and the epsilons that each is held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fer_cli import catalog
from fer_cli.attacks.ball import INF, TWO, WHITE
from fer_cli.attacks.base import Attack
from fer_cli.errors import UsageError

#: The part of the image that may change in any way, as against the size of the change.
PART = "0"
#: Stands for every method of the catalog.
ALL = "all"
#: Epsilons unless told: for pixels of 0..1; for `PART` of the image's area. Those of L-infinity are the five of a
#: published study of FGSM, and 1, 2, 4 and 8 levels.
EPSILONS: dict[str, tuple[float, ...]] = {
    INF: (0.001, 1 / 255, 0.005, 0.007, 2 / 255, 0.01, 4 / 255, 8 / 255, 0.05),
    TWO: (0.05, 0.1, 0.25, 0.5, 1.0, 2.0),
    PART: (0.01, 0.02, 0.05, 0.1),
}


@dataclass(frozen=True)
class Settings:
    """What all attacks of an experiment share.

    target: the class that images are to be taken for; None: any but their own. restarts: tries of a method that draws
    by chance. limit: rows a class. batch_size: images a step; chance is drawn batch by batch.
    """

    target: str | None = None
    restarts: int = 1
    limit: int | None = None
    batch_size: int = 128
    seed: int = 0


@dataclass(frozen=True)
class Task:
    """One method with the norm that it is held to and the epsilons (0..1, rising). steps: None for the method's own."""

    method: str
    norm: str
    epsilons: tuple[float, ...]
    steps: int | None = None

    @property
    def levels(self) -> list[float]:
        """The epsilons as attacks take them: in levels of 0..255, a part of the area as it is."""
        return [epsilon if self.norm == PART else epsilon * WHITE for epsilon in self.epsilons]


def plan(
    methods: Sequence[str],
    norm: str | None = None,
    epsilons: Sequence[float] = (),
    targeted: bool = False,
    steps: int | None = None,
) -> list[Task]:
    """The tasks that a command line asks for.

    methods: of `catalog.ATTACKS`, or `ALL`, which leaves out those that cannot do what is asked. norm: None for each
    method's own, which is L-infinity where it can be held to that. epsilons: those of `EPSILONS` where there are none.
    Raises `UsageError` for a method named that cannot be held to the norm or take aim at a class, and for epsilons
    that only levels can be.
    """
    _check_epsilons(norm, epsilons)
    found = []
    for method in catalog.ATTACKS if ALL in methods else dict.fromkeys(methods):
        attack: type[Attack] = catalog.find(catalog.ATTACKS, method, "attack")
        obstacle = _obstacle(method, attack, norm, targeted)
        if obstacle is None:
            held = norm or (INF if INF in attack.norms else attack.norms[0])
            found.append(Task(method, held, tuple(sorted(set(epsilons or EPSILONS[held]))), steps))
        elif ALL not in methods:
            raise UsageError(obstacle)
    return found


def _check_epsilons(norm: str | None, epsilons: Sequence[float]) -> None:
    for epsilon in epsilons:
        if epsilon > 1 and norm != TWO:
            raise UsageError(
                f"--epsilon {epsilon:g}: expected at most 1, since pixels are of 0..1 (--norm 2 takes more); for "
                f"levels of 0..255 say {epsilon:g}/255"
            )


def _obstacle(method: str, attack: type[Attack], norm: str | None, targeted: bool) -> str | None:
    if norm is not None and norm not in attack.norms:
        able = [name for name in catalog.ATTACKS if norm in catalog.find(catalog.ATTACKS, name, "attack").norms]
        return (
            f"--norm {norm}: {method} cannot be held to it, only to {' or '.join(attack.norms)}; "
            f"those that can are {', '.join(able)}"
        )
    return f"--target: {method} cannot take aim at a class" if targeted and not attack.can_target else None
