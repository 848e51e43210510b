use super::*;
use crate::mat::{Cell, Struct};
use alexnet_spec::labels::imagenet;
use alexnet_spec::layers::{BatchNorm2d, Conv2d, LocalResponseNorm};
use alexnet_spec::{ChannelOrder, DType, Labels, Mean, Op, Resize};

/// An array of `shape` from numbers column by column.
fn array(shape: &[usize], numbers: &[f64]) -> Value {
    let reversed: Vec<usize> = shape.iter().rev().copied().collect();
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let tensor = Tensor::new(DType::F64, reversed, bytes.into()).unwrap();
    Value::Numbers(tensor.permute(&(0..shape.len()).rev().collect::<Vec<_>>()).unwrap())
}

fn row(numbers: &[f64]) -> Value {
    array(&[1, numbers.len()], numbers)
}

fn text(text: &str) -> Value {
    Value::Text(vec![text.to_owned()])
}

fn cell(items: Vec<Value>) -> Value {
    Value::Cell(Cell { items })
}

fn record(fields: Vec<(&str, Value)>) -> Value {
    let (fields, values): (Vec<&str>, Vec<Value>) = fields.into_iter().unzip();
    Value::Struct(Struct { fields: fields.into_iter().map(str::to_owned).collect(), records: vec![values] })
}

/// A convolution of one pixel from `channels` to `out` channels.
fn conv(channels: usize, out: usize, more: Vec<(&str, Value)>) -> Value {
    let weights = vec![array(&[1, 1, channels, out], &vec![1.0; channels * out]), row(&vec![0.0; out])];
    let mut fields = vec![("type", text("conv")), ("name", text("conv1")), ("weights", cell(weights))];
    fields.extend(more);
    record(fields)
}

fn normalization(more: Vec<(&str, Value)>) -> Value {
    let mut fields = vec![("imageSize", row(&[2.0, 2.0, 3.0]))];
    fields.extend(more);
    record(fields)
}

fn read_net(layers: Vec<Value>, meta: Vec<(&str, Value)>) -> Result<Graph> {
    let variables = [("layers".to_owned(), cell(layers)), ("meta".to_owned(), record(meta))];
    Ok(read(&variables)?.unwrap().graph)
}

fn op(graph: &Graph, index: usize) -> Op {
    match &graph.nodes[index].op {
        alexnet_spec::graph::NodeOp::Layer(op) => op.clone(),
        other => panic!("{other:?}"),
    }
}

/// `[TOP BOTTOM LEFT RIGHT]` in vl_nnconv's help; ours is top, left, bottom, right.
#[test]
fn paddings_are_sorted() {
    let conv = conv(3, 2, vec![("pad", row(&[1.0, 2.0, 3.0, 4.0])), ("stride", row(&[5.0, 6.0]))]);
    let graph = read_net(vec![conv], vec![("normalization", normalization(vec![]))]).unwrap();
    let expected = Conv2d { out: 2, kernel: [1, 1], stride: [5, 6], pads: [1, 3, 2, 4], groups: 1 };
    assert_eq!(op(&graph, 0), Op::Conv2d(expected));
}

#[test]
fn groups_follow_from_the_channels_before() {
    let layers = vec![conv(3, 4, vec![]), conv(2, 6, vec![]), conv(6, 1, vec![])];
    let graph = read_net(layers, vec![]).unwrap();
    let groups: Vec<usize> =
        (0..3).map(|i| if let Op::Conv2d(conv) = op(&graph, i) { conv.groups } else { 0 }).collect();
    assert_eq!(groups, [1, 2, 1]);
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["conv1", "conv1_2", "conv1_3"]);
}

/// Kernels are [height, width, in, out]: the number at row 2, column 1, channel 1 of filter 1 comes second in MATLAB's order.
#[test]
fn kernels_become_ours() {
    let weights = vec![array(&[2, 3, 1, 1], &[11.0, 21.0, 12.0, 22.0, 13.0, 23.0]), array(&[0, 0], &[])];
    let layer = record(vec![("type", text("conv")), ("weights", cell(weights))]);
    let graph = read_net(vec![layer], vec![]).unwrap();
    let [weight] = &graph.nodes[0].operands[..] else { panic!("no bias") };
    let kernel = weight.transform.apply(&weight.tensors).unwrap();
    assert_eq!(kernel.shape(), [1, 1, 2, 3]);
    assert_eq!(kernel.to_f32().unwrap(), [11.0, 12.0, 13.0, 21.0, 22.0, 23.0]);
    assert_eq!((weight.sources[0].as_str(), graph.nodes[0].name.as_str()), ("layers{1}.weights{1}", "layer1"));
}

/// vl_nnnormalize: PARAM = [N KAPPA ALPHA BETA], PARAM_CAFFE = [N KAPPA N*ALPHA BETA].
#[test]
fn alpha_multiplies_the_plain_sum() {
    let norm = |kind: &str, param: Vec<(&'static str, Value)>| {
        let fields = [vec![("type", text(kind))], param].concat();
        op(&read_net(vec![record(fields)], vec![]).unwrap(), 0)
    };
    let caffe = |size: usize, alpha: f64, k: f64| {
        Op::LocalResponseNorm(LocalResponseNorm { size, alpha, beta: 0.75, k, groups: 1 })
    };
    assert_eq!(norm("normalize", vec![("param", row(&[4.0, 2.0, 0.25, 0.75]))]), caffe(4, 1.0, 2.0));
    assert_eq!(norm("lrn", vec![]), caffe(5, 1e-4, 1.0));
}

