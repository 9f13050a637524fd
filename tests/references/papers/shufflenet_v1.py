"""ShuffleNet v1: figure 2 and table 1 of the paper."""

import torch
from torch import nn
from torch.nn import functional

WIDTHS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}


class Unit(nn.Module):
    def __init__(self, given, wanted, groups, stride, grouped):
        super().__init__()
        inner = wanted // 4
        rest = wanted - given if stride == 2 else wanted
        self.groups, self.stride = groups, stride
        self.pw1_conv = nn.Conv2d(
            given, inner, 1, groups=groups if grouped else 1, bias=False
        )
        self.pw1_bn = nn.BatchNorm2d(inner)
        self.dw_conv = nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False)
        self.dw_bn = nn.BatchNorm2d(inner)
        self.pw2_conv = nn.Conv2d(inner, rest, 1, groups=groups, bias=False)
        self.pw2_bn = nn.BatchNorm2d(rest)

    def forward(self, x):
        y = self.pw1_bn(self.pw1_conv(x)).relu()
        # Section 3.1: reshape to (g, n), transpose, flatten.
        y = y.unflatten(1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)
        y = self.dw_bn(self.dw_conv(y))
        y = self.pw2_bn(self.pw2_conv(y))
        if self.stride == 1:
            return (x + y).relu()
        return torch.cat([functional.avg_pool2d(x, 3, 2, 1), y], 1).relu()


class ShuffleNet(nn.Module):
    def __init__(self, groups):
        super().__init__()
        self.stem_conv = nn.Conv2d(3, 24, 3, 2, 1, bias=False)
        self.stem_bn = nn.BatchNorm2d(24)
        given = 24
        for stage, repeats in ((2, 4), (3, 8), (4, 4)):
            wanted = WIDTHS[groups] * 2 ** (stage - 2)
            units = nn.ModuleDict()
            for i in range(1, repeats + 1):
                grouped = (stage, i) != (2, 1)
                stride = 2 if i == 1 else 1
                units[str(i)] = Unit(given, wanted, groups, stride, grouped)
                given = wanted
            self.add_module(f"stage{stage}", units)
        self.fc = nn.Linear(given, 1000)

    def forward(self, x):
        x = self.stem_bn(self.stem_conv(x)).relu()
        x = functional.max_pool2d(x, 3, 2, 1)
        for stage in (self.stage2, self.stage3, self.stage4):
            for unit in stage.values():
                x = unit(x)
        return self.fc(x.mean((2, 3)))


def model(name: str) -> nn.Module:
    return ShuffleNet(int(name.rpartition("g")[2]))
