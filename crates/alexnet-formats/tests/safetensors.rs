//! What is written, judged by the `safetensors` crate and by numbers from NumPy and PyTorch.

mod common;

use alexnet_formats::writers::safetensors::{self as writer, Layout};
use alexnet_formats::{ImportOptions, Kind, Limits, Source, import, open};
use alexnet_spec::naming::Naming;
use alexnet_spec::{DType, Metadata, Network, Provenance, Tensor, Weights, networks};
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// A small torchvision network; parameter *p* holds `p`, `p + 1/8`, `p + 2/8`, ... modulo 64: exact in every element type but
/// bf16.
fn small() -> (Network, Weights) {
    let network = networks::get("torchvision").unwrap().shrunk(32, 3).unwrap();
    let parameters = network.parameters().unwrap().into_iter().enumerate();
    let tensors = parameters.map(|(index, parameter)| {
        let values: Vec<f32> = (0..parameter.elements()).map(|i| (index as f32 + i as f32 / 8.0) % 64.0).collect();
        (parameter.name, Tensor::from_f32(parameter.shape, &values).unwrap())
    });
    let weights = Weights::new(&network, tensors.collect()).unwrap();
    (network, weights)
}

fn metadata(network: &Network) -> Metadata {
    let provenance = Provenance {
        source: "alexnet.pth".into(),
        sha256: Some("ab".repeat(32)),
        format: "pytorch-zip".into(),
        dialect: "torchvision".into(),
    };
    Metadata::new(network, &provenance)
}

fn written(network: &Network, weights: &Weights, dtype: DType, naming: Naming) -> (Vec<u8>, Layout) {
    let mut file = Vec::new();
    let layout = writer::write(&mut file, network, weights, dtype, naming, &metadata(network)).unwrap();
    (file, layout)
}

/// The small network with `conv1.bias` replaced.
fn with_bias(values: &[f32]) -> (Network, Weights) {
    let (network, weights) = small();
    let mut tensors: BTreeMap<String, Tensor> = weights.iter().map(|(name, t)| (name.to_owned(), t.clone())).collect();
    tensors.insert("conv1.bias".into(), Tensor::from_f32(vec![2], values).unwrap());
    let weights = Weights::new(&network, tensors).unwrap();
    (network, weights)
}

#[test]
fn the_crate_reads_every_type_and_spelling() {
    let (network, weights) = small();
    let types = [
        (DType::F32, safetensors::Dtype::F32),
        (DType::F16, safetensors::Dtype::F16),
        (DType::BF16, safetensors::Dtype::BF16),
        (DType::F64, safetensors::Dtype::F64),
    ];
    for (dtype, expected) in types {
        for (naming, first, last) in [
            (Naming::Canonical, "conv1.weight", "fc8.bias"),
            (Naming::Torchvision, "features.0.weight", "classifier.6.bias"),
        ] {
            let (file, layout) = written(&network, &weights, dtype, naming);
            let tensors = SafeTensors::deserialize(&file).unwrap();
            assert_eq!(tensors.len(), 16);
            assert_eq!(tensors.tensor(first).unwrap().shape(), [2, 3, 11, 11]);
            assert_eq!(tensors.tensor(last).unwrap().shape(), [3]);
            for (name, span) in layout.iter() {
                let spelled = naming.spell(&network, name).unwrap();
                let view = tensors.tensor(&spelled).unwrap();
                let at = view.data().as_ptr() as u64 - file.as_ptr() as u64;
                assert_eq!(
                    (view.dtype(), at, view.data().len() as u64),
                    (expected, span.offset, span.length),
                    "{name}"
                );
            }
            assert_eq!(layout.total, file.len() as u64);
        }
    }
}

#[test]
fn values_arrive_unchanged_in_the_wider_types() {
    let (network, weights) = small();
    let (file, _) = written(&network, &weights, DType::F32, Naming::Canonical);
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let words: Vec<f32> =
        tensors.tensor("conv1.bias").unwrap().data().as_chunks().0.iter().map(|w| f32::from_le_bytes(*w)).collect();
    assert_eq!(words, [1.0, 1.125]);
    let (file, _) = written(&network, &weights, DType::F64, Naming::Canonical);
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let words: Vec<f64> =
        tensors.tensor("conv2.bias").unwrap().data().as_chunks().0.iter().map(|w| f64::from_le_bytes(*w)).collect();
    assert_eq!(words, [3.0, 3.125, 3.25, 3.375, 3.5, 3.625]);
}

/// Bit patterns from `numpy.float32(x).astype(numpy.float16)` and `torch.tensor(x).bfloat16()`.
#[test]
fn narrower_types_round_as_numpy_and_pytorch_do() {
    let cases = [
        (1.0 / 3.0, 0x3555, 0x3eab),
        (0.1, 0x2e66, 0x3dcd),
        (-1e-8, 0x8000, 0xb22c),
        (65504.0, 0x7bff, 0x4780),
        (3.051_757_8e-5, 0x0200, 0x3800),
        (6.1e-5, 0x03ff, 0x3880),
        (1.000_488_3, 0x3c00, 0x3f80),
        (1.003_906_3, 0x3c04, 0x3f80),
        (-2.5, 0xc100, 0xc020),
    ];
    for (value, half, brain) in cases {
        let (network, weights) = with_bias(&[value, value]);
        for (dtype, bits) in [(DType::F16, half), (DType::BF16, brain)] {
            let (file, layout) = written(&network, &weights, dtype, Naming::Canonical);
            let at = layout.get("conv1.bias").unwrap().offset as usize;
            assert_eq!(u16::from_le_bytes([file[at], file[at + 1]]), bits, "{value} in {dtype}");
        }
    }
}

