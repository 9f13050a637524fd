"""Names from other packages, and the corresponding names here.

Users may try names from timm, Keras, torchvision and Grad-CAM packages. Error messages
look them up in these tables to suggest ours.
"""

import difflib
from collections.abc import Iterable, Mapping

#: Arguments of functions that build models.
ARGUMENTS = {
    "activation": "`classifier_activation`",
    "checkpoint_path": "`weights`",
    "drop_rate": "`dropout`, where the network has one",
    "features_only": "`features=True`",
    "global_pool": "`pooling`, beside `classes=0`",
    "image_shape": "`input_shape`, (height, width, channels)",
    "image_size": "`input_shape`, (height, width, channels)",
    "img_size": "`input_shape`, (height, width, channels)",
    "in_channels": "the last number of `input_shape`, (height, width, channels)",
    "in_chans": "the last number of `input_shape`, (height, width, channels)",
    "include_preprocessing": "`preprocessing`",
    "include_rescaling": "`preprocessing`",
    "include_top": "`classes=0`, for a network without its head",
    "input_size": "`input_shape`, (height, width, channels)",
    "input_tensor": "calling the model: `build(...)(tensor)`",
    "load_weights": "`weights`",
    "n_classes": "`classes`",
    "nb_classes": "`classes`",
    "num_channels": "the last number of `input_shape`, (height, width, channels)",
    "num_classes": "`classes`",
    "num_outputs": "`classes`",
    "out_features": "`features`, with names of stages or levels",
    "out_indices": "`features`, with names of stages or levels",
    "output_stride": "not offered",
    "pretrained": '`weights="default"`',
    "pretrained_weights": "`weights`",
    "return_nodes": "`features`, with names of stages or levels",
    "top": "`classes=0`, for a network without its head",
    "weight_path": "`weights`",
    "weights_path": "`weights`",
}

#: Settings of trainings in timm, torchvision and PyTorch, and those of a recipe.
SETTINGS = {
    "alpha": "optimizer.rho",
    "amp": "precision",
    "amp_dtype": "precision",
    "betas": "optimizer.beta_1",
    "clip_grad": "optimizer.clip_norm",
    "clip_grad_norm": "optimizer.clip_norm",
    "clipnorm": "optimizer.clip_norm",
    "dtype": "precision",
    "eps": "optimizer.epsilon",
    "gamma": "schedule.factor",
    "global_clipnorm": "optimizer.clip_norm",
    "grad_accum_steps": "optimizer.accumulate",
    "gradient_accumulation_steps": "optimizer.accumulate",
    "image_size": "images.size",
    "img_size": "images.size",
    "lr": "optimizer.learning_rate",
    "lr_scheduler": "schedule.kind",
    "min_lr": "schedule.floor",
    "norm_weight_decay": "optimizer.decay_all",
    "opt": "optimizer.name",
    "opt_eps": "optimizer.epsilon",
    "resize": "images.size",
    "sched": "schedule.kind",
    "smoothing": "loss.label_smoothing",
    "warmup_epochs": "schedule.warmup",
    "warmup_lr": "schedule.warmup_from",
    "warmup_steps": "schedule.warmup",
    "wd": "optimizer.weight_decay",
}

#: Top-level names of other packages.
PACKAGE = {
    "backbone": "build(name, features=True)",
    "createfeatureextractor": "build(name, features=True)",
    "createmodel": "build",
    "decodepredictions": "the command `cnnzoo predict`",
    "flops": "inspect.count_macs",
    "getflops": "inspect.count_macs",
    "getmodel": "build",
    "listpretrained": "list_models(weights=True)",
    "loadmodel": "keras.saving.load_model",
    "loadweights": "weights.load",
    "makemodel": "build",
    "modelinfo": "card",
    "models": "list_models() for their names, build for one of them",
    "modelzoo": "list_models",
    "preprocessinput": "nothing to call: models take images of 0..255 as they are",
    "registermodel": "register",
    "summary": "inspect.profile",
}

#: Names of functions for model inspection.
INSPECT = {
    "countflops": "count_macs",
    "countparameters": "count_params",
    "extractfeatures": "activations",
    "featuremaps": "activations",
    "flops": "count_macs",
    "flopcount": "count_macs",
    "forwardhook": "tap",
    "getactivations": "activations",
    "getflops": "count_macs",
    "gradcamplusplus": "grad_cam_pp",
    "hook": "tap",
    "hooks": "tap",
    "macs": "count_macs",
    "params": "count_params",
    "registerforwardhook": "tap",
    "saliencymap": "saliency",
    "summary": "profile",
    "visualizefilters": "plot_filters",
    "visualizeactivations": "plot_activations",
}
_METHODS = (
    *("grad_cam", "grad_cam_pp", "score_cam", "layer_cam", "eigen_cam", "smooth_grad"),
    *("integrated_gradients", "saliency", "occlusion", "activations", "count_macs"),
    *("count_params", "profile", "receptive_field", "tap", "explain"),
)
PACKAGE |= {name.replace("_", ""): f"inspect.{name}" for name in _METHODS}
PACKAGE |= {
    name: f"inspect.{ours}" for name, ours in INSPECT.items() if name not in PACKAGE
}


def missing(
    module: str, name: str, ours: Iterable[str], known: Mapping[str, str]
) -> str:
    """Return the error message for an attribute that a module does not have.

    Args:
        module: Name of the module.
        name: The attribute that was asked for.
        ours: The module's public names.
        known: Our names by other packages' names, in lower case and without
            underscores.
    """
    plain = name.replace("_", "").lower()
    alike = {each.replace("_", "").lower(): each for each in ours}
    found = alike.get(plain) or known.get(plain)
    if found:
        return f"module {module!r} has no attribute {name!r}. Here that is: {found}."
    near = difflib.get_close_matches(plain, alike, n=1, cutoff=0.75)
    hint = f" Did you mean {alike[near[0]]!r}?" if near else ""
    return f"module {module!r} has no attribute {name!r}.{hint}"
