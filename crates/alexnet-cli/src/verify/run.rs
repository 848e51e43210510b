use crate::args::verify::RuntimeName;
use crate::array::Array;
use crate::compare::{Tolerance, Tolerances, coarsest};
use crate::console::Console;
use crate::inputs::Fixture;
use crate::runtimes::{Runtime, Unavailable};
use crate::subject::{Launcher, Subject};
use alexnet_spec::{DType, Network};
use anyhow::{Context, Result, anyhow, bail};
use candle_core::Device;

/// What to compare, on what, and how strictly.
pub(crate) struct Check<'a> {
    /// The reference.
    pub a: &'a Subject,
    /// What is held against it.
    pub b: &'a Subject,
    /// The network that names the layers, where one is known.
    pub network: Option<&'a Network>,
    /// The inputs.
    pub fixtures: &'a [Fixture],
    /// What runs ONNX graphs; whatever is at hand where it is empty.
    pub runtimes: &'a [RuntimeName],
    /// Where the candle model runs.
    pub device: &'a Device,
    /// The user's tolerances.
    pub tolerances: &'a Tolerances,
    /// Whether to walk the layers even where the logits agree.
    pub layers: bool,
    /// For progress.
    pub console: Console,
}

/// A runtime with the side it stands for, and the logits it gave for every input.
pub(super) struct Run<'a> {
    /// `A` or `B` and the runtime's name.
    pub name: String,
    launcher: Launcher<'a>,
    arithmetic: DType,
    stored: DType,
    reorders_sums: bool,
    pub logits: Vec<Array>,
    /// Empty for what has no softmax.
    pub probabilities: Vec<Array>,
}

impl Run<'_> {
    /// The tolerance between this run and a reference: that of the coarser arithmetic, and of the coarser weights where
    /// they aren't `exact`ly the same. Half-precision weights in single precision on both sides are no excuse.
    pub fn tolerance(&self, reference: &Run<'_>, exact: bool) -> Tolerance {
        let stored = [self.stored, reference.stored].into_iter().filter(|_| !exact);
        let dtype = coarsest([self.arithmetic, reference.arithmetic].into_iter().chain(stored));
        Tolerance::default_for(dtype, self.reorders_sums || reference.reorders_sums)
    }

    /// The tolerance against what another program recorded, whose weights are not known.
    pub fn recorded_tolerance(&self) -> Tolerance {
        self.tolerance(self, false)
    }

    /// Opens the runtime once more.
    pub fn reopen(&self) -> Result<Box<dyn Runtime>> {
        self.launcher.open()?.map_err(|gone| anyhow!("{}: {}", gone.runtime, gone.why))
    }
}

/// Runs everything that can run one side, one after the other, on every input.
pub(super) fn run_side<'a>(
    side: &str,
    subject: &'a Subject,
    what: &Check<'a>,
    unavailable: &mut Vec<Unavailable>,
) -> Result<Vec<Run<'a>>> {
    let mut runs = Vec::new();
    let mut missing = Vec::new();
    for launcher in subject.launchers(what.network, what.runtimes, what.device) {
        let mut runtime = match launcher.open()? {
            Ok(runtime) => runtime,
            Err(gone) => {
                what.console.detail(format_args!("{}: {} is not used: {}", subject.path(), gone.runtime, gone.why));
                missing.push(gone);
                continue;
            }
        };
        let name = format!("{side}: {}", runtime.name());
        let (mut logits, mut probabilities) = (Vec::new(), Vec::new());
        for fixture in what.fixtures {
            let mut values =
                runtime.run(&fixture.input, &[]).with_context(|| format!("{name} on `{}`", fixture.name))?;
            logits.push(values.remove("logits").context("a runtime without logits")?);
            probabilities.extend(values.remove("probabilities"));
        }
        runs.push(Run {
            name,
            launcher,
            arithmetic: runtime.arithmetic(),
            stored: runtime.stored(),
            reorders_sums: runtime.reorders_sums(),
            logits,
            probabilities,
        });
    }
    if runs.is_empty() {
        let why: Vec<String> = missing.iter().map(|m: &Unavailable| format!("{}: {}", m.runtime, m.why)).collect();
        bail!("{}: nothing here can run it ({})", subject.path(), why.join("; "));
    }
    missing.retain(|new| unavailable.iter().all(|known| (known.runtime, &known.why) != (new.runtime, &new.why)));
    unavailable.extend(missing);
    Ok(runs)
}
