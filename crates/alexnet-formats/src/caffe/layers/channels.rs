use super::refused;
use crate::caffe::fields::Fields;
use crate::caffe::graph::{Builder, Extent, Value};
use crate::caffe::net::Layer;
use crate::{Error, Result};
use alexnet_spec::graph::NodeOp;

/// The axis along which a layer works must be the channels'. `old` is what the parameter was called before.
fn check_axis(param: &Fields, old: &'static str) -> Result<()> {
    match param.int("axis").or(param.int(old)) {
        None | Some(1) => Ok(()),
        Some(axis) => Err(refused("axis", axis)),
    }
}

/// `Concat` of channels.
pub(super) fn concat<'n>(builder: &mut Builder<'n>, layer: &'n Layer) -> Result<()> {
    check_axis(layer.params.message("concat_param"), "concat_dim")?;
    let inputs: Vec<Value> = layer.bottoms.iter().map(|bottom| builder.value(bottom)).collect::<Result<_>>()?;
    let (Some(first), Some(top)) = (inputs.first(), layer.tops.first()) else {
        return Err(Error::malformed("it joins nothing"));
    };
    let sum = |sum: usize, input: &Value| sum.checked_add(input.extent.channels?);
    let extent = Extent { channels: inputs.iter().try_fold(0, sum), ..first.extent };
    let value = builder.node(layer.name.clone(), &inputs, NodeOp::Concat, Vec::new(), extent)?;
    builder.alias(top, value);
    Ok(())
}

/// `Slice` of channels, at points or into equal parts.
pub(super) fn slice<'n>(builder: &mut Builder<'n>, layer: &'n Layer) -> Result<()> {
    let param = layer.params.message("slice_param");
    check_axis(param, "slice_dim")?;
    let input = builder.only(layer)?;
    let Some(channels) = input.extent.channels else {
        return Err(Error::refused("it slices channels, whose number the net doesn't say")
            .with_remedy("--prototxt FILE with the deployed net, which gives its input's dimensions"));
    };
    let mut ends = param.sizes("slice_point")?;
    let parts = layer.tops.len();
    if ends.is_empty() {
        let Some(part) = channels.checked_div(parts).filter(|part| part.checked_mul(parts) == Some(channels)) else {
            return Err(Error::malformed(format!("{channels} channels in {parts} equal parts")));
        };
        ends = (1..parts).map(|index| index.saturating_mul(part)).collect();
    }
    ends.push(channels);
    let mut start = 0;
    if ends.len() != parts {
        return Err(Error::malformed(format!("{} parts, but {parts} outputs", ends.len())));
    }
    for (top, end) in layer.tops.iter().zip(ends) {
        let Some(channels) = end.checked_sub(start).filter(|channels| *channels > 0) else {
            return Err(Error::malformed(format!("a part from channel {start} up to {end}")));
        };
        let extent = Extent { channels: Some(channels), ..input.extent };
        let name = format!("{}/{top}", layer.name);
        let value =
            builder.node(name, std::slice::from_ref(&input), NodeOp::Slice { start, end }, Vec::new(), extent)?;
        builder.alias(top, value);
        start = end;
    }
    Ok(())
}

/// `Split`, which Caffe inserts where several layers read a blob: the blob under several names.
pub(super) fn split<'n>(builder: &mut Builder<'n>, layer: &'n Layer) -> Result<()> {
    let input = builder.only(layer)?;
    for top in &layer.tops {
        builder.alias(top, input.clone());
    }
    Ok(())
}
