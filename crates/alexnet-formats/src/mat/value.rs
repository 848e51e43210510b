use alexnet_spec::{DType, Tensor};

/// What a variable, a cell or a field holds. Every array of MATLAB's has at least two dimensions.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Numbers or truth values, with MATLAB's shape: a view in column-major order.
    Numbers(Tensor),
    /// The rows of an array of characters: one for what MATLAB writes in quotes.
    Text(Vec<String>),
    /// Values in braces.
    Cell(Cell),
    /// A structure, or an array of structures with the same fields.
    Struct(Struct),
    /// Something that isn't read: what it is, as in "an object of class `SeriesNetwork`".
    Other(String),
}

/// A cell array.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// Column by column.
    pub items: Vec<Value>,
}

/// A structure array.
#[derive(Clone, Debug)]
pub(crate) struct Struct {
    /// The fields' names.
    pub fields: Vec<String>,
    /// Column by column, one value for each field.
    pub records: Vec<Vec<Value>>,
}

impl Value {
    /// What it is, for messages.
    pub fn describe(&self) -> String {
        match self {
            Value::Numbers(tensor) => format!("an array of {} {}", by(tensor.shape()), tensor.dtype()),
            Value::Text(_) => "text".into(),
            Value::Cell(cell) => format!("a cell array of {}", cell.items.len()),
            Value::Struct(array) => match array.records.len() {
                1 => "a struct".into(),
                count => format!("an array of {count} structs"),
            },
            Value::Other(what) => what.clone(),
        }
    }

    /// The value of a field of a single structure.
    pub fn field(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Struct(array) => match &array.records[..] {
                [_] => array.field(0, name),
                _ => None,
            },
            _ => None,
        }
    }

    /// One line of text; an empty array is an empty one, as `''` is in MATLAB.
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(rows) => match &rows[..] {
                [] => Some(""),
                [row] => Some(row),
                _ => None,
            },
            Value::Numbers(tensor) if tensor.elements() == 0 => Some(""),
            _ => None,
        }
    }

    /// At most `most` numbers, column by column.
    pub fn numbers(&self, most: usize) -> Option<Vec<f64>> {
        match self {
            Value::Numbers(tensor) if tensor.elements() <= most => column_major(tensor),
            _ => None,
        }
    }

    /// Whether it is an array without elements: `[]`, `{}` or `''`.
    pub fn is_empty(&self) -> bool {
        match self {
            Value::Numbers(tensor) => tensor.elements() == 0,
            Value::Text(rows) => rows.iter().all(String::is_empty),
            Value::Cell(cell) => cell.items.is_empty(),
            Value::Struct(array) => array.records.is_empty(),
            Value::Other(_) => false,
        }
    }
}

impl Struct {
    /// The value of a field of the structure at `index`.
    pub fn field(&self, index: usize, name: &str) -> Option<&Value> {
        let position = self.fields.iter().position(|field| field == name)?;
        self.records.get(index)?.get(position)
    }
}

fn by(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}

fn column_major(tensor: &Tensor) -> Option<Vec<f64>> {
    let axes: Vec<usize> = (0..tensor.shape().len()).rev().collect();
    let bytes = tensor.permute(&axes).ok()?.to_bytes();
    let all = |each: &dyn Fn(&[u8]) -> Option<f64>| bytes.chunks_exact(tensor.dtype().size()).map(each).collect();
    match tensor.dtype() {
        DType::F64 => all(&|b| Some(f64::from_le_bytes(b.try_into().ok()?))),
        DType::F32 => all(&|b| Some(f32::from_le_bytes(b.try_into().ok()?).into())),
        DType::I64 => all(&|b| Some(i64::from_le_bytes(b.try_into().ok()?) as f64)),
        DType::I32 => all(&|b| Some(i32::from_le_bytes(b.try_into().ok()?).into())),
        DType::I16 => all(&|b| Some(i16::from_le_bytes(b.try_into().ok()?).into())),
        DType::I8 => all(&|b| Some(i8::from_le_bytes(b.try_into().ok()?).into())),
        DType::U8 | DType::Bool => all(&|b| b.first().map(|byte| f64::from(*byte))),
        DType::F16 | DType::BF16 => None,
    }
}
