use super::options::Section;
use crate::shown::shown;
use crate::{Error, Limits, Result};

/// Whether a text is a `.cfg`: its first line that says anything opens the section `[net]`.
pub(crate) fn is_cfg(bytes: &[u8]) -> bool {
    let head = bytes.get(..4096).unwrap_or(bytes);
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.find(|line| !matches!(line, [] | [b'#' | b';', ..]));
    matches!(first, Some(b"[net]" | b"[network]"))
}

/// The sections of a `.cfg`, as `read_cfg` finds them: blanks count nowhere, and lines that begin with `#` or `;` are
/// comments.
pub(super) fn parse(bytes: &[u8], limits: &Limits) -> Result<Vec<Section>> {
    if bytes.len() > limits.header_bytes {
        return Err(Error::limit("header_bytes", format!("a .cfg of {} bytes", bytes.len()), limits.header_bytes));
    }
    let mut sections: Vec<Section> = Vec::new();
    for (number, line) in (1usize..).zip(bytes.split(|byte| *byte == b'\n')) {
        let place = |error: Error| error.at(format!("line {number}"));
        let text = std::str::from_utf8(line).ok().filter(|text| !text.contains('\0'));
        let text = text.ok_or_else(|| place(Error::malformed("is no text").with_remedy("the .cfg for --cfg")))?;
        let text: String = text.chars().filter(|c| !matches!(c, ' ' | '\t' | '\r')).collect();
        match text.as_bytes() {
            [] | [b'#' | b';', ..] => {}
            [b'[', ..] => {
                let name = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
                let name = name.ok_or_else(|| {
                    place(Error::malformed(format!("a section that isn't closed: `{}`", shown(text.as_bytes()))))
                })?;
                if sections.len() > limits.tensors {
                    return Err(place(Error::limit("tensors", "a .cfg with more sections", limits.tensors)));
                }
                sections.push(Section::new(name, sections.len()));
            }
            _ => {
                let (option, section) = text.split_once('=').zip(sections.last_mut()).ok_or_else(|| {
                    let seen = shown(text.as_bytes());
                    place(
                        Error::malformed(format!("`{seen}` is neither a section nor an option of one"))
                            .with_remedy("the .cfg for --cfg"),
                    )
                })?;
                section.push(option.0, option.1).map_err(place)?;
            }
        }
    }
    Ok(sections)
}
