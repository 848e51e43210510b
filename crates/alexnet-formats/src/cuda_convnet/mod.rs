//! cuda-convnet's networks: the layers in its checkpoints, transcribed into a [`Graph`](alexnet_spec::Graph).
//!
//! Three programs of Krizhevsky's wrote such layers, each a Python dictionary, and the keys here are those of their
//! `layer.py`. The public cuda-convnet of 2011 keeps them in a list and names inputs by position; DeCAF distributes such a list
//! alone. The program of 2012 (`computerhistory/AlexNet-Source-Code`) and cuda-convnet2 keep them by name. All the rest of a
//! checkpoint (options, costs so far, momenta) is left aside.
//!
//! `inputLayers`, which leads from a layer to the layers below it, is never followed: in lists it is stale, since activation
//! functions are put between layers after it was made, and following it would visit shared layers over and over.
//!
//! Refused by name: layers that no AlexNet of ours has (`nailbed`, `local`, `blur`, `cnorm`, ...), random sparse
//! connections, unshared biases, other pools than the largest value, other activation functions than ReLU.

mod builder;
mod conv;
mod fc;
mod graph;
mod layer;
mod model;
mod norm;
mod order;
mod pointwise;
mod pool;
#[cfg(test)]
mod tests;

pub(crate) use graph::describe;
pub(crate) use model::Model;
