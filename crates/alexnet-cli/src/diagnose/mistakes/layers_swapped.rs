//! BVLC's AlexNet normalises before it pools, CaffeNet after; the released 2012 program normalises before the ReLU.

use super::{Attempt, Mistake, Suspect};

pub(super) const MISTAKE: Mistake = Mistake {
    id: "layers-swapped",
    remedy: "compare the order of the layers with the reference's: AlexNets of the same shapes differ in where they normalise",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let mut attempts = Vec::new();
    let own = &suspect.piece.layers;
    if let (Some(next), Some(last)) = (suspect.next, own.last()) {
        let mut piece = suspect.piece.clone();
        piece.layers.insert(own.len() - 1, next.clone());
        let owned = |name: &str| name.strip_prefix(next.name.as_str()).is_some_and(|rest| rest.starts_with('.'));
        let tensors = suspect.weights.iter().filter(|(name, _)| owned(name));
        piece.tensors.extend(tensors.map(|(name, tensor)| (name.to_owned(), tensor.clone())));
        attempts.push(Attempt::piece(format!("{} looks run before {}", next.name, last.name), piece));
    }
    for at in 1..own.len() {
        let mut piece = suspect.piece.clone();
        piece.layers.swap(at - 1, at);
        let [first, second] = [&piece.layers[at - 1].name, &piece.layers[at].name];
        attempts.push(Attempt::piece(format!("{first} looks run before {second}"), piece));
    }
    attempts
}
