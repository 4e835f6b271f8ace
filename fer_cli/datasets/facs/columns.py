"""Many faces at once: the fields of many objects as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Columns:
    """A numeric field of N objects as (N, 1), a colour as (N, 3), so that a formula for one object serves all."""

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __getattr__(self, name: str) -> Points:
        column = np.array([getattr(item, name) for item in self._items], np.float64)
        column = column.reshape(len(self), -1)
        self.__dict__[name] = column
        return column

    def are(self, name: str, *values: str) -> Mask:
        """Whether the field `name` is one of `values`, (N,)."""
        return np.array([getattr(item, name) in values for item in self._items], np.bool_)

    def look_up(self, name: str, table: Mapping[str, Sequence[float]]) -> list[Points]:
        """The table's row for each object's field `name`, as columns (N, 1)."""
        rows = np.array([table[getattr(item, name)] for item in self._items], np.float64)
        return list(rows.T[:, :, None])


def active(column: Points) -> Mask:
    """Where a column (N, 1) is above 0, (N,)."""
    return column[:, 0] > 0.0
