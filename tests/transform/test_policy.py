import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_cli.errors import UsageError
from fer_cli.transform.policy import NAMED_POLICIES, OPERATIONS, Policy, parse_policy


def test_words_give_magnitudes() -> None:
    policy = parse_policy("flip:0.5 rotate:10 noise:2e-2")
    assert (policy["flip"], policy["rotate"], policy["noise"], policy["zoom"]) == (0.5, 10, 0.02, 0)


def test_a_bare_name_has_its_default() -> None:
    assert parse_policy(" ".join(OPERATIONS)).magnitudes == {name: op.default for name, op in OPERATIONS.items()}


def test_order_case_and_separator_mean_nothing() -> None:
    assert parse_policy("rotate:10,flip:0.5") == parse_policy("  Flip:0.5   rotate:10.0 ")


def test_words_override_the_named_policy() -> None:
    strong, changed = parse_policy("strong"), parse_policy("strong erase:0 noise:0.1")
    assert strong["erase"] == 0.5
    assert (changed["erase"], changed["noise"]) == (0, 0.1)
    assert all(changed[name] == strong[name] for name in OPERATIONS if name not in ("erase", "noise"))


def test_none_does_nothing() -> None:
    assert parse_policy("none").magnitudes == {}
    assert parse_policy("none blur:0.3") == parse_policy("blur:0.3")


@pytest.mark.parametrize("name", [name for name in NAMED_POLICIES if name != "none"])
def test_named_policies_are_written_canonically(name: str) -> None:
    assert str(parse_policy(name)) == NAMED_POLICIES[name]


@given(
    st.fixed_dictionaries(
        {}, optional={name: st.floats(0, operation.maximum) for name, operation in OPERATIONS.items()}
    )
)
def test_the_text_of_a_policy_reads_back(magnitudes: dict[str, float]) -> None:
    policy = Policy({name: magnitude for name, magnitude in magnitudes.items() if magnitude})
    assert parse_policy(str(policy)) == policy
    assert str(parse_policy(str(policy))) == str(policy)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the augmentation policy is empty"),
        (" , ", "the augmentation policy is empty"),
        (
            "rotat:10",
            "unknown augmentation 'rotat': did you mean 'rotate'? known are none, light, default, strong, flip",
        ),
        ("defaul", "unknown augmentation 'defaul': did you mean 'default'?"),
        (":5", "unknown augmentation ''"),
        ("flip rotate:ten", "'rotate:ten': expected rotate from 0 to 180 (degrees). Received: 'ten'"),
        ("rotate:", "'rotate:': expected rotate from 0 to 180 (degrees). Received: ''"),
        ("rotate:1:2", "Received: '1:2'"),
        ("rotate:181", "'rotate:181': expected rotate from 0 to 180 (degrees). Received: '181'"),
        ("shift:-0.1", "expected shift from 0 to 0.5 (fraction of the side). Received: '-0.1'"),
        ("noise:nan", "Received: 'nan'"),
        ("noise:inf", "Received: 'inf'"),
        ("flip flip:0.2", "'flip:0.2': flip stands twice"),
        ("flip strong", "'strong': the name of a policy stands first"),
        ("strong:2", "'strong:2': the name of a policy stands first, alone, and without a number"),
    ],
)
def test_a_bad_text_is_told(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_policy(text)
    assert message in str(caught.value)
    assert caught.value.exit_code == 2


@given(
    st.one_of(st.text(max_size=30), st.from_regex(r"(strong|none|flip|rotate)?( [a-z]{2,9}(:[-+0-9.e_]{0,7})?){0,4}"))
)
def test_any_text_is_a_policy_or_refused(text: str) -> None:
    with contextlib.suppress(UsageError):
        policy = parse_policy(text)
        assert parse_policy(str(policy)) == policy
        assert all(0 < size <= OPERATIONS[name].maximum for name, size in policy.magnitudes.items())
