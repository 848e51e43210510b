//! Strided views against a naive gather, and what is refused before it could read out of bounds.

use alexnet_spec::{DType, Tensor};
use proptest::prelude::*;

/// A view as the definition has it: where every element lies, in row-major order.
#[derive(Clone, Debug)]
struct Naive {
    shape: Vec<usize>,
    positions: Vec<usize>,
}

impl Naive {
    fn row_major(shape: &[usize]) -> Naive {
        Naive { shape: shape.to_vec(), positions: (0..shape.iter().product()).collect() }
    }

    /// The elements at the indices that `index` makes of each index of a view of `shape`.
    fn gather(&self, shape: Vec<usize>, index: impl Fn(&[usize]) -> Vec<usize>) -> Naive {
        let count = shape.iter().product();
        let positions = (0..count)
            .map(|mut flat| {
                let mut at = vec![0; shape.len()];
                for axis in (0..shape.len()).rev() {
                    at[axis] = flat % shape[axis];
                    flat /= shape[axis];
                }
                let source = index(&at);
                let flat = source.iter().zip(&self.shape).fold(0, |flat, (i, size)| flat * size + i);
                self.positions[flat]
            })
            .collect();
        Naive { shape, positions }
    }
}

#[derive(Clone, Debug)]
enum Change {
    Permute(u64),
    Flip(usize),
    Narrow(usize, usize, usize),
    Reshape(u64),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        any::<u64>().prop_map(Change::Permute),
        any::<usize>().prop_map(Change::Flip),
        (any::<usize>(), any::<usize>(), any::<usize>())
            .prop_map(|(axis, start, length)| Change::Narrow(axis, start, length)),
        any::<u64>().prop_map(Change::Reshape),
    ];
    prop::collection::vec(change, 0..6)
}

/// A permutation of `0..n` that `seed` stands for.
fn permutation(n: usize, mut seed: u64) -> Vec<usize> {
    let mut left: Vec<usize> = (0..n).collect();
    (0..n)
        .map(|_| {
            let pick = (seed % left.len() as u64) as usize;
            seed /= left.len() as u64;
            left.remove(pick)
        })
        .collect()
}

/// A shape of as many elements that `seed` stands for.
fn refactored(mut elements: usize, mut seed: u64) -> Vec<usize> {
    let mut shape = Vec::new();
    while elements > 1 && shape.len() < 5 {
        let divisors: Vec<usize> = (1..=elements).filter(|d| elements.is_multiple_of(*d)).collect();
        let pick = divisors[(seed % divisors.len() as u64) as usize];
        seed = seed / 7 + 3;
        shape.push(pick);
        elements /= pick;
    }
    shape.push(elements);
    shape
}

fn apply(change: &Change, tensor: Tensor, naive: Naive) -> (Tensor, Naive) {
    let rank = naive.shape.len();
    match *change {
        Change::Permute(seed) => {
            let axes = permutation(rank, seed);
            let shape = axes.iter().map(|&axis| naive.shape[axis]).collect();
            let moved = naive.gather(shape, |at| {
                let mut source = vec![0; at.len()];
                axes.iter().zip(at).for_each(|(&axis, &i)| source[axis] = i);
                source
            });
            (tensor.permute(&axes).unwrap(), moved)
        }
        Change::Flip(axis) if rank > 0 => {
            let axis = axis % rank;
            let last = naive.shape[axis].wrapping_sub(1);
            let flipped = naive.gather(naive.shape.clone(), |at| {
                let mut source = at.to_vec();
                source[axis] = last - at[axis];
                source
            });
            (tensor.flip(axis).unwrap(), flipped)
        }
        Change::Narrow(axis, start, length) if rank > 0 => {
            let axis = axis % rank;
            let start = start % (naive.shape[axis] + 1);
            let length = length % (naive.shape[axis] - start + 1);
            let mut shape = naive.shape.clone();
            shape[axis] = length;
            let slice = naive.gather(shape, |at| {
                let mut source = at.to_vec();
                source[axis] += start;
                source
            });
            (tensor.narrow(axis, start, length).unwrap(), slice)
        }
        Change::Reshape(seed) => {
            let shape = refactored(naive.positions.len(), seed);
            (tensor.reshape(&shape).unwrap(), Naive { shape, ..naive })
        }
        _ => (tensor, naive),
    }
}

