//! Python's pickles, protocols 0 to 5, read without Python: one restricted machine for every pickled format.
//!
//! The opcodes are those of CPython's `Lib/pickletools.py`. Nothing is ever called or imported. A global is a pair of names;
//! "calling" one of the few that are known ([`reduce`]) makes one of our own values, and anything else becomes an
//! [`Instance`] that keeps its class, arguments and state for whoever wants to look at them. There is no other mode.
//!
//! Objects live in one [`Heap`] and refer to each other by index: they may contain themselves, and neither dropping nor
//! searching them recurses. Strings and arrays are slices of the file. What goes against the grammar (an empty stack, a
//! missing mark, an item set on what is no dictionary) is an error that names the byte and the opcode.
//!
//! Not supported: extension codes and out-of-band buffers, which only have a meaning outside the file.

mod array;
mod build;
mod heap;
mod literal;
mod machine;
mod number;
mod opcode;
mod rebuild;
mod reduce;
mod stack;
mod storage;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use array::{Array, ArrayData, ArrayType};
pub(crate) use heap::{Heap, Instance, Object, Value};
pub(crate) use machine::{no_persistent_ids, run};
pub(crate) use rebuild::TensorParts;
pub(crate) use storage::{Element, Held, Storage};
