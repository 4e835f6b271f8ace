"""How the workers of a run meet, share and miss each other; what cannot be asked for. No network is trained here."""

from __future__ import annotations

import functools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import pytest

from fer_cli.errors import FerError, MissingError, UsageError
from fer_cli.training import distribute, distribute_peers
from fer_cli.training.cluster import OneDevice
from fer_cli.training.distribute_peers import Peers, check_rank, meet, parse_workers


def free_addresses(count: int) -> tuple[str, ...]:
    """Addresses of this machine whose ports nobody uses."""
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()
    return tuple(f"127.0.0.1:{port}" for port in ports)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """The result of each call, or the `FerError` that it raised, all made at the same time."""

    def outcome(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except FerError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(outcome, calls))


@pytest.fixture
def try_to_meet() -> Iterator[Callable[..., list[Any]]]:
    """Lets workers (rank, run) meet at the same time; gives the `Peers` or the error of each."""
    opened: list[Any] = []

    def meet_all(addresses: Sequence[str], *workers: tuple[int, dict[str, Any]]) -> list[Any]:
        outcomes = at_once(*(functools.partial(meet, addresses, rank, run) for rank, run in workers))
        opened.extend(outcome for outcome in outcomes if isinstance(outcome, Peers))
        return outcomes

    yield meet_all
    for peers in opened:
        peers.close()


@pytest.fixture
def met(try_to_meet: Callable[..., list[Any]]) -> Callable[[int], list[Peers]]:
    """So many workers that have met."""
    return lambda count: try_to_meet(free_addresses(count), *((rank, {}) for rank in range(count)))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribute_peers, "START_WAIT", 0.5)
    monkeypatch.setattr(distribute_peers, "ANSWER_WAIT", 0.3)


class TestAddresses:
    def test_a_list(self) -> None:
        assert parse_workers("one:2222, [::1]:80") == ("one:2222", "[::1]:80")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("one", "expected HOST:PORT,HOST:PORT,… Received: one"),
            ("one:2222,:80", "Received: :80"),
            ("one:2222,two:http", "Received: two:http"),
            ("one:2222,two:65536", "Received: two:65536"),
            ("one:2222,", "Received: an empty address"),
            ("one:1,one:1", "Received twice: one:1"),
        ],
    )
    def test_what_is_none(self, text: str, message: str) -> None:
        with pytest.raises(UsageError, match=message.replace("[", r"\[")):
            parse_workers(text)

    @pytest.mark.parametrize(
        ("workers", "rank", "message"),
        [
            ((), 0, "--rank needs --workers"),
            (("one:1", "two:2"), None, "--workers needs --rank"),
            (("one:1", "two:2"), 2, "--rank: expected 0 to 1 for 2 workers. Received: 2"),
        ],
    )
    def test_ranks_that_do_not_fit(self, workers: tuple[str, ...], rank: int | None, message: str) -> None:
        with pytest.raises(UsageError, match=message):
            check_rank(workers, rank)


Met = Callable[[int], list[Peers]]
Meet = Callable[..., list[Any]]


class TestMeeting:
    def test_all_get_what_the_chief_shares(self, met: Met) -> None:
        chief, *others = met(3)
        for payload in (bytes(3_000_000), b"", b"last"):
            shared = at_once(
                functools.partial(chief.share, payload), *(functools.partial(w.share, b"mine") for w in others)
            )
            assert shared == [payload] * 3

    def test_the_chief_says_who_did_not_come_and_the_others_hear_it(self, try_to_meet: Meet) -> None:
        addresses = free_addresses(3)
        outcomes = try_to_meet(addresses, (0, {}), (1, {}))
        message = f"worker 2 ({addresses[2]}) did not come within 0.5 s; start the same command there with its --rank"
        assert [(type(outcome), str(outcome)) for outcome in outcomes] == 2 * [(MissingError, message)]

    def test_a_chief_that_does_not_come(self) -> None:
        addresses = free_addresses(2)
        with pytest.raises(MissingError, match=rf"worker 0 \({addresses[0]}\) did not answer within 0.5 s"):
            meet(addresses, 1, {})

    def test_commands_that_differ_are_refused_on_both_sides(self, try_to_meet: Meet) -> None:
        outcomes = try_to_meet(free_addresses(2), (0, {"lr": 0.1}), (1, {"lr": 0.2}))
        message = "worker 1 was started with lr 0.2, worker 0 with 0.1; all need the same command, apart from --rank"
        assert [(type(outcome), str(outcome)) for outcome in outcomes] == 2 * [(UsageError, message)]

    def test_a_stranger_who_knocks_is_not_counted(self, try_to_meet: Meet, monkeypatch: pytest.MonkeyPatch) -> None:
        addresses = free_addresses(2)
        knock = distribute_peers._connect

        def after_a_stranger(address: str) -> Any:
            stranger = knock(address)
            stranger._socket.sendall(b"GET / HTTP/1.0\r\n\r\n")
            stranger.close()
            return knock(address)

        monkeypatch.setattr(distribute_peers, "_connect", after_a_stranger)
        chief, worker = try_to_meet(addresses, (0, {}), (1, {}))
        assert (chief.rank, worker.rank) == (0, 1)

    @pytest.mark.parametrize("rank", [0, 1])
    def test_a_port_that_is_taken(self, rank: int) -> None:
        addresses = free_addresses(2)
        port = addresses[rank].split(":")[1]
        message = f"--workers: port {port} cannot be used on this machine"
        with socket.create_server(("", int(port))), pytest.raises(UsageError, match=message):
            meet(addresses, rank, {})


