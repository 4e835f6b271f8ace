"""Bringing up Optuna, which is an optional extra."""

from __future__ import annotations

import importlib

from fer_cli.errors import MissingError


def load() -> None:
    """Import Optuna and silence its own log: what it has to say is in the storage.

    Commands call this before they import any other module of this package. Raises `MissingError` where it is not
    installed.
    """
    try:
        optuna = importlib.import_module("optuna")
    except ImportError as error:
        raise MissingError("fer tune needs the extra tune: pip install 'fer-cli[tune]'") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
