"""Training on several devices under TensorFlow: one loop for those of one machine and for those of several.

Keras 3 cannot `fit` under `MultiWorkerMirroredStrategy` (keras-team/keras issue 20585), but its `train_step` runs
inside `strategy.run`, where it averages the gradients over all devices.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import json
import logging
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context

from fer_cli.training.batches import Batch, TrainingBatches
from fer_cli.training.cluster import OneDevice, check_parts
from fer_cli.training.distribute_peers import Peers

#: Seconds without a sign of life after which TensorFlow gives a worker up.
HEARTBEAT_TIMEOUT = 10
#: Seconds in which TensorFlow must have connected workers that have met already.
CONNECT_TIMEOUT = 60

Logs = dict[str, Any]


def gpus() -> int:
    """How many GPUs this machine has."""
    return len(tf.config.list_physical_devices("GPU"))


def mirrored(devices: int) -> Replicas:
    """The first GPUs of this machine, or its CPU divided into so many parts."""
    kind = "GPU" if gpus() else "CPU"
    if kind == "CPU":
        parts = [tf.config.LogicalDeviceConfiguration() for _ in range(devices)]
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    with _quiet():
        return Replicas(tf.distribute.MirroredStrategy([f"{kind}:{number}" for number in range(devices)]))


def workers(peers: Peers) -> Replicas:
    """All devices of all workers, which must have met."""
    addresses = tf.train.ClusterSpec({"worker": list(peers.addresses)})
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        addresses, task_type="worker", task_id=peers.rank, num_accelerators={"GPU": gpus()}, rpc_layer="grpc"
    )
    # There is no public way to set the time after which a silent worker is given up; unset, it is minutes.
    context.context().configure_coordination_service(
        "standalone",
        service_leader="/job:worker/replica:0/task:0",
        heartbeat_timeout_in_ms=1000 * HEARTBEAT_TIMEOUT,
        coordinated_jobs=[
            context.coordination_config_pb2.CoordinatedJob(name="worker", num_tasks=len(peers.addresses))
        ],
    )
    with _quiet(), _bounded(), _own_sigterm():
        return Replicas(tf.distribute.MultiWorkerMirroredStrategy(resolver), peers)


class Replicas(OneDevice):
    """Equal copies of a network that see equal parts of each batch and change alike."""

    def __init__(self, strategy: tf.distribute.Strategy, peers: Peers | None = None) -> None:
        self._strategy, self._peers = strategy, peers
        self.rank, self.size = (peers.rank, len(peers.addresses)) if peers else (0, 1)
        self.chief, self.devices = self.rank == 0, strategy.num_replicas_in_sync

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Variables start as those of the chief."""
        with self._saying_who_is_lost(), self._strategy.scope():
            yield

    def share(self, payload: bytes) -> bytes:
        """What the chief passes, on every worker."""
        return self._peers.share(payload) if self._peers else payload

    def fit(
        self,
        network: keras.Model,
        batches: TrainingBatches,
        initial_epoch: int,
        epochs: int,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> None:
        """Train as `keras.Model.fit` does on one device, dropout aside: each device draws its own."""
        check_parts(batches, self.devices)
        mine = batches.batch_size // self.size
        stream = batches.stream(initial_epoch, slice(self.rank * mine, (self.rank + 1) * mine))
        listeners = keras.callbacks.CallbackList(list(callbacks) if self.chief else [], model=network)
        network.stop_training = False
        with self._saying_who_is_lost():
            self._start(network, batches.batch(initial_epoch, 0))
            self._epochs(network, stream, batches.steps, range(initial_epoch, epochs), listeners)

    @contextlib.contextmanager
    def _saying_who_is_lost(self) -> Iterator[None]:
        """TensorFlow stops the others' work when a worker is lost; ask who it is."""
        try:
            yield
        except tf.errors.OpError as error:
            lost = self._peers.lost() if self._peers else None
            if lost is None:
                raise
            # Its frames hold threads of TensorFlow's, which would complain when the interpreter ends.
            raise lost from error.with_traceback(None)

    def _start(self, network: keras.Model, batch: Batch) -> None:
        """Give all copies the chief's variables, and each its own random numbers for dropout."""
        with self._strategy.scope():
            # What `fit` does too: metrics make their variables when they first see shapes, and could not in a replica.
            network._symbolic_build(data_batch=batch)
        self._copy_from_chief([*network.variables, *network.optimizer.variables])
        seeds = [variable for variable in network.variables if "seed_generator" in variable.path]

        def part() -> None:
            number = tf.distribute.get_replica_context().replica_id_in_sync_group
            for seed in seeds:
                seed.assign(seed.value + tf.cast(tf.stack([number, 0]), seed.value.dtype))

        self._strategy.run(tf.function(part, autograph=False))

    def _epochs(
        self,
        network: keras.Model,
        stream: Iterator[Batch],
        steps: int,
        epochs: range,
        listeners: keras.callbacks.CallbackList,
    ) -> None:
        train = self._train_function(network)
        rates = [variable for variable in network.optimizer.variables if "learning_rate" in variable.path]
        logs: Logs = {}
        listeners.on_train_begin()
        for epoch in epochs:
            network.reset_metrics()
            listeners.on_epoch_begin(epoch)
            self._copy_from_chief(rates)
            for step in range(steps):
                listeners.on_train_batch_begin(step)
                logs = train(next(stream))
                listeners.on_train_batch_end(step, logs)
            listeners.on_epoch_end(epoch, logs)
            # The others have no history to decide by.
            if json.loads(self.share(json.dumps(bool(network.stop_training)).encode())):
                break
        network.optimizer.finalize_variable_values(network.trainable_variables)
        listeners.on_train_end(logs)

    def _train_function(self, network: keras.Model) -> Callable[[Batch], Logs]:
        """One step over the part of a batch that this process has; gives the means over all devices' parts."""
        here = self.devices // self.size

        def replica(data: tuple[tf.Tensor, ...]) -> Logs:
            logs = network.train_step(data)
            means: Logs = tf.distribute.get_replica_context().all_reduce("MEAN", logs)
            return means

        def step(data: Any) -> Any:
            with _synchronized(network):
                return self._strategy.run(replica, args=(data,))

        compiled = tf.function(step, autograph=False)

        def train(batch: Batch) -> Logs:
            def part(where: tf.distribute.experimental.ValueContext) -> tuple[tf.Tensor, ...]:
                number, size = where.replica_id_in_sync_group % here, len(batch[0]) // here
                return tuple(tf.convert_to_tensor(column[number * size : (number + 1) * size]) for column in batch)

            means = compiled(self._strategy.experimental_distribute_values_from_function(part))
            return {name: self._strategy.experimental_local_results(value)[0] for name, value in means.items()}

        return train

    def _copy_from_chief(self, variables: Sequence[keras.Variable]) -> None:
        """Set every copy of the variables to the chief's first one."""
        content = io.BytesIO()
        np.savez(content, *(keras.ops.convert_to_numpy(variable) for variable in variables))
        with np.load(io.BytesIO(self.share(content.getvalue())), allow_pickle=False) as arrays:
            for variable, name in zip(variables, arrays.files, strict=True):
                variable.assign(arrays[name])


@contextlib.contextmanager
def _synchronized(network: keras.Model) -> Iterator[None]:
    """Trace batch normalisation so that its statistics are those of the whole batch, as on one device.

    The layers forget it again: a model saved with `synchronized` would load under TensorFlow only.
    """
    layers = [layer for layer in network._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    before = [layer.synchronized for layer in layers]
    for layer in layers:
        layer.synchronized = True
    try:
        yield
    finally:
        for layer, value in zip(layers, before, strict=True):
            layer.synchronized = value


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep TensorFlow's remarks on its choice of devices from the user's terminal."""
    logger = logging.getLogger("tensorflow")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """End the process, with a traceback, where TensorFlow waits for ever for a worker that met us and went.

    It holds the interpreter's lock meanwhile, so that no Python of ours could.
    """
    faulthandler.dump_traceback_later(CONNECT_TIMEOUT, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


@contextlib.contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keep our answer to SIGTERM: TensorFlow takes the signal for a notice that the machine will be taken away."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)
