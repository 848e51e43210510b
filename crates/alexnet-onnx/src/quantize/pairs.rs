use crate::Model;
use crate::proto::NodeProto;
use crate::validate::place;

/// What is wrong with a graph's pairs of `QuantizeLinear` and `DequantizeLinear`, a sentence each: the second must have the step
/// and the zero point of the first, or it gives other numbers than those that were rounded.
pub fn unpaired(model: &Model) -> Vec<String> {
    let nodes = || model.graph().node.iter();
    let gives = |node: &&NodeProto, value: &String| node.op_type() == "QuantizeLinear" && node.output.contains(value);
    let pairs =
        nodes().enumerate().filter(|(_, node)| node.op_type() == "DequantizeLinear").filter_map(|(index, node)| {
            let value = node.input.first()?;
            Some((index, nodes().find(|other| gives(other, value))?, node))
        });
    let differing = pairs.filter_map(|(index, first, second)| {
        let names = ["step", "zero point"].into_iter().zip(1..);
        let (what, at) = names.into_iter().find(|(_, at)| !same(model, first.input.get(*at), second.input.get(*at)))?;
        let other = first.output.first().map_or("", String::as_str).escape_debug();
        let [before, after] = [first, second].map(|node| shown(model, node.input.get(at)));
        let place = place(index, second);
        Some(format!("{place}: its {what} is {after}, but `{other}` was rounded with {before}: give both the same"))
    });
    differing.collect()
}

/// Whether two inputs are one constant, or hold the same; a zero point that is left out is 0.
fn same(model: &Model, a: Option<&String>, b: Option<&String>) -> bool {
    let value = |name: Option<&String>| name.filter(|name| !name.is_empty()).and_then(|name| model.constant(name));
    match (value(a), value(b)) {
        _ if a == b => true,
        (Some(a), Some(b)) => a.dtype() == b.dtype() && a.to_bytes() == b.to_bytes(),
        (Some(one), None) | (None, Some(one)) => {
            !one.dtype().is_float() && one.to_bytes().iter().all(|byte| *byte == 0)
        }
        (None, None) => false,
    }
}

/// The first number of a constant.
fn shown(model: &Model, name: Option<&String>) -> String {
    let Some(tensor) = name.and_then(|name| model.constant(name)) else { return "0".into() };
    match tensor.to_f32() {
        Ok(values) => values.first().map_or_else(String::new, |value| format!("{value:e}")),
        Err(_) => tensor.to_bytes().first().map_or_else(String::new, u8::to_string),
    }
}
