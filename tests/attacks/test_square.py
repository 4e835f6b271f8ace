import keras
import numpy as np
import pytest
from keras import ops

from fer_cli.attacks import ball
from fer_cli.attacks.base import Aim, Victim
from fer_cli.attacks.fgsm import Fgsm
from fer_cli.attacks.square import Square, bump
from tests.attacks.networks import CLASSES, SIDE, classes_of, grey_images, linear

NORMS = pytest.mark.parametrize(("norm", "epsilon"), [(ball.INF, 12.0), (ball.TWO, 60.0)])


class Rounded(keras.layers.Layer):
    """Levels in steps of 4, so that the gradient is 0 everywhere."""

    def call(self, x):
        return 4 * ops.floor(x / 4)


class Counting(Victim):
    """Notes how many images each query had."""

    def __init__(self, network):
        super().__init__(network)
        self.queries = []

    def predict(self, images):
        self.queries.append(len(images))
        return super().predict(images)


def quarters(*before):
    """A victim that names the brightest quarter of an image."""
    kernel = np.zeros((SIDE, SIDE, 1, CLASSES), np.float32)
    half = SIDE // 2
    for label in range(CLASSES):
        row, column = divmod(label, 2)
        kernel[row * half : (row + 1) * half, column * half : (column + 1) * half, 0, label] = 0.1
    return linear(kernel, *before)


@NORMS
def test_needs_no_gradient(norm, epsilon):
    victim, images = quarters(Rounded()), grey_images()
    aim = Aim(classes_of(victim, images))
    by_gradient = Fgsm(victim, norm).perturb(images, aim, epsilon, np.random.default_rng(0))
    np.testing.assert_array_equal(by_gradient, images)
    attacked = Square(victim, norm, steps=100).perturb(images, aim, epsilon, np.random.default_rng(0))
    assert aim.reached(victim.predict(attacked)).all()
    assert ball.sizes(attacked - images, norm).max() <= epsilon * (1 + 1e-5)


@NORMS
def test_reaches_a_target(norm, epsilon):
    victim, images = quarters(), grey_images()
    aim = Aim((classes_of(victim, images) + 1) % CLASSES, targeted=True)
    attacked = Square(victim, norm, steps=300).perturb(images, aim, epsilon, np.random.default_rng(0))
    assert aim.reached(victim.predict(attacked)).all()


def test_a_step_never_loses_what_was_won_and_rows_that_are_there_are_asked_about_no_more():
    victim, images = Counting(quarters().network), grey_images(64)
    aim = Aim(classes_of(victim, images))
    victim.queries.clear()
    gains = [
        aim.gain(victim.predict(Square(victim, steps=steps).perturb(images, aim, 8.0, np.random.default_rng(0))))
        for steps in (3, 30)
    ]
    open_before = gains[0] <= 0
    assert (gains[1] >= gains[0])[open_before].all()
    np.testing.assert_array_equal(gains[1][~open_before], gains[0][~open_before])
    assert open_before.any()
    assert min(victim.queries) < len(images)
    victim.queries.clear()
    Square(victim).perturb(images, Aim((aim.labels + 1) % CLASSES), 0.0, np.random.default_rng(0))
    assert victim.queries == [len(images)]


def test_squares_shrink_as_the_paper_has_it():
    attack = Square(quarters(), steps=10_000)
    areas = [attack._side(step, (1, 1000, 1000, 1)) ** 2 for step in (0, 10, 11, 50, 51, 200, 201, 9999)]
    np.testing.assert_allclose(areas, 8e5 / 2 ** np.array([0, 0, 1, 1, 2, 2, 3, 9]), rtol=0.05)


@pytest.mark.parametrize("side", [2, 3, 6, 7])
def test_a_bump_has_two_halves_that_cancel_and_length_1(side):
    one = bump(side, np.random.default_rng(0))
    assert np.square(one).sum() == pytest.approx(1)
    upright = one if one[0, 0] > 0 > one[-1, 0] else one.T
    assert (upright[: side // 2] > 0).all()
    assert (upright[side // 2 :] < 0).all()
