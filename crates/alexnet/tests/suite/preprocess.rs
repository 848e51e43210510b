//! Preprocessing against torchvision on Pillow and against OpenCV: the cases of `make_preprocess.py`.

use crate::support::{error, fixtures, tensors, values};
use alexnet::preprocess::Preprocessor;
use alexnet::spec::layers::Relu;
use alexnet::spec::{ChannelOrder, Interpolation, Layer, Mean, MeanImage, Network, PixelRange, Resize, networks};
use candle_core::{Device, Tensor};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference")
}

/// A contract that leaves levels as they are, so that the network's input shows the resized pixels.
fn levels(resize: Resize, height: usize, width: usize) -> Preprocessor {
    let mut network = networks::get("torchvision").unwrap();
    (network.input.height, network.input.width) = (height, width);
    let contract = &mut network.preprocessing;
    contract.channel_order = ChannelOrder::Rgb;
    contract.range = PixelRange::Byte;
    contract.mean = Mean::PerChannel(vec![0.0; 3]);
    contract.std = vec![1.0; 3];
    contract.resize = resize;
    network.layers.truncate(2);
    network.labels = Default::default();
    Preprocessor::new(&network).unwrap()
}

fn torchvision(size: usize, crop: usize) -> Preprocessor {
    levels(Resize::ShortSide { size, interpolation: Interpolation::BilinearAntialias }, crop, crop)
}

fn opencv(side: usize, crop: usize) -> Preprocessor {
    levels(Resize::Exact { height: side, width: side, interpolation: Interpolation::Bilinear }, crop, crop)
}

