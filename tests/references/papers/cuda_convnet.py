"""layers-18pct.cfg of cuda-convnet."""

from torch import nn
from torch.nn import functional


def rnorm(x):
    """Divide by the squares of the 3x3 around each pixel: scale 5e-5, power 0.75."""
    squares = functional.avg_pool2d(x**2, 3, 1, 1, count_include_pad=True)
    return x / (1 + 5e-5 * squares) ** 0.75


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 5, padding=2)
        self.conv2 = nn.Conv2d(32, 32, 5, padding=2)
        self.conv3 = nn.Conv2d(32, 64, 5, padding=2)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.pool2 = nn.AvgPool2d(3, 2, ceil_mode=True)
        self.pool3 = nn.AvgPool2d(3, 2, ceil_mode=True)
        self.head = nn.Linear(64 * 4 * 4, 10)

    def forward(self, x):
        x = rnorm(self.relu1(self.pool1(self.conv1(x))))
        x = rnorm(self.pool2(self.conv2(x).relu()))
        x = self.pool3(self.conv3(x).relu())
        return self.head(x.flatten(1))


def model(name: str) -> nn.Module:
    return Net()
