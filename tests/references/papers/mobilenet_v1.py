"""MobileNet v1 of any width: table 1 of the paper, ReLU6 as its authors published it.

Parameters are named as in https://github.com/biubug6/Pytorch_Retinaface, which
publishes weights of the narrowest.
"""

from torch import nn

WIDTHS = {"mobilenet_v1_075": 0.75, "mobilenet_v1_050": 0.5, "mobilenet_v1_025": 0.25}


def conv_bn(given, wanted, stride):
    return nn.Sequential(
        nn.Conv2d(given, wanted, 3, stride, 1, bias=False),
        nn.BatchNorm2d(wanted),
        nn.ReLU6(),
    )


def conv_dw(given, wanted, stride):
    return nn.Sequential(
        nn.Conv2d(given, given, 3, stride, 1, groups=given, bias=False),
        nn.BatchNorm2d(given),
        nn.ReLU6(),
        nn.Conv2d(given, wanted, 1, bias=False),
        nn.BatchNorm2d(wanted),
        nn.ReLU6(),
    )


class MobileNet(nn.Module):
    def __init__(self, width):
        super().__init__()
        stem, *rows = (
            *[(32, 2), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)],
            *[(512, 1)] * 5,
            *[(1024, 2), (1024, 1)],
        )
        given = int(stem[0] * width)
        blocks = [conv_bn(3, given, stem[1])]
        for filters, stride in rows:
            wanted = int(filters * width)
            blocks.append(conv_dw(given, wanted, stride))
            given = wanted
        self.stage1 = nn.Sequential(*blocks[:6])
        self.stage2 = nn.Sequential(*blocks[6:12])
        self.stage3 = nn.Sequential(*blocks[12:])
        self.fc = nn.Linear(given, 1000)

    def forward(self, x):
        x = self.stage3(self.stage2(self.stage1(x)))
        return self.fc(x.mean((2, 3)))


def model(name: str) -> nn.Module:
    return MobileNet(WIDTHS[name])
