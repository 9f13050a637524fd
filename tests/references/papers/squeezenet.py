"""SqueezeNet with simple bypass: figure 2, middle, of the paper."""

import torch
from torch import nn


class Fire(nn.Module):
    def __init__(self, given, squeeze, expand):
        super().__init__()
        self.squeeze1x1 = nn.Conv2d(given, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = self.squeeze1x1(x).relu()
        return torch.cat([self.expand1x1(x).relu(), self.expand3x3(x).relu()], 1)


class SqueezeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 7, stride=2)
        self.fire2 = Fire(96, 16, 64)
        self.fire3 = Fire(128, 16, 64)
        self.fire4 = Fire(128, 32, 128)
        self.fire5 = Fire(256, 32, 128)
        self.fire6 = Fire(256, 48, 192)
        self.fire7 = Fire(384, 48, 192)
        self.fire8 = Fire(384, 64, 256)
        self.fire9 = Fire(512, 64, 256)
        self.conv10 = nn.Conv2d(512, 1000, 1)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)

    def forward(self, x):
        x = self.pool(self.conv1(x).relu())
        x = self.fire2(x)
        x = self.fire3(x) + x
        x = self.pool(self.fire4(x))
        x = self.fire5(x) + x
        x = self.fire6(x)
        x = self.fire7(x) + x
        x = self.pool(self.fire8(x))
        x = self.fire9(x) + x
        return self.conv10(x).relu().mean((2, 3))


def model(name: str) -> nn.Module:
    return SqueezeNet()
