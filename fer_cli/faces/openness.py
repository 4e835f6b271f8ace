"""How far eyes are open, and blinks.

An open eye is bright, dark and bright again from corner to corner: its gradients run across. Closed lids are one dark
line: theirs run up and down. The share of the gradients' energy that runs across therefore falls with the lids,
whatever the light and the size. Scaled, it is near the distance of the lids over the width of the eye on drawn faces:
0.45 for eyes at rest, 0.05 for shut ones. Of real ones it is smaller and differs from person to person (0.25 to 0.4),
so it is to be compared with a person's own (`faces.calibration`). Eyes that are nearly hidden, by a look down, by
laughter or by hair, count as closed.
"""

from __future__ import annotations

import cv2
import numpy as np

from fer_cli.faces.eye_centres import EYE_DISTANCE, HEIGHT, WIDTH, Floats

#: Openness of the eyes of somebody who was not calibrated: on the low side, lest narrow eyes count as closed.
OPEN = 0.35
#: The part of a picture that counts, from its middle in distances of the eyes: an eye's width, without the brow.
_HALF_WIDTH, _HALF_HEIGHT = 0.25, 0.17
_SCALE = 1.1
#: Blinks take 0.1 to 0.4 seconds (Schiffman, "Sensation and perception", 2001); with sampled frames up to a bit more.
LONGEST_BLINK = 0.5


def openness(pictures: Floats) -> list[float]:
    """The openness of each eye in pictures of `eye_centres.eye_pictures`, (N, HEIGHT, WIDTH): 0 for shut, up to 1.1."""
    half_width, half_height = round(_HALF_WIDTH * EYE_DISTANCE), round(_HALF_HEIGHT * EYE_DISTANCE)
    rows = slice(HEIGHT // 2 - half_height, HEIGHT // 2 + half_height)
    columns = slice(WIDTH // 2 - half_width, WIDTH // 2 + half_width)
    found = []
    for picture in pictures:
        across, down = (cv2.Sobel(picture, cv2.CV_32F, *order)[rows, columns] for order in ((1, 0), (0, 1)))
        energy_across, energy_down = float(np.square(across).sum()), float(np.square(down).sum())
        found.append(_SCALE * energy_across / max(energy_across + energy_down, 1e-6))
    return found


class Blinks:
    """Counts blinks frame by frame: eyes that close and open again within `LONGEST_BLINK` seconds.

    closed: openness below which eyes are closed, half of what is usual. At least ten frames a second are needed, for a
    blink may fall between two frames.
    """

    def __init__(self, closed: float = OPEN / 2) -> None:
        self.count = 0
        self._closed = closed
        self._since: float | None = None
        self._opened = False

    def update(self, seconds: float, openness: float | None) -> bool:
        """Tell the openness of a frame, None without a face, at a time that must not fall; whether a blink ended."""
        if openness is None:
            self._since, self._opened = None, False
            return False
        if openness < self._closed:
            # Eyes that were never seen open are no blink.
            if self._since is None and self._opened:
                self._since = seconds
            self._opened = False
            return False
        ended = self._since is not None and seconds - self._since <= LONGEST_BLINK
        self._since, self._opened = None, True
        self.count += ended
        return ended
