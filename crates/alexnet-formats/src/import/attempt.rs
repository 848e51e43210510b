//! Reading a place in a dialect as a network: which names are there, what shapes they have, what the modules say.

use super::fit::{Widths, fit};
use super::place::{Names, Place};
use super::spelling::Spelling;
use super::{ImportOptions, topology};
use crate::Transform;
use crate::dialects::{self, Dialect, Origin};
use crate::report::Guess;
use alexnet_spec::{DType, Network, Op, Tensor, networks};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of the network before names and shapes are looked at.
#[derive(Clone, Copy)]
pub(super) enum Told<'a> {
    /// The user says so.
    Insisted(&'a Network),
    /// The file's metadata say so.
    Described(&'a Network),
    Nothing,
}

impl<'a> Told<'a> {
    pub(super) fn new(options: &'a ImportOptions, described: Option<&'a Network>) -> Told<'a> {
        match (&options.network, described) {
            (Some(network), _) => Told::Insisted(network),
            (None, Some(network)) => Told::Described(network),
            (None, None) => Told::Nothing,
        }
    }

    fn network(self) -> Option<&'a Network> {
        match self {
            Told::Insisted(network) | Told::Described(network) => Some(network),
            Told::Nothing => None,
        }
    }
}

/// A place read in a dialect.
pub(super) struct Attempt<'a> {
    pub(super) place: Place<'a>,
    pub(super) dialect: &'static Dialect,
    /// How many of the network's kernels have their names there.
    pub(super) hits: usize,
    /// The networks that it can be. More than one: neither names nor shapes tell.
    pub(super) outcome: Result<Vec<Candidate>, Misfit>,
}

/// A network that a place can be.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) network: Network,
    /// What each parameter is made of, in the order of the layers.
    pub(super) plan: Vec<(String, Resolved)>,
    pub(super) tensors: BTreeMap<String, Tensor>,
    /// Parameters of the classifier that isn't there.
    pub(super) missing: Vec<String>,
    pub(super) guesses: Vec<Guess>,
    pub(super) notes: Vec<String>,
    /// Whether modules showed the order of norm and pool.
    order_seen: bool,
}

/// An origin in terms of the file.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    /// Names as they stand in the file.
    pub(super) sources: Vec<String>,
    pub(super) transform: Transform,
    /// The first source's element type.
    pub(super) dtype: DType,
}

/// Why a place isn't a network.
#[derive(Clone, Debug)]
pub(super) struct Misfit {
    pub(super) network: String,
    pub(super) reason: Reason,
    pub(super) message: String,
    /// Known networks that would fit if the user insisted.
    pub(super) instead: Vec<String>,
    /// What to do, where the file's modules show it.
    pub(super) remedy: Option<String>,
}

/// How far a reading came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    Names,
    Shapes,
    /// Names and shapes agree, but the file's own modules contradict.
    Modules,
}

/// How many places that lack a kernel are read all the same, to say what came nearest. A bound on the cost of a file that
/// is full of them.
const NEAR: usize = 8;

/// Every dialect tried at every place where the names of all its kernels are found, and at the nearest of the others.
pub(super) fn all<'a>(scope: &[(&'a Names<'a>, Option<String>)], told: Told<'_>) -> Vec<Attempt<'a>> {
    let (mut attempts, mut near) = (Vec::new(), Vec::new());
    for (names, only) in scope {
        let mut recognised = BTreeSet::new();
        for dialect in dialects::ALL {
            let landmarks = landmarks(dialect, told);
            for (head, hits) in names.prefixes(&landmarks) {
                let place = Place::new(names, head, only.is_some());
                if only.as_ref().is_some_and(|only| only != place.prefix()) || recognised.contains(head) {
                    continue;
                }
                if hits < landmarks.len() {
                    near.push((hits, place, dialect));
                    continue;
                }
                let Some(outcome) = read(&place, dialect, told) else { continue };
                if outcome.is_ok() {
                    recognised.insert(head);
                }
                attempts.push(Attempt { place, dialect, hits, outcome });
            }
        }
    }
    near.sort_by_key(|(hits, ..)| std::cmp::Reverse(*hits));
    attempts.extend(near.into_iter().take(NEAR).filter_map(|(hits, place, dialect)| {
        let outcome = read(&place, dialect, told)?;
        Some(Attempt { place, dialect, hits, outcome })
    }));
    attempts
}

/// The names of the kernels, by which a place is found; of a network without convolutions, of its matrices.
fn landmarks(dialect: &'static Dialect, told: Told<'_>) -> Vec<String> {
    let usual = || networks::get("torchvision");
    let Some(network) = told.network().cloned().or_else(usual) else { return Vec::new() };
    let (kernels, matrices): (Vec<_>, Vec<_>) =
        network.layers.iter().filter(|l| l.op.out().is_some()).partition(|l| matches!(l.op, Op::Conv2d(_)));
    let layers = if kernels.is_empty() { matrices } else { kernels };
    let origin = |layer: &alexnet_spec::Layer| (dialect.origin)(&format!("{}.weight", layer.name));
    layers.into_iter().filter_map(origin).flat_map(|origin| origin.sources).collect()
}

