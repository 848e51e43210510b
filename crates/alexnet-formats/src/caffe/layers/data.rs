use super::refused;
use crate::caffe::fields::Fields;
use crate::caffe::graph::Extent;
use crate::caffe::net::{Layer, Net};
use crate::mean::ASKED_FOR;
use crate::shown::shown;
use crate::{Error, Result};
use alexnet_spec::{Interpolation, Mean, Preprocessing, Resize};

/// What comes in, and how images become it.
pub(in crate::caffe) struct Data {
    pub extent: Extent,
    pub preprocessing: Preprocessing,
    pub notes: Vec<String>,
}

/// Whether a layer reads nothing: data of whatever source.
pub(in crate::caffe) fn is_data(layer: &Layer) -> bool {
    layer.bottoms.is_empty()
}

/// The data layers, those of the TEST phase first: the net of a snapshot has the training's alone.
fn layers(net: &Net) -> impl Iterator<Item = &Layer> {
    net.tested().chain(&net.layers).filter(|layer| is_data(layer))
}

/// Every blob that comes from outside, with what is known of its shape; where several layers make one, the first counts.
pub(in crate::caffe) fn inputs(net: &Net) -> Vec<(&str, Extent)> {
    let mut found: Vec<(&str, Extent)> = Vec::new();
    let declared = net.inputs.iter().map(|(name, shape)| (name.as_str(), of_shape(shape.as_deref().unwrap_or(&[]))));
    let made = layers(net)
        .flat_map(|layer| layer.tops.iter().enumerate().map(|(index, top)| (top.as_str(), extent(layer, index))));
    for (name, extent) in declared.chain(made) {
        if !found.iter().any(|(known, _)| *known == name) {
            found.push((name, extent));
        }
    }
    found
}

fn of_shape(shape: &[i64]) -> Extent {
    let size = |size: i64| usize::try_from(size).ok().filter(|size| *size > 0);
    match *shape {
        [_, channels, height, width] => Extent {
            channels: size(channels),
            size: size(height).zip(size(width)).map(|(height, width)| [height, width]),
            flat: false,
        },
        _ => Extent::default(),
    }
}

/// What a data layer says of the shape of its output number `index`; the first is the image.
fn extent(layer: &Layer, index: usize) -> Extent {
    let shapes = |name| layer.params.message(name).messages("shape").map(|shape| shape.ints("dim").collect()).collect();
    let mut shapes: Vec<Vec<i64>> = match layer.kind.as_str() {
        "Input" => shapes("input_param"),
        "DummyData" => shapes("dummy_data_param"),
        "MemoryData" => {
            let param = layer.params.message("memory_data_param");
            vec![
                std::iter::once(1)
                    .chain(["channels", "height", "width"].map(|name| param.int(name).unwrap_or(0)))
                    .collect(),
            ]
        }
        _ => Vec::new(),
    };
    if shapes.len() == 1 && layer.kind == "Input" {
        shapes.resize(layer.tops.len(), shapes.first().cloned().unwrap_or_default());
    }
    let mut extent = shapes.get(index).map_or(Extent::default(), |shape| of_shape(shape));
    let transformation = Transformation(layer);
    if index == 0 {
        let side = |size: i64| usize::try_from(size).ok().filter(|size| *size > 0);
        if let Some(side) = transformation.int("crop_size").and_then(side) {
            extent.size = Some([side, side]);
        } else if let Some(size) = transformation.resized() {
            extent.size = Some(size);
        }
        if extent.size.is_some() && extent.channels.is_none() {
            let grey = layer.params.message("transform_param").bool("force_gray") == Some(true);
            extent.channels = Some(if grey { 1 } else { 3 });
        }
    }
    extent
}

/// What a data layer does to images: `transform_param`, or before that its own parameters, which count where there are both.
struct Transformation<'n>(&'n Layer);

