"""What every attack of the catalog keeps to, on a linear network whose boundaries are known."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from fer_cli import catalog
from fer_cli.attacks import ball
from fer_cli.attacks.base import Aim, Attack, Images, Victim
from tests.attacks.planted import linear_victim, planted

FACES = planted()
KINDS: dict[str, type[Attack]] = {name: catalog.find(catalog.ATTACKS, name, "attack") for name in catalog.ATTACKS}
CASES = [(name, norm) for name, kind in KINDS.items() for norm in kind.norms]
#: Parts of the image that a patch may cover.
PARTS = (0.05, 0.25)
#: Fewer than by default, where a face of 24×24 pixels needs fewer.
STEPS = {"square": 150, "universal": 60, "patch": 40, "apgd": 20}
#: What the farthest row needs, times this, moves it. Square knows no direction, and length that goes astray is lost.
AMPLE = {("square", "2"): 4.0}
#: Share of the rows that the larger epsilon moves: of the attacks that see a row's gradient, all. One perturbation for
#: all rows leaves those of the class that it shows, and a patch is laid at random.
MOVED = {"universal": 0.4, "patch": 0.3, "square": 0.3}


@cache
def victim() -> Victim:
    return linear_victim()


@cache
def built(name: str, norm: str) -> Attack:
    return KINDS[name](victim(), norm, STEPS.get(name), seed=3)


def epsilons(name: str, norm: str) -> tuple[float, float]:
    """Just too small to move any row, and ample for the farthest."""
    if norm == "0":
        return PARTS
    distances = FACES.distance(norm)
    return 0.99 * float(distances.min()), AMPLE.get((name, norm), 1.5) * float(distances.max())


def attacked(name: str, norm: str, aim: Aim, restarts: int = 1) -> list[Images]:
    attack, sizes = built(name, norm), epsilons(name, norm)
    if attack.learns:
        lesson = planted(28, seed=1)
        for epsilon in sizes:
            learnt = Aim(np.resize(aim.labels, 28), aim.targeted)
            attack.learn(lesson.images, learnt, epsilon, np.random.default_rng(0))
    return list(attack.sweep(FACES.images, aim, sizes, restarts))


@cache
def usual(name: str, norm: str) -> list[Images]:
    return attacked(name, norm, Aim(FACES.labels))


def test_the_network_names_all_faces_rightly_without_an_attack() -> None:
    assert not Aim(FACES.labels).reached(victim().predict(FACES.images)).any()


@pytest.mark.parametrize(("name", "norm"), CASES)
class TestEveryAttack:
    def test_it_stays_within_epsilon_and_the_range_of_levels(self, name: str, norm: str) -> None:
        for images, epsilon in zip(usual(name, norm), epsilons(name, norm), strict=True):
            assert images.dtype == np.float32
            assert images.shape == FACES.images.shape
            assert images.min() >= 0
            assert images.max() <= ball.WHITE
            size = ball.sizes(images - FACES.images, norm)
            limit = epsilon * FACES.images[0].size if norm == "0" else epsilon
            assert size.max() <= limit * (1 + 1e-4)

    def test_it_moves_what_can_be_moved_and_nothing_else(self, name: str, norm: str) -> None:
        small, large = (Aim(FACES.labels).reached(victim().predict(images)) for images in usual(name, norm))
        if norm != "0":
            assert not small.any()
        assert large.mean() >= MOVED.get(name, 1.0)
        assert large.sum() >= small.sum()

    def test_it_does_not_touch_its_input_and_repeats_itself(self, name: str, norm: str) -> None:
        before = FACES.images.copy()
        again = attacked(name, norm, Aim(FACES.labels))
        np.testing.assert_array_equal(FACES.images, before)
        for first, second in zip(usual(name, norm), again, strict=True):
            np.testing.assert_array_equal(first, second)

    def test_a_restart_never_loses_what_was_found(self, name: str, norm: str) -> None:
        aim = Aim(FACES.labels)
        for once, more in zip(usual(name, norm), attacked(name, norm, aim, restarts=2), strict=True):
            gains = [aim.gain(victim().predict(images)) for images in (once, more)]
            assert (gains[1] >= gains[0]).all()

    def test_it_comes_nearer_to_the_class_that_it_aims_at(self, name: str, norm: str) -> None:
        if not KINDS[name].can_target:
            pytest.skip("takes no aim")
        aim = Aim(np.full_like(FACES.labels, 3), targeted=True)
        _, large = attacked(name, norm, aim)
        others = FACES.labels != 3
        before, after = (aim.gain(victim().predict(images))[others] for images in (FACES.images, large))
        assert after.mean() > before.mean()
        # The target is not the nearest class of every row, so the epsilon is not ample for all.
        assert name in MOVED or (after > 0).mean() > 0.8


@pytest.mark.parametrize(("name", "norm"), [case for case in CASES if KINDS[case[0]].minimal], ids=str)
def test_the_smallest_perturbation_is_the_distance_to_the_boundary(name: str, norm: str) -> None:
    _, large = usual(name, norm)
    sizes = ball.sizes(large - FACES.images, norm)
    np.testing.assert_array_less(FACES.distance(norm) * (1 - 1e-4), sizes)
    np.testing.assert_allclose(sizes, FACES.distance(norm), rtol=0.1)


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if not kind.learns])
def test_one_that_needs_no_lesson_says_so(name: str) -> None:
    with pytest.raises(NotImplementedError, match="needs no other rows"):
        KINDS[name](victim(), KINDS[name].norms[0]).learn(FACES.images, Aim(FACES.labels), 1.0, np.random.default_rng())


def test_a_restart_tries_something_else() -> None:
    once, more = (KINDS["pgd"](victim(), "2", steps=2) for _ in range(2))
    aim, epsilon = Aim(FACES.labels), FACES.distance("2").min()
    found = [next(attack.sweep(FACES.images, aim, [epsilon], n)) for attack, n in ((once, 1), (more, 4))]
    gains = [aim.gain(victim().predict(images)) for images in found]
    assert (gains[1] > gains[0]).any()


def test_an_attack_of_one_step_makes_one() -> None:
    assert KINDS["fgsm"](victim(), steps=40).steps == 1
    assert KINDS["bim"](victim(), steps=40).steps == 40
