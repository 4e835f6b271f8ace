"""Bringing Keras up quietly."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys

import pytest

from fer_cli import framework, options


@pytest.mark.parametrize(
    ("message", "told"),
    [("5 out of the last %d calls to %s triggered tf.function retracing.", False), ("%d of this matter to %s", True)],
)
def test_tensorflow_s_advice_against_compiling_often_is_left_out_and_all_else_is_told(message: str, told: bool) -> None:
    framework.load()
    logger = logging.getLogger("tensorflow")
    record = logger.makeRecord(logger.name, logging.WARNING, __file__, 1, message, (5, "f"), None)
    assert bool(logger.filter(record)) == told


@pytest.mark.parametrize(
    ("machine", "chosen", "kept"), [("x86_64", None, "1"), ("x86_64", "0", "0"), ("arm64", None, None)]
)
def test_one_dnn_s_kernels_are_used_where_they_exist_unless_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, machine: str, chosen: str | None, kept: str | None
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    # First set, so that it is put back whatever happens to it.
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", chosen or "")
    if chosen is None:
        monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
    framework.load()
    assert os.environ.get("TF_ENABLE_ONEDNN_OPTS") == kept


PROBE = """
import json, sys
from pathlib import Path
import cv2
from fer_cli import framework, options
framework.load()
from fer_cli.scorers import load_scorer
load_scorer(Path(sys.argv[1]))
print(json.dumps(sorted(sys.modules)))
from sklearn.metrics import accuracy_score
"""


def test_a_network_comes_without_the_packages_that_it_has_no_use_for() -> None:
    """They would double the seconds until a command begins; who needs them can import them afterwards."""
    result = subprocess.run(
        [sys.executable, "-c", PROBE, options.SHIPPED_MODEL], capture_output=True, text=True, check=True, timeout=120
    )
    loaded = set(json.loads(result.stdout))
    assert loaded >= {"tensorflow", "keras", "cv2"}
    assert not loaded & {"sklearn", "skops", "pandas", "matplotlib", "jax", "scipy.stats"}
