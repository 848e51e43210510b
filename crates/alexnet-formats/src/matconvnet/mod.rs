//! MatConvNet's networks (<https://www.vlfeat.org/matconvnet/>), as structures in MAT-files: SimpleNN, a cell array of layers
//! that follow each other, and DagNN, an array of layers that name their inputs, outputs and parameters.
//!
//! What each field means is `vl_simplenn.m`'s and `+dagnn`'s; what a missing field or one of an older version stands for is
//! `vl_simplenn_tidy.m`'s. Kernels are `[height, width, in / groups, out]` and correlate; colours are red, green, blue; fully
//! connected layers are convolutions over the whole map.

mod block;
mod dagnn;
mod labels;
mod meta;
mod options;
mod preprocessing;
mod simplenn;

#[cfg(test)]
mod tests;

use crate::mat::Value;
use crate::{Error, Result};
use alexnet_spec::{Graph, Tensor};

/// More layers than any network of the family has: a bound on the cost of hostile files.
const MAX_LAYERS: usize = 4096;

/// A network and its trained tensors under the names that its [`Operand`](alexnet_spec::Operand)s call them.
#[derive(Debug)]
pub(crate) struct Described {
    pub graph: Graph,
    pub tensors: Vec<(String, Tensor)>,
}

/// Where a network's fields are: a structure, or the file itself where each field was saved as a variable.
#[derive(Clone, Copy)]
enum Root<'a> {
    File(&'a [(String, Value)]),
    Struct(&'a str, &'a Value),
}

impl<'a> Root<'a> {
    fn field(self, name: &str) -> Option<&'a Value> {
        match self {
            Root::File(variables) => variables.iter().find(|(found, _)| found == name).map(|(_, value)| value),
            Root::Struct(_, value) => value.field(name),
        }
    }

    /// The field as MATLAB names it.
    fn path(self, field: &str) -> String {
        match self {
            Root::File(_) => field.to_owned(),
            Root::Struct(variable, _) => format!("{variable}.{field}"),
        }
    }

    fn is_network(self) -> bool {
        matches!(self.field("layers"), Some(Value::Cell(_) | Value::Struct(_)))
    }
}

/// The network among the variables of a file; `None` where there is none.
///
/// Errs where there are several, and where the one that there is can't be converted.
pub(crate) fn read(variables: &[(String, Value)]) -> Result<Option<Described>> {
    let file = Root::File(variables);
    let root = match file.is_network() {
        true => file,
        false => {
            let networks = variables.iter().map(|(name, value)| Root::Struct(name, value));
            let networks: Vec<Root> = networks.filter(|root| root.is_network()).collect();
            match &networks[..] {
                [] => return Ok(None),
                [one] => *one,
                several => {
                    let names: Vec<String> = several.iter().map(|root| root.path("layers")).collect();
                    return Err(Error::refused(format!("several networks: {}", names.join(", ")))
                        .with_remedy("saving one of them alone"));
                }
            }
        }
    };
    let count = match root.field("layers") {
        Some(Value::Cell(layers)) => layers.items.len(),
        Some(Value::Struct(layers)) => layers.records.len(),
        _ => 0,
    };
    if count > MAX_LAYERS {
        return Err(Error::limit("layers", format!("a network of {count} layers"), MAX_LAYERS));
    }
    match root.field("layers") {
        Some(Value::Cell(layers)) => simplenn::read(root, layers).map(Some),
        Some(Value::Struct(layers)) => dagnn::read(root, layers).map(Some),
        _ => Ok(None),
    }
}
