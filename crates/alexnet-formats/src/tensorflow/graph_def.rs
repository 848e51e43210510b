//! TensorFlow's files that are no checkpoints, told from other protocol buffers by their first fields.

use crate::input::Input;
use crate::protobuf::varint;
use bytes::Bytes;

/// Whether this may be a `GraphDef`, as in a frozen `.pb`: its first node has a name and an operation.
pub(crate) fn is_graph(bytes: &[u8]) -> bool {
    let node = first(bytes, 1);
    let name = node.and_then(|(node, _)| first(node, 1));
    let operation = name.and_then(|(_, rest)| first(rest, 2));
    name.is_some_and(|(name, _)| is_word(name)) && operation.is_some_and(|(operation, _)| is_identifier(operation))
}

/// Whether this may be a `SavedModel` or, as in a `.meta`, one of the `MetaGraphDef`s in it.
pub(crate) fn is_saved_model(bytes: &[u8]) -> bool {
    let graph = match bytes {
        [0x08, 1, rest @ ..] => first(rest, 2).map(|(graph, _)| graph),
        _ => Some(bytes),
    };
    // It begins with a `MetaInfoDef`, that with the list of the operations, and each of these with its name.
    let path = [1, 2, 1, 1];
    let name = path.iter().try_fold(graph.unwrap_or_default(), |message, number| Some(first(message, *number)?.0));
    name.is_some_and(is_identifier)
}

fn is_word(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_graphic)
}

fn is_identifier(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_alphanumeric)
}

/// The content of the first field, as much as there is of it, and what comes after it; `None` where it isn't a message or
/// text of that number.
fn first(bytes: &[u8], number: u64) -> Option<(&[u8], &[u8])> {
    // A tag and a length have at most ten bytes each.
    let mut head = Input::new(Bytes::copy_from_slice(bytes.get(..20).unwrap_or(bytes)));
    let (tag, length) = (varint(&mut head).ok()?, varint(&mut head).ok()?);
    let content = bytes.get(head.position()..)?;
    let length = usize::try_from(length).ok()?;
    (tag == number << 3 | 2).then(|| content.split_at_checked(length).unwrap_or((content, &[])))
}
