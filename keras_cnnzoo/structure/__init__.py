"""The structure of Keras models: layers by path, kernels, and input shapes."""
