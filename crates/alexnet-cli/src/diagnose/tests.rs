//! Every mistake that PyTorch made on purpose (fixtures/mistakes, by fixtures/make/diagnoses.py) is named, and nothing else.

use super::*;
use alexnet_spec::Tensor;
use safetensors::SafeTensors;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What is wrong at one layer of one network, case by case.
#[derive(serde::Deserialize)]
struct Mistakes {
    network: serde_json::Value,
    layer: String,
    after: Option<String>,
    cases: Vec<Known>,
}

#[derive(serde::Deserialize)]
struct Known {
    mistake: Option<String>,
    says: String,
    found: String,
}

struct File {
    name: String,
    metadata: BTreeMap<String, String>,
    arrays: BTreeMap<String, Array>,
}

impl File {
    fn read(path: &Path) -> File {
        let bytes = std::fs::read(path).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let arrays = tensors.iter().map(|(name, view)| {
            let (words, _) = view.data().as_chunks::<4>();
            let data = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
            (name.to_owned(), Array { shape: view.shape().to_vec(), data })
        });
        File {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            metadata: header.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect(),
            arrays: arrays.collect(),
        }
    }

    fn weights(&self, prefix: &str, network: &Network) -> Weights {
        let own = self.arrays.iter().filter_map(|(name, array)| Some((name.strip_prefix(prefix)?, array)));
        let tensors = own.map(|(n, array)| (n.to_owned(), Tensor::from_f32(array.shape.clone(), &array.data).unwrap()));
        Weights::new(network, tensors.collect()).unwrap()
    }
}

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(folder)
}

fn files() -> Vec<File> {
    let paths = fixtures("mistakes").read_dir().unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|e| e == "safetensors")).collect();
    paths.sort();
    paths.iter().map(|path| File::read(path)).collect()
}

#[test]
fn every_mistake_is_named_and_no_other() {
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    for file in files() {
        let mistakes: Mistakes = serde_json::from_str(&file.metadata["mistakes"]).unwrap();
        let network = Network::from_json(&mistakes.network.to_string()).unwrap();
        let weights = file.weights("weights/", &network);
        for known in mistakes.cases {
            let array = |name: &str| file.arrays[name].clone();
            let example = Example { input: array("input"), expected: array("expected"), found: array(&known.found) };
            let diagnosis = diagnose(&Case {
                network: &network,
                weights: &weights,
                after: mistakes.after.as_deref(),
                layer: &mistakes.layer,
                examples: &[example],
            });
            let right = match (&known.mistake, &diagnosis) {
                (Some(mistake), Some(d)) => d.mistake == mistake && d.sentence.contains(&known.says),
                (expected, found) => expected.is_none() && found.is_none(),
            };
            let said = diagnosis.as_ref().map(|d| (d.mistake, &d.sentence, d.remaining));
            if !right {
                wrong.push(format!("{}: {:?} `{}` is called {said:?}", file.name, known.mistake, known.says));
            }
            seen.extend(known.mistake);
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let unseen: Vec<&str> = super::mistakes::ALL.iter().map(|m| m.id).filter(|id| !seen.contains(*id)).collect();
    assert!(unseen.is_empty(), "no fixture makes these: {unseen:?}");
}

/// A generator whose numbers don't repeat within a test.
struct Noise(u64);

impl Noise {
    /// From -1 to 1.
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    fn on(&mut self, array: &Array, size: f32) -> Array {
        let data = array.data.iter().map(|v| v * (1.0 + size * self.next())).collect();
        Array { shape: array.shape.clone(), data }
    }
}

/// Values that differ by a per cent or a hundredth of one, here and there, are no known mistake of any layer.
#[test]
fn noise_is_no_mistake() {
    let mut noise = Noise(1);
    for name in ["bvlc", "torchvision", "single-column-bn", "krizhevsky-2012"] {
        let file = File::read(&fixtures(&format!("networks/{name}.safetensors")));
        let widths = |parameter: &str| file.arrays.get(parameter).map(|array| array.shape.as_slice());
        let network = alexnet_spec::networks::get(name).unwrap().fitted(widths).unwrap();
        let weights = file.weights("", &network);
        let golden = File::read(&fixtures(&format!("goldens/{name}.safetensors")));
        // PyTorch's outputs of neighbouring layers; the image's are larger than a test should compute with often.
        for pair in network.layers.windows(2).skip(3) {
            let [input, expected] = [&pair[0], &pair[1]].map(|layer| golden.arrays[&layer.name].clone());
            for size in [1e-2, 1e-4] {
                let found = noise.on(&expected, size);
                let example = Example { input: input.clone(), expected: expected.clone(), found };
                let (after, layer) = (Some(pair[0].name.as_str()), pair[1].name.as_str());
                let case = Case { network: &network, weights: &weights, after, layer, examples: &[example] };
                let diagnosis = diagnose(&case);
                assert!(diagnosis.is_none(), "{name} {layer}: {diagnosis:?}");
            }
        }
    }
}
