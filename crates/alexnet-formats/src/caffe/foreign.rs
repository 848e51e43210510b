//! Caffe's files that hold no weights, which people give in the caffemodel's place.

/// Text whose first word is a field of a net, with its value.
pub(crate) fn is_prototxt(bytes: &[u8]) -> bool {
    const FIRST: [&str; 6] = ["name", "layer", "layers", "input", "input_dim", "input_shape"];
    let text = String::from_utf8_lossy(bytes.get(..65_536).unwrap_or(bytes));
    let line = text.lines().map(str::trim_start).find(|line| !line.is_empty() && !line.starts_with('#'));
    let word = line.and_then(|line| line.split_once(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    word.is_some_and(|(word, _)| FIRST.contains(&word))
        && line.is_some_and(|line| line.contains([':', '{', '<']))
        && !text.contains('\0')
}

/// A lone blob of one image with three channels.
pub(crate) fn is_mean(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x08, 1, 0x10, 3, 0x18])
}

/// The iteration, then the name of the caffemodel.
pub(crate) fn is_solver_state(bytes: &[u8]) -> bool {
    let head = bytes.get(..512).unwrap_or(bytes);
    head.first() == Some(&0x08) && head.windows(11).any(|window| window == b".caffemodel")
}
