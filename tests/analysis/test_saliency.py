"""Maps, their means and the evidence on methods, with networks and faces of which the truth is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_cli import catalog
from fer_cli.analysis.saliency import evidence, perturb, pointing, sanity
from fer_cli.analysis.saliency.chance import mean
from fer_cli.analysis.saliency.explain import Methods, masses
from fer_cli.analysis.saliency.perturb import RANDOM
from fer_cli.analysis.saliency.rows import Choice, choose, draw
from fer_cli.analysis.saliency.study import Study, explain
from fer_cli.analysis.saliency.subjects import GIVEN, Subjects, model_labels
from fer_cli.datasets.facs.face import Face
from fer_cli.datasets.redraw import redraw
from fer_cli.errors import InputError, UsageError
from fer_cli.labels import EMOTIONS
from fer_cli.models import LoadedModel, load_model
from fer_cli.saliency.base import Images, Labels, Maps, Method
from fer_cli.store.reader import Dataset, open_dataset
from tests import helpers
from tests.helpers import SIDE, place, run_fer

LABELS = np.arange(14) % 7


class Block(Method):
    """The truth about planted networks: the block of the class."""

    signed = False

    def explain(self, images: Images, classes: Labels) -> Maps:
        maps = np.zeros(images.shape[:3], np.float32)
        for found, label in zip(maps, classes, strict=True):
            found[place(int(label))] = 1
        return maps


class Shadow(Method):
    """The face itself, whatever the network is: what the sanity check must find."""

    signed = False

    def explain(self, images: Images, classes: Labels) -> Maps:
        shadow: Maps = images.mean(-1)
        return shadow


@pytest.fixture(autouse=True)
def _stubs(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (Block, Shadow):
        monkeypatch.setitem(catalog.SALIENCY, kind.__name__.lower(), f"{__name__}:{kind.__name__}")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return load_model(helpers.write_model(tmp_path_factory.mktemp("network") / "planted.keras"))


@pytest.fixture
def study(network: LoadedModel, dataset: Path) -> Iterator[Study]:
    with open_dataset(dataset) as opened:
        yield Study(network, opened, "val")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """42 faces drawn by the program, with the size of planted ones."""
    path = tmp_path_factory.mktemp("drawn") / "drawn.h5"
    result = run_fer("prepare", "synthetic", "--count", 42, "--size", SIDE, "--seed", 5, "-o", path, "-q")
    assert result.exit_code == 0, result.stderr
    return path


def faces_of(labels: np.ndarray) -> np.ndarray:
    return helpers.planted_faces(labels.astype(np.uint8))


class TestRows:
    def test_so_many_of_each_class_are_drawn_in_the_order_of_the_classes(self) -> None:
        labels = np.array([2, 0, 1, 1, 0, 2, 2, 1])
        rows = choose(Choice(per_class=2), labels, None, 0, "here")
        assert labels[rows].tolist() == [0, 0, 1, 1, 2, 2]
        assert rows.tolist() == choose(Choice(per_class=2), labels, None, 0, "here").tolist()

    @pytest.mark.parametrize(("choice", "kept"), [(Choice(correct=True), {0, 2}), (Choice(wrong=True), {1, 3})])
    def test_rows_named_rightly_or_wrongly_are_kept(self, choice: Choice, kept: set[int]) -> None:
        right = np.array([True, False, True, False])
        rows = choose(replace(choice, per_class=4), np.zeros(4, np.intp), right, 0, "here")
        assert set(rows.tolist()) == kept

    def test_named_rows_stay_in_the_order_named(self) -> None:
        assert choose(Choice(rows=(5, 1, 3)), np.zeros(6, np.intp), None, 0, "here").tolist() == [5, 1, 3]
        right = np.array([True, False] * 3)
        assert choose(Choice(rows=(5, 0, 3), wrong=True), np.zeros(6, np.intp), right, 0, "x").tolist() == [5, 3]

    def test_what_cannot_be_chosen_is_told(self) -> None:
        with pytest.raises(InputError, match=r"faces\.h5, val: expected rows from 0 to 3\. Received: 4"):
            choose(Choice(rows=(1, 4)), np.zeros(4, np.intp), None, 0, "faces.h5, val")
        with pytest.raises(InputError, match="expected rows that the network names wrongly"):
            choose(Choice(wrong=True), np.zeros(4, np.intp), np.ones(4, np.bool_), 0, "faces.h5, val")
        with pytest.raises(UsageError, match="--correct and --wrong exclude each other"):
            Choice(correct=True, wrong=True)

    def test_rows_are_drawn_evenly_over_unequal_classes(self) -> None:
        labels = np.repeat([0, 1, 2], (50, 4, 20))
        rows = draw(labels, 12, 3)
        assert np.bincount(labels[rows]).tolist() == [4, 4, 4]
        assert sorted(set(rows.tolist())) == rows.tolist()
        assert len(draw(labels, 1000, 3)) == 74


class TestSubjects:
    def test_classes_are_those_of_the_network_in_its_order(self, tmp_path: Path, dataset: Path) -> None:
        turned = EMOTIONS[::-1]
        other = load_model(helpers.write_model(tmp_path / "turned.keras", class_names=turned))
        with open_dataset(dataset) as opened:
            labels = model_labels(other, opened, "val")
            assert [turned[i] for i in labels] == [EMOTIONS[i] for i in opened.labels("val")]

    def test_the_class_explained_is_predicted_given_or_named(self, study: Study, tmp_path: Path) -> None:
        wrong = load_model(helpers.write_model(tmp_path / "wrong.keras", wrong=(2,)))
        found = replace(study, model=wrong).chosen(Choice(rows=(2, 3)))
        assert found.classes("predicted").tolist() == [3, 3]
        assert found.classes(GIVEN).tolist() == [2, 3]
        assert found.classes("Happiness").tolist() == [3, 3]
        with pytest.raises(UsageError, match="--class: unknown class 'hapy': did you mean 'happy'"):
            found.classes("hapy")
        with pytest.raises(UsageError, match="--label: pictures have no given class"):
            replace(found, labels=None).classes(GIVEN)

    def test_the_network_is_asked_for_its_mistakes(self, study: Study, tmp_path: Path) -> None:
        wrong = load_model(helpers.write_model(tmp_path / "wrong.keras", wrong=(4,)))
        found = replace(study, model=wrong).chosen(Choice(wrong=True, per_class=3))
        assert found.labels is not None
        assert set(found.labels.tolist()) == {4}
        assert set(found.predictions.tolist()) == {5}


class TestMaps:
    def test_each_face_is_explained_by_each_method(self, study: Study, network: LoadedModel) -> None:
        seen: list[int] = []
        methods = Methods(network.network, ("gradient", "block"))
        found = explain(methods, study.chosen(Choice()), advance=seen.append)
        assert [face["predicted"] for face in found.faces()] == list(EMOTIONS)
        assert sum(seen) == 14
        for label in range(7):
            # The gradient of a linear network is its kernel, which is the block of the class.
            inside = masses(found.strengths["gradient"])[label][place(label)].sum()
            assert inside == pytest.approx(1, abs=1e-5)

    def test_masses_are_the_shares_of_what_speaks_for_the_class(self) -> None:
        maps = np.array([[[3.0, -5.0], [1.0, 0.0]], [[0.0, -1.0], [0.0, 0.0]]])
        found = masses(maps)
        assert found[0].tolist() == [[0.75, 0], [0.25, 0]]
        assert (found[1] == 0.25).all()  # nothing speaks for it: an even map

    def test_class_means_stand_with_the_class_that_was_predicted(self, study: Study, tmp_path: Path) -> None:
        wrong = load_model(helpers.write_model(tmp_path / "wrong.keras", wrong=(1,)))
        asked = replace(study, model=wrong)
        found = asked.class_means(Methods(wrong.network, ("block",)), 2, lambda maps: None)
        assert found.counts.tolist() == [2, 0, 4, 2, 2, 2, 2]
        assert found.results()["n"] == 14
        assert found.maps["block"][2][place(2)].sum() == pytest.approx(1)
        assert found.maps["block"][1].sum() == 0
        # Half of the faces that are named 2 show the block of 1.
        bright = found.faces[2, ..., 0]
        assert bright[place(1)].mean() == pytest.approx(bright[place(2)].mean(), rel=0.1)


@pytest.fixture(scope="module")
def curves(network: LoadedModel) -> dict[str, perturb.Curves]:
    images = faces_of(LABELS)
    truth = Block(network.network).explain(images.astype(np.float32), LABELS)
    seen: list[int] = []
    found = perturb.measure(network, images, LABELS, {"block": truth, "opposite": -truth}, 0, seen.append)
    assert sum(seen) == perturb.passes(14, 2)
    return found


class TestDeletionAndInsertion:
    def test_the_truth_is_ahead_of_chance_and_chance_of_its_opposite(self, curves: dict[str, perturb.Curves]) -> None:
        for worse, better in (("opposite", RANDOM), (RANDOM, "block")):
            assert (curves[better].deletion_auc < curves[worse].deletion_auc).all()
            assert (curves[better].insertion_auc > curves[worse].insertion_auc).all()

    def test_curves_begin_and_end_with_whole_and_blurred_faces(
        self, curves: dict[str, perturb.Curves], network: LoadedModel
    ) -> None:
        whole = network.probabilities(faces_of(LABELS))[np.arange(14), LABELS]
        for one in curves.values():
            np.testing.assert_allclose(one.deletion[:, 0], whole, rtol=1e-4)
            np.testing.assert_allclose(one.insertion[:, -1], whole, rtol=1e-4)
            np.testing.assert_allclose(one.deletion[:, -1], one.insertion[:, 0], rtol=1e-4)

    def test_the_strongest_cell_comes_first_and_equal_ones_by_chance(self) -> None:
        cells = np.repeat(np.arange(4), 9).reshape(6, 6)
        maps = np.zeros((200, 6, 6))
        maps[:, cells == 2] = 1
        places = perturb.ranks(maps, cells, np.random.default_rng(0))
        assert (places[:, 2] == 0).all()
        assert np.sort(places, axis=1).tolist() == [[0, 1, 2, 3]] * 200
        assert set(places[:, 0].tolist()) == {1, 2, 3}


class TestRedraw:
    def test_rows_come_back_as_the_faces_that_they_show(self, drawn: Path) -> None:
        with open_dataset(drawn) as opened:
            faces = redraw(opened, "test", [3, 0])
            intensities = opened.attribute("au12", "test")
            assert [face.units.au12 for face in faces] == pytest.approx([intensities[3], intensities[0]])

    @pytest.mark.parametrize(
        ("command", "reason"),
        [
            (("--thin", "glasses=yes:0.5"), "its faces were not drawn by fer prepare synthetic"),
            (("--illumination", "clahe"), "its faces were not drawn by fer prepare synthetic"),
        ],
    )
    def test_a_file_made_of_another_is_refused(self, command: tuple[str, str], reason: str, drawn: Path) -> None:
        assert run_fer("prepare", drawn, *command, "-o", "other.h5", "-q").exit_code == 0
        with open_dataset(Path("other.h5")) as opened, pytest.raises(InputError, match=reason):
            redraw(opened, "test", [0])

    def test_changed_pixels_are_refused(self) -> None:
        made = run_fer("prepare", "synthetic", "--count", 21, "--illumination", "gamma", "-o", "gamma.h5", "-q")
        assert made.exit_code == 0, made.stderr
        with (
            open_dataset(Path("gamma.h5")) as opened,
            pytest.raises(InputError, match=r"changed after .* \(illumination\)"),
        ):
            redraw(opened, "test", [0])

    def test_another_seed_than_the_file_says_is_found_out(self, drawn: Path) -> None:
        with open_dataset(drawn) as opened:
            opened.provenance["parameters"]["seed"] = 6
            with pytest.raises(InputError, match="not those that this version draws"):
                redraw(opened, "test", [0])


class TestPointing:
    def known(self, drawn: Path, network: LoadedModel) -> tuple[list[Face], pointing.Truth]:
        with open_dataset(drawn) as opened:
            faces = [face for face in redraw(opened, "train", range(14)) if pointing.moved_parts(face.units)]
        return faces, pointing.truth(faces, network)

    def test_a_map_of_the_truth_is_inside_and_an_even_one_as_much_as_the_area(
        self, drawn: Path, network: LoadedModel
    ) -> None:
        faces, known = self.known(drawn, network)
        right, even = pointing.score(known, {"right": known.moved.astype(float), "even": np.ones(known.moved.shape)}, 0)
        assert right.mass.mean == pytest.approx(1)
        assert (right.hits.mean, right.n) == (1, len(faces))
        assert even.mass.mean == pytest.approx(even.area) == pytest.approx(even.hits.mean)
        assert even.gain.mean == pytest.approx(0, abs=1e-9)
        assert 0.05 < even.area < 0.5
        assert sum(even.parts.values()) == pytest.approx(1)

    def test_a_map_of_the_mouth_points_at_smiles_and_not_at_frowns(self, drawn: Path, network: LoadedModel) -> None:
        faces, known = self.known(drawn, network)
        mouth = (known.parts == 1).astype(np.float32)
        inside = (masses(mouth) * known.moved).sum((1, 2))
        for face, share in zip(faces, inside, strict=True):
            assert (share > 0.9) == ("mouth" in pointing.moved_parts(face.units))

    def test_parts_are_where_the_picture_shows_them(self, drawn: Path, network: LoadedModel) -> None:
        _, known = self.known(drawn, network)
        heights = [np.nonzero(known.parts == number)[1].mean() for number in range(1, 5)]
        mouth, nose, brows, eyes = heights
        assert brows < eyes < nose < mouth

    def test_every_unit_moves_a_part(self) -> None:
        from dataclasses import fields

        from fer_cli.datasets.facs.action_units import ActionUnits

        assert set(pointing.MOVES) == {field.name for field in fields(ActionUnits)}
        assert set(pointing.MOVES.values()) == set(pointing.PARTS)


class TestSanity:
    def test_a_map_that_ignores_the_network_fails_and_its_gradient_passes(self, network: LoadedModel) -> None:
        seen: list[int] = []
        found = sanity.cascade(network.network, ("gradient", "shadow"), faces_of(LABELS), LABELS, 0, None, seen.append)
        gradient, shadow = found
        assert sum(seen) == sanity.maps_needed(network.network, 2, 14)
        assert gradient.passed
        assert sanity.warning(gradient) is None
        assert shadow.stages[-1].similarity.mean == pytest.approx(1)
        assert not shadow.passed
        assert "shadow fails the sanity check" in str(sanity.warning(shadow))
        assert gradient.stages[0].down_to == "logits"

    def test_the_highest_seed_is_one_like_others(self, network: LoadedModel) -> None:
        assert sanity.cascade(network.network, ("gradient",), faces_of(LABELS[:2]), LABELS[:2], 2**32 - 1)[0].stages

    def test_the_network_itself_stays_as_it_is(self, network: LoadedModel) -> None:
        before = network.network.get_weights()
        sanity.cascade(network.network, ("gradient",), faces_of(LABELS[:2]), LABELS[:2], 0)
        for one, other in zip(before, network.network.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)

    def test_rank_correlation_is_of_the_order_and_survives_even_maps(self) -> None:
        rng = np.random.default_rng(0)
        maps = rng.random((3, 5, 5)).astype(np.float32)
        other = np.stack([np.exp(maps[0]), 1 / (1 + maps[1]), np.ones((5, 5))])
        np.testing.assert_allclose(sanity.rank_correlation(maps, other), [1, -1, 0], atol=1e-12)

    @pytest.mark.parametrize(("layers", "expected"), [(1, [1]), (2, [1, 2]), (35, [1, 18, 35])])
    def test_judged_are_half_of_the_layers_and_all(self, layers: int, expected: list[int]) -> None:
        assert sanity.stages(layers) == expected


class TestEvidence:
    def test_everything_is_gathered_and_is_plain(self, study: Study, network: LoadedModel) -> None:
        methods = Methods(network.network, ("block", "shadow"))
        found = study.evidence(methods, 14, None, _silent)
        results = found.results()
        block, _, chance = results["faithfulness"]
        assert (block["method"], chance["method"]) == ("block", RANDOM)
        assert block["insertion_gain_interval"][0] > 0
        assert block["deletion_gain"] > 0
        assert chance["deletion_gain"] is None
        assert results["pointing"] is None
        assert [one["passed"] for one in results["sanity"]] == [False, False]  # neither looks at the network
        assert len(found.warnings) == 2
        assert "were not drawn by fer prepare synthetic" in found.notes[0]

    def test_faces_named_wrongly_and_neutral_ones_are_left_out_of_pointing(
        self, drawn: Path, network: LoadedModel
    ) -> None:
        with open_dataset(drawn) as opened:
            found = _knowing(network, opened, 14)
            faces = redraw(opened, "train", list(range(14)))
            pointed, notes = evidence._point(network, found, faces, {"even": np.ones((14, SIDE, SIDE))}, 0)
            labels = opened.labels("train")[:14]
            wrong = replace(found, probabilities=np.roll(found.probabilities, 1, axis=1))
            none, why = evidence._point(network, wrong, faces, {}, 0)
        assert pointed is not None
        assert pointed[0].n == int((labels != EMOTIONS.index("neutral")).sum())
        assert f"the {pointed[0].n} of 14 faces" in notes[0]
        assert none is None
        assert "none of the faces has an expression that the network names rightly" in why[0]

    def test_the_sanity_check_takes_faces_at_even_distances(self) -> None:
        assert evidence.sanity_faces(3).tolist() == [0, 1, 2]
        taken = evidence.sanity_faces(100)
        assert len(taken) == evidence.SANITY_FACES
        assert taken[[0, -1]].tolist() == [0, 99]


def test_the_interval_of_a_mean_holds_it_and_narrows_with_n() -> None:
    rng = np.random.default_rng(0)
    few, many = (mean(rng.normal(3, 1, n), 0) for n in (20, 2000))
    for found in (few, many):
        assert found.interval[0] < found.mean < found.interval[1]
    assert many.interval[1] - many.interval[0] == pytest.approx(2 * 1.96 / np.sqrt(2000), rel=0.15)
    assert few.interval[1] - few.interval[0] > 5 * (many.interval[1] - many.interval[0])


def _knowing(network: LoadedModel, dataset: Dataset, count: int) -> Subjects:
    """The first rows of train with answers that are right."""
    answers = np.eye(7, dtype=np.float32)[dataset.labels("train")[:count]]
    rows = np.arange(count)
    images = dataset.images("train").take(rows)
    return Subjects(
        network.class_names, images, dataset.labels("train")[:count].astype(np.intp), [""] * count, rows, answers
    )


class _Silent:
    def __enter__(self) -> Callable[[int], None]:
        return lambda steps: None

    def __exit__(self, *error: object) -> None:
        return None


def _silent(what: str, total: int) -> _Silent:
    return _Silent()
