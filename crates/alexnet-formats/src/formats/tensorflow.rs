//! TensorFlow's checkpoints as `tf.train.Saver` (version 2) and `tf.train.Checkpoint` write them: `NAME.index` with
//! `NAME.data-00000-of-00001` beside it, or the folder in which they lie; of a SavedModel the folder above `variables`.
//!
//! Partitioned variables are not joined. Checkpoints of version 1, frozen graphs and the graphs in `.meta` are not read.

use super::Format;
use crate::tensorflow::{is_table, prefix_in, read as read_bundle};
use crate::{Checkpoint, Error, Limits, Result, Source};

pub(super) const FORMAT: Format = Format {
    name: "tensorflow",
    about: "TensorFlow checkpoints of version 2: .index with its .data, or their folder",
    recognises,
    read,
};

fn recognises(source: &Source, _: &Limits) -> bool {
    match source.folder() {
        Some(files) => files.iter().any(|file| is_table(&file.bytes()) || file.file_name() == SAVED_MODEL),
        None => is_table(&source.bytes()),
    }
}

/// The graph of a SavedModel, beside which `variables/` lies.
const SAVED_MODEL: &str = "saved_model.pb";

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let Some(files) = source.folder() else {
        return Ok(Checkpoint::new(FORMAT.name, read_bundle(source, limits)?));
    };
    let index = match prefix_in(files, limits)? {
        Some(index) => index,
        None if files.iter().any(|file| file.file_name() == SAVED_MODEL) => {
            Source::open(source.path().join("variables").join("variables.index"), limits)
                .map_err(|error| error.with_remedy("getting the SavedModel again: its variables are missing"))?
        }
        None => return Err(Error::refused("a folder of LevelDB tables, none of which is an .index of TensorFlow's")),
    };
    let groups = read_bundle(&index, limits).map_err(|error| error.in_file(index.file_name()))?;
    let mut checkpoint = Checkpoint::new(FORMAT.name, groups);
    checkpoint.notes.push(format!("of the folder, {} was read", index.file_name()));
    Ok(checkpoint)
}
