"""scikit-learn-intelex, and the way back from it."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import skops.io
from sklearn.svm import SVC

from fer_cli.classical import accelerate
from fer_cli.classical.archive import TYPES
from fer_cli.classical.pipelines import classifier
from fer_cli.errors import MissingError
from tests.classical.planted import blobs


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", ["svm-rbf", "svm-poly"])
def test_what_onedal_learns_is_scikit_learn_s_afterwards(name: str, classes: int) -> None:
    pytest.importorskip("sklearnex")
    x, labels = blobs(150, classes)
    others, _ = blobs(90, classes, seed=1)
    slow = classifier(name, 0, {"C": 2}).fit(x, labels)
    model = accelerate.twin(classifier(name, 0, {"C": 2})).fit(x, labels)
    assert type(model).__module__.startswith("sklearnex")
    stock = accelerate.stock(model)
    assert type(stock) is SVC
    assert stock.get_params() == slow.get_params()
    assert (stock.predict(others) == slow.predict(others)).mean() > 0.97
    written = skops.io.dumps(stock)
    assert b"onedal" not in written
    assert b"sklearnex" not in written
    again = skops.io.loads(written)
    assert np.array_equal(again.decision_function(others), stock.decision_function(others))
    assert "sklearn.svm._classes.SVC" in TYPES


def test_other_classifiers_stay_as_they_are() -> None:
    model = classifier("logistic", 0, {})
    assert accelerate.twin(model) is model
    assert accelerate.stock(model) is model


def test_without_the_extra_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearnex.svm", None)
    with pytest.raises(MissingError, match=r"pip install 'fer-cli\[accel\]'") as caught:
        accelerate.load()
    assert caught.value.exit_code == 5
