"""GoogLeNet without batch norm: table 1, figure 3 and section 5 of the paper."""

import torch
from torch import nn
from torch.nn import functional


class Module(nn.Module):
    def __init__(self, given, a, b1, b, c1, c, d):
        super().__init__()
        sizes = {
            "1x1": (given, a, 1),
            "3x3_reduce": (given, b1, 1),
            "3x3": (b1, b, 3),
            "5x5_reduce": (given, c1, 1),
            "5x5": (c1, c, 5),
            "pool_proj": (given, d, 1),
        }
        for name, (n, m, k) in sizes.items():
            self.add_module(name, nn.Conv2d(n, m, k, padding=k // 2))

    def forward(self, x):
        def run(name, x):
            return getattr(self, name)(x).relu()

        pooled = functional.max_pool2d(x, 3, 1, 1)
        three = run("3x3", run("3x3_reduce", x))
        five = run("5x5", run("5x5_reduce", x))
        return torch.cat([run("1x1", x), three, five, run("pool_proj", pooled)], 1)


class Auxiliary(nn.Module):
    """A head on an inner map, which only training calls."""

    def __init__(self, given):
        super().__init__()
        self.conv = nn.Conv2d(given, 128, 1)
        self.fc1 = nn.Linear(4 * 4 * 128, 1024)
        self.fc2 = nn.Linear(1024, 1000)

    def forward(self, x):
        x = nn.functional.avg_pool2d(x, 5, 3)
        x = nn.functional.adaptive_avg_pool2d(x, 4)
        x = self.conv(x).relu().flatten(1)
        return self.fc2(self.fc1(x).relu())


TABLE = {
    "3a": (192, 64, 96, 128, 16, 32, 32),
    "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64),
    "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64),
    "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128),
    "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (832, 384, 192, 384, 48, 128, 128),
}


class GoogLeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3)
        self.conv2_reduce = nn.Conv2d(64, 64, 1)
        self.conv2 = nn.Conv2d(64, 192, 3, padding=1)
        self.relu1, self.relu2 = nn.ReLU(), nn.ReLU()
        # PyTorch divides alpha by the size, the formula of 2012 does not.
        self.lrn = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        for name, sizes in TABLE.items():
            self.add_module(f"inception{name}", Module(*sizes))
        self.aux1, self.aux2 = Auxiliary(512), Auxiliary(528)
        self.classifier = nn.Linear(1024, 1000)

    def forward(self, x):
        x = self.lrn(self.pool(self.relu1(self.conv1(x))))
        x = self.lrn(self.relu2(self.conv2(self.conv2_reduce(x).relu())))
        for name in TABLE:
            if name.endswith("a"):
                x = self.pool(x)
            x = self.get_submodule(f"inception{name}")(x)
        return self.classifier(x.mean((2, 3)))


def model(name: str) -> nn.Module:
    return GoogLeNet()
