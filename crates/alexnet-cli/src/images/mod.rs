//! Two networks over tens of thousands of images: how often they agree, and where they agree least.
//!
//! Memory is bounded by the batch, not by the folder: of each image only its path is kept. With a journal the run can be
//! stopped at any time, and the same command goes on from there.

mod journal;
mod pipeline;
mod record;
mod spread;
mod summary;
mod text;
mod thumbnail;
mod walk;

use crate::array::Array;
use crate::compare::{Metrics, Tolerance};
use crate::console::Console;
use crate::inputs::Contract;
use crate::runtimes::{self, Runtime};
use alexnet::preprocess::Preprocessor;
use alexnet_spec::Labels;
use anyhow::{Context, Result, ensure};
use journal::Journal;
use pipeline::{Batch, prepare};
use record::{Outcome, Record, State};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Instant;
use summary::{About, Pace, Tally};

pub use summary::{Class, Image, Summary};
pub use text::render;
pub use thumbnail::thumbnail;
pub use walk::Listing;

/// What files of images are called.
pub const EXTENSIONS: [&str; 3] = ["jpg", "jpeg", "png"];

/// How many images are run at a time where the user doesn't say.
pub const BATCH: usize = 8;

/// What to compare over which images.
pub struct Job<'a> {
    /// The images.
    pub listing: Listing,
    /// Where what is done is written down.
    pub journal: Option<&'a Path>,
    /// How many images are run at a time.
    pub batch: usize,
    /// What the inputs look like.
    pub contract: &'a Contract,
    /// Where in the checkpoints the weights are, where the user said so.
    pub key: Option<&'a str>,
    /// The reference.
    pub reference: Side<'a>,
    /// What is held against it.
    pub other: Side<'a>,
    /// What the logits are held to.
    pub tolerance: Tolerance,
    /// For progress.
    pub console: Console,
}

/// One of the two.
pub struct Side<'a> {
    /// Its name in reports.
    pub name: String,
    /// What tells its file from any other.
    pub identity: String,
    /// What runs it.
    pub runtime: &'a mut dyn Runtime,
}

/// Runs both sides on every image.
///
/// Errs where there are no images, the journal is another run's, a network doesn't compute, or the comparison could not have
/// failed. An image that can't be read is no error here: the summary counts it.
pub fn run(job: Job<'_>) -> Result<Summary> {
    let network = job.contract.network.as_ref();
    let preprocessing =
        job.contract.preprocessing.as_ref().context(
            "--images: an image can't become an input: the graph doesn't say how it was trained; try --network",
        )?;
    let preprocessor = Preprocessor::of(preprocessing, &job.contract.input)?;
    let batches = Batches::new(job.listing.paths.len(), job.batch);
    let mut tally = Tally::default();
    let (mut journal, done) = match job.journal {
        Some(path) => {
            let (journal, done) = resume(path, &job, &batches, &mut tally)?;
            (Some(journal), done)
        }
        None => (None, vec![false; batches.count()]),
    };
    let resumed = tally.count();
    let Job { reference, other, tolerance, console, contract, ref listing, .. } = job;
    let input = &contract.input;
    let shape = [batches.size, input.channels, input.height, input.width];
    let total = batches.images as u64;
    let bar = console.count(total, "images");
    bar.set_position(resumed);
    bar.reset_eta();
    let started = Instant::now();
    std::thread::scope(|scope| {
        let open = done.iter().enumerate().filter(|(_, done)| !**done);
        let ranges = open.map(|(batch, _)| (batch, batches.range(batch)));
        for batch in prepare(scope, listing, &preprocessor, ranges) {
            let number = batch.number;
            let records = compare(batch, &shape, reference.runtime, other.runtime, tolerance, listing)?;
            bar.inc(records.len() as u64);
            if let Some(journal) = &mut journal {
                journal.append(number, records.clone())?;
            }
            records.into_iter().for_each(|record| tally.add(record));
        }
        anyhow::Ok(())
    })?;
    bar.finish_and_clear();
    if let Some(journal) = &mut journal {
        journal.sync()?;
    }
    ensure!(tally.count() == total, "{} of {total} images were run", tally.count());
    ensure!(
        !tally.is_constant(),
        "{}: its logits are the same for all images: agreement would prove nothing",
        reference.name
    );
    let (seconds, images) = (started.elapsed().as_secs_f64(), total - resumed);
    let about = About {
        folder: listing.root.clone(),
        runtime: other.name,
        reference: reference.name,
        images: total,
        other_files: listing.others,
        rtol: tolerance.rtol,
        run: Pace { resumed, images, seconds, rate: images as f64 / seconds.max(1e-9) },
    };
    Ok(tally.summary(about, network.map_or(&Labels::Unknown, |network| &network.labels)))
}

