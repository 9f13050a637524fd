"""ResNets for CIFAR: section 4.2 of the paper, shortcuts of option A.

The names of the parameters are those of the best known implementation,
github.com/akamaster/pytorch_resnet_cifar10.
"""

from torch import nn
from torch.nn import functional


class Block(nn.Module):
    def __init__(self, given, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(given, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.stride, self.new = stride, width - given

    def forward(self, x):
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y))
        # Option A: no parameters, every other pixel and zeros for the new maps.
        x = x[:, :, :: self.stride, :: self.stride]
        half = self.new // 2
        return (functional.pad(x, (0, 0, 0, 0, half, half)) + y).relu()


class ResNet(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        given = 16
        for stage, width in enumerate((16, 32, 64), start=1):
            blocks = []
            for i in range((depth - 2) // 6):
                blocks.append(Block(given, width, 2 if stage > 1 and i == 0 else 1))
                given = width
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = self.bn1(self.conv1(x)).relu()
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


def model(name: str) -> nn.Module:
    return ResNet(int(name.removeprefix("resnet")))
