"""Names lead to what they stand for, and wrong names to the right ones."""

from __future__ import annotations

import pytest

from fer_cli import catalog
from fer_cli.errors import UsageError

TABLES = {name: table for name, table in vars(catalog).items() if name.isupper()}


@pytest.mark.parametrize("table", TABLES)
def test_every_entry_can_be_imported_and_says_what_it_is(table: str) -> None:
    for name in TABLES[table]:
        assert catalog.find(TABLES[table], name, "thing").__doc__


def test_a_wrong_name_is_answered_with_the_nearest_and_all() -> None:
    with pytest.raises(UsageError, match=r"unknown architecture 'resnet19': did you mean 'resnet18'\? known are mini,"):
        catalog.find(catalog.ARCHITECTURES, "resnet19", "architecture")


def test_a_name_like_no_other_gets_no_guess() -> None:
    assert catalog.unknown("attack", "zzz", ["fgsm"]) == "unknown attack 'zzz': known are fgsm"
