"""Convolution by hand: output sizes, padding, gradients, im2col."""
