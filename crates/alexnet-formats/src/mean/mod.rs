//! Means of the training images that lie in files of their own. A kind of file is one file here and one line in the registry.

mod batches_meta;
mod binaryproto;
mod npy;

use crate::{Error, Limits, Result, Source};
use alexnet_spec::{ChannelOrder, Labels, Mean, MeanImage, Network, PixelRange};

/// What notes say that are answered by such a file.
pub(crate) const ASKED_FOR: &str = "--mean FILE gives";

/// What a file with a mean holds.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanFile {
    /// The mean, of pixels from 0 to 255.
    pub mean: Mean,
    /// The order of its channels; `None`: the file doesn't say, and the network's is taken.
    pub order: Option<ChannelOrder>,
    /// The classes' names, where the file holds them too.
    pub labels: Option<Vec<String>>,
}

/// A kind of file that holds a mean.
struct Kind {
    /// What it is, for people: `batches.meta of cuda-convnet`.
    name: &'static str,
    /// Whether the content is of this kind.
    recognises: fn(&Source, &Limits) -> bool,
    /// Reads it.
    read: fn(&Source, &Limits) -> Result<MeanFile>,
}

/// Every kind; the first that recognises the content reads it.
const KINDS: &[Kind] = &[batches_meta::KIND, binaryproto::KIND, npy::KIND];

impl MeanFile {
    /// Reads a mean from a file of any known kind, told by its content.
    ///
    /// Errs where the content is of no known kind, or is malformed.
    pub fn read(source: &Source, limits: &Limits) -> Result<MeanFile> {
        let kind = KINDS.iter().find(|kind| (kind.recognises)(source, limits));
        let read = match kind {
            Some(kind) => (kind.read)(source, limits),
            None => {
                let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
                Err(Error::refused("no mean of a known kind").with_remedy(format!("one of: {}", known.join(", "))))
            }
        };
        read.map_err(|error| error.in_file(source.file_name()))
    }

    /// Puts the mean, and class names where there are as many as classes, into a network's contract.
    ///
    /// Errs where the network's pixels aren't from 0 to 255, or channels or sizes don't fit.
    pub fn apply(&self, network: &mut Network) -> Result<()> {
        let contract = &mut network.preprocessing;
        if contract.range != PixelRange::Byte {
            let message = format!("network `{}` takes pixels from 0 to 1, but the mean is of 0 to 255", network.name);
            return Err(Error::refused(message).with_remedy("without --mean"));
        }
        contract.mean = match self.order.is_some_and(|order| order != contract.channel_order) {
            true => reversed(&self.mean),
            false => self.mean.clone(),
        };
        if let Some(names) = self.labels.as_ref().filter(|names| Some(names.len()) == network.class_count()) {
            network.labels = Labels::Names(names.clone());
        }
        network.trace().map(drop).map_err(|error| Error::refused(format!("the mean doesn't fit: {error}")))
    }
}

/// The mean with its channels in the opposite order.
pub(crate) fn reversed(mean: &Mean) -> Mean {
    match mean {
        Mean::PerChannel(values) => Mean::PerChannel(values.iter().rev().copied().collect()),
        Mean::Image(image) => {
            let pixels = image.height.saturating_mul(image.width).max(1);
            let values = image.values.chunks(pixels).rev().flatten().copied().collect();
            Mean::Image(MeanImage { values, ..image.clone() })
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alexnet_spec::networks;

    #[test]
    fn planes_in_the_other_order_are_reversed() {
        let values: Vec<f32> = [1.0, 2.0, 3.0].into_iter().flat_map(|plane| [plane; 256 * 256]).collect();
        let mean = Mean::Image(MeanImage { height: 256, width: 256, values });
        let mut network = networks::get("bvlc").unwrap();
        MeanFile { mean, order: Some(ChannelOrder::Rgb), labels: None }.apply(&mut network).unwrap();
        let Mean::Image(applied) = &network.preprocessing.mean else { panic!("{:?}", network.preprocessing.mean) };
        assert_eq!([applied.values[0], applied.values[256 * 256], applied.values[2 * 256 * 256]], [3.0, 2.0, 1.0]);
    }

    #[test]
    fn a_mean_for_other_pixels_is_refused() {
        let mean = MeanFile { mean: Mean::PerChannel(vec![1.0; 3]), order: None, labels: None };
        let error = mean.apply(&mut networks::get("torchvision").unwrap()).unwrap_err().to_string();
        assert!(error.contains("pixels from 0 to 1"), "{error}");
    }
}
