//! What `torch.jit.save` writes: the zip of [`pytorch_zip`] with the members `constants.pkl` and `code/`
//! beside `data.pkl`. The program in `code/` is never looked at, let alone run: the tensors hang on the pickled modules.

use super::{Format, pytorch_zip};
use crate::archive::Archive;
use crate::{Checkpoint, Limits, Result, Source};

pub(super) const FORMAT: Format =
    Format { name: "torchscript", about: "torch.jit.save, traced or scripted", recognises, read };

fn recognises(source: &Source, limits: &Limits) -> bool {
    Archive::recognises(&source.bytes())
        && Archive::open(source.bytes(), limits).is_ok_and(|archive| {
            let folder = archive.names().find_map(pytorch_zip::folder);
            folder.is_some_and(|folder| archive.contains(&format!("{folder}constants.pkl")))
        })
}

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    pytorch_zip::read_as(FORMAT.name, source, limits)
}
