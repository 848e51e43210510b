//! The machine against pickles that CPython 3.11's `pickle.dumps` and Python 2 wrote, and opcode by opcode.

use super::heap::{Heap, Object, Value};
use super::{no_persistent_ids, run};
use crate::input::Input;
use crate::{Limits, Result};
use bytes::Bytes;

/// A value as Python writes it, near enough.
fn repr(heap: &Heap, value: Value) -> String {
    let list = |items: &[Value]| items.iter().map(|item| repr(heap, *item)).collect::<Vec<_>>().join(", ");
    let pairs = |pairs: &[(Value, Value)]| {
        pairs.iter().map(|(k, v)| format!("{}: {}", repr(heap, *k), repr(heap, *v))).collect::<Vec<_>>().join(", ")
    };
    match value {
        Value::None => "None".into(),
        Value::Bool(value) => if value { "True" } else { "False" }.into(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::Ref(_) => match heap.get(value).unwrap() {
            Object::Text(text) => format!("{:?}", std::str::from_utf8(text).unwrap()),
            Object::Raw(bytes) => format!("b{bytes:?}").replace("bb", "b"),
            Object::Long(bytes) => format!("long {:02x?}", &bytes[..]),
            Object::Tuple(items) => format!("({})", list(items)),
            Object::List(items) => format!("[{}]", list(items)),
            Object::Dict(entries) => format!("{{{}}}", pairs(entries)),
            Object::Set(items) => format!("set({})", list(items)),
            Object::Global { .. } => heap.class_name(value),
            Object::Instance(instance) => {
                let mut text = format!("{}{}", heap.class_name(instance.class), repr(heap, instance.args));
                if instance.state != Value::None {
                    text += &format!(" state {}", repr(heap, instance.state));
                }
                if !instance.pairs.is_empty() {
                    text += &format!(" pairs {}", pairs(&instance.pairs));
                }
                if !instance.items.is_empty() {
                    text += &format!(" items {}", list(&instance.items));
                }
                text
            }
            other => format!("{other:?}"),
        },
    }
}

fn read(pickle: &[u8]) -> Result<String> {
    let mut heap = Heap::new(&Limits::default());
    let mut input = Input::new(Bytes::copy_from_slice(pickle));
    let value = run(&mut heap, &mut input, &mut no_persistent_ids)?;
    assert_eq!(input.left(), 0);
    Ok(repr(&heap, value))
}

#[track_caller]
fn reads(pickle: &[u8], expected: &str) {
    match read(pickle) {
        Ok(found) => assert_eq!(found, expected),
        Err(error) => panic!("{expected}: {error}"),
    }
}

#[test]
fn every_protocol_gives_the_same_object() {
    // {'n': None, 't': True, 'i': [0, 255, -7, 70000, 2**40, -2**40, 2**70], 'f': 1.5, 's': 'hé\n', 'b': b'\x00\xff',
    //  'tup': (1, (2, 3, 4, 5)), 'set': {7}, 'fs': frozenset([8])}
    let pickles: [&[u8]; 5] = [
        b"(dp0\nVn\np1\nNsVt\np2\nI01\nsVi\np3\n(lp4\nI0\naI255\naI-7\naI70000\naL1099511627776L\naL-1099511627776L\naL1180591620717411303424L\nasVf\np5\nF1.5\nsVs\np6\nVh\xe9\\u000a\np7\nsVb\np8\nc_codecs\nencode\np9\n(V\\u0000\xff\np10\nVlatin1\np11\ntp12\nRp13\nsVtup\np14\n(I1\n(I2\nI3\nI4\nI5\ntp15\ntp16\nsVset\np17\nc__builtin__\nset\np18\n((lp19\nI7\natp20\nRp21\nsVfs\np22\nc__builtin__\nfrozenset\np23\n((lp24\nI8\natp25\nRp26\ns.",
        b"}q\x00(X\x01\x00\x00\x00nq\x01NX\x01\x00\x00\x00tq\x02I01\nX\x01\x00\x00\x00iq\x03]q\x04(K\x00K\xffJ\xf9\xff\xff\xffJp\x11\x01\x00L1099511627776L\nL-1099511627776L\nL1180591620717411303424L\neX\x01\x00\x00\x00fq\x05G?\xf8\x00\x00\x00\x00\x00\x00X\x01\x00\x00\x00sq\x06X\x04\x00\x00\x00h\xc3\xa9\nq\x07X\x01\x00\x00\x00bq\x08c_codecs\nencode\nq\t(X\x03\x00\x00\x00\x00\xc3\xbfq\nX\x06\x00\x00\x00latin1q\x0btq\x0cRq\rX\x03\x00\x00\x00tupq\x0e(K\x01(K\x02K\x03K\x04K\x05tq\x0ftq\x10X\x03\x00\x00\x00setq\x11c__builtin__\nset\nq\x12(]q\x13K\x07atq\x14Rq\x15X\x02\x00\x00\x00fsq\x16c__builtin__\nfrozenset\nq\x17(]q\x18K\x08atq\x19Rq\x1au.",
        b"\x80\x02}q\x00(X\x01\x00\x00\x00nq\x01NX\x01\x00\x00\x00tq\x02\x88X\x01\x00\x00\x00iq\x03]q\x04(K\x00K\xffJ\xf9\xff\xff\xffJp\x11\x01\x00\x8a\x06\x00\x00\x00\x00\x00\x01\x8a\x06\x00\x00\x00\x00\x00\xff\x8a\t\x00\x00\x00\x00\x00\x00\x00\x00@eX\x01\x00\x00\x00fq\x05G?\xf8\x00\x00\x00\x00\x00\x00X\x01\x00\x00\x00sq\x06X\x04\x00\x00\x00h\xc3\xa9\nq\x07X\x01\x00\x00\x00bq\x08c_codecs\nencode\nq\tX\x03\x00\x00\x00\x00\xc3\xbfq\nX\x06\x00\x00\x00latin1q\x0b\x86q\x0cRq\rX\x03\x00\x00\x00tupq\x0eK\x01(K\x02K\x03K\x04K\x05tq\x0f\x86q\x10X\x03\x00\x00\x00setq\x11c__builtin__\nset\nq\x12]q\x13K\x07a\x85q\x14Rq\x15X\x02\x00\x00\x00fsq\x16c__builtin__\nfrozenset\nq\x17]q\x18K\x08a\x85q\x19Rq\x1au.",
        b"\x80\x03}q\x00(X\x01\x00\x00\x00nq\x01NX\x01\x00\x00\x00tq\x02\x88X\x01\x00\x00\x00iq\x03]q\x04(K\x00K\xffJ\xf9\xff\xff\xffJp\x11\x01\x00\x8a\x06\x00\x00\x00\x00\x00\x01\x8a\x06\x00\x00\x00\x00\x00\xff\x8a\t\x00\x00\x00\x00\x00\x00\x00\x00@eX\x01\x00\x00\x00fq\x05G?\xf8\x00\x00\x00\x00\x00\x00X\x01\x00\x00\x00sq\x06X\x04\x00\x00\x00h\xc3\xa9\nq\x07X\x01\x00\x00\x00bq\x08C\x02\x00\xffq\tX\x03\x00\x00\x00tupq\nK\x01(K\x02K\x03K\x04K\x05tq\x0b\x86q\x0cX\x03\x00\x00\x00setq\rcbuiltins\nset\nq\x0e]q\x0fK\x07a\x85q\x10Rq\x11X\x02\x00\x00\x00fsq\x12cbuiltins\nfrozenset\nq\x13]q\x14K\x08a\x85q\x15Rq\x16u.",
        // 5 differs from 4 in the protocol's number alone.
        b"\x80\x05\x95\x8c\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01n\x94N\x8c\x01t\x94\x88\x8c\x01i\x94]\x94(K\x00K\xffJ\xf9\xff\xff\xffJp\x11\x01\x00\x8a\x06\x00\x00\x00\x00\x00\x01\x8a\x06\x00\x00\x00\x00\x00\xff\x8a\t\x00\x00\x00\x00\x00\x00\x00\x00@e\x8c\x01f\x94G?\xf8\x00\x00\x00\x00\x00\x00\x8c\x01s\x94\x8c\x04h\xc3\xa9\n\x94\x8c\x01b\x94C\x02\x00\xff\x94\x8c\x03tup\x94K\x01(K\x02K\x03K\x04K\x05t\x94\x86\x94\x8c\x03set\x94\x8f\x94(K\x07\x90\x8c\x02fs\x94(K\x08\x91\x94u.",
    ];
    // 2^70 has bit 6 of its ninth byte set.
    let expected = r#"{"n": None, "t": True, "i": [0, 255, -7, 70000, 1099511627776, -1099511627776, long [00, 00, 00, 00, 00, 00, 00, 00, 40]], "f": 1.5, "s": "hé\n", "b": b"\0\xff", "tup": (1, (2, 3, 4, 5)), "set": set(7), "fs": set(8)}"#;
    for pickle in pickles {
        reads(pickle, expected);
    }
}

#[test]
fn python_2_writes_strings_of_bytes() {
    reads(b"S'it\\'s \\x00\\n\\\\ \\101'\np0\n.", r#"b"it's \0\n\\ A""#);
    reads(b"S\"plain\"\n.", r#"b"plain""#);
    reads(b"U\x03abc.", r#"b"abc""#);
    reads(b"T\x03\x00\x00\x00a\xffc.", r#"b"a\xffc""#);
    for broken in
        [&b"S'\\q'\n."[..], b"S'\\x4'\n.", b"Snoquotes\n.", b"S'\\400'\n.", b"S'\\'\n.", b"V\\ud800\n.", b"V\\u12\n."]
    {
        assert!(read(broken).is_err(), "{broken:?}");
    }
}

#[test]
fn integers_have_the_sign_of_their_last_bit() {
    let cases: [(&[u8], &str); 10] = [
        (b"\x8a\x00.", "0"),
        (b"\x8a\x01\xff.", "-1"),
        (b"\x8a\x02\xff\x00.", "255"),
        (b"\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80.", "-9223372036854775808"),
        (b"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00.", "long [00, 00, 00, 00, 00, 00, 00, 80, 00]"),
        (b"\x8a\x0a\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00.", "5"),
        (b"\x8b\x01\x00\x00\x00\x80.", "-128"),
        (b"M\xff\xff.", "65535"),
        (b"I-9223372036854775808\n.", "-9223372036854775808"),
        (b"L9223372036854775808L\n.", "long [00, 00, 00, 00, 00, 00, 00, 80, 00]"),
    ];
    for (pickle, expected) in cases {
        reads(pickle, expected);
    }
    for broken in [&b"I\n."[..], b"I1x\n.", b"L-L\n.", b"F1,5\n."] {
        assert!(read(broken).is_err(), "{broken:?}");
    }
}

#[test]
fn numbers_of_protocol_0_are_those_of_pythons_repr() {
    for (text, expected) in [("1e-05", "1e-5"), ("-0.0", "-0.0"), ("inf", "inf"), ("-inf", "-inf"), ("nan", "NaN")] {
        reads(format!("F{text}\n.").as_bytes(), expected);
    }
}

#[test]
fn stack_and_memo_do_as_in_cpython() {
    let cases: [(&[u8], &str); 8] = [
        (b"K\x012\x86.", "(1, 1)"),
        (b"K\x01K\x020.", "1"),
        // POP takes a mark with nothing above it.
        (b"K\x01(0.", "1"),
        (b"K\x01(K\x02K\x031.", "1"),
        (b"(K\x01K\x02d.", "{1: 2}"),
        (b"K\x07p9\n0g9\n.", "7"),
        (b"K\x07r\x00\x01\x00\x000j\x00\x01\x00\x00.", "7"),
        // MEMOIZE numbers what is kept by how much is kept.
        (b"K\x05\x94K\x06\x9400h\x00h\x01\x86.", "(5, 6)"),
    ];
    for (pickle, expected) in cases {
        reads(pickle, expected);
    }
}

#[test]
fn objects_of_unknown_classes_keep_all_that_they_are_given() {
    // INST and OBJ of Python 2, REDUCE, NEWOBJ, NEWOBJ_EX, dict and list subclasses, copy_reg.
    reads(b"(K\x01ia\nB\n.", "a.B(1)");
    reads(b"(ca\nB\nK\x01o.", "a.B(1)");
    reads(b"ca\nB\nK\x01\x85R.", "a.B(1)");
    reads(b"ca\nB\nK\x01\x85\x81}U\x01xK\x02sb.", r#"a.B(1) state {b"x": 2}"#);
    reads(b"ca\nB\n)}U\x01xK\x02s\x92.", "a.B()");
    reads(b"ca\nB\n)\x81(U\x01xK\x02u]K\x03a0(K\x04e.", r#"a.B() pairs b"x": 2 items 4"#);
    reads(b"ccopy_reg\n__newobj__\nca\nB\nK\x01\x86R.", "a.B(1)");
    reads(b"ccopy_reg\n_reconstructor\nca\nB\nc__builtin__\nobject\nN\x87R.", "a.B(a.B, __builtin__.object, None)");
    reads(b"\x80\x04\x8c\x01a\x8c\x03B.C\x93.", "a.B.C");
}

#[test]
fn dictionaries_of_every_kind_are_dictionaries() {
    reads(b"ccollections\nOrderedDict\n)R(U\x01aK\x01u.", r#"{b"a": 1}"#);
    // As Python 2 writes it: a list of lists.
    reads(b"ccollections\nOrderedDict\n]]U\x01aaK\x01aa\x85R.", r#"{b"a": 1}"#);
    reads(b"ccollections\ndefaultdict\nc__builtin__\nlist\n\x85R(U\x01aK\x01u.", r#"{b"a": 1}"#);
    // A state dict's attribute `_metadata` changes nothing.
    reads(b"ccollections\nOrderedDict\n)R}U\x09_metadataNsb.", "{}");
}

#[test]
fn an_error_names_the_byte_and_the_opcode() {
    let error = read(b"\x80\x02}K\x01R.").unwrap_err().to_string();
    assert_eq!(error, "byte 5 (opcode REDUCE, 0x52): a call with an integer as its arguments");
}
