use super::*;
use crate::Result;
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Name and shape of every tensor of a fixture that PyTorch wrote.
fn pytorch(path: &str) -> BTreeMap<String, Vec<usize>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(path);
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file = SafeTensors::deserialize(&bytes).unwrap();
    file.iter().map(|(name, tensor)| (name.to_owned(), tensor.shape().to_vec())).collect()
}

fn shrunk(entry: &Entry) -> Network {
    (entry.network)().shrunk(16, 10).unwrap()
}

#[test]
fn parameters_have_the_names_and_shapes_of_pytorchs_modules() -> Result<()> {
    for entry in ALL {
        let ours: BTreeMap<_, _> = shrunk(entry).parameters()?.into_iter().map(|p| (p.name, p.shape)).collect();
        assert_eq!(ours, pytorch(&format!("networks/{}.safetensors", entry.name)), "{}", entry.name);
    }
    Ok(())
}

#[test]
fn every_layers_output_has_the_shape_pytorch_gives() -> Result<()> {
    for entry in ALL {
        let network = shrunk(entry);
        let mut theirs = pytorch(&format!("goldens/{}.safetensors", entry.name));
        theirs.remove("logits").unwrap();
        for step in network.trace()? {
            let name = &step.layer.name;
            let shape = theirs.remove(name).unwrap_or_else(|| panic!("{}: PyTorch has no {name}", entry.name));
            assert_eq!([&[1], &step.output.dims()[..]].concat(), shape, "{} of {}", name, entry.name);
        }
        assert!(theirs.is_empty(), "{} lacks {theirs:?}", entry.name);
    }
    Ok(())
}
