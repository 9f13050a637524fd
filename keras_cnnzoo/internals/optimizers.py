"""Find the weight that a step of an optimizer updates."""

import keras


def weight_of(
    optimizer: keras.optimizers.Optimizer, variable: object
) -> keras.Variable:
    """Return the model's weight of a variable passed to an optimizer's `update_step`.

    On TensorFlow, Keras passes a TensorFlow variable, which has no path.
    """
    weight: keras.Variable = optimizer._trainable_variables[
        optimizer._get_variable_index(variable)
    ]
    return weight
