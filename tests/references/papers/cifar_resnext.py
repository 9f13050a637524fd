"""ResNeXt-29 for CIFAR: figure 3 (c) and section 5.2 of the paper."""

from torch import nn


class Block(nn.Module):
    def __init__(self, given, inner, width, groups, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(given, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.projects = given != width
        if self.projects:
            self.shortcut_conv = nn.Conv2d(given, width, 1, stride, bias=False)
            self.shortcut_bn = nn.BatchNorm2d(width)

    def forward(self, x):
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)).relu()
        y = self.bn3(self.conv3(y))
        if self.projects:
            x = self.shortcut_bn(self.shortcut_conv(x))
        return (x + y).relu()


class ResNeXt(nn.Module):
    def __init__(self, cardinality=8, base_width=64):
        super().__init__()
        self.stem_conv = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        self.stem_bn = nn.BatchNorm2d(64)
        given, inner = 64, cardinality * base_width
        for stage, width in enumerate((256, 512, 1024), start=1):
            blocks = nn.Sequential()
            for i in (1, 2, 3):
                stride = 2 if i == 1 and stage > 1 else 1
                block = Block(given, inner, width, cardinality, stride)
                blocks.add_module(str(i), block)
                given = width
            inner *= 2
            setattr(self, f"stage{stage}", blocks)
        self.head = nn.Linear(given, 10)

    def forward(self, x):
        x = self.stem_bn(self.stem_conv(x)).relu()
        x = self.stage3(self.stage2(self.stage1(x)))
        return self.head(x.mean((2, 3)))


def model(name: str) -> nn.Module:
    return ResNeXt()
