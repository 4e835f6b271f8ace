"""One contract for every kind of features, what each of them sees, and the texts that name them."""

from __future__ import annotations

import functools
import zipfile
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from fer_cli.catalog import FEATURES
from fer_cli.classical import keypoints, lbp
from fer_cli.classical.features import BLOCK, Features, parse
from fer_cli.classical.hog import CELLS
from fer_cli.datasets.facs.action_units import sample_units
from fer_cli.datasets.facs.draw import draw_faces
from fer_cli.datasets.facs.face import Face
from fer_cli.datasets.facs.person import sample_person
from fer_cli.datasets.facs.scene import Scene, sample_scene
from fer_cli.errors import InputError, UsageError
from fer_cli.labels import EMOTIONS
from fer_cli.store.reader import open_dataset
from fer_cli.transform.illuminate import illuminate, step
from tests.helpers import planted_faces, write_model

Pixels = npt.NDArray[np.uint8]


@functools.cache
def drawn(size: int, color: str) -> Pixels:
    """uint8 (9, size, size, C): five drawn faces, three flat images, and noise."""
    rng = np.random.default_rng(3)
    faces = [Face(sample_person(rng), sample_units(rng, name), sample_scene(rng)) for name in EMOTIONS[:5]]
    images = draw_faces(faces, size, color)
    flat = [np.full(images.shape[1:], level, np.uint8) for level in (0, 128, 255)]
    return np.stack([*images, *flat, rng.integers(0, 256, images.shape[1:], np.uint8)])


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Features]:
    """Each kind of the catalog by its name."""
    network = write_model(tmp_path_factory.mktemp("network") / "planted.keras")
    return {name: parse(f"{name}:{network}" if name == "embedding" else name) for name in FEATURES}


@pytest.mark.parametrize("color", ["gray", "rgb"])
@pytest.mark.parametrize("size", [24, 48, 53, 96])
@pytest.mark.parametrize("name", FEATURES)
def test_contract(features: dict[str, Features], name: str, size: int, color: str) -> None:
    images, kind = drawn(size, color), features[name]
    before = images.copy()
    found = kind.compute(images)
    names = kind.names(images.shape[1:])
    assert found.dtype == np.float32
    assert found.shape == (len(images), len(names))
    assert len(set(names)) == len(names)
    assert np.isfinite(found).all()
    assert (kind.compute(images) == found).all()
    assert (images == before).all()
    # A face is described in the same way in whatever company; networks round differently in other batches.
    parts = [kind.compute(images[part]) for part in (slice(0, 1), slice(1, 6), slice(6, 9))]
    assert np.allclose(np.concatenate(parts), found, rtol=1e-3, atol=1e-3)
    # Different faces are told apart.
    assert len(np.unique(found[:5], axis=0)) == 5
    assert kind.compute(images[:0]).shape == (0, len(names))


def test_images_may_stay_on_disk_and_progress_is_told(dataset: Path, features: dict[str, Features]) -> None:
    done: list[int] = []
    with open_dataset(dataset, budget=0) as opened:
        images = opened.images("train")
        assert not images.in_memory
        streamed = features["hog"].compute(images, done.append)
        assert (streamed == features["hog"].compute(images.take(range(len(images))))).all()
    assert sum(done) == len(streamed) == 70
    features["pixels"].compute(np.zeros((BLOCK + 1, 3, 3, 1), np.uint8), done.append)
    assert done[-2:] == [BLOCK, 1]


def test_features_side_by_side_are_those_of_each(features: dict[str, Features]) -> None:
    images = drawn(48, "gray")
    both = parse("lbp+hog")
    apart = [features[name].compute(images) for name in ("lbp", "hog")]
    assert (both.compute(images) == np.concatenate(apart, axis=1)).all()
    assert both.names((48, 48, 1)) == [*features["lbp"].names((48, 48, 1)), *features["hog"].names((48, 48, 1))]