class TestLoss:
    def test_everyone_learns_which_worker_ended(self, met: Met) -> None:
        chief, other, victim = met(3)
        victim.close()
        outcomes = at_once(chief.lost, other.lost)
        message = f"worker 2 ({chief.addresses[2]}) is lost"
        assert [(type(outcome), str(outcome)) for outcome in outcomes] == 2 * [(MissingError, message)]

    def test_a_worker_that_hangs_is_lost_too(self, met: Met) -> None:
        chief, other, _ = met(3)
        outcomes = at_once(chief.lost, other.lost)
        assert [str(outcome) for outcome in outcomes] == 2 * [f"worker 2 ({chief.addresses[2]}) is lost"]

    def test_workers_learn_that_the_chief_ended(self, met: Met) -> None:
        chief, first, second = met(3)
        chief.close()
        outcomes = at_once(first.lost, functools.partial(second.share, b""))
        message = f"worker 0 ({chief.addresses[0]}) is lost"
        assert [str(outcome) for outcome in outcomes] == 2 * [message]

    def test_the_chief_notices_when_it_shares(self, met: Met) -> None:
        chief, other, victim = met(3)
        victim.close()

        def share() -> None:
            while True:  # the first frames still fit into the kernel's buffers
                chief.share(bytes(1_000_000))

        def listen() -> None:
            while True:
                other.share(b"")

        outcomes = at_once(share, listen)
        assert [str(outcome) for outcome in outcomes] == 2 * [f"worker 2 ({chief.addresses[2]}) is lost"]

    def test_nobody_is_blamed_for_another_failure(self, met: Met) -> None:
        chief, worker = met(2)

        def ask() -> Any:
            try:
                return chief.lost()
            finally:
                chief.close()

        assert at_once(ask, worker.lost)[0] is None


class TestChoice:
    def test_one_device_is_plain_keras(self) -> None:
        assert isinstance(distribute.cluster(), OneDevice)
        assert isinstance(distribute.cluster(1, ("one:1",), 0), OneDevice)

    @pytest.mark.parametrize(
        ("backend", "arguments", "message"),
        [
            ("torch", (2,), "--devices needs KERAS_BACKEND=tensorflow or jax. Received: torch"),
            ("jax", (1, ("one:1", "two:2"), 0), "--workers needs KERAS_BACKEND=tensorflow. Received: jax"),
            ("tensorflow", (2, ("one:1", "two:2"), 0), "--devices is for one machine"),
        ],
    )
    def test_what_a_backend_cannot_do(
        self, monkeypatch: pytest.MonkeyPatch, backend: str, arguments: tuple[Any, ...], message: str
    ) -> None:
        monkeypatch.setattr(keras.backend, "backend", lambda: backend)
        with pytest.raises(UsageError, match=message):
            distribute.cluster(*arguments)

    def test_more_gpus_than_there_are(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from fer_cli.training import distribute_tf

        monkeypatch.setattr(distribute_tf, "gpus", lambda: 2)
        with pytest.raises(UsageError, match=r"--devices: this machine has 2. Received: 3"):
            distribute.cluster(3)


SCRIPT = """
import json
from pathlib import Path
import keras, numpy as np
from fer_cli.errors import UsageError
from fer_cli.training import distribute
from fer_cli.training.batches import TrainingBatches
from fer_cli.transform.policy import parse_policy
from fer_cli.store.reader import open_dataset

cluster = distribute.cluster(2)
keras.utils.set_random_seed(1)
with cluster.scope():
    inputs = keras.Input((24, 24, 1))
    x = keras.layers.Dropout(0.5)(keras.layers.Flatten()(inputs))
    x = keras.layers.BatchNormalization(name="bn")(keras.layers.Dense(7)(x))
    network = keras.Model(inputs, keras.layers.Softmax()(x))
    network.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy")
    network.optimizer.build(network.trainable_variables)

def train(batch_size):
    with open_dataset(Path("planted.h5")) as data:
        targets = np.eye(7, dtype="float32")[data.labels("train")]
        batches = TrainingBatches(
            data.images("train"), targets, np.arange(70), batch_size=batch_size, policy=parse_policy("none"), seed=0
        )
        cluster.fit(network, batches, 0, 2, [])

def copies(variable):
    values = cluster._strategy.experimental_local_results(variable.value)
    return [np.asarray(value).ravel().tolist() for value in values]

train(14)
(seed,) = [variable for variable in network.variables if "seed_generator" in variable.path]
try:
    train(15)
    refusal = None
except UsageError as error:
    refusal = str(error)
print(json.dumps({
    "kernel": copies(network.trainable_variables[0]), "seed": copies(seed), "refusal": refusal,
    "synchronized": network.get_layer("bn").get_config()["synchronized"],
}))
"""


def test_copies_stay_equal_but_draw_their_own_dropout(dataset: Path) -> None:
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "KERAS_BACKEND": "tensorflow"}
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    first, second = found["kernel"]
    assert first == second
    (first_seed, first_draws), (second_seed, second_draws) = found["seed"]
    assert first_seed != second_seed
    assert first_draws == second_draws > 0
    assert found["synchronized"] is False
    assert found["refusal"] == "--batch-size: expected a multiple of 2, the number of devices. Received: 15"
