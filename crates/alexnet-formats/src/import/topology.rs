//! What a pickled module or a TorchScript archive says of itself, held against a network. Its constants and the order of its
//! `Sequential`s are facts: where they contradict a network, it isn't that network, whatever the names.
//!
//! Order counts only within `Sequential`s: other modules may run their children in any order. Attributes that a file
//! doesn't hold (TorchScript keeps most in its code) are not compared.

mod around;
mod module;

use super::place::Place;
use crate::report::Guess;
use crate::{Attribute, Module};
use alexnet_spec::layers::{AdaptiveAvgPool2d, Conv2d, LocalResponseNorm, MaxPool2d, Rounding};
use alexnet_spec::{Layer, Network, Op};
use module::{Kind, attribute, class, is_pytorchs, kind, number, pair, shown};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What the modules confirm.
#[derive(Debug, Default)]
pub(super) struct Confirmed {
    /// Whether the order of norm and pool between two convolutions was there to see.
    pub(super) order: bool,
    /// Where they differ without effect.
    pub(super) notes: Vec<String>,
    /// What they leave open.
    pub(super) guesses: Vec<Guess>,
}

/// What modules and network don't agree on.
#[derive(Debug)]
pub(super) struct Contradiction {
    pub(super) message: String,
    /// What to do about it, where it isn't to name another network.
    pub(super) remedy: Option<String>,
}

impl From<String> for Contradiction {
    fn from(message: String) -> Contradiction {
        Contradiction { message, remedy: None }
    }
}

/// Compares the modules of `place` with `network`. `modules_of` gives the module that a layer's weight belongs to.
///
/// Errs with the first contradiction: the module and both values.
pub(super) fn compare(
    place: &Place<'_>,
    network: &Network,
    module_of: &BTreeMap<String, String>,
) -> Result<Confirmed, Contradiction> {
    let modules: Vec<(Cow<'_, str>, &Module)> =
        place.group().modules.iter().filter_map(|module| Some((place.relative(&module.path)?, module))).collect();
    let mut confirmed = Confirmed { notes: around::compare(place)?, ..Confirmed::default() };
    let comparison = Comparison { network, module_of };
    for (path, module) in &modules {
        confirmed.guesses.extend(comparison.own_class(path, module));
        match kind(module) {
            Kind::Parametric if !has_tensors(place, path) => {
                let message = format!("{} of class `{}` holds no tensors", shown(module), module.class.escape_debug());
                let remedy = "the model that it was made from, before it was quantised or packed".to_owned();
                return Err(Contradiction { message, remedy: Some(remedy) });
            }
            Kind::Parametric => comparison.parametric(path, module)?,
            Kind::Norm => comparison.any_norm(module)?,
            Kind::MaxPool => comparison.any_pool(module, &mut confirmed)?,
            Kind::AveragePool => comparison.adaptive_pool(module)?,
            Kind::Softmax => confirmed.notes.push(format!("{} is left out: logits are written", shown(module))),
            _ => {}
        }
    }
    for run in runs(&modules) {
        comparison.run(&run, &mut confirmed)?;
    }
    Ok(confirmed)
}

/// What each outermost `Sequential` runs, first to last, those within it included. Parents come before their children.
fn runs<'m>(modules: &'m [(Cow<'_, str>, &'m Module)]) -> Vec<Vec<(&'m str, &'m Module)>> {
    let mut run_of: BTreeMap<&str, usize> = BTreeMap::new();
    let mut runs: Vec<Vec<(&str, &Module)>> = Vec::new();
    for (path, module) in modules {
        let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
        let within = run_of.get(parent).copied().filter(|_| !path.is_empty());
        if kind(module) == Kind::Sequential {
            let run = within.unwrap_or_else(|| {
                runs.push(Vec::new());
                runs.len().saturating_sub(1)
            });
            run_of.insert(path, run);
        } else if let Some(run) = within.and_then(|run| runs.get_mut(run)) {
            run.push((path, module));
        }
    }
    runs
}

/// Whether tensors lie in or below a module. Quantised layers keep theirs packed, out of sight.
fn has_tensors(place: &Place<'_>, path: &str) -> bool {
    let below = |name: &str| name.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    place.inside().any(|(name, _)| place.relative(name).is_some_and(|name| below(&name)))
}

struct Comparison<'a> {
    network: &'a Network,
    module_of: &'a BTreeMap<String, String>,
}

