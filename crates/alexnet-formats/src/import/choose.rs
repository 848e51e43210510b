//! Which state dict of a file is meant: the only one that is an AlexNet, or the one that `--key` names.

use super::attempt::{Attempt, Candidate};
use super::place::{Names, Place, without_wrappers};
use crate::dialects::Dialect;
use crate::{Error, Result};

/// More entries than this are counted, not listed.
const LISTED: usize = 8;

/// The groups to look at, each with the prefix that alone counts in it, if any.
///
/// Errs where no group lies at `key`, listing those that there are.
pub(super) fn scope<'a>(names: &'a [Names<'a>], key: Option<&str>) -> Result<Vec<(&'a Names<'a>, Option<String>)>> {
    let Some(key) = key else { return Ok(names.iter().map(|names| (names, None)).collect()) };
    let exact: Vec<_> = names.iter().filter(|names| names.group.key == key).map(|names| (names, None)).collect();
    if !exact.is_empty() {
        return Ok(exact);
    }
    let below = |names: &'a Names<'a>| {
        let prefix = match names.group.key.as_str() {
            "" => key,
            group => key.strip_prefix(group)?.strip_prefix('.')?,
        };
        let prefix = if names.stripped.is_empty() { prefix.to_owned() } else { without_wrappers(prefix) };
        let starts = |name: &str| name.strip_prefix(&prefix).is_some_and(|rest| rest.starts_with(['.', '/']));
        names.iter().any(|(name, _)| starts(name)).then(|| (names, Some(prefix.clone())))
    };
    let below: Vec<_> = names.iter().filter_map(below).collect();
    if below.is_empty() {
        let keys: Vec<String> =
            names.iter().filter(|n| !n.group.key.is_empty()).map(|n| n.group.key.escape_debug().to_string()).collect();
        let there = if keys.is_empty() {
            "its tensors are at the root".into()
        } else {
            format!("there are {}", enumerate(&keys))
        };
        let key = key.escape_debug();
        return Err(Error::refused(format!("no tensors lie at --key `{key}`: {there}")).with_remedy("without it"));
    }
    Ok(below)
}

/// The candidate to take; `None` where nothing was recognised.
///
/// Errs where several places are an AlexNet, and where the place can be several networks.
pub(super) fn one<'s, 'a>(
    attempts: &'s [Attempt<'a>],
    key: Option<&str>,
) -> Result<Option<(&'s Place<'a>, &'static Dialect, &'s Candidate)>> {
    let recognised = attempts.iter().filter_map(|attempt| Some((attempt, attempt.outcome.as_ref().ok()?)));
    let mut distinct: Vec<(&Attempt<'a>, &Vec<Candidate>)> = Vec::new();
    for (attempt, candidates) in recognised {
        if !distinct.iter().any(|(_, others)| same_tensors(others, candidates)) {
            distinct.push((attempt, candidates));
        }
    }
    // A key that is a group's own names the state dict at its top, though another lies deeper in it.
    if let Some(index) = distinct.iter().position(|(attempt, _)| Some(attempt.place.key().as_str()) == key) {
        distinct = vec![distinct.swap_remove(index)];
    }
    match distinct.as_slice() {
        [] => Ok(None),
        [(attempt, candidates)] => match candidates.as_slice() {
            [] => Ok(None),
            [candidate] => Ok(Some((&attempt.place, attempt.dialect, candidate))),
            several => {
                let names: Vec<String> = several.iter().map(|candidate| candidate.network.name.clone()).collect();
                Err(Error::ambiguous(
                    format!(
                        "{} names and these shapes fit networks that compute different things",
                        attempt.dialect.name
                    ),
                    &format!("--network with one of: {}", names.join(", ")),
                ))
            }
        },
        several => {
            let entries: Vec<String> = several.iter().map(|(attempt, candidates)| entry(attempt, candidates)).collect();
            Err(Error::ambiguous(
                format!("{} state dicts are an AlexNet", several.len()),
                &format!("--key with one of: {}", enumerate(&entries)),
            ))
        }
    }
}

/// `state_dict_ema (torchvision, 64-192-384-256-256-4096-4096-1000)`
fn entry(attempt: &Attempt<'_>, candidates: &[Candidate]) -> String {
    let key = attempt.place.key();
    let widths = candidates.first().map(|candidate| candidate.network.widths()).unwrap_or_default();
    let widths: Vec<String> = widths.iter().map(usize::to_string).collect();
    let key = if key.is_empty() { "the root, `--key ''`".to_owned() } else { key.escape_debug().to_string() };
    format!("{key} ({}, {})", attempt.dialect.name, widths.join("-"))
}

fn same_tensors(a: &[Candidate], b: &[Candidate]) -> bool {
    let (Some(a), Some(b)) = (a.first(), b.first()) else { return false };
    a.tensors.len() == b.tensors.len()
        && a.tensors.iter().zip(&b.tensors).all(|((a_name, a), (b_name, b))| a_name == b_name && a.same_view(b))
}

fn enumerate(entries: &[String]) -> String {
    let listed = entries.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    match entries.len().saturating_sub(LISTED) {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}
