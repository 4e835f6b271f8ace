"""Writing small videos for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.faces.media import quiet_opencv


def write_clip(path: Path, images: Sequence[npt.NDArray[np.uint8]], rate: float = 25.0) -> Path:
    """A video of images uint8 (H, W, 3), RGB; Motion JPEG in .avi, MPEG-4 elsewhere."""
    codec = "MJPG" if path.suffix == ".avi" else "mp4v"
    height, width = images[0].shape[:2]
    with quiet_opencv():
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), rate, (width, height))
    assert writer.isOpened()
    for image in images:
        writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    writer.release()
    return path
