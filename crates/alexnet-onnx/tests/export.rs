//! What an exported file is like: names, versions, sizes, what is refused. That its graph is right is for other tests.

mod support;

use alexnet_onnx::{Batch, Data, Dim, Error, ExportOptions, Extent, LrnForm, Model, Quantization, check, graph, write};
use alexnet_spec::{DType, Metadata, Network, Tensor, Weights, networks};
use std::collections::BTreeMap;
use support::*;

/// Opset 9 came with IR 4, 22 with IR 10: ONNX's table of released versions (`onnx.helper.VERSION_TABLE`).
#[test]
fn each_opset_has_the_ir_version_of_its_release() {
    let released =
        [(9, 4), (10, 5), (11, 6), (12, 7), (14, 7), (15, 8), (17, 8), (18, 8), (19, 9), (20, 9), (21, 10), (22, 10)];
    let network = networks::get("torchvision").unwrap();
    for (opset, ir) in released {
        let options = ExportOptions { opset, ..Default::default() };
        let model = graph(&network, &Metadata::default(), &options).unwrap();
        assert_eq!(model.ir_version(), ir, "opset {opset}");
        assert_eq!(model.opset_import[0].version(), opset);
    }
}

#[test]
fn a_viewer_shows_alexnet() {
    let model = graph(&networks::get("bvlc").unwrap(), &Metadata::default(), &ExportOptions::default()).unwrap();
    let graph = model.graph.unwrap();
    let nodes: Vec<_> = graph.node.iter().map(|node| format!("{} {}", node.name(), node.op_type())).collect();
    let expected = "conv1 Conv, relu1 Relu, norm1 LRN, pool1 MaxPool, conv2 Conv, relu2 Relu, norm2 LRN, pool2 MaxPool, \
        conv3 Conv, relu3 Relu, conv4 Conv, relu4 Relu, conv5 Conv, relu5 Relu, pool5 MaxPool, flatten Flatten, \
        fc6 Gemm, relu6 Relu, fc7 Gemm, relu7 Relu, fc8 Gemm";
    assert_eq!(nodes.join(", "), expected);
    assert_eq!(graph.node[0].input, ["input", "conv1.weight", "conv1.bias"]);
    for (node, next) in graph.node.iter().zip(&graph.node[1..]) {
        assert_eq!(node.output[0], node.name());
        assert_eq!(next.input[0], node.name());
    }
    assert_eq!(graph.node.last().unwrap().output, ["logits"]);
    assert_eq!(graph.value_info.len(), graph.node.len() - 1);
}

/// At 227 pixels the maps have 55, 27 and 13 rows, all filled by windows of 3 every 2; at 224 the first has 54.
#[test]
fn pools_are_padded_only_where_rounding_up_adds_a_window() {
    let pads = |network: &Network| {
        let model = graph(network, &Metadata::default(), &ExportOptions::default()).unwrap();
        let nodes = model.graph.unwrap().node.into_iter().filter(|node| node.op_type() == "MaxPool");
        nodes.map(|node| node.attribute.iter().find(|a| a.name() == "pads").unwrap().ints.clone()).collect::<Vec<_>>()
    };
    let mut network = networks::get("bvlc").unwrap();
    assert_eq!(pads(&network), [[0, 0, 0, 0]; 3]);
    (network.input.height, network.input.width) = (224, 224);
    assert_eq!(pads(&network), [[0, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]]);
}

#[test]
fn what_is_stored_in_few_bits_names_the_operator_and_the_opset_to_ask_for() {
    let (network, weights) = tiny("krizhevsky-2012");
    let bf16 = ExportOptions { dtype: DType::BF16, ..Default::default() };
    let int8 = ExportOptions { quantize: Some(Quantization::Weights), ..Default::default() };
    let export = |options: ExportOptions| {
        write(&mut Vec::new(), &network, &weights, &Metadata::default(), &options, Data::Inline)
    };
    for opset in 9..13 {
        for (options, operator, stored) in [(&bf16, "Cast", "bf16"), (&int8, "DequantizeLinear", "i8")] {
            let error = export(ExportOptions { opset, ..options.clone() }).unwrap_err();
            assert!(matches!(error, Error::OperatorType { from: 13, .. }));
            assert_eq!(
                error.to_string(),
                format!(
                    "{operator} takes {stored} as it is written here only from opset 13 on, not in opset {opset}: try \
                     --opset 13, or f32"
                )
            );
        }
    }
    for options in [bf16, int8] {
        export(ExportOptions { opset: 13, ..options }).unwrap();
    }
}

