//! `--rgb`: the first convolution's channels, and the contract's with them.

use alexnet_formats::{ImportOptions, Limits, Source, import, open};
use alexnet_spec::{ChannelOrder, Mean};

fn read(path: &str, rgb: bool) -> alexnet_formats::Imported {
    let path = format!("{}/../../fixtures/{path}", env!("CARGO_MANIFEST_DIR"));
    let limits = Limits::default();
    let checkpoint = open(&Source::open(path, &limits).unwrap(), &limits).unwrap();
    import(&checkpoint, &ImportOptions { rgb, ..ImportOptions::default() }).unwrap()
}

#[test]
fn a_network_of_bgr_takes_rgb_afterwards() {
    let (before, after) = (read("pytorch/jiecaoyu.pth.tar", false), read("pytorch/jiecaoyu.pth.tar", true));
    assert_eq!(before.network.preprocessing.channel_order, ChannelOrder::Bgr);
    let contract = &after.network.preprocessing;
    assert_eq!(contract.channel_order, ChannelOrder::Rgb);
    assert_eq!(contract.mean, Mean::PerChannel(vec![123.0, 117.0, 104.0]));
    let kernel = |imported: &alexnet_formats::Imported| imported.weights.get("conv1.weight").unwrap().to_f32().unwrap();
    let (bgr, rgb) = (kernel(&before), kernel(&after));
    for (o, filter) in bgr.chunks(3 * 121).enumerate() {
        for (c, plane) in filter.chunks(121).enumerate() {
            assert_eq!(plane, &rgb[o * 363 + (2 - c) * 121..][..121]);
        }
    }
    let second = |imported: &alexnet_formats::Imported| imported.weights.get("conv2.weight").unwrap().to_f32().unwrap();
    assert_eq!(second(&before), second(&after));
}

#[test]
fn a_network_of_rgb_stays_as_it_is() {
    let imported = read("pytorch/zip.pth", true);
    assert!(imported.report.notes.iter().any(|note| note.contains("--rgb changes nothing")));
    assert!(imported.report.used.iter().all(|used| used.transform == alexnet_formats::Transform::Identity));
}
