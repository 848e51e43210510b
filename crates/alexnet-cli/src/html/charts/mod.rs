//! Pictures of numbers, as SVG inside the page: they take its colours, light or dark, and need no script.

mod heat_map;
mod histogram;
mod log_axis;
mod log_curve;

pub use heat_map::heat_maps;
pub use histogram::{Bin, histogram};
pub use log_axis::power;
pub use log_curve::{Point, log_curve};
