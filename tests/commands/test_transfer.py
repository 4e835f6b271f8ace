"""`fer transfer` is a group; what it says of transfer learning."""

from __future__ import annotations

from tests.helpers import run_fer


def test_help_lists_the_parts_and_names_the_other_transfer() -> None:
    result = run_fer("transfer", "--help")
    assert result.exit_code == 0
    assert "fit" in result.stdout
    assert "apply" in result.stdout
    assert "Transfer learning, which is to start a classifier from the weights of another, is fer train --init" in (
        " ".join(result.stdout.split())
    )


def test_an_unknown_part_is_refused() -> None:
    result = run_fer("transfer", "undo")
    assert result.exit_code == 2
    assert "No such command 'undo'" in result.stderr
