//! Caffe's `.caffemodel`: a net in protocol buffers, with its layers' weights in it. All three generations of layers are read;
//! see [`caffe`](crate::caffe).

use super::Format;
use crate::caffe::{Net, Weights, checkpoint};
use crate::protobuf::{Message, Value};
use bytes::Bytes;

pub(super) const FORMAT: Format = Format {
    name: "caffe",
    about: "Caffe's .caffemodel: a net with its weights, of any generation",
    recognises: |source, _| recognises(source.bytes()),
    read: |source, limits| {
        let net = Net::from_binary(source.bytes(), limits)?;
        checkpoint(FORMAT.name, &Weights::of(&net)?, Some(&net), source, limits)
    },
};

/// More fields than any net has before its first layer.
const FIELDS_BEFORE_LAYERS: usize = 64;

/// A `NetParameter` up to its first layer. ONNX and TensorFlow begin with other types under these numbers, and their layers
/// have other fields.
fn recognises(bytes: Bytes) -> bool {
    let mut message = Message::new(bytes.clone());
    let mut at = 0;
    for _ in 0..FIELDS_BEFORE_LAYERS {
        let rest = bytes.slice(at..);
        if begins_with_layer(&rest) {
            return true;
        }
        let Ok(Some(field)) = message.field() else { return false };
        match (field.number, &field.value) {
            (1 | 3, Value::Bytes(text)) if std::str::from_utf8(text).is_ok_and(|t| !t.contains(char::is_control)) => {}
            (6 | 8, Value::Bytes(_)) | (4 | 5 | 7, Value::Varint(_)) => {}
            _ => return false,
        }
        at = message.position();
    }
    false
}

/// Whether the bytes begin with field 2 or 100 of a net whose content begins as a layer does. It may be cut off: what then
/// is wrong is said where it is read.
fn begins_with_layer(bytes: &[u8]) -> bool {
    let (rest, first): (&[u8], &[u8]) = match bytes {
        // `layer`: its name, its type or a blob that it reads or makes.
        [0xa2, 0x06, rest @ ..] => (rest, &[0x0a, 0x12, 0x1a, 0x22]),
        // `layers`: the older layer within, a blob that it reads or makes, or its name.
        [0x12, rest @ ..] => (rest, &[0x0a, 0x12, 0x1a, 0x22]),
        _ => return false,
    };
    let length = rest.iter().take(10).position(|byte| *byte < 0x80);
    let Some(content) = length.and_then(|last| rest.get(last.saturating_add(1)..)) else { return false };
    content.first().is_some_and(|tag| first.contains(tag))
}
