//! What the fused engine computes on a CPU, against candle's operations one by one.

use crate::support::{error, golden, model, tiny};
use alexnet::{AlexNet, Precision, spec::networks};
use candle_core::{DType, Tensor};

/// Logits by candle's operations: those that taps are put between.
fn layer_by_layer(model: &AlexNet, x: &Tensor) -> Tensor {
    model.forward_with_taps(x, &mut |_, _| Ok(())).unwrap()
}

/// The model of the fixture called `name` in `dtype`, in f64 with the same weights, and its input.
fn models(name: &str, dtype: DType) -> (AlexNet, AlexNet, Tensor) {
    let network = tiny(name);
    let exact = match dtype {
        DType::BF16 => crate::support::rounded_model(&network, name, dtype),
        _ => model(&network, name, DType::F64),
    };
    let x = golden(name)["input"].to_dtype(dtype).unwrap();
    (model(&network, name, dtype).unwrap(), exact.unwrap(), x)
}

#[test]
fn bf16_logits_are_as_near_to_f64_as_those_of_the_layers() {
    for name in networks::ALL.iter().map(|entry| entry.name) {
        let (model, exact, x) = models(name, DType::BF16);
        let expected = exact.forward(&x.to_dtype(DType::F64).unwrap()).unwrap();
        let logits = model.forward(&x).unwrap();
        assert_eq!(logits.dtype(), DType::BF16);
        // Twenty roundings to eight bits, of sums in which most errors cancel.
        let [fused, layers] = [&logits, &layer_by_layer(&model, &x)].map(|logits| error(logits, &expected));
        assert!(fused <= 0.03 && fused <= 2.0 * layers + 0.01, "{name}: {fused:e}, layer by layer {layers:e}");
    }
}

#[test]
fn int8_changes_logits_by_about_a_percent() {
    for name in networks::ALL.iter().map(|entry| entry.name) {
        for dtype in [DType::F32, DType::BF16] {
            let (model, exact, x) = models(name, dtype);
            let expected = exact.forward(&x.to_dtype(DType::F64).unwrap()).unwrap();
            let exactly = model.forward(&x).unwrap();
            let logits = model.with_precision(Precision::Int8).forward(&x).unwrap();
            let error = error(&logits, &expected);
            assert!(error <= 0.05, "{name} in {dtype:?}: {error:e}");
            let matrices = tiny(name).parameters().unwrap().into_iter().any(|parameter| parameter.shape.len() == 2);
            let changed = crate::support::values(&logits) != crate::support::values(&exactly);
            assert_eq!(changed, matrices, "{name} in {dtype:?}: eight bits are used where there are matrices");
        }
    }
}
