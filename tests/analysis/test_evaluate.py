"""Evaluating networks whose answers are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_cli import models
from fer_cli.analysis.evaluate import Evaluation, evaluate, normalise_weights
from fer_cli.errors import InputError, UsageError
from fer_cli.labels import EMOTIONS
from fer_cli.store.reader import open_dataset
from tests import helpers


def run(model: Path, dataset: Path, split: str = "val", budget: int = 1 << 30, **settings: object) -> Evaluation:
    with open_dataset(dataset, budget) as data:
        return evaluate([models.load_model(model)], data, split, **settings)  # type: ignore[arg-type]


def test_a_network_that_misnames_one_class_has_the_scores_of_that(tmp_path: Path, dataset: Path) -> None:
    found = run(helpers.write_model(tmp_path / "m.keras", wrong=(2,)), dataset).results()
    assert found["n"] == 28
    assert found["accuracy"] == pytest.approx(6 / 7)
    assert found["balanced_accuracy"] == pytest.approx(6 / 7)
    assert found["macro_f1"] == pytest.approx((5 + 0 + 2 / 3) / 7)
    expected = np.diag([4, 4, 0, 4, 4, 4, 4])
    expected[2, 3] = 4
    assert found["confusion_matrix"] == expected.tolist()
    fear, happy = found["per_class"][2:4]
    assert fear == {"class": "fear", "support": 4, "precision": None, "recall": 0.0, "f1": 0.0}
    assert (happy["precision"], happy["recall"]) == (0.5, 1.0)


def test_the_protocol_says_what_was_averaged(dataset: Path, model: Path) -> None:
    assert run(model, dataset).protocol == "single pass, one network"
    loaded = [models.load_model(model)] * 3
    with open_dataset(dataset) as data:
        assert evaluate(loaded, data, "val", "flip").protocol == "flip TTA, ensemble of 3"


def test_rows_seen_in_training_are_left_out_of_the_second_score(tmp_path: Path) -> None:
    records = helpers.planted_records((70, 28, 28))
    images = records.images.copy()
    # Rows 70 to 73 of val become copies of train rows of their classes; the network misnames the class of row 72.
    images[70:74] = images[0:4]
    dataset = helpers.write_dataset(tmp_path / "d.h5", replace(records, images=images))
    found = run(helpers.write_model(tmp_path / "m.keras", wrong=(2,)), dataset).results()["without_train_duplicates"]
    assert (found["n"], found["removed"]) == (24, 4)
    assert found["accuracy"] == pytest.approx(21 / 24)


def test_without_train_rows_there_is_no_second_score(tmp_path: Path) -> None:
    dataset = helpers.write_dataset(tmp_path / "d.h5", helpers.planted_records((0, 14, 0)))
    found = run(helpers.write_model(tmp_path / "m.keras"), dataset).results()["without_train_duplicates"]
    assert found == {"n": None, "removed": None, "reason": "the dataset file has no train rows"}


def test_the_train_rows_themselves_have_no_second_score(dataset: Path, model: Path) -> None:
    found = run(model, dataset, "train").results()["without_train_duplicates"]
    assert found["reason"] == "these are the train rows"


def test_when_every_row_was_seen_nothing_is_left_to_score(tmp_path: Path) -> None:
    records = helpers.planted_records((7, 7, 0))
    images = np.concatenate([records.images[:7]] * 2)
    dataset = helpers.write_dataset(tmp_path / "d.h5", replace(records, images=images))
    found = run(helpers.write_model(tmp_path / "m.keras"), dataset).results()["without_train_duplicates"]
    assert found == {"n": 0, "removed": 7, "reason": "every row has the pixels of a train row"}


def test_classes_in_another_order_are_put_in_the_dataset_s(tmp_path: Path, dataset: Path) -> None:
    network = models.load_model(helpers.write_model(tmp_path / "m.keras", wrong=(0,)))
    renamed = (EMOTIONS[1], EMOTIONS[0], *EMOTIONS[2:])
    with open_dataset(dataset) as data:
        found = evaluate([replace(network, class_names=renamed)], data, "val")
    # The output meant for class 0 is now called disgust, and the network names class 0 and class 1 by output 1, angry.
    assert found.counts[:2, :2].tolist() == [[4, 0], [4, 0]]
    assert found.class_names == EMOTIONS


def test_other_classes_are_refused(tmp_path: Path, dataset: Path) -> None:
    model = helpers.write_model(tmp_path / "m.keras", class_names=("a", "b", "c", "d", "e", "f", "g"))
    with pytest.raises(InputError, match=r"m\.keras: the classes do not match\. Expected: angry, .* Received: a, b"):
        run(model, dataset)


def test_an_ensemble_averages_by_weight_and_lists_its_members(tmp_path: Path, dataset: Path) -> None:
    good = models.load_model(helpers.write_model(tmp_path / "good.keras"))
    bad = models.load_model(helpers.write_model(tmp_path / "bad.keras", wrong=(2, 3)))
    with open_dataset(dataset) as data:
        found = evaluate([good, bad], data, "val", weights=[9, 1])
        alone = [evaluate([member], data, "val").probabilities for member in (good, bad)]
    assert np.allclose(found.probabilities, 0.9 * alone[0] + 0.1 * alone[1], atol=1e-6)
    assert [member.weight for member in found.members] == pytest.approx([0.9, 0.1])
    assert [member.scores.accuracy for member in found.members] == pytest.approx([1, 5 / 7])
    assert found.results()["accuracy"] == 1


def test_streamed_rows_give_what_rows_in_memory_give(dataset: Path, model: Path) -> None:
    in_memory, streamed = run(model, dataset), run(model, dataset, budget=0, batch_size=5)
    assert np.allclose(in_memory.probabilities, streamed.probabilities, atol=1e-6)
    assert in_memory.sources == streamed.sources


def test_flipping_averages_the_image_and_its_mirror_image(tmp_path: Path, model: Path) -> None:
    records = helpers.planted_records((0, 7, 0))
    dataset = helpers.write_dataset(tmp_path / "d.h5", records)
    mirrored = replace(records, images=np.ascontiguousarray(records.images[:, :, ::-1]))
    other = helpers.write_dataset(tmp_path / "mirrored.h5", mirrored)
    expected = (run(model, dataset).probabilities + run(model, other).probabilities) / 2
    assert np.allclose(run(model, dataset, tta="flip").probabilities, expected, atol=1e-6)


def test_images_of_another_shape_are_adapted_and_it_is_said(tmp_path: Path, model: Path) -> None:
    records = helpers.planted_records((0, 28, 0), channels=3)
    large = np.repeat(np.repeat(records.images, 2, 1), 2, 2)
    dataset = helpers.write_dataset(tmp_path / "d.h5", replace(records, images=large))
    found = run(model, dataset)
    assert found.members[0].adapted == "48×48×3 to 24×24×1"
    assert found.members[0].scores.accuracy == 1


def test_the_images_done_are_told(dataset: Path, model: Path) -> None:
    told: list[int] = []
    run(model, dataset, advance=told.append)
    assert sum(told) == 28


def test_the_most_confident_mistakes_come_first(tmp_path: Path, dataset: Path) -> None:
    found = run(helpers.write_model(tmp_path / "m.keras", wrong=(2, 5)), dataset)
    rows = found.confident_mistakes(5)
    assert len(rows) == 5
    assert set(found.labels[rows]) <= {2, 5}
    confidence = found.probabilities.max(1)
    assert list(confidence[rows]) == sorted(confidence[np.isin(found.labels, (2, 5))], reverse=True)[:5]


def test_an_empty_split_is_refused(tmp_path: Path, model: Path) -> None:
    dataset = helpers.write_dataset(tmp_path / "d.h5", helpers.planted_records((7, 7, 0)))
    with pytest.raises(InputError, match=r"the split 'test' is empty; filled are: train, val"):
        run(model, dataset, "test")


def test_a_network_without_a_softmax_is_refused(tmp_path: Path, dataset: Path, model: Path) -> None:
    import keras

    loaded = models.load_model(model)
    logits = keras.Model(loaded.network.input, loaded.network.get_layer("logits").output)
    with (
        open_dataset(dataset) as data,
        pytest.raises(InputError, match=r"expected outputs that are probabilities .* a last softmax may be missing"),
    ):
        evaluate([replace(loaded, network=logits)], data, "val")


def test_a_network_that_answers_nan_is_refused(dataset: Path, model: Path) -> None:
    loaded = models.load_model(model)
    loaded.network.get_layer("logits").bias.assign(np.full(7, np.nan))
    with open_dataset(dataset) as data, pytest.raises(InputError, match="expected outputs that are probabilities"):
        evaluate([loaded], data, "val")


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], "expected 2, one a model. Received: 1"),
        ([1.0, -1.0], "expected numbers from 0 up"),
        ([0.0, 0.0], "not all 0"),
        ([1.0, float("nan")], "expected numbers from 0 up"),
    ],
)
def test_weights_that_are_none_are_refused(weights: list[float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        normalise_weights(weights, 2)


def test_weights_are_brought_to_a_sum_of_one() -> None:
    assert normalise_weights([3, 1], 2) == [0.75, 0.25]
    assert normalise_weights(None, 4) == [0.25] * 4
