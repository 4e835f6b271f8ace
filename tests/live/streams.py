"""Videos of planted faces, in a file and as a camera's stream on this machine."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from tests import helpers

Pixels = npt.NDArray[np.uint8]
RATE = 10.0
#: Each pixel of a planted face becomes a square of so many: codecs blur.
ZOOM = 8


def planted_frame(label: int) -> Pixels:
    """uint8 (192, 192, 3): a face whose class the planted network names."""
    image = helpers.planted_faces(np.array([label], np.uint8))[0, :, :, 0]
    return np.repeat(np.repeat(image, ZOOM, 0), ZOOM, 1)[..., None].repeat(3, 2)


def write_video(path: Path, labels: Sequence[int]) -> Path:
    """A video of one frame a label, `RATE` a second."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (24 * ZOOM, 24 * ZOOM))
    for label in labels:
        writer.write(planted_frame(label))
    writer.release()
    return path


class Camera:
    """An MJPEG stream on 127.0.0.1, the way network cameras send it.

    frames: how many a connection gets before it ends; None for no end. refuse: how many connections, after the first,
    are turned away.
    """

    def __init__(self, label: int = 3, frames: int | None = None, refuse: int = 0) -> None:
        self.connections = 0
        _, data = cv2.imencode(".jpg", planted_frame(label))
        content, camera = data.tobytes(), self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.connections += 1
                if 1 < camera.connections <= 1 + refuse:
                    self.send_error(503)
                    return
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                sent = 0
                with contextlib.suppress(OSError):
                    while (frames is None or sent < frames) and not camera.over:
                        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(content)}\r\n\r\n"
                        self.wfile.write(head.encode() + content + b"\r\n")
                        sent += 1
                        time.sleep(0.02)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self.over = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/video.mjpg"

    @contextlib.contextmanager
    def running(self) -> Iterator[Camera]:
        """The stream, until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.over = True
            self._server.shutdown()
            self._server.server_close()