/// The largest difference in levels over every fourth row, as the reference keeps them.
fn difference(input: &Tensor, expected: &Tensor) -> f64 {
    let rows: Vec<u32> = (0..input.dim(2).unwrap() as u32).step_by(4).collect();
    let rows = Tensor::new(rows, &Device::Cpu).unwrap();
    let kept = input.index_select(&rows, 2).unwrap().get(0).unwrap().permute((1, 2, 0)).unwrap();
    assert_eq!(kept.dims(), expected.dims());
    values(&kept).iter().zip(values(expected)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn reference() -> HashMap<String, Tensor> {
    tensors(folder().join("preprocess.safetensors"))
}

#[test]
fn photographs_in_png_agree_to_the_bit() {
    let reference = reference();
    for photo in ["cat.png", "camera-grey.png", "coffee-alpha.png"] {
        let path = fixtures().join("photos").join(photo);
        let input = torchvision(256, 224).path(&path, &Device::Cpu).unwrap();
        assert_eq!(difference(&input, &reference[&format!("torchvision/{photo}")]), 0.0, "{photo}");
        let input = opencv(256, 227).path(&path, &Device::Cpu).unwrap();
        assert_eq!(difference(&input, &reference[&format!("opencv/{photo}")]), 0.0, "{photo}");
    }
}

/// JPEG decoders may differ: by 3 of 255 levels at most here, after the resize.
#[test]
fn photographs_in_jpeg_agree_within_three_levels() {
    let reference = reference();
    for photo in ["coffee.jpg", "rocket-portrait.jpg"] {
        let path = fixtures().join("photos").join(photo);
        let input = torchvision(256, 224).path(&path, &Device::Cpu).unwrap();
        let worst = difference(&input, &reference[&format!("torchvision/{photo}")]);
        assert!(worst <= 3.0, "{photo}: {worst}");
        let input = opencv(256, 227).path(&path, &Device::Cpu).unwrap();
        let worst = difference(&input, &reference[&format!("opencv/{photo}")]);
        assert!(worst <= 3.0, "{photo}: {worst}");
    }
}

#[test]
fn any_size_agrees_to_the_bit() {
    let cat = image::open(fixtures().join("photos/cat.png")).unwrap().into_rgb8();
    let mut compared = 0;
    for (name, expected) in reference() {
        let parts: Vec<&str> = name.split('/').collect();
        let [kind, size, resize, crop] = parts[..] else { continue };
        let (width, height) = size.split_once('x').unwrap();
        let [width, height, resize, crop] = [width, height, resize, crop].map(|n| n.parse::<usize>().unwrap());
        let part = image::imageops::crop_imm(&cat, 0, 0, width as u32, height as u32).to_image();
        let preprocessor = if kind == "opencv" { opencv(resize, crop) } else { torchvision(resize, crop) };
        let input = preprocessor.rgb8(width, height, &part, &Device::Cpu).unwrap();
        assert_eq!(difference(&input, &expected), 0.0, "{name}");
        compared += 1;
    }
    assert_eq!(compared, 42);
}

#[test]
fn unusual_images_convert_as_pillow_converts_them() {
    let reference = reference();
    for file in ["rgb16.png", "rgba16.png", "grey-alpha.png", "bilevel.png", "palette.png"] {
        let input = torchvision(8, 8).path(folder().join(file), &Device::Cpu).unwrap();
        assert_eq!(difference(&input, &reference[&format!("convert/{file}")]), 0.0, "{file}");
    }
}

/// The file turned by 90 degrees says so in its EXIF data, and stays as it is.
#[test]
fn unusual_jpegs_convert_as_pillow_converts_them() {
    let reference = reference();
    for file in ["cmyk.jpg", "grey.jpg", "progressive.jpg", "turned.jpg"] {
        let input = torchvision(48, 48).path(folder().join(file), &Device::Cpu).unwrap();
        let worst = difference(&input, &reference[&format!("convert/{file}")]);
        assert!(worst <= 3.0, "{file}: {worst}");
    }
}

#[test]
fn grey_of_16_bits_keeps_the_upper_8() {
    let grey = image::ImageBuffer::from_fn(8, 8, |x, y| image::Luma([x as u16 * 8192 + y as u16 * 31]));
    let mut png = std::io::Cursor::new(Vec::new());
    image::DynamicImage::ImageLuma16(grey).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let input = torchvision(8, 8).encoded(png.get_ref(), &Device::Cpu).unwrap();
    let row = values(&input.narrow(1, 2, 1).unwrap().narrow(2, 5, 1).unwrap());
    assert_eq!(row, [0., 32., 64., 96., 128., 160., 192., 224.]);
}

/// The fixtures' inputs come from torchvision's tensor transforms, whose rounding differs from Pillow's and OpenCV's by a
/// level here and there.
#[test]
fn the_contracts_of_the_networks_give_the_shared_inputs() {
    for (name, input, level) in [
        ("torchvision", "rgb-unit-224", 1.0 / 255.0 / 0.224),
        ("paper", "rgb-byte-224", 1.0),
        ("caffenet", "bgr-byte-227", 1.0),
    ] {
        let path = fixtures().join("photos/cat.png");
        let actual = Preprocessor::new(&networks::get(name).unwrap()).unwrap().path(&path, &Device::Cpu).unwrap();
        let expected =
            tensors(fixtures().join(format!("inputs/{input}.safetensors")))["input"].narrow(0, 0, 1).unwrap();
        let difference = (actual - expected).unwrap().abs().unwrap();
        let worst = difference.max_all().unwrap().to_scalar::<f32>().unwrap();
        let mean = difference.mean_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(worst <= level * 1.0001 && mean < level * 0.25, "{name}: {worst} {mean}");
    }
}

/// (200 / 255 - 0.485) / 0.229 and so on, by hand.
#[test]
fn levels_are_normalised_in_the_input_s_channel_order() {
    let pixels = [200u8, 100, 0].repeat(256 * 256);
    let input = |name| {
        let preprocessor = Preprocessor::new(&networks::get(name).unwrap()).unwrap();
        preprocessor.rgb8(256, 256, &pixels, &Device::Cpu).unwrap()
    };
    let channel = |x: &Tensor, c: usize| values(x)[c * x.dims()[2] * x.dims()[3]];
    let x = input("torchvision");
    for (c, expected) in [1.307047, -0.285014, -1.804444].into_iter().enumerate() {
        assert!((channel(&x, c) - expected).abs() < 1e-5, "{}", channel(&x, c));
    }
    let x = input("bvlc");
    assert_eq!([0, 1, 2].map(|c| channel(&x, c)), [0.0 - 104.0, 100.0 - 117.0, 200.0 - 123.0]);
    let x = input("paper");
    assert!((channel(&x, 0) - (200.0 - 123.68)).abs() < 1e-5);
}

/// A strip of one pixel by 60,000 would be resized to 256 x 15,360,000: the crop alone is computed.
#[test]
fn a_strip_takes_no_more_memory_than_its_crop() {
    let pixels = vec![7u8; 60_000 * 3];
    let input = torchvision(256, 224).rgb8(60_000, 1, &pixels, &Device::Cpu).unwrap();
    assert_eq!(error(&input, &Tensor::full(7f32, (1, 3, 224, 224), &Device::Cpu).unwrap()), 0.0);
    torchvision(256, 224).rgb8(1, 60_000, &pixels, &Device::Cpu).unwrap();
}

#[test]
fn what_is_no_image_is_refused() {
    let preprocessor = torchvision(256, 224);
    let rgb =
        |width, height, bytes: &[u8]| preprocessor.rgb8(width, height, bytes, &Device::Cpu).unwrap_err().to_string();
    assert!(rgb(2, 2, &[0; 11]).contains("11 bytes aren't an RGB image of 2x2"));
    assert!(rgb(0, 5, &[]).contains("0x5"));
    assert!(rgb(usize::MAX, 2, &[]).contains("aren't an RGB image"));
    let path = fixtures().join("README.md");
    let message = preprocessor.path(&path, &Device::Cpu).unwrap_err().to_string();
    assert!(message.starts_with(path.to_str().unwrap()) && message.contains("neither JPEG nor PNG"), "{message}");
    let photo = std::fs::read(fixtures().join("photos/cat.png")).unwrap();
    assert!(preprocessor.encoded(&photo[..photo.len() / 2], &Device::Cpu).is_err());
    assert!(preprocessor.encoded(b"", &Device::Cpu).is_err());
}

/// The header of a PNG of 60,000 x 60,000 pixels: ten gigabytes, were they decoded.
#[test]
fn a_decompression_bomb_is_refused() {
    let mut bomb = std::fs::read(fixtures().join("photos/cat.png")).unwrap();
    bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let crc = crc32(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&crc.to_be_bytes());
    let message = torchvision(256, 224).encoded(&bomb, &Device::Cpu).unwrap_err().to_string();
    assert!(message.to_lowercase().contains("limit"), "{message}");
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[test]
fn a_network_of_other_than_three_colours_has_no_preprocessor() {
    let mut network: Network = networks::get("torchvision").unwrap();
    network.input.channels = 1;
    network.preprocessing.mean = Mean::PerChannel(vec![0.5]);
    network.preprocessing.std = vec![0.2];
    assert!(Preprocessor::new(&network).unwrap_err().to_string().contains("1 channels"));
}

/// 4x4 pixels of the levels 10 * row + column, cut to the 2x2 in the middle, minus a mean image.
fn middle(mean: MeanImage, flip_vertical: bool) -> Vec<f64> {
    let mut network = networks::get("bvlc").unwrap();
    (network.input.height, network.input.width) = (2, 2);
    network.layers = vec![Layer::new("relu", Relu {})];
    network.labels = Default::default();
    let resize = Resize::Exact { height: 4, width: 4, interpolation: Interpolation::Bilinear };
    let contract = &mut network.preprocessing;
    (contract.resize, contract.mean, contract.flip_vertical) = (resize, Mean::Image(mean), flip_vertical);
    let pixels: Vec<u8> = (0..16u8).flat_map(|i| [10 * (i / 4) + i % 4; 3]).collect();
    values(&Preprocessor::new(&network).unwrap().rgb8(4, 4, &pixels, &Device::Cpu).unwrap())
}

#[test]
fn a_mean_image_is_cropped_with_the_image() {
    // The mean is 1 at (1, 1) of the first channel, blue, alone.
    let mut mean = vec![0.0; 3 * 16];
    mean[5] = 1.0;
    let values = middle(MeanImage { height: 4, width: 4, values: mean }, false);
    assert_eq!(values, [10., 12., 21., 22., 11., 12., 21., 22., 11., 12., 21., 22.]);
}

#[test]
fn a_mean_image_of_the_input_s_size_is_taken_as_it_is() {
    let mean = MeanImage { height: 2, width: 2, values: (0..12).map(|i| i as f32).collect() };
    assert_eq!(middle(mean, false), [11., 11., 19., 19., 7., 7., 15., 15., 3., 3., 11., 11.]);
}

#[test]
fn an_image_upside_down_meets_its_mean_upright() {
    let mut mean = vec![0.0; 3 * 16];
    mean[5] = 1.0;
    let values = middle(MeanImage { height: 4, width: 4, values: mean }, true);
    assert_eq!(values, [20., 22., 11., 12., 21., 22., 11., 12., 21., 22., 11., 12.]);
}
