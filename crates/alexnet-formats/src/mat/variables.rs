use super::array::Reader;
use super::element::{self, COMPRESSED, MATRIX};
use super::header::Header;
use super::inflate::Budget;
use super::value::Value;
use crate::input::Input;
use crate::shown::shown;
use crate::{Error, Limits, Result};
use bytes::Bytes;
use std::collections::HashSet;

/// The variables of a version 5 file, one element each.
pub(super) fn read(bytes: Bytes, header: Header, limits: &Limits) -> Result<Vec<(String, Value)>> {
    let budget = Budget { limits, file_bytes: bytes.len() as u64, spent: 0 };
    let mut reader = Reader { order: header.order, budget, objects: 0 };
    let mut input = Input::new(bytes);
    input.take(Header::LENGTH as u64, "a header")?;
    let (mut variables, mut names) = (Vec::new(), HashSet::new());
    while input.left() > 0 {
        let place = format!("byte {}", input.position());
        let (name, value) = variable(&mut reader, &mut input).map_err(|error| error.at(&place))?;
        // MATLAB's private data, which objects of classes refer to, come last and have no name.
        if name.is_empty() {
            continue;
        }
        if !names.insert(name.clone()) {
            return Err(Error::malformed(format!("variable `{}` is there twice", shown(name.as_bytes()))).at(place));
        }
        variables.push((name, value));
    }
    Ok(variables)
}

fn variable(reader: &mut Reader, input: &mut Input) -> Result<(String, Value)> {
    let mut element = element::next(input, reader.order, "a variable")?;
    if element.kind == COMPRESSED {
        let bytes = reader.budget.inflate(&element.bytes, reader.order)?;
        element = element::next(&mut Input::new(bytes), reader.order, "a compressed variable")?;
    }
    match element.kind {
        MATRIX => reader.array(element.bytes, 0),
        kind => Err(Error::malformed(format!("an element of type {kind} where a variable should be"))),
    }
}
