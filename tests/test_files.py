import contextlib
import errno
import hashlib
import itertools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from fer_cli import files
from fer_cli.errors import InputError, OutputError, OutputExistsError

Publish = Callable[[Path], contextlib.AbstractContextManager[Path]]


def test_a_file_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    with files.atomic_path(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        assert (temporary.parent, temporary.suffix) == (target.parent, ".txt")
    assert target.read_text() == "half"
    assert list(target.parent.iterdir()) == [target]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")

    def write_half() -> None:
        with files.atomic_path(target) as temporary:
            temporary.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        write_half()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_published_file_has_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    files.write_text(tmp_path / "published", "x")
    assert (tmp_path / "published").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS])
def test_refusals_of_the_file_system_are_told(tmp_path: Path, code: int) -> None:
    with pytest.raises(OutputError, match=os.strerror(code)), files.atomic_path(tmp_path / "a"):
        raise OSError(code, os.strerror(code))
    assert not list(tmp_path.iterdir())


def test_faults_of_the_program_are_not_called_refusals(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Bad file descriptor"), files.atomic_path(tmp_path / "a"):
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(OutputError, match=r"data.a\.h5: cannot be written"):
        files.write_text(tmp_path / "data" / "a.h5", "x")


def test_atomic_folder_publishes_its_files_or_none(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "other").touch()

    def write_half() -> None:
        with files.atomic_folder(target) as temporary:
            (temporary / "a").touch()
            raise KeyError

    with pytest.raises(KeyError):
        write_half()
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "other"]
    with files.atomic_folder(target) as temporary:
        (temporary / "a").touch()
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a", "other", "out"]


class BegunError(Exception):
    """The block of a publisher was reached."""


def begin(publish: Publish, path: Path, moment: int) -> None:
    """Enter a publisher with a Ctrl-C at its step `moment`: before a line, or as `with` has its answer."""
    steps = itertools.count()

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        within = frame.f_code.co_filename
        if within not in (files.__file__, contextlib.__file__):
            return None
        if (event == "line" or (event == "return" and within == contextlib.__file__)) and next(steps) == moment:
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with publish(path):
            sys.settrace(before)
            raise BegunError
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("publish", [files.atomic_path, files.atomic_folder, files.atomic_tree])
def test_an_interruption_at_whatever_step_leaves_nothing(tmp_path: Path, publish: Publish) -> None:
    for moment in itertools.count():
        with contextlib.suppress(KeyboardInterrupt):
            try:
                begin(publish, tmp_path / "out", moment)
            except BegunError:
                break
        assert not list(tmp_path.iterdir())
    assert moment > 10


def test_existing_outputs_are_refused(tmp_path: Path) -> None:
    file, folder = tmp_path / "f", tmp_path / "d"
    file.touch()
    folder.mkdir()
    files.refuse_existing(folder, overwrite=False)
    files.refuse_existing(tmp_path / "none", overwrite=False)
    files.refuse_existing(file, overwrite=True)
    (folder / "x").touch()
    for path in (file, folder):
        with pytest.raises(OutputExistsError, match="--overwrite") as caught:
            files.refuse_existing(path, overwrite=False)
        assert caught.value.exit_code == 4


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"face" * 1_000_000)
    assert files.sha256(tmp_path / "a") == hashlib.sha256(b"face" * 1_000_000).hexdigest()
    with pytest.raises(InputError, match="No such file"):
        files.sha256(tmp_path / "b")


def test_sha256_of_a_folder_follows_names_and_sizes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    first = files.sha256(tmp_path)
    assert files.sha256(tmp_path) == first
    (tmp_path / "a").rename(tmp_path / "b")
    renamed = files.sha256(tmp_path)
    (tmp_path / "b").write_bytes(b"22")
    assert len({first, renamed, files.sha256(tmp_path)}) == 3


def test_sha256_of_a_folder_takes_names_that_are_not_utf8(tmp_path: Path) -> None:
    first = files.sha256(tmp_path)
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9")).touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert files.sha256(tmp_path) != first


def test_json_comes_back(tmp_path: Path) -> None:
    data = {"name": "fear – 恐れ", "n": [1, 2.5, None]}
    files.write_json(tmp_path / "a.json", data)
    assert files.read_json(tmp_path / "a.json") == data
    odd = {"a": [1.5, float("nan"), (float("inf"), "ä")], "b": {"c": -float("inf")}, "d": None}
    assert json.loads(files.to_json(odd)) == {"a": [1.5, None, [None, "ä"]], "b": {"c": None}, "d": None}
    assert files.to_json("ä\udc80", ascii_only=True) == '"\\u00e4\\udc80"'


@pytest.mark.parametrize(
    ("content", "message"), [(None, "no such file"), (b"{", "not a readable JSON"), (b"\xff", "JSON")]
)
def test_json_that_is_none_is_told(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        files.read_json(path)


def test_a_file_in_place_of_an_output_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputError, match="out: cannot be written"), files.atomic_folder(tmp_path / "out"):
        pass
    assert (tmp_path / "out").read_text() == "mine"
