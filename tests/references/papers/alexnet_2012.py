"""AlexNet: figure 2 and section 3 of the paper, the towers as groups."""

from torch import nn
from torch.nn import functional


class Response(nn.Module):
    """Section 3.3: k = 2, n = 5, alpha = 1e-4, beta = 0.75."""

    def forward(self, x):
        squares = functional.pad(x.square(), (0, 0, 0, 0, 2, 2))
        return x / (2 + 1e-4 * squares.unfold(1, 5, 1).sum(-1)) ** 0.75


class AlexNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 11, stride=4)
        self.conv2 = nn.Conv2d(96, 256, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=2)
        self.norm = Response()
        self.pool1 = nn.MaxPool2d(3, 2)
        self.pool2 = nn.MaxPool2d(3, 2)
        self.pool5 = nn.MaxPool2d(3, 2)
        self.last = nn.AdaptiveAvgPool2d(6)
        self.fc6 = nn.Linear(256 * 6 * 6, 4096)
        self.fc7 = nn.Linear(4096, 4096)
        self.head = nn.Linear(4096, 1000)

    def forward(self, x):
        x = self.pool1(self.norm(self.conv1(x).relu()))
        x = self.pool2(self.norm(self.conv2(x).relu()))
        x = self.conv4(self.conv3(x).relu()).relu()
        x = self.pool5(self.conv5(x).relu())
        x = self.last(x).flatten(1)
        return self.head(self.fc7(self.fc6(x).relu()).relu())


def model(name: str) -> nn.Module:
    return AlexNet()
