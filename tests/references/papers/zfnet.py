"""ZFNet: figure 3 of the paper."""

from torch import nn
from torch.nn import functional


class Contrast(nn.Module):
    """Krizhevsky's normalisation across 5 maps: k = 2, alpha = 1e-4, beta = 0.75."""

    def forward(self, x):
        squares = functional.pad(x.square(), (0, 0, 0, 0, 2, 2))
        return x / (2 + 1e-4 * squares.unfold(1, 5, 1).sum(-1)) ** 0.75


class ZFNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 7, stride=2, padding=1)
        self.norm1 = Contrast()
        self.conv2 = nn.Conv2d(96, 256, 5, stride=2)
        self.norm2 = Contrast()
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.last = nn.AdaptiveAvgPool2d(6)
        self.fc6 = nn.Linear(256 * 6 * 6, 4096)
        self.fc7 = nn.Linear(4096, 4096)
        self.head = nn.Linear(4096, 1000)

    def forward(self, x):
        x = self.norm1(self.pool(self.conv1(x).relu()))
        x = self.norm2(self.pool(self.conv2(x).relu()))
        x = self.conv4(self.conv3(x).relu()).relu()
        x = self.pool(self.conv5(x).relu())
        x = self.last(x).flatten(1)
        return self.head(self.fc7(self.fc6(x).relu()).relu())


def model(name: str) -> nn.Module:
    return ZFNet()