impl<'n> Transformation<'n> {
    fn own(&self) -> &'n Fields {
        self.0.params.message(match self.0.kind.as_str() {
            "ImageData" => "image_data_param",
            "WindowData" => "window_data_param",
            _ => "data_param",
        })
    }

    fn newer(&self) -> &'n Fields {
        self.0.params.message("transform_param")
    }

    fn int(&self, name: &'static str) -> Option<i64> {
        self.own().int(name).or(self.newer().int(name))
    }

    fn float(&self, name: &'static str) -> Option<f64> {
        self.own().float(name).or(self.newer().float(name))
    }

    fn text(&self, name: &'static str) -> Option<&'n str> {
        self.own().text(name).or(self.newer().text(name))
    }

    /// The size that images are brought to.
    fn resized(&self) -> Option<[usize; 2]> {
        let size = |name| self.own().int(name).and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0);
        size("new_height").zip(size("new_width")).map(|(height, width)| [height, width])
    }
}

/// What the net says of its input: Caffe's convention, with what a data layer says otherwise.
pub(in crate::caffe) fn data(net: &Net, input_name: &str) -> Result<Data> {
    let extent = inputs(net).into_iter().find(|(name, _)| *name == input_name).map_or(Extent::default(), |(_, e)| e);
    let channels = extent.channels.unwrap_or(3);
    let mut preprocessing = Preprocessing::caffe();
    if channels != 3 {
        preprocessing.mean = Mean::PerChannel(vec![0.0; channels.min(MOST_CHANNELS)]);
        preprocessing.std = vec![1.0; channels.min(MOST_CHANNELS)];
    }
    let [height, width] = extent.size.unwrap_or([0, 0]);
    let size = |size: usize| size.max(256);
    let mut resized = [size(height), size(width)];
    let makes = |layer: &&Layer| layer.tops.iter().any(|top| top == input_name);
    let layer = layers(net).find(makes).filter(|layer| transforms(layer));
    let mut notes = Vec::new();
    match layer.map(Transformation) {
        Some(transformation) => {
            if let Some(size) = transformation.resized() {
                resized = size;
            }
            mean(&transformation, channels, &mut preprocessing, &mut notes)?;
        }
        None => notes.push(format!(
            "the net doesn't say how images become its input: Caffe's convention is written (BGR from 0 to 255 minus the \
             mean colour); {ASKED_FOR} the mean of the training images"
        )),
    }
    let [height, width] = resized;
    preprocessing.resize = Resize::Exact { height, width, interpolation: Interpolation::Bilinear };
    Ok(Data { extent, preprocessing, notes })
}

/// Whether a net says how images become its input.
pub(in crate::caffe) fn says_preprocessing(net: &Net) -> bool {
    layers(net).any(transforms)
}

/// Whether a data layer reads images, and has what they go through.
fn transforms(layer: &Layer) -> bool {
    ["Data", "ImageData", "WindowData"].contains(&layer.kind.as_str())
}

/// More than any input has; a guard against hostile dimensions.
const MOST_CHANNELS: usize = 1024;

fn mean(
    transformation: &Transformation<'_>,
    channels: usize,
    preprocessing: &mut Preprocessing,
    notes: &mut Vec<String>,
) -> Result<()> {
    let values: Vec<f64> = transformation.newer().floats("mean_value").collect();
    match (&values[..], transformation.text("mean_file")) {
        ([], Some(file)) => notes.push(format!(
            "training subtracted the mean image `{}`, which isn't in the file: its usual mean colour stands in; \
             {ASKED_FOR} it",
            shown(file.as_bytes())
        )),
        ([], None) => preprocessing.mean = Mean::PerChannel(vec![0.0; preprocessing.std.len()]),
        ([value], None) => preprocessing.mean = Mean::PerChannel(vec![*value; preprocessing.std.len()]),
        (values, None) if values.len() == channels => preprocessing.mean = Mean::PerChannel(values.to_vec()),
        (values, _) => {
            return Err(Error::refused(format!("{} mean values for an input of {channels} channels", values.len())));
        }
    }
    if let Some(scale) = transformation.float("scale") {
        if scale <= 0.0 {
            return Err(refused("scale", scale));
        }
        for std in &mut preprocessing.std {
            *std = scale.recip();
        }
    }
    Ok(())
}
