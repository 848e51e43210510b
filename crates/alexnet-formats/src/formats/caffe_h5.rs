//! Caffe's `.caffemodel.h5` (`Net::ToHDF5` of `src/caffe/net.cpp`): in `/data` a group for each layer, with its blobs by
//! number. There is no net in it: `--prototxt` has that. Blobs that layers share are written once. `/diff`, the gradients, is
//! left alone.

use super::Format;
use crate::caffe::{Blob, Weights, checkpoint};
use crate::hdf5::{File, Object};
use crate::shown::shown;
use crate::{Checkpoint, Error, Limits, Result, Source};

pub(super) const FORMAT: Format = Format {
    name: "caffe-h5",
    about: "Caffe's .caffemodel.h5: weights by layer, with --prototxt the net",
    recognises: |source, limits| {
        let blobs = |file: File| {
            let mut datasets = file.root()?.get("data")?.map_or(Ok(Vec::new()), |data| data.datasets())?;
            Ok::<_, Error>(!datasets.is_empty() && datasets.drain(..).all(|(path, _)| is_blob(&path)))
        };
        File::open(source.bytes(), limits).and_then(blobs).unwrap_or(false)
    },
    read,
};

/// `conv1/0`; a layer's name may have slashes in it.
fn is_blob(path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(_, number)| number.parse::<usize>().is_ok())
}

fn read(source: &Source, limits: &Limits) -> Result<Checkpoint> {
    let file = File::open(source.bytes(), limits)?;
    let data = file.root()?.get("data")?.ok_or_else(|| Error::malformed("there is no group `data`"))?;
    let mut layers: Vec<(String, Vec<Blob>)> = Vec::new();
    collect(&data, &mut layers, limits)?;
    checkpoint(FORMAT.name, &Weights::new(layers)?, None, source, limits)
}

/// The blobs of every layer, by number from 0 on.
fn collect(data: &Object<'_>, layers: &mut Vec<(String, Vec<Blob>)>, limits: &Limits) -> Result<()> {
    let datasets = data.datasets()?;
    if datasets.len() > limits.tensors {
        return Err(Error::limit("tensors", format!("{} blobs", datasets.len()), limits.tensors));
    }
    let mut blobs: Vec<(String, usize, Object<'_>)> = Vec::new();
    for (path, dataset) in datasets {
        let parts = path.rsplit_once('/').and_then(|(layer, number)| Some((layer.to_owned(), number.parse().ok()?)));
        let (layer, number) =
            parts.ok_or_else(|| Error::malformed(format!("`data/{}` is no blob", shown(path.as_bytes()))))?;
        blobs.push((layer, number, dataset));
    }
    blobs.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    for (layer, number, dataset) in blobs {
        let place = format!("`data/{}/{number}`", shown(layer.as_bytes()));
        let tensor = dataset.data().and_then(|data| data.tensor()).map_err(|error| error.at(&place))?;
        // A net that came from an old file keeps its four dimensions.
        let legacy = tensor.shape().len() == 4;
        if layers.last().is_none_or(|(last, _)| *last != layer) {
            layers.push((layer, Vec::new()));
        }
        let Some((_, blobs)) = layers.last_mut() else { continue };
        if blobs.len() != number {
            return Err(Error::refused(format!("there is no blob {} of this layer", blobs.len()))
                .at(place)
                .with_remedy("the .caffemodel, which repeats the blobs that layers share"));
        }
        blobs.push(Blob { tensor: Ok(tensor), legacy });
    }
    Ok(())
}
