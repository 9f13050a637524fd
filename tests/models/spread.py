"""The models that are tested on every backend; the others are on one."""

#: Together they have each of our layers that networks here are made of.
SPREAD = {
    *("alexnet_2012", "cifar_highway11", "convnext_v2_atto", "densenet121"),
    *("fractalnet40", "ghostnet_050", "googlenet", "inception_next_atto", "lenet5"),
    *("mobilenet_v3_small", "nfnet_f0", "nin_cifar10", "resnest26d", "resnet18"),
    *("resnet50_v2", "shufflenet_v2_x0_5"),
}
