"""The Network in Network that the paper trained on CIFAR-10."""

from dataclasses import dataclass

from keras_cnnzoo.cards import CIFAR10, Claim, Family, NameMap, Variant
from keras_cnnzoo.models import nin
from keras_cnnzoo.models.nin import PAPER, body, head


@dataclass(frozen=True)
class Config(nin.Config):
    """The options of the ImageNet model, for three stages."""

    kernels: tuple[int, ...] = (5, 5, 3)
    widths: tuple[tuple[int, ...], ...] = ((192, 160, 96), (192, 192, 192), (192, 192))
    pools: tuple[str, ...] = ("max", "avg")
    stride: int = 1
    dropped: tuple[int, ...] = (1, 2)


FAMILY = Family(
    name="cifar_nin",
    body=body,
    head=head,
    paper=PAPER,
    input_shape=(32, 32, 3),
    classes=10,
    preprocessing=CIFAR10,
    variants={
        "nin_cifar10": Variant(
            config=Config(),
            params=966_986,
            macs=222_486_528,
            claims=(
                Claim(
                    metric="CIFAR-10 test error %, augmented",
                    value=8.81,
                    source=f"{PAPER.url} table 1",
                ),
            ),
        ),
    },
    name_maps={"paper": NameMap(())},
    deviations=("The paper whitens the images; here each colour channel is scaled.",),
)
