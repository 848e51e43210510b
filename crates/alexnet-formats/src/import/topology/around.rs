//! What a pickled module runs before and after the network that was found in it: `Sequential(Normalize(...), net)` feeds its
//! network other values than the image, and the network's own names don't show it.

use super::Contradiction;
use super::module::{Kind, kind, shown};
use crate::Module;
use crate::import::place::Place;
use std::borrow::Cow;

/// Looks at the neighbours of the network in the `Sequential`s that hold it.
///
/// Errs with one that computes something, unless `--key` asked for the network alone; then it is a note.
pub(super) fn compare(place: &Place<'_>) -> Result<Vec<String>, Contradiction> {
    let modules: Vec<(Cow<'_, str>, &Module)> =
        place.group().modules.iter().map(|module| (place.unwrapped(&module.path), module)).collect();
    let around = |path: &str| within(place.prefix(), path) && path != place.prefix();
    let holders: Vec<&str> = modules
        .iter()
        .filter(|(path, module)| kind(module) == Kind::Sequential && around(path))
        .map(|(path, _)| path.as_ref())
        .collect();
    let neighbour = |path: &str| {
        let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
        !path.is_empty() && holders.contains(&parent) && !within(place.prefix(), path)
    };
    let mut notes = Vec::new();
    for (_, module) in modules.iter().filter(|(path, _)| neighbour(path)) {
        match kind(module) {
            Kind::Inert => {}
            Kind::Softmax => notes.push(format!("{} is left out: logits are written", shown(module))),
            _ if place.asked => notes.push(format!("{} beside `{}` is left out", shown(module), place.key())),
            _ => {
                let network = place.key().escape_debug().to_string();
                let message = format!("{} runs beside `{network}`, and would be left out", shown(module));
                let remedy = format!("--key {network} to take what is below it alone");
                return Err(Contradiction { message, remedy: Some(remedy) });
            }
        }
    }
    Ok(notes)
}

/// Whether the dotted `path` is `inner` or one of the modules around it.
fn within(inner: &str, path: &str) -> bool {
    path.is_empty() || inner.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
