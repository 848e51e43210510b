use crate::array::Array;
use crate::html::picture::Picture;
use alexnet_spec::{ChannelOrder, Mean, Network, Preprocessing};

/// The longer side of a thumbnail.
const SIDE: usize = 80;

/// An input `[1, C, H, W]` as the picture that it was before mean and scale; in grey where it doesn't have three channels.
pub fn thumbnail(input: &Array, network: Option<&Network>) -> Option<Picture> {
    let [1, channels, height, width] = *input.shape.as_slice() else { return None };
    let step = height.max(width).div_ceil(SIDE).max(1);
    let fallback = Preprocessing::torchvision();
    let preprocessing = network.map_or(&fallback, |network| &network.preprocessing);
    let colours = Colours::of(preprocessing, channels);
    let order: [usize; 3] = match (channels, preprocessing.channel_order) {
        (3, ChannelOrder::Rgb) => [0, 1, 2],
        (3, ChannelOrder::Bgr) => [2, 1, 0],
        _ => [0; 3],
    };
    // The mean of a square of pixels.
    let at = |channel: usize, x: usize, y: usize| {
        let rows = (y * step..(y * step + step).min(height)).map(|row| (channel * height + row) * width);
        let squares = rows.flat_map(|row| (x * step..(x * step + step).min(width)).map(move |column| row + column));
        let (sum, count) = squares
            .filter_map(|place| input.data.get(place))
            .fold((0.0, 0u32), |(sum, count), v| (sum + f64::from(*v), count + 1));
        colours.byte(channel, sum / f64::from(count.max(1)))
    };
    Some(Picture::from_fn(width.div_ceil(step), height.div_ceil(step), |x, y| order.map(|channel| at(channel, x, y))))
}

/// How a value becomes brightness again.
struct Colours {
    range: f64,
    mean: Vec<f64>,
    std: Vec<f64>,
}

impl Colours {
    fn of(preprocessing: &Preprocessing, channels: usize) -> Colours {
        let mean = match &preprocessing.mean {
            Mean::PerChannel(mean) => mean.clone(),
            Mean::Image(image) => {
                let size = (image.values.len() / channels.max(1)).max(1);
                let sum = |channel: &[f32]| channel.iter().map(|v| f64::from(*v)).sum::<f64>() / size as f64;
                image.values.chunks(size).map(sum).collect()
            }
            _ => Vec::new(),
        };
        Colours { range: preprocessing.range.max(), mean, std: preprocessing.std.clone() }
    }

    fn byte(&self, channel: usize, value: f64) -> u8 {
        let mean = self.mean.get(channel).copied().unwrap_or(0.0);
        let std = self.std.get(channel).copied().unwrap_or(1.0);
        // `as` takes what lies beyond a byte, and NaN, to its ends.
        ((value * std + mean) / self.range * 255.0).round() as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alexnet_spec::networks;

    /// torchvision's mean and deviation of red are 0.485 and 0.229, of blue 0.406 and 0.225.
    #[test]
    fn an_input_shows_its_image() {
        let network = networks::get("torchvision").unwrap();
        let value = |pixel: f64, mean: f64, std: f64| ((pixel / 255.0 - mean) / std) as f32;
        let data = [[200.0, 0.485, 0.229], [100.0, 0.456, 0.224], [50.0, 0.406, 0.225]].map(|[p, m, s]| value(p, m, s));
        let input = Array { shape: vec![1, 3, 1, 1], data: data.to_vec() };
        assert_eq!(thumbnail(&input, Some(&network)).unwrap(), Picture::new(1, 1, [200, 100, 50]));
    }

    /// Caffe's mean of blue is 104, of green 117, of red 123.
    #[test]
    fn blue_comes_first_in_some_networks() {
        let network = networks::get("bvlc").unwrap();
        let input = Array { shape: vec![1, 3, 1, 1], data: vec![-104.0, 0.0, 1000.0] };
        assert_eq!(thumbnail(&input, Some(&network)).unwrap(), Picture::new(1, 1, [255, 117, 0]));
    }

    #[test]
    fn large_inputs_are_made_small() {
        let input = Array { shape: vec![1, 3, 200, 100], data: vec![0.0; 60_000] };
        let small = thumbnail(&input, None).unwrap();
        assert_eq!((small.width, small.height), (34, 67));
    }
}
