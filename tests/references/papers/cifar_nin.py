"""Network in Network, as its authors' definition for CIFAR-10 has it."""

from torch import nn


class NIN(nn.Module):
    def __init__(self):
        super().__init__()
        self.stage1_conv = nn.Conv2d(3, 192, 5, padding=2)
        self.stage1_mlp1 = nn.Conv2d(192, 160, 1)
        self.stage1_mlp2 = nn.Conv2d(160, 96, 1)
        self.stage2_conv = nn.Conv2d(96, 192, 5, padding=2)
        self.stage2_mlp1 = nn.Conv2d(192, 192, 1)
        self.stage2_mlp2 = nn.Conv2d(192, 192, 1)
        self.stage3_conv = nn.Conv2d(192, 192, 3, padding=1)
        self.stage3_mlp1 = nn.Conv2d(192, 192, 1)
        self.head = nn.Conv2d(192, 10, 1)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.pool2 = nn.AvgPool2d(3, 2, ceil_mode=True)

    def forward(self, x):
        x = self.stage1_mlp1(self.stage1_conv(x).relu()).relu()
        x = self.pool1(self.stage1_mlp2(x).relu())
        x = self.stage2_mlp1(self.stage2_conv(x).relu()).relu()
        x = self.pool2(self.stage2_mlp2(x).relu())
        x = self.stage3_mlp1(self.stage3_conv(x).relu()).relu()
        return self.head(x).relu().mean((2, 3))


def model(name: str) -> nn.Module:
    return NIN()
