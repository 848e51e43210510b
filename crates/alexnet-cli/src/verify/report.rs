use super::cost::Cost;
use crate::compare::{Agreement, Metrics, ParameterCheck};
use crate::diagnose::Diagnosis;
use crate::exit::Exit;
use crate::reduce::Reduction;
use crate::runtimes::Unavailable;
use alexnet_spec::DType;
use serde::Serialize;
use std::path::PathBuf;

/// What a verification found. Serialised, it is the programs' JSON: fields are added, not renamed, within a version.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of this layout.
    pub schema: &'static str,
    /// The two sides.
    pub a: Side,
    /// The other one; none where the reference's runtimes were compared with each other.
    pub b: Option<Side>,
    /// Whether everything that was compared agrees.
    pub agreed: bool,
    /// The outcome in one sentence.
    pub verdict: String,
    /// Names of the inputs.
    pub fixtures: Vec<String>,
    /// The first side against the others, on the same inputs: does the conversion preserve the function?
    pub consistency: Vec<Comparison>,
    /// Against recorded outputs of another program, and B against A in A's own framework: is it the right function?
    pub truth: Vec<Comparison>,
    /// The parameters' values.
    pub parameters: Option<ParameterCheck>,
    /// The layers, where they were walked.
    pub layers: Vec<LayerComparison>,
    /// The first layer that differs, where there is one.
    pub first_difference: Option<FirstDifference>,
    /// The known mistake that explains it, where one does.
    pub diagnosis: Option<Diagnosis>,
    /// What B costs, where its numbers are coarser than A's.
    pub cost: Option<Cost>,
    /// Runtimes that were not at hand.
    pub unavailable: Vec<Unavailable>,
    /// The smallest graph that shows the difference, where one was asked for and made.
    pub reduced: Option<Reduction>,
    /// The same over a folder of images.
    pub images: Option<crate::images::Summary>,
    /// The folder that inputs and outputs were recorded in.
    pub saved: Option<PathBuf>,
}

impl Report {
    /// Whether everything agrees but for the images, which come after it.
    pub(super) fn agrees_on_inputs(&self) -> bool {
        self.consistency.iter().chain(&self.truth).all(Comparison::agrees)
            && self.parameters.as_ref().is_none_or(ParameterCheck::agrees)
            && self.first_difference.is_none()
    }

    /// What the program tells the shell.
    pub(super) fn exit(&self) -> Exit {
        let differs =
            !self.agrees_on_inputs() || self.images.as_ref().is_some_and(|images| images.within < images.compared);
        match (self.agreed, differs) {
            (true, _) => Exit::Agreed,
            (false, true) => Exit::Disagreed,
            // Nothing differs, but not everything could be compared.
            (false, false) => Exit::Failed,
        }
    }

    /// The outcome in one sentence.
    pub(super) fn sentence(&self) -> String {
        let compared = || self.consistency.iter().chain(&self.truth);
        if self.agreed {
            let worst = compared().map(Comparison::severity).fold(0.0, f64::max);
            return format!(
                "agreed: {} input{}, {} comparisons of logits, {} parameters; the largest difference is {:.1} % of what is allowed",
                self.fixtures.len(),
                if self.fixtures.len() == 1 { "" } else { "s" },
                compared().count(),
                self.parameters.as_ref().map_or(0, |p| p.compared),
                worst * 100.0
            );
        }
        if let Some(first) = &self.first_difference {
            let known = self.diagnosis.as_ref().map(|diagnosis| format!("; {}", diagnosis.sentence));
            let (layer, runtime, what) = (&first.layer, &first.runtime, &first.what);
            return format!("DISAGREED: {layer} parts first ({runtime}{}): {what}", known.unwrap_or_default());
        }
        if let Some(difference) = self.parameters.as_ref().and_then(|p| p.differences.first()) {
            return format!("DISAGREED: parameter {difference}");
        }
        match compared().find(|c| !c.agrees()) {
            Some(Comparison { fixture, runtime, why: Some(why), .. }) => {
                format!("DISAGREED: the logits of {runtime} part on `{fixture}`: {why}")
            }
            Some(Comparison { fixture, runtime, .. }) => {
                format!("DISAGREED: the logits of {runtime} part on `{fixture}`")
            }
            None => "DISAGREED".into(),
        }
    }
}

