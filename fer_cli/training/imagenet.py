"""ImageNet weights of keras.applications: where Keras keeps them, and fetching them once."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import keras

from fer_cli import catalog
from fer_cli.architectures import applications
from fer_cli.errors import InputError, MissingError, UsageError

#: Seconds without an answer after which there is no network.
_TIMEOUT = 20.0


def fetch(architecture: str) -> Path:
    """The file of an architecture's ImageNet weights without top, from Keras' cache, else from where Keras has it.

    Raises `UsageError` for an architecture that has none, `MissingError` when it is not here and cannot be fetched,
    `InputError` when what is here is not what Keras publishes.
    """
    try:
        name, address = applications.weights_file(architecture)
    except KeyError:
        having = [known for known, place in catalog.ARCHITECTURES.items() if applications.__name__ in place]
        raise UsageError(f"--init imagenet: {architecture} has no ImageNet weights; {', '.join(having)} have") from None
    folder = _cache()
    path = folder / name
    if not path.exists():
        _download(name, address, folder, architecture)
    expected = _published_digest(name, address)
    if expected and _digest(path, expected) != expected:
        raise InputError(
            f"{path}: damaged, or another file: its digest is not {expected}, that of {address}; delete it"
        )
    return path


def _cache() -> Path:
    """Keras' folder of weights."""
    return Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"


def _download(name: str, address: str, folder: Path, architecture: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _patience(), contextlib.redirect_stdout(sys.stderr if sys.stderr.isatty() else io.StringIO()):
            keras.utils.get_file(name, address, cache_dir=str(folder.parent), cache_subdir=folder.name)
    except Exception as error:  # Keras raises a bare Exception, in whose context is what the network said
        reason = getattr(error.__context__, "reason", error)
        raise MissingError(
            f"the ImageNet weights of {architecture} are not here and could not be fetched ({reason}): "
            f"put {name} from {address} into {folder}"
        ) from error


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _published_digest(name: str, address: str) -> str:
    """MD5 or SHA-256 that Keras knows of the file at an address, "" for those of which it knows none.

    Its modules hold tables model -> (digest with top, digest without); the model is a part of the file's name.
    """
    for module in [module for path, module in sys.modules.items() if path.startswith("keras.src.applications.")]:
        base = getattr(module, "BASE_WEIGHTS_PATH", getattr(module, "BASE_WEIGHT_PATH", None))
        if base and base + name == address:
            table: dict[str, tuple[str, str]] = getattr(module, "WEIGHTS_HASHES", {})
            return next((without_top for model, (_, without_top) in table.items() if f"{model}_" in name), "")
    return ""


def _digest(path: Path, like: str) -> str:
    """The file's digest of the kind that `like` is."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256" if len(like) == 64 else "md5").hexdigest()
