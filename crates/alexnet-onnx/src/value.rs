use crate::graph::data_type;
use crate::proto::tensor_shape_proto::{Dimension, dimension};
use crate::proto::{TensorShapeProto, TypeProto, ValueInfoProto, type_proto};
use crate::{Error, Result, tensor};
use alexnet_spec::{DType, Input};
use std::fmt;

/// An input or output of a graph, as the graph describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its name.
    pub name: String,
    /// Its element type.
    pub dtype: DType,
    /// Its dimensions; `None` where even their number is left open.
    pub shape: Option<Vec<Dim>>,
}

/// An image by its shape without the batch, and whether its channels come last: where the first axis can't be colours, but
/// the last can.
pub(crate) fn image(shape: &[usize]) -> Option<(Input, bool)> {
    const COLOURS: std::ops::RangeInclusive<usize> = 1..=4;
    match *shape {
        [height, width, channels] if COLOURS.contains(&channels) && !COLOURS.contains(&height) => {
            Some((Input { channels, height, width }, true))
        }
        [channels, height, width] => Some((Input { channels, height, width }, false)),
        _ => None,
    }
}

/// A dimension of a [`Value`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dim {
    /// Of known size.
    Fixed(usize),
    /// Of any size, under a name: `N` for the batch. The name is empty where there is none.
    Open(String),
}

impl Value {
    /// The image that an input of this shape takes, and whether its channels come last, as in TensorFlow's graphs; `None`
    /// where it takes no batch of images of known size.
    pub fn image(&self) -> Option<(Input, bool)> {
        let size = |dim: &Dim| if let Dim::Fixed(size) = dim { Some(*size) } else { None };
        match self.shape.as_deref()? {
            [_, rest @ ..] => image(&rest.iter().map(size).collect::<Option<Vec<_>>>()?),
            [] => None,
        }
    }

    /// The message that describes it.
    pub(crate) fn into_proto(self) -> ValueInfoProto {
        let dim = |dim: Dim| {
            let value = match dim {
                Dim::Fixed(size) => Some(dimension::Value::DimValue(size as i64)),
                Dim::Open(name) => (!name.is_empty()).then_some(dimension::Value::DimParam(name)),
            };
            Dimension { value, denotation: None }
        };
        let tensor = type_proto::Tensor {
            elem_type: Some(data_type(self.dtype) as i32),
            shape: self.shape.map(|dims| TensorShapeProto { dim: dims.into_iter().map(dim).collect() }),
        };
        let r#type = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), denotation: None };
        ValueInfoProto { name: Some(self.name), r#type: Some(r#type), ..Default::default() }
    }

    pub(crate) fn read(info: &ValueInfoProto) -> Result<Value> {
        let name = info.name().to_owned();
        let place = format!("value `{}`", name.escape_debug());
        let Some(type_proto::Value::TensorType(tensor)) = info.r#type.as_ref().and_then(|t| t.value.as_ref()) else {
            return Err(Error::Unsupported { place, message: "is no tensor; only tensors go in and out".into() });
        };
        let dtype = tensor::dtype(tensor.elem_type.unwrap_or_default()).ok_or_else(|| {
            let message = format!("has element type {}, which isn't read", tensor.elem_type.unwrap_or_default());
            Error::Unsupported { place: place.clone(), message }
        })?;
        let dim = |dim: &dimension::Value| match dim {
            dimension::Value::DimParam(name) => Ok(Dim::Open(name.clone())),
            dimension::Value::DimValue(size) => usize::try_from(*size)
                .map(Dim::Fixed)
                .map_err(|_| Error::Malformed { place: place.clone(), message: format!("has a dimension of {size}") }),
        };
        let shape = tensor.shape.as_ref().map(|shape| {
            shape.dim.iter().map(|d| d.value.as_ref().map_or(Ok(Dim::Open(String::new())), dim)).collect()
        });
        Ok(Value { name, dtype, shape: shape.transpose()? })
    }
}

/// `input: f32 [N, 3, 224, 224]`
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ", self.name, self.dtype)?;
        match &self.shape {
            None => f.write_str("of any shape"),
            Some(dims) => {
                let dims: Vec<_> = dims.iter().map(Dim::to_string).collect();
                write!(f, "[{}]", dims.join(", "))
            }
        }
    }
}

/// The size, or the name, or `?`.
impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dim::Fixed(size) => write!(f, "{size}"),
            Dim::Open(name) if name.is_empty() => f.write_str("?"),
            Dim::Open(name) => f.write_str(name),
        }
    }
}
