//! A look at a model's wire format before anything is allocated for it.
//!
//! Decoding turns a two-byte empty message into a struct of hundreds of bytes, and one byte of a packed list into an
//! eight-byte number. So the fields are counted first, which takes no memory, and a file that would grow out of
//! proportion is refused. The format is described in protobuf's "Encoding" guide.

use crate::{Error, Result};

/// Fields of all messages together. AlexNet's graph has some two thousand, a ResNet-152 a hundred thousand.
const MAX_FIELDS: u64 = 1 << 18;
/// Bytes in packed lists of integers. Weights are raw bytes; lists hold shapes and pads.
const MAX_PACKED: u64 = 1 << 24;
/// Messages within messages: a model, its graph, a node, its attribute, a tensor, an entry make six.
const MAX_DEPTH: u64 = 24;

/// The schema's messages. Each that can hold others is listed with all of them: what the decoder builds is counted.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    SparseTensor,
    ValueInfo,
    Type,
    TensorType,
    SequenceType,
    MapType,
    Shape,
    Function,
    Training,
    Annotation,
    NodeDevice,
    Sharding,
    ShardedDim,
    IndexMap,
    /// A message that holds no others.
    Leaf,
}

/// What a field with a length holds.
enum Content {
    Message(Message),
    /// Integers of variable length.
    Packed,
    /// Bytes, text, floats, or something that the schema doesn't know.
    Opaque,
}

fn content(message: Message, field: u64) -> Content {
    use Message::*;
    Content::Message(match (message, field) {
        (Model, 7) | (Training, 1 | 2) | (Attribute, 6 | 11) => Graph,
        (Model, 20) => Training,
        (Model, 25) => Function,
        (Graph, 1) | (Function, 7) => Node,
        (Graph, 5) | (Attribute, 5 | 10) | (SparseTensor, 1 | 2) => Tensor,
        (Graph, 11..=13) | (Function, 12) => ValueInfo,
        (Graph, 14) => Annotation,
        (Graph, 15) | (Attribute, 22 | 23) => SparseTensor,
        (Node, 5) | (Function, 11) => Attribute,
        (Node, 10) => NodeDevice,
        (ValueInfo, 2) | (Attribute, 14 | 15) | (SequenceType, 1) | (MapType, 2) => Type,
        (Type, 1 | 8) => TensorType,
        (Type, 4 | 9) => SequenceType,
        (Type, 5) => MapType,
        (TensorType, 2) => Shape,
        (NodeDevice, 2) => Sharding,
        (Sharding, 3) => IndexMap,
        (Sharding, 4) => ShardedDim,
        (Model, 8 | 14 | 26) | (Training, 3 | 4) | (Function, 9 | 14) | (Graph, 16) | (Node, 9) => Leaf,
        (ValueInfo, 4) | (Tensor, 3 | 13 | 16) | (Annotation, 2) | (Type, 7) | (Shape, 1) | (ShardedDim, 2) => Leaf,
        (Attribute, 8) | (Tensor, 1 | 5 | 7 | 11) | (SparseTensor, 3) | (Sharding | IndexMap, 2) => {
            return Content::Packed;
        }
        _ => return Content::Opaque,
    })
}

/// Errs where the bytes aren't a sequence of well-formed fields, or exceed a limit; the error names the byte.
pub(crate) fn check(bytes: &[u8]) -> Result<()> {
    let mut scan = Scan { bytes, at: 0, fields: 0, packed: 0 };
    scan.message(Message::Model, bytes.len(), 0)
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    fields: u64,
    packed: u64,
}

impl Scan<'_> {
    fn message(&mut self, message: Message, end: usize, depth: u64) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(self.limit(format!("messages are nested {depth} deep"), MAX_DEPTH));
        }
        while self.at < end {
            let start = self.at;
            self.fields += 1;
            if self.fields > MAX_FIELDS {
                return Err(self.limit("the model has more fields than a graph needs".into(), MAX_FIELDS));
            }
            let key = self.varint(end)?;
            let field = key >> 3;
            if field == 0 || field > u64::from(u32::MAX >> 3) {
                return Err(fault(start, format!("field number {field}: this is not an ONNX model, or it is damaged")));
            }
            match key & 7 {
                0 => {
                    self.varint(end)?;
                }
                1 => self.skip(8, end)?,
                5 => self.skip(4, end)?,
                2 => {
                    let length = self.varint(end)?;
                    let stop = usize::try_from(length)
                        .ok()
                        .and_then(|length| self.at.checked_add(length))
                        .filter(|stop| *stop <= end)
                        .ok_or_else(|| {
                            let left = end.saturating_sub(self.at);
                            fault(start, format!("field {field} claims {length} bytes, but {left} are left"))
                        })?;
                    match content(message, field) {
                        Content::Message(inner) => self.message(inner, stop, depth + 1)?,
                        Content::Opaque => self.at = stop,
                        Content::Packed => {
                            self.packed = self.packed.saturating_add(length);
                            if self.packed > MAX_PACKED {
                                return Err(self.limit("lists of integers take more bytes".into(), MAX_PACKED));
                            }
                            self.at = stop;
                        }
                    }
                }
                wire => {
                    let why =
                        format!("field {field} has wire type {wire}: this is not an ONNX model, or it is damaged");
                    return Err(fault(start, why));
                }
            }
        }
        Ok(())
    }

    fn varint(&mut self, end: usize) -> Result<u64> {
        let start = self.at;
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = self.bytes.get(self.at).filter(|_| self.at < end);
            let byte = *byte.ok_or_else(|| fault(start, "the file ends within a number".into()))?;
            self.at += 1;
            // The tenth byte holds the last of 64 bits.
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(fault(start, "a number is longer than 64 bits".into()))
    }

    fn skip(&mut self, count: usize, end: usize) -> Result<()> {
        let start = self.at;
        self.at = self
            .at
            .checked_add(count)
            .filter(|at| *at <= end)
            .ok_or_else(|| fault(start, "the file ends within a number".into()))?;
        Ok(())
    }

    fn limit(&self, message: String, limit: u64) -> Error {
        Error::Limit { place: format!("byte {}", self.at), message, limit }
    }
}

fn fault(at: usize, message: String) -> Error {
    Error::Malformed { place: format!("byte {at}"), message }
}
