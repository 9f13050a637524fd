"""Highway networks for CIFAR: sections 2 and 3.3 of the paper.

The layers of 19 are those of the authors' definition, github.com/flukeskywalker/
highway-networks, examples/highways/cifar10-19layers/cifar10_network.prototxt.
"""

import torch
from torch import nn

#: Maps of every layer but the last two, "p" for a pooling; 1x1 kernels are negative.
LAYERS = {
    "cifar_highway11": [16] * 3 + ["p"] + [32] * 3 + ["p"] + [64] * 3,
    "cifar_highway19": [32] * 5 + ["p"] + [80] * 6 + ["p"] + [128] * 6,
    "cifar_highway32": [32, -32] * 5 + ["p"] + [64, -64] * 5 + ["p"] + [96, -96] * 5,
}
UNITS = {"cifar_highway11": 250, "cifar_highway19": 100, "cifar_highway32": 100}


class Highway(nn.Module):
    def __init__(self, width, size):
        super().__init__()
        self.conv = nn.Conv2d(width, width, size, padding=size // 2)
        self.gate = nn.Conv2d(width, width, size, padding=size // 2)

    def forward(self, x):
        transform = torch.sigmoid(self.gate(x))
        carry = 1 - transform
        return self.conv(x).relu() * transform + x * carry


class Net(nn.Module):
    def __init__(self, layers, units):
        super().__init__()
        self.pool = nn.MaxPool2d(2, 2)
        stage, given = nn.Sequential(), 3
        self.stages = [stage]
        for entry in layers:
            if entry == "p":
                stage = nn.Sequential()
                self.stages.append(stage)
                continue
            width, size = abs(entry), 3 if entry > 0 else 1
            if len(stage) == 0:
                stage.add_module("conv1", nn.Conv2d(given, width, size, padding=1))
                stage.add_module("relu1", nn.ReLU())
                number = 1
            else:
                number += 1
                stage.add_module(f"block{number}", Highway(width, size))
            given = width
        for s, stage in enumerate(self.stages, start=1):
            self.add_module(f"stage{s}", stage)
        self.head_conv = nn.Conv2d(given, units, 1)
        self.head = nn.Linear(units, 10)

    def forward(self, x):
        for s, stage in enumerate(self.stages):
            x = stage(self.pool(x) if s else x)
        x = self.head_conv(x).relu()
        return self.head(x.mean((2, 3)))


def model(name: str) -> nn.Module:
    return Net(LAYERS[name], UNITS[name])
