"""What decides how a generator is trained; the options of `fer transfer fit`, one field each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Settings:
    """All that a run depends on besides the dataset.

    width, blocks: size of the generator. epochs: of `steps` batches each, whatever the size of the dataset. lr: of
    generator and discriminator, which falls along a cosine. augment: a policy text of `fer_cli.transform.policy`.
    classifiers: frozen models whose answers guide the generator beside the discriminator's own.
    identity_guide: a frozen network that tells persons apart, for which the person is to stay the same: `learn` for one
    that first learns it from the train rows, a file, None for none. adversarial, emotion, cycle, identity, likeness,
    sparsity, smoothness: weights of the terms of `translation.losses`; likeness is that of the identity guide. ema:
    decay per step of the weight average that is shown and saved.

    Sparsity is 0: the mask scales a change that is nothing at first, and whatever closes it then, by however little,
    closes it for good.
    """

    width: int = 16
    blocks: int = 2
    epochs: int = 60
    steps: int = 65
    batch_size: int = 16
    lr: float = 1e-3
    augment: str = "flip"
    classifiers: tuple[str, ...] = ()
    identity_guide: str | None = None
    adversarial: float = 1.0
    emotion: float = 1.0
    cycle: float = 2.0
    identity: float = 1.0
    likeness: float = 10.0
    sparsity: float = 0.0
    smoothness: float = 0.5
    ema: float = 0.99
    seed: int = 0

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of what the run reads besides the dataset."""
        guide = () if self.identity_guide in (None, "learn") else (str(self.identity_guide),)
        return (*self.classifiers, *guide)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)
