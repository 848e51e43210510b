//! Writes every network in every form that the exporter has: food for other programs that read ONNX.
//!
//! `cargo run -p alexnet-onnx --example export_matrix -- fixtures/networks OUT [NETWORK]` takes `<network>.safetensors` with
//! canonical names from the first folder. `tests/check_onnx.py` then holds what lies in OUT (a quarter of a gigabyte for
//! each network) against ONNX's checker, ONNX Runtime and PyTorch's goldens.

use alexnet_onnx::{Batch, Data, Error, ExportOptions, Extent, LrnForm, Quantization, write};
use alexnet_spec::{DType, Metadata, Network, Tensor, Weights, networks};
use std::collections::BTreeMap;
use std::path::Path;

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let (weights, out, only) = match arguments.as_slice() {
        [weights, out] => (weights, out, None),
        [weights, out, only] => (weights, out, only.to_str()),
        _ => return Err("usage: export_matrix FOLDER-WITH-NETWORKS OUT [NETWORK]".into()),
    };
    let out = Path::new(out);
    std::fs::create_dir_all(out)?;
    for entry in networks::ALL.iter().filter(|entry| only.is_none_or(|only| only == entry.name)) {
        let path = Path::new(weights).join(format!("{}.safetensors", entry.name));
        let (network, weights) = read((entry.network)(), &path)?;
        for options in matrix() {
            export(out, &network, &weights, &options)?;
        }
    }
    Ok(())
}

/// Every opset with every other option.
fn matrix() -> Vec<ExportOptions> {
    let mut all = Vec::new();
    for opset in ExportOptions::OPSETS {
        for batch in [Batch::Dynamic, Batch::Fixed(2)] {
            for dtype in [DType::F32, DType::F16, DType::BF16] {
                for lrn in [LrnForm::Native, LrnForm::Primitive] {
                    for softmax in [false, true] {
                        // Taps change names alone: once for each opset.
                        let taps = batch == Batch::Dynamic && dtype == DType::F32 && lrn == LrnForm::Native && !softmax;
                        let options = ExportOptions { opset, batch, dtype, softmax, lrn, taps, quantize: None };
                        if taps {
                            all.push(ExportOptions { quantize: Some(Quantization::Weights), ..options.clone() });
                        }
                        all.push(options);
                    }
                }
            }
        }
    }
    all
}

fn export(out: &Path, network: &Network, weights: &Weights, options: &ExportOptions) -> Result<()> {
    let ExportOptions { opset, batch, dtype, softmax, lrn, taps, quantize } = options;
    let batch = match batch {
        Batch::Dynamic => "dynamic".to_owned(),
        Batch::Fixed(n) => format!("batch{n}"),
    };
    let lrn = if *lrn == LrnForm::Native { "native" } else { "primitive" };
    let end = if *softmax { "softmax" } else { "logits" };
    let taps = if *taps { "-taps" } else { "" };
    let dtype = if quantize.is_some() { "int8".to_owned() } else { dtype.to_string() };
    let name = format!("{}-{opset}-{batch}-{dtype}-{lrn}-{end}{taps}", network.name);
    let metadata = Metadata::new(network, &Default::default());
    let mut model = Vec::new();
    match write(&mut model, network, weights, &metadata, options, Data::Inline) {
        Err(Error::OperatorType { from, .. }) if *opset < from => return Ok(()),
        other => other?,
    }
    std::fs::write(out.join(format!("{name}.onnx")), model)?;

    if quantize.is_some() {
        return Ok(());
    }
    let (data, layout) = external(weights, options.dtype)?;
    let location = format!("{}-{dtype}.data", network.name);
    std::fs::write(out.join(&location), data)?;
    let mut model = Vec::new();
    write(&mut model, network, weights, &metadata, options, Data::External { location: &location, layout: &layout })?;
    std::fs::write(out.join(format!("{name}-external.onnx")), model)?;
    Ok(())
}

/// All parameters one after the other, and where they lie.
fn external(weights: &Weights, dtype: DType) -> Result<(Vec<u8>, BTreeMap<String, Extent>)> {
    let mut data = Vec::new();
    let mut layout = BTreeMap::new();
    for (name, tensor) in weights.iter() {
        let offset = data.len() as u64;
        tensor.for_each_chunk::<alexnet_spec::Error>(dtype, &mut |chunk| {
            data.extend_from_slice(chunk);
            Ok(())
        })?;
        layout.insert(name.to_owned(), Extent { offset, length: data.len() as u64 - offset });
    }
    Ok((data, layout))
}

/// The network with the widths of the weights that lie at `path`.
fn read(network: Network, path: &Path) -> Result<(Network, Weights)> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let file = safetensors::SafeTensors::deserialize(&bytes)?;
    let tensors = file.iter().map(|(name, view)| {
        let tensor = Tensor::new(DType::F32, view.shape().to_vec(), view.data().to_vec().into())?;
        Ok((name.to_owned(), tensor))
    });
    let tensors: BTreeMap<String, Tensor> = tensors.collect::<alexnet_spec::Result<_>>()?;
    let network = network.fitted(|parameter| tensors.get(parameter).map(Tensor::shape))?;
    let weights = Weights::new(&network, tensors)?;
    Ok((network, weights))
}
