"""LeNet-1 (1990, section 4 and table 1) and LeNet-4 (1998, section III.C.5)."""

import torch
from torch import nn
from torch.nn import functional

# As printed: a row for each map of H2, a column for each map of H3.
TABLE_1 = """
X X X . X X . . . . . .
. X X X X X . . . . . .
. . . . . . X X X . X X
. . . . . . . X X X X X
"""
# Of our own, since none is printed.
LENET4 = """
X . . . . . X X X . . X . . X .
X X . . . . . X . X . . X . . X
X X X . . . . . X . X . . X . .
. X X X . . . . . X . X . . X .
. . X X X . . . . . X . X . . X
. . . X X X . . X . . X . X . .
. . . . X X X . . X . . X . X .
. . . . . X X X . . X . . X . X
"""


def squash(x):
    return 1.7159 * torch.tanh(2 / 3 * x)


class Partial(nn.Module):
    """One 5x5 kernel for each cross of the table, filter by filter."""

    def __init__(self, table):
        super().__init__()
        rows = [line.split() for line in table.strip().splitlines()]
        self.at = [
            (f, m)
            for f in range(len(rows[0]))
            for m in range(len(rows))
            if rows[m][f] == "X"
        ]
        self.full = (len(rows[0]), len(rows), 5, 5)
        # The columns of a kernel come first: (kernel, x, y).
        self.weight = nn.Parameter(torch.zeros(len(self.at), 5, 5))
        self.bias = nn.Parameter(torch.zeros(len(rows[0])))

    def forward(self, x):
        kernel = torch.zeros(self.full)
        for (f, m), part in zip(self.at, self.weight, strict=True):
            kernel[f, m] = part.T
        return squash(functional.conv2d(x, kernel, self.bias))


class Subsampling(nn.Module):
    def __init__(self, maps):
        super().__init__()
        self.coefficient = nn.Parameter(torch.zeros(maps))
        self.bias = nn.Parameter(torch.zeros(maps))

    def forward(self, x):
        total = x[..., ::2, ::2] + x[..., 1::2, ::2]
        total = total + x[..., ::2, 1::2] + x[..., 1::2, 1::2]
        return squash(
            total * self.coefficient.view(-1, 1, 1) + self.bias.view(-1, 1, 1)
        )


class LeNet(nn.Module):
    def __init__(self, table, copies, filters, hidden):
        super().__init__()
        self.copies = copies
        self.c1 = nn.Conv2d(1, 4, 5)
        self.s2 = Subsampling(4 * copies)
        self.c3 = Partial(table)
        self.s4 = Subsampling(filters)
        # Images of 28x28, LeNet-1's own, leave maps of 4x4.
        if hidden:
            self.f5 = nn.Linear(filters * 16, hidden)
        self.head = nn.Linear(hidden or filters * 16, 10)

    def forward(self, x):
        x = squash(self.c1(x))
        # Each map is sub-sampled `copies` times.
        x = x.repeat(1, self.copies, 1, 1)
        x = self.s4(self.c3(self.s2(x))).flatten(1)
        if hasattr(self, "f5"):
            x = squash(self.f5(x))
        return self.head(x)


def model(name: str) -> nn.Module:
    if name == "lenet1":
        return LeNet(TABLE_1, 1, 12, 0)
    return LeNet(LENET4, 2, 16, 120)
