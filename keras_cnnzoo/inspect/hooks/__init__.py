"""Read feature maps and other layer outputs from a running model."""
