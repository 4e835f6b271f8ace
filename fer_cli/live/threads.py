"""How the cores are shared while frame follows frame."""

from __future__ import annotations

import cv2


def use_one_each() -> None:
    """One thread for OpenCV and one for the network, which work side by side where the engine overlaps them.

    More of them have too little to do in a frame: they spin for their share, and it costs time rather than saves it.
    Measured by benchmarks/live.py. For the whole process, and too late once TensorFlow has begun to work.
    """
    from fer_cli import gradients

    gradients.use_one_thread()
    cv2.setNumThreads(1)
