"""Embedding: numbers that are known for planted points, and agreement with scikit-learn where that can be asked."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.manifold import trustworthiness

from fer_cli import catalog
from fer_cli.analysis.embed import methods, quality
from fer_cli.analysis.embed.features import Extractor, Features
from fer_cli.analysis.embed.methods import Projection, Settings
from fer_cli.analysis.embed.study import Faces, choose_rows, measure, read_faces
from fer_cli.errors import InputError, MissingError, UsageError
from fer_cli.labels import EMOTIONS
from fer_cli.models import load_model
from fer_cli.store.reader import open_dataset
from tests import helpers

Values = npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint8]


def blobs(count: int = 120, classes: int = 3, width: int = 8, spread: float = 0.5) -> tuple[Values, Labels]:
    """Clouds around corners of a cube that are 5 apart, the classes in turn."""
    labels = (np.arange(count) % classes).astype(np.uint8)
    noise = np.random.default_rng(0).normal(0, spread, (count, width))
    return (noise + 5 * np.eye(width)[labels]).astype(np.float32), labels


def faces_of(values: Values, labels: Labels, names: tuple[str, ...], predictions: Labels | None = None) -> Faces:
    answers = np.eye(len(names), dtype=np.float32)[labels if predictions is None else predictions]
    features = Features("layer", values, answers, averaged=False)
    return Faces(names, np.arange(len(labels)), labels, [str(i) for i in range(len(labels))], 0, features)


@pytest.mark.parametrize("block", [1 << 23, 500])
def test_trustworthiness_is_that_of_scikit_learn(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "_BLOCK", block)
    features, _ = blobs()
    for points in (features[:, :2], features[:, :4], np.random.default_rng(1).normal(size=(120, 2))):
        near = quality.nearest(points.astype(np.float32), 7)
        expected = trustworthiness(features, points, n_neighbors=7)
        assert quality.trustworthiness(features, near) == pytest.approx(expected, abs=1e-4)


def test_a_picture_that_keeps_all_neighbours_is_wholly_trustworthy() -> None:
    features, _ = blobs(width=3)
    assert quality.trustworthiness(features, quality.nearest(features, 9)) == 1


def test_nobody_is_a_neighbour_of_oneself() -> None:
    features, _ = blobs(30)
    twice = np.concatenate([features, features])
    near = quality.nearest(twice, 3)
    assert (near[:, 0] == (np.arange(60) + 30) % 60).all()


def test_the_vote_is_that_of_the_most_and_of_equals_that_of_the_nearest() -> None:
    named = np.array([[0, 1, 1, 2], [2, 1, 1, 2], [1, 2, 2, 1], [0, 1, 2, 3]], np.uint8)
    assert quality.vote(named, 4).tolist() == [1, 2, 1, 0]


def test_mixing_is_the_share_of_each_class_among_neighbours() -> None:
    labels = np.array([0, 0, 2], np.uint8)
    named = np.array([[0, 2], [2, 2], [0, 2]], np.uint8)
    found = quality.mixing(labels, named, 3)
    np.testing.assert_array_equal(found[[0, 2]], [[0.25, 0, 0.75], [0.5, 0, 0.5]])
    assert np.isnan(found[1]).all()


def test_classes_that_stand_apart_are_found_apart_and_those_that_mix_are_told() -> None:
    values, labels = blobs(150)
    # Of class 2, half the faces lie where class 0 does.
    moved = np.flatnonzero(labels == 2)[::2]
    values[moved] += 5 * (np.eye(8)[0] - np.eye(8)[2]).astype(np.float32)
    predictions = labels.copy()
    predictions[moved] = 0
    faces = faces_of(values, labels, ("a", "b", "c", "nobody"), predictions)
    embedded = measure(faces, Projection(values[:, :2], "planted"), seed=0)
    results = embedded.results()
    assert (results["pairs"][0]["first"], results["pairs"][0]["second"]) == ("a", "c")
    assert results["pairs"][0]["confused_by_model"] == 0.25
    assert results["pairs"][0]["mixing_features"] > 0.2 > 0.05 > results["pairs"][1]["mixing_features"]
    assert results["pairs"][0]["by_chance"] == pytest.approx(100 / (2 * 149))
    b, nobody = results["per_class"][1], results["per_class"][3]
    assert b["neighbour_recall_features"] == 1
    assert b["silhouette_features"] > 0.6 > 0.4 > results["per_class"][2]["silhouette_features"]
    assert [nobody[key] for key in nobody if key not in ("class", "n")] == [None] * 4
    assert results["model_accuracy"]["accuracy"] == pytest.approx(125 / 150)
    low, high = results["model_accuracy"]["accuracy_interval"]
    assert low < 125 / 150 < high


def test_centroids_are_means_and_a_class_without_faces_has_none() -> None:
    values, labels = blobs(90)
    embedded = measure(faces_of(values, labels, ("a", "b", "c", "d")), Projection(values[:, :2], "planted"), 0)
    np.testing.assert_allclose(embedded.centroids[:2], [[5, 0], [0, 5]], atol=0.4)
    assert np.isnan(embedded.centroids[3]).all()


def test_one_class_alone_has_no_silhouette_and_no_pairs() -> None:
    values, _ = blobs(30, classes=1)
    results = measure(faces_of(values, np.zeros(30, np.uint8), ("a",)), Projection(values[:, :2], "p"), 0).results()
    assert results["silhouette"] == {"features": None, "points": None}
    assert results["pairs"] == []


def test_classes_with_too_few_faces_and_repeated_faces_are_noted() -> None:
    values, labels = blobs(60)
    labels[labels == 2] = 0
    labels[:2] = 2
    faces = faces_of(values, labels, ("a", "b", "c"))
    faces = Faces(**{**vars(faces), "repeated": 4})
    notes = measure(faces, Projection(values[:, :2], "p"), 0).notes()
    assert notes == [
        "not 10 neighbours of their own class to find: c (2)",
        "4 faces have the pixels of another one here, which is their nearest neighbour",
    ]


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("accel", [False, True])
def test_t_sne_keeps_planted_clouds_apart_and_repeats_itself(accel: bool) -> None:
    if accel:
        pytest.importorskip("sklearnex")
    values, labels = blobs()
    first, again = (methods.tsne(values, Settings(perplexity=10, accel=accel)) for _ in range(2))
    np.testing.assert_array_equal(first.points, again.points)
    assert first.points.dtype == np.float32
    assert first.implementation == ("scikit-learn-intelex" if accel else "scikit-learn")
    separation = quality.separation(first.points, quality.nearest(first.points, 10), labels, 3)
    assert np.trace(separation.counts) == 120
    assert separation.silhouette.mean() > 0.5
    assert 0 < first.facts["kl_divergence"] < 2


@pytest.mark.usefixtures("one_thread")
def test_both_implementations_are_equally_good() -> None:
    pytest.importorskip("sklearnex")
    values, _ = blobs(200, spread=1.5)
    found = [methods.tsne(values, Settings(perplexity=15, accel=accel)) for accel in (False, True)]
    trust = [quality.trustworthiness(values, quality.nearest(each.points, 10)) for each in found]
    assert trust[0] == pytest.approx(trust[1], abs=0.02)
    assert min(trust) > 0.85


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_every_method_gives_as_many_dimensions_as_asked(method: str) -> None:
    values, _ = blobs(60)
    found = methods.project(catalog.find(catalog.EMBEDDINGS, method, "method"), values, Settings(3, perplexity=5))
    assert found.points.shape == (60, 3)
    assert found.implementation == "scikit-learn"


def test_pca_finds_the_plane_in_which_the_points_lie() -> None:
    plane = np.random.default_rng(0).normal(size=(50, 2)) @ np.random.default_rng(1).normal(size=(2, 9))
    found = methods.pca(plane.astype(np.float32), Settings())
    assert sum(found.facts["variance_shares"]) == pytest.approx(1)
    distances = [np.linalg.norm(points[:, None] - points, axis=-1) for points in (plane, found.points)]
    np.testing.assert_allclose(*distances, atol=1e-4)


def test_umap_is_asked_in_its_own_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}

    class Umap:
        def __init__(self, **options: object) -> None:
            asked.update(options)

        def fit_transform(self, values: Values) -> npt.NDArray[np.float64]:
            return values[:, :2].astype(np.float64)

    monkeypatch.setitem(sys.modules, "umap", types.SimpleNamespace(UMAP=Umap))
    found = methods.umap(blobs(20)[0], Settings(perplexity=30, seed=4))
    assert asked == {"n_components": 2, "n_neighbors": 19, "random_state": 4, "n_jobs": 1}
    assert (found.points.dtype, found.implementation) == (np.float32, "umap-learn")


@pytest.mark.usefixtures("one_thread")
def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingError, match="--method umap needs a package: pip install umap-learn"):
        methods.umap(blobs(20)[0], Settings())
    monkeypatch.setitem(sys.modules, "sklearnex.manifold", None)
    with pytest.raises(MissingError, match=r"pip install 'fer-cli\[accel\]'"):
        methods.tsne(blobs(20)[0], Settings(perplexity=5, accel=True))
    assert methods.tsne(blobs(20)[0], Settings(perplexity=5)).implementation == "scikit-learn"


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        (20, Settings(perplexity=20), "--perplexity 20: expected less than the number of faces. Received: 20"),
        (20, Settings(3, 5, accel=True), "--accel: expected --dims 2, the only one that it is for. Received: 3"),
        (2, Settings(), "--dims 2: expected more faces than that, and as many features. Received: 2 faces"),
    ],
)
def test_what_cannot_be_embedded_is_refused(rows: int, settings: Settings, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        methods.project(methods.tsne, blobs(20)[0][:rows], settings)


class TestFeatures:
    def test_they_are_what_the_layer_says_of_the_rows_that_were_chosen(self, model: Path, dataset: Path) -> None:
        loaded = load_model(model)
        with open_dataset(dataset) as opened:
            rows = choose_rows(opened, "train", 3, seed=0)
            assert len(rows) == 21
            done: list[int] = []
            extractor = Extractor(loaded, "embedding")
            faces = read_faces(opened, extractor, "train", rows, batch_size=8, advance=done.append)
            images = opened.images("train").take(rows)
            np.testing.assert_allclose(faces.features.values, images.reshape(21, -1) / 255, rtol=1e-6)
            assert faces.sources == [opened.sources("train")[row] for row in rows]
        assert done == [8, 8, 5]
        np.testing.assert_array_equal(faces.predictions, faces.labels)
        assert faces.repeated == 0

    def test_a_spatial_layer_gives_means_or_all_its_numbers(self, model: Path, dataset: Path) -> None:
        loaded = load_model(model)
        spatial = loaded.network.layers[1].name
        with open_dataset(dataset) as opened:
            rows = choose_rows(opened, "val", None, seed=0)
            mean, flat = (
                read_faces(opened, Extractor(loaded, spatial, flatten), "val", rows).features
                for flatten in (False, True)
            )
        assert (mean.averaged, flat.averaged) == (True, False)
        assert flat.values.shape == (28, helpers.SIDE**2)
        np.testing.assert_allclose(mean.values[:, 0], flat.values.mean(1), rtol=1e-5)

    def test_identical_faces_are_counted(self, model: Path, tmp_path: Path) -> None:
        records = helpers.planted_records((0, 14, 0))
        records.images[[3, 9]] = records.images[0]
        path = helpers.write_dataset(tmp_path / "twice.h5", records)
        loaded = load_model(model)
        with open_dataset(path) as opened:
            faces = read_faces(opened, Extractor(loaded, "logits"), "val", np.arange(14))
        assert faces.repeated == 3

    def test_an_unknown_layer_is_answered_with_the_nearest(self, model: Path) -> None:
        with pytest.raises(UsageError, match="unknown layer 'logit': did you mean 'logits'"):
            Extractor(load_model(model), "logit")

    def test_more_features_than_memory_are_refused(
        self, model: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("fer_cli.analysis.embed.features.MEMORY_BUDGET", 10_000)
        loaded = load_model(model)
        with open_dataset(dataset) as opened, pytest.raises(UsageError, match="28 faces with 576 features take"):
            read_faces(opened, Extractor(loaded, "embedding"), "val", np.arange(28))

    def test_features_that_say_nothing_are_refused(self, model: Path, dataset: Path) -> None:
        loaded = load_model(model)
        logits = loaded.network.get_layer("logits")
        logits.set_weights([np.zeros_like(part) for part in logits.get_weights()])
        with open_dataset(dataset) as opened, pytest.raises(InputError, match="the same 7 numbers for all 28 faces"):
            read_faces(opened, Extractor(loaded, "logits"), "val", np.arange(28))

    def test_features_that_are_not_finite_are_refused(self, dataset: Path, tmp_path: Path) -> None:
        import keras

        inputs = keras.Input((helpers.SIDE, helpers.SIDE, 1))
        endless = keras.layers.Rescaling(3e38, name="endless")(inputs)
        flat = keras.layers.Flatten()(keras.layers.Activation("tanh")(endless))
        keras.Model(inputs, keras.layers.Dense(7, activation="softmax")(flat)).save(tmp_path / "endless.keras")
        loaded = load_model(tmp_path / "endless.keras", EMOTIONS)
        with open_dataset(dataset) as opened, pytest.raises(InputError, match="gives numbers that are not finite"):
            read_faces(opened, Extractor(loaded, "endless", flatten=True), "val", np.arange(28))