/// The moments' second column is a standard deviation with epsilon in it: sqrt(0.75 + 0.25) = 1, sqrt(3.75 + 0.25) = 2.
#[test]
fn standard_deviations_become_variances() {
    let weights = |sigma: [f64; 2]| {
        let moments = array(&[2, 2], &[5.0, 6.0, sigma[0], sigma[1]]);
        cell(vec![row(&[1.0, 2.0]), row(&[3.0, 4.0]), moments])
    };
    for (sigma, eps, variances) in [([1.0, 2.0], 0.25, [0.75, 3.75]), ([0.25, 1.0], 0.03125, [0.03125, 0.96875])] {
        let layer = record(vec![("type", text("bnorm")), ("weights", weights(sigma)), ("epsilon", row(&[0.25]))]);
        let graph = read_net(vec![layer], vec![]).unwrap();
        assert_eq!(op(&graph, 0), Op::BatchNorm2d(BatchNorm2d { eps }));
        let operands: Vec<_> =
            graph.nodes[0].operands.iter().map(|o| (o.role, o.tensors[0].to_f32().unwrap())).collect();
        assert_eq!(operands[2], ("running_mean", vec![5.0, 6.0]));
        assert_eq!(operands[3], ("running_var", variances.map(|v| v as f32).to_vec()));
    }
}

#[test]
fn images_are_cut_out_of_what_crop_size_or_border_say() {
    let resize = |fields: Vec<(&str, Value)>| {
        let graph = read_net(vec![conv(3, 2, vec![])], vec![("normalization", normalization(fields))]).unwrap();
        let preprocessing = graph.preprocessing.unwrap();
        assert_eq!(preprocessing.channel_order, ChannelOrder::Rgb);
        match preprocessing.resize {
            Resize::Exact { height, width, .. } => (height, width),
            Resize::ShortSide { size, .. } => (size, 0),
        }
    };
    assert_eq!(resize(vec![("cropSize", row(&[0.5, 0.25])), ("keepAspect", row(&[0.0]))]), (4, 8));
    assert_eq!(resize(vec![("cropSize", row(&[2.0 / 7.0])), ("border", row(&[9.0]))]), (7, 0));
    assert_eq!(resize(vec![("border", row(&[3.0, 5.0])), ("keepAspect", row(&[0.0]))]), (5, 7));
    assert_eq!(resize(vec![]), (2, 0));
}

/// An image's pixels are [row, column, channel], column by column; ours are channel by channel, row by row.
#[test]
fn an_average_image_is_turned() {
    let mean = |average: Value| {
        let meta = vec![("normalization", normalization(vec![("averageImage", average)]))];
        let graph = read_net(vec![conv(3, 2, vec![])], meta).unwrap();
        (graph.preprocessing.unwrap().mean, graph.notes.len())
    };
    let planes = [[11.0, 21.0, 12.0, 22.0], [31.0, 41.0, 32.0, 42.0], [51.0, 61.0, 52.0, 62.0]].concat();
    let (Mean::Image(image), 0) = mean(array(&[2, 2, 3], &planes)) else { panic!("no image") };
    assert_eq!(image.values, [11.0, 12.0, 21.0, 22.0, 31.0, 32.0, 41.0, 42.0, 51.0, 52.0, 61.0, 62.0]);
    assert_eq!(mean(array(&[1, 1, 3], &[1.0, 2.0, 3.0])), (Mean::PerChannel(vec![1.0, 2.0, 3.0]), 0));
    let small = array(&[1, 2, 3], &[1.0, 3.0, 4.0, 6.0, 7.0, 9.0]);
    assert_eq!(mean(small), (Mean::PerChannel(vec![2.0, 5.0, 8.0]), 1));
    assert_eq!(mean(array(&[0, 0], &[])), (Mean::PerChannel(vec![0.0; 3]), 1));
}

#[test]
fn the_ids_tell_the_order_of_the_classes() {
    let labels = |ids: &[&str], outputs: usize| {
        let names = cell(ids.iter().map(|id| text(id)).collect());
        let words = cell(ids.iter().map(|id| text(&format!("the {id}"))).collect());
        let meta = vec![("classes", record(vec![("name", names), ("description", words)]))];
        read_net(vec![conv(3, outputs, vec![])], meta).unwrap().labels
    };
    let sorted: Vec<&str> = imagenet().iter().map(|synset| synset.wnid).collect();
    let mut devkit: Vec<_> = imagenet().iter().collect();
    devkit.sort_by_key(|synset| synset.devkit_id);
    let devkit: Vec<&str> = devkit.iter().map(|synset| synset.wnid).collect();
    assert_eq!(labels(&sorted, 1000), Some(Labels::Wnid));
    assert_eq!(labels(&devkit, 1000), Some(Labels::Devkit));
    assert_eq!(labels(&["n1", "n2"], 2), Some(Labels::Names(vec!["the n1".into(), "the n2".into()])));
    assert_eq!(labels(&sorted, 2), None);
    assert_eq!(labels(&[], 2), None);
}

#[test]
fn weights_on_a_graphics_card_are_told_how_to_come_down() {
    let weights = cell(vec![Value::Other("an object of class `gpuArray`".into()), row(&[0.0])]);
    let layer = record(vec![("type", text("conv")), ("weights", weights)]);
    let error = read_net(vec![layer], vec![]).unwrap_err().to_string();
    assert!(error.contains("vl_simplenn_move(net, 'cpu')"), "{error}");
}
