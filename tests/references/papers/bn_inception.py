"""BN-Inception: figure 5 of the paper, padded as TensorFlow's "same"."""

import torch
from torch import nn
from torch.nn import functional

#: 1x1; 3x3 reduce, 3x3; double 3x3 reduce, double 3x3; pooling's 1x1, after max or not.
TABLE = {
    3: [
        (64, 64, 64, 64, 96, 32, False),
        (64, 64, 96, 64, 96, 64, False),
    ],
    4: [
        (None, 128, 160, 64, 96, None, True),
        (224, 64, 96, 96, 128, 128, False),
        (192, 96, 128, 96, 128, 128, False),
        (160, 128, 160, 128, 160, 96, False),
        (96, 128, 192, 160, 192, 96, False),
    ],
    5: [
        (None, 128, 192, 192, 256, None, True),
        (352, 192, 320, 160, 224, 128, False),
        (352, 192, 320, 192, 224, 128, True),
    ],
}


def room(x, kernel, stride):
    pads = []
    for size in reversed(x.shape[2:]):
        needed = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads += [needed // 2, needed - needed // 2]
    return pads


def max_pool(x, stride):
    padded = functional.pad(x, room(x, 3, stride), value=float("-inf"))
    return functional.max_pool2d(padded, 3, stride)


class Conv(nn.Conv2d):
    def forward(self, x):
        pads = room(x, self.kernel_size[0], self.stride[0])
        return super().forward(functional.pad(x, pads))


class Unit(nn.Module):
    def __init__(self, given, width, kernel, stride=1):
        super().__init__()
        self.conv = Conv(given, width, kernel, stride, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=1e-3)

    def forward(self, x):
        return self.bn(self.conv(x)).relu()


class Stem(nn.Module):
    def __init__(self):
        super().__init__()
        self.depthwise = Conv(3, 24, 7, 2, groups=3, bias=False)
        self.conv = nn.Conv2d(24, 64, 1, bias=False)
        self.bn = nn.BatchNorm2d(64, eps=1e-3)

    def forward(self, x):
        return self.bn(self.conv(self.depthwise(x))).relu()


class Module(nn.ModuleDict):
    def __init__(self, given, one, reduce3, three, reduce5, five, pooled, use_max):
        super().__init__()
        self.stride, self.use_max = (1 if one else 2), use_max
        rows = [[(reduce3, 1, 1), (three, 3, self.stride)]]
        rows += [[(reduce5, 1, 1), (five, 3, 1), (five, 3, self.stride)]]
        if one:
            rows = [[(one, 1, 1)], *rows, [(pooled, 1, 1)]]
        self.width = sum(row[-1][0] for row in rows) + (0 if one else given)
        for number, row in enumerate(rows, start=1):
            steps, width = nn.ModuleDict(), given
            for i, (filters, kernel, stride) in enumerate(row, start=1):
                steps[str(i)] = Unit(width, filters, kernel, stride)
                width = filters
            self[str(number)] = steps

    def forward(self, x):
        if self.use_max:
            pooled = max_pool(x, self.stride)
        else:
            pooled = functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        answers = []
        for number, steps in self.items():
            y = pooled if number == "4" else x
            for step in steps.values():
                y = step(y)
            answers.append(y)
        return torch.cat(answers if self.stride == 1 else [*answers, pooled], 1)


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = Stem()
        self.conv2_reduce, self.conv2 = Unit(64, 64, 1), Unit(64, 192, 3)
        width = 192
        for stage, rows in TABLE.items():
            modules = nn.ModuleDict()
            for number, row in enumerate(rows, start=1):
                modules[str(number)] = Module(width, *row)
                width = modules[str(number)].width
            self.add_module(f"inception{stage}", modules)
        self.classifier = nn.Linear(width, 1000)

    def forward(self, x):
        x = max_pool(self.stem(x), 2)
        x = max_pool(self.conv2(self.conv2_reduce(x)), 2)
        for stage in TABLE:
            for module in self.get_submodule(f"inception{stage}").values():
                x = module(x)
        return self.classifier(x.mean((2, 3)))


def model(name: str) -> nn.Module:
    return Inception()
