//! The containers that checkpoints come in. A format is one file here and one line in [`FORMATS`]; it knows bytes and
//! names, and nothing of AlexNet.

mod caffe;
mod caffe_h5;
mod cuda_convnet;
mod darknet;
mod flax_msgpack;
mod foreign;
mod gzipped;
mod hdf5;
mod keras3;
mod keras_h5;
mod matlab;
mod mxnet;
mod npy;
mod npz;
mod onnx;
mod pickle;
mod pytorch;
mod pytorch_legacy;
mod pytorch_tar;
mod pytorch_zip;
mod safetensors;
mod tensorflow;
mod theano;
mod torch7;
mod torchscript;
mod zipped;

#[cfg(feature = "onnx")]
pub use onnx::{onnx_checkpoint, onnx_rounded_checkpoint};

pub(crate) use self::pytorch::{Seen, Storages};
use crate::{Checkpoint, Limits, Result, Source};

/// A container: how it is recognised, and how it is read.
#[derive(Debug)]
pub struct Format {
    /// The name in reports and provenance: `pytorch-zip`.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Whether the content is of this format. Looks at the content alone and at little of it.
    pub(crate) recognises: fn(&Source, &Limits) -> bool,
    /// Reads it.
    pub(crate) read: fn(&Source, &Limits) -> Result<Checkpoint>,
}

impl Format {
    /// Reads a source as this format, whatever it looks like.
    ///
    /// Errs as [`open`] does.
    pub fn read(&self, source: &Source, limits: &Limits) -> Result<Checkpoint> {
        believed((self.read)(source, limits)).map_err(|error| error.in_file(source.file_name()))
    }
}

/// Every format that is read; the first that recognises the content reads it.
pub const FORMATS: &[&Format] = &[
    // Version 7.3 is an HDF5 file behind a header of its own: this comes before all that read HDF5.
    &matlab::FORMAT,
    &torchscript::FORMAT,
    &keras3::FORMAT,
    &pytorch_zip::FORMAT,
    &pytorch_legacy::FORMAT,
    &pytorch_tar::FORMAT,
    &theano::FORMAT,
    &npz::FORMAT,
    &zipped::FORMAT,
    &safetensors::FORMAT,
    &keras_h5::FORMAT,
    &caffe_h5::FORMAT,
    &hdf5::FORMAT,
    &npy::FORMAT,
    &onnx::FORMAT,
    &caffe::FORMAT,
    &flax_msgpack::FORMAT,
    &mxnet::FORMAT,
    &gzipped::FORMAT,
    &cuda_convnet::FORMAT,
    &pickle::FORMAT,
    &tensorflow::FORMAT,
    &torch7::FORMAT,
    &darknet::FORMAT,
];

/// Reads a checkpoint of any of the [`FORMATS`], told apart by content, never by extension.
///
/// Errs where the content is of no known format or contradicts its own, holds no tensors, or exceeds a limit. What can't be
/// converted (sparse, quantised, complex tensors) is no error yet: it stands apart in its [`Group`](crate::Group).
///
/// ```
/// use alexnet_formats::{Limits, Source, open};
///
/// let limits = Limits::default();
/// let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pytorch/nested.pth");
/// let checkpoint = open(&Source::open(path, &limits)?, &limits)?;
/// assert_eq!(checkpoint.format, "pytorch-zip");
/// assert_eq!(checkpoint.groups[0].key, "net.model");
/// let bias = checkpoint.groups[0].get("classifier.6.bias").unwrap();
/// assert_eq!(bias.shape(), [10]);
/// # Ok::<(), alexnet_formats::Error>(())
/// ```
pub fn open(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    believed(read(source, limits)).map_err(|error| error.in_file(source.file_name()))
}

/// As [`open`], without a pass over the tensors' bytes: what the file states of them is left in [`Checkpoint::checksums`].
/// For who passes over them anyway, and calls [`Checkpoint::verify_checksums`] before anything is believed.
///
/// Errs as [`open`] does.
pub fn open_unread(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    read(source, limits).map_err(|error| error.in_file(source.file_name()))
}

/// A checkpoint whose checksums are those of its bytes.
fn believed(read: Result<Checkpoint>) -> Result<Checkpoint> {
    let mut checkpoint = read?;
    checkpoint.verify_checksums()?;
    checkpoint.checksums.clear();
    Ok(checkpoint)
}

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    match FORMATS.iter().find(|format| (format.recognises)(source, limits)) {
        Some(format) => {
            let mut checkpoint = (format.read)(source, limits)?;
            for (option, whose) in left_aside(source, checkpoint.format) {
                let note = format!("{option} is left aside: it describes {whose}, and this is {}", checkpoint.format);
                if !checkpoint.notes.contains(&note) {
                    checkpoint.notes.push(note);
                }
            }
            Ok(checkpoint)
        }
        None => Err(foreign::refuse(source, limits)),
    }
}

/// The files that were given beside a source of a format that has no use for them: the option that gives each, and whose
/// weights it describes.
pub fn left_aside(source: &Source, format: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let companions = [
        ("--prototxt", source.prototxt(), "Caffe's weights", [caffe::FORMAT.name, caffe_h5::FORMAT.name].as_slice()),
        ("--cfg", source.cfg(), "Darknet's weights", &[darknet::FORMAT.name]),
    ];
    let aside = companions
        .map(|(option, given, whose, users)| (given.is_some() && !users.contains(&format)).then_some((option, whose)));
    aside.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_file_is_registered() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/formats")).unwrap();
        let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let files: BTreeSet<String> = names.filter_map(|name| Some(name.strip_suffix(".rs")?.to_owned())).collect();
        // The registry itself, and what isn't read.
        let others = ["mod", "foreign"].map(str::to_owned);
        let registered = FORMATS.iter().map(|format| format.name.replace('-', "_")).chain(others).collect();
        assert_eq!(files, registered);
    }
}
