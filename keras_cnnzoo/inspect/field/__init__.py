"""Receptive fields: which pixels of the image a unit depends on."""
