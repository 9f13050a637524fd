"""LeNet-5, section II.B and table I of the paper, and the form it is taught in."""

import torch
from torch import nn
from torch.nn import functional

# As printed: a row for each map of S2, a column for each map of C3.
TABLE_I = """
X . . . X X X . . X X X X . X X
X X . . . X X X . . X X X X . X
X X X . . . X X X . . X . X X X
. X X X . . X X X X . . X . X X
. . X X X . . X X X X . X X . X
. . . X X X . . X X X X . X X X
"""


def squash(x):
    return 1.7159 * torch.tanh(2 / 3 * x)


class C3(nn.Module):
    """One 5x5 kernel for each cross of the table, filter by filter."""

    def __init__(self):
        super().__init__()
        rows = [line.split() for line in TABLE_I.strip().splitlines()]
        self.at = [(f, m) for f in range(16) for m in range(6) if rows[m][f] == "X"]
        # The columns of a kernel come first: (kernel, x, y).
        self.weight = nn.Parameter(torch.zeros(60, 5, 5))
        self.bias = nn.Parameter(torch.zeros(16))

    def forward(self, x):
        kernel = torch.zeros(16, 6, 5, 5)
        for (f, m), part in zip(self.at, self.weight, strict=True):
            kernel[f, m] = part.T
        return functional.conv2d(x, kernel, self.bias)


class Subsampling(nn.Module):
    def __init__(self, maps):
        super().__init__()
        self.coefficient = nn.Parameter(torch.zeros(maps))
        self.bias = nn.Parameter(torch.zeros(maps))

    def forward(self, x):
        x = 4 * functional.avg_pool2d(x, 2)
        return squash(x * self.coefficient.view(-1, 1, 1) + self.bias.view(-1, 1, 1))


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5)
        self.s2 = Subsampling(6)
        self.c3 = C3()
        self.s4 = Subsampling(16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.head = nn.Linear(84, 10)

    def forward(self, x):
        x = self.s2(squash(self.c1(x)))
        x = self.s4(squash(self.c3(x)))
        x = squash(self.c5(x)).flatten(1)
        return self.head(squash(self.f6(x)))


class Modern(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5)
        self.s2 = nn.MaxPool2d(2)
        self.c3 = nn.Conv2d(6, 16, 5)
        self.s4 = nn.MaxPool2d(2)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.head = nn.Linear(84, 10)

    def forward(self, x):
        x = self.s2(self.c1(x).relu())
        x = self.s4(self.c3(x).relu())
        return self.head(self.f6(self.c5(x).relu().flatten(1)).relu())


def model(name: str) -> nn.Module:
    return LeNet5() if name == "lenet5" else Modern()
