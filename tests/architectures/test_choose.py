"""Names and options lead to networks, and wrong ones to a line that says what is known."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fer_cli import catalog
from fer_cli.architectures import choose
from fer_cli.errors import UsageError
from tests import tiny


def test_every_name_and_pattern_passes_without_a_framework() -> None:
    script = (
        "import sys; from fer_cli import catalog; from fer_cli.architectures.choose import check_name\n"
        "for name in [*catalog.ARCHITECTURES, 'pattern:CCPCCPFF']: check_name(name)\n"
        "assert not {'keras', 'tensorflow', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet19", r"unknown architecture 'resnet19': did you mean 'resnet18'\? known are mini, .*, pattern:LETTERS"),
        ("pattern:CCX", r"pattern 'CCX': .* Received: letter 3 is X"),
    ],
)
def test_a_wrong_name_is_refused(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        choose.check_name(name)
    with pytest.raises(UsageError, match=message):
        choose.build(name, (48, 48, 1), 7, {})


@pytest.mark.parametrize(
    ("name", "option", "message"),
    [
        ("vgg16", {"se": True}, "vgg16 takes no --se; it takes --dense, --dropout"),
        ("six-conv", {"stem": "small"}, "six-conv takes no --stem; it takes --dense, --dropout, --width, --widths, "),
        ("pattern:CPF", {"stem": "small"}, "pattern:CPF takes no --stem; it takes --dense, "),
        ("tiny", {"width": 2.0}, "tiny takes no --width; it takes --dropout"),
    ],
)
def test_an_option_that_it_does_not_take_is_refused(
    name: str, option: dict[str, object], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(catalog.ARCHITECTURES, "tiny", tiny.REFERENCE)
    with pytest.raises(UsageError) as refusal:
        choose.build(name, (24, 24, 1), 7, option)
    assert str(refusal.value).startswith(message)


def test_the_listing_says_what_networks_cost_at_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: catalog.ARCHITECTURES[name] for name in ("mini", "mini-xception")}
    monkeypatch.setattr(catalog, "ARCHITECTURES", few)
    small, large = choose.listing((48, 48, 1), 7), choose.listing((96, 96, 3), 8)
    assert [row.name for row in small] == ["mini", "mini-xception"]
    assert small[0].parameters == choose.build("mini", (48, 48, 1), 7, {}).count_params()
    assert all(3.5 < b.multiply_adds / a.multiply_adds < 6 for a, b in zip(small, large, strict=True))
    assert small[1].paper == "Arriaga et al. 2017, arXiv:1710.07557"
