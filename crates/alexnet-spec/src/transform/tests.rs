use super::*;
use proptest::prelude::*;

/// 0, 1, 2, ... in `shape`.
fn counting(shape: &[usize]) -> Tensor {
    let values: Vec<f32> = (0..shape.iter().product::<usize>()).map(|i| i as f32).collect();
    Tensor::from_f32(shape.to_vec(), &values).unwrap()
}

/// Row-major strides of `shape` at `index`, written out.
fn at(values: &[f32], shape: &[usize], index: &[usize]) -> f64 {
    let flat = shape.iter().zip(index).fold(0, |flat, (size, i)| flat * size + i);
    f64::from(values[flat])
}

fn assert_equals(tensor: &Tensor, shape: [usize; 4], expected: impl Fn([usize; 4]) -> f64) {
    assert_eq!(tensor.shape(), shape);
    let values = tensor.to_f32().unwrap();
    for o in 0..shape[0] {
        for i in 0..shape[1] {
            for y in 0..shape[2] {
                for x in 0..shape[3] {
                    assert_eq!(at(&values, &shape, &[o, i, y, x]), expected([o, i, y, x]), "at {:?}", [o, i, y, x]);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_has_an_inverse_is_undone_by_it(o in 1usize..5, i in 1usize..5, h in 1usize..5, w in 1usize..5) {
        let kernel = counting(&[o, i, h, w]);
        let matrix = counting(&[o, i * h * w]);
        let cases = [
            (Transform::Identity, &kernel),
            (Transform::Permute(vec![3, 2, 0, 1]), &kernel),
            (Transform::Permute(vec![1, 3, 2, 0]), &kernel),
            (Transform::Flip180, &kernel),
            (Transform::SwapInputChannels, &kernel),
            (Transform::Scale(0.5), &kernel),
            (Transform::Transpose, &matrix),
            (Transform::FlattenedHwcToChw { height: h, width: w }, &matrix),
            (Transform::FlattenedChwToHwc { height: h, width: w }, &matrix),
            (Transform::Chain(vec![Transform::Permute(vec![3, 0, 1, 2]), Transform::Flip180, Transform::Scale(2.0)]), &kernel),
        ];
        for (transform, tensor) in cases {
            let there = transform.apply(std::slice::from_ref(tensor)).unwrap();
            let back = transform.inverse().unwrap().apply(&[there]).unwrap();
            prop_assert_eq!(back.shape(), tensor.shape(), "{}", &transform);
            prop_assert_eq!(back.to_f32().unwrap(), tensor.to_f32().unwrap(), "{}", &transform);
        }
    }

    #[test]
    fn kernels_match_plain_loops(o in 1usize..4, i in 1usize..4, h in 1usize..4, w in 1usize..4) {
        let hwio = counting(&[h, w, i, o]);
        let source = hwio.to_f32().unwrap();
        let oihw = Transform::Permute(vec![3, 2, 0, 1]).apply(&[hwio]).unwrap();
        assert_equals(&oihw, [o, i, h, w], |[o_, i_, y, x]| at(&source, &[h, w, i, o], &[y, x, i_, o_]));

        let c01b = counting(&[i, h, w, o]);
        let source = c01b.to_f32().unwrap();
        let oihw = Transform::Permute(vec![3, 0, 1, 2]).apply(&[c01b]).unwrap();
        assert_equals(&oihw, [o, i, h, w], |[o_, i_, y, x]| at(&source, &[i, h, w, o], &[i_, y, x, o_]));

        let kernel = counting(&[o, i, h, w]);
        let source = kernel.to_f32().unwrap();
        let shape = [o, i, h, w];
        let turned = Transform::Flip180.apply(std::slice::from_ref(&kernel)).unwrap();
        assert_equals(&turned, shape, |[o_, i_, y, x]| at(&source, &shape, &[o_, i_, h - 1 - y, w - 1 - x]));
        let bgr = Transform::SwapInputChannels.apply(std::slice::from_ref(&kernel)).unwrap();
        assert_equals(&bgr, shape, |[o_, i_, y, x]| at(&source, &shape, &[o_, i - 1 - i_, y, x]));
        let halved = Transform::Scale(0.5).apply(&[kernel]).unwrap();
        assert_equals(&halved, shape, |index| at(&source, &shape, &index) * 0.5);
    }

    #[test]
    fn flattened_columns_match_plain_loops(out in 1usize..4, c in 1usize..5, h in 1usize..4, w in 1usize..4) {
        let hwc = counting(&[out, h * w * c]);
        let source = hwc.to_f32().unwrap();
        let chw = Transform::FlattenedHwcToChw { height: h, width: w }.apply(&[hwc]).unwrap().to_f32().unwrap();
        for o in 0..out {
            for channel in 0..c {
                for y in 0..h {
                    for x in 0..w {
                        let seen = at(&chw, &[out, c, h, w], &[o, channel, y, x]);
                        prop_assert_eq!(seen, at(&source, &[out, h, w, c], &[o, y, x, channel]));
                    }
                }
            }
        }
    }

    #[test]
    fn towers_lie_one_after_the_other_along_any_axis(axis in 0usize..3, first in 1usize..4, second in 0usize..4) {
        let mut shape = [2, 3, 4];
        shape[axis] = first;
        let a = counting(&shape);
        shape[axis] = second;
        let b = counting(&shape);
        let joined = Transform::ConcatenateAlong(axis).apply(&[a.clone(), b.clone()]).unwrap();
        let head = joined.narrow(axis, 0, first).unwrap();
        let tail = joined.narrow(axis, first, second).unwrap();
        prop_assert_eq!(joined.shape()[axis], first + second);
        prop_assert_eq!(head.to_f32().unwrap(), a.to_f32().unwrap());
        prop_assert_eq!(tail.to_f32().unwrap(), b.to_f32().unwrap());
    }
}

#[test]
fn strided_towers_are_concatenated_by_value() {
    let tower = counting(&[2, 3]).permute(&[1, 0]).unwrap();
    let joined = Transform::ConcatenateAlong(1).apply(&[tower.clone(), tower]).unwrap();
    assert_eq!(joined.shape(), [3, 4]);
    assert_eq!(joined.to_f32().unwrap(), [0., 3., 0., 3., 1., 4., 1., 4., 2., 5., 2., 5.]);
}

#[test]
fn a_factor_is_applied_to_halves_in_single_precision() {
    let one_and_a_half =
        Tensor::new(DType::F16, vec![1], half::f16::from_f32(1.5).to_le_bytes().to_vec().into()).unwrap();
    let scaled = Transform::Scale(0.1).apply(&[one_and_a_half]).unwrap();
    // 0.15 rounded to single precision.
    assert_eq!((scaled.dtype(), scaled.to_f32().unwrap()), (DType::F32, vec![0.15]));
}

#[test]
fn views_stay_views() {
    let kernel = counting(&[2, 3, 4, 5]);
    let whole = kernel.as_contiguous().unwrap();
    for transform in [Transform::Permute(vec![1, 0, 2, 3]), Transform::Flip180, Transform::SwapInputChannels] {
        let there = transform.apply(std::slice::from_ref(&kernel)).unwrap();
        let back = transform.apply(&[there]).unwrap().as_contiguous().unwrap();
        assert_eq!(back.as_ptr(), whole.as_ptr(), "{transform} copied");
    }
}

#[test]
fn what_does_not_suit_is_refused() {
    let vector = counting(&[4]);
    let matrix = counting(&[2, 9]);
    let cases = [
        (Transform::Identity, vec![vector.clone(), vector.clone()], "takes one tensor, but there are 2"),
        (Transform::Transpose, vec![vector.clone()], "is no permutation of 1 axes"),
        (Transform::Flip180, vec![vector.clone()], "at least 2 axes"),
        (Transform::SwapInputChannels, vec![vector.clone()], "no axis 1"),
        (Transform::FlattenedHwcToChw { height: 2, width: 2 }, vec![matrix.clone()], "no flattened map of 2x2"),
        (Transform::FlattenedChwToHwc { height: 0, width: 3 }, vec![matrix.clone()], "no flattened map of 0x3"),
        (Transform::ConcatenateAlong(1), vec![], "nothing to concatenate"),
        (Transform::ConcatenateAlong(2), vec![matrix.clone()], "no axis 2"),
        (Transform::ConcatenateAlong(0), vec![matrix.clone(), counting(&[2, 8])], "can't be concatenated along axis 0"),
        (Transform::ConcatenateAlong(0), vec![matrix, vector], "can't be concatenated along axis 0"),
    ];
    for (transform, sources, message) in cases {
        let error = transform.apply(&sources).unwrap_err().to_string();
        assert!(error.contains(message), "{transform}: {error}");
    }
}

#[test]
fn concatenations_and_a_factor_of_zero_have_no_inverse() {
    assert_eq!(Transform::ConcatenateAlong(0).inverse(), None);
    assert_eq!(Transform::Scale(0.0).inverse(), None);
    assert_eq!(Transform::Chain(vec![Transform::Flip180, Transform::ConcatenateAlong(0)]).inverse(), None);
}
