"""The options of all architectures, so that type checkers know `build`'s keywords.

A model's card lists the options that it has. A test keeps this list complete.
"""

from typing import Any, TypedDict


class Options(TypedDict, total=False):
    """All options of the zoo's own models, without those of plugins."""

    activation: Any
    alpha: Any
    auxiliary: Any
    auxiliary_dropout: Any
    average: Any
    base_width: Any
    batch_norm: Any
    blocks: Any
    bn_epsilon: Any
    bn_momentum: Any
    body: Any
    bottleneck: Any
    branches: Any
    bypass: Any
    cardinality: Any
    columns: Any
    compression: Any
    convs: Any
    copies: Any
    depth: Any
    depth_multiplier: Any
    depths: Any
    divisor: Any
    drop_columns: Any
    drop_path: Any
    dropout: Any
    dropout_rate: Any
    dropouts: Any
    dropped: Any
    entry: Any
    exit: Any
    expand: Any
    expansion: Any
    expansions: Any
    filters: Any
    form: Any
    fused: Any
    gate: Any
    gate_bias: Any
    group: Any
    groups: Any
    growth: Any
    head: Any
    head_expansion: Any
    head_padding: Any
    hidden: Any
    image_dropout: Any
    inner: Any
    kernel: Any
    kernel_epsilon: Any
    kernels: Any
    last: Any
    last_width: Any
    layer_scale: Any
    lite: Any
    ln_epsilon: Any
    lrn: Any
    middle: Any
    minimalistic: Any
    modules: Any
    padding: Any
    paper: Any
    partial: Any
    patch: Any
    pool: Any
    pooled: Any
    pools: Any
    power: Any
    radix: Any
    ratio: Any
    response_norm: Any
    root_shortcut: Any
    scale: Any
    share: Any
    shortcut: Any
    slope: Any
    split: Any
    squeeze: Any
    stages: Any
    start: Any
    stem: Any
    stem_width: Any
    step: Any
    stride: Any
    strip: Any
    table: Any
    top: Any
    units: Any
    use_bias: Any
    version: Any
    view: Any
    widen: Any
    width: Any
    widths: Any
    zero_init: Any
