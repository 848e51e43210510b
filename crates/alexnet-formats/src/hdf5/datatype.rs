use super::file::File;
use super::header::{self, Message, kind};
use crate::{Error, Result};
use alexnet_spec::DType;
use bytes::Bytes;

/// What one element is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Datatype {
    pub class: Class,
    /// Bytes of one element as it is stored; never 0.
    pub size: usize,
    pub big_endian: bool,
}

/// The kinds of elements that are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Integer {
        signed: bool,
    },
    Float(DType),
    /// h5py's boolean: an enumeration of FALSE and TRUE.
    Bool,
    /// A text of fixed size, padded by zeros or spaces.
    Text,
    /// A text in the global heap.
    VariableText,
    /// The address of an object.
    Reference,
    /// What isn't read, in words.
    Other(&'static str),
}

/// The datatype that a message holds or refers to.
pub(super) fn of(file: &File, message: &Message) -> Result<Datatype> {
    match message.shared {
        true => shared(file, message.body.clone()),
        false => read(file, message.body.clone()),
    }
}

/// A datatype that is an object of its own, and only referred to.
pub(super) fn shared(file: &File, body: Bytes) -> Result<Datatype> {
    let mut fields = file.fields(body);
    let version = fields.version(&[1, 2, 3], "shared messages")?;
    let heap = fields.u8()? == 1 && version == 3;
    if heap {
        return Err(Error::refused("a datatype in the shared message heap isn't read").with_remedy(super::REPACK));
    }
    fields.skip(if version == 1 { 6 } else { 0 })?;
    let messages = header::read(file, fields.defined_address("a datatype")?)?;
    match messages.iter().find(|message| message.kind == kind::DATATYPE) {
        Some(message) if !message.shared => read(file, message.body.clone()),
        _ => Err(Error::malformed("a shared datatype that isn't one")),
    }
}

/// Reads a datatype message.
pub(super) fn read(file: &File, body: Bytes) -> Result<Datatype> {
    let mut fields = file.fields(body);
    let head = fields.u8()?;
    let bits = fields.uint(3)?;
    let size = fields.u32()?;
    let size = usize::try_from(size).ok().filter(|size| *size > 0);
    let size = size.ok_or_else(|| Error::malformed("elements of 0 bytes"))?;
    let rest = |fields: &mut super::fields::Fields| fields.take(fields.left() as u64, "a datatype");
    let class = match head & 0xf {
        0 => Class::Integer { signed: bits & 8 != 0 },
        1 => float(&rest(&mut fields)?, size, bits),
        3 => Class::Text,
        6 => Class::Other("records (compound)"),
        7 if bits & 0xf == 0 => Class::Reference,
        7 => Class::Other("references to regions"),
        8 => enumeration(file, &rest(&mut fields)?)?,
        9 => variable(file, bits, &rest(&mut fields)?)?,
        10 => Class::Other("arrays as elements"),
        _ => Class::Other("times, bit fields, opaque or complex numbers"),
    };
    let class = match class {
        Class::Integer { .. } if !matches!(size, 1 | 2 | 4 | 8) => Class::Other("integers of an odd size"),
        class => class,
    };
    Ok(Datatype { class, size, big_endian: matches!(head & 0xf, 0 | 1 | 8) && bits & 1 != 0 })
}

/// IEEE's three sizes and the upper half of a single, by where exponent and mantissa stand.
fn float(properties: &[u8], size: usize, bits: u64) -> Class {
    // Bit offset and precision (2 bytes each), exponent's place and size, mantissa's place and size, exponent's bias (4).
    let dtype = match (size, properties) {
        (8, [0, 0, 64, 0, 52, 11, 0, 52, 0xff, 3, 0, 0, ..]) => DType::F64,
        (4, [0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0, ..]) => DType::F32,
        (2, [0, 0, 16, 0, 10, 5, 0, 10, 15, 0, 0, 0, ..]) => DType::F16,
        (2, [0, 0, 16, 0, 7, 8, 0, 7, 127, 0, 0, 0, ..]) => DType::BF16,
        _ => return Class::Other("floating point numbers of an odd format"),
    };
    match bits & 0x40 {
        0 => Class::Float(dtype),
        _ => Class::Other("floating point numbers in VAX order"),
    }
}

/// An enumeration counts as the integers that it is made of.
fn enumeration(file: &File, body: &Bytes) -> Result<Class> {
    let base = match body.first().map(|head| head & 0xf) {
        // Not read recursively: nothing but an integer has names.
        Some(0) => read(file, body.clone())?,
        _ => return Ok(Class::Other("an enumeration of other things than integers")),
    };
    let names = body.get(12..).unwrap_or_default();
    let boolean = base.size == 1 && (names.starts_with(b"FALSE\0\0\0TRUE\0") || names.starts_with(b"FALSE\0TRUE\0"));
    Ok(if boolean { Class::Bool } else { base.class })
}

fn variable(file: &File, bits: u64, base: &Bytes) -> Result<Class> {
    let characters = || -> Result<bool> {
        // MATLAB writes its field names as sequences of texts of one character.
        let text = base.first().is_some_and(|head| head & 0xf == 3);
        Ok(text && read(file, base.clone())?.size == 1)
    };
    Ok(match bits & 0xf {
        1 => Class::VariableText,
        0 if characters()? => Class::VariableText,
        _ => Class::Other("sequences of varying length"),
    })
}
