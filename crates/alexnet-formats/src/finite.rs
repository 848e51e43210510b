//! Whether all weights are numbers. A network with a single NaN answers NaN, and two such answers never agree.

use crate::{Error, Result};
use alexnet_spec::{DType, Error as SpecError, Tensor, Weights};

/// Looks at every value of `weights`: one pass over them, about as long as hashing them takes.
///
/// Errs with the first parameter that holds NaN or infinity, how many, and where the first one is. [`import`](crate::import())
/// doesn't do this by itself, so that looking into a large file stays instant.
///
/// ```
/// use alexnet_formats::check_finite;
/// use alexnet_spec::{Tensor, Weights, networks};
///
/// let network = networks::get("torchvision").unwrap().shrunk(64, 2)?;
/// let value = |name: &str| if name == "fc7.bias" { f32::NAN } else { 0.5 };
/// let tensor = |p: &alexnet_spec::Parameter| Tensor::from_f32(p.shape.clone(), &vec![value(&p.name); p.elements()]);
/// let tensors = network.parameters()?.iter().map(|p| Ok((p.name.clone(), tensor(p)?))).collect::<Result<_, alexnet_spec::Error>>()?;
/// let error = check_finite(&Weights::new(&network, tensors)?).unwrap_err();
/// assert!(error.to_string().starts_with("`fc7.bias` holds 64 values that are NaN or infinite, the first at [0]"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check_finite(weights: &Weights) -> Result<()> {
    for (name, tensor) in weights.iter() {
        let (count, first) = not_finite(tensor)?;
        if let Some(first) = first {
            let place = position(first, tensor.shape());
            return Err(Error::refused(format!(
                "`{name}` holds {count} values that are NaN or infinite, the first at {place:?}"
            ))
            .with_remedy("a checkpoint from before the training diverged"));
        }
    }
    Ok(())
}

/// How many values aren't finite, and the first one's index in row-major order.
fn not_finite(tensor: &Tensor) -> Result<(usize, Option<usize>)> {
    let (mut count, mut first, mut seen) = (0, None, 0);
    // Almost always all are finite. That is told from the bytes as they lie, in whatever order a view has them; one that
    // leaves most of them out is no reason to read all.
    let (dtype, span) = (tensor.dtype(), tensor.span());
    if span.len() / 2 <= tensor.elements() * dtype.size() && !any_infinite(dtype, span) {
        return Ok((count, first));
    }
    tensor.for_each_chunk::<SpecError>(tensor.dtype(), &mut |chunk| {
        let bad = |index: usize| infinite_at(tensor.dtype(), chunk, index);
        let elements = chunk.len() / tensor.dtype().size();
        if any_infinite(tensor.dtype(), chunk) {
            for index in (0..elements).filter(|index| bad(*index)) {
                count += 1;
                first.get_or_insert(seen + index);
            }
        }
        seen += elements;
        Ok(())
    })?;
    Ok((count, first))
}

/// The exponent's bits, all of which are set in NaN and infinity alone.
const F64: u64 = 0x7ff0 << 48;
const F32: u32 = 0x7f80 << 16;
const F16: u16 = 0x7c00;
const BF16: u16 = 0x7f80;

fn any_infinite(dtype: DType, chunk: &[u8]) -> bool {
    let half = |mask: u16| any(chunk, |bytes| u16::from_le_bytes(bytes) & mask == mask);
    match dtype {
        DType::F64 => any(chunk, |bytes| u64::from_le_bytes(bytes) & F64 == F64),
        DType::F32 => any(chunk, |bytes| u32::from_le_bytes(bytes) & F32 == F32),
        DType::F16 => half(F16),
        DType::BF16 => half(BF16),
        _ => false,
    }
}

/// Whether any element is bad. A loop that may end at every element isn't vectorised: it may end at every block.
fn any<const SIZE: usize>(chunk: &[u8], bad: impl Fn([u8; SIZE]) -> bool) -> bool {
    const BLOCK: usize = 1024;
    let blocks = chunk.as_chunks::<SIZE>().0.chunks(BLOCK);
    blocks.into_iter().any(|block| block.iter().fold(false, |any, element| any | bad(*element)))
}

fn infinite_at(dtype: DType, chunk: &[u8], index: usize) -> bool {
    let size = dtype.size();
    let element = index.checked_mul(size).and_then(|start| chunk.get(start..start.checked_add(size)?));
    element.is_some_and(|element| any_infinite(dtype, element))
}

/// The position of a row-major index along each axis.
fn position(mut index: usize, shape: &[usize]) -> Vec<usize> {
    let mut position: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&size| {
            let along = index.checked_rem(size).unwrap_or_default();
            index = index.checked_div(size).unwrap_or_default();
            along
        })
        .collect();
    position.reverse();
    position
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::{bf16, f16};

    fn one_bad(dtype: DType, bad: f64) -> Tensor {
        let values = [1.0, -0.0, 65504.0, bad, 1e-8, bad];
        let bytes = values.iter().flat_map(|&value| match dtype {
            DType::F64 => value.to_le_bytes().to_vec(),
            DType::F32 => (value as f32).to_le_bytes().to_vec(),
            DType::F16 => f16::from_f64(value).to_le_bytes().to_vec(),
            _ => bf16::from_f64(value).to_le_bytes().to_vec(),
        });
        Tensor::new(dtype, vec![2, 3], bytes.collect::<Vec<u8>>().into()).unwrap()
    }

    #[test]
    fn nan_and_infinity_are_found_in_every_type() {
        for dtype in [DType::F64, DType::F32, DType::F16, DType::BF16] {
            for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                assert_eq!(not_finite(&one_bad(dtype, bad)).unwrap(), (2, Some(3)), "{bad} in {dtype}");
            }
            assert_eq!(not_finite(&one_bad(dtype, 2.0)).unwrap(), (0, None), "{dtype}");
        }
    }

    #[test]
    fn places_are_those_of_the_view() {
        let turned = one_bad(DType::F32, f64::NAN).permute(&[1, 0]).unwrap();
        assert_eq!(not_finite(&turned).unwrap(), (2, Some(1)));
        assert_eq!(position(1, turned.shape()), [0, 1]);
        assert_eq!(position(23, &[2, 3, 4]), [1, 2, 3]);
    }
}