fn bytes_of(dtype: DType, positions: &[usize]) -> Vec<u8> {
    positions.iter().flat_map(|&p| element(dtype, p)).collect()
}

/// Element `position` of a storage: distinct bytes for every position and every place within the element.
fn element(dtype: DType, position: usize) -> Vec<u8> {
    (0..dtype.size()).map(|byte| (position * 31 + byte * 101 + position / 256) as u8).collect()
}

fn dtypes() -> impl Strategy<Value = DType> {
    prop_oneof![Just(DType::U8), Just(DType::F16), Just(DType::F32), Just(DType::F64)]
}

proptest! {
    #[test]
    fn views_of_views_show_the_elements_that_a_naive_gather_does(
        dtype in dtypes(),
        shape in prop::collection::vec(0usize..5, 0..5),
        offset in 0usize..4,
        changes in changes(),
    ) {
        let mut naive = Naive::row_major(&shape);
        let storage: Vec<usize> = (0..offset + naive.positions.len()).collect();
        naive.positions.iter_mut().for_each(|position| *position += offset);
        let strides = Tensor::new(dtype, shape.clone(), vec![0; bytes_of(dtype, &naive.positions).len()].into()).unwrap().strides().unwrap().to_vec();
        let mut tensor = Tensor::strided(dtype, shape, strides, offset, bytes_of(dtype, &storage).into()).unwrap();
        for change in &changes {
            (tensor, naive) = apply(change, tensor, naive);
            prop_assert_eq!(tensor.shape(), &naive.shape[..]);
            prop_assert_eq!(&tensor.to_bytes()[..], &bytes_of(dtype, &naive.positions)[..]);
            if let Some(bytes) = tensor.as_contiguous() {
                prop_assert_eq!(&bytes[..], &bytes_of(dtype, &naive.positions)[..]);
            }
        }
    }

    #[test]
    fn any_strides_either_show_their_elements_or_are_refused(
        shape in prop::collection::vec(0usize..4, 0..4),
        strides in prop::collection::vec(-9isize..10, 0..4),
        offset in 0usize..20,
        storage in 0usize..60,
    ) {
        let bytes = bytes_of(DType::F16, &(0..storage).collect::<Vec<_>>());
        let made = Tensor::strided(DType::F16, shape.clone(), strides.clone(), offset, bytes.into());
        if shape.len() != strides.len() {
            prop_assert!(made.is_err());
            return Ok(());
        }
        let index = Naive::row_major(&shape);
        let positions: Vec<isize> = index.positions.iter().map(|&flat| {
            let (mut flat, mut position) = (flat, offset as isize);
            for (&size, &stride) in shape.iter().zip(&strides).rev() {
                position += (flat % size) as isize * stride;
                flat /= size;
            }
            position
        }).collect();
        let inside = positions.iter().all(|&p| p >= 0 && (p as usize) < storage);
        prop_assert_eq!(made.is_ok(), inside, "{:?}", made);
        if let Ok(tensor) = made {
            let positions: Vec<usize> = positions.into_iter().map(|p| p as usize).collect();
            prop_assert_eq!(&tensor.to_bytes()[..], &bytes_of(DType::F16, &positions)[..]);
        }
    }

    #[test]
    fn reshaping_a_split_axis_copies_nothing(outer in 1usize..5, inner in 1usize..5, columns in 1usize..5) {
        let storage: Vec<usize> = (0..outer * inner * columns).collect();
        let tensor = Tensor::new(DType::F32, vec![columns, outer * inner], bytes_of(DType::F32, &storage).into()).unwrap();
        // Rows of an [in, out] matrix turned to [out, in], then split: what HWC to CHW reordering needs.
        let split = tensor.permute(&[1, 0]).unwrap().reshape(&[outer, inner, columns]).unwrap();
        let back = split.permute(&[2, 0, 1]).unwrap();
        prop_assert!(back.is_contiguous());
        prop_assert_eq!(&back.as_contiguous().unwrap()[..], &bytes_of(DType::F32, &storage)[..]);
    }
}

