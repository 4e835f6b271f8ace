"""Training on more than one device: the same computation, with each batch divided among them.

Batches are those of one device, batch normalisation sees the whole batch, and only the chief (rank 0) calls back, so
only it scores, decides and writes files.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras

from fer_cli.errors import UsageError
from fer_cli.training.batches import TrainingBatches
from fer_cli.training.cluster import Cluster, OneDevice, check_parts
from fer_cli.training.distribute_peers import check_rank, meet


class JaxDevices(OneDevice):
    """The devices of one machine under JAX: one program over batches that are spread over them."""

    def __init__(self, devices: int) -> None:
        from jax import config

        config.update("jax_num_cpu_devices", devices)
        names = keras.distribution.list_devices()
        _check_devices(devices, len(names))
        self.devices = devices
        self._distribution = keras.distribution.DataParallel(devices=names[:devices])

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Variables are replicated on every device."""
        scope: contextlib.AbstractContextManager[Any] = self._distribution.scope()
        return scope

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Without the distribution, which cannot divide a batch of any size."""
        keras.distribution.set_distribution(None)
        try:
            yield
        finally:
            keras.distribution.set_distribution(self._distribution)

    def fit(
        self,
        network: keras.Model,
        batches: TrainingBatches,
        initial_epoch: int,
        epochs: int,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> None:
        """`keras.Model.fit`, each batch in equal parts."""
        check_parts(batches, self.devices)
        with self.scope():
            super().fit(network, batches, initial_epoch, epochs, callbacks)


def cluster(
    devices: int = 1, workers: Sequence[str] = (), rank: int | None = None, run: Mapping[str, Any] | None = None
) -> Cluster:
    """The devices to train on; to be called before the framework has computed anything.

    devices: of this machine; GPUs where there are any, else parts of the CPU. workers: addresses HOST:PORT of all
    machines, of which this one is number `rank`; each uses all of its GPUs, or its CPU. run: JSON-able, what the
    workers must have been asked for alike. Raises `UsageError` for what does not fit together or is not here, and
    `MissingError` where not all workers come in time.
    """
    check_rank(workers, rank)
    backend = keras.backend.backend()
    if workers and backend != "tensorflow":
        raise UsageError(f"--workers needs KERAS_BACKEND=tensorflow. Received: {backend}")
    if workers and devices > 1:
        raise UsageError("--devices is for one machine; with --workers each machine uses all of its devices")
    if devices == 1 and len(workers) < 2:
        return OneDevice()
    if backend == "jax":
        return JaxDevices(devices)
    if backend != "tensorflow":
        raise UsageError(f"--devices needs KERAS_BACKEND=tensorflow or jax. Received: {backend}")
    from fer_cli.training import distribute_tf

    if workers:
        return distribute_tf.workers(meet(workers, rank or 0, run or {}))
    _check_devices(devices, distribute_tf.gpus())
    return distribute_tf.mirrored(devices)


def _check_devices(asked: int, here: int) -> None:
    """Raise `UsageError` for more GPUs than there are; a machine that has none divides its CPU."""
    if 0 < here < asked:
        raise UsageError(f"--devices: this machine has {here}. Received: {asked}")
