//! From a checkpoint to a network and its weights: finds the state dict, who wrote it and which network it is, and says what
//! it did. What can't be told is an error that names the option that tells it.

mod assemble;
mod attempt;
mod choose;
mod disguise;
mod families;
mod fit;
mod mapped;
mod place;
mod refusal;
mod rgb;
mod spelling;
mod topology;

use crate::dialects::Dialect;
use crate::inspect::Reading;
use crate::report::{Report, Unused, Used};
use crate::{Checkpoint, Error, Map, MeanFile, Published, Result, mean};
use alexnet_spec::{ChannelOrder, Network, Weights, networks};
use attempt::{Candidate, Told};
use place::Names;

pub(crate) use place::Place;

/// What the user has settled beforehand.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Which network it is; its widths and class count are taken from the weights. `None`: what the file says or shows.
    pub network: Option<Network>,
    /// The dotted path of the state dict in the file, with a prefix of the tensors' names where needed. `None`: the only one.
    pub key: Option<String>,
    /// Turns a network that takes BGR into one that takes RGB, by reversing the first convolution's input channels.
    pub rgb: bool,
    /// The mean of the training images, where it lies in a file of its own.
    pub mean: Option<MeanFile>,
    /// The published file that the checkpoint is, as [`Published::recognise`] finds it: it settles the network where neither
    /// the user nor the file says it.
    pub published: Option<Published>,
    /// Which tensor each parameter is. A file that says by our metadata which network it is needs none, and has its own names.
    pub map: Option<Map>,
}

/// A checkpoint as a network of ours.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The network, with the file's widths and classes.
    pub network: Network,
    /// Its parameters: views of the file, wherever no transform needed a copy.
    pub weights: Weights,
    /// Who wrote the names.
    pub dialect: &'static str,
    /// What was used, left out and guessed.
    pub report: Report,
}

/// Makes a checkpoint a network with weights.
///
/// Errs where there is no AlexNet in it, saying what was seen and what came nearest; where there are several, or the network
/// can't be told, naming `--key` or `--network` and what they could be; and where the state dict holds tensors that belong
/// to no layer and aren't known training state.
pub fn import(checkpoint: &Checkpoint, options: &ImportOptions) -> Result<Imported> {
    let mapped = options.map.as_ref().filter(|_| !matches!(described(checkpoint), Ok(Some(_))));
    let mut imported = match &checkpoint.graph {
        _ if let Some(map) = mapped => mapped::import(checkpoint, map, options)?,
        Some(graph) => assemble::import(checkpoint, graph, options)?,
        None => import_by_names(checkpoint, options)?,
    };
    let published = options.published.as_ref().map(Published::note);
    imported.report.notes.splice(0..0, published.into_iter().chain(checkpoint.notes.iter().cloned()));
    if let Some(mean) = &options.mean {
        mean.apply(&mut imported.network)?;
        imported.report.notes.retain(|note| !note.contains(mean::ASKED_FOR));
        if mean.order.is_none() {
            let order = match imported.network.preprocessing.channel_order {
                ChannelOrder::Rgb => "RGB",
                ChannelOrder::Bgr => "BGR",
            };
            imported.report.notes.push(format!(
                "the mean's file doesn't say the order of its channels: taken as {order}, the network's"
            ));
        }
    }
    if options.rgb {
        rgb::fold(&mut imported)?;
    }
    Ok(imported)
}

