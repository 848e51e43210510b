//! What the timed processes of `benches/run` have in common: their arguments, the images that they get, the check of what they
//! make of them, and the protocol.
//!
//! A process prints `READY load=SECONDS diff=LARGEST` when its first logits are there, held against those that PyTorch gave,
//! or `ERR why`. Then it answers lines: `go N` runs N forward passes and prints `T` and the seconds of each; `rss` prints `RSS`
//! and the most memory that the process has had, in MB.

use anyhow::{Context, Result, ensure};
use clap::Args;
use std::fs;
use std::io::{BufRead, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What every engine is asked to compute.
#[derive(Args)]
pub struct Job {
    /// The network's file, as this engine reads it.
    pub model: PathBuf,
    /// Images as the network takes them, f32, NCHW, nothing else in the file.
    #[arg(long)]
    pub input: PathBuf,
    /// Their logits by PyTorch, f32.
    #[arg(long)]
    pub expected: PathBuf,
    /// Height and width of an image.
    #[arg(long)]
    pub size: usize,
    /// Images in a batch; those of the file are taken again and again.
    #[arg(long)]
    pub batch: usize,
    /// Threads, where the engine isn't told by its environment.
    #[arg(long)]
    pub threads: usize,
}

impl Job {
    /// `[batch, 3, size, size]`.
    pub fn shape(&self) -> [usize; 4] {
        [self.batch, 3, self.size, self.size]
    }

    /// The batch's pixels, in order of [`Job::shape`].
    pub fn images(&self) -> Result<Vec<f32>> {
        self.cycle(&self.input, 3 * self.size * self.size)
    }

    /// The first `batch` records of a file of records of `length`, which starts anew at its end.
    fn cycle(&self, path: &Path, length: usize) -> Result<Vec<f32>> {
        let bytes = fs::read(path).with_context(|| path.display().to_string())?;
        let (values, rest) = bytes.as_chunks::<4>();
        let values: Vec<f32> = values.iter().map(|value| f32::from_le_bytes(*value)).collect();
        let whole = rest.is_empty() && !values.is_empty() && values.len().is_multiple_of(length);
        ensure!(whole, "{}: not a number of records of {length} f32", path.display());
        Ok(values.chunks_exact(length).cycle().take(self.batch).flatten().copied().collect())
    }

    /// The largest difference of `logits` from the expected ones.
    fn difference(&self, logits: &[f32]) -> Result<f32> {
        ensure!(!logits.is_empty() && logits.len().is_multiple_of(self.batch), "{} logits", logits.len());
        let expected = self.cycle(&self.expected, logits.len() / self.batch)?;
        let differences = logits.iter().zip(&expected).map(|(a, b)| (a - b).abs());
        // Unlike `max`, this lets a NaN through.
        Ok(differences.fold(0., |worst, difference| if difference <= worst { worst } else { difference }))
    }
}

/// A loaded network with its input.
pub trait Engine {
    /// What a forward pass gives, before anybody looks at it.
    type Output;

    /// What is timed.
    fn forward(&mut self) -> Result<Self::Output>;

    /// The logits in that.
    fn logits(output: Self::Output) -> Result<Vec<f32>>;
}

/// Loads an engine and answers standard input until it ends.
pub fn serve<E: Engine>(job: &Job, load: impl FnOnce(Vec<f32>) -> Result<E>) -> Result<()> {
    let started = || {
        let images = job.images()?;
        let start = Instant::now();
        let mut engine = load(images)?;
        let output = engine.forward()?;
        let seconds = start.elapsed().as_secs_f64();
        Ok::<_, anyhow::Error>((engine, seconds, job.difference(&E::logits(output)?)?))
    };
    match started() {
        Ok((mut engine, seconds, difference)) => {
            say(&format!("READY load={seconds:.4} diff={difference:.3e}"))?;
            answer(&mut || engine.forward().map(drop))
        }
        Err(error) => say(&format!("ERR {error:#}").replace('\n', " ")),
    }
}

/// Answers standard input until it ends, where `forward` is what is timed.
pub fn answer(forward: &mut dyn FnMut() -> Result<()>) -> Result<()> {
    for line in stdin().lock().lines() {
        match line?.split_once(' ').map_or(("rss", ""), |pair| pair) {
            ("go", count) => {
                let mut seconds = String::from("T");
                for _ in 0..count.parse::<usize>()? {
                    let start = Instant::now();
                    forward()?;
                    seconds += &format!(" {:.7}", start.elapsed().as_secs_f64());
                }
                say(&seconds)?;
            }
            _ => say(&format!("RSS {:.1}", peak_memory()?))?,
        }
    }
    Ok(())
}

/// A line to whoever started this process.
pub fn say(line: &str) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// The most memory that this process has had, in MB. Linux alone tells.
fn peak_memory() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM in /proc/self/status")?;
    Ok(peak.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.)
}
