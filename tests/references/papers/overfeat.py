"""OverFeat, fast: table 1 of the paper."""

from torch import nn


class OverFeat(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 11, stride=4)
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(96, 256, 5)
        self.pool2 = nn.MaxPool2d(2)
        self.conv3 = nn.Conv2d(256, 512, 3, padding=1)
        self.conv4 = nn.Conv2d(512, 1024, 3, padding=1)
        self.conv5 = nn.Conv2d(1024, 1024, 3, padding=1)
        self.pool5 = nn.MaxPool2d(2)
        self.fc6 = nn.Conv2d(1024, 3072, 6)
        self.fc7 = nn.Conv2d(3072, 4096, 1)
        self.head = nn.Conv2d(4096, 1000, 1)

    def forward(self, x):
        x = self.pool1(self.conv1(x).relu())
        x = self.pool2(self.conv2(x).relu())
        x = self.conv4(self.conv3(x).relu()).relu()
        x = self.pool5(self.conv5(x).relu())
        x = self.fc7(self.fc6(x).relu()).relu()
        return self.head(x).mean((2, 3))


def model(name: str) -> nn.Module:
    return OverFeat()
