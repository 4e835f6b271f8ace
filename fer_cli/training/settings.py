"""What decides how a network is trained; the options of `fer train`, one field each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

OPTIMIZERS = ("sgd", "adamw", "adam", "rmsprop")
SCHEDULES = ("cosine", "plateau", "constant")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
TARGETS = ("labels", "votes")
LOSSES = ("cross-entropy", "focal")
SAMPLERS = ("shuffle", "balanced")
ADVERSARIES = ("fgsm", "pgd")
#: How far --adversarial changes a pixel, as part of the range, and the steps of pgd, unless --epsilon and --steps say.
DEFAULT_EPSILON, DEFAULT_STEPS = 4 / 255, 7
#: Peak learning rate of each optimizer at a batch of 128, unless --lr says another.
DEFAULT_LR = {"sgd": 0.1, "adamw": 1e-3, "adam": 1e-3, "rmsprop": 1e-3}
#: Decoupled decay, a step's fraction being lr × decay. For SGD with momentum 0.9 it equals ten times the coefficient
#: of the coupled form that PyTorch uses: 5e-3 here is the usual 5e-4 there.
DEFAULT_WEIGHT_DECAY = {"sgd": 5e-3, "adamw": 0.05, "adam": 0.0, "rmsprop": 0.0}
MOMENTUM = 0.9


@dataclass(frozen=True)
class Settings:
    """All that a training run depends on besides the dataset.

    architecture_options: keyword arguments of the architecture. init: "imagenet" or a file of weights to start from.
    freeze: the part of the network that keeps its weights ("all-but-head", a stage, a number of layers), for
    unfreeze_after epochs or, when that is None, for the whole run. body_lr: learning rate of all layers but the head,
    as a part of lr. teachers: model files whose probabilities are learnt too, softened by `temperature`, with the
    weight `alpha` against the targets' own loss. distill: defensive distillation, for which the run trains its teacher.
    adversarial: the attack on each batch that the network learns to withstand, None for none. epsilon: how far it may
    change a pixel, as a part of the range, attack_steps: its steps; None for the defaults. trades_beta: weight of the
    divergence of attacked from clean answers (TRADES), None to learn the attacked images instead of the clean ones.
    targets: learn the "labels" or the "votes" of the dataset. sampler: "balanced" draws every class as often.
    crop: side in pixels of the random crop that the network sees, None for the whole image. views: how often each
    drawn row is in a batch, each time augmented otherwise. augment: a policy text of `fer_cli.transform.policy`.
    mixup: alpha of the Beta distribution, 0 for none. fraction: part of the train rows.
    lr, weight_decay: None for the optimizer's default. warmup: epochs of linear warm-up. patience: epochs without a
    better val accuracy after which training stops, None for never. plateau_patience: epochs without a lower val loss
    after which "plateau" divides the learning rate.
    ema: decay per step of the weight average that is scored and saved, 0 for none.
    """

    architecture: str = "mini"
    architecture_options: Mapping[str, Any] = field(default_factory=dict)
    init: str | None = None
    freeze: str | None = None
    unfreeze_after: int | None = None
    body_lr: float = 1.0
    teachers: tuple[str, ...] = ()
    temperature: float = 4.0
    alpha: float = 0.9
    distill: bool = False
    adversarial: str | None = None
    epsilon: float | None = None
    attack_steps: int | None = None
    trades_beta: float | None = None
    targets: str = "labels"
    loss: str = "cross-entropy"
    focal_gamma: float = 2.0
    label_smoothing: float = 0.1
    class_weight: str = "none"
    sampler: str = "shuffle"
    crop: int | None = None
    views: int = 1
    augment: str = "none"
    mixup: float = 0.0
    fraction: float = 1.0
    epochs: int = 30
    batch_size: int = 128
    optimizer: str = "sgd"
    lr: float | None = None
    schedule: str = "cosine"
    warmup: float = 1.0
    plateau_patience: int = 5
    weight_decay: float | None = None
    ema: float = 0.0
    patience: int | None = None
    precision: str = "float32"
    seed: int = 0

    @property
    def peak_lr(self) -> float:
        """The learning rate after warm-up."""
        return DEFAULT_LR[self.optimizer] if self.lr is None else self.lr

    @property
    def decay(self) -> float:
        """The decoupled weight decay."""
        return DEFAULT_WEIGHT_DECAY[self.optimizer] if self.weight_decay is None else self.weight_decay

    @property
    def attack_epsilon(self) -> float:
        """The most that adversarial training changes a pixel, as a part of the range."""
        return DEFAULT_EPSILON if self.epsilon is None else self.epsilon

    @property
    def steps_of_attack(self) -> int:
        """Steps of the attack of adversarial training: one for fgsm."""
        return 1 if self.adversarial == "fgsm" else self.attack_steps or DEFAULT_STEPS

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of what the run reads besides the dataset."""
        weights = () if self.init in (None, "imagenet") else (str(self.init),)
        return (*weights, *self.teachers)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, with the defaults that apply filled in."""
        known = {"teachers": list(self.teachers), "lr": self.peak_lr, "weight_decay": self.decay}
        if self.adversarial:
            known |= {"epsilon": self.attack_epsilon, "attack_steps": self.steps_of_attack}
        return {**asdict(self), **known}
