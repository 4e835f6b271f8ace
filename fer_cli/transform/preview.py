"""What each operation of a policy does to a face, and what all of them do together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fer_cli.transform.augment import apply
from fer_cli.transform.parameters import draw
from fer_cli.transform.policy import Policy, parse_policy

#: Names the row of all operations, and the faces as they are.
WHOLE, ORIGINAL = "whole policy", "original"


def preview(faces: npt.NDArray[np.uint8], policy: Policy, draws: int, seed: int) -> dict[str, npt.NDArray[np.uint8]]:
    """Augmented faces, one entry for each operation of the policy (its text) and the last, `WHOLE`, for all.

    faces: uint8 (N, H, W, 1 or 3). Each entry is uint8 (N, 1 + draws, H, W, C): a face as it is, then augmented. The
    draws are the same in every entry, so that draw j of `WHOLE` does what draw j of all the others did.
    """
    parts = {word: parse_policy(word) for word in str(policy).split()} | {WHOLE: policy}
    repeated = np.repeat(faces, draws, axis=0)
    sheet = {}
    for text, part in parts.items():
        drawn = draw(part, len(repeated), faces.shape[1:], np.random.default_rng(seed))
        augmented = apply(repeated, drawn).reshape(len(faces), draws, *faces.shape[1:])
        sheet[text] = np.concatenate([faces[:, None], augmented], axis=1)
    return sheet
