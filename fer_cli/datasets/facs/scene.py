"""How a face is seen: pose, gaze, place in the picture, light, camera and backdrop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scene:
    """One picture's circumstances. Axes are the image's: x to the right, y down.

    yaw, pitch, roll: head rotation in degrees; positive turns the face to the image's right, down, and clockwise.
    gaze_x, gaze_y: rotation of the eyes in the head in degrees, positive to the image's right and down.
    scale: half the head's height as a fraction of the image side. shift_x, shift_y: of the head's centre from the
    image's centre, as a fraction of the side.
    light_azimuth, light_elevation: where the light stands in degrees, positive at the image's right and above.
    light_strength: 0 (even light) to 1. exposure: factor on all brightness.
    blur: standard deviation as a fraction of the side. noise: standard deviation in grey levels.
    backdrop: cells a side of the coarse pattern behind the head. texture: seed of the backdrop and of the noise.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0
    scale: float = 0.48
    shift_x: float = 0.0
    shift_y: float = 0.0
    light_azimuth: float = 0.0
    light_elevation: float = 0.0
    light_strength: float = 0.0
    exposure: float = 1.0
    blur: float = 0.0
    noise: float = 0.0
    backdrop: int = 2
    texture: int = 0


_RANGES: dict[str, tuple[float, float]] = {
    "yaw": (-16.0, 16.0),
    "pitch": (-8.0, 8.0),
    "roll": (-8.0, 8.0),
    "gaze_x": (-25.0, 25.0),
    "gaze_y": (-14.0, 14.0),
    "scale": (0.46, 0.52),
    "shift_x": (-0.03, 0.03),
    "shift_y": (-0.03, 0.03),
    "light_azimuth": (-60.0, 60.0),
    "light_elevation": (-10.0, 60.0),
    "light_strength": (0.0, 0.7),
    "exposure": (0.8, 1.3),
    "blur": (0.0, 0.012),
    "noise": (0.0, 5.0),
}
_LOW, _HIGH = np.array(list(_RANGES.values())).T


def sample_scene(rng: np.random.Generator) -> Scene:
    """A scene with everything drawn uniformly from the default ranges."""
    values = rng.uniform(_LOW, _HIGH).tolist()
    return Scene(
        **dict(zip(_RANGES, values, strict=True)), backdrop=int(rng.integers(2, 6)), texture=int(rng.integers(2**32))
    )
