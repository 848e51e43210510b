//! A reduced difference as a folder of ONNX's backend tests: `model.onnx`, and `test_data_set_0` with what goes in and what
//! should come out.

use super::shrink::encoded;
use super::{Difference, Reduced};
use crate::array::Array;
use crate::files::folder;
use alexnet_onnx::proto::TensorProto;
use alexnet_onnx::proto::tensor_proto::DataType;
use alexnet_spec::DType;
use anyhow::{Context, Result, bail, ensure};
use prost::Message;
use serde::Serialize;
use std::fmt;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Errs where a test can't be written to `target`: it must be a new folder, or an empty one.
pub fn check_target(target: &Path) -> Result<()> {
    match target.read_dir() {
        Ok(mut entries) => {
            ensure!(entries.next().is_none(), "--reduce {}: the folder isn't empty; name a new one", target.display())
        }
        Err(_) if target.symlink_metadata().is_ok() => bail!("--reduce {}: it is no folder", target.display()),
        Err(_) => {
            let parent = folder(target);
            ensure!(parent.is_dir(), "--reduce {}: there is no folder {}", target.display(), parent.display());
        }
    }
    Ok(())
}

/// A test that was written.
#[derive(Clone, Debug, Serialize)]
pub struct Reduction {
    /// The folder.
    pub folder: PathBuf,
    /// The layer that differs.
    pub layer: String,
    /// The graph's operators, in their order.
    pub operators: Vec<String>,
    /// The size of the graph's file.
    pub bytes: u64,
    /// Whether both sides give the same shape.
    pub same_shape: bool,
    /// The largest difference; nothing where the shapes differ, or one side is infinite or no number.
    pub difference: Option<f64>,
    /// How far the two may be apart.
    pub allowed: f64,
}

/// `DIR: norm1 in LRN, 232 bytes, off by 8.9e1 where 2.8e-3 is allowed`
impl fmt::Display for Reduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reduction { folder, layer, operators, bytes, same_shape, difference, allowed } = self;
        write!(f, "{}: {layer} in {}, {bytes} bytes, ", folder.display(), operators.join(" "))?;
        match difference {
            Some(difference) => write!(f, "off by {difference:.1e} where {allowed:.1e} is allowed"),
            None if *same_shape => f.write_str("infinite or no number on one side alone"),
            None => f.write_str("of another shape"),
        }
    }
}

impl Reduced {
    /// Writes the test to `target`, a new or empty folder, which appears whole or not at all.
    pub fn write(&self, target: &Path) -> Result<Reduction> {
        check_target(target)?;
        let place = || format!("--reduce {}: can't be written", target.display());
        let made = tempfile::Builder::new().prefix(".alexnet-").tempdir_in(folder(target)).with_context(place)?;
        self.fill(made.path()).with_context(place)?;
        let bytes = made.path().join("model.onnx").metadata()?.len();
        #[cfg(unix)]
        {
            // A temporary folder is its owner's alone; the test should be as any folder that is made here.
            let probe = made.path().join("test_data_set_0").metadata()?.permissions();
            fs::set_permissions(made.path(), probe)?;
        }
        if target.is_dir() && !cfg!(unix) {
            fs::remove_dir(target).with_context(place)?;
        }
        fs::rename(made.path(), target).with_context(place)?;
        let Difference { size, bound, .. } = self.difference;
        Ok(Reduction {
            folder: target.to_owned(),
            layer: self.layer.clone(),
            operators: self.operators.clone(),
            bytes,
            same_shape: !self.difference.of_shapes(),
            difference: Some(size).filter(|size| size.is_finite()),
            allowed: bound,
        })
    }

    fn fill(&self, target: &Path) -> Result<()> {
        let data = target.join("test_data_set_0");
        fs::create_dir(&data)?;
        let (inputs, outputs) = (self.model.inputs(), self.model.outputs());
        let ([input], [output]) = (inputs, outputs) else { bail!("a part with other than one input and output") };
        let mut model = BufWriter::new(File::create_new(target.join("model.onnx"))?);
        self.model.write(&mut model)?;
        model.into_inner().map_err(|error| error.into_error())?.sync_all()?;
        write(&data.join("input_0.pb"), &tensor(&input.name, &self.input, input.dtype)?)?;
        write(&data.join("output_0.pb"), &tensor(&output.name, &self.expected, output.dtype)?)?;
        write(&target.join("README.txt"), self.describe().as_bytes())
    }

    /// What the folder holds, for people.
    fn describe(&self) -> String {
        let Reduced { layer, layers, operators, difference, .. } = self;
        let [input, output] = [self.model.inputs(), self.model.outputs()].map(|values| match values {
            [value] => value.to_string(),
            _ => String::new(),
        });
        let apart = match difference.of_shapes() {
            true => "The graph gives another shape.".to_owned(),
            false => format!(
                "At {:?} it is {:e}, and the graph gives {:e}: {:.3e} apart, {:.1e} allowed.",
                difference.place, difference.expected, difference.found, difference.size, difference.bound
            ),
        };
        format!(
            "The smallest graph and input that show how `{layer}` differs.\n\n\
             model.onnx                     {}; {input} -> {output}\n\
             test_data_set_0/input_0.pb     what it is fed\n\
             test_data_set_0/output_0.pb    what the reference computes: {layers}\n\n\
             {apart}\n\n\
             The folder is a backend test of ONNX, which every runtime can be run on. On ONNX Runtime:\n\n\
             import numpy, onnx, onnxruntime\n\
             load = lambda name: onnx.numpy_helper.to_array(onnx.load_tensor(f\"test_data_set_0/{{name}}_0.pb\"))\n\
             session = onnxruntime.InferenceSession(\"model.onnx\")\n\
             (found,) = session.run(None, {{session.get_inputs()[0].name: load(\"input\")}})\n\
             numpy.testing.assert_allclose(found, load(\"output\"), rtol=0, atol={:e})\n",
            operators.join(", "),
            difference.bound
        )
    }
}

/// An array as ONNX keeps tensors in files.
fn tensor(name: &str, array: &Array, dtype: DType) -> Result<Vec<u8>> {
    let kind = match dtype {
        DType::F64 => DataType::Double,
        DType::F32 => DataType::Float,
        DType::F16 => DataType::Float16,
        DType::BF16 => DataType::Bfloat16,
        other => bail!("`{name}` is of {other}: only floating point can be written"),
    };
    let dims = array.shape.iter().map(|size| i64::try_from(*size)).collect::<Result<_, _>>()?;
    let proto = TensorProto {
        name: Some(name.to_owned()),
        data_type: Some(kind as i32),
        dims,
        raw_data: Some(encoded(array, dtype)?.to_bytes()),
        ..Default::default()
    };
    Ok(proto.encode_to_vec())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}