#[test]
fn impossible_options_are_refused() {
    let network = networks::get("torchvision").unwrap();
    let cases = [
        (ExportOptions { opset: 8, ..Default::default() }, "opset 8 can't be written: try one from 9 to 22"),
        (ExportOptions { opset: 23, ..Default::default() }, "opset 23 can't be written: try one from 9 to 22"),
        (ExportOptions { dtype: DType::F64, ..Default::default() }, "a graph can't be of f64: try f32, f16 or bf16"),
        (
            ExportOptions { batch: Batch::Fixed(0), ..Default::default() },
            "a batch of 0 examples: try --batch 1, or --batch dynamic",
        ),
    ];
    for (options, message) in cases {
        assert_eq!(graph(&network, &Metadata::default(), &options).unwrap_err().to_string(), message);
    }
    let features = network.features_only();
    let options = ExportOptions { softmax: true, ..Default::default() };
    let message = graph(&features, &Metadata::default(), &options).unwrap_err().to_string();
    assert!(message.contains("needs a vector of logits"), "{message}");
}

#[test]
fn features_alone_end_with_the_last_pool() {
    let network = networks::get("torchvision").unwrap().features_only();
    let model = graph(&network, &Metadata::default(), &ExportOptions::default()).unwrap();
    assert_eq!(model.graph.unwrap().output[0].name(), "pool5");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let (network, weights) = tiny("paper");
    let options = ExportOptions::default();
    assert_eq!(export(&network, &weights, &options), export(&network, &weights, &options));
}

#[test]
fn parameters_come_back_bit_for_bit_and_uncopied() {
    let (network, weights) = tiny("single-column-bn");
    let bytes = bytes::Bytes::from(export(&network, &weights, &ExportOptions::default()));
    let inside = bytes.as_ptr_range();
    let model = Model::decode(bytes, &mut |_| unreachable!()).unwrap();
    for (name, tensor) in weights.iter() {
        let read = model.initializer(name).unwrap();
        let data = read.as_contiguous().unwrap();
        assert_eq!(data, tensor.to_bytes(), "{name}");
        assert!(inside.contains(&data.as_ptr()), "{name} was copied");
    }
    check(&model, &network, &ExportOptions::default()).unwrap();
}

#[test]
fn metadata_travels_with_the_model() {
    let (network, weights) = tiny("caffenet");
    let metadata = Metadata::new(&network, &Default::default());
    let mut bytes = Vec::new();
    write(&mut bytes, &network, &weights, &metadata, &ExportOptions::default(), Data::Inline).unwrap();
    let model = decode(bytes).unwrap();
    assert_eq!(*model.metadata(), metadata);
    assert_eq!(model.network().unwrap(), Some(network));
    assert_eq!(model.proto().producer_name(), "alexnet-onnx");
}

/// Every parameter in one file, with a gap before each.
fn laid_out(weights: &Weights) -> (Vec<u8>, BTreeMap<String, Extent>) {
    let mut file = Vec::new();
    let mut layout = BTreeMap::new();
    for (name, tensor) in weights.iter() {
        file.extend([0xee; 24]);
        let data = tensor.to_bytes();
        layout.insert(name.to_owned(), Extent { offset: file.len() as u64, length: data.len() as u64 });
        file.extend_from_slice(&data);
    }
    (file, layout)
}

#[test]
fn external_data_is_found_where_the_layout_says() {
    let (network, weights) = tiny("bvlc");
    let (file, layout) = laid_out(&weights);
    let mut bytes = Vec::new();
    let data = Data::External { location: "weights/bvlc.safetensors", layout: &layout };
    let options = ExportOptions { lrn: LrnForm::Primitive, ..Default::default() };
    write(&mut bytes, &network, &weights, &Metadata::default(), &options, data).unwrap();
    assert!(bytes.len() < 16_000, "{} bytes", bytes.len());
    let mut opened = Vec::new();
    let file = bytes::Bytes::from(file);
    let model = Model::decode(bytes.into(), &mut |location| {
        opened.push(location.to_owned());
        Ok(file.clone())
    })
    .unwrap();
    assert_eq!(opened, ["weights/bvlc.safetensors"]);
    for (name, tensor) in weights.iter() {
        assert_eq!(model.initializer(name).unwrap().to_bytes(), tensor.to_bytes(), "{name}");
    }
    check(&model, &network, &options).unwrap();
}

#[test]
fn a_layout_that_does_not_fit_is_refused() {
    let (network, weights) = tiny("bvlc");
    let (_, layout) = laid_out(&weights);
    let attempt = |location: &str, layout: &BTreeMap<String, Extent>, dtype| {
        let options = ExportOptions { dtype, ..Default::default() };
        let data = Data::External { location, layout };
        write(&mut Vec::new(), &network, &weights, &Metadata::default(), &options, data).unwrap_err().to_string()
    };
    for location in ["", "/weights", "../weights", "a//b", "a/./b", "C:weights", "a\\b"] {
        let message = attempt(location, &layout, DType::F32);
        assert!(message.ends_with("it must be a relative path inside the model's folder"), "{location}: {message}");
    }
    let message = attempt("w", &layout, DType::F16);
    assert_eq!(
        message,
        "`w` keeps `conv1.weight` in 8712 bytes, but [6, 3, 11, 11] of f16 needs 4356: write both files in the same type"
    );
    let mut short = layout.clone();
    short.remove("fc8.bias");
    assert_eq!(attempt("w", &short, DType::F32), "`w` has no place for parameter `fc8.bias`");
}

