"""Processes that begin with the libraries loaded: forked from one that has imported them and done nothing else.

Importing TensorFlow takes seconds; so each of thousands of starts costs next to nothing. The module is imported by the
server that forks (`CONTEXT`), and is cheap to import elsewhere.
"""

from __future__ import annotations

import multiprocessing as mp
import os

#: A context whose processes are forked from the server; import of `tests.knocks.loaded` is what it does first.
CONTEXT = mp.get_context("forkserver")

for _name, _value in {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "MPLBACKEND": "agg"}.items():
    os.environ.setdefault(_name, _value)
CONTEXT.set_forkserver_preload(["tests.knocks.loaded"])
