use anyhow::{Context, Result, bail};
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
        let size = self.data.len().checked_div(self.batch()).context("an array without examples")?;
        let start = index.checked_mul(size).context("an index overflows")?;
        let data = self.data.get(start..start + size).with_context(|| format!("there is no example {index}"))?;
        let mut shape = self.shape.clone();
        if let Some(batch) = shape.first_mut() {
            *batch = 1;
        }
        Ok(Array { shape, data: data.to_vec() })
    }

    /// The same example `times` times over, as one batch.
    pub fn repeat(&self, times: usize) -> Array {
        let mut shape = self.shape.clone();
        if let Some(batch) = shape.first_mut() {
            *batch *= times;
        }
        Array { shape, data: self.data.repeat(times) }
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

    /// e^0 : e^ln3 = 1 : 3, whatever is added to both.
    #[test]
    fn softmax_depends_on_differences_alone() {
        let logits = Array { shape: vec![2, 2], data: vec![0.0, 3f32.ln(), 500.0, 500.0 + 3f32.ln()] };
        let expected = [0.25, 0.75, 0.25, 0.75];
        assert!(logits.softmax().data.iter().zip(expected).all(|(p, e)| (p - e).abs() < 1e-5));
    }
}
