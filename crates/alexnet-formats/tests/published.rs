//! A published file's hash settles what its names and shapes leave open.

mod common;

use alexnet_formats::published::Hash;
use alexnet_formats::{ImportOptions, Kind, Published, import};
use common::{caffe, checkpoint, group, insist};

const LAYERS: [&str; 8] = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"];

fn published(network: Option<&'static str>) -> ImportOptions {
    let file = Published {
        file: "caffenet.pkl",
        what: "a test's",
        format: "",
        network,
        bytes: 1..=1,
        begins: b"",
        hash: Hash::Sha1("0123456789abcdef0123456789abcdef01234567"),
    };
    ImportOptions { published: Some(file), ..ImportOptions::default() }
}

#[test]
fn the_hash_says_alexnet_or_caffenet() {
    let ambiguous = checkpoint(vec![group("", &caffe(LAYERS))], None);
    assert_eq!(import(&ambiguous, &ImportOptions::default()).unwrap_err().kind(), Kind::Ambiguous);
    for network in ["bvlc", "caffenet"] {
        let imported = import(&ambiguous, &published(Some(network))).unwrap();
        assert_eq!(imported.network.name, network);
        assert_eq!(imported.report.guessed, []);
        let note = format!("by its SHA-1 it is caffenet.pkl: a test's, network {network}");
        assert_eq!(imported.report.notes, [note]);
    }
}

#[test]
fn a_hash_without_a_network_only_names_the_file() {
    let ambiguous = checkpoint(vec![group("", &caffe(LAYERS))], None);
    assert_eq!(import(&ambiguous, &published(None)).unwrap_err().kind(), Kind::Ambiguous);
}

#[test]
fn the_user_is_believed_over_the_hash() {
    let ambiguous = checkpoint(vec![group("", &caffe(LAYERS))], None);
    let options = ImportOptions { network: insist("bvlc").network, ..published(Some("caffenet")) };
    assert_eq!(import(&ambiguous, &options).unwrap().network.name, "bvlc");
}
