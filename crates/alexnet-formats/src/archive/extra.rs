use crate::{Error, Result};

/// The 64-bit values of a header's zip64 field (APPNOTE 4.5.3), in the order in which they stand.
///
/// Errs where the extra fields don't fill their space exactly, or there are two of zip64.
pub(super) fn zip64(extra: &[u8]) -> Result<Vec<u64>> {
    let mut found = None;
    let mut rest = extra;
    // Aligners leave up to three bytes that are no field.
    while rest.len() >= 4 {
        let (kind, tail) = rest.split_at(2);
        let (length, tail) = tail.split_at(2);
        let length = usize::from(u16::from_le_bytes([byte(length, 0), byte(length, 1)]));
        if length > tail.len() {
            return Err(Error::malformed("an extra field that reaches beyond the others"));
        }
        let (content, tail) = tail.split_at(length);
        if kind == [1, 0] && found.replace(content).is_some() {
            return Err(Error::malformed("two zip64 fields"));
        }
        rest = tail;
    }
    let (values, _) = found.unwrap_or_default().as_chunks::<8>();
    Ok(values.iter().map(|value| u64::from_le_bytes(*value)).collect())
}

fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}
