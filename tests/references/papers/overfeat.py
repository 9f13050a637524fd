"""OverFeat, fast and accurate: tables 1 and 3 of the paper."""

from torch import nn


class Fast(nn.Module):
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


class Accurate(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 7, stride=2)
        self.pool1 = nn.MaxPool2d(3, 3)
        self.conv2 = nn.Conv2d(96, 256, 7, stride=1)
        self.pool2 = nn.MaxPool2d(2, 2)
        self.conv3 = nn.Conv2d(256, 512, 3, stride=1, padding=1)
        self.conv4 = nn.Conv2d(512, 512, 3, stride=1, padding=1)
        self.conv5 = nn.Conv2d(512, 1024, 3, stride=1, padding=1)
        self.conv6 = nn.Conv2d(1024, 1024, 3, stride=1, padding=1)
        self.pool6 = nn.MaxPool2d(3, 3)
        self.fc7 = nn.Conv2d(1024, 4096, 5)
        self.fc8 = nn.Conv2d(4096, 4096, 1)
        self.head = nn.Conv2d(4096, 1000, 1)

    def forward(self, x):
        x = self.pool1(self.conv1(x).relu())
        x = self.pool2(self.conv2(x).relu())
        x = self.conv4(self.conv3(x).relu()).relu()
        x = self.conv6(self.conv5(x).relu()).relu()
        x = self.fc8(self.fc7(self.pool6(x)).relu()).relu()
        return self.head(x).mean((2, 3))


def model(name: str) -> nn.Module:
    return Accurate() if name == "accurate" else Fast()
