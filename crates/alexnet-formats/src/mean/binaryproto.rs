//! Caffe's mean image (`imagenet_mean.binaryproto`): one `BlobProto` of 1 x 3 x height x width, blue, green, red, as its
//! `compute_image_mean` writes it. One pixel alone is a mean colour.

use super::{Kind, MeanFile};
use crate::caffe::Blob;
use crate::protobuf::{Message, Value};
use crate::{Error, Limits, Result, Source};
use alexnet_spec::{ChannelOrder, Mean, MeanImage};

pub(super) const KIND: Kind = Kind { name: "Caffe's .binaryproto", recognises: |source, _| recognises(source), read };

/// The fields of a blob, up to its numbers: dimensions old or new.
fn recognises(source: &Source) -> bool {
    let mut message = Message::new(source.bytes());
    let mut dimensions = false;
    for _ in 0..6 {
        match message.field() {
            Ok(Some(field)) => match (field.number, field.value) {
                (1..=4, Value::Varint(_)) => dimensions = true,
                (7, Value::Bytes(shape)) => dimensions |= matches!(shape.first(), Some(0x08 | 0x0a)),
                (5, Value::Bytes(numbers)) => return numbers.len().is_multiple_of(4),
                (5, Value::Fixed32(_)) | (8, Value::Bytes(_) | Value::Fixed64(_)) => return true,
                _ => return false,
            },
            // Cut off within its numbers, which is said where it is read.
            Err(_) => return dimensions,
            Ok(None) => return false,
        }
    }
    false
}

fn read(source: &Source, limits: &Limits) -> Result<MeanFile> {
    let blob = Blob::read(source.bytes(), limits)?;
    let tensor = blob.tensor.map_err(Error::refused)?;
    let &([1, channels, height, width] | [channels, height, width]) = tensor.shape() else {
        return Err(Error::refused(format!("{:?} is no mean of one image", tensor.shape())));
    };
    let values = tensor.to_f32()?;
    if let Some(value) = values.iter().find(|value| !value.is_finite()) {
        return Err(Error::refused(format!("the mean of a pixel is {value}")));
    }
    let mean = match (height, width) {
        (1, 1) => Mean::PerChannel(values.iter().copied().map(f64::from).collect()),
        _ => Mean::Image(MeanImage { height, width, values }),
    };
    let order = (channels == 3).then_some(ChannelOrder::Bgr);
    Ok(MeanFile { mean, order, labels: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(dimensions: &[u8], values: &[f32]) -> Source {
        let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let length = [(data.len() % 128) as u8 | 0x80, (data.len() / 128) as u8];
        Source::from_bytes("mean.binaryproto", [dimensions, &[0x2a], &length, &data].concat())
    }

    #[test]
    fn planes_are_blue_green_and_red() {
        let values: Vec<f32> = (0..3 * 4 * 5).map(|value| value as f32).collect();
        let read = MeanFile::read(&blob(&[8, 1, 16, 3, 24, 4, 32, 5], &values), &Limits::default()).unwrap();
        let expected = Mean::Image(MeanImage { height: 4, width: 5, values });
        assert_eq!(read, MeanFile { mean: expected, order: Some(ChannelOrder::Bgr), labels: None });
    }

    #[test]
    fn one_pixel_is_a_colour() {
        let read = MeanFile::read(&blob(&[8, 1, 16, 3, 24, 1, 32, 1], &[104.0, 117.0, 123.0]), &Limits::default());
        assert_eq!(read.unwrap().mean, Mean::PerChannel(vec![104.0, 117.0, 123.0]));
    }

    #[test]
    fn what_is_no_mean_is_refused() {
        let cases: [(&[u8], &[f32], &str); 3] = [
            (&[8, 2, 16, 1, 24, 1, 32, 2], &[1.0; 4], "is no mean of one image"),
            (&[8, 1, 16, 3, 24, 1, 32, 1], &[1.0, f32::NAN, 1.0], "the mean of a pixel is NaN"),
            (&[8, 1, 16, 3, 24, 9, 32, 9], &[1.0], "a blob of the dimensions [1, 3, 9, 9], but 1 numbers"),
        ];
        for (dimensions, values, says) in cases {
            let error = MeanFile::read(&blob(dimensions, values), &Limits::default()).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let cut = Source::from_bytes("mean.binaryproto", &[8, 1, 16, 3, 24, 1, 32, 1, 0x2a, 12, 0][..]);
        let error = MeanFile::read(&cut, &Limits::default()).unwrap_err().to_string();
        assert!(error.contains("field 5 of 12 bytes, but 1 are left"), "{error}");
    }
}
