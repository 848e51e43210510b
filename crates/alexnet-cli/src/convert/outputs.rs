use crate::args::convert::{Convert, Names};
use crate::files::same_file;
use alexnet_spec::{DType, naming::Naming};
use anyhow::{Result, bail, ensure};
use std::path::{Path, PathBuf};

/// What is to be written, and where; checked before anything is read.
#[derive(Clone, Debug)]
pub(super) struct Outputs {
    pub safetensors: Vec<PathBuf>,
    pub onnx: Vec<PathBuf>,
    /// The safetensors file's name that the graph points to.
    pub external: Option<String>,
    pub dtype: DType,
    pub naming: Naming,
}

impl Outputs {
    /// Sorts the outputs by kind.
    ///
    /// Errs where one has an unknown extension, is the input, stands twice, exists already without `--force`, has no
    /// folder, or where options need an output that isn't there.
    pub(super) fn plan(input: &Path, args: &Convert) -> Result<Outputs> {
        let mut outputs = Outputs {
            safetensors: Vec::new(),
            onnx: Vec::new(),
            external: None,
            dtype: args.dtype.into(),
            naming: match args.names {
                Names::Canonical => Naming::Canonical,
                Names::Torchvision => Naming::Torchvision,
            },
        };
        for (index, output) in args.outputs.iter().enumerate() {
            check_target(output, input, args)?;
            let twice = args.outputs.iter().take(index).any(|other| same_file(other, output));
            ensure!(!twice, "{} is named twice", output.display());
            match output.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).as_deref() {
                Some("onnx") => outputs.onnx.push(output.clone()),
                Some("safetensors") => outputs.safetensors.push(output.clone()),
                _ => bail!("{}: its extension should be .onnx or .safetensors", output.display()),
            }
        }
        if args.external_data {
            outputs.external = Some(outputs.external_location()?);
        }
        if let (Some(_), Some(path)) = (args.quantize, outputs.safetensors.first()) {
            bail!(
                "{}: --quantize is for ONNX, safetensors has no place for the steps; try another run without it, or with --dtype f16",
                path.display()
            );
        }
        if args.softmax && outputs.onnx.is_empty() {
            bail!("--softmax is for ONNX: name an .onnx output, or leave it out");
        }
        Ok(outputs)
    }

    fn external_location(&self) -> Result<String> {
        let ([data], [graph]) = (self.safetensors.as_slice(), self.onnx.as_slice()) else {
            bail!(
                "--external-data needs one .safetensors and one .onnx output: the graph points into the safetensors file"
            );
        };
        let folders = [data, graph].map(|path| crate::files::folder(path).canonicalize());
        let [Ok(a), Ok(b)] = folders else { bail!("{}: its folder can't be resolved", graph.display()) };
        ensure!(a == b, "--external-data: {} and {} must be in the same folder", data.display(), graph.display());
        match data.file_name().and_then(|name| name.to_str()) {
            Some(name) => Ok(name.to_owned()),
            None => bail!("{}: its name can't stand in an ONNX file; use UTF-8", data.display()),
        }
    }
}

fn check_target(output: &Path, input: &Path, args: &Convert) -> Result<()> {
    ensure!(!same_file(output, input), "{} is the input; it is never overwritten", output.display());
    let folder = crate::files::folder(output);
    ensure!(folder.is_dir(), "{}: there is no folder {}; make it first", output.display(), folder.display());
    if let Ok(existing) = output.symlink_metadata() {
        ensure!(!existing.is_dir(), "{} is a folder", output.display());
        ensure!(args.force, "{} exists; use --force to replace it", output.display());
    }
    Ok(())
}
