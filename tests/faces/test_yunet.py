"""The detector yunet around a stand-in for OpenCV's network, whose weights are a file of the user's."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from fer_cli.errors import InputError, MissingError, UsageError
from fer_cli.faces.detect import shared_detector
from fer_cli.faces.yunet import VARIABLE, Yunet


class Network:
    """Finds one face at a fifth of its input's width and height; its red must come last."""

    size = (0, 0)

    def setInputSize(self, size: tuple[int, int]) -> None:  # noqa: N802 (OpenCV's name)
        self.size = size

    def detect(self, image: npt.NDArray[np.uint8]) -> tuple[int, npt.NDArray[np.float32] | None]:
        assert image.shape[1::-1] == self.size
        if image[0, 0, 2] < 128:
            return 0, None
        x, y = self.size[0] / 5, self.size[1] / 5
        eyes = [x + 4, y + 8, x + 16, y + 8]
        rest = [x + 10, y + 14, x + 6, y + 18, x + 14, y + 18]
        return 1, np.array([[x, y, 20, 24, *eyes, *rest, 0.75]], np.float32)


@pytest.fixture
def detector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Yunet:
    monkeypatch.setattr(cv2.FaceDetectorYN, "create", lambda *arguments: Network())
    (tmp_path / "yunet.onnx").touch()
    return Yunet(tmp_path / "yunet.onnx")


def picture(width: int, height: int, red: int = 200) -> npt.NDArray[np.uint8]:
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = red
    return image


def test_a_face_is_told_with_five_landmarks(detector: Yunet) -> None:
    (face,) = detector.detect(picture(200, 100))
    assert face.box == pytest.approx((40, 20, 20, 24))
    assert face.confidence == 0.75
    assert face.landmarks is not None
    assert face.landmarks.tolist() == [[44, 28], [56, 28], [50, 34], [46, 38], [54, 38]]
    assert np.array_equal(face.eyes, face.landmarks[:2])  # type: ignore[arg-type]


def test_places_in_a_large_picture_are_scaled_back(detector: Yunet) -> None:
    (face,) = detector.detect(picture(1280, 960))
    assert face.box == pytest.approx((256, 192, 40, 48))
    assert face.landmarks is not None
    assert face.landmarks[0].tolist() == [256 + 8.5, 192 + 16.5]


def test_no_face_is_an_empty_list(detector: Yunet) -> None:
    assert detector.detect(picture(50, 50, red=0)) == []


def test_the_model_file_must_be_named_and_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(MissingError, match=r"the detector yunet needs a model file, .* set FER_YUNET to its path"):
        Yunet()
    monkeypatch.setenv(VARIABLE, "gone.onnx")
    with pytest.raises(InputError, match=r"gone\.onnx: no such model file"):
        Yunet()
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(InputError, match=r"text\.onnx: not a YuNet model that OpenCV can run"):
        Yunet(tmp_path / "text.onnx")


def test_other_detectors_take_no_model_file() -> None:
    with pytest.raises(UsageError, match=r"only the detector yunet takes a model file\. Received: haar"):
        shared_detector("haar", Path("x.onnx"))
