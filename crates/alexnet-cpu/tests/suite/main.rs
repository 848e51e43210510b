//! The engine against plain loops in f64, on every instruction set that this processor has.

mod batches;
mod fast;
mod faults;
mod int8;
mod layers;
mod naive;
mod non_finite;
mod support;
mod threads;
