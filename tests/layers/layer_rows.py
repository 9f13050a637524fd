"""What each layer is tested with: arguments, and inputs that go with them."""

#: name: [(arguments, shape of one sample, channels last, or a list of several)]
ROWS = {
    "AdaptivePooling2D": [({"size": 3}, (7, 2, 4)), ({"size": 1}, (5, 6, 3))],
    "BlurPool2D": [
        ({}, (7, 8, 3)),
        ({"pool_size": 4, "strides": 3, "padding": "constant"}, (7, 8, 3)),
        ({"pool_size": 2, "strides": 1, "padding": "valid"}, (5, 6, 3)),
    ],
    "ChannelShuffle": [({"groups": 3}, (5, 6, 12))],
    "ColorNormalization": [
        ({}, (5, 6, 3)),
        (
            {
                "matrix": [[0, 0, 0.5], [0, 0.25, 0], [1, 0, 0]],
                "offset": [-1, 0, 1],
                "origin": {"name": "lenet5", "classes": 10},
            },
            (5, 6, 3),
        ),
    ],
    "ConvolutionalBlockAttention": [
        ({}, (5, 6, 16)),
        ({"ratio": 0.25, "kernel_size": 3}, (5, 6, 4)),
    ],
    "EfficientChannelAttention": [
        ({}, (5, 6, 16)),
        ({"gamma": 1, "beta": 2}, (5, 6, 4)),
    ],
    "DropPath": [({"rate": 0.5, "seed": 1}, (5, 6, 3))],
    "DropPathColumn": [({"columns": 3, "rate": 0.25, "seed": 1}, (5, 6, 3))],
    "DropPathMean": [
        ({}, [(5, 6, 3)] * 3),
        ({"rate": 0.5, "seed": 1}, [(5, 6, 3)]),
    ],
    "EuclideanRBF": [
        ({"codes": [[1, -1, 0.5], [0, 0.25, 1]]}, (3,)),
        ({"codes": [[1, -1, 0.5], [0, 0.25, 1]], "activation": "softmax"}, (3,)),
    ],
    "GlobalGeMPooling2D": [
        ({}, (5, 6, 3)),
        ({"p": 1.5, "epsilon": 0.01, "keepdims": True}, (5, 6, 3)),
    ],
    "GlobalLpPooling1D": [({}, (5, 3))],
    "GlobalLpPooling2D": [
        ({}, (5, 6, 3)),
        ({"p": 3, "reduction": "mean", "keepdims": True}, (5, 6, 3)),
        ({"p": float("inf")}, (5, 6, 3)),
    ],
    "GlobalLpPooling3D": [({"p": 1}, (5, 6, 4, 3))],
    "GlobalResponseNormalization": [({"epsilon": 0.5}, (5, 6, 4))],
    "HighwayBlock": [
        ({}, (5, 6, 3)),
        (
            {
                "kernel_size": 1,
                "activation": "tanh",
                "gate_bias": 1.0,
                "kernel_initializer": "he_normal",
            },
            (5, 6, 4),
        ),
    ],
    "ImageFilter2D": [
        ({"kind": "sobel_x"}, (5, 6, 3)),
        (
            {
                "kind": "gabor",
                "size": 5,
                "sigma": 1.5,
                "orientations": 3,
                "wavelength": 3.0,
                "aspect": 0.5,
                "phase": 0.7,
                "trainable_kernel": True,
                "strides": (2, 2),
                "padding": "valid",
            },
            (8, 7, 2),
        ),
        ({"kind": "gaussian", "sigma": 0.6}, (6, 7, 2)),
    ],
    "InstrumentedConv2D": [
        ({"filters": 4, "kernel_size": 3, "strides": 2, "record": "stats"}, (8, 7, 3)),
        (
            {
                "filters": 4,
                "kernel_size": (3, 2),
                "padding": "same",
                "groups": 2,
                "activation": "relu",
                "use_bias": False,
                "momentum": 0.5,
                "sample": None,
                "record": "maps",
            },
            (8, 7, 4),
        ),
    ],
    "L2NormPooling1D": [({"reduction": "mean"}, (7, 3))],
    "L2NormPooling2D": [
        ({}, (6, 8, 3)),
        ({"pool_size": 3, "strides": 2, "padding": "same"}, (6, 7, 3)),
    ],
    "L2NormPooling3D": [({"strides": 1}, (3, 4, 5, 2))],
    "LayerScale": [({"initial": 0.5}, (5, 6, 4))],
    "LocalResponseNormalization": [
        ({}, (5, 6, 7)),
        ({"depth_radius": 1, "bias": 1.5, "alpha": 0.5, "beta": 0.6}, (5, 6, 4)),
    ],
    "LpPooling1D": [
        ({"pool_size": 4, "strides": 2, "padding": "same", "p": 1}, (7, 3))
    ],
    "LpPooling2D": [
        (
            {
                "pool_size": (3, 2),
                "strides": (2, 3),
                "padding": "same",
                "p": 2.5,
                "reduction": "mean",
            },
            (6, 7, 3),
        ),
        ({"p": float("inf")}, (5, 6, 3)),
    ],
    "LpPooling3D": [({"pool_size": (2, 3, 2), "p": 3, "strides": 1}, (3, 4, 5, 2))],
    "PartialConv2D": [
        ({"connections": [[0], [2, 0]], "kernel_size": 3}, (6, 7, 3)),
        (
            {
                "connections": [[1], [0, 2], [2, 1, 0]],
                "kernel_size": (3, 2),
                "strides": (1, 2),
                "padding": "same",
                "activation": "relu",
                "use_bias": False,
                "kernel_initializer": {
                    "class_name": "RandomNormal",
                    "config": {"stddev": 0.5, "seed": 3},
                },
            },
            (6, 7, 3),
        ),
    ],
    "ModelOrigin": [({"origin": {"name": "lenet5", "options": {}}}, (5, 6, 3))],
    "PaddedMaxPooling2D": [
        ({"pool_size": 3, "strides": 2, "padding": 1}, (8, 7, 3)),
        ({"pool_size": 2}, (7, 8, 3)),
        ({"pool_size": 3, "strides": 2, "ceil_mode": True}, (8, 7, 3)),
    ],
    "ResidualBlock": [
        ({"filters": 8, "strides": 2}, (9, 8, 4)),
        ({"filters": 8, "shortcut": "pad", "strides": 2, "zero_init": True}, (9, 8, 3)),
        ({"filters": 8, "shortcut": "average", "strides": 2}, (9, 8, 3)),
        (
            {
                "filters": 16,
                "body": "bottleneck",
                "version": "v1",
                "strides": 2,
                "use_bias": True,
                "padding": "same",
                "record": "off",
            },
            (9, 8, 4),
        ),
        (
            {
                "filters": 16,
                "body": "bottleneck",
                "version": "v2",
                "width": 8,
                "cardinality": 4,
                "gate": "se",
                "drop_path": 0.1,
                "dropout": 0.1,
                "bn_momentum": 0.8,
                "bn_epsilon": 1e-3,
                "activation": "swish",
                "kernel_initializer": "glorot_uniform",
                "record": "stats",
            },
            (6, 6, 16),
        ),
    ],
    "SkipInit": [({"initial": 0.5}, (5, 6, 3))],
    "SplitAttention": [
        ({"splits": 2, "hidden": 5}, (5, 6, 8)),
        (
            {
                "splits": 3,
                "hidden": 4,
                "use_bias": False,
                "bn_momentum": 0.8,
                "bn_epsilon": 1e-3,
            },
            (5, 6, 6),
        ),
        ({"splits": 1, "hidden": 4}, (5, 6, 3)),
    ],
    "SqueezeExcite": [
        ({}, (5, 6, 16)),
        (
            {
                "ratio": 0.25,
                "divisor": 8,
                "activation": "swish",
                "gate_activation": "hard_sigmoid",
                "hidden": 3,
            },
            (5, 6, 4),
        ),
    ],
    "Subsampling2D": [
        ({}, (6, 7, 3)),
        (
            {
                "pool_size": (3, 2),
                "strides": (2, 1),
                "activation": "tanh",
                "coefficient_initializer": "ones",
                "bias_initializer": "ones",
            },
            (6, 7, 3),
        ),
    ],
    "WeightStandardizedConv2D": [
        ({"filters": 4, "kernel_size": 3, "epsilon": 0.1}, (5, 6, 3)),
        (
            {
                "filters": 4,
                "kernel_size": 3,
                "gain": True,
                "strides": 2,
                "padding": "same",
                "groups": 2,
                "use_bias": False,
            },
            (5, 6, 8),
        ),
    ],
}
