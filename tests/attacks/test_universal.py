import numpy as np
import pytest

from fer_cli.attacks import ball
from fer_cli.attacks.base import Aim
from fer_cli.attacks.universal import Universal
from tests.attacks.networks import classes_of, grey_images, linear

NORMS = pytest.mark.parametrize("norm", [ball.INF, ball.TWO])


def one_way(seed=0):
    """A victim of two classes that one direction leads from the first to the second, and that direction (H, W, C)."""
    direction = np.random.default_rng(seed).choice([-0.05, 0.05], (8, 8, 1)).astype(np.float32)
    middle = float((127.5 * direction).sum())
    return linear(np.stack([0 * direction, direction], axis=-1), bias=middle + 20.0), direction


def learnt(victim, norm, epsilon, aim, rows=32, steps=30):
    attack = Universal(victim, norm, steps=steps)
    attack.learn(grey_images(rows, seed=7), aim(rows), epsilon, np.random.default_rng(0))
    return attack


@NORMS
@pytest.mark.parametrize("targeted", [False, True])
def test_one_change_within_epsilon_moves_rows_it_has_not_seen(norm, targeted):
    victim, direction = one_way()
    images = grey_images(64)
    assert (classes_of(victim, images) == 0).all()
    # As far as the row that is hardest to move, and a fifth more.
    far = -(victim.predict(images) @ [-1.0, 1.0]).min() / np.linalg.norm(
        direction.ravel(), 1 if norm == ball.INF else 2
    )
    epsilon = 1.2 * far
    attack = learnt(victim, norm, epsilon, lambda n: Aim(np.full(n, int(targeted)), targeted))
    changes = attack.perturb(images, Aim(np.zeros(64, np.intp)), epsilon, np.random.default_rng()) - images
    np.testing.assert_allclose(changes, np.broadcast_to(changes[:1], changes.shape), atol=1e-4)
    assert ball.sizes(changes, norm).max() <= epsilon * (1 + 1e-5)
    assert (classes_of(victim, images + changes) == 1).all()
    against = np.random.default_rng(1).choice([-1.0, 1.0], direction.shape).astype(np.float32)
    against *= epsilon / ball.sizes(against[None], norm)
    assert (classes_of(victim, images + against) == 0).mean() > 0.9


def test_each_epsilon_has_a_change_of_its_own_and_stays_in_range():
    victim, _ = one_way()
    attack = learnt(victim, ball.INF, 2.0, lambda n: Aim(np.zeros(n, np.intp)))
    small = attack.perturb(grey_images(), Aim(np.zeros(16, np.intp)), 2.0, np.random.default_rng())
    attack.learn(grey_images(), Aim(np.zeros(16, np.intp)), 9.0, np.random.default_rng(0))
    black = np.zeros_like(grey_images())
    large = attack.perturb(black, Aim(np.zeros(16, np.intp)), 9.0, np.random.default_rng())
    assert small.max() - grey_images().max() <= 2.0
    assert 2.0 < large.max() <= 9.0
    assert large.min() == 0.0
    np.testing.assert_array_equal(
        attack.perturb(grey_images(), Aim(np.zeros(16, np.intp)), 2.0, np.random.default_rng()), small
    )
