import keras
import numpy as np
import pytest
from keras import layers, ops

from fer_cli import gradients
from fer_cli.attacks.base import Aim, Victim
from fer_cli.attacks.patch import Patch, draw_places, paste, side_of
from tests.attacks.networks import classes_of, grey_images

#: What the planted network looks for: a block of 3×3 pixels that is brighter than this.
BRIGHT = 200.0


def seeker(channels=1):
    """A victim that says 1 where a bright block lies anywhere in the image, else 0."""
    inputs = keras.Input((8, 8, channels))
    look, say = layers.Conv2D(1, 3, name="look"), layers.Dense(2, name="logits")
    outputs = layers.Softmax()(say(layers.GlobalMaxPooling2D()(look(inputs))))
    look.set_weights([np.full((3, 3, channels, 1), 1 / (9 * channels)), np.zeros(1)])
    say.set_weights([np.array([[0.0, 0.05]]), np.array([0.05 * BRIGHT, 0.0])])
    return Victim(keras.Model(inputs, outputs))


def learnt(victim, epsilon, targeted, channels=1):
    """An attack that has learnt to lead away from 0 or, where targeted, to 1."""
    attack = Patch(victim, steps=40)
    images = grey_images(32, channels, seed=5)
    attack.learn(images, Aim(np.full(32, int(targeted)), targeted), epsilon, np.random.default_rng(0))
    return attack


def laid(patch, images, places):
    tensors = gradients.as_tensor(patch), gradients.as_tensor(images), ops.convert_to_tensor(places, "int32")
    return gradients.as_array(paste(*tensors))


@pytest.mark.parametrize(("targeted", "channels"), [(False, 1), (True, 3)])
def test_finds_what_the_network_looks_for_and_touches_nothing_else(targeted, channels):
    victim, images, part = seeker(channels), grey_images(40, channels), 0.25
    assert (classes_of(victim, images) == 0).all()
    attacked = learnt(victim, part, targeted, channels).perturb(
        images, Aim(np.zeros(40, np.intp)), part, np.random.default_rng(1)
    )
    assert (classes_of(victim, attacked) == 1).mean() > 0.9
    touched = (attacked != images).any(-1)
    assert touched.mean((1, 2)).max() <= part
    places = draw_places(images.shape, 4, np.random.default_rng(1))
    for before, after, changed, (row, column) in zip(images, attacked, touched, places, strict=True):
        changed[row : row + 4, column : column + 4] = False
        np.testing.assert_array_equal(before[~changed], np.where(changed[..., None], after, before)[~changed])
        assert not changed.any()
    assert len({tuple(place) for place in places}) > 10


def test_the_same_patch_without_learning_moves_few():
    victim, images = seeker(), grey_images(40)
    noise = np.random.default_rng(0).uniform(0, 255, (1, 4, 4, 1)).astype(np.float32)
    places = draw_places(images.shape, 4, np.random.default_rng(1))
    attacked = laid(noise, images, places)
    assert (classes_of(victim, attacked) == 1).mean() < 0.5


def test_paste_lays_the_patch_where_it_is_told():
    images = np.zeros((2, 5, 6, 3), np.float32)
    patch = np.arange(1, 13, dtype=np.float32).reshape(1, 2, 2, 3)
    found = laid(patch, images, np.array([[0, 0], [3, 4]]))
    np.testing.assert_array_equal(found[0, :2, :2], patch[0])
    np.testing.assert_array_equal(found[1, 3:, 4:], patch[0])
    assert (found != 0).sum() == 2 * patch.size


@pytest.mark.parametrize(("part", "side"), [(0.0, 0), (0.0004, 0), (0.05, 10), (0.0625, 12), (0.25, 24), (1.0, 48)])
def test_the_patch_covers_no_more_than_its_part(part, side):
    assert side_of(part, (1, 48, 48, 1)) == side


def test_a_part_of_less_than_a_pixel_changes_nothing():
    attack = learnt(seeker(), 0.001, targeted=False)
    images = grey_images()
    np.testing.assert_array_equal(
        attack.perturb(images, Aim(np.zeros(16, np.intp)), 0.001, np.random.default_rng()), images
    )