/// `None` where the dialect doesn't claim the place.
fn read(place: &Place<'_>, dialect: &'static Dialect, told: Told<'_>) -> Option<Result<Vec<Candidate>, Misfit>> {
    // Not even a user's word makes a place a dialect's that it isn't.
    let known = (dialect.candidates)(place)?;
    Some(match told {
        Told::Insisted(network) => candidate(place, dialect, network, Widths::Any).map(|found| vec![found]),
        Told::Described(network) => candidate(place, dialect, network, Widths::Fixed).map(|found| vec![found]),
        Told::Nothing => untold(place, dialect, known),
    })
}

/// Lets names, shapes and modules decide between the dialect's networks.
fn untold(place: &Place<'_>, dialect: &'static Dialect, known: dialects::Candidates) -> Result<Vec<Candidate>, Misfit> {
    let try_one = |name: &&str| Some(candidate(place, dialect, &networks::get(name)?, Widths::Published));
    let likely = known.likely.iter().find_map(try_one);
    let others: Vec<Result<Candidate, Misfit>> = known.others.iter().filter_map(try_one).collect();

    if let Some(Ok(mut found)) = likely {
        let ruled_out = others.iter().any(|other| matches!(other, Err(misfit) if misfit.reason == Reason::Modules));
        if found.order_seen && (ruled_out || known.guessed.is_none()) {
            found.notes.push("the order of the layers is that of the file's own modules".to_owned());
        } else if let Some(why) = known.guessed {
            let rivals = others.iter().flatten().map(|other| other.network.name.as_str()).collect::<Vec<_>>();
            found.guesses.push(Guess {
                what: format!("network {}", found.network.name),
                why: why.to_owned(),
                settle: match rivals.join(" or ") {
                    none if none.is_empty() => "--network NAME settles it".to_owned(),
                    rivals => format!("--network {rivals} if it is that"),
                },
            });
        }
        return Ok(vec![found]);
    }
    let mut fitting = Vec::new();
    let mut misfits: Vec<Misfit> = likely.into_iter().filter_map(Result::err).collect();
    for other in others {
        match other {
            Ok(found) => fitting.push(found),
            Err(misfit) => misfits.push(misfit),
        }
    }
    if !fitting.is_empty() {
        return Ok(fitting);
    }
    // The first of those that came furthest: the likely network, unless another came further.
    let furthest = misfits.iter().map(|misfit| misfit.reason).max();
    let nearest = misfits.into_iter().find(|misfit| Some(misfit.reason) == furthest);
    let mut misfit = nearest.unwrap_or_else(|| Misfit {
        network: String::new(),
        reason: Reason::Names,
        message: "the dialect names no known network".to_owned(),
        instead: Vec::new(),
        remedy: None,
    });
    if misfit.reason == Reason::Shapes {
        let fits =
            |name: &&str| networks::get(name).is_some_and(|n| candidate(place, dialect, &n, Widths::Any).is_ok());
        misfit.instead = networks::ALL.iter().map(|entry| entry.name).filter(fits).map(str::to_owned).collect();
    }
    Err(misfit)
}

/// The place as `network`.
fn candidate(
    place: &Place<'_>,
    dialect: &'static Dialect,
    network: &Network,
    widths: Widths,
) -> Result<Candidate, Misfit> {
    let misfit =
        |reason, message| Misfit { network: network.name.clone(), reason, message, instead: Vec::new(), remedy: None };
    let spelling = Spelling::new(place, dialect, network);
    let spelled = |parameter: &str| spelled(spelling, parameter);
    let (asked, missing) = present_part(spelling, network, widths).map_err(|m| misfit(Reason::Names, m))?;

    let (mut plan, mut tensors) = (Vec::new(), BTreeMap::new());
    for parameter in asked.parameters().map_err(|error| misfit(Reason::Shapes, error.to_string()))? {
        let (resolved, tensor) = resolve(spelling, &parameter.name)
            .unwrap_or_else(|| Err(format!("`{}` is missing", spelled(&parameter.name))))
            .map_err(|message| misfit(Reason::Shapes, message))?;
        tensors.insert(parameter.name.clone(), tensor);
        plan.push((parameter.name, resolved));
    }
    let fitted = fit(&asked, &tensors, widths, spelled).map_err(|message| misfit(Reason::Shapes, message))?;
    let confirmed = topology::compare(place, &fitted.network, &modules(spelling, &plan)).map_err(|contradiction| {
        Misfit { remedy: contradiction.remedy, ..misfit(Reason::Modules, contradiction.message) }
    })?;
    let notes = fitted.notes.into_iter().chain(confirmed.notes).collect();
    let order_seen = confirmed.order;
    let guesses = spelling.guess(&asked).into_iter().chain(confirmed.guesses).collect();
    Ok(Candidate { network: fitted.network, plan, tensors, missing, guesses, notes, order_seen })
}

