use super::{Attempt, Mistake, Suspect};

pub(super) const MISTAKE: Mistake = Mistake {
    id: "other-parameters",
    remedy: "look at which tensors the node takes: two layers' parameters look exchanged",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let mut attempts = Vec::new();
    for (name, own) in &suspect.piece.tensors {
        let others = suspect.weights.iter().filter(|(other, t)| *other != name.as_str() && t.shape() == own.shape());
        for (other, tensor) in others {
            let piece = suspect.piece.with_tensor(name, |_| Some(tensor.clone()));
            attempts.extend(piece.map(|piece| Attempt::piece(format!("{other} looks used as {name}"), piece)));
        }
    }
    attempts.extend(whole_layers(suspect));
    attempts
}

/// All parameters of another layer of the same shapes.
fn whole_layers<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let Some(last) = suspect.last() else { return Vec::new() };
    let role = |name: &str, layer: &str| Some(name.strip_prefix(layer)?.strip_prefix('.')?.to_owned());
    let others = suspect.network.layers.iter().filter(|layer| layer.name != last.name);
    others
        .filter_map(|other| {
            let mut piece = suspect.piece.clone();
            let mut changed = false;
            for (name, tensor) in piece.tensors.iter_mut() {
                let Some(role) = role(name, &last.name) else { continue };
                let replacement = suspect.weights.get(&format!("{}.{role}", other.name))?;
                (replacement.shape() == tensor.shape()).then(|| *tensor = replacement.clone())?;
                changed = true;
            }
            let sentence = format!("{}'s parameters look used for {}", other.name, last.name);
            changed.then(|| Attempt::piece(sentence, piece))
        })
        .collect()
}
