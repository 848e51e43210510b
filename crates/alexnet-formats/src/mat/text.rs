use super::element::{Element, INT8, UINT8, UINT16, UTF8, UTF16, UTF32};
use super::header::Order;
use crate::{Error, Result};

/// The rows of an array of characters of `shape`, which is stored column by column.
pub(super) fn rows(shape: &[usize], element: &Element, order: Order) -> Result<Vec<String>> {
    let bytes = &element.bytes;
    let count = super::number::elements(shape)?;
    let height = shape.first().copied().unwrap_or_default();
    match element.kind {
        // MATLAB's characters are units of UTF-16, whatever the element's type is called.
        UINT16 | UTF16 => {
            let units: Vec<u16> = bytes.as_chunks().0.iter().map(|unit| order.u16(*unit)).collect();
            expect(units.len(), count)?;
            Ok(rows_of(&units, height))
        }
        INT8 | UINT8 | UTF8 => {
            let text = String::from_utf8_lossy(bytes);
            let units: Vec<u16> = text.encode_utf16().collect();
            let characters: Vec<char> = text.chars().collect();
            // Others than MATLAB count characters, or even bytes.
            if units.len() == count {
                Ok(rows_of(&units, height))
            } else if characters.len() == count {
                Ok(by_row(&characters, height).map(|row| row.into_iter().collect()).collect())
            } else {
                expect(bytes.len(), count)?;
                match height {
                    1 => Ok(vec![text.into_owned()]),
                    _ => Err(Error::malformed("several rows of text in UTF-8 whose bytes are counted")),
                }
            }
        }
        UTF32 => {
            let code = |unit: &[u8; 4]| char::from_u32(order.u32(*unit)).unwrap_or(char::REPLACEMENT_CHARACTER);
            let characters: Vec<char> = bytes.as_chunks().0.iter().map(code).collect();
            expect(characters.len(), count)?;
            Ok(by_row(&characters, height).map(|row| row.into_iter().collect()).collect())
        }
        kind => Err(Error::malformed(format!("text in an element of type {kind}"))),
    }
}

fn expect(found: usize, count: usize) -> Result<()> {
    match found == count {
        true => Ok(()),
        false => Err(Error::malformed(format!("a text of {count} characters, but there are {found}"))),
    }
}

/// The rows of `height` of an array of MATLAB's characters.
pub(super) fn rows_of(units: &[u16], height: usize) -> Vec<String> {
    by_row(units, height).map(|row| String::from_utf16_lossy(&row)).collect()
}

fn by_row<T: Copy>(units: &[T], height: usize) -> impl Iterator<Item = Vec<T>> {
    // Rows without a character are none: there may be any number of them.
    let height = if units.is_empty() { 0 } else { height };
    (0..height).map(move |row| units.iter().skip(row).step_by(height).copied().collect())
}
