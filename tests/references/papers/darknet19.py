"""Darknet-19: table 6 of "YOLO9000: Better, Faster, Stronger"."""

from torch import nn

# The table line by line: maps and kernel, "max" for the pooling.
TABLE = """
32/3 max 64/3 max 128/3 64/1 128/3 max 256/3 128/1 256/3 max
512/3 256/1 512/3 256/1 512/3 max 1024/3 512/1 1024/3 512/1 1024/3
"""


class Darknet19(nn.Module):
    def __init__(self):
        super().__init__()
        self.order = []
        given, stage, block = 3, 1, 0
        for line in TABLE.split():
            if line == "max":
                stage, block = stage + 1, 0
                self.order.append("max")
                continue
            block += 1
            maps, kernel = map(int, line.split("/"))
            name = f"stage{stage}_block{block}"
            layer = nn.Conv2d(given, maps, kernel, padding=kernel // 2, bias=False)
            self.add_module(f"{name}_conv", layer)
            self.add_module(f"{name}_bn", nn.BatchNorm2d(maps))
            self.add_module(f"{name}_leaky", nn.LeakyReLU(0.1))
            self.order += [f"{name}_conv", f"{name}_bn", f"{name}_leaky"]
            given = maps
        self.max = nn.MaxPool2d(2)
        self.head = nn.Conv2d(given, 1000, 1)

    def forward(self, x):
        for name in self.order:
            x = getattr(self, name)(x)
        return self.head(x).mean((2, 3))


def model(name: str) -> nn.Module:
    return Darknet19()
