import numpy as np
import pytest

from fer_cli.attacks import ball
from fer_cli.attacks.base import Aim
from fer_cli.attacks.deepfool import DeepFool
from tests.attacks.networks import SIDE, classes_of, curved, grey_images, linear, of_foolbox
from tests.attacks.planted import CLASSES, kernel, linear_victim, planted

NORMS = pytest.mark.parametrize(("norm", "dual"), [(ball.INF, 1), (ball.TWO, 2)])
#: The overshoot of each step.
PAST = 1.02


def attack(victim, norm, images, aim, **how):
    return DeepFool(victim, norm, **how).perturb(images, aim, 0.0, np.random.default_rng())


@NORMS
def test_finds_the_exact_distance_of_a_linear_network(norm, dual):
    victim, faces = linear_victim(), planted()
    attacked = attack(victim, norm, faces.images, Aim(faces.labels))
    assert (classes_of(victim, attacked) != faces.labels).all()
    sizes = ball.sizes(attacked - faces.images, norm)
    np.testing.assert_allclose(sizes, PAST * faces.distance(norm), rtol=0.01)


@NORMS
def test_with_two_classes_the_way_to_the_target_is_the_smallest(norm, dual):
    weights, images = np.random.default_rng(0).normal(0, 0.02, (SIDE, SIDE, 1, 2)).astype(np.float32), grey_images()
    victim = linear(weights)
    other = 1 - classes_of(victim, images)
    attacked = attack(victim, norm, images, Aim(other, targeted=True))
    np.testing.assert_array_equal(classes_of(victim, attacked), other)
    across = weights[..., 1] - weights[..., 0]
    exact = np.abs((images * across).sum((1, 2, 3))) / np.linalg.norm(across.ravel(), dual)
    np.testing.assert_allclose(ball.sizes(attacked - images, norm), PAST * exact, rtol=0.01, atol=0.02)


@pytest.mark.parametrize("norm", [ball.INF, ball.TWO])
def test_targets_among_many_classes_are_reached(norm):
    victim, images = curved(), grey_images()
    target = (classes_of(victim, images) + 1) % 4
    np.testing.assert_array_equal(classes_of(victim, attack(victim, norm, images, Aim(target, True))), target)


def test_rows_that_are_there_or_never_get_there_come_back_clean():
    faces = planted()
    wrong = Aim((faces.labels + 1) % CLASSES)
    np.testing.assert_array_equal(attack(linear_victim(), ball.TWO, faces.images, wrong), faces.images)
    flat, never = linear(np.zeros_like(kernel()[:, :, None])), Aim(np.zeros_like(faces.labels))
    np.testing.assert_array_equal(attack(flat, ball.INF, faces.images, never, steps=3), faces.images)


@pytest.mark.parametrize(("norm", "theirs"), [(ball.INF, "LinfDeepFoolAttack"), (ball.TWO, "L2DeepFoolAttack")])
def test_perturbations_are_as_large_as_those_of_foolbox(norm, theirs):
    foolbox = pytest.importorskip("foolbox")
    victim, images = curved(), grey_images()
    labels = classes_of(victim, images)
    ours = attack(victim, norm, images, Aim(labels))
    other = of_foolbox(getattr(foolbox.attacks, theirs)(), victim, images, labels)
    assert (classes_of(victim, ours) != labels).all()
    sizes = [np.median(ball.sizes(attacked - images, norm)) for attacked in (ours, other)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)
