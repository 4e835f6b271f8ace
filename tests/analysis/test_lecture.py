"""Viewers on one time axis, with truth that can be counted by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from fer_cli.analysis.lecture.measures import CONFUSION, VALENCE, mix
from fer_cli.analysis.lecture.moments import moments
from fer_cli.analysis.lecture.results import describe
from fer_cli.analysis.lecture.timeline import interval_over_viewers, over_viewers, timeline
from fer_cli.analysis.lecture.viewer import Viewer
from fer_cli.labels import EMOTIONS_8

NAMES = ("happy", "angry", "neutral")


def viewer(
    seconds: npt.ArrayLike, attentive: npt.ArrayLike, happy: npt.ArrayLike = 0.0, every: float = 1.0, name: str = "v"
) -> Viewer:
    """Attentive or away by row; happy (NaN: no face), the rest neutral."""
    times = np.asarray(seconds, float)
    share, joy = (np.broadcast_to(np.asarray(values, float), times.shape) for values in (attentive, happy))
    states = np.column_stack([share, 1 - share, 0 * share, 0 * share])
    return Viewer(name, times, np.full(len(times), every), states, np.column_stack([joy, 0 * joy, 1 - joy]), every)


def test_rates_do_not_matter() -> None:
    slow = viewer([0, 10, 20], [1, 0, 1], every=10)
    fast = viewer(np.arange(0, 30, 0.5), np.repeat([1, 0, 1], 20), every=0.5)
    found = timeline([slow, fast], NAMES, 5.0).measure("screen")
    assert found.tolist() == [[1, 1, 0, 0, 1, 1]] * 2


def test_a_piece_is_the_mean_over_its_time() -> None:
    rows = viewer([0, 1, 2, 3], [1, 1, 1, 0])
    assert timeline([rows], NAMES, 4.0).measure("screen").tolist() == [[0.75]]
    # Pieces that are longer than the steps overlap.
    assert timeline([rows], NAMES, 1.0, window=2.0).measure("distraction").tolist() == [[0, 0, 0.5]]


def test_gaps_and_ends_are_unknown_and_not_away() -> None:
    early, late = viewer([0, 1, 2, 8, 9], 1.0), viewer([4, 5, 6, 7], 0.0)
    found = timeline([early, late], NAMES, 2.0)
    means, counts = over_viewers(found.measure("screen"))
    assert counts.tolist() == [1, 1, 1, 1, 1]
    assert means.tolist() == [1, 1, 0, 0, 1]


def test_emotions_count_while_there_is_a_face() -> None:
    seen = viewer([0, 1, 2, 3], 1.0, [0.8, np.nan, np.nan, np.nan])
    pieces = timeline([seen], NAMES, 2.0)
    assert pieces.measure("happy")[0].tolist() == pytest.approx([0.8, np.nan], nan_ok=True)
    assert pieces.measure("valence")[0, 0] == pytest.approx(0.8 * VALENCE["happy"])
    assert pieces.measure("screen").tolist() == [[1, 1]]


def test_mixes() -> None:
    assert set(VALENCE) == set(EMOTIONS_8)
    assert mix(np.array([[0.5, 0.2, 0.3]]), ("sad", "fear", "unknown"), CONFUSION).tolist() == pytest.approx([0.45])


def test_intervals_are_over_viewers() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0.5, 0.1, (40, 2))
    values[0, 1] = np.nan
    low, high = interval_over_viewers(values, seed=0)
    # The bootstrap's half width is near 1.96 standard errors.
    assert (high - low)[0] / 2 == pytest.approx(1.96 * values[:, 0].std() / np.sqrt(40), rel=0.15)
    assert low[1] < np.nanmean(values[:, 1]) < high[1]
    assert np.isnan(interval_over_viewers(values[:1], seed=0)).all()


def lecture(agreeing: bool) -> list[Viewer]:
    """Twelve viewers of 300 s who are away a tenth of the time; from 100 to 120 s all are, or each at another time."""
    rng = np.random.default_rng(1)
    found = []
    for number in range(12):
        away = rng.random(300) < 0.1
        start = 100 if agreeing else 20 * number
        away[start : start + 20] = True
        joy = np.where((np.arange(300) >= 200) & (np.arange(300) < 220), 0.9, 0.1)
        found.append(viewer(np.arange(300.0), ~away, joy, name=f"v{number}"))
    return found


def test_a_planted_moment_is_the_first_and_clear() -> None:
    found = moments(lecture(agreeing=True), NAMES, 5.0, 20.0, 3, seed=0)
    distraction = [moment for moment in found if moment.kind == "distraction"]
    assert (distraction[0].start, distraction[0].end, distraction[0].value) == (100, 120, 1.0)
    assert distraction[0].clear
    joy = [moment for moment in found if moment.kind == "joy"]
    assert (joy[0].start, joy[0].clear) == (200, True)
    assert joy[0].value == pytest.approx(0.9)
    # Nobody ever frowns, so there is no most confused moment.
    assert not [moment for moment in found if moment.kind == "confusion"]


def test_viewers_who_do_not_agree_have_no_clear_moment() -> None:
    found = moments(lecture(agreeing=False), NAMES, 5.0, 20.0, 3, seed=0)
    distraction = [moment for moment in found if moment.kind == "distraction"]
    assert not any(moment.clear for moment in distraction)
    starts = sorted(moment.start for moment in distraction)
    assert len(starts) == 3
    assert min(np.diff(starts)) >= 20


def test_a_second_event_is_clear_beside_a_larger_one() -> None:
    viewers = []
    for one in lecture(agreeing=True):
        away = (one.seconds >= 240) & (one.seconds < 255)
        viewers.append(viewer(one.seconds, np.where(away, 0.0, one.states[:, 0])))
    found = [moment for moment in moments(viewers, NAMES, 5.0, 20.0, 3, seed=0) if moment.kind == "distraction"]
    assert [moment.start for moment in found[:2]] == [100, pytest.approx(237.5, abs=5)]
    assert [moment.clear for moment in found[:2]] == [True, True]
    assert not any(moment.clear for moment in found[2:])


def test_chance_alone_is_seldom_clear() -> None:
    """Of lectures whose viewers have nothing in common few have a clear moment, whatever the number of pieces."""
    clear = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        viewers = [viewer(np.arange(300.0), rng.random(300) < 0.9) for _ in range(6)]
        found = moments(viewers, NAMES, 5.0, 10.0, 1, seed)
        clear += sum(moment.clear for moment in found)
    assert clear <= 2


def test_one_viewer_has_moments_without_intervals() -> None:
    found = moments(lecture(agreeing=True)[:1], NAMES, 5.0, 20.0, 1, seed=0)
    assert [(moment.kind, moment.interval, moment.p, moment.clear) for moment in found] == [
        ("distraction", None, None, False),
        ("joy", None, None, False),
    ]


def test_the_lecture_is_told_by_minute_and_viewer() -> None:
    found = describe(lecture(agreeing=True), NAMES, 5.0, 20.0, 3, seed=0)
    assert [row["start_s"] for row in found.minutes] == [0, 60, 120, 180, 240]
    assert found.minutes[1]["attentive"] < 0.7 < found.minutes[0]["attentive"]
    assert found.minutes[3]["joy"] == pytest.approx(0.1 + 0.8 * 20 / 60)
    assert len(found.pieces) == 60
    assert len(found.viewers) == 12
    assert found.overall["away"] == pytest.approx(1 - found.overall["attentive"], abs=1e-5)
    low, high = found.overall["attentive_interval"]
    assert low < found.overall["attentive"] < high


def test_a_room_without_a_face_has_no_emotions() -> None:
    blind = viewer([0, 1, 2], 0.0, np.nan)
    found = describe([blind, blind], NAMES, 1.0, 1.0, 1, seed=0)
    assert found.pieces[0]["valence"] is None
    assert found.pieces[0]["emotion"] is None
    assert found.overall["p_happy"] is None
    assert found.overall["valence_interval"] is None
    assert found.moments == []
