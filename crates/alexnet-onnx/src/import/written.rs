//! Graphs that this project wrote.

use crate::proto::NodeProto;
use crate::{Batch, Dim, ExportOptions, LrnForm, Model, Result, check};
use alexnet_spec::{DType, Layer, Network, Op};

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
        dtype: model.inputs().first().map_or(DType::F32, |input| input.dtype),
        softmax: !own && model.graph().node.last().is_some_and(softmax),
        taps: model.outputs().len() > 1,
        ..ExportOptions::default()
    };
    let is = |lrn| check(model, &network, &ExportOptions { lrn, ..options.clone() }).is_ok();
    Ok((is(LrnForm::Native) || is(LrnForm::Primitive)).then_some(network))
}
