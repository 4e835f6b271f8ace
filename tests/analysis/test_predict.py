"""Images come to a model as those it was trained on, and not twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from fer_cli import models
from fer_cli.analysis.evaluate import Evaluation, evaluate
from fer_cli.analysis.predict import correction_warning, fit_to_model, missing_corrections
from fer_cli.errors import InputError
from fer_cli.labels import EMOTIONS
from fer_cli.records import Records
from fer_cli.store.reader import open_dataset
from fer_cli.transform.adapt import adapt
from fer_cli.transform.illuminate import illuminate, step
from tests import helpers

PLANE = [step("plane")]


class Brightest:
    """A network without Keras: names a face by the brightest of the places of classes."""

    def predict(self, images: npt.NDArray[np.uint8], batch_size: int, verbose: int) -> npt.NDArray[np.float32]:
        places = [images[:, *helpers.place(label)].mean((1, 2, 3)) for label in range(len(EMOTIONS))]
        scores = np.exp(np.stack(places, 1) / 16 - 16)
        return (scores / scores.sum(1, keepdims=True)).astype(np.float32)

    def count_params(self) -> int:
        return 0


def network(*methods: str) -> models.LoadedModel:
    """A model whose training faces were corrected by `methods`."""
    metadata = {"transforms": [{"name": "crop"}, *map(step, methods)]}
    shape = (helpers.SIDE, helpers.SIDE, 1)
    return models.LoadedModel(Path("net.keras"), Brightest(), EMOTIONS, shape, metadata)  # type: ignore[arg-type]


def lit_records() -> Records:
    """Planted faces under a light from the right, which outshines the blocks that tell their classes."""
    records = helpers.planted_records((0, 28, 0))
    ramp = np.linspace(0, 150, helpers.SIDE)[None, :, None]
    return replace(records, images=(records.images * 0.4 + ramp).astype(np.uint8))


@pytest.fixture
def lit(tmp_path: Path) -> Path:
    return helpers.write_dataset(tmp_path / "lit.h5", lit_records())


@pytest.fixture
def flattened(tmp_path: Path) -> Path:
    """The same faces, corrected when the file was made."""
    records = lit_records()
    return helpers.write_dataset(
        tmp_path / "flattened.h5", replace(records, images=illuminate(records.images, "plane")), transforms=PLANE
    )


def run(dataset: Path, *members: models.LoadedModel, tta: str = "none", budget: int = 1 << 30) -> Evaluation:
    with open_dataset(dataset, budget) as data:
        return evaluate(members, data, "val", tta)


def test_a_model_brings_its_correction_to_a_dataset_without_it(lit: Path) -> None:
    (plain,), (corrected,) = (run(lit, network(*own)).members for own in ((), ("plane",)))
    assert plain.scores.accuracy < 0.6
    assert corrected.scores.accuracy == 1
    assert (plain.illumination, corrected.illumination) == ((), ("plane",))
    assert plain.warning is corrected.warning is None


@pytest.mark.parametrize("tta", ["none", "ten-crop"])
def test_a_dataset_that_has_the_correction_is_not_corrected_again(tta: str, lit: Path, flattened: Path) -> None:
    by_itself, prepared = (run(dataset, network("plane"), tta=tta) for dataset in (lit, flattened))
    assert (by_itself.probabilities == prepared.probabilities).all()
    assert prepared.members[0].illumination == ()
    assert prepared.members[0].warning is None


def test_streamed_rows_are_corrected_too(lit: Path) -> None:
    assert (run(lit, network("plane"), budget=0).probabilities == run(lit, network("plane")).probabilities).all()


def test_each_member_of_an_ensemble_gets_its_own_correction(lit: Path) -> None:
    found = run(lit, network("plane"), network())
    expected = (run(lit, network("plane")).probabilities + run(lit, network()).probabilities) / 2
    assert np.allclose(found.probabilities, expected, atol=1e-6)
    assert [member.illumination for member in found.members] == [("plane",), ()]


def test_a_dataset_with_a_correction_that_the_model_lacks_is_scored_with_a_warning(flattened: Path) -> None:
    found = run(flattened, network())
    warning = (
        f"{flattened}: the illumination of these images was corrected (plane), which cannot be undone; "
        "net.keras was trained on images without that"
    )
    assert found.members[0].warning == warning
    assert found.results()["warnings"] == [warning]
    assert found.members[0].illumination == ()


def test_images_are_resized_before_they_are_corrected() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (3, 40, 50, 3), np.uint8)
    small = adapt(colours, (24, 24, 1))
    assert (fit_to_model(colours, network("plane")) == illuminate(small, "plane")).all()
    assert (fit_to_model(colours, network("plane"), PLANE) == small).all()


@pytest.mark.parametrize(
    ("have", "own", "missing", "warning"),
    [
        ((), (), (), None),
        ((), ("gamma", "clahe"), ("gamma", "clahe"), None),
        (("gamma",), ("gamma", "clahe"), ("clahe",), None),
        (("gamma", "clahe"), ("gamma", "clahe"), (), None),
        (("clahe",), (), (), "without that"),
        (("clahe",), ("plane",), ("plane",), "corrected by plane"),
        (("clahe", "gamma"), ("clahe",), (), "corrected by clahe"),
        (("clahe",), ("gamma", "clahe"), ("gamma",), "corrected by gamma, clahe"),
    ],
)
def test_what_is_missing_and_what_is_too_much(
    have: tuple[str, ...], own: tuple[str, ...], missing: tuple[str, ...], warning: str | None
) -> None:
    steps = [{"name": "adapt", "shape": [24, 24, 1]}, *map(step, have)]
    assert missing_corrections(network(*own), steps) == missing
    found = correction_warning(network(*own), steps, "faces.h5")
    if warning is None:
        assert found is None
    else:
        assert found is not None
        assert found.startswith(f"faces.h5: the illumination of these images was corrected ({', '.join(have)})")
        assert found.endswith(f"net.keras was trained on images {warning}")


def test_a_model_without_metadata_asks_for_nothing() -> None:
    images = helpers.planted_records((0, 7, 0)).images
    assert (fit_to_model(images, replace(network(), metadata={})) == images).all()


def test_a_correction_that_this_version_does_not_know_is_named(lit: Path) -> None:
    with pytest.raises(InputError, match=r"net\.keras: unknown illumination correction 'retinex': known are equalize,"):
        run(lit, network("retinex"))


class Recorder:
    """A network without Keras that keeps what it is shown, and answers the same to all."""

    def __init__(self) -> None:
        self.seen: list[npt.NDArray[np.uint8]] = []

    def predict(self, images: npt.NDArray[np.uint8], batch_size: int, verbose: int) -> npt.NDArray[np.float32]:
        self.seen.append(images)
        return np.full((len(images), len(EMOTIONS)), 1 / len(EMOTIONS), np.float32)

    def count_params(self) -> int:
        return 0


def of_crops(crop: object = (24, 24), *methods: str) -> models.LoadedModel:
    """A model whose input is 20×18 pixels of images of a size (height, width)."""
    metadata = {"crop": list(crop) if isinstance(crop, tuple) else crop, "transforms": [*map(step, methods)]}
    return models.LoadedModel(Path("crops.keras"), Recorder(), EMOTIONS, (20, 18, 1), metadata)  # type: ignore[arg-type]


def shown(model: models.LoadedModel, dataset: Path, tta: str = "none") -> list[npt.NDArray[np.uint8]]:
    """What its network is shown of the val rows, view by view."""
    assert run(dataset, model, tta=tta).members[0].adapted is None
    network: Recorder = model.network
    return network.seen


def test_a_model_of_crops_sees_the_centre_unresized(lit: Path) -> None:
    (seen,) = shown(of_crops(), lit)
    np.testing.assert_array_equal(seen, lit_records().images[:, 2:22, 3:21])
    seen, mirrored = shown(of_crops(), lit, "flip")
    np.testing.assert_array_equal(mirrored, seen[:, :, ::-1])


def test_ten_crop_takes_crops_of_the_input_s_size(lit: Path) -> None:
    views = shown(of_crops(), lit, "ten-crop")
    images = lit_records().images
    for view, (top, left) in zip(views[::2], [(0, 0), (0, 6), (4, 0), (4, 6), (2, 3)], strict=True):
        np.testing.assert_array_equal(view, images[:, top : top + 20, left : left + 18])


def test_images_of_another_size_are_brought_to_that_of_training_first() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (3, 40, 50, 3), np.uint8)
    whole = adapt(colours, (24, 24, 1))
    assert (fit_to_model(colours, of_crops()) == whole[:, 2:22, 3:21]).all()
    corrected = illuminate(whole, "plane")
    assert (fit_to_model(colours, of_crops((24, 24), "plane")) == corrected[:, 2:22, 3:21]).all()


def test_a_correction_comes_before_the_crop(lit: Path) -> None:
    (seen,) = shown(of_crops((24, 24), "plane"), lit)
    np.testing.assert_array_equal(seen, illuminate(lit_records().images, "plane")[:, 2:22, 3:21])


def test_adapting_to_the_whole_image_is_told(lit: Path) -> None:
    assert run(lit, of_crops((30, 28))).members[0].adapted == "24×24×1 to 30×28×1"


@pytest.mark.parametrize("crop", [(19, 24), 24, (24,), ("24", "24"), "24"])
def test_a_crop_that_cannot_be_is_refused(lit: Path, crop: object) -> None:
    with pytest.raises(InputError, match=r"crops\.keras: crop: expected .* that hold the network's input of 20×18"):
        run(lit, of_crops(crop))
