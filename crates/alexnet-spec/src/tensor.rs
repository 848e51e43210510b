mod gather;

use crate::dtype::convert;
use crate::{DType, Error, Result};
use bytes::Bytes;
use gather::gather;
use std::fmt;

/// A strided view of little-endian elements in shared bytes, usually a mapped file.
///
/// Cloning, transposing, flipping and slicing change the view alone; the bytes are never copied until
/// [`Tensor::for_each_chunk`] or [`Tensor::to_bytes`] gathers them, and not then either where they already lie in order.
/// Every view is checked against its bytes when it is made.
///
/// ```
/// use alexnet_spec::{DType, Tensor};
///
/// let rows: Vec<u8> = [1f32, 2., 3., 4., 5., 6.].iter().flat_map(|x| x.to_le_bytes()).collect();
/// let tensor = Tensor::new(DType::F32, vec![2, 3], rows.into())?;
/// let columns = tensor.permute(&[1, 0])?;
/// assert_eq!(columns.shape(), [3, 2]);
/// assert_eq!(columns.to_f32()?, [1., 4., 2., 5., 3., 6.]);
/// # Ok::<(), alexnet_spec::Error>(())
/// ```
#[derive(Clone)]
pub struct Tensor {
    dtype: DType,
    shape: Vec<usize>,
    /// The dimensions in which the view steps uniformly: those of `shape`, or a finer division of them, where elements that
    /// don't follow each other in the bytes are one dimension: the columns of a matrix whose inputs are listed otherwise.
    dims: Vec<usize>,
    /// Along each of `dims`, in elements; negative where an axis is flipped.
    strides: Vec<isize>,
    /// Of the first element, in bytes.
    offset: usize,
    bytes: Bytes,
}

/// As many dimensions as NumPy allows.
const MAX_RANK: usize = 64;

/// The size of the pieces in which elements are converted.
const CHUNK: usize = 1 << 18;

impl Tensor {
    /// A tensor whose elements fill `bytes`, in row-major order.
    ///
    /// Errs where the number of bytes isn't the shape's.
    pub fn new(dtype: DType, shape: Vec<usize>, bytes: Bytes) -> Result<Tensor> {
        let strides = row_major(&shape)?;
        let tensor = Tensor::strided(dtype, shape, strides, 0, bytes)?;
        match tensor.elements() * dtype.size() {
            needed if needed == tensor.bytes.len() => Ok(tensor),
            needed => Err(Error::Tensor(format!(
                "shape {:?} of {dtype} needs {needed} bytes, but there are {}",
                tensor.shape,
                tensor.bytes.len()
            ))),
        }
    }

