//! NumPy's `.npy` (`numpy/lib/format.py`, versions 1 to 3): a header that is a Python dictionary, then one array's elements
//! as they lie in memory, or, for an array of objects, a pickle of the array, which the restricted machine runs.
//!
//! Not supported: records (structured types), of which weights aren't made.

mod header;

use crate::input::Input;
use crate::pickle::{self, Array, ArrayData, Heap, Object, Value};
use crate::{Error, Result};
use bytes::Bytes;
use header::Header;

const MAGIC: &[u8] = b"\x93NUMPY";

/// Whether the bytes begin as an `.npy` does.
pub(crate) fn recognises(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// What an `.npy` holds, as a value of `heap`: an array, or what an array of one object has for its object.
///
/// Errs where header or pickle break their rules or a limit. Whether an array's shape suits its bytes is seen when it
/// becomes a tensor.
pub(crate) fn value(heap: &mut Heap, bytes: Bytes) -> Result<Value> {
    let mut input = Input::new(bytes);
    let header = Header::read(&mut input, heap.limits()).map_err(|error| error.at("the header of the .npy"))?;
    if header.kind.objects {
        let root = pickle::run(heap, &mut input, &mut pickle::no_persistent_ids)?;
        if input.left() > 0 {
            return Err(Error::malformed(format!("{} bytes after the pickle of its objects", input.left())));
        }
        return Ok(only_object(heap, root));
    }
    let content = input.take(input.left() as u64, "an array")?;
    let data = ArrayData::Bytes(heap.make(Object::Raw(content))?);
    let Header { kind, fortran, shape } = header;
    heap.make(Object::Array(Box::new(Array { shape, kind, fortran, data: Some(data) })))
}

/// `np.save` of a dictionary makes an array of no dimensions around it, and some wrote one of one element: what is meant is
/// the dictionary.
fn only_object(heap: &Heap, root: Value) -> Value {
    let Some(Object::Array(array)) = heap.get(root) else { return root };
    match array.data {
        Some(ArrayData::Objects(list)) => match heap.sequence(list) {
            Some([only]) => *only,
            _ => root,
        },
        _ => root,
    }
}
