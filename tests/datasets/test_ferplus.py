import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.fer2013_csv import Fer2013Csv
from fer_cli.datasets.ferplus import decide, majority_by_source, read_votes
from fer_cli.errors import InputError
from fer_cli.labels import EMOTIONS_8, FERPLUS_COLUMNS, canonical
from tests.datasets.layouts import draw_faces, read_all, write_csv, write_fer2013, write_votes
from tests.helpers import splits_of

CLEAR = {"happiness": 9, "sadness": 1}
HALVED = {"neutral": 5, "anger": 5}
NO_FACE = {"NF": 8, "fear": 2}
MIXED = {"fear": 4, "surprise": 3, "contempt": 3}
SINGLES = dict.fromkeys(FERPLUS_COLUMNS, 1)


def outcome(votes: dict[str, int], mode: str) -> str | None:
    """The class that a mode gives to a row with these votes, None when it discards the row."""
    counts = np.array([[votes.get(name, 0) for name in FERPLUS_COLUMNS]], np.float32)
    keep, labels, _ = decide(counts, mode)
    return EMOTIONS_8[labels[0]] if keep[0] else None


@pytest.mark.parametrize(
    ("votes", "majority", "argmax", "soft"),
    [
        (CLEAR, "happy", "happy", "happy"),
        (HALVED, None, "neutral", "neutral"),
        (NO_FACE, None, None, None),
        (MIXED, None, "fear", "fear"),
        (SINGLES, None, None, None),
        ({"unknown": 4, "sadness": 3, "disgust": 3}, None, None, "sad"),
        ({"anger": 3, "disgust": 2, "fear": 1, "sadness": 1, "happiness": 1, "NF": 1}, "angry", "angry", "angry"),
        ({"contempt": 10}, "contempt", "contempt", "contempt"),
    ],
)
def test_modes(votes: dict[str, int], majority: str | None, argmax: str | None, soft: str | None) -> None:
    assert [outcome(votes, mode) for mode in ("majority", "argmax", "soft")] == [majority, argmax, soft]


def test_each_column_means_its_own_emotion() -> None:
    for name in FERPLUS_COLUMNS[:8]:
        assert outcome({name: 10}, "majority") == canonical(name)


def test_distribution_leaves_out_single_votes_and_what_is_no_emotion() -> None:
    counts = np.array([[{"anger": 6, "fear": 2, "sadness": 1, "NF": 2}.get(name, 0) for name in FERPLUS_COLUMNS]])
    distribution = decide(counts.astype(np.float32), "soft")[2][0]
    assert dict(zip(EMOTIONS_8, distribution.tolist(), strict=True)) == {
        **dict.fromkeys(EMOTIONS_8, 0.0), "angry": 0.75, "fear": 0.25,
    }  # fmt: skip


USAGES = ["Training", "Training", "Training", "PublicTest"]


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return write_fer2013(tmp_path / "fer2013.csv", draw_faces(4), [3, 0, 2, 4], USAGES)


def test_votes_join_by_row_position(tmp_path: Path, csv: Path) -> None:
    votes = write_votes(tmp_path / "votes.csv", USAGES, [CLEAR, HALVED, {"surprise": 8}, {"contempt": 10}])
    importer = Fer2013Csv(csv, ReadOptions(votes=votes))
    records = read_all(importer)
    assert importer.class_names == EMOTIONS_8
    assert importer.inputs == [csv, votes]
    assert [EMOTIONS_8[label] for label in records.labels] == ["happy", "surprise", "contempt"]
    assert records.source == ["fer2013.csv:2", "fer2013.csv:4", "fer2013.csv:5"]
    assert splits_of(records) == ["train", "train", "val"]
    assert records.attributes["fer2013_label"].tolist() == [3, 2, 4]
    assert np.allclose(records.votes.sum(1), 1)
    assert importer.findings.notes == [
        "FER+ majority: 2 of 3 Training rows are kept",
        "FER+ majority: 1 of 1 PublicTest rows are kept",
        "FER+ majority: 33.3% of the rows kept have FER2013's own label",
    ]


def test_a_usage_that_the_csv_lacks_may_have_votes(tmp_path: Path, csv: Path) -> None:
    votes = write_votes(tmp_path / "votes.csv", [*USAGES, "PrivateTest"], [CLEAR] * 5)
    assert len(read_all(Fer2013Csv(csv, ReadOptions(votes=votes)))) == 4


