from __future__ import annotations

import numpy as np

from fer_cli.transform.policy import parse_policy
from fer_cli.transform.preview import WHOLE, preview
from tests.transform.planted import noise_faces


def test_every_operation_has_a_row_that_begins_with_the_originals() -> None:
    faces = noise_faces(2)
    sheet = preview(faces, parse_policy("rotate:10 flip:1 noise:0.1"), 3, seed=0)
    assert list(sheet) == ["flip:1", "rotate:10", "noise:0.1", WHOLE]
    for row in sheet.values():
        assert row.shape == (2, 4, *faces.shape[1:])
        assert np.array_equal(row[:, 0], faces)
        assert (row[:, 1:] != faces[:, None]).any(axis=(2, 3, 4)).all()
    assert all(np.array_equal(draw, faces[:, :, ::-1]) for draw in sheet["flip:1"][:, 1:].swapaxes(0, 1))


def test_the_whole_policy_is_what_the_rows_above_add_up_to() -> None:
    sheet = preview(noise_faces(2), parse_policy("flip:0.5 erase:0.5"), 8, seed=1)
    flipped = (sheet["flip:0.5"] != sheet["flip:0.5"][:, :1]).any(axis=(2, 3, 4))
    # The random levels of a rectangle are those of its row, so only the place of what was erased is compared.
    erased = sheet["erase:0.5"] != sheet["erase:0.5"][:, :1]
    assert 0 < flipped.sum() < flipped.size
    assert 0 < erased.any(axis=(2, 3, 4)).sum() < flipped.size
    expected = np.where(flipped[:, :, None, None, None], sheet[WHOLE][:, :1, :, ::-1], sheet[WHOLE][:, :1])
    changed = sheet[WHOLE] != expected
    assert np.array_equal(changed.any(axis=(2, 3, 4)), erased.any(axis=(2, 3, 4)))
    assert not changed[~erased.any(axis=(2, 3, 4))].any()
