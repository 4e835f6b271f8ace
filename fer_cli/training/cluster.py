"""What a training run asks of the devices that it runs on, and the answer of a single one.

`fer_cli.training.distribute` has the answers of several devices and of several machines.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import keras

from fer_cli.errors import UsageError
from fer_cli.training.batches import TrainingBatches


class Cluster(Protocol):
    """Devices that train one network together.

    rank: number of this process, from 0; size: how many processes there are; devices: of all of them together.
    """

    rank: int
    size: int
    devices: int

    @property
    def chief(self) -> bool:
        """Whether this process writes the files."""
        ...

    def scope(self) -> AbstractContextManager[object]:
        """Where network and optimizer are to be built."""
        ...

    def alone(self) -> AbstractContextManager[object]:
        """Where a callback may build a network for itself, and run it."""
        ...

    def share(self, payload: bytes) -> bytes:
        """What the chief passes, in every process; `MissingError` when a worker that is needed for it is lost."""
        ...

    def fit(
        self,
        network: keras.Model,
        batches: TrainingBatches,
        initial_epoch: int,
        epochs: int,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> None:
        """Train from `initial_epoch` up to `epochs`, calling the chief's `callbacks` as `keras.Model.fit` does.

        All processes begin with the chief's variables. Raises `UsageError` where the devices cannot have equal parts
        of a batch, and `MissingError` when a worker is lost.
        """
        ...


class OneDevice:
    """This process alone, on the device that Keras picks."""

    rank, size, devices, chief = 0, 1, 1, True

    def scope(self) -> AbstractContextManager[object]:
        """Nothing special."""
        return contextlib.nullcontext()

    def alone(self) -> AbstractContextManager[object]:
        """Nothing special."""
        return contextlib.nullcontext()

    def share(self, payload: bytes) -> bytes:
        """What it is given: there is nobody else."""
        return payload

    def fit(
        self,
        network: keras.Model,
        batches: TrainingBatches,
        initial_epoch: int,
        epochs: int,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> None:
        """`keras.Model.fit`."""
        network.fit(
            batches.stream(initial_epoch),
            steps_per_epoch=batches.steps,
            epochs=epochs,
            initial_epoch=initial_epoch,
            shuffle=False,  # the batches are shuffled already; Keras could not, and would warn
            callbacks=list(callbacks),
            verbose=0,
        )


def check_parts(batches: TrainingBatches, devices: int) -> None:
    """Raise `UsageError` where a batch cannot be divided into equal parts: means of means would be wrong."""
    if batches.batch_size % devices:
        raise UsageError(
            f"--batch-size: expected a multiple of {devices}, the number of devices. Received: {batches.batch_size}"
        )
