"""Imports what commands import inside their functions; `warm` says what for."""

import contextlib
import importlib

from fer_cli import framework
from fer_cli.main import every_command

framework.load()
every_command()
for _name in (
    "cv2", "h5py", "jinja2", "joblib", "matplotlib.figure", "onnxruntime", "ai_edge_litert.interpreter", "optuna",
    "scipy.stats", "skops.io", "sklearn.pipeline", "sklearn.svm", "fer_cli.reports.figures", "fer_cli.training.fit",
    "tests.knocks.formats",
):  # fmt: skip
    with contextlib.suppress(ImportError):
        importlib.import_module(_name)
