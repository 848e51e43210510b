use super::record::State;
use super::walk::Listing;
use alexnet::preprocess::Preprocessor;
use candle_core::Device;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;

/// A batch of images on their way to the networks.
pub struct Batch {
    /// Which.
    pub number: usize,
    /// Its images in order.
    pub images: Vec<Prepared>,
}

/// One image, preprocessed.
pub struct Prepared {
    /// Its place in the list.
    pub index: usize,
    /// The file as it was before it was read.
    pub state: State,
    /// The values of the input, or why there are none.
    pub values: Result<Vec<f32>, String>,
}

/// Batches that are ready while the networks run: enough that neither waits for long, few enough to be forgotten.
const AHEAD: usize = 2;

/// Decodes and preprocesses the images of `batches` on a thread of their own, which waits where it is too far ahead.
pub fn prepare<'scope>(
    scope: &'scope Scope<'scope, '_>,
    listing: &'scope Listing,
    preprocessor: &'scope Preprocessor,
    batches: impl Iterator<Item = (usize, std::ops::Range<usize>)> + Send + 'scope,
) -> Receiver<Batch> {
    let (sender, receiver) = sync_channel(AHEAD);
    scope.spawn(move || {
        for (number, range) in batches {
            let images = range.map(|index| one(listing, preprocessor, index)).collect();
            // Nobody is listening where the run has ended with an error.
            if sender.send(Batch { number, images }).is_err() {
                return;
            }
        }
    });
    receiver
}

fn one(listing: &Listing, preprocessor: &Preprocessor, index: usize) -> Prepared {
    let path = listing.paths.get(index).map(|path| listing.root.join(path)).unwrap_or_default();
    let state = State::of(&path);
    let read = || -> Result<Vec<f32>, String> {
        let tensor = preprocessor.path(&path, &Device::Cpu).map_err(|error| reason(&error.to_string(), &path))?;
        tensor.flatten_all().and_then(|tensor| tensor.to_vec1()).map_err(|error| error.to_string())
    };
    // A decoder that gives up on one file in ten thousand must not end the run.
    let values = catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err("its decoder broke off".into()));
    Prepared { index, state, values }
}

/// The first line of an error, without the path that the report names anyway.
fn reason(error: &str, path: &std::path::Path) -> String {
    let line = error.lines().next().unwrap_or_default();
    line.strip_prefix(&format!("{}: ", path.display())).unwrap_or(line).to_owned()
}
