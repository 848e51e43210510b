//! A dialect's names as one place has them. Fine-tunes often put the last layer into a `Sequential` of its own, behind a
//! dropout: its parameters are then those of `classifier.6.1` instead of `classifier.6`.

use super::place::Place;
use crate::dialects::{Dialect, Origin};
use crate::report::Guess;
use alexnet_spec::Network;

/// Where parameters come from in one place.
#[derive(Clone, Copy)]
pub(super) struct Spelling<'p, 'a> {
    pub(super) place: &'p Place<'a>,
    dialect: &'static Dialect,
    nested: Option<Nested<'a>>,
}

/// The only child with parameters of the module where the last layer should be.
#[derive(Clone, Copy)]
struct Nested<'a> {
    /// The child's number with a dot before it: `.1`.
    child: &'a str,
    /// How many bytes of a source's name come before the child.
    at: usize,
}

impl<'p, 'a> Spelling<'p, 'a> {
    pub(super) fn new(place: &'p Place<'a>, dialect: &'static Dialect, network: &Network) -> Spelling<'p, 'a> {
        let plain = Spelling { place, dialect, nested: None };
        let last = network.layers.iter().rev().find(|layer| layer.op.out().is_some());
        let nested = last.and_then(|last| plain.nested(&format!("{}.weight", last.name)));
        Spelling { nested, ..plain }
    }

    /// The dialect's origin of a parameter, under the names that the place has.
    pub(super) fn origin(&self, parameter: &str) -> Option<Origin> {
        let mut origin = (self.dialect.origin)(parameter)?;
        if let (Some(nested), [source]) = (&self.nested, origin.sources.as_mut_slice())
            && self.place.get(source).is_none()
            && let Some((module, role)) = source.split_at_checked(nested.at)
            && self.place.get(&format!("{module}{}{role}", nested.child)).is_some()
        {
            *source = format!("{module}{}{role}", nested.child);
        }
        Some(origin)
    }

    /// That a state dict doesn't show what else a nested last layer is run with; `None` where the file's modules show it.
    pub(super) fn guess(&self, network: &Network) -> Option<Guess> {
        self.nested?;
        let last = network.layers.iter().rev().find(|layer| layer.op.out().is_some())?;
        if !self.place.group().modules.is_empty() {
            return None;
        }
        let module = self.origin(&format!("{}.weight", last.name))?.sources.pop()?;
        Some(Guess {
            what: format!("{} is `{}` alone", last.name, module.strip_suffix(".weight").unwrap_or(&module)),
            why: "it stands in a Sequential whose other modules have no parameters, so that they don't show".to_owned(),
            settle: "dropout is no matter; where it is an activation, torch.save of the whole module shows it"
                .to_owned(),
        })
    }

    fn nested(&self, weight: &str) -> Option<Nested<'a>> {
        let origin = (self.dialect.origin)(weight)?;
        let [source] = &origin.sources[..] else { return None };
        let module = source.strip_suffix(".weight").filter(|_| self.place.get(source).is_none())?;
        let below = self.place.inside_of(module).map(|(rest, _)| rest.rsplit_once('.')).collect::<Option<Vec<_>>>()?;
        let [(child, "bias"), (other, "weight")] = below[..] else { return None };
        let numbered = child == other && child.get(1..)?.bytes().all(|byte| byte.is_ascii_digit());
        numbered.then_some(Nested { child, at: module.len() })
    }
}
