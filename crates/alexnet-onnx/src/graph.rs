//! A graph while it is built: nodes, the shape of every value, small constants.

use crate::proto::attribute_proto::AttributeType;
use crate::proto::{
    AttributeProto, NodeProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, tensor_proto::DataType,
    tensor_shape_proto::Dimension, tensor_shape_proto::dimension, type_proto,
};
use crate::quantize::{Affine, Stored};
use crate::{Batch, ExportOptions};
use alexnet_spec::{DType, Parameter, Step};

/// The nodes of a graph, first to last, with what belongs to them.
pub(crate) struct Graph<'a> {
    options: &'a ExportOptions,
    pub(crate) nodes: Vec<NodeProto>,
    /// One for each node, in the same order.
    pub(crate) values: Vec<ValueInfoProto>,
    /// Constants of the graph's own: they are small and stay in the model wherever the parameters are.
    pub(crate) constants: Vec<TensorProto>,
    /// The parameters that nodes read, and what they are in the file.
    pub(crate) parameters: Vec<(Parameter, Stored)>,
}

/// Where a layer stands in a graph: its step of the trace, the tensor it reads and the one it must write.
pub(crate) struct Site<'a> {
    pub(crate) step: &'a Step<'a>,
    pub(crate) input: &'a str,
    pub(crate) output: &'a str,
    /// How the input was rounded to integers of 8 bits, where it was.
    pub(crate) rounded: Option<Affine>,
}

impl Site<'_> {
    /// The name of something that belongs to the layer but isn't its output. No layer's name has a slash.
    pub(crate) fn part(&self, what: &str) -> String {
        format!("{}/{what}", self.step.layer.name)
    }
}

/// The shape of a value: the batch, times a number of slices that were moved into it, and the other dimensions.
pub(crate) struct Extents {
    pub(crate) slices: usize,
    pub(crate) rest: Vec<usize>,
}

impl From<Vec<usize>> for Extents {
    fn from(rest: Vec<usize>) -> Extents {
        Extents { slices: 1, rest }
    }
}

/// A node without its output.
pub(crate) struct Node {
    operator: &'static str,
    name: String,
    inputs: Vec<String>,
    attributes: Vec<AttributeProto>,
    dtype: Option<DType>,
}

impl Node {
    /// A node that is called `name`; its output is of the graph's arithmetic unless [`Node::of`] says otherwise.
    pub(crate) fn new(operator: &'static str, name: impl Into<String>) -> Node {
        Node { operator, name: name.into(), inputs: Vec::new(), attributes: Vec::new(), dtype: None }
    }

    pub(crate) fn input(mut self, tensor: impl Into<String>) -> Node {
        self.inputs.push(tensor.into());
        self
    }

    pub(crate) fn of(mut self, dtype: DType) -> Node {
        self.dtype = Some(dtype);
        self
    }

    pub(crate) fn int(mut self, name: &str, value: i64) -> Node {
        self.attributes.push(int(name, value));
        self
    }

    pub(crate) fn ints(mut self, name: &str, values: &[usize]) -> Node {
        self.attributes.push(ints(name, values.iter().map(|v| *v as i64).collect()));
        self
    }

    /// A float attribute: ONNX has these in single precision whatever the graph's type.
    pub(crate) fn float(mut self, name: &str, value: f64) -> Node {
        self.attributes.push(float(name, value as f32));
        self
    }
}

pub(crate) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: Some(name.into()),
        r#type: Some(AttributeType::Int as i32),
        i: Some(value),
        ..Default::default()
    }
}

pub(crate) fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto {
        name: Some(name.into()),
        r#type: Some(AttributeType::Float as i32),
        f: Some(value),
        ..Default::default()
    }
}

