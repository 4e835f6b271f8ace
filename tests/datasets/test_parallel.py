import math
import os
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from fer_cli.datasets import parallel
from fer_cli.datasets.parallel import workers
from fer_cli.errors import MissingError, UsageError
from fer_cli.store.reader import open_dataset
from tests.datasets.layouts import draw_faces, write_image
from tests.helpers import run_fer


@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_results_come_in_order(backend: str) -> None:
    with workers(backend, jobs=2) as run:
        for count in (0, 1, 500):
            assert list(run(math.sqrt, range(count))) == [math.sqrt(i) for i in range(count)]


def test_threads_work_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=10)
    with workers("threads", jobs=2) as run:
        # Each waits for the other, 32 items to a task.
        assert len(list(run(lambda i: both.wait() if i % 32 == 0 else None, range(64)))) == 64


def test_stopping_early_leaves_nothing_behind() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with workers("threads", jobs=2) as run:
            first = next(iter(run(lambda i: time.sleep(0.001) or i, range(2000))))
    assert first == 0


def test_a_failure_of_the_work_is_passed_on() -> None:
    with workers("threads", jobs=2) as run, pytest.raises(ZeroDivisionError):
        list(run(lambda i: 1 // i, range(100)))


@pytest.mark.parametrize(("backend", "scheduler"), [("dask", None), ("threads", "tcp://localhost:8786")])
def test_dask_and_its_scheduler_belong_together(backend: str, scheduler: str | None) -> None:
    with (
        pytest.raises(UsageError, match="--backend dask and --scheduler ADDRESS go together"),
        workers(backend, scheduler),
    ):
        pass


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(UsageError, match=r"expected one of threads, processes, dask\. Received: 'mpi'"), workers("mpi"):
        pass


def test_without_dask_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingError, match=r"pip install 'fer-cli\[dask\]'") as caught, workers("dask", "tcp://a:1"):
        pass
    assert caught.value.exit_code == 5


def test_a_dask_cluster_decodes_images(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    faces = draw_faces(600)
    for i, face in enumerate(faces):
        write_image(tmp_path / "faces" / "happy" / f"{i:03}.png", face)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the cluster's own making, when its workers go
        with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
            cluster.wait_for_workers(2)
            address = cluster.scheduler_address
            with workers("dask", address) as run:
                processes = set(run(lambda i: time.sleep(0.002) or os.getpid(), range(2000)))
            result = run_fer("prepare", "faces", "--backend", "dask", "--scheduler", address, "-o", "out.h5")
    assert len(processes - {os.getpid()}) == 2
    assert result.exit_code == 0, result.stderr
    with open_dataset(Path("out.h5")) as dataset:
        assert np.array_equal(dataset.images(None).take(range(600)), faces)


def test_a_scheduler_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(parallel, "_TIMEOUT", 0.2)
    write_image(tmp_path / "faces" / "happy" / "1.png", draw_faces(1)[0])
    address = "tcp://127.0.0.1:9"
    result = run_fer("prepare", "faces", "--backend", "dask", "--scheduler", address, "-o", "out/a.h5")
    assert result.exit_code == 5
    assert f"no Dask scheduler answers at {address}; start one with: dask scheduler" in result.stderr
    assert not Path("out").exists()
