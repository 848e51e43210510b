use super::layer::Layer;
use crate::shown::shown;
use crate::{Error, Result};

/// How far the search has come with a layer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    No,
    Open,
    Done,
}

/// The layers that lead to the output, each after its inputs. The output is the one layer that only costs read: in
/// dictionaries the order of the layers says nothing.
///
/// Errs where there are several outputs or none, or layers read each other in a circle.
pub(super) fn order(layers: &[Layer<'_>]) -> Result<Vec<usize>> {
    let output = output(layers)?;
    let mut seen = vec![Seen::No; layers.len()];
    let mut order = Vec::new();
    // Each layer on the way with how many of its inputs have been looked at: a call for each would let a file choose how deep.
    let mut way = vec![(output, 0usize)];
    while let Some((layer, looked_at)) = way.pop() {
        let found = layers.get(layer);
        match found.and_then(|found| found.inputs.get(looked_at)) {
            Some(input) => {
                way.push((layer, looked_at.saturating_add(1)));
                set(&mut seen, layer, Seen::Open);
                match seen.get(*input) {
                    Some(Seen::No) => way.push((*input, 0)),
                    Some(Seen::Open) => {
                        let place = found.map(Layer::place).unwrap_or_default();
                        return Err(Error::malformed("the layers read each other in a circle").at(place));
                    }
                    _ => {}
                }
            }
            None => {
                set(&mut seen, layer, Seen::Done);
                order.push(layer);
            }
        }
    }
    Ok(order)
}

fn set(seen: &mut [Seen], layer: usize, state: Seen) {
    if let Some(seen) = seen.get_mut(layer) {
        *seen = state;
    }
}

/// The layer that nothing but costs reads.
fn output(layers: &[Layer<'_>]) -> Result<usize> {
    let mut read = vec![false; layers.len()];
    for input in layers.iter().filter(|layer| !is_cost(layer)).flat_map(|layer| &layer.inputs) {
        if let Some(read) = read.get_mut(*input) {
            *read = true;
        }
    }
    let is_output = |(position, layer): &(usize, &Layer<'_>)| {
        layer.kind != "data" && !is_cost(layer) && read.get(*position) == Some(&false)
    };
    let outputs: Vec<(usize, &Layer<'_>)> = layers.iter().enumerate().filter(is_output).collect();
    match outputs.as_slice() {
        [(position, _)] => Ok(*position),
        [] => Err(Error::malformed("no layer is the output: each is read by another")),
        [(_, first), (_, second), ..] => {
            let [first, second] = [first, second].map(|layer| shown(layer.name.as_bytes()));
            Err(Error::refused(format!("the network has several outputs: `{first}` and `{second}`")))
        }
    }
}

/// Whether a layer only measures how wrong the network is.
fn is_cost(layer: &Layer<'_>) -> bool {
    layer.kind.starts_with("cost.")
}
