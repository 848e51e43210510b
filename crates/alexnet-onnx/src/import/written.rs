//! Graphs that this project wrote.

use super::batch;
use crate::Error;
use crate::lower::infer;
use crate::proto::NodeProto;
use crate::quantize::constants;
use crate::{Affine, Batch, Dim, ExportOptions, LrnForm, Model, Quantization, Result, calibrated, check};
use alexnet_spec::{DType, Layer, Network, Op, Parameter, Tensor};
use std::collections::BTreeMap;

/// The network in the model's metadata, where the graph computes exactly this network; `None` where there is none, or where
/// somebody has changed the graph since it was written.
///
/// Errs where what the metadata hold isn't a valid network.
pub fn written_network(model: &Model) -> Result<Option<Network>> {
    let Some(network) = model.network()? else { return Ok(None) };
    let softmax = |node: &NodeProto| node.op_type() == "Softmax";
    let own = matches!(network.layers.last(), Some(Layer { op: Op::Softmax(_), .. }));
    let batch = match model.inputs().first().and_then(|input| input.shape.as_deref()) {
        Some([Dim::Fixed(batch), ..]) => Batch::Fixed(*batch),
        _ => Batch::Dynamic,
    };
    let options = ExportOptions {
        opset: model.opset(),
        batch,
        dtype: stored(model, &network),
        quantize: quantization(model, &network)?,
        softmax: !own && model.graph().node.last().is_some_and(softmax),
        taps: model.outputs().len() > 1,
        ..ExportOptions::default()
    };
    let is = |lrn| check(model, &network, &ExportOptions { lrn, ..options.clone() }).is_ok();
    Ok((is(LrnForm::Native) || is(LrnForm::Primitive)).then_some(network))
}

/// The parameters of a network that [`written_network`] gave, by their canonical names: those that are stored as integers as the
/// floats that these stand for.
///
/// Errs where the graph isn't that of the network.
pub fn written_parameters(model: &Model, network: &Network) -> Result<Vec<(String, Tensor)>> {
    let inferred = infer(model, batch(model), &[])?;
    let steps = network.trace()?;
    let parameters = steps.iter().flat_map(|step| &step.parameters);
    parameters
        .map(|Parameter { name, layer, .. }| {
            let stored = model.initializer(name).filter(|tensor| tensor.dtype().is_float()).cloned();
            let role = name.get(layer.len()..).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name);
            let made = || inferred.get(&format!("{layer}/{role}")).ok()?.constant.clone();
            let tensor = stored.or_else(made).ok_or_else(|| Error::Differs {
                network: network.name.clone(),
                place: name.clone(),
                message: "the parameter is missing".into(),
            })?;
            Ok((name.clone(), tensor))
        })
        .collect()
}

/// The type of the parameters that are floats.
fn stored(model: &Model, network: &Network) -> DType {
    let parameters = network.parameters().unwrap_or_default();
    let mut types = parameters.iter().filter_map(|parameter| Some(model.initializer(&parameter.name)?.dtype()));
    types.find(|dtype| dtype.is_float()).unwrap_or(DType::F32)
}

/// What the graph has integers for, as far as its constants tell; that it has no others is for [`check`] to say.
fn quantization(model: &Model, network: &Network) -> Result<Option<Quantization>> {
    let rounds = |operator: &str| model.graph().node.iter().any(|node| node.op_type() == operator);
    if !rounds("QuantizeLinear") {
        return Ok(rounds("DequantizeLinear").then_some(Quantization::Weights));
    }
    let affine = |value: &String| {
        let [scale, zero] = constants(value).map(|name| model.initializer(&name));
        let scale = scale?.to_f32().ok()?.first().copied()?;
        Some((value.clone(), Affine { scale, zero_point: zero?.to_bytes().first().copied()? }))
    };
    let affines: BTreeMap<String, Affine> = calibrated(network)?.iter().filter_map(affine).collect();
    Ok(Some(Quantization::Static(affines)))
}
