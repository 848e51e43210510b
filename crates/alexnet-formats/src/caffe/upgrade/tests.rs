use super::*;
use crate::{Limits, Source};

fn read(text: &str) -> Result<Net> {
    Net::from_text(&Source::from_bytes("net.prototxt", text.to_owned()), &Limits::default())
}

/// The same layer in the three generations.
#[test]
fn the_generations_say_the_same() {
    let texts = [
        "layers { layer { name: 'data' type: 'data' meanfile: 'm' cropsize: 227 mirror: true scale: 2 } top: 'data' }
         layers { layer { name: 'pad2' type: 'padding' pad: 2 } bottom: 'data' top: 'padded' }
         layers { layer { name: 'conv2' type: 'conv' num_output: 8 group: 2 kernelsize: 5 stride: 3 biasterm: false
                  weight_decay: 1 } bottom: 'padded' top: 'conv2' }",
        "layers { name: 'data' type: DATA top: 'data' transform_param { mean_file: 'm' crop_size: 227 mirror: true scale: 2 } }
         layers { name: 'conv2' type: CONVOLUTION bottom: 'data' top: 'conv2' weight_decay: 1
                  convolution_param { num_output: 8 group: 2 pad: 2 kernel_size: 5 stride: 3 bias_term: false } }",
        "layer { name: 'data' type: 'Data' top: 'data' transform_param { mean_file: 'm' crop_size: 227 mirror: true scale: 2 } }
         layer { name: 'conv2' type: 'Convolution' bottom: 'data' top: 'conv2' param { lr_mult: 1 }
                 convolution_param { num_output: 8 group: 2 pad: 2 kernel_size: 5 stride: 3 bias_term: false } }",
    ];
    for text in texts {
        let net = read(text).unwrap();
        let [data, conv] = &net.layers[..] else { panic!("{:?}", net.layers) };
        assert_eq!((data.kind.as_str(), &data.tops[..]), ("Data", &["data".to_owned()][..]));
        let transformation = data.params.message("transform_param");
        assert_eq!((transformation.text("mean_file"), transformation.int("crop_size")), (Some("m"), Some(227)));
        assert_eq!((transformation.bool("mirror"), transformation.float("scale")), (Some(true), Some(2.0)));
        assert_eq!(
            (conv.name.as_str(), conv.kind.as_str(), &conv.bottoms[..]),
            ("conv2", "Convolution", &["data".to_owned()][..])
        );
        let param = conv.params.message("convolution_param");
        let sizes = ["num_output", "group", "pad", "kernel_size", "stride"].map(|name| param.int(name));
        assert_eq!(sizes, [Some(8), Some(2), Some(2), Some(5), Some(3)]);
        assert_eq!(param.bool("bias_term"), Some(false));
    }
}

#[test]
fn inputs_are_declared_in_two_ways() {
    let layer = "layers { name: 'r' type: RELU bottom: 'data' top: 'r' }";
    let old = read(&format!("input: 'data' input_dim: 1 input_dim: 3 input_dim: 5 input_dim: 7 {layer}")).unwrap();
    let new = read(&format!("input: 'data' input_shape {{ dim: 1 dim: 3 dim: 5 dim: 7 }} {layer}")).unwrap();
    let expected = [("data".to_owned(), Some(vec![1, 3, 5, 7]))];
    assert_eq!((old.inputs, new.inputs), (expected.to_vec(), expected.to_vec()));
    assert_eq!(read(&format!("input: 'data' {layer}")).unwrap().inputs, [("data".to_owned(), None)]);
    assert!(read(&format!("input: 'data' input_dim: 1 {layer}")).unwrap_err().to_string().contains("1 inputs"));
}

#[test]
fn generations_are_not_mixed() {
    for text in [
        "layer { name: 'a' } layers { name: 'b' }",
        "layers { layer { name: 'a' type: 'relu' } } layers { name: 'b' type: RELU }",
    ] {
        assert!(read(text).unwrap_err().to_string().contains("both old and new layers"), "{text}");
    }
}

#[test]
fn padding_before_anything_else_is_refused() {
    let padding = "layers { layer { name: 'p' type: 'padding' pad: 2 } bottom: 'data' top: 'p' }";
    let error = read(&format!("{padding} layers {{ layer {{ name: 'r' type: 'relu' }} bottom: 'p' top: 'r' }}"));
    assert!(error.unwrap_err().to_string().contains("layer `r` of type ReLU reads a padding layer"));
}
