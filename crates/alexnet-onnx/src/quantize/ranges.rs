use crate::Model;
use crate::proto::NodeProto;
use alexnet_spec::DType;
use std::collections::BTreeMap;

/// The least and the largest number that each value of a graph keeps when `QuantizeLinear` rounds it: what lies beyond is cut
/// off. Values that are rounded in steps of more than one size, or in steps that are computed, are left out.
pub fn ranges(model: &Model) -> BTreeMap<String, [f32; 2]> {
    let rounding = model.graph().node.iter().filter(|node| node.op_type() == "QuantizeLinear");
    rounding.filter_map(|node| Some((node.input.first()?.clone(), range(model, node)?))).collect()
}

fn range(model: &Model, node: &NodeProto) -> Option<[f32; 2]> {
    let constant = |index: usize| model.constant(node.input.get(index)?);
    let &[scale] = constant(1)?.to_f32().ok()?.as_slice() else { return None };
    let zero = constant(2);
    let byte = zero.as_ref().and_then(|zero| zero.to_bytes().first().copied()).unwrap_or_default();
    let (low, high, zero) = match zero.map_or(DType::U8, |zero| zero.dtype()) {
        DType::U8 => (0.0, 255.0, f32::from(byte)),
        DType::I8 => (-128.0, 127.0, f32::from(byte as i8)),
        _ => return None,
    };
    Some([(low - zero) * scale, (high - zero) * scale])
}
