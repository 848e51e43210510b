use crate::array::Array;
use crate::compare::{Device, Place, Precision, Tolerance, Tolerances};
use crate::console::Console;
use crate::inputs::Fixture;
use crate::runtimes::{self, Kind, Runtime, Spec, Unavailable, is_unsupported};
use crate::subject::Subject;
use alexnet_spec::{DType, Network};
use anyhow::{Context, Result, bail};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What to compare, on what, and how strictly.
#[derive(Clone, Copy)]
pub(crate) struct Check<'a> {
    /// The reference.
    pub a: &'a Subject,
    /// What is held against it; where there is nothing, the reference's runtimes are compared with each other.
    pub b: Option<&'a Subject>,
    /// The network that names the layers, where one is known.
    pub network: Option<&'a Network>,
    /// The inputs.
    pub fixtures: &'a [Fixture],
    /// The runtimes that the user named; whatever is at hand where it is empty.
    pub runtimes: &'a [Spec],
    /// Where the candle model runs.
    pub device: &'a candle_core::Device,
    /// The user's tolerances.
    pub tolerances: &'a Tolerances,
    /// How many inputs are run at a time.
    pub batch: usize,
    /// Whether to run several inputs as one batch besides, which must change nothing.
    pub batches: bool,
    /// Whether to take times, of coarser numbers against those of f32 too. Without, two runtimes run at a time, and how long
    /// each of them takes means nothing.
    pub speed: bool,
    /// Whether to walk the layers even where the logits agree.
    pub layers: bool,
    /// For progress.
    pub console: Console,
}

impl<'a> Check<'a> {
    /// What is to be run, side by side, the reference first.
    ///
    /// Each side runs on those of the named runtimes that take its own form; a side without any on what is usual for its
    /// form. A named runtime that takes the form of neither side runs both in the other form, so that none is left out.
    pub(super) fn launchers(&self) -> Vec<Launcher<'a>> {
        let sides: Vec<(&'static str, &'a Subject)> =
            [Some(("A", self.a)), self.b.map(|b| ("B", b))].into_iter().flatten().collect();
        let named: Vec<&Spec> = self.runtimes.iter().filter(|spec| spec.kind != Kind::Golden).collect();
        let native = |spec: &Spec, subject: &Subject| spec.kind.runs_graphs() == subject.is_graph();
        let foreign = |spec: &Spec| sides.iter().all(|(_, subject)| !native(spec, subject));
        let mut launchers = Vec::new();
        for (side, subject) in &sides {
            let launcher = |spec: Spec, asked: bool| Launcher { side, subject, spec, asked };
            let own = named.iter().filter(|spec| native(spec, subject) || foreign(spec));
            let own: Vec<_> = own.map(|spec| launcher((*spec).clone(), true)).collect();
            launchers.extend(match own.is_empty() {
                false => own,
                true if subject.is_graph() => {
                    runtimes::DEFAULT.iter().map(|kind| launcher(Spec::of(*kind), false)).collect()
                }
                true => vec![launcher(Spec::of(Kind::Candle), true)],
            });
        }
        launchers
    }

    /// Opens a runtime.
    pub(crate) fn open(&self, launcher: &Launcher<'a>) -> Result<Box<dyn Runtime>> {
        let Launcher { subject, spec, asked, .. } = launcher;
        runtimes::open(spec, subject, self.network, self.device, *asked)
    }
}

/// A runtime that isn't open yet: only one or two are at a time, since each holds its own copy of the weights.
#[derive(Clone)]
pub(crate) struct Launcher<'a> {
    /// `A` or `B`.
    pub side: &'static str,
    /// What it runs.
    pub subject: &'a Subject,
    /// On what.
    pub spec: Spec,
    /// Whether it was named, or is the only one that there is.
    pub asked: bool,
}

/// A runtime with the side it stands for, and what it gave for every input.
pub(crate) struct Run<'a> {
    /// `A` or `B` and the runtime's name.
    pub name: String,
    /// What opens it again.
    pub launcher: Launcher<'a>,
    /// The coarsest type of its activations.
    pub arithmetic: DType,
    /// The coarsest type of its weights.
    pub stored: DType,
    reorders_sums: bool,
    on_gpu: bool,
    /// For each input.
    pub logits: Vec<Array>,
    /// For each input, the logits as [`Runtime::at_once`] has them; empty for what computes nothing at once.
    pub at_once: Vec<Array>,
    /// Empty for what has no softmax.
    pub probabilities: Vec<Array>,
    /// The logits of the first inputs, run as one batch, or why they don't come; none where no batch was run.
    pub batched: Option<Result<Array, String>>,
    /// The same batch, at once.
    pub batched_at_once: Option<Array>,
    /// The median time that one input took.
    pub milliseconds: Option<f64>,
    /// Why it doesn't run; there are no outputs then.
    pub failed: Option<anyhow::Error>,
}

