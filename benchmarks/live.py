"""Frames a second of finding, following and naming faces in a video, beside the published package `fer`.

Ours is what `fer webcam` does with each frame of a camera but for gaze and windows: tracker, one call of the network,
which works while the next frame is searched, smoothing.
The baseline is `FER(mtcnn=False).detect_emotions` of the package `fer` (25.10.3), in an environment of its own, since
it shares our name: pip install fer==25.10.3 'setuptools<81' 'opencv-contrib-python<5'. It gets the same frames, which
both find decoded, in rounds by turns; figures are medians of the rounds. Latency is that of one frame, memory what the
process gains over many. Of a busy machine, and of one whose two cores are halves of one, the ratio of CPU times is the
one to go by: the baseline's cascade spreads over all cores.

    python benchmarks/live.py VIDEO MODEL.keras [PYTHON]     PYTHON: an interpreter that has the package fer
    goals: 6 times the baseline's frames a second with a face found in at least as many, 15 ms of CPU a frame,
    30 ms of latency at the 95th percentile, 30 MB more memory after 20,000 frames
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fer_cli import framework
from fer_cli.faces.detect import shared_detector
from fer_cli.faces.media import Frame, frames
from fer_cli.live.engine import Engine, EngineOptions

FRAMES, MANY, ROUNDS = 400, 20_000, 5
#: Frames after which libraries have allocated what they keep.
SETTLED = 1_000
GOALS = {"ratio": 6.0, "cpu": 15.0, "latency": 30.0, "memory": 30.0}

BASELINE = """
import json, sys, time
import cv2
from fer.fer import FER
detector, capture = FER(mtcnn=False), cv2.VideoCapture(sys.argv[1])
images = [capture.read()[1] for _ in range(int(sys.argv[2]))]
detector.detect_emotions(images[0])
wall, cpu = time.perf_counter(), time.process_time()
found = sum(bool(detector.detect_emotions(image)) for image in images)
count = len(images)
print(json.dumps([count / (time.perf_counter() - wall), (time.process_time() - cpu) / count * 1e3, found / count]))
"""


@dataclass(frozen=True)
class Run:
    """Frames a second, milliseconds of processor time a frame, share of frames with a face, latency in milliseconds."""

    rate: float
    cpu: float
    found: float
    latency: float = 0.0


def main(video: Path, model: Path, python: str | None = None) -> None:
    framework.load()
    from fer_cli import gradients

    gradients.use_one_thread()
    taken = list(itertools.islice(frames(video), FRAMES))
    engine = build(model)
    engine.step(taken[0])
    print(f"{video.name}, {len(taken)} frames, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    pairs = [(measure(build(model), taken), baseline(python, video, len(taken) // 2)) for _ in range(ROUNDS)]
    ours, theirs = [pair[0] for pair in pairs], [pair[1] for pair in pairs if pair[1]]
    print(f"  fer webcam  {middle(run.rate for run in ours):6.1f} frames/s, a face in {least(ours):.0%}")
    say("CPU a frame", middle(run.cpu for run in ours), "cpu", "ms")
    say("latency of a frame, 95th percentile", middle(run.latency for run in ours), "latency", "ms")
    if theirs:
        print(
            f"  fer 25.10   {middle(run.rate for run in theirs):6.1f} frames/s, "
            f"{middle(run.cpu for run in theirs):.0f} ms of CPU, a face in {least(theirs):.0%}"
        )
        ratios = [run.rate / other.rate for run, other in zip(ours, theirs, strict=True)]
        met = middle(ratios) >= GOALS["ratio"] and least(ours) >= least(theirs)
        print(
            f"  ratio {middle(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f}), goal {GOALS['ratio']}: "
            f"{'met' if met else 'missed'}"
        )
        of_cpu = middle(other.cpu / run.cpu for run, other in zip(ours, theirs, strict=True))
        print(f"  ratio of CPU times {of_cpu:.1f}")
    say(f"memory gained over {MANY:,} frames", growth(engine, taken), "memory", "MB")


def middle(values: Iterable[float]) -> float:
    """The median of the rounds."""
    return float(np.median(list(values)))


def least(runs: Sequence[Run]) -> float:
    """The smallest share of frames with a face."""
    return min(run.found for run in runs)


def build(model: Path) -> Engine:
    """The engine with Haar's detector, as the baseline has it."""
    from fer_cli.live.score import FaceScorer, crop_settings
    from fer_cli.scorers import load_scorer

    loaded = load_scorer(model)
    options = EngineOptions(*crop_settings(loaded), overlap=True)
    return Engine(FaceScorer(loaded, steady=True), shared_detector("haar"), options)


def measure(engine: Engine, taken: list[Frame]) -> Run:
    """A run over frames that are decoded already."""
    latencies, found = [], 0
    engine.step(replace(taken[0], seconds=-1.0))
    wall, cpu = time.perf_counter(), time.process_time()
    for frame in taken:
        started = time.perf_counter()
        found += bool(engine.step(frame))
        latencies.append((time.perf_counter() - started) * 1e3)
    spent, count = time.process_time() - cpu, len(taken)
    latency = float(np.percentile(latencies, 95))
    return Run(count / (time.perf_counter() - wall), spent / count * 1e3, found / count, latency)


def baseline(python: str | None, video: Path, count: int) -> Run | None:
    """Frames of the same video through the published package, if it is there."""
    if python is None:
        return None
    command = [python, "-c", BASELINE, str(video), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the baseline fails in {python}:\n{done.stderr}")
    return Run(*json.loads(done.stdout.splitlines()[-1]))


def growth(engine: Engine, taken: list[Frame]) -> float:
    """MB that the process's peak gains between frame `SETTLED` and frame `MANY` of the video played over and over."""
    for number, frame in zip(range(MANY), endless(taken), strict=False):
        engine.step(frame)
        if number == SETTLED:
            before = peak()
    return peak() - before


def endless(taken: list[Frame]) -> Iterator[Frame]:
    """The frames over and over, their times going on."""
    span = (taken[-1].seconds or 0.0) + 0.04
    for lap in itertools.count(1):
        for frame in taken:
            yield replace(frame, seconds=(frame.seconds or 0.0) + lap * span)


def peak() -> float:
    """Peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def say(what: str, value: float, goal: str, unit: str) -> None:
    verdict = "met" if value <= GOALS[goal] else "missed"
    print(f"  {what}: {value:.1f} {unit}, goal {GOALS[goal]:g}: {verdict}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        # Without a video there is nothing to measure, which is no failure of `make bench`.
        print(__doc__)
        sys.exit()
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:4])
