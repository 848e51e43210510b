use super::blob::Blob;
use super::fields::Fields;
use super::schema::NET;
use super::{text, upgrade, wire};
use crate::shown::shown;
use crate::{Error, Limits, Result, Source};
use bytes::Bytes;

/// A net of any generation, in the terms of the newest.
#[derive(Clone, Debug)]
pub(crate) struct Net {
    pub name: Option<String>,
    /// Inputs that the net declares outside of its layers: their names, and dimensions where it gives them.
    pub inputs: Vec<(String, Option<Vec<i64>>)>,
    /// In the file's order; those of every phase.
    pub layers: Vec<Layer>,
    /// Stages that the net is in, for which layers may be meant.
    pub(super) stages: Vec<String>,
    pub(super) level: i64,
    /// What a reader of the report should know.
    pub notes: Vec<String>,
}

/// A layer.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub name: String,
    /// What it computes, as `LayerParameter` calls it: `Convolution`.
    pub kind: String,
    pub bottoms: Vec<String>,
    pub tops: Vec<String>,
    /// Its trained numbers; none in a text.
    pub blobs: Vec<Blob>,
    /// The names that its trained numbers are shared by; empty where they aren't.
    pub shared: Vec<String>,
    /// Everything else, as in `LayerParameter`.
    pub(super) params: Fields,
}

impl Net {
    /// Reads a `.caffemodel`.
    pub fn from_binary(bytes: Bytes, limits: &Limits) -> Result<Net> {
        let (fields, strange) = wire::read(bytes, &NET, limits)?;
        let mut net = upgrade::net(&fields)?;
        if !strange.is_empty() {
            let list = shown(strange.join(", ").as_bytes());
            net.notes.push(format!("fields that BVLC's Caffe doesn't have are left unread: {list}"));
        }
        Ok(net)
    }

    /// Reads a `.prototxt`.
    pub fn from_text(source: &Source, limits: &Limits) -> Result<Net> {
        let fields = text::read(&source.bytes(), &NET, limits);
        let net = fields.and_then(|fields| upgrade::net(&fields));
        let net = net.and_then(|net| match net.layers.is_empty() {
            true => Err(Error::refused("a net without layers").with_remedy("the net's prototxt, not the solver's")),
            false => Ok(net),
        });
        net.map_err(|error| error.in_file(source.file_name()))
    }

    /// Whether it says which layer reads which. Files of weights alone don't.
    pub fn has_topology(&self) -> bool {
        self.layers.iter().any(|layer| !layer.bottoms.is_empty())
    }

    /// The layers of Caffe's TEST phase.
    pub fn tested(&self) -> impl Iterator<Item = &Layer> {
        self.layers.iter().filter(|layer| self.includes(layer))
    }

    /// As Caffe decides it: with rules for inclusion one must be met, else none of those for exclusion may be.
    fn includes(&self, layer: &Layer) -> bool {
        let meets = |name: &'static str| layer.params.messages(name).any(|rule| self.meets(rule));
        if layer.params.has("include") { meets("include") } else { !meets("exclude") }
    }

    fn meets(&self, rule: &Fields) -> bool {
        let staged = |stage: &str| self.stages.iter().any(|own| own == stage);
        rule.int("phase").is_none_or(|phase| phase == TEST)
            && rule.int("min_level").is_none_or(|level| self.level >= level)
            && rule.int("max_level").is_none_or(|level| self.level <= level)
            && rule.texts("stage").all(staged)
            && !rule.texts("not_stage").any(staged)
    }
}

const TEST: i64 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_of_the_test_phase_are_chosen_as_caffe_does() {
        let text = "
            layer { name: 'always' }
            layer { name: 'train' include { phase: TRAIN } }
            layer { name: 'test' include { phase: TRAIN } include { phase: TEST } }
            layer { name: 'not-test' exclude { phase: TEST } }
            layer { name: 'not-train' exclude { phase: TRAIN } }
            layer { name: 'staged' include { stage: 'deploy' } }
            layer { name: 'unstaged' include { not_stage: 'deploy' max_level: 0 } }
            layer { name: 'levelled' include { min_level: 1 } }";
        let read = |state: &str| {
            let source = Source::from_bytes("net.prototxt", format!("{state}{text}"));
            let net = Net::from_text(&source, &Limits::default()).unwrap();
            net.tested().map(|layer| layer.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(read(""), ["always", "test", "not-train", "unstaged"]);
        let staged = read("state { stage: 'deploy' level: 1 }");
        assert_eq!(staged, ["always", "test", "not-train", "staged", "levelled"]);
    }

    #[test]
    fn a_solver_is_no_net() {
        let solver = Source::from_bytes("solver.prototxt", "debug_info: true");
        let error = Net::from_text(&solver, &Limits::default()).unwrap_err().to_string();
        assert_eq!(error, "solver.prototxt: a net without layers; try the net's prototxt, not the solver's");
    }
}
