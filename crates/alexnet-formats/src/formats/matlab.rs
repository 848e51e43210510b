//! MATLAB's MAT-files (the `mat` module reads them): a network of MatConvNet's, or arrays by name.

use super::Format;
use crate::mat::{self, Struct, Value};
use crate::matconvnet;
use crate::shown::shown;
use crate::{Checkpoint, Error, Group, Limits, Result, Source, Unreadable};
use std::collections::HashSet;

pub(super) const FORMAT: Format = Format {
    name: "matlab",
    about: "MAT-files of versions 5, 7 and 7.3: MatConvNet's networks, or arrays by name",
    recognises: |source, _| mat::recognise(source).is_some(),
    read,
};

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let variables = mat::read(source, limits)?;
    if let Some(described) = matconvnet::read(&variables)? {
        let group = Group { tensors: described.tensors, ..Group::default() };
        return Ok(Checkpoint::described(FORMAT.name, described.graph, vec![group]));
    }
    let mut flat = Flat { group: Group::default(), limits };
    for (name, value) in &variables {
        flat.push(name.clone(), value)?;
    }
    let mut names = HashSet::new();
    if let Some((name, _)) = flat.group.tensors.iter().find(|(name, _)| !names.insert(name)) {
        return Err(Error::malformed(format!("two arrays are called `{}`", shown(name.as_bytes()))));
    }
    match (flat.group.tensors.is_empty(), flat.group.unreadable.first()) {
        (false, _) => Ok(Checkpoint::new(FORMAT.name, vec![flat.group])),
        (true, Some(first)) => {
            let (what, remedy) = first.reason.split_once("; try ").unwrap_or((&first.reason, "saving plain arrays"));
            Err(Error::refused(format!("`{}` is {what}", shown(first.name.as_bytes()))).with_remedy(remedy))
        }
        (true, None) => Err(Error::refused("holds no numbers").with_remedy("saving the network's arrays into it")),
    }
}

/// Every array of a file in one group: fields of structures after a dot.
struct Flat<'a> {
    group: Group,
    limits: &'a Limits,
}

impl Flat<'_> {
    fn push(&mut self, name: String, value: &Value) -> Result<()> {
        if name.len() > self.limits.name_bytes {
            return Err(Error::limit("name_bytes", format!("a name of {} bytes", name.len()), self.limits.name_bytes));
        }
        match value {
            Value::Numbers(tensor) => {
                // MATLAB has no vectors, but matrices of one row or one column.
                let tensor = match tensor.shape() {
                    [1, count] | [count, 1] => tensor.reshape(&[*count])?,
                    _ => tensor.clone(),
                };
                self.group.tensors.push((name, tensor));
                self.check_count()?;
            }
            Value::Struct(array) => self.fields(&name, array)?,
            Value::Cell(cell) => {
                for (index, item) in cell.items.iter().enumerate() {
                    self.push(format!("{name}{{{}}}", index.saturating_add(1)), item)?;
                }
            }
            Value::Text(_) => {}
            Value::Other(what) => {
                let reason = format!("{what}, which only MATLAB reads; try {}", remedy(what));
                self.group.unreadable.push(Unreadable { name, reason });
                self.check_count()?;
            }
        }
        Ok(())
    }

    fn fields(&mut self, name: &str, array: &Struct) -> Result<()> {
        for (index, record) in array.records.iter().enumerate() {
            for (field, value) in array.fields.iter().zip(record) {
                self.push(
                    match array.records.len() {
                        1 => format!("{name}.{field}"),
                        _ => format!("{name}({}).{field}", index.saturating_add(1)),
                    },
                    value,
                )?;
            }
        }
        Ok(())
    }

    fn check_count(&self) -> Result<()> {
        let count = self.group.tensors.len().saturating_add(self.group.unreadable.len());
        match count > self.limits.tensors {
            true => Err(Error::limit("tensors", format!("{count} arrays"), self.limits.tensors)),
            false => Ok(()),
        }
    }
}

/// How to save what only MATLAB can read.
fn remedy(what: &str) -> &'static str {
    let is = |class: &str| what.contains(&format!("`{class}`"));
    if is("dagnn.DagNN") {
        "in MATLAB s = net.saveobj(); save('net.mat', '-struct', 's')"
    } else if is("gpuArray") {
        "gather() in MATLAB before saving it"
    } else if what.contains("an object of class") {
        "exportONNXNetwork(net, 'net.onnx') in MATLAB, and the ONNX file"
    } else {
        "saving it as full, real single or double arrays"
    }
}
