"""What a Keras model is made of: layers by path, kernels, the images it takes."""
