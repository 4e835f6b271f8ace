"""Pattern strings such as CCPCCPFF: a letter a layer, the notation in which many studies describe their networks.

C is a convolution, P max-, A average and S stochastic pooling, D dropout, F a fully connected layer; the last F gives
the classes. A pattern without F averages its last maps and goes straight to the classes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fer_cli.errors import UsageError

LETTERS = {
    "C": "convolution",
    "P": "max-pooling",
    "A": "average pooling",
    "S": "stochastic pooling",
    "D": "dropout",
    "F": "fully connected",
}


@dataclass(frozen=True)
class Pattern:
    """stages: the letters of each stage: convolutions, then poolings. dense: the letters from the first F on."""

    stages: tuple[str, ...]
    dense: str

    @property
    def convolutions(self) -> int:
        """How many layers are convolutions."""
        return sum(stage.count("C") for stage in self.stages)

    @property
    def hidden(self) -> int:
        """How many fully connected layers come before the one that gives the classes."""
        return max(self.dense.count("F") - 1, 0)

    @property
    def dropouts(self) -> int:
        """How many layers are dropout."""
        return sum(part.count("D") for part in (*self.stages, self.dense))


def parse(text: str) -> Pattern:
    """Read a pattern, capital letters or small. Raises `UsageError` with the first letter that is out of place."""
    letters = text.upper()
    body, first_dense, rest = letters.partition("F")
    for position, letter in enumerate(letters, 1):
        if letter not in LETTERS:
            known = ", ".join(f"{key} {meaning}" for key, meaning in LETTERS.items())
            raise _misplaced(text, position, f"expected one of {known}")
        if letter not in "DF" and position > len(body):
            raise _misplaced(text, position, "expected D or F after the first F")
    if letters[:1] not in {"C", "F"}:
        raise _misplaced(text, 1, "expected C or F at the beginning")
    if rest.endswith("D"):
        raise _misplaced(text, len(letters), "expected F at the end, the layer that gives the classes")
    return Pattern(tuple(re.findall("C[CD]*[PASD]*", body)), first_dense + rest)


def _misplaced(text: str, position: int, expected: str) -> UsageError:
    received = f"letter {position} is {text[position - 1]}" if text else "nothing"
    return UsageError(f"pattern {text!r}: {expected}. Received: {received}")
