"""Operations of `keras.ops`, grouped by which inputs each output value depends on.

They are listed by class name. Operations that need their own rule are in `operations`.
"""


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


#: Each output value depends on the input values at the same position.
PIXELWISE = _names("""
    ReLU Relu Relu6 Sigmoid SparseSigmoid Softplus Softsign SoftShrink SparsePlus
    Silu Squareplus LogSigmoid LeakyRelu HardSigmoid HardSilu Elu Selu Gelu Celu
    TanhShrink HardTanh HardShrink Threshold Cast SaturateCast ConvertToTensor
    StopGradient Rsqrt Erf Erfc Erfinv Abs Absolute Fabs Add Angle Arccos Arccosh
    Arcsin Arcsinh Arctan Arctan2 Arctanh BitwiseAnd BitwiseInvert BitwiseLeftShift
    BitwiseNot BitwiseOr BitwiseRightShift BitwiseXor BroadcastTo Cbrt Ceil Clip
    Conj Conjugate Copy Cos Cosh Deg2rad Rad2deg Divide DivideNoNan EmptyLike Equal
    Exp Exp2 Expm1 Floor FloorDivide Fmax Fmin Fmod FullLike Gcd Greater
    GreaterEqual Heaviside Hypot I0 Imag Isclose Isfinite Isinf Isnan Isneginf
    Isposinf Isreal Lcm Ldexp LeftShift Less LessEqual Log Log10 Log1p Log2
    Logaddexp Logaddexp2 LogicalAnd LogicalNot LogicalOr LogicalXor Maximum Minimum
    Mod Multiply NanToNum Negative Nextafter NotEqual OnesLike Polar Power Real
    Reciprocal RightShift Round Select Sign Signbit Sin Sinc Sinh Sqrt Square
    Subtract Tan Tanh Tril Triu TrueDivide Trunc Where ZerosLike
""")
#: Each output value depends on the first input at the same position, and on all values
#: of the other inputs.
PIXELWISE_IN_THE_FIRST = _names("""
    Digitize IsIn
""")
#: Each output value depends on all values along `axis` or `axes` (None: along all).
MIXING = _names("""
    All Amax Amin Any Argmax Argmin Argpartition Argsort Average BatchNorm
    CountNonzero Cumprod Cumsum Glu LayerNorm LogSoftmax Logsumexp Max Mean Median
    Min Moments Nanargmax Nanargmin Nancumprod Nancumsum Nanmax Nanmean Nanmedian
    Nanmin Nanprod Nanstd Nansum Nanvar Norm Normalize Prod Ptp RMSNorm Softmax Sort
    Sparsemax Std Sum Trapezoid Var
""")
#: Each output value depends on all channels at the same position.
MIXING_CHANNELS = _names("""
    HSVToRGB RGBToGrayscale RGBToHSV
""")
#: These only change the shape: the values and their order in memory stay.
RESHAPING = _names("""
    ExpandDims Ravel Reshape Squeeze
""")
#: Each output value depends, or may depend, on all values of all inputs.
EVERYTHING = _names("""
    AffineTransform AllClose Arange Array AssociativeScan BinaryCrossentropy
    Bincount CDist CTCDecode CTCLoss CategoricalCrossentropy Cond Corrcoef Correlate
    Cross Diag Diagflat Diagonal Dot ElasticTransform Fold ForiLoop Full Geomspace
    Histogram InTopK Inner JVP Kron Linspace Logspace Lstsq Map MapCoordinates
    Meshgrid Nanpercentile Nanquantile Ndim Nonzero Outer PSNR Percentile
    PerspectiveTransform Quantile SSIM ScaleAndTranslate Scan Scatter ScatterUpdate
    SearchSorted SegmentMax SegmentMin SegmentProd SegmentReduction SegmentSum Size
    SliceUpdate Solve SolveTriangular SparseCategoricalCrossentropy Switch Tensordot
    Trace Unfold Unique UnravelIndex Vander Vdot VectorizedMap WhileLoop
""")
#: By number: operations that mix values along that many last dimensions only.
MIXING_LAST = {
    0: _names("""
    OneHot MultiHot
    """),
    1: _names("""
    FFT RFFT IRFFT STFT ISTFT ExtractSequences TopK View ViewAsComplex ViewAsReal
    """),
    2: _names("""
    Cholesky CholeskyInverse Det Eig Eigh Inv LuFactor FFT2 IFFT2 Logdet MatrixRank
    Pinv Qr SVD Slogdet
    """),
}
