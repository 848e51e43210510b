/// A name from a file as it may stand in a message: one line, printable, at most 120 characters.
pub(crate) fn shown(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name.get(..480).unwrap_or(name));
    let escaped = text.escape_debug().to_string();
    match escaped.char_indices().nth(120) {
        Some((end, _)) => format!("{}...", escaped.get(..end).unwrap_or_default()),
        None => escaped,
    }
}
