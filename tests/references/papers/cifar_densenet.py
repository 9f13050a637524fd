"""DenseNet-BC for CIFAR: section 3 and 4.2 of the paper."""

import torch
from torch import nn


class Layer(nn.Module):
    def __init__(self, given, growth):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(given)
        self.conv1 = nn.Conv2d(given, 4 * growth, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x):
        y = self.conv1(self.bn1(x).relu())
        return torch.cat([x, self.conv2(self.bn2(y).relu())], 1)


class Transition(nn.Module):
    def __init__(self, given, kept):
        super().__init__()
        self.bn = nn.BatchNorm2d(given)
        self.conv = nn.Conv2d(given, kept, 1, bias=False)

    def forward(self, x):
        return nn.functional.avg_pool2d(self.conv(self.bn(x).relu()), 2)


class DenseNet(nn.Module):
    def __init__(self, depth=100, growth=12):
        super().__init__()
        count, width = (depth - 4) // 6, 2 * growth
        self.stem = nn.Conv2d(3, width, 3, padding=1, bias=False)
        for stage in (1, 2, 3):
            block = nn.Sequential()
            for i in range(1, count + 1):
                block.add_module(f"layer{i}", Layer(width, growth))
                width += growth
            setattr(self, f"block{stage}", block)
            if stage < 3:
                setattr(self, f"transition{stage}", Transition(width, width // 2))
                width //= 2
        self.bn = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.classifier = nn.Linear(width, 10)

    def forward(self, x):
        x = self.transition1(self.block1(self.stem(x)))
        x = self.transition2(self.block2(x))
        x = self.relu(self.bn(self.block3(x)))
        return self.classifier(x.mean((2, 3)))


def model(name: str) -> nn.Module:
    return DenseNet()
