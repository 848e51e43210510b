//! What to say of a file that is no AlexNet: what was seen in it, what it looks like, and what came nearest.

use super::attempt::{Attempt, Reason};
use super::place::Names;
use super::{disguise, families};
use crate::{Checkpoint, Error};
use alexnet_spec::Tensor;

/// How many tensors, and how many near candidates, a message names.
const SHOWN: usize = 3;

pub(super) fn refuse(
    checkpoint: &Checkpoint,
    scope: &[(&Names<'_>, Option<String>)],
    attempts: &[Attempt<'_>],
) -> Error {
    let mut nearest: Vec<_> =
        attempts.iter().filter_map(|attempt| Some((attempt, attempt.outcome.as_ref().err()?))).collect();
    nearest.sort_by_key(|(attempt, misfit)| std::cmp::Reverse((misfit.reason, attempt.hits)));
    if let Some((attempt, misfit)) = nearest.first() {
        let Attempt { dialect, .. } = attempt;
        if misfit.reason == Reason::Shapes && !misfit.instead.is_empty() && family(scope).is_none() {
            return Error::ambiguous(
                format!("names are those of {}, but {}", dialect.name, misfit.message),
                &format!("--network with one of those that fit at these widths: {}", misfit.instead.join(", ")),
            );
        }
        if misfit.reason == Reason::Modules {
            let remedy = misfit.remedy.as_deref().unwrap_or("--network with the network that it is");
            return Error::refused(format!("the file's own modules contradict: {}", misfit.message))
                .with_remedy(remedy);
        }
    }

    let tensors = || scope.iter().flat_map(|(names, _)| &names.group.tensors);
    let unreadable = scope.iter().flat_map(|(names, _)| &names.group.unreadable).next();
    let mut message = match tensors().count() {
        0 if unreadable.is_some() => {
            format!("no AlexNet: this {} holds no tensors that can be read", checkpoint.format)
        }
        0 => format!("no AlexNet: this {} holds no tensors", checkpoint.format),
        count => format!(
            "no AlexNet: this {} holds {}",
            checkpoint.format,
            listed_of(count, tensors().map(|(name, tensor)| (name.as_str(), tensor)))
        ),
    };
    if let Some(unreadable) = unreadable {
        message += &format!("; `{}` can't be read: {}", unreadable.name.escape_debug(), unreadable.reason);
    }
    if let Some((family, name)) = family(scope) {
        message += &format!("; by `{}` it looks like {family}", name.escape_debug());
    }
    let disguise = scope.iter().find_map(|(names, _)| disguise::recognise(names));
    if let Some((what, _, name)) = disguise {
        message += &format!("; `{}` shows {what}", name.escape_debug());
    }
    // One line for each reading: the place of it that came nearest.
    let (mut said, mut readings): (Vec<String>, Vec<(&str, &str)>) = (Vec::new(), Vec::new());
    for (attempt, misfit) in nearest {
        let reading = (misfit.network.as_str(), attempt.dialect.name);
        if said.len() < SHOWN && !readings.contains(&reading) {
            said.push(format!("network `{}` with {} names ({})", misfit.network, attempt.dialect.name, misfit.message));
            readings.push(reading);
        }
    }
    if !said.is_empty() {
        message += &format!("; nearest: {}", said.join(", "));
    }
    let remedy = disguise.map_or("--inspect to see all of it", |(_, remedy, _)| remedy);
    Error::refused(message).with_remedy(remedy)
}

fn family<'a>(scope: &[(&'a Names<'_>, Option<String>)]) -> Option<(&'static str, &'a str)> {
    scope.iter().find_map(|(names, _)| families::recognise(names))
}

/// `` `a.weight` [64, 3] and 2 more``
pub(super) fn listed<'a>(tensors: impl ExactSizeIterator<Item = (&'a str, &'a Tensor)>) -> String {
    let count = tensors.len();
    let shown = shown(tensors);
    match count.saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// ``5 tensors: `a.weight` [64, 3], ...``
fn listed_of<'a>(count: usize, tensors: impl Iterator<Item = (&'a str, &'a Tensor)>) -> String {
    let dots = if count > SHOWN { ", ..." } else { "" };
    format!("{count} tensor{}: {}{dots}", if count == 1 { "" } else { "s" }, shown(tensors))
}

fn shown<'a>(tensors: impl Iterator<Item = (&'a str, &'a Tensor)>) -> String {
    let entries = tensors.take(SHOWN).map(|(name, tensor)| format!("`{}` {:?}", name.escape_debug(), tensor.shape()));
    entries.collect::<Vec<_>>().join(", ")
}
