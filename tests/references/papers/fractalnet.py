"""FractalNet: section 2 of the paper, the expansion rule written as it stands there."""

import torch
from torch import nn


class Unit(nn.Module):
    """The base case, f_1: convolution, batch norm, ReLU."""

    def __init__(self, given, width):
        super().__init__()
        self.conv = nn.Conv2d(given, width, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(width)

    def forward(self, x):
        return self.bn(self.conv(x)).relu()


def mean(paths):
    return torch.stack(paths).mean(0)


class Block(nn.Module):
    """f_{C+1}(z) is [f_C(f_C(z))] joined with conv(z)."""

    def __init__(self, given, width, columns):
        super().__init__()
        self.columns = columns
        self.pool = nn.MaxPool2d(2, 2)
        for column in range(1, columns + 1):
            units = nn.Sequential()
            for i in range(1, 2 ** (column - 1) + 1):
                units.add_module(f"unit{i}", Unit(given if i == 1 else width, width))
            self.add_module(f"column{column}", units)

    def paths(self, x, depth, used):
        """Return what the columns from `depth` to the deepest make of x."""
        column = self.get_submodule(f"column{depth}")
        unit = column[used[depth]]
        used[depth] += 1
        own = unit(x)
        if depth == self.columns:
            return [own]
        halfway = mean(self.paths(x, depth + 1, used))
        return [own, *self.paths(halfway, depth + 1, used)]

    def forward(self, x):
        paths = self.paths(x, 1, dict.fromkeys(range(1, self.columns + 1), 0))
        return mean([self.pool(path) for path in paths])


class FractalNet(nn.Module):
    def __init__(self, columns, widths):
        super().__init__()
        given = 3
        self.names = []
        for s, width in enumerate(widths, start=1):
            self.names.append(f"stage{s}")
            self.add_module(self.names[-1], Block(given, width, columns))
            given = width
        self.head = nn.Linear(given, 10)

    def forward(self, x):
        for name in self.names:
            x = self.get_submodule(name)(x)
        return self.head(x.mean((2, 3)))


def model(name: str) -> nn.Module:
    if name == "fractalnet20":
        return FractalNet(3, (64, 128, 256, 512, 512))
    return FractalNet(4, (16, 32, 64, 128, 128))