/// One of the two files.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// Its path as given.
    pub path: String,
    /// The SHA-256 of the file in hexadecimal; none where it is a folder, or not written yet.
    pub sha256: Option<String>,
    /// The network that it is taken for, where that is known.
    pub network: Option<String>,
    /// What ran it.
    pub runs: Vec<Ran>,
}

/// One runtime's part in a verification.
#[derive(Clone, Debug, Serialize)]
pub struct Ran {
    /// The runtime, with its version or device.
    pub runtime: String,
    /// The coarsest type of its activations.
    pub arithmetic: DType,
    /// The coarsest type of its weights.
    pub stored: DType,
    /// The median time that one input took; none where it didn't run through.
    pub milliseconds: Option<f64>,
    /// Why it didn't run through.
    pub failed: Option<String>,
}

impl Side {
    /// The runtimes in one line.
    pub fn runtimes(&self) -> String {
        self.runs.iter().map(|run| run.runtime.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// The logits of one input from one runtime, held against a reference.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The input.
    pub fixture: String,
    /// `a` or `b`, and the runtime.
    pub runtime: String,
    /// What it is held against.
    pub reference: String,
    /// The name of the tensor.
    pub tensor: String,
    /// How far apart they are; none where they can't be compared, and `why` says so.
    pub metrics: Option<Metrics>,
    /// Why they can't be compared.
    pub why: Option<String>,
    /// The classifications.
    pub classes: Option<Agreement>,
}

impl Comparison {
    /// Whether they agree.
    pub fn agrees(&self) -> bool {
        self.metrics.as_ref().is_some_and(|m| m.agrees)
    }

    /// The difference as a share of what the tolerance allows: above 1 it disagrees.
    pub fn severity(&self) -> f64 {
        self.metrics.as_ref().map_or(f64::INFINITY, Metrics::severity)
    }
}

/// One layer's output from one runtime, the worst over all inputs.
#[derive(Clone, Debug, Serialize)]
pub struct LayerComparison {
    /// The layer.
    pub layer: String,
    /// Its kind.
    pub op: String,
    /// The runtime.
    pub runtime: String,
    /// With the differences of the layers before it.
    pub cumulative: Option<Metrics>,
    /// With the same input on both sides; none where no side can run a layer alone.
    pub isolated: Option<Metrics>,
    /// Layers before it whose outputs the runtime doesn't show: what they compute counts towards this one.
    pub unseen: Vec<String>,
    /// Why it can't be compared.
    pub why: Option<String>,
}

impl LayerComparison {
    /// A layer that isn't compared yet.
    pub(super) fn new(layer: &str, op: &str, runtime: &str) -> LayerComparison {
        LayerComparison {
            layer: layer.to_owned(),
            op: op.to_owned(),
            runtime: runtime.to_owned(),
            cumulative: None,
            isolated: None,
            unseen: Vec::new(),
            why: None,
        }
    }

    /// Whether it differs: run alone where it can be, since differences of the layers before it may grow in one that is
    /// right; whole where it can't.
    pub fn differs(&self) -> bool {
        self.why.is_some() || self.isolated.as_ref().or(self.cumulative.as_ref()).is_some_and(|metrics| !metrics.agrees)
    }
}

/// Where two runs part.
#[derive(Clone, Debug, Serialize)]
pub struct FirstDifference {
    /// The layer.
    pub layer: String,
    /// The runtime that differs from the reference.
    pub runtime: String,
    /// Found with the same input on both sides (`isolated`), with differences accumulating (`cumulative`), or, where no layer
    /// shows it alone, by the values of its parameters (`parameters`).
    pub mode: &'static str,
    /// What differs, in a sentence.
    pub what: String,
}