@pytest.mark.parametrize(
    ("usages", "message"),
    [
        (USAGES[:2] + USAGES[3:], "expected votes for every Training row. Received: votes for the first 2"),
        (USAGES[:3], "expected votes for every PublicTest row. Received: votes for the first 0"),
        ([*USAGES, "Training"], r"expected 3 Training rows, as in .*fer2013\.csv. Received: 4"),
    ],
)
def test_another_number_of_rows_is_told(tmp_path: Path, csv: Path, usages: list[str], message: str) -> None:
    votes = write_votes(tmp_path / "votes.csv", usages, [CLEAR] * len(usages))
    with pytest.raises(InputError, match=rf"votes\.csv: {message}"):
        read_all(Fer2013Csv(csv, ReadOptions(votes=votes)))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("Testing", "", *[1] * 10), "line 2: expected a Usage of .*Received: 'Testing'"),
        (("Training", "", *[1] * 9), "line 2: expected 10 vote counts. Received: 1,1,1,1,1,1,1,1,1$"),
        (("Training", "", *[1] * 9, "x"), "line 2: expected 10 vote counts"),
    ],
)
def test_a_faulty_row_of_votes_is_named(tmp_path: Path, csv: Path, row: tuple[object, ...], message: str) -> None:
    votes = write_csv(tmp_path / "votes.csv", [row], ("Usage", "Image name", *FERPLUS_COLUMNS))
    with pytest.raises(InputError, match=rf"votes\.csv: {message}"):
        Fer2013Csv(csv, ReadOptions(votes=votes))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Received: an empty file"),
        (b"a,b,c\n", "Received: a,b,c"),
        (b"\xff\xfe\x00", "not a csv file"),
        (None, "No such"),
    ],
)
def test_another_file_than_votes_is_told(tmp_path: Path, csv: Path, content: bytes | None, message: str) -> None:
    votes = tmp_path / "votes.csv"
    if content is not None:
        votes.write_bytes(content)
    with pytest.raises(InputError, match=rf"votes\.csv: .*{message}"):
        Fer2013Csv(csv, ReadOptions(votes=votes))


def test_the_majority_of_a_row_is_found_by_its_line(tmp_path: Path) -> None:
    votes = write_votes(tmp_path / "votes.csv", USAGES, [CLEAR, HALVED, {"surprise": 8}, {"contempt": 10}])
    sources = ["fer2013.csv:5", "fer2013.csv:2", "fer2013.csv:3#aug1"]
    assert majority_by_source(votes, sources, np.array([1, 0, 0], np.uint8)) == ["contempt", "happy", None]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("fer2013.csv:6", "expected rows whose source is FILE:LINE of .* up to line 5. Received: fer2013.csv:6"),
        ("train/happy/Training_1.jpg", "expected rows whose source is FILE:LINE"),
        ("fer2013.csv:5", "line 5: expected the Usage Training of fer2013.csv:5. Received: PublicTest"),
    ],
)
def test_a_row_that_the_votes_do_not_fit_is_told(tmp_path: Path, source: str, message: str) -> None:
    votes = write_votes(tmp_path / "votes.csv", USAGES, [CLEAR] * 4)
    with pytest.raises(InputError, match=rf"votes\.csv: {message}"):
        majority_by_source(votes, [source], np.zeros(1, np.uint8))


@given(arrays.arrays(np.float32, (6, len(FERPLUS_COLUMNS)), elements=st.integers(0, 10).map(float)))
def test_any_votes_decide_soundly(counts: np.ndarray) -> None:
    kept = {}
    for mode in ("majority", "argmax", "soft"):
        keep, labels, votes = decide(counts, mode)
        kept[mode] = keep
        np.testing.assert_allclose(votes[keep].sum(1), 1, rtol=1e-5)
        # The label is the emotion with most votes, whatever else was voted for.
        assert (votes[keep, labels[keep]] == votes[keep].max(1)).all()
    # What more than half of the votes name has most of them.
    assert not (kept["majority"] & ~kept["argmax"]).any()


@given(
    st.lists(
        st.one_of(st.text(max_size=6), st.sampled_from(["9" * 5000, "²", "١٢", "-1", "1.5", "PublicTest"])), max_size=14
    )
)
def test_any_row_of_votes_is_read_or_refused_with_its_line(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str]
) -> None:
    path = tmp_path_factory.mktemp("votes") / "fer2013new.csv"
    write_votes(path, ["Training"], [{"happiness": 10}])
    with path.open("a", encoding="utf-8", newline="") as stream:
        stream.write(",".join(cell.encode("utf-8", "replace").decode() for cell in cells) + "\n")
    # Whatever it is, it is no other error.
    with contextlib.suppress(InputError):
        assert sum(map(len, read_votes(path))) in (1, 2)