/// How many inputs the one batch has that is run besides.
pub(super) const TOGETHER: usize = 2;

impl<'a> Run<'a> {
    /// The tolerance between this run and a reference: that of the coarser arithmetic, and of the coarser weights where
    /// they aren't `exact`ly the same. Half-precision weights in single precision on both sides are no excuse.
    pub fn tolerance(&self, reference: &Run<'_>, exact: bool) -> Tolerance {
        self.tolerance_of(reference, exact, None)
    }

    /// As [`Run::tolerance`], for a layer of kind `alone` that has the same input on both sides.
    pub fn tolerance_of(&self, reference: &Run<'_>, exact: bool, alone: Option<&str>) -> Tolerance {
        let stored = [self.stored, reference.stored].into_iter().filter(|_| !exact);
        let arithmetic = [self.arithmetic, reference.arithmetic].map(Precision::of_arithmetic);
        let precision = arithmetic.into_iter().chain(stored.map(Precision::of_stored)).max();
        Tolerance::default_for(&Place {
            precision: precision.unwrap_or(Precision::F32),
            device: if self.on_gpu || reference.on_gpu { Device::Gpu } else { Device::Cpu },
            layer: alone,
            reorders_sums: self.reorders_sums || reference.reorders_sums,
        })
    }

    /// The tolerance against what another program recorded, whose weights are not known.
    pub fn recorded_tolerance(&self) -> Tolerance {
        self.tolerance(self, false)
    }

    /// Whether weights or activations are integers.
    pub fn is_integer(&self) -> bool {
        self.stored == DType::I8 || self.arithmetic == DType::U8
    }

    /// Opens the runtime and runs every input. A network that doesn't compute is no error here.
    ///
    /// Errs where the runtime isn't at hand, or lacks what the network needs.
    fn new(launcher: Launcher<'a>, what: &Check<'a>) -> Result<Run<'a>> {
        let mut runtime = what.open(&launcher)?;
        let mut run = Run {
            name: format!("{}: {}", launcher.side, runtime.name()),
            launcher,
            arithmetic: runtime.arithmetic(),
            stored: runtime.stored(),
            reorders_sums: runtime.reorders_sums(),
            on_gpu: runtime.on_gpu(),
            logits: Vec::new(),
            at_once: Vec::new(),
            probabilities: Vec::new(),
            batched: None,
            batched_at_once: None,
            milliseconds: None,
            failed: None,
        };
        match run.all(runtime.as_mut(), what) {
            Err(error) if !is_unsupported(&error) => run.failed = Some(error),
            result => result?,
        }
        Ok(run)
    }

    fn all(&mut self, runtime: &mut dyn Runtime, what: &Check<'_>) -> Result<()> {
        let mut times = Vec::new();
        for some in what.fixtures.chunks(what.batch.max(1)) {
            let place = || format!("{} on `{}`", self.name, some.first().map_or("", |f| f.name.as_str()));
            let input = Array::stack(some.iter().map(|fixture| &fixture.input))?;
            let started = Instant::now();
            let mut values = runtimes::values(runtime, &input, &[]).with_context(place)?;
            times.push(started.elapsed().as_secs_f64() * 1e3 / some.len() as f64);
            let logits = values.remove("logits").context("a runtime without logits")?;
            let probabilities = values.remove("probabilities");
            let at_once = runtime.at_once(&input).with_context(place)?;
            for index in 0..some.len() {
                self.logits.push(logits.example(index).with_context(place)?);
                self.at_once.extend(at_once.as_ref().map(|logits| logits.example(index)).transpose()?);
                self.probabilities.extend(probabilities.as_ref().map(|p| p.example(index)).transpose()?);
            }
        }
        // The first run also sets up; where there are others, it says little of the network.
        let skipped = usize::from(times.len() > 1);
        let settled = times.get_mut(skipped..).unwrap_or_default();
        settled.sort_by(f64::total_cmp);
        self.milliseconds = settled.get(settled.len() / 2).copied();
        if what.batches && what.batch == 1 && what.fixtures.len() >= TOGETHER {
            let input = Array::stack(what.fixtures.iter().take(TOGETHER).map(|fixture| &fixture.input))?;
            self.batched = match runtimes::values(runtime, &input, &[]) {
                Ok(mut values) => values.remove("logits").map(Ok),
                Err(error) => Some(Err(format!("it can't be computed there: {error:#}"))),
            };
            self.batched_at_once = runtime.at_once(&input)?;
        }
        Ok(())
    }
}

