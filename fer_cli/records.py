"""`Records`: a batch of labelled faces on its way from an importer into a dataset file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from fer_cli.errors import InputError


@dataclass(frozen=True)
class Records:
    """N labelled images.

    images: uint8 (N, H, W, C), C is 1 or 3 (RGB), 0..255
    labels: uint8 (N,), index into the class names of the whole
    split: uint8 (N,), index into ("train", "val", "test")
    source: N strings, unique in the data set: where the row came from
    votes: float32 (N, K), rows sum to 1, or None
    subject: N strings, or None
    attributes: name -> uint8 or float32 (N,)
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    split: npt.NDArray[np.uint8]
    source: Sequence[str]
    votes: npt.NDArray[np.float32] | None = None
    subject: Sequence[str] | None = None
    attributes: dict[str, npt.NDArray[np.generic]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.images.dtype != np.uint8 or self.images.ndim != 4 or self.images.shape[3] not in (1, 3):
            raise InputError(
                f"images: expected uint8 (N, H, W, 1 or 3). Received: {self.images.dtype} {self.images.shape}"
            )
        columns = {"labels": self.labels, "split": self.split, "source": self.source, **self.attributes}
        if self.votes is not None:
            columns["votes"] = self.votes
        if self.subject is not None:
            columns["subject"] = self.subject
        for name, column in columns.items():
            if len(column) != len(self):
                raise InputError(f"{name}: expected {len(self)} rows, one an image. Received: {len(column)}")

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Records:
        """The named rows, in the order named (indices, or a mask)."""
        index = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return replace(
            self,
            images=self.images[index],
            labels=self.labels[index],
            split=self.split[index],
            source=[self.source[i] for i in index],
            votes=None if self.votes is None else self.votes[index],
            subject=None if self.subject is None else [self.subject[i] for i in index],
            attributes={name: column[index] for name, column in self.attributes.items()},
        )


def concatenate(parts: Sequence[Records]) -> Records:
    """All rows of at least one part; `InputError` where the parts do not have the same columns."""
    first = parts[0]
    for part in parts:
        if (
            set(part.attributes) != set(first.attributes)
            or (part.votes is None) != (first.votes is None)
            or (part.subject is None) != (first.subject is None)
        ):
            raise InputError(f"{part.source[0]}: its columns (votes, subject, attributes) differ from those before")
    return Records(
        images=np.concatenate([p.images for p in parts]),
        labels=np.concatenate([p.labels for p in parts]),
        split=np.concatenate([p.split for p in parts]),
        source=[s for p in parts for s in p.source],
        votes=None if first.votes is None else np.concatenate([p.votes for p in parts if p.votes is not None]),
        subject=None if first.subject is None else [s for p in parts if p.subject is not None for s in p.subject],
        attributes={name: np.concatenate([p.attributes[name] for p in parts]) for name in first.attributes},
    )
