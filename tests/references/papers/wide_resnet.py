"""Wide ResNet for CIFAR: figure 1 (a) and table 1 of the paper."""

from torch import nn


class Block(nn.Module):
    def __init__(self, given, width, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(given)
        self.conv1 = nn.Conv2d(given, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        if given != width:
            self.shortcut_conv = nn.Conv2d(given, width, 1, stride, bias=False)

    def forward(self, x):
        y = self.bn1(x).relu()
        if hasattr(self, "shortcut_conv"):
            x = self.shortcut_conv(y)
        return x + self.conv2(self.bn2(self.conv1(y)).relu())


class WideResNet(nn.Module):
    def __init__(self, depth, widen):
        super().__init__()
        self.stem_conv = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        given = 16
        for stage, width in enumerate((16, 32, 64), start=1):
            blocks = nn.Sequential()
            for i in range(1, (depth - 4) // 6 + 1):
                stride = 2 if i == 1 and stage > 1 else 1
                blocks.add_module(str(i), Block(given, width * widen, stride))
                given = width * widen
            setattr(self, f"stage{stage}", blocks)
        self.top_bn = nn.BatchNorm2d(given)
        self.top_relu = nn.ReLU()
        self.head = nn.Linear(given, 10)

    def forward(self, x):
        x = self.stage3(self.stage2(self.stage1(self.stem_conv(x))))
        return self.head(self.top_relu(self.top_bn(x)).mean((2, 3)))


def model(name: str) -> nn.Module:
    _, depth, widen = name.split("_")
    return WideResNet(int(depth), int(widen))
