"""Experiments: rows, classes in another order, transfers, and the checks, on networks whose answers are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fer_cli.analysis.attack import checks
from fer_cli.analysis.attack.checks import check
from fer_cli.analysis.attack.examples import choose
from fer_cli.analysis.attack.experiment import Experiment, Point, Seen
from fer_cli.analysis.attack.plan import EPSILONS, Settings, Task, plan
from fer_cli.analysis.attack.published import read_published
from fer_cli.analysis.attack.scores import outcome
from fer_cli.errors import InputError, UsageError
from fer_cli.labels import EMOTIONS
from fer_cli.models import LoadedModel, load_model
from fer_cli.store.reader import Dataset, open_dataset
from tests import helpers

#: Moves every planted face, and none.
LARGE, SMALL = 0.5, 0.1
SWEEP = Task("fgsm", "inf", (SMALL, LARGE))


@pytest.fixture
def opened(dataset: Path) -> Iterator[Dataset]:
    with open_dataset(dataset) as found:
        yield found


@pytest.fixture
def network(model: Path) -> LoadedModel:
    return load_model(model)


@dataclass
class Stranger:
    """A scorer that is no network and remembers what it was shown; it names each face by its brightest block."""

    input_shape: tuple[int, int, int] = (helpers.SIDE, helpers.SIDE, 1)
    path: Path = Path("stranger.skops")
    class_names: tuple[str, ...] = EMOTIONS
    parameters: int | None = None

    def __post_init__(self) -> None:
        self.metadata: dict[str, Any] = {}
        self.shown: list[np.ndarray] = []

    def probabilities(self, images: np.ndarray, batch_size: int) -> np.ndarray:
        self.shown.append(images)
        means = np.stack([images[(slice(None), *helpers.place(k))].mean((1, 2, 3)) for k in range(7)], 1)
        return np.eye(7, dtype=np.float32)[means.argmax(1)]


class TestExperiment:
    def test_points_hold_what_the_network_says_row_by_row(self, opened: Dataset, network: LoadedModel) -> None:
        experiment = Experiment(network, opened, "val", Settings(batch_size=10))
        clean = experiment.clean()
        done: list[int] = []
        small, large = experiment.run(SWEEP, advance=done.append)
        np.testing.assert_array_equal(small.rows, np.arange(28))
        assert done == [10, 10, 10, 10, 8, 8]
        np.testing.assert_allclose(clean, network.probabilities(opened.images("val").take(range(28))), atol=1e-5)
        assert not experiment.reached(small.probabilities).any()
        assert experiment.reached(large.probabilities).all()
        np.testing.assert_allclose(small.linf, SMALL, rtol=1e-4)
        assert (small.l2 <= SMALL * helpers.SIDE + 1e-6).all()

    def test_outcomes_are_counts_of_rows(self, opened: Dataset, tmp_path: Path) -> None:
        # One class in seven is misnamed from the start.
        wrong = load_model(helpers.write_model(tmp_path / "wrong.keras", wrong=(2,)))
        experiment = Experiment(wrong, opened, "val", Settings())
        clean = experiment.clean()
        small, large = (outcome(experiment, point, clean) for point in experiment.run(SWEEP))
        assert (small.n, small.attempts, small.changed) == (28, 24, 28)
        assert (small.accuracy, small.success) == (pytest.approx(6 / 7), 0.0)
        assert (large.accuracy, large.success, large.success_interval) == (0.0, 1.0, (1.0, 1.0))
        assert np.trace(large.confusion_matrix) == 0

    def test_rows_of_the_target_are_left_out(self, opened: Dataset, network: LoadedModel) -> None:
        experiment = Experiment(network, opened, "val", Settings(target="happiness"))
        assert len(experiment.rows) == 24
        assert EMOTIONS.index("happy") not in experiment.rows.labels
        clean = experiment.clean()
        (point,) = experiment.run(Task("pgd", "inf", (LARGE,)))
        assert (point.probabilities.argmax(1) == EMOTIONS.index("happy")).all()
        found = outcome(experiment, point, clean)
        assert (found.attempts, found.success, found.accuracy) == (24, 1.0, 0.0)

    def test_classes_may_stand_in_another_order(self, network: LoadedModel, tmp_path: Path) -> None:
        records = helpers.planted_records()
        turned = replace(records, labels=(6 - records.labels).astype(np.uint8))
        path = helpers.write_dataset(tmp_path / "turned.h5", turned, EMOTIONS[::-1])
        with open_dataset(path) as dataset:
            experiment = Experiment(network, dataset, "val", Settings(target="sad"))
            assert (experiment.clean().argmax(1) == experiment.rows.labels).all()
            (point,) = experiment.run(Task("pgd", "inf", (LARGE,)))
        assert (point.probabilities.argmax(1) == EMOTIONS[::-1].index("sad")).all()

    def test_a_limit_is_one_of_each_class(self, opened: Dataset, network: LoadedModel) -> None:
        rows = Experiment(network, opened, "val", Settings(limit=2)).rows
        assert np.bincount(rows.labels).tolist() == [2] * 7

    def test_an_unknown_target(self, opened: Dataset, network: LoadedModel) -> None:
        with pytest.raises(UsageError, match="--target: unknown class 'hapy': did you mean 'happy'"):
            Experiment(network, opened, "val", Settings(target="hapy"))

    def test_an_attack_that_learns_does_so_on_train_rows(self, opened: Dataset, network: LoadedModel) -> None:
        rows = Experiment(network, opened, "val", Settings()).rows
        images, aim = rows.lesson()
        assert (rows.learns_from, len(images)) == ("train", 70)
        np.testing.assert_array_equal(aim.labels, opened.labels("train"))

    def test_without_train_rows_it_learns_on_those_under_attack(self, network: LoadedModel, tmp_path: Path) -> None:
        path = helpers.write_dataset(tmp_path / "val.h5", helpers.planted_records((0, 14, 0)))
        with open_dataset(path) as dataset:
            rows = Experiment(network, dataset, "val", Settings(limit=1)).rows
            assert (rows.learns_from, len(rows.lesson()[0])) == ("val", 7)


class TestTransfer:
    def test_a_network_of_the_same_input_sees_the_images_as_they_are(
        self, opened: Dataset, network: LoadedModel, tmp_path: Path
    ) -> None:
        wrong = load_model(helpers.write_model(tmp_path / "wrong.keras", wrong=(2,)))
        experiment = Experiment(wrong, opened, "val", Settings(), crafted_on=network)
        assert not experiment.rounded
        assert experiment.clean().argmax(1).tolist().count(EMOTIONS.index("fear")) == 0
        (point,) = experiment.run(Task("fgsm", "inf", (LARGE,)))
        assert not (point.probabilities.argmax(1) == experiment.rows.labels).all()

    def test_whoever_is_no_network_sees_rounded_images(self, opened: Dataset, network: LoadedModel) -> None:
        stranger = Stranger()
        experiment = Experiment(stranger, opened, "val", Settings(), crafted_on=network)
        assert experiment.rounded
        assert experiment.reached(experiment.clean()).mean() == 0
        (point,) = experiment.run(Task("fgsm", "inf", (LARGE,)))
        assert experiment.reached(point.probabilities).all()
        assert {images.dtype for images in stranger.shown} == {np.dtype(np.uint8)}

    def test_another_size_is_met_by_resizing(self, opened: Dataset, network: LoadedModel) -> None:
        stranger = Stranger(input_shape=(48, 48, 1))
        experiment = Experiment(stranger, opened, "val", Settings(limit=1), crafted_on=network)
        experiment.clean()
        assert stranger.shown[-1].shape == (7, 48, 48, 1)

    def test_alone_it_cannot_be_attacked(self, opened: Dataset) -> None:
        with pytest.raises(UsageError, match="no network, so it has no gradient to follow; name a network"):
            Experiment(Stranger(), opened, "val", Settings())


def rounding_network() -> LoadedModel:
    """Names planted faces rightly, by pixels rounded to black and white: its gradient is 0 everywhere."""
    inputs = keras.Input((helpers.SIDE, helpers.SIDE, 1))
    x = keras.layers.Flatten()(keras.ops.round(inputs / 255))
    dense = keras.layers.Dense(7, name="logits")
    network = keras.Model(inputs, keras.layers.Softmax()(dense(x)))
    kernel = np.zeros((helpers.SIDE, helpers.SIDE, 7), np.float32)
    for label in range(7):
        kernel[(*helpers.place(label), label)] = 1.0
    dense.set_weights([kernel.reshape(-1, 7), np.zeros(7)])
    return LoadedModel(Path("rounding.keras"), network, EMOTIONS, (helpers.SIDE, helpers.SIDE, 1), {})


class TestChecks:
    def test_a_plain_network_passes_and_what_lacks_is_run(self, opened: Dataset, network: LoadedModel) -> None:
        experiment = Experiment(network, opened, "val", Settings(limit=2))
        made = {one.name: one for one in check(experiment, experiment.run(SWEEP))}
        assert set(made) == {"epsilon, fgsm", "gradient", "pgd", "square"}
        assert all(one.passed for one in made.values())
        assert checks.warnings(list(made.values())) == []

    def test_without_runs_only_what_is_there_is_compared(self, opened: Dataset, network: LoadedModel) -> None:
        experiment = Experiment(network, opened, "val", Settings(limit=1))
        made = check(experiment, experiment.run(SWEEP), run=False)
        assert [one.name for one in made] == ["epsilon, fgsm"]

    def test_a_network_without_gradient_is_found_out(self, opened: Dataset) -> None:
        experiment = Experiment(rounding_network(), opened, "val", Settings())
        assert not experiment.reached(experiment.clean()).any()
        made = check(experiment, experiment.run(Task("pgd", "inf", (0.4,))))
        failed = {one.name: one for one in made if not one.passed}
        assert failed["gradient"].value == 1.0
        assert "the loss of 1.000 of 28 rows has no gradient" in failed["gradient"].text
        assert "signs of gradient masking" in checks.warnings(made)[-1]

    def test_in_a_transfer_they_are_about_the_attacked_network(self, opened: Dataset, network: LoadedModel) -> None:
        experiment = Experiment(Stranger(), opened, "val", Settings(limit=1), crafted_on=network)
        made = check(experiment, experiment.run(SWEEP))
        assert [one.name for one in made] == ["epsilon, fgsm", "gradient", "pgd", "square"]

    @pytest.mark.parametrize(("lost", "passed"), [(4, False), (1, True), (0, True)])
    def test_an_epsilon_that_moves_fewer_rows_fails_beyond_chance(
        self, opened: Dataset, network: LoadedModel, lost: int, passed: bool
    ) -> None:
        experiment = Experiment(network, opened, "val", Settings())
        right = np.eye(7, dtype=np.float32)[experiment.rows.labels]
        wrong, size = np.roll(right, 1, 1), np.zeros(28)
        back = np.concatenate([right[:lost], wrong[lost:]])
        points = [
            Point("bim", "inf", epsilon, np.arange(28), answers, size, size)
            for epsilon, answers in ((0.1, wrong), (0.2, back))
        ]
        (made,) = check(experiment, points, run=False)
        assert made.passed is passed
        # 1.96 standard errors of `lost` rows of 28.
        assert made.threshold == pytest.approx(1.96 * lost**0.5 / 28)
        assert made.value == pytest.approx(lost / 28)
        assert not made.masking


class TestPlan:
    def test_each_method_is_held_to_a_norm_of_its_own(self) -> None:
        tasks = plan(("pgd", "patch", "pgd"))
        assert [(task.method, task.norm, task.epsilons) for task in tasks] == [
            ("pgd", "inf", EPSILONS["inf"]),
            ("patch", "0", EPSILONS["0"]),
        ]
        assert tasks[0].levels[-1] == pytest.approx(0.05 * 255)
        assert tasks[1].levels == list(EPSILONS["0"])

    def test_epsilons_rise_and_stand_once(self) -> None:
        assert plan(("fgsm",), epsilons=(0.2, 0.1, 0.2))[0].epsilons == (0.1, 0.2)

    def test_all_leaves_out_what_cannot_be_held_to_the_norm(self) -> None:
        assert "patch" not in {task.method for task in plan(("all",), "2")}

    def test_levels_are_taken_for_a_mistake(self) -> None:
        with pytest.raises(UsageError, match=r"--epsilon 8: expected at most 1.*say 8/255"):
            plan(("pgd",), epsilons=(8.0,))
        assert plan(("pgd",), "2", (8.0,))[0].epsilons == (8.0,)


def test_examples_are_faces_that_were_named_rightly_one_of_each_class(opened: Dataset, tmp_path: Path) -> None:
    wrong = load_model(helpers.write_model(tmp_path / "wrong.keras", wrong=(2,)))
    experiment = Experiment(wrong, opened, "val", Settings())
    examples = choose(experiment, experiment.clean(), count=6)
    seen: list[Seen] = []
    experiment.run(SWEEP, observers=[examples, seen.append])
    assert {one.label for one in examples.found["fgsm"]} == {0, 1, 3, 4, 5, 6}
    assert {one.epsilon for one in examples.found["fgsm"]} == {LARGE}
    assert len(seen) == 2


class TestPublished:
    def test_a_table_is_read(self, tmp_path: Path) -> None:
        table = tmp_path / "p.csv"
        table.write_text("epsilon,accuracy,source,norm\n0.01,.38,a study,\n0.5,.2,another,2\n")
        assert [(one.norm, one.epsilon, one.accuracy) for one in read_published(table)] == [
            ("inf", 0.01, 0.38),
            ("2", 0.5, 0.2),
        ]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("epsilon,accuracy\n", "expected the columns epsilon, accuracy, source. Missing: source"),
            ("epsilon,accuracy,source\n0.1,12,x\n", "p.csv:2: expected an epsilon above 0 and an accuracy of 0..1"),
            ("epsilon,accuracy,source,norm\n0.1,.2,x,7\n", "p.csv:2: norm: expected inf, 2, 0 or nothing. Received: 7"),
        ],
    )
    def test_what_is_no_such_table(self, text: str, message: str, tmp_path: Path) -> None:
        (tmp_path / "p.csv").write_text(text)
        with pytest.raises(InputError, match=message):
            read_published(tmp_path / "p.csv")
