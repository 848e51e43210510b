//! Graphs that other programs wrote, lowered and interpreted by candle-onnx, give PyTorch's answers.
//!
//! Made by `foreign/make.py`: PyTorch's two exporters, and the ONNX zoo's style from opset 3 on.

mod support;

use support::*;

#[test]
fn graphs_of_other_exporters_give_pytorchs_answers() {
    let goldens = tensors(beside("foreign/goldens.safetensors"));
    let mut failures = Vec::new();
    let mut models = 0;
    for name in goldens.keys().filter_map(|key| key.strip_suffix(".y")) {
        models += 1;
        let family = name.split('-').next().unwrap();
        let x = &goldens[&format!("{family}.x")];
        let model = decode(std::fs::read(beside(&format!("foreign/{name}.onnx"))).unwrap()).unwrap();
        let output = model.outputs()[0].name.clone();
        let lowered = match alexnet_onnx::lower(&model, x.shape()[0], &[]) {
            Ok(lowered) => lowered,
            Err(error) => {
                failures.push(format!("{name}: {error}"));
                continue;
            }
        };
        let error = error(&evaluate(&lowered, x)[&output], &goldens[&format!("{name}.y")]);
        if error > 2e-6 {
            failures.push(format!("{name}: relative error {error:e}"));
        }
    }
    assert!(failures.is_empty(), "{} of {models}:\n{}", failures.len(), failures.join("\n"));
    assert_eq!(models, 26);
}

/// Up to IR version 3, initializers are listed among the inputs.
#[test]
fn initializers_among_the_inputs_are_not_fed() {
    let model = decode(std::fs::read(beside("foreign/zoo-6.onnx")).unwrap()).unwrap();
    assert!(model.graph().input.len() > 8);
    let inputs: Vec<_> = model.inputs().iter().map(|input| input.to_string()).collect();
    assert_eq!(inputs, ["data_0: f32 [1, 3, 79, 79]"]);
}