#[test]
fn impossible_views_are_refused() {
    let bytes = || bytes::Bytes::from(vec![0u8; 24]);
    type Made = alexnet_spec::Result<Tensor>;
    let strided = |shape: &[usize], strides: &[isize], offset| -> Made {
        Tensor::strided(DType::F32, shape.to_vec(), strides.to_vec(), offset, bytes())
    };
    let cases: Vec<(&str, Made)> = vec![
        ("too few bytes", Tensor::new(DType::F32, vec![7], bytes())),
        ("too many bytes", Tensor::new(DType::F32, vec![5], bytes())),
        ("one element past the end", strided(&[6], &[1], 1)),
        ("one row past the end", strided(&[4, 2], &[2, 1], 0)),
        ("before the beginning", strided(&[2], &[-1], 0)),
        ("offset alone", strided(&[1], &[1], 6)),
        ("scalar past the end", strided(&[], &[], 6)),
        ("strides missing", strided(&[2, 3], &[1], 0)),
        ("offset overflows", strided(&[2], &[1], usize::MAX)),
        ("strides overflow", strided(&[3, 3], &[isize::MAX, isize::MAX], 0)),
        ("strides cancel out of range", strided(&[3, 3], &[isize::MAX, isize::MIN], 0)),
        ("elements overflow", strided(&[usize::MAX, usize::MAX], &[0, 0], 0)),
        ("elements overflow to zero", strided(&[1 << 32, 1 << 32], &[0, 0], 0)),
        ("rank", strided(&[1; 65], &[0; 65], 0)),
        ("axis twice", strided(&[2, 3], &[3, 1], 0).and_then(|t| t.permute(&[0, 0]))),
        ("axis missing", strided(&[2, 3], &[3, 1], 0).and_then(|t| t.permute(&[0]))),
        ("no such axis to flip", strided(&[2, 3], &[3, 1], 0).and_then(|t| t.flip(2))),
        ("slice beyond", strided(&[2, 3], &[3, 1], 0).and_then(|t| t.narrow(1, 2, 2))),
        ("slice overflows", strided(&[2, 3], &[3, 1], 0).and_then(|t| t.narrow(1, usize::MAX, 2))),
        ("no such axis to slice", strided(&[2, 3], &[3, 1], 0).and_then(|t| t.narrow(2, 0, 1))),
        ("other number of elements", strided(&[2, 3], &[3, 1], 0).and_then(|t| t.reshape(&[5]))),
        ("reshape overflows", strided(&[2, 3], &[3, 1], 0).and_then(|t| t.reshape(&[usize::MAX, 6]))),
    ];
    for (what, made) in cases {
        assert!(made.is_err(), "{what}: {made:?}");
    }
}

#[test]
fn a_broadcast_view_repeats_its_element() {
    let tensor =
        Tensor::strided(DType::F32, vec![2, 3], vec![0, 1], 0, bytes_of(DType::F32, &[0, 1, 2]).into()).unwrap();
    assert_eq!(&tensor.to_bytes()[..], bytes_of(DType::F32, &[0, 1, 2, 0, 1, 2]));
}

