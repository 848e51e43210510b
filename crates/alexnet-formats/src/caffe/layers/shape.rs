use super::refused;
use crate::Result;
use crate::caffe::graph::Builder;
use crate::caffe::net::Layer;
use alexnet_spec::layers;

/// `Flatten` of a whole map, channel by channel.
pub(super) fn flatten<'n>(builder: &mut Builder<'n>, layer: &'n Layer) -> Result<()> {
    let param = layer.params.message("flatten_param");
    if let Some(axis) = param.int("axis").filter(|axis| *axis != 1) {
        return Err(refused("axis", axis));
    }
    if let Some(axis) = param.int("end_axis").filter(|axis| ![-1, 3].contains(axis)) {
        return Err(refused("end_axis", axis));
    }
    flattened(builder, layer)
}

/// `Reshape` where it flattens: to the batch as it is and one dimension more.
pub(super) fn reshape<'n>(builder: &mut Builder<'n>, layer: &'n Layer) -> Result<()> {
    let param = layer.params.message("reshape_param");
    let shape: Vec<i64> = param.message("shape").ints("dim").collect();
    match (&shape[..], param.int("axis").unwrap_or(0), param.int("num_axes").unwrap_or(-1)) {
        ([0, _], 0, -1) | ([_], 1, -1) => flattened(builder, layer),
        _ => Err(refused("shape", format!("{shape:?}"))),
    }
}

fn flattened<'n>(builder: &mut Builder<'n>, layer: &'n Layer) -> Result<()> {
    let input = builder.only(layer)?;
    match layer.tops.first() {
        Some(top) if input.extent.flat => {
            builder.alias(top, input);
            Ok(())
        }
        _ => builder.layer(layer, &input, layers::Flatten {}, Vec::new()),
    }
}
