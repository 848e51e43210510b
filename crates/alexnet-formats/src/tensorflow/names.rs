//! The names of files and of variables.

use crate::{Error, Limits, Result, Source};

/// What `tf.train.Checkpoint` puts behind the path of a variable.
const VALUE: &str = "/.ATTRIBUTES/VARIABLE_VALUE";
/// What stands between a variable's path and that of a variable which an optimizer keeps for it.
const SLOT: &str = "/.OPTIMIZER_SLOT/";

/// A variable's own name: what `tf.train.Checkpoint` adds is taken off.
pub(super) fn plain(key: &str) -> &str {
    key.strip_suffix(VALUE).unwrap_or(key)
}

/// Whether a variable belongs to training alone: an optimizer's own, or one that is kept for another variable. `known` says
/// whether there is a variable of a name; only what is kept for one lies below it, as in `conv1/weights/Momentum`.
pub(super) fn is_training_state(name: &str, known: impl Fn(&str) -> bool) -> bool {
    name.contains(SLOT)
        || name.split('/').next() == Some("optimizer")
        || name.match_indices('/').any(|(at, _)| name.get(..at).is_some_and(&known))
}

/// `model.ckpt-5` for `model.ckpt-5.index`.
pub(super) fn prefix(index: &Source) -> Result<String> {
    let name = index.file_name();
    name.strip_suffix(".index").map(str::to_owned).ok_or_else(|| {
        Error::refused("is a TensorFlow index that isn't called so, and its data would be called after it")
            .with_remedy("renaming it to NAME.index beside NAME.data-00000-of-00001")
    })
}

pub(super) fn shard(prefix: &str, number: u64, count: u64) -> String {
    format!("{prefix}.data-{number:05}-of-{count:05}")
}

/// Whether a file is called as a part of a checkpoint that holds elements alone.
pub(crate) fn is_data_file(name: &str) -> bool {
    let digits = |text: &str| text.len() >= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = name.rsplit_once(".data-").and_then(|(_, numbers)| numbers.split_once("-of-"));
    numbers.is_some_and(|(shard, count)| digits(shard) && digits(count))
}

/// Whether a text is the file `checkpoint`, which names the newest checkpoint of a folder.
pub(crate) fn is_state_file(bytes: &[u8]) -> bool {
    bytes.starts_with(b"model_checkpoint_path:")
}

/// The index that a folder is read from: the one that its file `checkpoint` names, or its only one.
///
/// Errs where there are several, or the one named is missing.
pub(crate) fn prefix_in(files: &[Source], limits: &Limits) -> Result<Option<Source>> {
    let indices: Vec<&Source> = files.iter().filter(|file| file.file_name().ends_with(".index")).collect();
    let state = files.iter().find(|file| file.file_name() == "checkpoint" && is_state_file(&file.bytes()));
    if let Some(state) = state {
        let name = newest(&state.bytes(), limits).ok_or_else(|| {
            Error::malformed("names no checkpoint").at("checkpoint").with_remedy("one of the folder's .index files")
        })?;
        let found = indices.iter().find(|index| index.file_name() == format!("{name}.index"));
        return found.map(|index| Some((*index).clone())).ok_or_else(|| {
            let name = crate::shown::shown(name.as_bytes());
            Error::refused(format!("the file `checkpoint` names `{name}`, but there is no `{name}.index`"))
                .with_remedy("one of the folder's .index files")
        });
    }
    match indices.as_slice() {
        [] => Ok(None),
        [index] => Ok(Some((*index).clone())),
        [first, .., last] => Err(Error::ambiguous(
            format!("the folder has {} checkpoints, `{}` to `{}`", indices.len(), first.file_name(), last.file_name()),
            "one of its .index files",
        )),
    }
}

/// What `model_checkpoint_path: "..."` names, without the folders that it may have had on another machine.
fn newest(state: &[u8], limits: &Limits) -> Option<String> {
    let line = state.split(|byte| *byte == b'\n').next()?;
    let quoted = std::str::from_utf8(line.get(..limits.name_bytes).unwrap_or(line)).ok()?.split_once('"')?.1;
    let path = quoted.split('"').next()?;
    path.rsplit(['/', '\\']).next().map(str::to_owned)
}
