import numpy as np
import pytest

from fer_cli.attacks import ball
from fer_cli.attacks.base import Aim
from fer_cli.attacks.cw import CarliniWagner
from tests.attacks.networks import classes_of, curved, grey_images, linear, of_foolbox
from tests.attacks.planted import CLASSES, kernel, linear_victim, planted


def attack(victim, images, aim, **how):
    return CarliniWagner(victim, ball.TWO, **how).perturb(images, aim, 0.0, np.random.default_rng())


def test_comes_near_the_exact_distance_of_a_linear_network():
    victim, faces = linear_victim(), planted()
    attacked = attack(victim, faces.images, Aim(faces.labels))
    assert (classes_of(victim, attacked) != faces.labels).all()
    ratio = ball.sizes(attacked - faces.images, ball.TWO) / faces.distance(ball.TWO)
    assert ratio.min() > 0.999
    assert np.median(ratio) < 1.05
    assert ratio.max() < 1.2


def test_finds_the_way_round_pixels_that_can_get_no_brighter():
    rise = np.random.default_rng(0).uniform(0.01, 0.02, (8, 8, 1)).astype(np.float32)
    images = grey_images()
    images[:, :4] = ball.WHITE
    missing = 5.0
    bias = (images * rise).sum((1, 2, 3)).max() + missing
    victim = linear(np.stack([0 * rise, rise], axis=-1), bias=bias)
    attacked = attack(victim, images, Aim(np.zeros(len(images), np.intp)))
    assert (classes_of(victim, attacked) == 1).all()
    assert attacked.max() <= ball.WHITE
    exact = (bias - (images * rise).sum((1, 2, 3))) / np.linalg.norm(rise[4:])
    ratio = ball.sizes(attacked - images, ball.TWO) / exact
    assert ratio.min() > 0.999
    assert np.median(ratio) < 1.05


def test_a_target_costs_more_than_any_other_class():
    victim, images = curved(), grey_images()
    labels = classes_of(victim, images)
    target = (labels + 2) % 4
    near, far = attack(victim, images, Aim(labels)), attack(victim, images, Aim(target, targeted=True))
    np.testing.assert_array_equal(classes_of(victim, far), target)
    assert np.median(ball.sizes(far - images, ball.TWO)) > 1.05 * np.median(ball.sizes(near - images, ball.TWO))


def test_rows_that_are_there_or_never_get_there_come_back_clean():
    faces = planted()
    wrong = Aim((faces.labels + 1) % CLASSES)
    np.testing.assert_array_equal(attack(linear_victim(), faces.images, wrong), faces.images)
    flat, never = linear(np.zeros_like(kernel()[:, :, None])), Aim(np.zeros_like(faces.labels))
    np.testing.assert_array_equal(attack(flat, faces.images, never, steps=3), faces.images)


def test_perturbations_are_as_small_as_those_of_foolbox():
    foolbox = pytest.importorskip("foolbox")
    victim, images = curved(), grey_images()
    labels = classes_of(victim, images)
    theirs = foolbox.attacks.L2CarliniWagnerAttack(binary_search_steps=4, steps=60, initial_const=0.1)
    ours, other = attack(victim, images, Aim(labels), steps=60), of_foolbox(theirs, victim, images, labels)
    assert (classes_of(victim, ours) != labels).all()
    sizes = [np.median(ball.sizes(attacked - images, ball.TWO)) for attacked in (ours, other)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)