/// Finds the state dict and whose names it has.
fn import_by_names(checkpoint: &Checkpoint, options: &ImportOptions) -> Result<Imported> {
    let described = described(checkpoint)?;
    let published = published(options);
    let told = Told::new(options, described.as_ref().or(published.as_ref()));
    let names: Vec<Names<'_>> = checkpoint.groups.iter().map(Names::new).collect();
    let scope = choose::scope(&names, options.key.as_deref())?;
    let attempts = attempt::all(&scope, told);
    let (place, dialect, candidate) = match choose::one(&attempts, options.key.as_deref())? {
        Some(chosen) => chosen,
        None => return Err(refusal::refuse(checkpoint, &scope, &attempts)),
    };
    let by_key = scope.iter().any(|(names, only)| only.is_some() && std::ptr::eq(names.group, place.group()));
    if options.key.is_none() {
        classifier_elsewhere(&names, place, dialect, candidate)?;
    }
    let unused = unused(place, candidate, by_key)?;

    let mut notes = candidate.notes.clone();
    if let (Some(insisted), Some(described)) = (&options.network, &described)
        && insisted.name != described.name
    {
        notes.push(format!("the file calls itself `{}`; --network says `{}`", described.name, insisted.name));
    }
    let report = Report {
        format: checkpoint.format.to_owned(),
        dialect: dialect.name.to_owned(),
        network: candidate.network.name.clone(),
        classes: candidate.network.class_count(),
        key: place.key(),
        stripped: place.stripped(),
        used: used(candidate),
        unused,
        missing: candidate.missing.clone(),
        converted: Vec::new(),
        guessed: candidate.guesses.clone(),
        notes,
    };
    let weights = Weights::new(&candidate.network, candidate.tensors.clone())?;
    Ok(Imported { network: candidate.network.clone(), weights, dialect: dialect.name, report })
}

/// Every place that was read in some dialect, and what it can be.
pub(crate) fn readings(checkpoint: &Checkpoint, options: &ImportOptions) -> Result<Vec<Reading>> {
    if checkpoint.graph.is_some() {
        return Ok(Vec::new());
    }
    let described = described(checkpoint)?;
    let names: Vec<Names<'_>> = checkpoint.groups.iter().map(Names::new).collect();
    let scope = choose::scope(&names, options.key.as_deref())?;
    let published = published(options);
    let attempts = attempt::all(&scope, Told::new(options, described.as_ref().or(published.as_ref())));
    let reading = |attempt: &attempt::Attempt<'_>| Reading {
        key: attempt.place.key(),
        dialect: attempt.dialect.name,
        networks: attempt.outcome.iter().flatten().map(|candidate| candidate.network.name.clone()).collect(),
        misfit: attempt.outcome.as_ref().err().map(|misfit| misfit.message.clone()),
    };
    Ok(attempts.iter().map(reading).collect())
}

/// The network that a file's own metadata describe.
fn described(checkpoint: &Checkpoint) -> Result<Option<Network>> {
    match &checkpoint.metadata {
        Some(metadata) => Ok(metadata.network()?),
        None => Ok(None),
    }
}

/// The network of the published file that the checkpoint is.
fn published(options: &ImportOptions) -> Option<Network> {
    networks::get(options.published.as_ref()?.network?)
}

fn used(candidate: &Candidate) -> Vec<Used> {
    let used = |(parameter, origin): &(String, attempt::Resolved)| {
        let tensor = candidate.tensors.get(parameter)?;
        Some(Used {
            parameter: parameter.clone(),
            sources: origin.sources.clone(),
            transform: origin.transform.clone(),
            shape: tensor.shape().to_vec(),
            dtype: origin.dtype,
        })
    };
    candidate.plan.iter().filter_map(used).collect()
}

/// Refuses to take features alone where the classifier lies in another dictionary: `{"backbone": ..., "head": ...}`.
fn classifier_elsewhere(
    names: &[Names<'_>],
    place: &Place<'_>,
    dialect: &Dialect,
    candidate: &Candidate,
) -> Result<()> {
    let origins = candidate.missing.iter().filter_map(|parameter| (dialect.origin)(parameter));
    let missing: Vec<String> = origins.flat_map(|origin| origin.sources).collect();
    let holds = |names: &&Names<'_>| {
        let is_missing = |name: &str| missing.iter().any(|m| name.strip_suffix(m.as_str()).is_some_and(is_prefix));
        !std::ptr::eq(names.group, place.group()) && names.iter().any(|(name, _)| is_missing(name))
    };
    let Some(other) = names.iter().find(holds) else { return Ok(()) };
    let (features, other) = (place.key(), other.group.key.escape_debug());
    let features = features.escape_debug();
    Err(Error::refused(format!(
        "`{features}` holds the features alone, and their classifier seems to lie in `{other}`"
    ))
    .with_remedy(format!("saving both as one dictionary, or --key '{features}' for the features alone")))
}

