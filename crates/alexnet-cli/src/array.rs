use anyhow::{Context, Result, bail, ensure};
use candle_core::{DType, Device, Tensor};

/// Values of a tensor in row-major order: what runtimes exchange, whatever they compute in.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The dimensions, the batch first.
    pub shape: Vec<usize>,
    /// Row-major values.
    pub data: Vec<f32>,
}

impl Array {
    /// An array from its parts; errs where the number of values isn't the shape's.
    pub fn new(shape: Vec<usize>, data: Vec<f32>) -> Result<Array> {
        if shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d)) != Some(data.len()) {
            bail!("{} values for shape {shape:?}", data.len());
        }
        Ok(Array { shape, data })
    }

    /// The values of a candle tensor, converted to f32.
    pub fn from_candle(tensor: &Tensor) -> candle_core::Result<Array> {
        let data = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
        Ok(Array { shape: tensor.dims().to_vec(), data })
    }

    /// A candle tensor on `device`.
    pub fn to_candle(&self, device: &Device) -> candle_core::Result<Tensor> {
        Tensor::from_slice(&self.data, self.shape.as_slice(), device)
    }

    /// The size of the first dimension.
    pub fn batch(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    /// Example `index` as a batch of one.
    pub fn example(&self, index: usize) -> Result<Array> {
        self.examples(index, 1)
    }

    /// The `count` examples from `start` on.
    pub fn examples(&self, start: usize, count: usize) -> Result<Array> {
        let size = self.data.len().checked_div(self.batch()).context("an array without examples")?;
        let range = start.checked_mul(size).zip(start.checked_add(count).and_then(|end| end.checked_mul(size)));
        let data = range.and_then(|(from, to)| self.data.get(from..to));
        let data = data.with_context(|| format!("there are no examples {start} to {}", start.saturating_add(count)))?;
        let mut shape = self.shape.clone();
        if let Some(batch) = shape.first_mut() {
            *batch = count;
        }
        Ok(Array { shape, data: data.to_vec() })
    }

    /// A batch of `size`, filled up with copies of the last example.
    pub fn padded_to(mut self, size: usize) -> Result<Array> {
        let missing = size.saturating_sub(self.batch());
        if missing > 0 {
            let last = self.example(self.batch().saturating_sub(1))?;
            self.data.extend(last.data.repeat(missing));
            if let Some(batch) = self.shape.first_mut() {
                *batch = size;
            }
        }
        Ok(self)
    }

    /// Positions `keep` of dimension `axis`; errs where it has fewer.
    pub fn narrow(&self, axis: usize, keep: &std::ops::Range<usize>) -> Result<Array> {
        let size = self.shape.get(axis).copied().with_context(|| format!("there is no axis {axis}"))?;
        ensure!(keep.start < keep.end && keep.end <= size, "{keep:?} of an axis of {size}");
        let inner = self.shape.iter().skip(axis + 1).product::<usize>();
        let blocks = self.data.chunks(size.saturating_mul(inner).max(1));
        let data = blocks.flat_map(|block| block.get(keep.start * inner..keep.end * inner).unwrap_or_default());
        let mut shape = self.shape.clone();
        if let Some(dimension) = shape.get_mut(axis) {
            *dimension = keep.len();
        }
        Array::new(shape, data.copied().collect())
    }

    /// Adds the examples of `other` behind its own. Errs where they have another shape.
    pub fn append(&mut self, other: Array) -> Result<()> {
        let (Some((batch, own)), Some((more, theirs))) = (self.shape.split_first_mut(), other.shape.split_first())
        else {
            bail!("an array without dimensions");
        };
        ensure!(own == theirs, "examples of {own:?} and of {theirs:?} make no batch");
        *batch += more;
        self.data.extend(other.data);
        Ok(())
    }

    /// Examples of one shape as a batch. Errs where there are none.
    pub fn stack<'a>(examples: impl IntoIterator<Item = &'a Array>) -> Result<Array> {
        let mut examples = examples.into_iter();
        let mut batch = examples.next().context("a batch of nothing")?.clone();
        examples.try_for_each(|example| batch.append(example.clone()))?;
        Ok(batch)
    }

    /// A batch of maps with the channels after the pixels.
    pub fn channels_last(&self) -> Result<Array> {
        let turned = self.to_candle(&Device::Cpu)?.permute((0, 2, 3, 1))?;
        Ok(Array::from_candle(&turned)?)
    }

    /// A batch of maps, channel by channel times `factors` plus `terms`.
    pub fn affine(&self, factors: &[f64], terms: &[f64]) -> Array {
        let pixels = self.shape.iter().skip(2).product::<usize>().max(1);
        let constants = factors.iter().zip(terms).cycle();
        let channels = self.data.chunks(pixels).zip(constants);
        let data = channels.flat_map(|(channel, (factor, term))| {
            channel.iter().map(move |value| (f64::from(*value) * factor + term) as f32)
        });
        Array { shape: self.shape.clone(), data: data.collect() }
    }

    /// Probabilities from logits, row by row, computed in f64.
    pub fn softmax(&self) -> Array {
        let classes = self.shape.last().copied().unwrap_or(1).max(1);
        let rows = self.data.chunks(classes).flat_map(|row| {
            let top = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            let powers: Vec<f64> = row.iter().map(|v| (f64::from(*v) - top).exp()).collect();
            let sum: f64 = powers.iter().sum();
            powers.into_iter().map(move |p| (p / sum) as f32)
        });
        Array { shape: self.shape.clone(), data: rows.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::Array;

    #[test]
    fn every_channel_has_its_own_factor_and_term() {
        let maps = Array { shape: vec![2, 2, 1, 2], data: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0] };
        assert_eq!(maps.affine(&[2.0, 1.0], &[0.0, 10.0]).data, [2.0, 4.0, 13.0, 14.0, 10.0, 12.0, 17.0, 18.0]);
    }

    #[test]
    fn a_part_of_an_axis_keeps_the_others_whole() {
        let maps = Array { shape: vec![2, 3, 2], data: (0..12u8).map(f32::from).collect() };
        let part = maps.narrow(1, &(1..3)).unwrap();
        assert_eq!((part.shape, part.data), (vec![2, 2, 2], vec![2.0, 3.0, 4.0, 5.0, 8.0, 9.0, 10.0, 11.0]));
        assert!(maps.narrow(1, &(2..4)).is_err() && maps.narrow(3, &(0..1)).is_err());
    }

    #[test]
    fn channels_go_behind_the_pixels() {
        let maps = Array { shape: vec![1, 2, 1, 3], data: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0] };
        let turned = maps.channels_last().unwrap();
        assert_eq!((turned.shape, turned.data), (vec![1, 1, 3, 2], vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
    }

    /// e^0 : e^ln3 = 1 : 3, whatever is added to both.
    #[test]
    fn softmax_depends_on_differences_alone() {
        let logits = Array { shape: vec![2, 2], data: vec![0.0, 3f32.ln(), 500.0, 500.0 + 3f32.ln()] };
        let expected = [0.25, 0.75, 0.25, 0.75];
        assert!(logits.softmax().data.iter().zip(expected).all(|(p, e)| (p - e).abs() < 1e-5));
    }
}
