use super::checksum;
use crate::input::Input;
use crate::protobuf::varint;
use crate::{Error, Limits, Result};
use bytes::Bytes;

/// Where a block lies in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handle {
    offset: u64,
    length: u64,
}

/// What follows a block's content: how it is compressed, and a checksum.
const TRAILER: u64 = 5;

impl Handle {
    pub fn read(input: &mut Input) -> Result<Handle> {
        Ok(Handle { offset: varint(input)?, length: varint(input)? })
    }

    /// The block's content, checked against its checksum.
    pub fn open(self, table: &Bytes) -> Result<Bytes> {
        let Handle { offset, length } = self;
        let place = |error: Error| error.at(format!("block at byte {offset}"));
        let mut input = Input::new(table.clone());
        input.take(offset, "what comes before it").map_err(place)?;
        let content = input.take(length, "a block").map_err(place)?;
        let mut trailer = Input::new(input.take(TRAILER, "its checksum").map_err(place)?);
        let compression = trailer.byte()?;
        checksum::check(&[&content, &[compression]], u32::from_le_bytes(trailer.array()?)).map_err(place)?;
        match compression {
            0 => Ok(content),
            1 => Err(place(
                Error::refused("is compressed by Snappy, which TensorFlow doesn't do in an index")
                    .with_remedy("saving the checkpoint again with tf.train.Saver or tf.train.Checkpoint"),
            )),
            other => Err(place(Error::malformed(format!("is compressed by method {other}, which doesn't exist")))),
        }
    }
}

/// Hands the keys and values of a block to `each`. Keys leave out what they share with the one before.
pub(super) fn entries(
    content: &Bytes,
    limits: &Limits,
    each: &mut dyn FnMut(&[u8], Bytes) -> Result<()>,
) -> Result<()> {
    // At the end: the offsets of the keys that are whole, for those who search; and how many there are.
    let restarts = content.last_chunk::<4>().map(|count| u64::from(u32::from_le_bytes(*count)));
    let index = restarts.and_then(|count| count.checked_add(1)?.checked_mul(4));
    let length = index.and_then(|index| (content.len() as u64).checked_sub(index));
    let length = length.ok_or_else(|| Error::malformed("a block ends within its own index"))?;
    let mut input = Input::new(Input::new(content.clone()).take(length, "a block")?);
    let mut key: Vec<u8> = Vec::new();
    while input.left() > 0 {
        let [shared, own, length] = [varint(&mut input)?, varint(&mut input)?, varint(&mut input)?];
        let Some(shared) = usize::try_from(shared).ok().filter(|shared| *shared <= key.len()) else {
            return Err(Error::malformed(format!("a key shares {shared} bytes with one of {}", key.len())));
        };
        key.truncate(shared);
        key.extend_from_slice(&input.take(own, "a key")?);
        if key.len() > limits.name_bytes {
            return Err(Error::limit("name_bytes", format!("a key of {} bytes", key.len()), limits.name_bytes));
        }
        each(&key, input.take(length, "a value")?)?;
    }
    Ok(())
}