def test_pixels_are_the_image_and_say_which(features: dict[str, Features]) -> None:
    image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(1, 2, 3, 3)
    assert features["pixels"].compute(image)[0].tolist() == list(range(18))
    assert features["pixels"].names((2, 3, 3))[9:12] == ["pixel 1,0 red", "pixel 1,0 green", "pixel 1,0 blue"]


@pytest.mark.parametrize("size", [24, 48, 96])
def test_hog_says_where_an_edge_is_and_which_way_it_runs(features: dict[str, Features], size: int) -> None:
    cell = size // CELLS
    image = np.zeros((1, size, size, 1), np.uint8)
    # Bright from within the cells of row 3 down.
    image[:, 3 * cell + cell // 2 :] = 200
    names = np.array(features["hog"].names((size, size, 1)))
    for picture, word, degrees in ((image, 0, {"90°"}), (image.transpose(0, 2, 1, 3), 1, {"10°", "170°"})):
        found = features["hog"].compute(picture)[0]
        seen = [name.split() for name in names[found > 0.01]]
        # The blocks that begin in row (column) 2 and 3 reach row (column) 3.
        assert {place.split(",")[word] for _, place, *_ in seen} == {"2", "3"}
        assert {angle for *_, angle in seen} == degrees
        strongest = names[found.argmax()].split()
        assert int(strongest[1].split(",")[word]) + int(strongest[3].split(",")[word]) == 3


def test_hog_evens_out_light(features: dict[str, Features]) -> None:
    faces = drawn(48, "gray")[:5] // 2
    bright = (faces + 100).astype(np.uint8)
    assert np.allclose(features["hog"].compute(faces), features["hog"].compute(bright), atol=1e-5)
    stronger = features["hog"].compute((faces * 2).astype(np.uint8))
    assert np.abs(stronger - features["hog"].compute(faces)).mean() < 0.01


def test_lbp_sees_order_alone(features: dict[str, Features]) -> None:
    faces = drawn(48, "gray")[:5] // 2
    lighter = np.round(255 * np.sqrt(np.arange(128) / 127)).astype(np.uint8)
    assert len(set(lighter)) == 128
    assert (features["lbp"].compute(faces) == features["lbp"].compute(lighter[faces])).all()


def test_lbp_counts_patterns_by_region(features: dict[str, Features]) -> None:
    image = np.zeros((28, 28, 1), np.uint8)
    # A bright dot in the middle of the region in row 1, column 2: darker all around it.
    image[6, 10] = 200
    found = features["lbp"].compute(image[None])[0].reshape(lbp.GRID, lbp.GRID, lbp.BINS)
    names = np.array(features["lbp"].names(image.shape)).reshape(found.shape)
    assert np.allclose(found.sum(2), 1)
    spot = names[1, 2].tolist().index("lbp 1,2 00000000")
    flat = names[1, 2].tolist().index("lbp 1,2 11111111")
    assert found[1, 2, spot] == 1 / 16
    # Its neighbours are as bright as all but none of theirs: flat, and those beside the dot too.
    assert found[1, 2, flat] == 15 / 16
    assert found[..., spot].sum() == found[1, 2, spot]


def test_uniform_patterns_are_the_58_of_the_paper() -> None:
    assert len(lbp.UNIFORM) == 58
    assert {0, 255, 0b00111000} <= set(lbp.UNIFORM.tolist())
    assert 0b01010000 not in lbp.UNIFORM


MEASURES = {name: number for number, name in enumerate(keypoints.GEOMETRY)}


def measures(points: list[tuple[float, float]], side: int = 48) -> dict[str, float]:
    found = keypoints.geometry(np.array([points], np.float32), side)[0]
    return {name.partition(",")[0]: found[number] for name, number in MEASURES.items()}


#: Eyes 20 pixels apart, nose 10 below, a mouth 16 wide 20 below.
FACE = [(14.0, 16.0), (34.0, 16.0), (24.0, 26.0), (16.0, 36.0), (32.0, 36.0)]


def test_geometry_of_a_known_face() -> None:
    found = measures(FACE)
    assert found["nose x"] == pytest.approx(0)
    assert found["nose y"] == pytest.approx(0.5)
    assert found["left mouth corner x"] == pytest.approx(-0.4)
    assert found["right mouth corner y"] == pytest.approx(1)
    assert found["mouth width"] == pytest.approx(0.8)
    assert found["nose to mouth"] == pytest.approx(0.5)
    assert found["mouth width over eyes to mouth"] == pytest.approx(0.8)
    assert found["mouth as seen from the nose"] == pytest.approx(2 * np.degrees(np.arctan(0.8)))
    assert found["mouth against eyes"] == pytest.approx(0)
    assert found["head tilt"] == pytest.approx(0)
    assert found["eye distance"] == pytest.approx(20 / 48)


def test_geometry_leaves_size_place_and_tilt_to_their_own_columns() -> None:
    crooked = [*FACE[:3], (16.0, 34.0), (32.0, 38.0)]
    turn = np.radians(25.0)
    rotation = 1.7 * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = (np.array(crooked) @ rotation.T + (5.0, -9.0)).tolist()
    plain, turned = measures(crooked), measures(moved)
    assert plain["mouth against eyes"] == pytest.approx(np.degrees(np.arctan2(4, 16)))
    assert turned["head tilt"] == pytest.approx(25.0, abs=1e-4)
    assert turned["eye distance"] == pytest.approx(1.7 * plain["eye distance"])
    for name in set(plain) - {"head tilt", "eye distance"}:
        assert turned[name] == pytest.approx(plain[name], abs=1e-4), name


def test_a_smile_widens_the_mouth_of_drawn_faces(features: dict[str, Features]) -> None:
    rng = np.random.default_rng(5)
    scene = Scene(scale=0.44, blur=0.006)
    people = [sample_person(rng) for _ in range(12)]
    width = [name.partition(",")[0] for name in keypoints.GEOMETRY].index("mouth width")
    happy, neutral = (
        features["keypoints"].compute(draw_faces([Face(p, sample_units(rng, name), scene) for p in people], 48))
        for name in ("happy", "neutral")
    )
    assert (happy[:, width] > neutral[:, width]).mean() > 0.8


def test_keypoints_do_not_depend_on_the_size_of_the_picture(features: dict[str, Features]) -> None:
    small = drawn(48, "gray")[:5]
    large = np.stack([cv2.resize(face, (96, 96), interpolation=cv2.INTER_NEAREST) for face in small])[..., None]
    assert np.allclose(features["keypoints"].compute(small), features["keypoints"].compute(large), atol=1e-3)


def test_what_is_no_face_is_described_by_the_usual_places_and_says_so(features: dict[str, Features]) -> None:
    images = drawn(48, "gray")
    kind = features["keypoints"]
    names = [name.partition(",")[0] for name in kind.names((48, 48, 1))]
    found = kind.compute(images)
    assert found[:, names.index("landmarks unsure")].tolist() == [0] * 5 + [1] * 4
    assert found[5:, names.index("head tilt")].tolist() == [0] * 4
    assert (found[5:, : len(keypoints.GEOMETRY)] == found[5, : len(keypoints.GEOMETRY)]).all()


def test_an_embedding_is_the_layer_of_that_name(model: Path) -> None:
    faces = planted_faces(np.arange(7, dtype=np.uint8))
    kind = parse(f"embedding:{model}")
    # The planted network's layer `embedding` is its scaled input.
    assert np.allclose(kind.compute(faces), faces.reshape(7, -1) / 255, atol=1e-6)
    assert kind.names((48, 48, 3))[:2] == ["embedding 0", "embedding 1"]
    logits = parse(f"embedding:{model}:logits").compute(faces)
    assert logits.shape == (7, 7)
    assert (logits.argmax(1) == np.arange(7)).all()
    larger = faces.repeat(2, axis=1).repeat(2, axis=2).repeat(3, axis=3)
    assert np.allclose(kind.compute(larger), kind.compute(faces), atol=1e-6)


def test_embeddings_travel_in_an_archive(tmp_path: Path) -> None:
    faces = planted_faces(np.arange(7, dtype=np.uint8))
    right, wrong = write_model(tmp_path / "c++.keras"), write_model(tmp_path / "wrong.keras", wrong=(2,))
    text = f"embedding:{right}:logits+hog+embedding:{wrong}:logits+pca:3"
    kind = parse(text)
    before = kind.compute(faces)
    with zipfile.ZipFile("stored.zip", "w") as archive:
        for member, content in kind.files().items():
            archive.writestr(member, content)
    assert sorted(kind.files()) == ["embedding-2.keras", "embedding.keras"]
    right.unlink()
    wrong.unlink()
    again = parse(text, archive=Path("stored.zip"))
    assert (again.compute(faces) == before).all()
    assert again.files() == kind.files()
    assert again.pca == 3


def test_a_network_of_corrected_faces_corrects_once(tmp_path: Path) -> None:
    plane = [step("plane")]
    faces = planted_faces(np.arange(7, dtype=np.uint8))
    network = write_model(tmp_path / "plane.keras", transforms=plane)
    corrected = illuminate(faces, "plane")
    found = parse(f"embedding:{network}").compute(faces)
    assert np.allclose(found, corrected.reshape(7, -1) / 255, atol=1e-6)
    assert np.allclose(parse(f"embedding:{network}", transforms=plane).compute(corrected), found, atol=1e-6)


@pytest.mark.parametrize(("text", "pca"), [("pca:0.90", 0.9), ("pca:103", 103), ("pca:1", 1), ("pixels+pca:0.5", 0.5)])
def test_pca_is_of_the_pixels_unless_something_else_is_named(text: str, pca: float) -> None:
    found = parse(text)
    assert found.pca == pca
    assert type(found.pca) is type(pca)
    assert found.names((1, 2, 1)) == ["pixel 0,0", "pixel 0,1"]
    assert parse("hog").pca is None
    assert parse("pca:5+hog").names((48, 48, 1)) == parse("hog").names((48, 48, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hgo", r"unknown kind of features 'hgo': did you mean 'hog'\? known are pixels, hog, lbp, .*, pca"),
        ("", "unknown kind of features ''"),
        ("hog:3", "expected hog with nothing behind it. Received: hog:3"),
        ("hog+lbp+hog", r"expected each kind once\. Received: hog\+lbp\+hog"),
        ("pca:2+pca:3", r"expected each kind once"),
        ("pca:1.5", "a part of the variance between 0 and 1, as in pca:103 or pca:0.90. Received: pca:1.5"),
        ("pca:0", "Received: pca:0"),
        ("pca", "Received: pca:"),
        ("pca:nan", "Received: pca:nan"),
        ("embedding", r"expected embedding:MODEL\.keras or embedding:MODEL\.keras:LAYER\. Received: embedding"),
    ],
)
def test_a_text_that_names_no_features_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse(text)
    assert caught.value.exit_code == 2


def test_networks_that_cannot_be_used_are_named(model: Path) -> None:
    with pytest.raises(InputError, match=r"planted\.keras: no layer 'pool'; it has .*embedding, logits"):
        parse(f"embedding:{model}:pool")
    with pytest.raises(InputError, match=r"none\.keras: no such model file"):
        parse("embedding:none.keras")
    Path("text.keras").write_text("not a network")
    with pytest.raises(InputError, match=r"text\.keras: not a Keras 3 model file"):
        parse("embedding:text.keras")
    with zipfile.ZipFile("empty.zip", "w"):
        pass
    with pytest.raises(InputError, match=r"empty\.zip: expected embedding\.keras, the network of its features"):
        parse("embedding:gone.keras", archive=Path("empty.zip"))


def test_keypoints_say_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(UsageError, match=r"finding landmarks needs KERAS_BACKEND=tensorflow\. Received: jax"):
        parse("keypoints")
