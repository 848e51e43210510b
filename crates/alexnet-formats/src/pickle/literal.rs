//! What opcodes bring along: numbers, strings, and the names of classes.

use super::heap::{Heap, Object, Value};
use super::{number, opcode as op, text};
use crate::input::Input;
use crate::shown::shown;
use crate::{Error, Result};
use bytes::Bytes;

/// The number that `opcode` puts on the stack.
pub(super) fn number(heap: &mut Heap, input: &mut Input, opcode: u8) -> Result<Value> {
    let limit = heap.limits().name_bytes;
    Ok(match opcode {
        op::BININT => Value::Int(i32::from_le_bytes(input.array()?).into()),
        op::BININT1 => Value::Int(input.byte()?.into()),
        op::BININT2 => Value::Int(u16::from_le_bytes(input.array()?).into()),
        op::BINFLOAT => Value::Float(f64::from_be_bytes(input.array()?)),
        op::FLOAT => number::float(&input.line(limit, "name_bytes")?)?,
        op::LONG1 => {
            let length = input.byte()?;
            number::long(heap, input.take(length.into(), "an integer")?)?
        }
        op::LONG4 => {
            let length = i32::from_le_bytes(input.array()?);
            let length = u64::try_from(length).map_err(|_| Error::malformed("an integer of negative length"))?;
            number::long(heap, input.take(length, "an integer")?)?
        }
        _ => {
            let line = input.line(limit, "name_bytes")?;
            match (opcode, line.as_ref()) {
                (op::INT, b"00") => Value::Bool(false),
                (op::INT, b"01") => Value::Bool(true),
                _ => number::decimal(heap, &line)?,
            }
        }
    })
}

/// The string that `opcode` puts on the stack.
pub(super) fn string(heap: &Heap, input: &mut Input, opcode: u8) -> Result<Object> {
    let limit = heap.limits().string_bytes;
    let length = match opcode {
        op::STRING => return text::unquote(&input.line(limit, "string_bytes")?).map(Object::Raw),
        op::UNICODE => return text::raw_unicode(&input.line(limit, "string_bytes")?).map(Object::Text),
        op::SHORT_BINSTRING | op::SHORT_BINUNICODE | op::SHORT_BINBYTES => input.byte()?.into(),
        op::BINSTRING => {
            let length = i32::from_le_bytes(input.array()?);
            u64::try_from(length).map_err(|_| Error::malformed("a string of negative length"))?
        }
        op::BINUNICODE | op::BINBYTES => u32::from_le_bytes(input.array()?).into(),
        _ => u64::from_le_bytes(input.array()?),
    };
    let bytes = input.take(length, "a string")?;
    if bytes.len() > limit {
        return Err(Error::limit("string_bytes", format!("a string of {length} bytes"), limit));
    }
    match opcode {
        op::BINUNICODE | op::SHORT_BINUNICODE | op::BINUNICODE8 => text::utf8(bytes).map(Object::Text),
        _ => Ok(Object::Raw(bytes)),
    }
}

/// A class or function named by two lines.
pub(super) fn global_lines(heap: &mut Heap, input: &mut Input) -> Result<Value> {
    let limit = heap.limits().name_bytes;
    let module = text::utf8(input.line(limit, "name_bytes")?)?;
    let name = text::utf8(input.line(limit, "name_bytes")?)?;
    global(heap, module, name)
}

/// A class or function by names that can be ones.
pub(super) fn global(heap: &mut Heap, module: Bytes, name: Bytes) -> Result<Value> {
    let limit = heap.limits().name_bytes;
    for part in [&module, &name] {
        if part.len() > limit {
            return Err(Error::limit("name_bytes", format!("a name of {} bytes", part.len()), limit));
        }
        if part.is_empty() || part.iter().any(|byte| byte.is_ascii_control() || *byte == b' ') {
            return Err(Error::malformed(format!("`{}` is no name of a class", shown(part))));
        }
    }
    heap.make(Object::Global { module, name })
}
