"""Write what fvcore and torchinfo count in torchvision's networks: `profiles.json`.

    python tests/references/make_profiles.py

For each network and one image of the size below: fvcore's count of each convolution
and linear layer, sorted, and of all of them; torchinfo's parameters of each layer that
has any, sorted, and in all.
"""

import json
from pathlib import Path

import make_references  # noqa: F401  torchvision imports only after what this does
import torch
import torchinfo
import torchvision
from fvcore.nn import FlopCountAnalysis

TARGET = Path(__file__).parent / "profiles.json"
#: Side of the image for each network.
NETWORKS = {
    "alexnet": 224,
    "densenet121": 224,
    "efficientnet_b0": 224,
    "mobilenet_v2": 224,
    "mobilenet_v3_large": 224,
    "resnet18": 224,
    "resnet50": 224,
    "resnext50_32x4d": 97,
    "shufflenet_v2_x1_0": 224,
    "squeezenet1_1": 224,
    "vgg11": 224,
}
COUNTED = (torch.nn.Conv2d, torch.nn.Linear)


def profile(name: str, size: int) -> dict:
    """Count one network."""
    model = getattr(torchvision.models, name)(weights=None).eval()
    image = torch.zeros(1, 3, size, size)
    flops = FlopCountAnalysis(model, image).unsupported_ops_warnings(False)
    by_module = flops.by_module()
    layers = [n for n, module in model.named_modules() if isinstance(module, COUNTED)]
    info = torchinfo.summary(model, input_data=image, verbose=0)
    rows = [row for row in info.summary_list if row.is_leaf_layer]
    by_operator = flops.by_operator()
    return {
        "size": size,
        "macs": sorted(int(by_module[n]) for n in layers),
        "macs_total": int(by_operator["conv"] + by_operator["linear"]),
        "params": sorted(row.num_params for row in rows if row.num_params),
        "params_total": info.total_params,
    }


def main() -> None:
    counted = {name: profile(name, size) for name, size in NETWORKS.items()}
    TARGET.write_text(json.dumps(counted))
    for name, row in counted.items():
        print(f"{name}: {row['macs_total']:,} MACs, {row['params_total']:,} parameters")


if __name__ == "__main__":
    main()
