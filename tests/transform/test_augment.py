from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_cli.transform.augment import apply, augment
from fer_cli.transform.parameters import ERASE_AREA, ERASE_ASPECT, Parameters, draw
from fer_cli.transform.policy import NAMED_POLICIES, OPERATIONS, Policy, parse_policy
from tests.transform.planted import noise_faces, still

SHAPE = (48, 48, 1)
#: The field of `Parameters` that an operation sets, where the names differ.
FIELDS = {"rotate": "angle", "perspective": "tilt", "erase": "box"}
EVERYTHING = Policy({name: operation.default for name, operation in OPERATIONS.items()})


def drawn(text: str, n: int = 4000) -> Parameters:
    return draw(parse_policy(text), n, SHAPE, np.random.default_rng(1))


def test_the_same_generator_gives_the_same_faces_and_another_does_not() -> None:
    faces = noise_faces(8)
    one, again, other = (augment(faces, EVERYTHING, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any(axis=(1, 2, 3)).all()


def test_a_generator_goes_on() -> None:
    faces, rng = noise_faces(8), np.random.default_rng(1)
    assert (augment(faces, EVERYTHING, rng) != augment(faces, EVERYTHING, rng)).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("name", NAMED_POLICIES)
def test_the_input_is_untouched_and_the_output_is_new(name: str) -> None:
    faces = noise_faces(4)
    before = faces.copy()
    out = augment(faces, parse_policy(name), np.random.default_rng(0))
    np.testing.assert_array_equal(faces, before)
    assert not np.shares_memory(out, faces)


@pytest.mark.parametrize("text", ["none", " ".join(f"{name}:0" for name in OPERATIONS)])
def test_zero_magnitudes_change_no_bit(text: str) -> None:
    faces = noise_faces(4)
    np.testing.assert_array_equal(augment(faces, parse_policy(text), np.random.default_rng(0)), faces)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_changes_faces_of_any_shape(name: str, channels: int) -> None:
    faces = noise_faces(16, 40, 56, channels)
    out = augment(faces, parse_policy(f"{name}:{OPERATIONS[name].maximum}"), np.random.default_rng(0))
    assert (out.shape, out.dtype) == (faces.shape, np.uint8)
    # A draw may come close to no change.
    assert (out != faces).any(axis=(1, 2, 3)).sum() >= 12


@pytest.mark.parametrize("name", OPERATIONS)
def test_adding_an_operation_leaves_the_others_as_they_were(name: str) -> None:
    without = Policy({other: value for other, value in EVERYTHING.magnitudes.items() if other != name})
    before, after = (draw(policy, 50, SHAPE, np.random.default_rng(1)) for policy in (without, EVERYTHING))
    changed = [f.name for f in fields(Parameters) if np.any(getattr(before, f.name) != getattr(after, f.name))]
    assert changed == [FIELDS.get(name, name)]


@pytest.mark.parametrize(
    ("text", "field", "low", "high"),
    [
        ("rotate:10", "angle", -10, 10),
        ("shift:0.1", "shift", -4.8, 4.8),
        ("zoom:0.15", "zoom", 0.85, 1.15),
        ("shear:5", "shear", -5, 5),
        ("perspective:0.05", "tilt", -0.05, 0.05),
        ("sharpness:0.5", "sharpness", 0.5, 1.5),
        ("brightness:0.2", "brightness", 0.8, 1.2),
        ("contrast:0.2", "contrast", 0.8, 1.2),
        ("gamma:0.25", "gamma", 0.8, 1.25),
        ("noise:0.02", "noise", 0, 0.02),
        ("blur:1", "blur", 0.48, 0.96),
    ],
)
def test_magnitudes_fill_their_range(text: str, field: str, low: float, high: float) -> None:
    values = getattr(drawn(text), field)
    tolerance = 0.01 * (high - low)
    assert low <= values.min() <= low + tolerance
    assert high - tolerance <= values.max() <= high


@pytest.mark.parametrize(
    ("name", "field"), [("flip", "flip"), ("blur", "blur"), ("normalize", "normalize"), ("erase", "box")]
)
def test_probabilities_are_kept(name: str, field: str) -> None:
    chosen = getattr(drawn(f"{name}:0.3"), field).reshape(4000, -1).any(axis=1)
    assert chosen.mean() == pytest.approx(0.3, abs=0.03)


def test_erased_rectangles_lie_inside_and_keep_their_range() -> None:
    top, left, bottom, right = drawn("erase:1").box.T
    height, width = bottom - top, right - left
    assert min(top.min(), left.min()) == 0
    assert max(bottom.max(), right.max()) == 48
    # Rounding the sides to whole pixels moves an area by at most half a pixel times each side.
    slack = (height + width) / 2 + 0.25
    assert (height * width >= ERASE_AREA[0] * 48**2 - slack).all()
    assert (height * width <= ERASE_AREA[1] * 48**2 + slack).all()
    assert ((height + 0.5) / (width - 0.5) >= ERASE_ASPECT[0]).all()
    assert ((height - 0.5) / (width + 0.5) <= ERASE_ASPECT[1]).all()


def test_background_threads_give_the_same_faces() -> None:
    faces = noise_faces(64)

    def work(seed: int) -> np.ndarray:
        return augment(faces, EVERYTHING, np.random.default_rng(seed))

    with ThreadPoolExecutor(4) as pool:
        parallel = list(pool.map(work, range(8)))
    np.testing.assert_array_equal(parallel, [work(seed) for seed in range(8)])


def test_an_empty_batch_stays_empty() -> None:
    assert augment(noise_faces(4)[:0], EVERYTHING, np.random.default_rng(0)).shape == (0, 24, 24, 1)


@pytest.mark.parametrize(
    "images", [np.zeros((2, 24, 24, 1), np.float32), noise_faces(2)[..., 0], noise_faces(2, channels=4)]
)
def test_images_of_another_kind_are_refused(images: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        apply(images, still(2, (24, 24)))


POLICIES = st.fixed_dictionaries({}, optional={name: st.floats(0, op.maximum) for name, op in OPERATIONS.items()})


@given(POLICIES, st.integers(0, 3), st.integers(2, 40), st.integers(2, 40), st.sampled_from((1, 3)))
def test_any_policy_keeps_what_images_are(
    magnitudes: dict[str, float], n: int, height: int, width: int, channels: int
) -> None:
    policy, faces = Policy(magnitudes), noise_faces(n, height, width, channels)
    before = faces.copy()
    parameters = draw(policy, n, faces.shape[1:], np.random.default_rng(n))
    assert all(len(value) == n for value in vars(parameters).values() if isinstance(value, np.ndarray))
    top, left, bottom, right = parameters.box.T
    assert ((top >= 0) & (left >= 0) & (bottom <= height) & (right <= width)).all()
    assert (np.abs(parameters.angle) <= policy["rotate"]).all()
    out = apply(faces, parameters)
    assert (out.shape, out.dtype) == (faces.shape, np.uint8)
    np.testing.assert_array_equal(faces, before)