/// The images in batches of one size, which some runtimes prepare themselves for; the last has what is left.
struct Batches {
    images: usize,
    size: usize,
}

impl Batches {
    fn new(images: usize, size: usize) -> Batches {
        Batches { images, size: size.clamp(1, images.max(1)) }
    }

    fn count(&self) -> usize {
        self.images.div_ceil(self.size)
    }

    fn range(&self, batch: usize) -> std::ops::Range<usize> {
        batch * self.size..(batch * self.size + self.size).min(self.images)
    }
}

/// Opens the journal, adds what it knows to `tally`, and tells which batches are done.
fn resume(path: &Path, job: &Job<'_>, batches: &Batches, tally: &mut Tally) -> Result<(Journal, Vec<bool>)> {
    let Listing { root, paths, .. } = &job.listing;
    let stands = |batch: usize, records: &[Record]| {
        let (range, mut own) = (batches.range(batch), records.iter());
        let unchanged = |index: usize| {
            let path = paths.get(index).map(|path| root.join(path));
            own.next().zip(path).is_some_and(|(record, path)| record.index == index && record.state == State::of(&path))
        };
        records.len() == range.len() && range.into_iter().all(unchanged)
    };
    let run = identity(job, batches.size)?;
    let (journal, done) = Journal::open(path, &run, batches.count(), stands, |record| tally.add(record))?;
    let name = path.display();
    match tally.count() {
        0 => {
            job.console.say(format_args!("journal   {name}: stopped at any time, the same command goes on from there"))
        }
        count => {
            job.console.say(format_args!("journal   {name}: {count} of {} images are done already", batches.images))
        }
    }
    Ok((journal, done))
}

/// What makes two runs the same: files, runtimes, how images become inputs and batches, what is allowed, which images.
fn identity(job: &Job<'_>, batch: usize) -> Result<Value> {
    let network = serde_json::to_vec(&(&job.contract.preprocessing, &job.contract.network))?;
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "a": job.reference.identity,
        "b": job.other.identity,
        "key": job.key,
        "runtimes": [job.reference.name, job.other.name],
        "network": alexnet_formats::Source::from_bytes("network", network).sha256(),
        "tolerance": job.tolerance,
        "batch": batch,
        "images": job.listing.paths.len(),
        "paths": job.listing.sha256(),
    }))
}

/// Runs both sides on a batch. Where an image couldn't be read, zeros keep its place: the others' results don't depend on it.
fn compare(
    batch: Batch,
    shape: &[usize; 4],
    reference: &mut dyn Runtime,
    other: &mut dyn Runtime,
    tolerance: Tolerance,
    listing: &Listing,
) -> Result<Vec<Record>> {
    let elements: usize = shape.iter().skip(1).product();
    let mut data = Vec::with_capacity(elements * shape[0]);
    for image in &batch.images {
        match &image.values {
            Ok(values) => data.extend_from_slice(values),
            Err(_) => data.resize(data.len() + elements, 0.0),
        }
    }
    data.resize(elements * shape[0], 0.0);
    let input = Array::new(shape.to_vec(), data)?;
    let readable = batch.images.iter().any(|image| image.values.is_ok());
    let rows = readable.then(|| rows(&input, reference, other, tolerance)).transpose()?;
    let records = batch.images.into_iter().enumerate().map(|(place, image)| {
        let path = listing.paths.get(image.index).map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
        let outcome = match (image.values, rows.as_ref().and_then(|rows| rows.get(place))) {
            (Ok(_), Some(outcome)) => outcome.clone(),
            (Ok(_), None) => Outcome::Unverified("no logits came back for it".into()),
            (Err(why), _) => Outcome::Unverified(why),
        };
        Record { index: image.index, path, state: image.state, outcome }
    });
    Ok(records.collect())
}

/// What both sides make of every image of a batch.
fn rows(
    input: &Array,
    reference: &mut dyn Runtime,
    other: &mut dyn Runtime,
    tolerance: Tolerance,
) -> Result<Vec<Outcome>> {
    let logits = |runtime: &mut dyn Runtime| -> Result<Array> {
        let mut values = runtimes::values(runtime, input, &[]).with_context(|| runtime.name())?;
        values.remove("logits").context("a runtime without logits")
    };
    let (a, b) = (logits(reference)?, logits(other)?);
    let examples = Metrics::of_examples(&a, &b, tolerance).map_err(|why| anyhow::anyhow!("logits: {why}"))?;
    let size = a.data.len() / examples.len().max(1);
    let pairs = a.data.chunks(size.max(1)).zip(b.data.chunks(size.max(1)));
    Ok(pairs.zip(&examples).map(|((a, b), example)| Outcome::of(a, b, example)).collect())
}
