"""Optimizers with a lower learning rate for pretrained layers than for a new head."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_cnnzoo.internals.optimizers import weight_of


class _SlowBody:
    """Gives an optimizer a lower learning rate for all variables outside the head.

    Args:
        body_rate: Factor on the learning rate for variables outside the head.
        head: Prefixes of the paths of the head's variables, such as "head/".
    """

    def __init__(
        self,
        *args: Any,
        body_rate: float = 1.0,
        head: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.body_rate = body_rate
        self.head = tuple(head)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        if not weight_of(self, variable).path.startswith(self.head):
            learning_rate = learning_rate * self.body_rate
        super().update_step(gradient, variable, learning_rate)  # type: ignore[misc]

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()  # type: ignore[misc]
        return {**config, "body_rate": self.body_rate, "head": list(self.head)}


@keras.saving.register_keras_serializable("keras_cnnzoo")
class SlowBodySGD(_SlowBody, keras.optimizers.SGD):
    """`keras.optimizers.SGD` with `body_rate` and `head`."""


@keras.saving.register_keras_serializable("keras_cnnzoo")
class SlowBodyAdamW(_SlowBody, keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` with `body_rate` and `head`."""