/// Whether `head` can stand before a name: nothing, or a dotted path.
fn is_prefix(head: &str) -> bool {
    head.is_empty() || head.ends_with(['.', '/'])
}

/// Tensors that no inference needs, by the end of their names.
const TRAINING_STATE: [(&str, &str); 11] = [
    ("num_batches_tracked", "a counter of batch norm"),
    ("n_averaged", "a counter of weight averaging"),
    ("num_updates", "a counter of weight averaging"),
    ("decay", "a constant of weight averaging"),
    ("global_step", "TensorFlow's count of training steps"),
    ("save_counter", "TensorFlow's count of checkpoints"),
    ("beta1_power", "a state of Adam"),
    ("beta2_power", "a state of Adam"),
    ("lr", "the learning rate"),
    ("learning_rate", "the learning rate"),
    ("model_iter", "a counter of Caffe2's training"),
];

/// What Caffe2 puts after a weight's name for its momentum.
const MOMENTUM: &str = "_momentum";

/// The tensors of the state dict that the candidate doesn't use, where each is known to be no weight. A `--key` that names a
/// prefix takes what lies below it, and leaves the rest alone.
fn unused(place: &Place<'_>, candidate: &Candidate, by_key: bool) -> Result<Vec<Unused>> {
    let (mut known, mut strange) = (Vec::new(), Vec::new());
    let names = &place.group().tensors;
    let inside: std::collections::BTreeSet<&str> = place.inside().map(|(_, source)| source.name).collect();
    let used: std::collections::BTreeSet<&str> =
        candidate.plan.iter().flat_map(|(_, origin)| &origin.sources).map(String::as_str).collect();
    for (name, tensor) in names.iter().filter(|(name, _)| !used.contains(name.as_str())) {
        let last = name.rsplit(['.', '/']).next().unwrap_or(name);
        let state = TRAINING_STATE.iter().find(|(end, _)| *end == last).map(|(_, why)| (*why).to_owned());
        let momentum = || used.contains(name.strip_suffix(MOMENTUM)?).then(|| "a weight's momentum".to_owned());
        // A whole number for all of the network, as an epoch or an iteration is: no layer has one.
        let count = || (tensor.shape().is_empty() && !tensor.dtype().is_float()).then(|| "a count".to_owned());
        let twin = || candidate.tensors.iter().find(|(_, used)| used.same_view(tensor));
        let elsewhere = || (by_key && !inside.contains(name.as_str())).then(|| "not below --key".to_owned());
        match state
            .or_else(momentum)
            .or_else(count)
            .or_else(elsewhere)
            .or_else(|| twin().map(|(parameter, _)| format!("the same tensor as {parameter}")))
        {
            Some(why) => known.push(Unused { name: name.clone(), why }),
            None => strange.push((name.as_str(), tensor)),
        }
    }
    if strange.is_empty() {
        return Ok(known);
    }
    let network = &candidate.network.name;
    let outside = strange.iter().all(|(name, _)| !inside.contains(name)) && !place.key().is_empty();
    let disguise = disguise::recognise(place.names());
    let advice = if let Some((_, remedy, _)) = disguise {
        remedy.to_owned()
    } else if outside {
        format!("--key {} to take what is below it alone", place.key().escape_debug())
    } else if candidate.missing.is_empty() {
        "--network with the network that has them, or take them out of the checkpoint".to_owned()
    } else {
        "to take the foreign classifier out of the checkpoint: the features alone can be converted".to_owned()
    };
    let shows = disguise.map(|(what, _, name)| format!("; `{}` shows {what}", name.escape_debug())).unwrap_or_default();
    Err(Error::refused(format!(
        "network `{network}` has no layer for {} of the tensors: {}{shows}",
        strange.len(),
        refusal::listed(strange.into_iter()),
    ))
    .with_remedy(advice))
}
