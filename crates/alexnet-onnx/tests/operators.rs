//! Every operator that is lowered, in the forms that exporters write: candle-onnx then gives ONNX Runtime's answers.
//!
//! The models and answers are made by `operators/make.py`.

mod support;

use support::*;

#[test]
fn lowered_operators_give_onnx_runtimes_answers() {
    let goldens = tensors(beside("operators/goldens.safetensors"));
    let mut failures = Vec::new();
    let mut cases = 0;
    for name in goldens.keys().filter_map(|key| key.strip_suffix(".x")) {
        cases += 1;
        let model = decode(std::fs::read(beside(&format!("operators/{name}.onnx"))).unwrap()).unwrap();
        let x = &goldens[&format!("{name}.x")];
        let expected = &goldens[&format!("{name}.y")];
        let lowered = match alexnet_onnx::lower(&model, x.shape()[0], &[]) {
            Ok(lowered) => lowered,
            Err(error) => {
                failures.push(format!("{name}: {error}"));
                continue;
            }
        };
        let outputs = evaluate(&lowered, x);
        let actual = &outputs["y"];
        if actual.dims() != expected.shape() {
            failures.push(format!("{name}: shape {:?}, not {:?}", actual.dims(), expected.shape()));
            continue;
        }
        let described = lowered.outputs()[0].to_string();
        let dims = format!("{:?}", expected.shape());
        assert!(described.ends_with(&dims), "{name}: inferred {described}, computed {dims}");
        let half = actual.dtype() == candle_core::DType::F16;
        let error = error(actual, expected);
        // One rounding to 11 bits, or a few to 24.
        if error > if half { 1e-3 } else { 1e-6 } {
            failures.push(format!("{name}: relative error {error:e}"));
        }
    }
    assert!(failures.is_empty(), "{} of {cases}:\n{}", failures.len(), failures.join("\n"));
    assert!(cases > 100, "only {cases} cases");
}
