use crate::{Error, Result};

/// Checks the checksum with which the structures of HDF5 1.8 and later end.
pub(super) fn check_last_four(bytes: &[u8], what: &str) -> Result<()> {
    let Some((content, stored)) = bytes.split_last_chunk::<4>() else {
        return Err(Error::malformed(format!("a {what} of {} bytes", bytes.len())));
    };
    match lookup3(content) == u32::from_le_bytes(*stored) {
        true => Ok(()),
        false => Err(Error::malformed(format!("the {what}'s checksum is wrong"))
            .with_remedy("getting the file again: it is damaged")),
    }
}

/// Bob Jenkins' `hashlittle` of 2006, seeded with 0.
fn lookup3(bytes: &[u8]) -> u32 {
    let seed = 0xdead_beef_u32.wrapping_add(bytes.len() as u32);
    let (mut a, mut b, mut c) = (seed, seed, seed);
    let blocks = bytes.chunks(12);
    let last = blocks.len().saturating_sub(1);
    for (index, block) in blocks.enumerate() {
        let mut words = [0u8; 12];
        words.iter_mut().zip(block).for_each(|(word, byte)| *word = *byte);
        let mut words = words.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
        let mut next = || words.next().unwrap_or_default();
        a = a.wrapping_add(next());
        b = b.wrapping_add(next());
        c = c.wrapping_add(next());
        if index == last {
            break;
        }
        for (rotation, step) in [4, 6, 8, 16, 19, 4].into_iter().enumerate() {
            let (x, y, z) = match rotation {
                0 | 3 => (&mut a, &mut c, &mut b),
                1 | 4 => (&mut b, &mut a, &mut c),
                _ => (&mut c, &mut b, &mut a),
            };
            *x = x.wrapping_sub(*y) ^ y.rotate_left(step);
            *y = y.wrapping_add(*z);
        }
    }
    if !bytes.is_empty() {
        for (rotation, step) in [14, 11, 25, 16, 4, 14, 24].into_iter().enumerate() {
            let (x, y) = match rotation {
                0 | 3 | 6 => (&mut c, &b),
                1 | 4 => (&mut a, &c),
                _ => (&mut b, &a),
            };
            *x = (*x ^ *y).wrapping_sub(y.rotate_left(step));
        }
    }
    c
}

/// The checksum of the Fletcher-32 filter, over words of two bytes, the first byte the high one.
pub(super) fn fletcher32(bytes: &[u8]) -> u32 {
    let fold = |sum: u32| (sum & 0xffff).wrapping_add(sum >> 16);
    let (mut low, mut high) = (0u32, 0u32);
    // After 360 words the sums have to be folded, or they overflow.
    for run in bytes.chunks(720) {
        for word in run.chunks(2) {
            let byte = |index: usize| u32::from(word.get(index).copied().unwrap_or_default());
            low = low.wrapping_add(byte(0) << 8 | byte(1));
            high = high.wrapping_add(low);
        }
        (low, high) = (fold(low), fold(high));
    }
    (low, high) = (fold(low), fold(high));
    high << 16 | low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookup3_is_as_its_author_prints_it() {
        // The driver5 of lookup3.c.
        assert_eq!(lookup3(b""), 0xdead_beef);
        assert_eq!(lookup3(b"Four score and seven years ago"), 0x1777_0551);
    }
}