#[test]
fn data_begin_at_a_multiple_of_64_bytes() {
    for name in ["torchvision", "bvlc", "single-column-bn"] {
        let network = networks::get(name).unwrap().shrunk(16, 10).unwrap();
        let parameters = network.parameters().unwrap();
        let tensors = parameters.iter().map(|p| (p.name.clone(), common::tensor(&p.shape))).collect();
        let weights = Weights::new(&network, tensors).unwrap();
        let (file, layout) = written(&network, &weights, DType::F32, Naming::Canonical);
        let header = u64::from_le_bytes(*file.first_chunk().unwrap());
        assert_eq!(layout.get(&parameters[0].name).unwrap().offset, 8 + header);
        assert_eq!((8 + header) % 64, 0, "{name}");
        assert_eq!(file[8], b'{');
    }
}

#[test]
fn tensors_lie_in_the_order_of_the_layers() {
    let (network, weights) = small();
    let (_, layout) = written(&network, &weights, DType::F16, Naming::Torchvision);
    let offsets: Vec<u64> = network.parameters().unwrap().iter().map(|p| layout.get(&p.name).unwrap().offset).collect();
    assert!(offsets.is_sorted());
}

#[test]
fn the_same_weights_give_the_same_bytes() {
    let (network, weights) = small();
    let first = written(&network, &weights, DType::BF16, Naming::Canonical);
    assert_eq!(first, written(&network, &weights, DType::BF16, Naming::Canonical));
}

#[test]
fn the_header_says_what_the_file_is() {
    let (network, weights) = small();
    let (file, _) = written(&network, &weights, DType::F32, Naming::Torchvision);
    let (_, header) = SafeTensors::read_metadata(&file).unwrap();
    let pairs = header.metadata().clone().unwrap();
    assert_eq!(pairs["format"], "pt");
    assert_eq!(pairs[Metadata::NAMES], "torchvision");
    assert_eq!(pairs["alexnet.source.file"], "alexnet.pth");
    assert_eq!(pairs["alexnet.source.sha256"], "ab".repeat(32));
    assert_eq!(Network::from_json(&pairs[Metadata::NETWORK]).unwrap(), network);
}

#[test]
fn what_is_written_is_read_back_as_the_same_network() {
    let (network, weights) = small();
    for naming in [Naming::Canonical, Naming::Torchvision] {
        let (file, _) = written(&network, &weights, DType::F32, naming);
        let source = Source::from_bytes("small.safetensors", file);
        let checkpoint = open(&source, &Limits::default()).unwrap();
        assert_eq!(checkpoint.format, "safetensors");
        let imported = import(&checkpoint, &ImportOptions::default()).unwrap();
        assert_eq!(imported.network, network);
        for (name, tensor) in weights.iter() {
            assert_eq!(imported.weights.get(name).unwrap().to_bytes(), tensor.to_bytes(), "{name}");
        }
    }
}

#[test]
fn strided_weights_are_gathered() {
    let (network, weights) = small();
    let turned = |name: &str, tensor: &Tensor| {
        let axes: Vec<usize> = (0..tensor.shape().len()).rev().collect();
        let copied = tensor.permute(&axes).unwrap();
        let copied = Tensor::new(DType::F32, copied.shape().to_vec(), copied.to_bytes()).unwrap();
        (name.to_owned(), copied.permute(&axes).unwrap())
    };
    let strided = Weights::new(&network, weights.iter().map(|(name, tensor)| turned(name, tensor)).collect()).unwrap();
    assert!(!strided.get("conv1.weight").unwrap().is_contiguous());
    for dtype in [DType::F32, DType::F16] {
        assert_eq!(
            written(&network, &strided, dtype, Naming::Canonical),
            written(&network, &weights, dtype, Naming::Canonical)
        );
    }
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let (network, weights) = with_bias(&[1e6, 0.0]);
    let mut sink = Vec::new();
    let error =
        writer::write(&mut sink, &network, &weights, DType::F16, Naming::Canonical, &Metadata::default()).unwrap_err();
    assert!(error.to_string().contains("`conv1.bias`") && error.to_string().contains("too large for f16"), "{error}");
    let error =
        writer::write(&mut sink, &network, &weights, DType::I64, Naming::Canonical, &Metadata::default()).unwrap_err();
    assert!(error.to_string().contains("i64"), "{error}");

    let caffenet = networks::get("caffenet").unwrap().shrunk(16, 3).unwrap();
    let tensors = caffenet.parameters().unwrap().iter().map(|p| (p.name.clone(), common::tensor(&p.shape))).collect();
    let weights = Weights::new(&caffenet, tensors).unwrap();
    let error = writer::write(&mut sink, &caffenet, &weights, DType::F32, Naming::Torchvision, &Metadata::default())
        .unwrap_err();
    assert!(error.to_string().contains("use canonical names"), "{error}");
}

#[test]
fn a_full_disk_is_an_error_of_writing() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (network, weights) = small();
    for room in [0, 100, 8000] {
        let error =
            writer::write(&mut Full(room), &network, &weights, DType::F32, Naming::Canonical, &Metadata::default());
        assert_eq!(error.unwrap_err().kind(), Kind::Io, "after {room} bytes");
    }
}
