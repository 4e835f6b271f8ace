"""What is told of viewers' faces beyond the classes: valence, joy, confusion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: How pleasant each emotion is, -1..1: the mean ratings of Russell and Mehrabian, "Evidence for a three-factor theory
#: of emotions", 1977. Neutral is 0 by definition. Contempt, not in their table, is put between anger and disgust.
VALENCE: dict[str, float] = {
    "happy": 0.81, "surprise": 0.40, "neutral": 0.0,
    "angry": -0.51, "contempt": -0.55, "disgust": -0.60, "sad": -0.63, "fear": -0.64,
}  # fmt: skip
#: The face of somebody who is confused lowers the brows (action unit 4) and tightens the lids (7): Craig, D'Mello,
#: Witherspoon and Graesser, "Emote aloud during learning with AutoTutor", 2008. No network here knows that face; so
#: the mix takes each emotion by the share of the two units in its prototype: anger and fear have both, sadness one.
CONFUSION: dict[str, float] = {"angry": 1.0, "fear": 1.0, "sad": 0.5}
#: The emotion that counts as joy.
JOY: dict[str, float] = {"happy": 1.0}


def mix(probabilities: Floats, class_names: Sequence[str], weights: dict[str, float]) -> Floats:
    """The weighted sum of probabilities (..., K) over classes: (...); classes without a weight count nothing."""
    mixed: Floats = probabilities @ np.array([weights.get(name, 0.0) for name in class_names])
    return mixed