/// The network as far as the place has its parameters: all of it, or all but the classifier, whose parameters come with it.
///
/// Errs with what is missing where that is neither.
fn present_part(
    spelling: Spelling<'_, '_>,
    network: &Network,
    widths: Widths,
) -> Result<(Network, Vec<String>), String> {
    let place = spelling.place;
    let parameters = |network: &Network| -> Result<Vec<String>, String> {
        Ok(network.parameters().map_err(|error| error.to_string())?.into_iter().map(|p| p.name).collect())
    };
    let there = |name: &String| {
        spelling.origin(name).is_some_and(|origin| origin.sources.iter().all(|source| place.get(source).is_some()))
    };
    let named = |name: &String| {
        let origin = spelling.origin(name);
        there(name) || origin.is_some_and(|o| o.sources.iter().any(|source| place.unreadable(source).is_some()))
    };
    let features = network.clone().features_only();
    let needed = parameters(&features)?;
    let absent: Vec<&String> = needed.iter().filter(|name| !there(name)).collect();
    if let Some((first, rest)) = absent.split_first() {
        let more = if rest.is_empty() { String::new() } else { format!(", and {} more", rest.len()) };
        return Err(why_absent(spelling, first) + &more);
    }
    let classifier: Vec<String> = parameters(network)?.into_iter().filter(|name| !needed.contains(name)).collect();
    match classifier.iter().find(|name| !there(name)) {
        None => Ok((network.clone(), Vec::new())),
        Some(_) if !classifier.iter().any(named) && widths != Widths::Fixed => Ok((features, classifier)),
        Some(absent) => {
            let known: BTreeSet<String> = needed
                .iter()
                .chain(&classifier)
                .filter_map(|name| spelling.origin(name))
                .flat_map(|origin| origin.sources)
                .collect();
            let strange = place
                .inside()
                .filter(|(_, source)| known.iter().all(|k| place.get(k).is_none_or(|s| s.name != source.name)));
            let strange: Vec<_> = strange.map(|(_, source)| (source.name, source.tensor)).collect();
            let instead = match strange.is_empty() {
                true => String::new(),
                false => format!("; instead there are {}", super::refusal::listed(strange.into_iter())),
            };
            Err(format!("of its classifier {}{instead}", why_absent(spelling, absent)))
        }
    }
}

/// That a parameter is missing, or why it can't be read.
fn why_absent(spelling: Spelling<'_, '_>, parameter: &str) -> String {
    let sources = spelling.origin(parameter).map(|origin| origin.sources).unwrap_or_default();
    match sources.iter().find_map(|source| spelling.place.unreadable(source)) {
        Some(unreadable) => format!("`{}` can't be read: {}", unreadable.name.escape_debug(), unreadable.reason),
        None => format!("`{}` is missing", spelled(spelling, parameter)),
    }
}

/// A parameter's sources; `None` where the dialect has none, or not all are there.
fn resolve(spelling: Spelling<'_, '_>, parameter: &str) -> Option<Result<(Resolved, Tensor), String>> {
    let Origin { sources, transform } = spelling.origin(parameter)?;
    let found: Vec<_> = sources.iter().map(|source| spelling.place.get(source)).collect::<Option<_>>()?;
    let dtype = found.first()?.tensor.dtype();
    let tensors: Vec<Tensor> = found.iter().map(|source| source.tensor.clone()).collect();
    let sources: Vec<String> = found.iter().map(|source| source.name.to_owned()).collect();
    Some(match transform.apply(&tensors) {
        Ok(tensor) => Ok((Resolved { sources, transform, dtype }, tensor)),
        Err(error) => Err(format!("`{parameter}` from `{}`: {error}", sources.join("`, `"))),
    })
}

/// A parameter's name as the file has it, or would have.
fn spelled(spelling: Spelling<'_, '_>, parameter: &str) -> String {
    let Some(origin) = spelling.origin(parameter) else { return parameter.to_owned() };
    let names =
        origin.sources.iter().map(|source| spelling.place.get(source).map_or(source.as_str(), |found| found.name));
    names.map(|name| name.escape_debug().to_string()).collect::<Vec<_>>().join("`, `")
}

/// The module of each layer, by where its weight lies.
fn modules(spelling: Spelling<'_, '_>, plan: &[(String, Resolved)]) -> BTreeMap<String, String> {
    let module = |parameter: &str| {
        let layer = parameter.strip_suffix(".weight")?;
        match &spelling.origin(parameter)?.sources[..] {
            [source] => Some((layer.to_owned(), source.strip_suffix(".weight")?.to_owned())),
            _ => None,
        }
    };
    plan.iter().filter_map(|(parameter, _)| module(parameter)).collect()
}
