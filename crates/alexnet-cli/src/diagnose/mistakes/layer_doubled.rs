use super::{Attempt, Mistake, Suspect};
use alexnet_spec::Layer;

pub(super) const MISTAKE: Mistake =
    Mistake { id: "layer-doubled", remedy: "look for a second node of the layer in the other graph", attempts };

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let twice = |index: usize| {
        let mut piece = suspect.piece.clone();
        let layer = piece.layers.get(index)?.clone();
        let again = format!("{}-again", layer.name);
        let own = piece.tensors.iter().filter_map(|(name, tensor)| {
            let role = name.strip_prefix(layer.name.as_str())?.strip_prefix('.')?;
            Some((format!("{again}.{role}"), tensor.clone()))
        });
        let own: Vec<_> = own.collect();
        piece.tensors.extend(own);
        piece.layers.insert(index, Layer { name: again, op: layer.op });
        Some(Attempt::piece(format!("{} looks applied twice", layer.name), piece))
    };
    (0..suspect.piece.layers.len()).filter_map(twice).collect()
}
