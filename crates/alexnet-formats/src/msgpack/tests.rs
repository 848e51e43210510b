//! Bytes as the specification has them, and as the `msgpack` package of PyPI packs the values beside them.

use super::{Value, read};
use crate::{Kind, Limits};
use bytes::Bytes;

fn parse(bytes: &'static [u8]) -> crate::Result<Value> {
    read(Bytes::from_static(bytes), &Limits::default())
}

fn text(text: &'static str) -> Value {
    Value::Text(Bytes::from_static(text.as_bytes()))
}

#[test]
fn every_type_is_read() {
    let cases: [(&[u8], Value); 24] = [
        (b"\x05", Value::Int(5)),
        (b"\xff", Value::Int(-1)),
        (b"\xe0", Value::Int(-32)),
        (b"\xc0", Value::Nil),
        (b"\xc2", Value::Bool(false)),
        (b"\xc3", Value::Bool(true)),
        (b"\xca\x3f\x80\x00\x00", Value::Float(1.0)),
        (b"\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", Value::Float(1.5)),
        (b"\xcc\xc8", Value::Int(200)),
        (b"\xcd\x03\xe8", Value::Int(1000)),
        (b"\xce\x00\x01\x11\x70", Value::Int(70_000)),
        (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", Value::Int(u64::MAX.into())),
        (b"\xd0\x9c", Value::Int(-100)),
        (b"\xd1\xfc\x18", Value::Int(-1000)),
        (b"\xd2\xff\xfe\xee\x90", Value::Int(-70_000)),
        (b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00", Value::Int(i64::MIN.into())),
        (b"\xa3abc", text("abc")),
        (b"\xd9\x01a", text("a")),
        (b"\xda\x00\x01a", text("a")),
        (b"\xc4\x02\x00\xff", Value::Binary(Bytes::from_static(b"\x00\xff"))),
        (b"\xd5\x01ab", Value::Extension(1, Bytes::from_static(b"ab"))),
        (b"\xc7\x03\xffabc", Value::Extension(-1, Bytes::from_static(b"abc"))),
        (b"\x92\x01\xdc\x00\x01\x02", Value::Array(vec![Value::Int(1), Value::Array(vec![Value::Int(2)])])),
        (b"\x81\xa1a\xde\x00\x00", Value::Map(vec![(text("a"), Value::Map(vec![]))])),
    ];
    for (bytes, value) in cases {
        assert_eq!(parse(bytes).unwrap(), value, "{bytes:x?}");
    }
}

#[test]
fn what_breaks_the_rules_is_malformed() {
    let cases: [&[u8]; 9] = [
        b"",
        b"\xc1",
        b"\xa3ab",
        b"\xa1\xff",
        b"\xdd\xff\xff\xff\xff\x00",
        b"\xdf\xff\xff\xff\xff\x00",
        b"\xc6\xff\xff\xff\xff\x00",
        b"\x81\xa1a",
        b"\x01\x02",
    ];
    for bytes in cases {
        assert_eq!(parse(bytes).expect_err("rules").kind(), Kind::Malformed, "{bytes:x?}");
    }
}

#[test]
fn depth_and_number_are_bounded() {
    let deep = [vec![0x91; 2000], vec![0xc0]].concat();
    let error = read(deep.into(), &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("depth"), "{error}");
    let limits = Limits { objects: 3, ..Limits::default() };
    let error = read(Bytes::from_static(b"\x93\x01\x02\x03"), &limits).unwrap_err();
    assert!(error.to_string().contains("objects"), "{error}");
}
