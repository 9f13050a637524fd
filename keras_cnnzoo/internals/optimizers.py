"""Know which weight a step of an optimizer is about."""

import keras


def weight_of(
    optimizer: keras.optimizers.Optimizer, variable: object
) -> keras.Variable:
    """Return the weight of the model that an optimizer's `update_step` is given.

    On TensorFlow, Keras hands over a variable of TensorFlow, which has no path.
    """
    weight: keras.Variable = optimizer._trainable_variables[
        optimizer._get_variable_index(variable)
    ]
    return weight
