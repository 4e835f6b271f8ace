"""Keras optimizers that take smaller steps for some variables, so that loaded layers move less than new ones.

Learning rates by layer for transfer: Howard, Ruder: Universal Language Model Fine-tuning (ACL 2018, arXiv:1801.06146).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import keras


class _SlowVariables:
    """A mixin before a Keras optimizer: learning rate and decoupled decay of some variables are multiplied by a factor.

    Keras has one learning rate for all variables; it reaches each of them through `update_step`. The decay, which Keras
    applies to all variables beforehand, moves there too, where the variable's own rate is known; since the step of a
    variable depends on no other variable, the order makes no difference. No state is added: the optimizer's variables
    are those of the Keras class, in the same order.
    """

    def __init__(self, *, slow: Collection[str], factor: float, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._slow_paths, self._slow_factor = frozenset(slow), factor
        self._slow_indices: frozenset[int] = frozenset()

    def build(self: Any, variables: list[keras.Variable]) -> None:
        """Create the state, and find which of the variables are slow: `update_step` may see them without paths."""
        super().build(variables)  # type: ignore[misc]
        self._slow_indices = frozenset(i for i, v in enumerate(variables) if v.path in self._slow_paths)

    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Decay, then step, both at the variable's own rate."""
        if self._get_variable_index(variable) in self._slow_indices:
            learning_rate = learning_rate * self._slow_factor
        if self.weight_decay and self._use_weight_decay(variable):
            rate = keras.ops.cast(learning_rate, variable.dtype)
            self.assign_sub(variable, variable * self.weight_decay * rate)
        super().update_step(gradient, variable, learning_rate)  # type: ignore[misc]

    def _apply_weight_decay(self, variables: Any) -> None:
        """Nothing: `update_step` does it."""


def slowed(
    kind: type[keras.optimizers.Optimizer], slow: Collection[str], factor: float, **arguments: Any
) -> keras.optimizers.Optimizer:
    """An optimizer of a Keras class whose steps are `factor` times as long for the variables of the paths `slow`.

    arguments: of the class. Where nothing is slow, it is the Keras class itself.
    """
    if factor == 1 or not slow:
        return kind(**arguments)
    mixed = type(f"Slow{kind.__name__}", (_SlowVariables, kind), {})
    return mixed(slow=slow, factor=factor, **arguments)
