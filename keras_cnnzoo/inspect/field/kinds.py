"""The operations of `keras.ops` by what a number of their output depends on.

Names are those of the classes. What needs a rule of its own is in `operations`.
"""


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


#: Each number of the output depends on the numbers at the same place of the inputs.
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
#: The same of the first input; all of the others.
PIXELWISE_IN_THE_FIRST = _names("""
    Digitize IsIn
""")
#: These mix along their `axis` or `axes` alone; None stands for all.
MIXING = _names("""
    All Amax Amin Any Argmax Argmin Argpartition Argsort Average BatchNorm
    CountNonzero Cumprod Cumsum Glu LayerNorm LogSoftmax Logsumexp Max Mean Median
    Min Moments Nanargmax Nanargmin Nancumprod Nancumsum Nanmax Nanmean Nanmedian
    Nanmin Nanprod Nanstd Nansum Nanvar Norm Normalize Prod Ptp RMSNorm Softmax Sort
    Sparsemax Std Sum Trapezoid Var
""")
#: These mix channels, and nothing else.
MIXING_CHANNELS = _names("""
    HSVToRGB RGBToGrayscale RGBToHSV
""")
#: These number the same numbers otherwise.
RESHAPING = _names("""
    ExpandDims Ravel Reshape Squeeze
""")
#: Each number depends, or may depend, on all numbers of all inputs.
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
#: These mix along their last dimensions, so many, and keep the others.
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
