"""A session: frames in, people out, to a log as they come and to whatever shows them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from fer_cli.errors import InputError
from fer_cli.faces.calibration import Calibration
from fer_cli.faces.media import Frame
from fer_cli.labels import ATTENTION
from fer_cli.live.calibrator import SPAN, Calibrator
from fer_cli.live.clock import Clock, Pace
from fer_cli.live.log import LogWriter
from fer_cli.live.observe import Observed, Observer, Sampler
from fer_cli.live.source import Source

QUIT, PAUSE, CALIBRATE, SNAPSHOT, RECORD = "q", " ", "c", "s", "r"


class View(Protocol):
    """Shows a session, or does nothing of it."""

    #: Whether somebody watches, so that a file is played at its own pace.
    visible: bool

    def show(self, frame: Frame, people: Sequence[Observed], rate: float) -> str:
        """Show a frame; the key that was pressed, "" for none."""

    def wait(self) -> str:
        """What is on the screen stays for a moment; the key that was pressed."""

    def snapshot(self) -> None:
        """Save the picture on the screen."""

    def record(self) -> None:
        """Begin to record, or end."""


class Session:
    """notice: told what the user should know. learnt: told of a new calibration."""

    def __init__(
        self,
        source: Source,
        observer: Observer,
        sampler: Sampler,
        log: LogWriter | None,
        view: View,
        notice: Callable[[str], None],
        learnt: Callable[[Calibration], None] = lambda _: None,
    ) -> None:
        self._source, self._observer, self._sampler, self._log = source, observer, sampler, log
        self._view, self._notice, self._learnt = view, notice, learnt
        self._clock, self._pace = Clock(), Pace()
        self._calibrator: Calibrator | None = None
        self._people: set[int] = set()
        self._attention: Counter[str] = Counter()
        self._rows = 0
        self._end = 0.0

    def run(self) -> None:
        """Until the source ends, or the user ends it; whatever ends it, the log has all that was seen before."""
        try:
            for frame in self._source.frames():
                if self._do(self._step(frame)):
                    break
        finally:
            self._source.close()

    def calibrate(self) -> None:
        """Take the next seconds for a calibration."""
        self._calibrator = Calibrator()
        self._notice(f"calibration: look at the middle of the screen for {SPAN:g} s")

    def results(self) -> dict[str, Any]:
        """How long and how fast it was, how many people were seen, and the share of each state among the log's rows."""
        rows = max(1, sum(self._attention.values()))
        return {
            "seconds": self._end,
            **self._pace.results(),
            "people": len(self._people),
            "rows": self._rows,
            "attention": {state: self._attention[state] / rows for state in ATTENTION},
        }

    def _step(self, frame: Frame) -> str:
        # A camera's time is the clock's, from which pauses are taken out; a file has its own.
        live = self._source.live or frame.seconds is None
        seconds = self._clock.seconds() if live else (frame.seconds or 0.0)
        if self._view.visible and not live:
            self._clock.wait_until(seconds)
        started = time.perf_counter()
        frame = replace(frame, seconds=seconds)
        people = self._observer.step(frame)
        self._calibration(seconds, people)
        self._write(seconds, people)
        self._end = seconds
        key = self._view.show(frame, people, self._pace.rate)
        self._pace.frame(time.perf_counter() - started)
        return key

    def _write(self, seconds: float, people: Sequence[Observed]) -> None:
        self._people |= {person.seen.id for person in people}
        for row in self._sampler.rows(seconds, people):
            self._rows += 1
            self._attention[row.attention] += 1
            if self._log is not None:
                self._log.write(row)

    def _calibration(self, seconds: float, people: Sequence[Observed]) -> None:
        if self._calibrator is None:
            return
        try:
            found = self._calibrator.update(seconds, people)
        except InputError as error:
            self._notice(str(error))
            self._calibrator = None
            return
        if found is not None:
            self._observer.calibration, self._calibrator = found, None
            self._learnt(found)
            self._notice(f"calibrated from {found.frames} frames")

    def _do(self, key: str) -> bool:
        """Obey a key; whether the session is over."""
        if key == PAUSE:
            key = self._paused()
        if key == CALIBRATE:
            self.calibrate()
        elif key == SNAPSHOT:
            self._view.snapshot()
        elif key == RECORD:
            self._view.record()
        return key == QUIT

    def _paused(self) -> str:
        """Stand still until the pause ends; the key that ended it, if it means something else as well."""
        self._clock.toggle()
        while (key := self._view.wait()) not in (PAUSE, QUIT):
            if key == SNAPSHOT:
                self._view.snapshot()
        self._clock.toggle()
        return key if key == QUIT else ""
