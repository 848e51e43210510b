use crate::protobuf::{Elements, Message};
use crate::{Error, Limits, Result};
use alexnet_spec::{DType, Tensor};
use bytes::Bytes;

/// A layer's trained numbers: Caffe's `BlobProto`, its gradients (`diff`) left aside.
#[derive(Clone, Debug)]
pub(crate) struct Blob {
    /// The numbers, in the dimensions that the file gives them: a view of the file, where they were written in one run.
    ///
    /// Errs with why they can't be read.
    pub tensor: Result<Tensor, String>,
    /// Whether the dimensions are the four of old (`num`, `channels`, `height`, `width`), in which a bias is 1x1x1xN and a
    /// matrix 1x1xOxI.
    pub legacy: bool,
}

/// The types of NVIDIA's `raw_data`, by number.
const RAW_TYPES: [(u64, DType); 3] = [(0, DType::F64), (1, DType::F32), (2, DType::F16)];

impl Blob {
    /// Reads a `BlobProto`.
    ///
    /// Errs where its dimensions aren't those of its numbers.
    pub fn read(bytes: Bytes, limits: &Limits) -> Result<Blob> {
        let (mut old, mut shape) = ([None::<i64>; 4], Vec::new());
        let (mut floats, mut doubles) = (Elements::<4>::default(), Elements::<8>::default());
        let (mut raw, mut raw_type) = (Bytes::new(), 0);
        let mut message = Message::new(bytes);
        while let Some(field) = message.field()? {
            match field.number {
                1 => set(&mut old, 0, field.int()?),
                2 => set(&mut old, 1, field.int()?),
                3 => set(&mut old, 2, field.int()?),
                4 => set(&mut old, 3, field.int()?),
                5 => floats.push(&field)?,
                7 => {
                    let mut inner = Message::new(field.bytes()?);
                    while let Some(field) = inner.field()? {
                        field.ints(&mut |dimension| {
                            if shape.len() >= limits.dimensions {
                                return Err(Error::limit("dimensions", "a blob of more dimensions", limits.dimensions));
                            }
                            shape.push(dimension);
                            Ok(())
                        })?;
                    }
                }
                8 => doubles.push(&field)?,
                10 => raw_type = field.uint()?,
                12 => raw = field.bytes()?,
                // 6, 9, 11 and 13 hold gradients.
                _ => {}
            }
        }
        // As Caffe reads them: any of the old dimensions, and `shape` has no say.
        let legacy = old.iter().any(Option::is_some);
        let shape = if legacy { old.iter().map(|size| size.unwrap_or(0)).collect() } else { shape };
        let shape = shape
            .iter()
            .map(|size| usize::try_from(*size).ok())
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Error::malformed(format!("a blob of the dimensions {shape:?}")))?;
        let tensor = data(floats.finish(), doubles.finish(), raw, raw_type)?;
        let tensor = match tensor {
            Ok((dtype, bytes)) => {
                let held = bytes.len().checked_div(dtype.size()).unwrap_or(0);
                let fault = |_| Error::malformed(format!("a blob of the dimensions {shape:?}, but {held} numbers"));
                Ok(Tensor::new(dtype, shape.clone(), bytes).map_err(fault)?)
            }
            Err(reason) => Err(reason),
        };
        Ok(Blob { tensor, legacy })
    }
}

fn set(old: &mut [Option<i64>; 4], index: usize, size: i64) {
    if let Some(place) = old.get_mut(index) {
        *place = Some(size);
    }
}

/// The one of the three ways of storing numbers that was used.
fn data(floats: Bytes, doubles: Bytes, raw: Bytes, raw_type: u64) -> Result<Result<(DType, Bytes), String>> {
    if [&floats, &doubles, &raw].into_iter().filter(|bytes| !bytes.is_empty()).count() > 1 {
        return Err(Error::malformed("a blob has its numbers twice, in two precisions"));
    }
    Ok(if !doubles.is_empty() {
        Ok((DType::F64, doubles))
    } else if !raw.is_empty() {
        match RAW_TYPES.iter().find(|(number, _)| *number == raw_type) {
            Some((_, dtype)) => Ok((*dtype, raw)),
            None => Err(format!("its numbers are quantised (raw_data_type {raw_type}); try the model before that")),
        }
    } else {
        Ok((DType::F32, floats))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Blob> {
        Blob::read(Bytes::copy_from_slice(bytes), &Limits::default())
    }

    fn numbers(bytes: &[u8]) -> (Vec<usize>, Vec<f32>) {
        let tensor = read(bytes).unwrap().tensor.unwrap();
        (tensor.shape().to_vec(), tensor.to_f32().unwrap())
    }

    const ONE_TWO: [u8; 8] = [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40];

    #[test]
    fn dimensions_old_and_new_are_read() {
        let floats = [&[0x2a, 8][..], &ONE_TWO].concat();
        assert_eq!(numbers(&[&[0x3a, 3, 0x0a, 1, 2][..], &floats].concat()), (vec![2], vec![1.0, 2.0]));
        let old = [8, 1, 16, 1, 24, 1, 32, 2];
        assert_eq!(numbers(&[&old[..], &floats].concat()), (vec![1, 1, 1, 2], vec![1.0, 2.0]));
        // The old ones count, as in Caffe.
        let both = [&[0x3a, 3, 0x0a, 1, 5][..], &old, &floats].concat();
        assert_eq!(numbers(&both).0, [1, 1, 1, 2]);
    }

    #[test]
    fn every_way_to_store_numbers_is_read() {
        let shape = [0x3a, 2, 0x08, 2];
        let doubles = [&[0x42, 16][..], &1f64.to_le_bytes(), &2f64.to_le_bytes()].concat();
        let cases = [
            [&[0x2d, 0, 0, 0x80, 0x3f, 0x2d, 0, 0, 0, 0x40][..], &[0x32, 4, 1, 2, 3, 4]].concat(),
            doubles,
            vec![0x50, 2, 0x62, 4, 0, 0x3c, 0, 0x40],
            [&[0x50, 1, 0x62, 8][..], &ONE_TWO].concat(),
        ];
        for case in cases {
            assert_eq!(numbers(&[&shape[..], &case].concat()), (vec![2], vec![1.0, 2.0]), "{case:?}");
        }
        let quantised = read(&[&shape[..], &[0x50, 3, 0x62, 2, 1, 2]].concat()).unwrap();
        assert!(quantised.tensor.unwrap_err().contains("quantised"));
    }

    #[test]
    fn what_contradicts_itself_is_malformed() {
        let floats = [&[0x2a, 8][..], &ONE_TWO].concat();
        let negative =
            [&[0x3a, 11, 0x08, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1][..], &floats].concat();
        let huge = [
            &[0x3a, 22][..],
            &[
                [8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
                [8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0],
            ]
            .concat(),
        ]
        .concat();
        for bytes in [[&[0x3a, 2, 8, 3][..], &floats].concat(), negative, huge, [&floats[..], &[0x62, 1, 0]].concat()] {
            assert!(read(&bytes).is_err(), "{bytes:?}");
        }
        let many = [&[0x3a, 40, 0x0a, 38][..], &[1; 38]].concat();
        assert!(read(&many).unwrap_err().to_string().contains("limit `dimensions`"));
    }
}
