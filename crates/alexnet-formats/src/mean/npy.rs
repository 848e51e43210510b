//! A mean as an `.npy`: Caffe's `ilsvrc_2012_mean.npy` ([3, 256, 256]), theano_alexnet's `img_mean.npy` and Chainer's `mean.npy`
//! alike, a picture ([height, width, 3]), or the three means of the colours. No `.npy` says whether its channels are RGB or
//! BGR; by convention they are in the order of the network that they were made for.

use super::{Kind, MeanFile};
use crate::formats::{Seen, Storages};
use crate::pickle::Heap;
use crate::{Error, Limits, Result, Source, npy};
use alexnet_spec::{Mean, MeanImage, Tensor};

pub(super) const KIND: Kind =
    Kind { name: "an .npy of a mean image or colour", recognises: |source, _| npy::recognises(&source.bytes()), read };

fn read(source: &Source, limits: &Limits) -> Result<MeanFile> {
    let (bytes, mut heap) = (source.bytes(), Heap::new(limits));
    let mut storages = Storages::new(bytes.len(), false);
    let value = npy::value(&mut heap, bytes)?;
    let mean = match storages.see(&heap, value)? {
        Seen::Tensor(tensor) => mean(&tensor)?,
        Seen::Unreadable(reason) => return Err(Error::refused(reason)),
        Seen::Nothing => {
            return Err(Error::refused("holds objects, not a mean").with_remedy("the .npy of the mean alone"));
        }
    };
    Ok(MeanFile { mean, order: None, labels: None })
}

fn mean(tensor: &Tensor) -> Result<Mean> {
    let image = |planes: Tensor, height, width| Ok(Mean::Image(MeanImage { height, width, values: planes.to_f32()? }));
    match *tensor.shape() {
        [3] | [3, 1, 1] | [1, 1, 3] => Ok(Mean::PerChannel(tensor.to_f32()?.into_iter().map(f64::from).collect())),
        [3, height, width] if height > 1 && width > 1 => image(tensor.clone(), height, width),
        [height, width, 3] if height > 1 && width > 1 => image(tensor.permute(&[2, 0, 1])?, height, width),
        _ => Err(Error::refused(format!("an array of shape {:?} is no mean of three channels", tensor.shape()))
            .with_remedy("one of shape [3, height, width], [height, width, 3] or [3]")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alexnet_spec::{ChannelOrder, networks};

    fn file(descr: &str, shape: &str, content: &[u8]) -> Source {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let start = [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..]].concat();
        Source::from_bytes("mean.npy", [&start, header.as_bytes(), content].concat())
    }

    fn floats(values: impl Iterator<Item = f32>) -> Vec<u8> {
        values.flat_map(f32::to_le_bytes).collect()
    }

    #[test]
    fn planes_and_pictures_are_the_same_mean_in_the_networks_order() {
        let (height, width) = (256, 256);
        let at = |c: usize, y: usize, x: usize| (c * 50 + y / 8) as f32 + x as f32 / 8.0;
        let planes = (0..3).flat_map(|c| (0..height).flat_map(move |y| (0..width).map(move |x| at(c, y, x))));
        let picture = (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..3).map(move |c| at(c, y, x))));
        let values: Vec<f32> = planes.clone().collect();
        for source in [
            file("<f4", "(3, 256, 256)", &floats(planes.clone())),
            file("<f4", "(256, 256, 3)", &floats(picture)),
            file("<f8", "(3, 256, 256)", &planes.flat_map(|value| f64::from(value).to_le_bytes()).collect::<Vec<_>>()),
        ] {
            let read = MeanFile::read(&source, &Limits::default()).unwrap();
            assert_eq!(read.order, None);
            let mut network = networks::get("caffenet").unwrap();
            assert_eq!(network.preprocessing.channel_order, ChannelOrder::Bgr);
            read.apply(&mut network).unwrap();
            let Mean::Image(image) = &network.preprocessing.mean else { panic!("{:?}", network.preprocessing.mean) };
            assert!((image.height, image.width, &image.values) == (height, width, &values));
        }
    }

    #[test]
    fn three_numbers_are_a_colour() {
        let source = file("<f8", "(3,)", &[104.0f64, 117.0, 123.0].map(f64::to_le_bytes).concat());
        let read = MeanFile::read(&source, &Limits::default()).unwrap();
        assert_eq!(read.mean, Mean::PerChannel(vec![104.0, 117.0, 123.0]));
    }

    #[test]
    fn what_is_no_mean_is_refused_by_its_shape() {
        let source = file("<f4", "(2, 4)", &[0; 32]);
        let error = MeanFile::read(&source, &Limits::default()).unwrap_err().to_string();
        assert!(error.starts_with("mean.npy: an array of shape [2, 4] is no mean"), "{error}");
    }
}
