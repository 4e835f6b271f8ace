"""Records of results: made, and read again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fer_cli import files, provenance
from fer_cli.errors import InputError


def test_a_record_names_its_inputs_with_their_hashes(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(b"abc")
    record = provenance.record("eval", [tmp_path / "in.txt"], {"seed": 3}, {"n": 1})
    digest = hashlib.sha256(b"abc").hexdigest()
    assert record["inputs"] == [{"path": str(tmp_path / "in.txt"), "sha256": digest}]
    assert (record["command"], record["parameters"], record["results"]) == ("eval", {"seed": 3}, {"n": 1})
    assert {"fer-cli", "python", "numpy", "keras"} <= record["versions"].keys()


def test_a_record_is_read_from_its_file_or_its_folder(tmp_path: Path) -> None:
    record = provenance.record("eval", [], {}, {"n": 1})
    files.write_json(tmp_path / "result.json", record)
    assert provenance.read_record(tmp_path) == provenance.read_record(tmp_path / "result.json") == record


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a readable JSON file"),
        ("[]", "not a result of fer; expected a JSON object with command, inputs, parameters, results"),
        ('{"command": "eval"}', "not a result of fer"),
        ('{"command": "eval", "inputs": [], "parameters": {}, "results": 3}', "not a result of fer"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(InputError, match=rf"result\.json: {message}"):
        provenance.read_record(tmp_path)


def test_a_folder_without_a_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"result\.json: no such file"):
        provenance.read_record(tmp_path)
