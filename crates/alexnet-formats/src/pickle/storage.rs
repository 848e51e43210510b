use alexnet_spec::DType;
use bytes::Bytes;

/// What one element of a storage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    Plain(DType),
    /// One that weights aren't made of, by PyTorch's name, with its size in bytes: complex, quantised, 8-bit float.
    Other(&'static str, usize),
}

impl Element {
    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            Element::Plain(dtype) => dtype.size(),
            Element::Other(_, size) => size,
        }
    }

    /// The elements of the class `module.name`: `torch.FloatStorage`, or `torch.cuda.FloatTensor` in old files.
    pub fn of_class(module: &str, name: &str) -> Option<Element> {
        if !matches!(module, "torch" | "torch.cuda" | "torch.storage") {
            return None;
        }
        Some(match name.strip_suffix("Storage").or_else(|| name.strip_suffix("Tensor"))? {
            "Double" => Element::Plain(DType::F64),
            "Float" => Element::Plain(DType::F32),
            "Half" => Element::Plain(DType::F16),
            "BFloat16" => Element::Plain(DType::BF16),
            "Long" => Element::Plain(DType::I64),
            "Int" => Element::Plain(DType::I32),
            "Short" => Element::Plain(DType::I16),
            "Char" => Element::Plain(DType::I8),
            "Byte" | "Untyped" => Element::Plain(DType::U8),
            "Bool" => Element::Plain(DType::Bool),
            "ComplexFloat" => Element::Other("complex64", 8),
            "ComplexDouble" => Element::Other("complex128", 16),
            "QInt8" => Element::Other("qint8", 1),
            "QUInt8" => Element::Other("quint8", 1),
            "QInt32" => Element::Other("qint32", 4),
            "QUInt4x2" => Element::Other("quint4x2", 1),
            "QUInt2x4" => Element::Other("quint2x4", 1),
            _ => return None,
        })
    }

    /// The elements that the global `torch.name` stands for: `torch.float32`, `torch.half`.
    pub fn of_dtype(name: &str) -> Option<Element> {
        Some(match name {
            "float64" | "double" => Element::Plain(DType::F64),
            "float32" | "float" => Element::Plain(DType::F32),
            "float16" | "half" => Element::Plain(DType::F16),
            "bfloat16" => Element::Plain(DType::BF16),
            "int64" | "long" => Element::Plain(DType::I64),
            "int32" | "int" => Element::Plain(DType::I32),
            "int16" | "short" => Element::Plain(DType::I16),
            "int8" => Element::Plain(DType::I8),
            "uint8" => Element::Plain(DType::U8),
            "bool" => Element::Plain(DType::Bool),
            "complex32" | "chalf" => Element::Other("complex32", 4),
            "complex64" | "cfloat" => Element::Other("complex64", 8),
            "complex128" | "cdouble" => Element::Other("complex128", 16),
            "uint16" => Element::Other("uint16", 2),
            "uint32" => Element::Other("uint32", 4),
            "uint64" => Element::Other("uint64", 8),
            "float8_e4m3fn" => Element::Other("float8_e4m3fn", 1),
            "float8_e4m3fnuz" => Element::Other("float8_e4m3fnuz", 1),
            "float8_e5m2" => Element::Other("float8_e5m2", 1),
            "float8_e5m2fnuz" => Element::Other("float8_e5m2fnuz", 1),
            "float8_e8m0fnu" => Element::Other("float8_e8m0fnu", 1),
            _ => return None,
        })
    }
}

/// A storage as a pickle refers to it: the bytes lie elsewhere in the file, and what is said here is checked against them.
#[derive(Clone, Debug)]
pub(crate) struct Storage {
    pub element: Element,
    pub held: Held,
    /// How many elements the pickle says there are.
    pub elements: u64,
    /// The elements that a view of it shows, as first one and count: before 0.4 a storage could be a part of another.
    pub view: Option<(u64, u64)>,
}

/// Where a storage's bytes are.
#[derive(Clone, Debug)]
pub(crate) enum Held {
    /// Under this key, in a part of the file that the container's reader knows.
    Under(Bytes),
    /// Here: little-endian.
    Here(Bytes),
}