impl Comparison<'_> {
    fn differs(
        &self,
        module: &Module,
        what: &str,
        seen: impl std::fmt::Display,
        layer: &str,
        needed: impl std::fmt::Display,
    ) -> String {
        format!("{} has {what} {seen}, but {layer} of network `{}` has {needed}", shown(module), self.network.name)
    }

    /// The layer whose weight lies in the module at `path`.
    fn layer_at(&self, path: &str) -> Option<&Layer> {
        let (layer, _) = self.module_of.iter().find(|(_, module)| *module == path)?;
        self.network.layer(layer)
    }

    /// That a layer's module computes what its weights look like, where its class isn't PyTorch's.
    fn own_class(&self, path: &str, module: &Module) -> Option<Guess> {
        let layer = self.layer_at(path).filter(|_| !is_pytorchs(module))?;
        Some(Guess {
            what: format!("{} is a {}", shown(module), layer.op.kind()),
            why: format!("its class `{}` is somebody's own, whose code isn't in the file", module.class.escape_debug()),
            settle: "alexnet-verify with outputs of the original program settles it".to_owned(),
        })
    }

    fn parametric(&self, path: &str, module: &Module) -> Result<(), String> {
        let Some(layer) = self.layer_at(path) else { return Ok(()) };
        match &layer.op {
            Op::Conv2d(conv) => self.convolution(module, &layer.name, conv),
            Op::BatchNorm2d(norm) => self.number(module, "eps", &layer.name, norm.eps),
            _ => Ok(()),
        }
    }

    fn convolution(&self, module: &Module, layer: &str, conv: &Conv2d) -> Result<(), String> {
        self.pair(module, "kernel_size", layer, conv.kernel)?;
        self.pair(module, "stride", layer, conv.stride)?;
        self.pair(module, "dilation", layer, [1, 1])?;
        self.padding(module, layer, conv.pads, conv.kernel)?;
        if let Some(Attribute::Text(mode)) = attribute(module, "padding_mode")
            && mode != "zeros"
        {
            return Err(self.differs(module, "padding_mode", mode.escape_debug(), layer, "zeros"));
        }
        self.number(module, "groups", layer, conv.groups as f64)
    }

    /// Modules that run one after the other: between two layers with weights there must be what the network has there.
    fn run(&self, modules: &[(&str, &Module)], confirmed: &mut Confirmed) -> Result<(), String> {
        let inert = |module: &Module| matches!(kind(module), Kind::Inert | Kind::Softmax | Kind::AveragePool);
        let (mut between, mut last, mut begins): (Vec<&Module>, Option<&Layer>, bool) = (Vec::new(), None, true);
        for (path, module) in modules.iter().filter(|(_, module)| !inert(module)) {
            let layer = self.layer_at(path).filter(|layer| layer.op.out().is_some());
            // A class of somebody's own with layers in it: what it does with them isn't known.
            let opaque = layer.is_none() && self.contains_layers(path);
            if layer.is_none() && !opaque {
                between.push(module);
                continue;
            }
            match (last, between.first()) {
                (Some(last), _) => self.between(last, layer, &between, confirmed)?,
                (None, Some(early)) if begins => {
                    return Err(format!(
                        "{} comes before `{}`, where network `{}` has nothing",
                        shown(early),
                        path.escape_debug(),
                        self.network.name
                    ));
                }
                (None, _) => {}
            }
            (between, last, begins) = (Vec::new(), layer, false);
        }
        last.map_or(Ok(()), |last| self.between(last, None, &between, confirmed))
    }

    fn contains_layers(&self, path: &str) -> bool {
        let below = |module: &String| module.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
        self.module_of.values().any(below)
    }

    /// Compares the modules after layer `from` with the network's layers up to `to`; at the end of a container, with as many
    /// as there are.
    fn between(
        &self,
        from: &Layer,
        to: Option<&Layer>,
        modules: &[&Module],
        confirmed: &mut Confirmed,
    ) -> Result<(), String> {
        let after = self.network.layers.iter().skip_while(|layer| layer.name != from.name).skip(1);
        let until = after.take_while(|layer| match to {
            Some(to) => layer.name != to.name,
            None => layer.op.out().is_none(),
        });
        let inert = |op: &Op| matches!(op, Op::Dropout(_) | Op::Flatten(_) | Op::AdaptiveAvgPool2d(_) | Op::Softmax(_));
        let mut layers: Vec<&Layer> = until.filter(|layer| !inert(&layer.op)).collect();
        let mut modules = modules.to_vec();
        // A maximum and a ReLU commute, so their order is no difference.
        relu_first(&mut layers, |layer| matches!(layer.op, Op::Relu(_)), |layer| matches!(layer.op, Op::MaxPool2d(_)));
        relu_first(&mut modules, |m| kind(m) == Kind::Relu, |m| kind(m) == Kind::MaxPool);

        let names = |layers: &[&Layer]| layers.iter().map(|l| l.op.kind()).collect::<Vec<_>>().join(", ");
        let agrees = |(layer, module): (&&Layer, &&Module)| self.same_kind(layer, module);
        let complete = modules.len() == layers.len() || (to.is_none() && modules.len() < layers.len());
        if !complete || !layers.iter().zip(&modules).all(agrees) {
            let seen =
                modules.iter().map(|module| class(module).escape_debug().to_string()).collect::<Vec<_>>().join(", ");
            let end = to.map_or("the end".into(), |to| to.name.clone());
            return Err(format!(
                "the modules between {} and {end} are [{seen}], but network `{}` has [{}] there",
                from.name,
                self.network.name,
                names(&layers)
            ));
        }
        for (layer, module) in layers.iter().zip(&modules) {
            match &layer.op {
                Op::LocalResponseNorm(norm) => self.norm(module, &layer.name, norm)?,
                Op::MaxPool2d(pool) => self.pool(module, &layer.name, pool, confirmed)?,
                _ => {}
            }
        }
        let has = |kind_: Kind| modules.iter().any(|module| kind(module) == kind_);
        confirmed.order |= has(Kind::Norm) && has(Kind::MaxPool);
        Ok(())
    }

    fn same_kind(&self, layer: &Layer, module: &Module) -> bool {
        match &layer.op {
            Op::Relu(_) => kind(module) == Kind::Relu,
            Op::LocalResponseNorm(_) => kind(module) == Kind::Norm,
            Op::MaxPool2d(_) => kind(module) == Kind::MaxPool,
            Op::BatchNorm2d(_) => matches!(class(module), "BatchNorm1d" | "BatchNorm2d"),
            _ => false,
        }
    }

    fn norm(&self, module: &Module, layer: &str, norm: &LocalResponseNorm) -> Result<(), String> {
        if norm.groups != 1 {
            return Err(self.differs(module, "groups", 1, layer, norm.groups));
        }
        self.number(module, "size", layer, norm.size as f64)?;
        if norm.size.is_multiple_of(2) && class(module) == "LocalResponseNorm" {
            let seen =
                format!("an even window of {}, which PyTorch begins one channel earlier than {layer}", norm.size);
            return Err(format!("{} has {seen} of network `{}` does", shown(module), self.network.name));
        }
        self.number(module, "alpha", layer, norm.alpha)?;
        self.number(module, "beta", layer, norm.beta)?;
        self.number(module, "k", layer, norm.k)
    }

    /// A norm wherever it is: some norm of the network must have its constants.
    fn any_norm(&self, module: &Module) -> Result<(), String> {
        let mut last =
            Err(format!("{} normalises, but network `{}` has no such layer", shown(module), self.network.name));
        for (layer, norm) in self.network.local_response_norms() {
            last = self.norm(module, layer, norm);
            if last.is_ok() {
                break;
            }
        }
        last
    }

    fn pool(&self, module: &Module, layer: &str, pool: &MaxPool2d, confirmed: &mut Confirmed) -> Result<(), String> {
        self.pair(module, "kernel_size", layer, pool.kernel)?;
        self.pair(module, "stride", layer, pool.stride)?;
        self.pair(module, "dilation", layer, [1, 1])?;
        self.padding(module, layer, pool.pads, pool.kernel)?;
        let Some(Attribute::Bool(ceil)) = attribute(module, "ceil_mode") else { return Ok(()) };
        let rounding = if *ceil { Rounding::Ceil } else { Rounding::Floor };
        if rounding != pool.rounding {
            if !self.size_is_kept(layer, rounding) {
                return Err(self.differs(module, "ceil_mode", ceil, layer, pool.rounding == Rounding::Ceil));
            }
            let note = format!("{} has ceil_mode {ceil}; at this input size it makes no difference", shown(module));
            if !confirmed.notes.contains(&note) {
                confirmed.notes.push(note);
            }
        }
        Ok(())
    }

    fn any_pool(&self, module: &Module, confirmed: &mut Confirmed) -> Result<(), String> {
        let mut last = Err(format!("{} pools, but network `{}` has no such layer", shown(module), self.network.name));
        for layer in &self.network.layers {
            if let Op::MaxPool2d(pool) = &layer.op {
                last = self.pool(module, &layer.name, pool, confirmed);
                if last.is_ok() {
                    break;
                }
            }
        }
        last
    }

    /// Whether a pool gives as many pixels with another rounding.
    fn size_is_kept(&self, layer: &str, rounding: Rounding) -> bool {
        let mut other = self.network.clone();
        for candidate in &mut other.layers {
            if let (true, Op::MaxPool2d(pool)) = (candidate.name == layer, &mut candidate.op) {
                pool.rounding = rounding;
            }
        }
        let sizes = |network: &Network| Some(network.trace().ok()?.iter().map(|step| step.output).collect::<Vec<_>>());
        sizes(&other).is_some_and(|sizes_| Some(sizes_) == sizes(self.network))
    }

    /// An adaptive pool must give what the first fully connected layer takes.
    fn adaptive_pool(&self, module: &Module) -> Result<(), String> {
        let Some(seen) = pair(module, "output_size") else { return Ok(()) };
        let own = self.network.layers.iter().find_map(|layer| match &layer.op {
            Op::AdaptiveAvgPool2d(AdaptiveAvgPool2d { output }) => Some((layer.name.as_str(), *output)),
            _ => None,
        });
        let (layer, needed) = match own {
            Some(own) => own,
            None => match self
                .network
                .trace()
                .ok()
                .and_then(|steps| steps.get(self.network.feature_layers().checked_sub(1)?).map(|s| s.output))
            {
                Some(alexnet_spec::Shape::Map { height, width, .. }) => ("the last pool", [height, width]),
                _ => return Ok(()),
            },
        };
        if seen == needed { Ok(()) } else { Err(self.differs(module, "output_size", dims(seen), layer, dims(needed))) }
    }

    fn pair(&self, module: &Module, name: &str, layer: &str, needed: [usize; 2]) -> Result<(), String> {
        match pair(module, name) {
            Some(seen) if seen != needed => Err(self.differs(module, name, dims(seen), layer, dims(needed))),
            _ => Ok(()),
        }
    }

    /// `kernel` is what `padding="same"` goes by; no pool takes it.
    fn padding(&self, module: &Module, layer: &str, pads: [usize; 4], kernel: [usize; 2]) -> Result<(), String> {
        if let Some(Attribute::Text(text)) = attribute(module, "padding") {
            // PyTorch puts the odd one of an even window's at the end.
            let [y, x] = kernel.map(|size| size.saturating_sub(1));
            let agrees = match text.as_str() {
                "valid" => pads == [0; 4],
                "same" => pads == [y / 2, x / 2, y.div_ceil(2), x.div_ceil(2)],
                _ => false,
            };
            return match agrees {
                true => Ok(()),
                false => Err(self.differs(module, "padding", text.escape_debug(), layer, format!("{pads:?}"))),
            };
        }
        match pair(module, "padding") {
            Some([y, x]) if pads != [y, x, y, x] => {
                Err(self.differs(module, "padding", dims([y, x]), layer, format!("{pads:?}")))
            }
            _ => Ok(()),
        }
    }

    fn number(&self, module: &Module, name: &str, layer: &str, needed: f64) -> Result<(), String> {
        match number(module, name) {
            // Constants that were kept in single precision are the same constants.
            Some(seen) if (seen - needed).abs() > 1e-6 * needed.abs() => {
                Err(self.differs(module, name, seen, layer, needed))
            }
            _ => Ok(()),
        }
    }
}

fn relu_first<T>(items: &mut [T], relu: impl Fn(&T) -> bool, pool: impl Fn(&T) -> bool) {
    for after in 1..items.len() {
        if let Some([first, second]) = items.get_mut(after.saturating_sub(1)..=after)
            && relu(second)
            && pool(first)
        {
            std::mem::swap(first, second);
        }
    }
}

fn dims([y, x]: [usize; 2]) -> String {
    format!("{y}x{x}")
}
