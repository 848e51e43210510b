//! HDF5, as h5py, Keras, Caffe and MATLAB write it: groups, attributes and datasets of numbers, texts and object references.
//!
//! Described by the HDF5 File Format Specification 3.0. Superblocks 0 to 3, both kinds of object header, old groups (symbol
//! tables) and new ones (link messages), contiguous, compact and chunked datasets by gzip, shuffle and Fletcher-32. A contiguous
//! dataset is a view of the file. Not read: the fractal heaps in which new groups of more than eight links and objects of many
//! attributes keep them, the chunk indexes of growing datasets (both are written with `libver="latest"` alone), external files,
//! compound types, virtual datasets, and values never written; each is refused by name.
//!
//! The crate `hdf5-reader` reads more, but copies every dataset and bounds neither the texts of an attribute nor what all
//! datasets together decompress to.
//!
//! ```text
//! let file = File::open(source.bytes(), limits)?;             // the signature may stand behind a user block
//! for (path, dataset) in file.root()?.datasets()? {           // every dataset below, each group once
//!     let tensor = dataset.data()?.tensor()?;                 // a view where contiguous and little-endian
//! }
//! let layer = file.root()?.get("model_weights/conv2d")?;      // Option<Object>
//! let names = layer.attribute("weight_names")?;               // Option<Data>: texts(), integers(), tensor(), references()
//! ```

mod attribute;
mod budget;
mod checksum;
mod chunks;
mod data;
mod dataspace;
mod datatype;
mod fields;
mod file;
mod filters;
mod global_heap;
mod header;
mod layout;
mod link;
mod object;
mod superblock;
mod symbol_table;

/// What to do about a file of another generation.
const REPACK: &str = "rewriting it with h5repack --low=0 --high=0 IN OUT";

pub(crate) use data::Data;
pub(crate) use file::File;
pub(crate) use link::Link;
pub(crate) use object::Object;

#[cfg(test)]
mod tests;
