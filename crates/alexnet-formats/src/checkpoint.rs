use crate::Result;
use crate::checksum::Checksum;
use alexnet_spec::{Graph, Metadata, Tensor};

/// What a file holds: groups of named tensors, all of them views of the file, and whose they are is not yet known.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// The container's name in the registry of [`formats`](crate::formats).
    pub format: &'static str,
    /// The groups, the nearest to the file's root first. An object that can be reached on several ways is in one group, under
    /// the shortest.
    pub groups: Vec<Group>,
    /// The string pairs of a safetensors file.
    pub metadata: Option<Metadata>,
    /// The network, where the file itself describes it: it is believed over every guess by names and shapes.
    pub graph: Option<Graph>,
    /// What a reader of the report should know of how the file was read.
    pub notes: Vec<String>,
    /// What the container states of the tensors' bytes and nobody has looked at yet: empty, but for a checkpoint of
    /// [`open_unread`](crate::open_unread).
    pub checksums: Vec<Checksum>,
}

impl Checkpoint {
    /// A checkpoint of named tensors alone.
    pub fn new(format: &'static str, groups: Vec<Group>) -> Checkpoint {
        Checkpoint { format, groups, metadata: None, graph: None, notes: Vec::new(), checksums: Vec::new() }
    }

    /// A checkpoint that describes its own network; `groups` are its tensors as the file names them, for those who look.
    pub fn described(format: &'static str, graph: Graph, groups: Vec<Group>) -> Checkpoint {
        Checkpoint { graph: Some(graph), ..Checkpoint::new(format, groups) }
    }

    /// Holds the tensors' bytes against the checksums that the file states for them: one pass over the file.
    ///
    /// Errs with the first part of the file that is damaged.
    pub fn verify_checksums(&self) -> Result<()> {
        self.checksums.iter().try_for_each(Checksum::verify)
    }
}

/// The tensors of one dictionary, list or module object of a file.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// The dotted path from the file's root: `""` the root itself, `state_dict`, `optimizer.state.0`. Flat formats have
    /// one group, the root.
    pub key: String,
    /// The tensors in the file's order by their names in this dictionary; of a module object all parameters and buffers
    /// under the dotted names that its `state_dict()` would have. No name occurs twice.
    pub tensors: Vec<(String, Tensor)>,
    /// What should have been tensors but can't be read as such. Whoever needs one of them must say so.
    pub unreadable: Vec<Unreadable>,
    /// Every module of a module object, the outermost first; empty where the file has dictionaries alone.
    pub modules: Vec<Module>,
}

/// A tensor that is there but isn't converted: sparse, quantised, complex, without storage, of an unknown class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its name in the group.
    pub name: String,
    /// Why, and what to do about it.
    pub reason: String,
}

/// One module of a pickled or scripted network.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// The dotted path from the group's module: `""` itself, `features.0`.
    pub path: String,
    /// The class with its Python module: `torch.nn.modules.conv.Conv2d`.
    pub class: String,
    /// The plain attributes: `stride`, `padding`, `groups`, `eps`, `size`, `alpha`, `p`, ... without Python's private ones.
    pub attributes: Vec<(String, Attribute)>,
}

/// The value of a module's attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// A string.
    Text(String),
    /// A tuple or list of such values, one level deep.
    List(Vec<Attribute>),
}

impl Group {
    /// The tensor called `name`.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|(found, _)| found == name).map(|(_, tensor)| tensor)
    }
}
