"""Bringing Keras up quietly."""

from __future__ import annotations

import logging

import pytest

from fer_cli import framework


@pytest.mark.parametrize(
    ("message", "told"),
    [("5 out of the last %d calls to %s triggered tf.function retracing.", False), ("%d of this matter to %s", True)],
)
def test_tensorflow_s_advice_against_compiling_often_is_left_out_and_all_else_is_told(message: str, told: bool) -> None:
    framework.load()
    logger = logging.getLogger("tensorflow")
    record = logger.makeRecord(logger.name, logging.WARNING, __file__, 1, message, (5, "f"), None)
    assert bool(logger.filter(record)) == told