pub(crate) fn ints(name: &str, ints: Vec<i64>) -> AttributeProto {
    AttributeProto { name: Some(name.into()), r#type: Some(AttributeType::Ints as i32), ints, ..Default::default() }
}

impl<'a> Graph<'a> {
    pub(crate) fn new(options: &'a ExportOptions) -> Graph<'a> {
        Graph { options, nodes: Vec::new(), values: Vec::new(), constants: Vec::new(), parameters: Vec::new() }
    }

    pub(crate) fn options(&self) -> &ExportOptions {
        self.options
    }

    /// Appends a node with one output, which has the given shape.
    pub(crate) fn push(&mut self, node: Node, output: impl Into<String>, shape: impl Into<Extents>) {
        let output = output.into();
        let value = self.value(&output, node.dtype.unwrap_or(self.options.arithmetic()), &shape.into());
        self.append(node, output, value);
    }

    /// Appends a node whose output is the same for every batch.
    pub(crate) fn push_constant(&mut self, node: Node, output: impl Into<String>, dims: &[usize]) {
        let output = output.into();
        let dims = dims.iter().map(|d| dimension::Value::DimValue(*d as i64)).collect();
        let value = described(&output, node.dtype.unwrap_or(self.options.arithmetic()), dims);
        self.append(node, output, value);
    }

    fn append(&mut self, node: Node, output: String, value: ValueInfoProto) {
        self.values.push(value);
        self.nodes.push(NodeProto {
            name: Some(node.name),
            op_type: Some(node.operator.into()),
            input: node.inputs,
            output: vec![output],
            attribute: node.attributes,
            ..Default::default()
        });
    }

    /// The value that holds one of a layer's parameters in the graph's arithmetic: the initializer, or what is made of it.
    pub(crate) fn parameter(&mut self, site: &Site, role: &str) -> String {
        let name = format!("{}.{role}", site.step.layer.name);
        let Some(parameter) = site.step.parameters.iter().find(|parameter| parameter.name == name).cloned() else {
            return name;
        };
        let stored = Stored::of(&site.step.layer.op, role, site.rounded, self.options);
        let value = site.part(role);
        let node = match stored {
            Stored::Float(dtype) if dtype == self.options.arithmetic() => None,
            Stored::Float(_) => {
                let to = data_type(self.options.arithmetic()) as i64;
                Some(Node::new("Cast", &value).input(&name).int("to", to))
            }
            Stored::Weight { .. } | Stored::Bias { .. } => {
                let node = Node::new("DequantizeLinear", &value).input(&name).input(scale_of(&value));
                let node = if matches!(stored, Stored::Weight { .. }) { node.input(zero_of(&value)) } else { node };
                Some(node.int("axis", 0))
            }
        };
        let read = match node {
            Some(node) => {
                self.push_constant(node, &value, &parameter.shape);
                value
            }
            None => name,
        };
        self.parameters.push((parameter, stored));
        read
    }

    /// The description of a value.
    pub(crate) fn value(&self, name: &str, dtype: DType, shape: &Extents) -> ValueInfoProto {
        let batch = match (self.options.batch, shape.slices) {
            (Batch::Fixed(n), slices) => dimension::Value::DimValue((n * slices) as i64),
            (Batch::Dynamic, 1) => dimension::Value::DimParam("N".into()),
            (Batch::Dynamic, slices) => dimension::Value::DimParam(format!("{slices}N")),
        };
        let rest = shape.rest.iter().map(|d| dimension::Value::DimValue(*d as i64));
        described(name, dtype, std::iter::once(batch).chain(rest).collect())
    }

    /// Adds a constant of single precision.
    pub(crate) fn constant_f32(
        &mut self,
        name: String,
        dims: &[usize],
        values: impl IntoIterator<Item = f32>,
    ) -> String {
        let bytes = values.into_iter().flat_map(f32::to_le_bytes).collect();
        self.constant(name, DType::F32, dims, bytes)
    }

    /// Adds a vector of integers: a shape, or indices.
    pub(crate) fn constant_i64(&mut self, name: String, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(name, DType::I64, &[values.len()], bytes)
    }

    pub(crate) fn constant(&mut self, name: String, dtype: DType, dims: &[usize], bytes: Vec<u8>) -> String {
        self.constants.push(TensorProto { raw_data: Some(bytes.into()), ..tensor_header(&name, dtype, dims) });
        name
    }

    /// The layer's input in single precision: itself, or a cast of it.
    pub(crate) fn widen(&mut self, site: &Site) -> String {
        if self.options.arithmetic() == DType::F32 {
            return site.input.into();
        }
        let name = site.part("f32");
        let node = Node::new("Cast", &name).input(site.input).int("to", DataType::Float as i64).of(DType::F32);
        self.push(node, &name, site.step.input.dims());
        name
    }

    /// Appends the last node of a layer that was computed in single precision, and the cast back where one is needed.
    ///
    /// The layer's name goes to whichever of the two writes the layer's output.
    pub(crate) fn push_widened(&mut self, site: &Site, operator: &'static str, inputs: [&str; 2]) {
        let layer = &site.step.layer.name;
        let shape = || site.step.output.dims();
        let [a, b] = inputs;
        if self.options.arithmetic() == DType::F32 {
            self.push(Node::new(operator, layer).input(a).input(b), site.output, shape());
            return;
        }
        let wide = site.part("wide");
        self.push(Node::new(operator, &wide).input(a).input(b).of(DType::F32), &wide, shape());
        let to = data_type(self.options.arithmetic()) as i64;
        self.push(Node::new("Cast", layer).input(wide).int("to", to), site.output, shape());
    }
}

/// The description of a value of a shape.
fn described(name: &str, dtype: DType, dims: Vec<dimension::Value>) -> ValueInfoProto {
    let dim = dims.into_iter().map(|value| Dimension { value: Some(value), denotation: None });
    let tensor = type_proto::Tensor {
        elem_type: Some(data_type(dtype) as i32),
        shape: Some(TensorShapeProto { dim: dim.collect() }),
    };
    let r#type = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), denotation: None };
    ValueInfoProto { name: Some(name.into()), r#type: Some(r#type), ..Default::default() }
}

/// The name of the constant that holds the steps of the integers that `value` is made of.
pub(crate) fn scale_of(value: &str) -> String {
    format!("{value}.scale")
}

/// The name of the constant that holds the integers that stand for zero.
pub(crate) fn zero_of(value: &str) -> String {
    format!("{value}.zero_point")
}

/// A tensor's name, type and shape, without its data.
pub(crate) fn tensor_header(name: &str, dtype: DType, dims: &[usize]) -> TensorProto {
    TensorProto {
        name: Some(name.into()),
        data_type: Some(data_type(dtype) as i32),
        dims: dims.iter().map(|d| *d as i64).collect(),
        ..Default::default()
    }
}

/// ONNX's number for an element type.
pub(crate) fn data_type(dtype: DType) -> DataType {
    match dtype {
        DType::F64 => DataType::Double,
        DType::F32 => DataType::Float,
        DType::F16 => DataType::Float16,
        DType::BF16 => DataType::Bfloat16,
        DType::I64 => DataType::Int64,
        DType::I32 => DataType::Int32,
        DType::I16 => DataType::Int16,
        DType::I8 => DataType::Int8,
        DType::U8 => DataType::Uint8,
        DType::Bool => DataType::Bool,
    }
}
