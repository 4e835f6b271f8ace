"""The residual networks of `fer_cli.architectures.residual` in PyTorch: a baseline of train_throughput.py.

Same layers, channels and order; the data layout is PyTorch's default, as in most training scripts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

#: Name -> depths, widths, strides, width of the stem, squeeze-and-excitation.
NETWORKS: dict[str, tuple[Sequence[int], Sequence[int], Sequence[int], int, bool]] = {
    "mini": ((1, 1, 1, 1), (32, 64, 96, 192), (2, 2, 2, 2), 16, True),
    "resnet18": ((2, 2, 2, 2), (64, 128, 256, 512), (1, 2, 2, 2), 64, False),
    "resnet34": ((3, 4, 6, 3), (64, 128, 256, 512), (1, 2, 2, 2), 64, False),
}


class SqueezeExcite(nn.Module):
    """A gate for each channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        narrow = max(8, width // 8)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, narrow, 1), nn.ReLU(), nn.Conv2d(narrow, width, 1), nn.Sigmoid()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same."""
        return x * self.gate(x)


class Block(nn.Module):
    """Two 3×3 convolutions around a shortcut."""

    def __init__(self, given: int, width: int, stride: int, se: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(given, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
            SqueezeExcite(width) if se else nn.Identity(),
        )
        same = stride == 1 and given == width
        projection = nn.Sequential(nn.Conv2d(given, width, 1, stride, bias=False), nn.BatchNorm2d(width))
        self.shortcut: nn.Module = nn.Identity() if same else projection

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, C', H', W')."""
        return torch.relu(self.body(x) + self.shortcut(x))


def network(name: str, classes: int) -> nn.Sequential:
    """Logits (N, classes) of grey images (N, 1, H, W) in -1..1."""
    depths, widths, strides, stem, se = NETWORKS[name]
    layers: list[nn.Module] = [nn.Conv2d(1, stem, 3, 1, 1, bias=False), nn.BatchNorm2d(stem), nn.ReLU()]
    given = stem
    for depth, width, stride in zip(depths, widths, strides, strict=True):
        for block in range(depth):
            layers.append(Block(given, width, stride if block == 0 else 1, se))
            given = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(given, classes))


def trainer(name: str, classes: int = 7) -> Callable[[np.ndarray, np.ndarray], None]:
    """A function that takes one SGD step on uint8 images (N, H, W, 1) and labels (N,)."""
    net = network(name, classes).train()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)

    def step(images: np.ndarray, labels: np.ndarray) -> None:
        inputs = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(inputs), torch.from_numpy(labels)).backward()
        optimizer.step()

    return step