    /// A view with `strides` in elements whose first element lies `offset` elements into `bytes`.
    ///
    /// Errs where any element would lie outside the bytes, or sizes overflow.
    pub fn strided(
        dtype: DType,
        shape: Vec<usize>,
        strides: Vec<isize>,
        offset: usize,
        bytes: Bytes,
    ) -> Result<Tensor> {
        let fault = |what: &str| {
            Error::Tensor(format!(
                "{what}: shape {shape:?}, strides {strides:?} and offset {offset} in a storage of {} {dtype} elements",
                bytes.len() / dtype.size()
            ))
        };
        if shape.len() != strides.len() || shape.len() > MAX_RANK {
            return Err(fault("shape and strides don't match"));
        }
        let elements =
            shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d)).filter(|n| *n <= isize::MAX as usize / 8);
        let elements = elements.ok_or_else(|| fault("the number of elements overflows"))?;
        if elements > 0 {
            let (mut low, mut high) = (0isize, 0isize);
            for (&size, &stride) in shape.iter().zip(&strides) {
                let reach = isize::try_from(size - 1).ok().and_then(|last| last.checked_mul(stride));
                let reach = reach.ok_or_else(|| fault("the strides overflow"))?;
                let bound = if reach < 0 { &mut low } else { &mut high };
                *bound = bound.checked_add(reach).ok_or_else(|| fault("the strides overflow"))?;
            }
            let start = isize::try_from(offset).map_err(|_| fault("the offset overflows"))?;
            let first = start.checked_add(low).ok_or_else(|| fault("the offset overflows"))?;
            let last = start.checked_add(high).ok_or_else(|| fault("the offset overflows"))?;
            if first < 0 || last as usize >= bytes.len() / dtype.size() {
                return Err(fault("the view reaches outside its storage"));
            }
        }
        let offset = if elements == 0 { 0 } else { offset * dtype.size() };
        Ok(Tensor { dtype, dims: shape.clone(), shape, strides, offset, bytes })
    }

    /// A row-major tensor of f32 values.
    pub fn from_f32(shape: Vec<usize>, values: &[f32]) -> Result<Tensor> {
        Tensor::new(DType::F32, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>().into())
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The dimensions.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The steps between neighbours along each dimension, in elements; `None` where they aren't uniform along one.
    pub fn strides(&self) -> Option<&[isize]> {
        self.is_uniform().then_some(&self.strides)
    }

    /// Whether neighbours along a dimension are other elements: not so along one of a single place, or with stride 0.
    pub fn varies_along(&self, axis: usize) -> bool {
        match (self.strides(), self.shape.get(axis)) {
            (Some(strides), Some(size)) => *size > 1 && strides.get(axis).is_some_and(|stride| *stride != 0),
            (_, size) => size.is_some_and(|size| *size > 1),
        }
    }

    fn is_uniform(&self) -> bool {
        self.dims == self.shape
    }

    /// The same elements with one step along each dimension: a copy, unless it has that already.
    fn uniform(&self) -> Result<Tensor> {
        match self.is_uniform() {
            true => Ok(self.clone()),
            false => Tensor::new(self.dtype, self.shape.clone(), self.to_bytes()),
        }
    }

    /// The number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the elements lie in row-major order without gaps.
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1isize;
        self.elements() == 0
            || self.dims.iter().zip(&self.strides).rev().all(|(&size, &stride)| {
                let fits = size == 1 || stride == expected;
                expected *= size as isize;
                fits
            })
    }

    /// Whether both views show the same elements of the same bytes in memory, as tied weights do.
    pub fn same_view(&self, other: &Tensor) -> bool {
        let first = |tensor: &Tensor| tensor.bytes.as_ptr() as usize + tensor.offset;
        self.dtype == other.dtype
            && self.shape == other.shape
            && (&self.dims, &self.strides) == (&other.dims, &other.strides)
            && first(self) == first(other)
    }

    /// The shared bytes from the first to the last element that the view shows, in whatever order it shows them: with gaps,
    /// where it leaves elements out.
    pub fn span(&self) -> &[u8] {
        if self.elements() == 0 {
            return &[];
        }
        let reach = |backwards: bool| -> usize {
            let axes = self.dims.iter().zip(&self.strides).filter(|(_, stride)| (**stride < 0) == backwards);
            axes.map(|(size, stride)| (size - 1) * stride.unsigned_abs()).sum()
        };
        let size = self.dtype.size();
        &self.bytes[self.offset - reach(true) * size..self.offset + (reach(false) + 1) * size]
    }

    /// The elements as they lie in the shared bytes, without a copy; `None` where they aren't contiguous.
    pub fn as_contiguous(&self) -> Option<Bytes> {
        let length = self.elements() * self.dtype.size();
        self.is_contiguous().then(|| self.bytes.slice(self.offset..self.offset + length))
    }

    /// The elements in row-major order; a copy only where the view isn't contiguous.
    pub fn to_bytes(&self) -> Bytes {
        self.as_contiguous().unwrap_or_else(|| {
            let mut out = Vec::with_capacity(self.elements() * self.dtype.size());
            gather(self, &mut |chunk| {
                out.extend_from_slice(chunk);
                Ok::<(), std::convert::Infallible>(())
            })
            .unwrap_or_else(|never| match never {});
            out.into()
        })
    }

    /// Hands the elements in row-major order, converted to `dtype`, to `sink` in pieces of bounded size. A contiguous view
    /// that needs no conversion is handed over in one piece, uncopied.
    ///
    /// Floating point converts to floating point, rounding to nearest even. Errs with [`Error::Tensor`] where a finite
    /// value isn't finite in `dtype`, or where either type is an integer and they differ; and with whatever `sink` returns.
    pub fn for_each_chunk<E: From<Error>>(
        &self,
        dtype: DType,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if dtype == self.dtype {
            return match self.as_contiguous() {
                Some(bytes) => sink(&bytes),
                None => gather(self, sink),
            };
        }
        if !self.dtype.is_float() || !dtype.is_float() {
            return Err(Error::Tensor(format!("{} doesn't convert to {dtype}", self.dtype)).into());
        }
        let mut converted = Vec::new();
        let mut convert = |chunk: &[u8]| {
            converted.clear();
            convert(self.dtype, chunk, dtype, &mut converted)?;
            sink(&converted)
        };
        match self.as_contiguous() {
            Some(bytes) => bytes.chunks(CHUNK).try_for_each(convert),
            None => gather(self, &mut convert),
        }
    }

    /// The elements in row-major order as f32.
    ///
    /// Errs as [`Tensor::for_each_chunk`] does.
    pub fn to_f32(&self) -> Result<Vec<f32>> {
        let mut values = Vec::with_capacity(self.elements());
        self.for_each_chunk::<Error>(DType::F32, &mut |chunk| {
            let (words, _) = chunk.as_chunks::<4>();
            values.extend(words.iter().map(|word| f32::from_le_bytes(*word)));
            Ok(())
        })?;
        Ok(values)
    }

    /// The same elements with dimension `i` taken from dimension `axes[i]`.
    ///
    /// Errs where `axes` isn't a permutation.
    pub fn permute(&self, axes: &[usize]) -> Result<Tensor> {
        let mut sorted = axes.to_vec();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..self.shape.len()) {
            return Err(Error::Tensor(format!("{axes:?} is no permutation of {} axes", self.shape.len())));
        }
        let mut view = self.uniform()?;
        view.strides = axes.iter().map(|&axis| view.strides[axis]).collect();
        view.shape = axes.iter().map(|&axis| self.shape[axis]).collect();
        view.dims = view.shape.clone();
        Ok(view)
    }

    /// The same elements with dimension `axis` in reverse: colour channels from BGR to RGB, or half of a kernel's turn.
    ///
    /// Errs where there is no such axis.
    pub fn flip(&self, axis: usize) -> Result<Tensor> {
        let mut view = self.uniform()?;
        let (size, stride) = view.axis(axis)?;
        if self.elements() > 0 {
            let shift = (size - 1) as isize * stride * self.dtype.size() as isize;
            view.offset =
                view.offset.checked_add_signed(shift).ok_or_else(|| Error::Tensor("a flip overflows".into()))?;
            view.strides[axis] = -stride;
        }
        Ok(view)
    }

    /// `length` positions of dimension `axis` from `start` on.
    ///
    /// Errs where they reach beyond it.
    pub fn narrow(&self, axis: usize, start: usize, length: usize) -> Result<Tensor> {
        let mut view = self.uniform()?;
        let (size, stride) = view.axis(axis)?;
        if start.checked_add(length).is_none_or(|end| end > size) {
            return Err(Error::Tensor(format!(
                "{length} positions from {start} on reach beyond axis {axis} of {size}"
            )));
        }
        view.shape[axis] = length;
        view.dims[axis] = length;
        if view.elements() > 0 {
            let shift = start as isize * stride * self.dtype.size() as isize;
            view.offset =
                view.offset.checked_add_signed(shift).ok_or_else(|| Error::Tensor("a slice overflows".into()))?;
        }
        Ok(view)
    }

    /// The same elements in another shape. Without a copy where axes are split or merged; with one where places of several
    /// axes are mixed, as a `[2, 3]` view of a `[3, 2]` transpose would.
    ///
    /// Errs where the number of elements differs.
    pub fn reshape(&self, shape: &[usize]) -> Result<Tensor> {
        let elements = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
        if elements != Some(self.elements()) || shape.len() > MAX_RANK {
            return Err(Error::Tensor(format!("shape {:?} can't become {shape:?}", self.shape)));
        }
        let shape = shape.to_vec();
        if let Some(strides) = self.split_strides(&shape) {
            return Ok(Tensor { dims: shape.clone(), shape, strides, ..self.clone() });
        }
        match self.divided(&shape) {
            Some((dims, strides)) => Ok(Tensor { shape, dims, strides, ..self.clone() }),
            None => Tensor::new(self.dtype, shape, self.to_bytes()),
        }
    }

    /// The coarsest dimensions that divide both those of the view and those of `shape`, and the strides along them.
    fn divided(&self, shape: &[usize]) -> Option<(Vec<usize>, Vec<isize>)> {
        let mut own = self.dims.iter().copied().zip(self.strides.iter().copied()).filter(|(size, _)| *size != 1).rev();
        let (mut dims, mut strides) = (Vec::new(), Vec::new());
        let (mut left, mut stride) = (1, 1);
        for mut wanted in shape.iter().copied().filter(|size| *size != 1).rev() {
            while wanted > 1 {
                if left == 1 {
                    (left, stride) = own.next()?;
                }
                let size = if wanted % left == 0 { left } else { wanted };
                if left % size != 0 {
                    return None;
                }
                dims.push(size);
                strides.push(stride);
                (wanted, left) = (wanted / size, left / size);
                stride = stride.checked_mul(size as isize)?;
            }
        }
        dims.reverse();
        strides.reverse();
        (dims.len() <= MAX_RANK).then_some((dims, strides))
    }

    /// Strides that show the same elements as `shape`, where every new axis lies within one run of old axes that step
    /// uniformly.
    fn split_strides(&self, shape: &[usize]) -> Option<Vec<isize>> {
        if self.elements() == 0 {
            return row_major(shape).ok();
        }
        let old: Vec<(usize, isize)> =
            self.dims.iter().copied().zip(self.strides.iter().copied()).filter(|(size, _)| *size != 1).collect();
        let mut runs: Vec<(usize, isize)> = Vec::new();
        for (size, stride) in old {
            match runs.last_mut() {
                Some(run) if run.1 == stride.checked_mul(size as isize)? => *run = (run.0 * size, stride),
                _ => runs.push((size, stride)),
            }
        }
        let mut strides = vec![0; shape.len()];
        let (mut left, mut stride) = runs.pop().unwrap_or((1, 1));
        for (size, out) in shape.iter().zip(&mut strides).rev() {
            if *size == 1 {
                continue;
            }
            if left == 1 {
                (left, stride) = runs.pop()?;
            }
            if left % size != 0 {
                return None;
            }
            *out = stride;
            left /= size;
            stride = stride.checked_mul(*size as isize)?;
        }
        Some(strides)
    }

    /// Size of a dimension and stride along it, of a view that is uniform.
    fn axis(&self, axis: usize) -> Result<(usize, isize)> {
        let size = self.shape.get(axis).copied();
        size.zip(self.strides.get(axis).copied())
            .ok_or_else(|| Error::Tensor(format!("there is no axis {axis} in shape {:?}", self.shape)))
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor({} {:?}, strides {:?} of {:?})", self.dtype, self.shape, self.strides, self.dims)
    }
}

fn row_major(shape: &[usize]) -> Result<Vec<isize>> {
    let mut strides = vec![0; shape.len()];
    let mut step = 1usize;
    for (stride, &size) in strides.iter_mut().zip(shape).rev() {
        *stride = isize::try_from(step).map_err(|_| Error::Tensor(format!("shape {shape:?} overflows")))?;
        step = step.checked_mul(size.max(1)).ok_or_else(|| Error::Tensor(format!("shape {shape:?} overflows")))?;
    }
    Ok(strides)
}
