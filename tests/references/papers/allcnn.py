"""All-CNN-C: tables 1 and 2 of the paper."""

from torch import nn


class AllCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.stage1_conv1 = nn.Conv2d(3, 96, 3, padding=1)
        self.stage1_conv2 = nn.Conv2d(96, 96, 3, padding=1)
        self.stage1_conv3 = nn.Conv2d(96, 96, 3, stride=2, padding=1)
        self.stage2_conv1 = nn.Conv2d(96, 192, 3, padding=1)
        self.stage2_conv2 = nn.Conv2d(192, 192, 3, padding=1)
        self.stage2_conv3 = nn.Conv2d(192, 192, 3, stride=2, padding=1)
        self.stage3_conv1 = nn.Conv2d(192, 192, 3)
        self.stage3_conv2 = nn.Conv2d(192, 192, 1)
        self.head = nn.Conv2d(192, 10, 1)
        # One activation for each stage, so that its map can be seen.
        self.relu1, self.relu2, self.relu3 = nn.ReLU(), nn.ReLU(), nn.ReLU()

    def forward(self, x):
        x = self.stage1_conv2(self.stage1_conv1(x).relu()).relu()
        x = self.relu1(self.stage1_conv3(x))
        x = self.stage2_conv2(self.stage2_conv1(x).relu()).relu()
        x = self.relu2(self.stage2_conv3(x))
        x = self.relu3(self.stage3_conv2(self.stage3_conv1(x).relu()))
        return self.head(x).relu().mean((2, 3))


def model(name: str) -> nn.Module:
    return AllCNN()