/// Weights without memory behind them: a stride of zero repeats one element. fc6 and fc7 take
/// (9216 + 20480) * 20480 * 4 = 2.4e9 bytes.
#[test]
fn a_model_beyond_two_gigabytes_needs_external_data() {
    let network = networks::get("torchvision").unwrap();
    let network = network.with_widths(&[64, 192, 384, 256, 256, 20480, 20480, 10]).unwrap();
    let zero = bytes::Bytes::from_static(&[0; 4]);
    let tensors = network.parameters().unwrap().into_iter().map(|p| {
        let strides = vec![0; p.shape.len()];
        (p.name, Tensor::strided(DType::F32, p.shape, strides, 0, zero.clone()).unwrap())
    });
    let weights = Weights::new(&network, tensors.collect()).unwrap();
    let (mut out, metadata, options) = (Vec::new(), Metadata::default(), ExportOptions::default());
    let error = write(&mut out, &network, &weights, &metadata, &options, Data::Inline).unwrap_err();
    assert!(error.to_string().ends_with("bytes, and protobuf allows 2147483647: try --external-data"), "{error}");
    assert!(out.is_empty());

    let layout = network.parameters().unwrap().into_iter().scan(0, |offset, p| {
        let extent = Extent { offset: *offset, length: p.elements() as u64 * 4 };
        *offset += extent.length;
        Some((p.name, extent))
    });
    let data = Data::External { location: "weights", layout: &layout.collect() };
    write(&mut out, &network, &weights, &metadata, &options, data).unwrap();
}

#[test]
fn a_weight_that_half_precision_cannot_hold_is_an_error() {
    let (network, weights) = tiny("torchvision");
    let mut tensors: Tensors = weights.iter().map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect();
    tensors.insert("fc8.bias".into(), Tensor::from_f32(vec![10], &[1e6; 10]).unwrap());
    let weights = Weights::new(&network, tensors).unwrap();
    let options = ExportOptions { dtype: DType::F16, ..Default::default() };
    let error = write(&mut Vec::new(), &network, &weights, &Metadata::default(), &options, Data::Inline).unwrap_err();
    assert_eq!(error.to_string(), "parameter `fc8.bias`: tensor: 1e6 is too large for f16; keep the weights in f32");
}

#[test]
fn check_finds_what_differs() {
    let (network, weights) = tiny("bvlc");
    let options = ExportOptions::default();
    let model = decode(export(&network, &weights, &options)).unwrap();
    check(&model, &network, &options).unwrap();
    let says = |network: &Network, options: &ExportOptions| check(&model, network, options).unwrap_err().to_string();

    let (caffenet, _) = tiny("caffenet");
    assert_eq!(
        says(&caffenet, &options),
        "the graph differs from network `caffenet` at `pool1`: the node is LRN(relu1; alpha 0.0001, beta 0.75, bias 1, \
         size 5), not MaxPool(relu1; kernel_shape [3, 3], pads [0, 0, 0, 0], strides [2, 2])"
    );
    let mut undivided = network.clone();
    for layer in &mut undivided.layers {
        if let alexnet_spec::Op::LocalResponseNorm(norm) = &mut layer.op {
            norm.alpha = 5e-4;
        }
    }
    assert!(says(&undivided, &options).contains("at `norm1`: the node is LRN(relu1; alpha 0.0001,"));
    let classes = network.clone().with_classes(9).unwrap();
    assert!(says(&classes, &options).contains("at `outputs`: they are logits: f32 [N, 10], not logits: f32 [N, 9]"));
    assert!(says(&network, &ExportOptions { opset: 13, ..options.clone() }).contains("it is of opset 17, not 13"));
    assert!(says(&network, &ExportOptions { batch: Batch::Fixed(1), ..options.clone() }).contains("at `inputs`"));
    assert!(says(&network, &ExportOptions { dtype: DType::F16, ..options.clone() }).contains("at `inputs`"));
    assert!(says(&network, &ExportOptions { softmax: true, ..options }).contains("at `fc8`"));
}

#[test]
fn a_fixed_batch_is_stated_everywhere() {
    let (network, weights) = tiny("paper");
    let options = ExportOptions { batch: Batch::Fixed(3), ..Default::default() };
    let model = decode(export(&network, &weights, &options)).unwrap();
    for value in model.inputs().iter().chain(model.outputs()) {
        assert_eq!(value.shape.as_ref().unwrap()[0], Dim::Fixed(3));
    }
    let message = alexnet_onnx::lower(&model, 1, &[]).unwrap_err().to_string();
    assert_eq!(message, "input `input`: takes batches of 3, not of 1");
}
