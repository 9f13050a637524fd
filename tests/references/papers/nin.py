"""Network in Network, as its authors' definition for ImageNet has it."""

from torch import nn
from torch.nn import functional


class NIN(nn.Module):
    def __init__(self):
        super().__init__()
        self.stage1_conv = nn.Conv2d(3, 96, 11, stride=4)
        self.stage1_mlp1 = nn.Conv2d(96, 96, 1)
        self.stage1_mlp2 = nn.Conv2d(96, 96, 1)
        self.stage2_conv = nn.Conv2d(96, 256, 5, padding=2)
        self.stage2_mlp1 = nn.Conv2d(256, 256, 1)
        self.stage2_mlp2 = nn.Conv2d(256, 256, 1)
        self.stage3_conv = nn.Conv2d(256, 384, 3, padding=1)
        self.stage3_mlp1 = nn.Conv2d(384, 384, 1)
        self.stage3_mlp2 = nn.Conv2d(384, 384, 1)
        self.stage4_conv = nn.Conv2d(384, 1024, 3, padding=1)
        self.stage4_mlp1 = nn.Conv2d(1024, 1024, 1)
        self.head = nn.Conv2d(1024, 1000, 1)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.pool3 = nn.MaxPool2d(3, 2, ceil_mode=True)

    def forward(self, x):
        x = self.stage1_mlp1(self.stage1_conv(x).relu()).relu()
        x = self.pool1(self.stage1_mlp2(x).relu())
        x = self.stage2_mlp1(self.stage2_conv(x).relu()).relu()
        x = self.pool2(self.stage2_mlp2(x).relu())
        x = self.stage3_mlp1(self.stage3_conv(x).relu()).relu()
        x = self.pool3(self.stage3_mlp2(x).relu())
        x = self.stage4_mlp1(self.stage4_conv(x).relu()).relu()
        x = self.head(x).relu()
        return functional.adaptive_avg_pool2d(x, 1).flatten(1)


def model(name: str) -> nn.Module:
    return NIN()
