"""Bringing Keras up quietly."""

from __future__ import annotations

import logging

import pytest

from fer_cli import framework


def test_tensorflow_s_advice_against_compiling_often_is_left_out_and_all_else_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    framework.load()
    logger = logging.getLogger("tensorflow")
    logger.warning("5 out of the last %d calls to %s triggered tf.function retracing.", 5, "f")
    logger.warning("this matters")
    assert [record.getMessage() for record in caplog.records] == ["this matters"]
