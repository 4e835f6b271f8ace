"""What decides how a network is trained; the options of `fer train`, one field each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

OPTIMIZERS = ("sgd", "adamw")
SCHEDULES = ("cosine", "plateau", "constant")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
#: Peak learning rate of each optimizer at a batch of 128, unless --lr says another.
DEFAULT_LR = {"sgd": 0.1, "adamw": 1e-3}
#: Decoupled decay, a step's fraction being lr × decay. For SGD with momentum 0.9 it equals ten times the coefficient
#: of the coupled form that PyTorch uses: 5e-3 here is the usual 5e-4 there.
DEFAULT_WEIGHT_DECAY = {"sgd": 5e-3, "adamw": 0.05}
MOMENTUM = 0.9


@dataclass(frozen=True)
class Settings:
    """All that a training run depends on besides the dataset.

    architecture_options: keyword arguments of the architecture. augment: a policy text of `fer_cli.transform.policy`.
    lr, weight_decay: None for the optimizer's default. warmup: epochs of linear warm-up. patience: epochs without a
    better val accuracy after which training stops, None for never. plateau_patience: epochs without a lower val loss
    after which "plateau" divides the learning rate. mixup: alpha of the Beta distribution, 0 for none.
    ema: decay per step of the weight average that is scored and saved, 0 for none. fraction: part of the train rows.
    """

    architecture: str = "mini"
    architecture_options: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 30
    batch_size: int = 128
    optimizer: str = "sgd"
    lr: float | None = None
    schedule: str = "cosine"
    warmup: float = 1.0
    plateau_patience: int = 5
    weight_decay: float | None = None
    label_smoothing: float = 0.1
    mixup: float = 0.0
    class_weight: str = "none"
    ema: float = 0.0
    patience: int | None = None
    precision: str = "float32"
    augment: str = "none"
    fraction: float = 1.0
    seed: int = 0

    @property
    def peak_lr(self) -> float:
        """The learning rate after warm-up."""
        return DEFAULT_LR[self.optimizer] if self.lr is None else self.lr

    @property
    def decay(self) -> float:
        """The decoupled weight decay."""
        return DEFAULT_WEIGHT_DECAY[self.optimizer] if self.weight_decay is None else self.weight_decay

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, with the defaults that apply filled in."""
        return {**asdict(self), "lr": self.peak_lr, "weight_decay": self.decay}
