"""What teachers say of the train rows, and the file in which that is kept."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import h5py
import numpy as np
import pytest

from fer_cli.errors import InputError
from fer_cli.labels import EMOTIONS
from fer_cli.models import load_model
from fer_cli.store.reader import ImageRows, open_dataset
from fer_cli.training import distill
from tests import helpers

Array = np.ndarray


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A teacher that takes fear for happy."""
    return helpers.write_model(tmp_path / "wrong.keras", wrong=(2,))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the teachers that were asked; these answer at once, by what their file and the images hold."""
    names = []

    def answer(teacher: Path, images: ImageRows, *arguments: object) -> Array:
        names.append(teacher.name)
        content = teacher.read_bytes() + images.take(range(len(images))).tobytes()
        return np.random.default_rng(list(sha256(content).digest())).dirichlet(np.ones(7), len(images))

    monkeypatch.setattr(distill, "load_model", lambda path: path)
    monkeypatch.setattr(distill, "predict", answer)
    return names


def ask(dataset: Path, *teachers: Path, budget: int = 1 << 30) -> Array:
    with open_dataset(dataset, budget) as data:
        return distill.teacher_logits(teachers, data, Path("net.training"))


def probabilities(teacher: Path, dataset: Path) -> Array:
    with open_dataset(dataset) as data:
        return load_model(teacher).probabilities(data.images("train").take(range(70)))


def cache() -> Path:
    (path,) = Path("net.training").iterdir()
    return path


def test_one_teacher_s_logits_are_its_own_up_to_a_constant(dataset: Path, wrong: Path) -> None:
    logits = ask(dataset, wrong)
    assert (logits.shape, logits.dtype) == ((70, 7), np.float32)
    np.testing.assert_allclose(np.exp(logits), probabilities(wrong, dataset), rtol=1e-4)
    np.testing.assert_array_equal(ask(dataset, wrong, budget=0), logits)


def test_several_teachers_are_averaged_as_probabilities(dataset: Path, model: Path, wrong: Path) -> None:
    mean = (probabilities(model, dataset) + probabilities(wrong, dataset)) / 2
    np.testing.assert_allclose(np.exp(ask(dataset, model, wrong)), mean, rtol=1e-4)


def test_a_teacher_s_classes_are_put_in_the_dataset_s_order(tmp_path: Path) -> None:
    turned = (*EMOTIONS[1:], EMOTIONS[0])
    dataset = helpers.write_dataset(tmp_path / "turned.h5", class_names=turned)
    with open_dataset(dataset) as data:
        labels = data.labels("train")
    # The teacher finds the block of label k and calls it by the k-th of its own names, which is column k - 1 here.
    teacher = helpers.write_model(tmp_path / "t.keras")
    np.testing.assert_array_equal(ask(dataset, teacher).argmax(1), (labels.astype(int) - 1) % 7)


def test_a_teacher_of_other_classes_is_refused(dataset: Path, tmp_path: Path) -> None:
    teacher = helpers.write_model(tmp_path / "abc.keras", class_names=tuple("abcdefg"))
    with pytest.raises(InputError, match=r"abc\.keras: the classes do not match"):
        ask(dataset, teacher)
    with pytest.raises(InputError, match=r"none\.keras: No such file"):
        ask(dataset, tmp_path / "none.keras")
    assert not Path("net.training").exists()


def test_answers_are_kept_and_asked_for_once(dataset: Path, model: Path, wrong: Path, asked: list[str]) -> None:
    first = ask(dataset, model, wrong)
    assert asked == ["planted.keras", "wrong.keras"]
    np.testing.assert_array_equal(ask(dataset, wrong, model), first)
    assert len(asked) == 2


def test_other_teachers_and_another_dataset_have_answers_of_their_own(
    dataset: Path, model: Path, wrong: Path, tmp_path: Path, asked: list[str]
) -> None:
    other = helpers.write_dataset(tmp_path / "other.h5", helpers.planted_records(seed=1))
    answers = [ask(dataset, model), ask(dataset, wrong), ask(other, model)]
    assert len(asked) == len({logits.tobytes() for logits in answers}) == 3
    # A teacher that was replaced under its name is another one.
    model.write_bytes(wrong.read_bytes())
    np.testing.assert_array_equal(ask(dataset, model), answers[1])


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def flip_a_byte(path: Path) -> None:
    with h5py.File(path) as file:
        offset = file["logits"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[offset] ^= 255
    path.write_bytes(content)


def replace_logits(path: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["logits"]
        file["logits"] = np.zeros((70, 3), np.float32)


def rename_key(path: Path) -> None:
    with h5py.File(path, "a") as file:
        file.attrs["key"] = "0" * 64


@pytest.mark.parametrize(
    "damage", [truncate, flip_a_byte, replace_logits, rename_key, lambda path: path.write_text("no HDF5")]
)
def test_a_damaged_or_foreign_file_is_made_anew(
    damage: Callable[[Path], object], dataset: Path, model: Path, asked: list[str]
) -> None:
    first = ask(dataset, model)
    before = cache().read_bytes()
    damage(cache())
    assert cache().read_bytes() != before
    np.testing.assert_array_equal(ask(dataset, model), first)
    assert len(asked) == 2
    np.testing.assert_array_equal(ask(dataset, model), first)
    assert len(asked) == 2


def test_what_is_interrupted_leaves_nothing_behind(dataset: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("fer_cli.store.logits.Spool.close", stop)
        with pytest.raises(KeyboardInterrupt):
            ask(dataset, model)
    assert list(Path("net.training").iterdir()) == []


def test_an_answer_of_zero_has_a_logarithm(dataset: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sure = np.eye(7, dtype=np.float32)[np.zeros(70, int)]
    monkeypatch.setattr(distill, "predict", lambda *arguments: sure)
    logits = ask(dataset, model)
    assert np.isfinite(logits).all()
    assert (logits[:, 0] == 0).all()
