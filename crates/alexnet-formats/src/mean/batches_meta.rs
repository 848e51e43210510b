//! cuda-convnet's `batches.meta`, and DeCAF's `.meta`: a pickled dictionary with the mean image of the training set, as
//! channels, rows and columns of RGB, and the classes' names.

use super::{Kind, MeanFile};
use crate::formats::{Seen, Storages};
use crate::input::Input;
use crate::pickle::{self, Heap, Object, Value};
use crate::{Error, Limits, Result, Source};
use alexnet_spec::{ChannelOrder, Mean, MeanImage};

pub(super) const KIND: Kind = Kind {
    name: "cuda-convnet's batches.meta",
    recognises: |source, limits| dictionary(source, limits).is_some(),
    read,
};

/// The dictionary, where the file is a pickle of one with a mean.
fn dictionary(source: &Source, limits: &Limits) -> Option<(Heap, Value)> {
    let mut heap = Heap::new(limits);
    let mut input = Input::new(source.bytes());
    let root = pickle::run(&mut heap, &mut input, &mut pickle::no_persistent_ids).ok()?;
    (input.left() == 0 && heap.lookup(root, "data_mean").is_some()).then_some((heap, root))
}

fn read(source: &Source, limits: &Limits) -> Result<MeanFile> {
    let (heap, root) = dictionary(source, limits).ok_or_else(|| Error::malformed("no pickle of a mean"))?;
    let mean = heap.lookup(root, "data_mean").unwrap_or(Value::None);
    let labels = match heap.lookup(root, "label_names") {
        None | Some(Value::None) => None,
        Some(names) => Some(labels(&heap, names)?),
    };
    let mean = Mean::Image(image(&heap, mean, source.bytes().len()).map_err(|error| error.at("`data_mean`"))?);
    Ok(MeanFile { mean, order: Some(ChannelOrder::Rgb), labels })
}

/// Three square planes.
fn image(heap: &Heap, mean: Value, file_bytes: usize) -> Result<MeanImage> {
    let tensor = match Storages::new(file_bytes, false).see(heap, mean)? {
        Seen::Tensor(tensor) => tensor,
        Seen::Unreadable(reason) => return Err(Error::refused(reason)),
        Seen::Nothing => return Err(Error::malformed(format!("should be an array, but is {}", heap.describe(mean)))),
    };
    let values = tensor.to_f32()?;
    let pixels = values.len().checked_div(3).filter(|_| !values.is_empty() && values.len().is_multiple_of(3));
    let side = pixels.map(usize::isqrt).filter(|side| side.checked_mul(*side) == pixels);
    match side {
        Some(side) => Ok(MeanImage { height: side, width: side, values }),
        None => {
            Err(Error::refused(format!("an array of shape {:?} is no square image of three colours", tensor.shape())))
        }
    }
}

/// Names as Python 2 wrote them, in UTF-8 or Latin-1.
fn labels(heap: &Heap, names: Value) -> Result<Vec<String>> {
    let fault = || Error::malformed("`label_names` should be a list of texts");
    let name = |value: &Value| {
        let bytes = match heap.get(*value) {
            Some(Object::Text(bytes) | Object::Raw(bytes)) => bytes,
            _ => return Err(fault()),
        };
        Ok(String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect()))
    };
    heap.sequence(names).ok_or_else(fault)?.iter().map(name).collect()
}
