"""MLPerf Tiny's ResNet-8, after `keras_model.py` of github.com/mlcommons/tiny."""

from torch import nn
from torch.nn import functional


class Conv(nn.Conv2d):
    """A convolution that pads as TensorFlow's "same": what is odd, at the end."""

    def forward(self, x):
        pads = []
        for size in reversed(x.shape[2:]):
            step, kernel = self.stride[0], self.kernel_size[0]
            room = max((-(-size // step) - 1) * step + kernel - size, 0)
            pads += [room // 2, room - room // 2]
        return super().forward(functional.pad(x, pads))


def norm(width):
    return nn.BatchNorm2d(width, eps=1e-3)


class Block(nn.Module):
    def __init__(self, given, width, stride):
        super().__init__()
        self.conv1, self.bn1 = Conv(given, width, 3, stride), norm(width)
        self.conv2, self.bn2 = Conv(width, width, 3), norm(width)
        if stride > 1:
            self.shortcut = Conv(given, width, 1, stride)

    def forward(self, x):
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y))
        x = self.shortcut(x) if hasattr(self, "shortcut") else x
        return (x + y).relu()


class ResNet8(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem_conv, self.stem_bn = Conv(3, 16, 3), norm(16)
        self.stage1 = Block(16, 16, 1)
        self.stage2 = Block(16, 32, 2)
        self.stage3 = Block(32, 64, 2)
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        x = self.stem_bn(self.stem_conv(x)).relu()
        x = self.stage3(self.stage2(self.stage1(x)))
        return self.head(x.mean((2, 3)))


def model(name: str) -> nn.Module:
    return ResNet8()
