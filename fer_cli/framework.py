"""Bringing Keras up: the backend, its kernels, and silence for what its libraries print while they load."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import platform
import sys
import tempfile
from collections.abc import Iterable, Iterator

from fer_cli.errors import MissingError

_X86 = ("x86_64", "AMD64")
#: What Keras and TensorFlow import for parts of theirs that fer has no use for (converters from JAX, wrappers for
#: scikit-learn, data frames, plots) and can do without: two fifths of the seconds that they take to come up.
_OPTIONAL = ("jax", "sklearn", "pandas", "matplotlib", "cv2")


def load() -> None:
    """Import Keras on the backend that `$KERAS_BACKEND` names (TensorFlow by default).

    Commands that use a network call this before they import a module that does. Raises `MissingError` where the
    backend is not installed.
    """
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    # Left to itself, TensorFlow uses oneDNN only on processors with AVX512-VNNI or AMX. On others, many laptops among
    # them, training is 1.2 to 3.2 times as fast with it (benchmarks/README.md).
    if platform.machine() in _X86:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    try:
        with quiet_native_stderr(), _hidden(_OPTIONAL if backend == "tensorflow" else ()):
            importlib.import_module("keras")
    except ModuleNotFoundError as error:
        raise MissingError(
            f"KERAS_BACKEND={backend} needs the package {error.name}; install it with: pip install {backend}"
        ) from error
    logging.getLogger("tensorflow").addFilter(_is_no_advice)


@contextlib.contextmanager
def _hidden(packages: Iterable[str]) -> Iterator[None]:
    """Let packages that are not imported yet seem not to be installed while the block runs."""
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None is how Python itself says it
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def _is_no_advice(record: logging.LogRecord) -> bool:
    """TensorFlow advises against compiling a function often, as a command must that is about several networks."""
    return "tf.function retracing" not in record.getMessage()


@contextlib.contextmanager
def quiet_native_stderr() -> Iterator[None]:
    """Hold back what C++ libraries write to file descriptor 2, and show it only if the block fails.

    TensorFlow logs before its log level can be set; nothing in Python can stop those lines.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:
            held.seek(0)
            os.write(saved, held.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
