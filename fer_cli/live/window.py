"""A window on the screen, and its keys."""

from __future__ import annotations

import os
import subprocess
import sys

import cv2

from fer_cli.faces.detect import Pixels

_CLOSED_BELOW = 1.0
#: Variables of the environment that name the screen of a Linux session.
_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")
#: Seconds for a screen to answer.
_PATIENCE = 20.0


def missing_screen() -> str | None:
    """Why no window can be opened, None where one can: OpenCV aborts the process that tries without a screen.

    So a process of its own tries, which takes half a second.
    """
    if not sys.platform.startswith("linux"):
        return None
    names = [name for name in _SCREENS if os.environ.get(name)]
    if not names:
        return f"{_SCREENS[0]} is not set"
    return None if _opens_a_window() else f"{names[0]} is {os.environ[names[0]]}, where none can be opened"


def _opens_a_window() -> bool:
    command = [sys.executable, "-c", "import cv2; cv2.namedWindow('fer')"]
    quiet = subprocess.DEVNULL
    try:
        done = subprocess.run(command, stdin=quiet, stdout=quiet, stderr=quiet, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


class Window:
    """Shows images; keys come from the window that has the focus."""

    def __init__(self, name: str) -> None:
        self.name = name
        cv2.namedWindow(name, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        self._sized = False

    def show(self, image: Pixels) -> None:
        """Show an image uint8 (H, W, 3), RGB; the first gives the window its size."""
        if not self._sized:
            cv2.resizeWindow(self.name, image.shape[1], image.shape[0])
            self._sized = True
        cv2.imshow(self.name, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))

    @property
    def closed(self) -> bool:
        """Whether the user closed it."""
        return bool(cv2.getWindowProperty(self.name, cv2.WND_PROP_VISIBLE) < _CLOSED_BELOW)

    def close(self) -> None:
        """Take it off the screen, if it is still there."""
        if not self.closed:
            cv2.destroyWindow(self.name)


def pressed(milliseconds: int = 1) -> str:
    """The key pressed within that time in any window, "" for none; windows are drawn meanwhile."""
    code = cv2.waitKey(milliseconds)
    return "" if code < 0 else chr(code & 0xFF)
