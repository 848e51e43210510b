use std::fmt;

/// The shape of one example's activations: the batch dimension is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A feature map in channels, height, width.
    Map {
        /// Number of channels.
        channels: usize,
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
    },
    /// A flat vector of features.
    Vector(usize),
}

impl Shape {
    /// The dimensions without the batch: `[C, H, W]` or `[F]`.
    pub fn dims(&self) -> Vec<usize> {
        match *self {
            Shape::Map { channels, height, width } => vec![channels, height, width],
            Shape::Vector(features) => vec![features],
        }
    }

    /// The number of elements of one example; `None` where it overflows.
    pub fn elements(&self) -> Option<usize> {
        self.dims().into_iter().try_fold(1usize, usize::checked_mul)
    }
}

/// `96x55x55` for a map, `4096` for a vector.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Shape::Map { channels, height, width } => write!(f, "{channels}x{height}x{width}"),
            Shape::Vector(features) => write!(f, "{features}"),
        }
    }
}