/// Everything that ran, and what could not.
pub(super) struct Runs<'a> {
    pub runs: Vec<Run<'a>>,
    pub unavailable: Vec<Unavailable>,
}

/// Runs both sides on everything that can run them, on every input.
///
/// Errs where a runtime that was asked for isn't at hand, and where nothing can run a side.
pub(super) fn run_all<'a>(what: &Check<'a>) -> Result<Runs<'a>> {
    let mut all = Runs { runs: Vec::new(), unavailable: Vec::new() };
    let launchers = what.launchers();
    let runs: Vec<_> = match what.speed {
        true => launchers.iter().map(|launcher| Run::new(launcher.clone(), what)).collect(),
        false => side_by_side(&launchers, what),
    };
    for (launcher, run) in launchers.iter().zip(runs) {
        let (path, runtime) = (launcher.subject.path(), launcher.spec.to_string());
        match run {
            Ok(run) if all.runs.iter().any(|other| other.name == run.name) => {
                bail!("--runtime {runtime}: it is named twice, and would agree with itself")
            }
            Ok(run) => all.runs.push(run),
            Err(error) if launcher.asked => {
                return Err(error.context(format!("{path}: runtime {runtime} can't run it")));
            }
            Err(error) => {
                let why = format!("{error:#}");
                what.console.detail(format_args!("{path}: {runtime} is not used: {why}"));
                set_aside(&mut all.unavailable, Unavailable { runtime, why });
            }
        }
    }
    for side in launchers.iter().map(|launcher| launcher.side) {
        let of_side = |launcher: &Launcher<'_>| launcher.side == side;
        // Where one runtime of several computes the graph, the graph computes: that another one fails is its own matter.
        let computes = |run: &Run<'_>| of_side(&run.launcher) && run.failed.is_none();
        if all.runs.iter().any(computes) {
            let fails = |run: &mut Run<'_>| of_side(&run.launcher) && run.failed.is_some();
            for mut run in all.runs.extract_if(.., fails) {
                let error = run.failed.take().context("a run that failed without an error")?;
                if run.launcher.asked {
                    return Err(error);
                }
                let runtime = run.launcher.spec.to_string();
                set_aside(&mut all.unavailable, Unavailable { runtime, why: format!("{error:#}") });
            }
        } else if !all.runs.iter().any(|run| of_side(&run.launcher)) {
            let path = launchers.iter().find(|launcher| of_side(launcher)).map_or("", |l| l.subject.path());
            let why: Vec<String> = all.unavailable.iter().map(|m| format!("{}: {}", m.runtime, m.why)).collect();
            bail!("{path}: nothing here can run it ({})", why.join("; "));
        }
    }
    Ok(all)
}

/// Runs two at a time: loading a network is work for one thread, and each loads its own copy of the weights. The last come
/// first, since ONNX Runtime takes longest.
fn side_by_side<'a>(launchers: &[Launcher<'a>], what: &Check<'a>) -> Vec<Result<Run<'a>>> {
    let waiting = Mutex::new(launchers.iter().enumerate().collect::<Vec<_>>());
    let done = Mutex::new(Vec::new());
    let work = || {
        let next = || unpoisoned(&waiting).pop();
        while let Some((index, launcher)) = next() {
            let run = Run::new(launcher.clone(), what).map(|run| Run { milliseconds: None, ..run });
            unpoisoned(&done).push((index, run));
        }
    };
    std::thread::scope(|scope| {
        // Where there is no second thread to be had, this one does it all.
        let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, run)| run).collect()
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn set_aside(unavailable: &mut Vec<Unavailable>, new: Unavailable) {
    if unavailable.iter().all(|known| (&known.runtime, &known.why) != (&new.runtime, &new.why)) {
        unavailable.push(new);
    }
}
