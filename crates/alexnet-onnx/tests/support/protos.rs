//! Messages by hand, for graphs that no exporter writes.

use alexnet_onnx::proto::attribute_proto::AttributeType;
use alexnet_onnx::proto::tensor_proto::DataType;
use alexnet_onnx::proto::tensor_shape_proto::{Dimension, dimension};
use alexnet_onnx::proto::{
    AttributeProto, NodeProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};

/// An attribute's value.
pub enum Value {
    Int(i64),
    Ints(&'static [i64]),
    Float(f32),
    Text(&'static str),
}
fn attribute((name, value): &(&str, Value)) -> AttributeProto {
    let mut attribute = AttributeProto { name: Some((*name).into()), ..Default::default() };
    let kind = match value {
        Value::Int(i) => {
            attribute.i = Some(*i);
            AttributeType::Int
        }
        Value::Ints(ints) => {
            attribute.ints = ints.to_vec();
            AttributeType::Ints
        }
        Value::Float(float) => {
            attribute.f = Some(*float);
            AttributeType::Float
        }
        Value::Text(text) => {
            attribute.s = Some(text.as_bytes().into());
            AttributeType::String
        }
    };
    attribute.r#type = Some(kind as i32);
    attribute
}

pub fn node(operator: &str, inputs: &[&str], outputs: &[&str], attributes: &[(&str, Value)]) -> NodeProto {
    NodeProto {
        name: Some("suspect".into()),
        op_type: Some(operator.into()),
        input: inputs.iter().map(|s| s.to_string()).collect(),
        output: outputs.iter().map(|s| s.to_string()).collect(),
        attribute: attributes.iter().map(attribute).collect(),
        ..Default::default()
    }
}

pub fn value(name: &str, dtype: DataType, dims: &[i64]) -> ValueInfoProto {
    let dim = |size: &i64| Dimension {
        // Zero stands for a dimension that is left open.
        value: (*size != 0).then_some(dimension::Value::DimValue(*size)),
        denotation: None,
    };
    let tensor = type_proto::Tensor {
        elem_type: Some(dtype as i32),
        shape: Some(TensorShapeProto { dim: dims.iter().map(dim).collect() }),
    };
    let r#type = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), denotation: None };
    ValueInfoProto { name: Some(name.into()), r#type: Some(r#type), ..Default::default() }
}

pub fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: Some(name.into()),
        data_type: Some(DataType::Float as i32),
        dims: dims.to_vec(),
        float_data: values.to_vec(),
        ..Default::default()
    }
}
