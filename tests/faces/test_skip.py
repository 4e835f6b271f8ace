from __future__ import annotations

import numpy as np

from fer_cli.faces.crop import crop_face
from fer_cli.faces.detect import shared_detector


def test_the_whole_picture_is_the_face_and_stays_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 255, (30, 20, 3), np.uint8)
    (face,) = shared_detector("skip").detect(image)
    assert (face.box, face.confidence, face.eyes) == ((0.0, 0.0, 20.0, 30.0), 1.0, None)
    crop = crop_face(image, shared_detector("skip"), margin=0.5, align=True)
    assert crop is not None
    assert np.array_equal(crop, image)
