"""A viewer of a lecture: what one person, or all before one camera, showed from when to when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Viewer:
    """One voice in the room.

    seconds: (N,) when something is known, rising, N at least 1. lasting: (N,) seconds for which it holds, above 0 and
    no longer than to the next. states: (N, 4) the share of each of `labels.ATTENTION`, rows sum to 1. probabilities:
    (N, K) of the emotions, NaN without a face. interval: the usual time between two rows in seconds.
    """

    name: str
    seconds: Floats
    lasting: Floats
    states: Floats
    probabilities: Floats
    interval: float

    @property
    def end(self) -> float:
        """When the last row ends, in seconds."""
        return float(self.seconds[-1] + self.lasting[-1])

    def gaps(self) -> Floats:
        """Seconds of each time between two rows for which nothing is known."""
        missing = self.seconds[1:] - (self.seconds + self.lasting)[:-1]
        return missing[missing > 1e-6]

    def mean_states(self) -> Floats:
        """(4,) the share of each state in the time that is known."""
        return np.average(self.states, axis=0, weights=self.lasting)

    def mean_probabilities(self) -> Floats:
        """(K,) of the emotions in the time with a face, NaN where there is none."""
        known = ~np.isnan(self.probabilities[:, 0])
        if not known.any():
            return np.full(self.probabilities.shape[1], np.nan)
        return np.average(self.probabilities[known], axis=0, weights=self.lasting[known])
