use super::block::{self, Handle};
use crate::input::Input;
use crate::{Error, Limits, Result};
use bytes::Bytes;

/// The last bytes of every table: 0xdb4775248b80fb57.
const MAGIC: [u8; 8] = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
/// Two handles of at most 20 bytes each, filled up with zeros, and the magic number.
const FOOTER: usize = 48;

/// Whether a file ends as LevelDB's tables do.
pub(crate) fn is_table(bytes: &[u8]) -> bool {
    bytes.len() >= FOOTER && bytes.ends_with(&MAGIC)
}

/// Hands the keys and values of a table to `each`, in their order.
///
/// Errs where the file contradicts itself, keys aren't in ascending order, and as `each` does.
pub(super) fn entries(table: &Bytes, limits: &Limits, each: &mut dyn FnMut(&[u8], Bytes) -> Result<()>) -> Result<()> {
    let footer = table.len().checked_sub(FOOTER).filter(|_| is_table(table));
    let footer = footer.ok_or_else(|| Error::malformed("doesn't end as a LevelDB table does"))?;
    let mut footer = Input::new(table.slice(footer..));
    Handle::read(&mut footer)?; // Of blocks about blocks, which TensorFlow leaves empty.
    let index = Handle::read(&mut footer)?.open(table).map_err(|error| error.at("the table's index"))?;

    let (mut previous, mut sum): (Option<Vec<u8>>, usize) = (None, 0);
    let mut blocks = 0usize;
    block::entries(&index, limits, &mut |_, handle| {
        blocks = blocks.saturating_add(1);
        if blocks > limits.entries {
            return Err(Error::limit("entries", "a table with more blocks", limits.entries));
        }
        let block = Handle::read(&mut Input::new(handle))?.open(table)?;
        block::entries(&block, limits, &mut |key, value| {
            if previous.as_deref().is_some_and(|previous| previous >= key) {
                return Err(Error::malformed("the table's keys aren't in ascending order"));
            }
            // A key can repeat all of a long one before it in three bytes.
            sum = sum.saturating_add(key.len());
            if sum > limits.header_bytes {
                return Err(Error::limit("header_bytes", "a table with more bytes of keys", limits.header_bytes));
            }
            each(key, value)?;
            previous = Some(key.to_vec());
            Ok(())
        })
    })
}
