import cv2
import numpy as np
import pytest

from fer_cli.datasets import nearby
from fer_cli.datasets.audit import digests, near_duplicates
from fer_cli.datasets.nearby import distances, find_near, near_pairs, perceptual_hashes


def scenes(count: int, seed: int = 0) -> np.ndarray:
    """Smooth pictures, uint8 (count, 48, 48, 1), each of its own low frequencies."""
    coarse = np.random.default_rng(seed).uniform(40, 215, (count, 6, 6)).astype(np.float32)
    return (
        np.stack([cv2.resize(c, (48, 48), interpolation=cv2.INTER_CUBIC) for c in coarse])
        .clip(0, 255)
        .astype(np.uint8)[..., None]
    )


def test_size_brightness_contrast_and_compression_hardly_change_the_hash() -> None:
    images = scenes(40)
    plain = perceptual_hashes(images)
    large = np.stack([cv2.resize(i, (96, 96))[..., None] for i in images])
    dim = (images * 0.7 + 20).astype(np.uint8)
    color = np.repeat(images, 3, axis=3)
    jpeg = np.stack(
        [cv2.imdecode(cv2.imencode(".jpg", i, [cv2.IMWRITE_JPEG_QUALITY, 70])[1], 0)[..., None] for i in images]
    )
    for changed in (large, dim, color, jpeg):
        assert np.median(distances(plain, perceptual_hashes(changed))) <= nearby.DISTANCE
    different = distances(plain[:-1], plain[1:])
    assert different.min() > 2 * nearby.DISTANCE


@pytest.mark.parametrize("distance", [0, 2, 4, 7, 10])
def test_near_pairs_are_those_that_a_full_search_finds(distance: int) -> None:
    rng = np.random.default_rng(distance)
    base = rng.integers(0, 2**64, 60, np.uint64)
    flips = [np.bitwise_or.reduce(np.uint64(1) << rng.choice(64, k, False).astype(np.uint64)) for k in range(1, 13)]
    hashes = np.unique(np.concatenate([base, *(base[:10] ^ flip for flip in flips)]))
    wanted = {
        (i, j)
        for i in range(len(hashes))
        for j in range(i + 1, len(hashes))
        if bin(int(hashes[i]) ^ int(hashes[j])).count("1") <= distance
    }
    found = list(zip(*near_pairs(hashes, distance), strict=True))
    assert len(found) == len(set(found))
    assert set(found) == wanted
    assert distance < 4 or wanted


def test_small_pieces_of_work_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = np.unique(np.random.default_rng(0).integers(0, 256, 200, np.uint64))
    whole = near_pairs(hashes, 3)
    monkeypatch.setattr(nearby, "_CHUNK", 5)
    assert np.array_equal(near_pairs(hashes, 3), whole)


def test_groups_are_chains_of_near_images() -> None:
    hashes = np.array([0b0, 0b11, 0b1111, 0xFF00, 0b0], np.uint64)
    near = find_near(hashes, 2)
    assert near.groups[[0, 1, 2, 4]].tolist() == [near.groups[0]] * 4
    assert near.groups[3] != near.groups[0]
    assert {frozenset(pair) for pair in near.pairs.tolist()} == {frozenset(p) for p in ((0, 4), (0, 1), (1, 2))}
    assert sorted(near.bits.tolist()) == [0, 2, 2]


def test_an_audit_names_near_pairs_across_splits_first() -> None:
    images = scenes(6)
    images[4], images[5] = images[0], images[1]
    images[4, :8, :8] += 1  # near, not identical, and in another split
    near = find_near(perceptual_hashes(images), 4)
    found = near_duplicates(near, digests(images), np.zeros(6, np.uint8), np.array([0, 0, 0, 0, 2, 0], np.uint8))
    assert (found["images"], found["pairs"], found["distance"]) == (2, 1, 4)
    assert found["repeated"] == {"train": 1, "val": 0, "test": 0}
    assert found["shared"]["test"] == {"train": 1, "val": 0}
    assert [sorted(example["rows"]) for example in found["examples"]] == [[0, 4]]


def test_no_images_have_no_pairs() -> None:
    near = find_near(perceptual_hashes(scenes(3)), 4)
    found = near_duplicates(near, digests(scenes(3)), np.zeros(3, np.uint8), np.zeros(3, np.uint8))
    assert (found["images"], found["pairs"], found["examples"]) == (0, 0, [])