#[test]
fn empty_tensors_have_no_bytes_whatever_their_strides() {
    let tensor = Tensor::strided(DType::F32, vec![0, 5], vec![7, -7], 3, bytes::Bytes::new()).unwrap();
    assert_eq!(tensor.to_bytes().len(), 0);
    assert_eq!(tensor.flip(1).unwrap().permute(&[1, 0]).unwrap().to_f32().unwrap(), Vec::<f32>::new());
    assert_eq!(tensor.reshape(&[0]).unwrap().elements(), 0);
}

#[test]
fn large_views_come_in_pieces_of_bounded_size() {
    let side = 1000;
    let storage: Vec<u8> = (0..side * side).flat_map(|i| (i as f32).to_le_bytes()).collect();
    let tensor = Tensor::new(DType::F32, vec![side, side], storage.into()).unwrap().permute(&[1, 0]).unwrap();
    let (mut pieces, mut seen) = (0, Vec::new());
    tensor
        .for_each_chunk::<alexnet_spec::Error>(DType::F32, &mut |chunk| {
            assert!(chunk.len() <= 1 << 20, "{}", chunk.len());
            pieces += 1;
            seen.extend(chunk.chunks_exact(4).map(|word| f32::from_le_bytes(word.try_into().unwrap()) as usize));
            Ok(())
        })
        .unwrap();
    assert!(pieces > 1);
    assert!(seen.iter().enumerate().all(|(at, &value)| value == at % side * side + at / side));
}

#[test]
fn an_error_of_the_sink_ends_the_walk() {
    let tensor = Tensor::from_f32(vec![4], &[1.0; 4]).unwrap();
    let refuse = &mut |_: &[u8]| Err(alexnet_spec::Error::Tensor("full".into()));
    let message = tensor.for_each_chunk(DType::F16, refuse).unwrap_err().to_string();
    assert!(message.contains("full"), "{message}");
}

/// Shapes that fill no tile, whole tiles and more, and more than a block of rows.
#[test]
fn transposed_views_show_the_elements_that_a_naive_gather_does() {
    for (rows, columns) in
        [(1, 40), (16, 16), (15, 33), (17, 16), (100, 3), (3, 100), (64, 9216), (70, 20_000), (2, 300_000)]
    {
        let storage: Vec<usize> = (0..rows * columns).collect();
        for dtype in [DType::F64, DType::F32, DType::F16, DType::U8] {
            let matrix = Tensor::new(dtype, vec![columns, rows], bytes_of(dtype, &storage).into()).unwrap();
            let turned = Naive::row_major(&[columns, rows]).gather(vec![rows, columns], |at| vec![at[1], at[0]]);
            let expected = bytes_of(dtype, &turned.positions);
            assert!(matrix.permute(&[1, 0]).unwrap().to_bytes() == expected, "{dtype} [{rows}, {columns}]");
        }
    }
}

/// The columns of fc6 from height, width, channel to channel, height, width.
#[test]
fn columns_in_another_order_are_a_view() {
    let (out, channels, height, width) = (50, 7, 3, 2);
    let storage: Vec<usize> = (0..out * channels * height * width).collect();
    let matrix = Tensor::new(DType::F32, vec![height * width * channels, out], bytes_of(DType::F32, &storage).into());
    let view = matrix.unwrap().permute(&[1, 0]).unwrap().reshape(&[out, height, width, channels]).unwrap();
    let view = view.permute(&[0, 3, 1, 2]).unwrap().reshape(&[out, channels * height * width]).unwrap();
    assert_eq!((view.strides(), view.span().len()), (None, 4 * storage.len()));
    let naive = Naive::row_major(&[height, width, channels, out]);
    let naive = naive.gather(vec![out, channels, height, width], |at| vec![at[2], at[3], at[1], at[0]]);
    assert_eq!(&view.to_bytes()[..], bytes_of(DType::F32, &naive.positions));
    let last = view.narrow(0, out - 1, 1).unwrap();
    assert_eq!(&last.to_bytes()[..], &bytes_of(DType::F32, &naive.positions)[4 * (out - 1) * 42..]);
}
