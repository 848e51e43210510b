//! Writes what a graph becomes for candle-onnx as a model of its own, with its weights inside: `lower IN OUT [BATCH]`.

use alexnet_onnx::proto::TensorProto;
use alexnet_onnx::{Model, lower};
use prost::Message;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (input, output, batch) = match arguments.as_slice() {
        [input, output] => (input, output, 1),
        [input, output, batch] => (input, output, batch.parse()?),
        _ => return Err("usage: lower IN OUT [BATCH]".into()),
    };
    let folder = Path::new(input).parent().unwrap_or(Path::new(""));
    let model = Model::decode(std::fs::read(input)?.into(), &mut |location| {
        std::fs::read(folder.join(location)).map(Into::into)
    })?;
    let lowered = lower(&model, batch, &[])?;
    let mut proto = lowered.proto().clone();
    let graph = proto.graph.get_or_insert_default();
    for weight in lowered.weights() {
        let mut data = Vec::new();
        weight.tensor.for_each_chunk::<alexnet_spec::Error>(weight.dtype, &mut |chunk| {
            data.extend_from_slice(chunk);
            Ok(())
        })?;
        let described = graph.input.iter().find(|input| input.name() == weight.name);
        let r#type = described.and_then(|input| input.r#type.as_ref()).and_then(|t| t.value.as_ref());
        let data_type = match r#type {
            Some(alexnet_onnx::proto::type_proto::Value::TensorType(tensor)) => tensor.elem_type,
            _ => None,
        };
        graph.initializer.push(TensorProto {
            name: Some(weight.name.clone()),
            data_type,
            dims: weight.tensor.shape().iter().map(|d| *d as i64).collect(),
            raw_data: Some(data.into()),
            ..Default::default()
        });
    }
    std::fs::write(output, proto.encode_to_vec())?;
    Ok(())
}
