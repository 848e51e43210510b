//! The bytes are those of the encoding guide's examples, or put together by hand.

use super::*;

fn fields(bytes: &'static [u8]) -> Result<Vec<(u32, Value)>> {
    let mut message = Message::new(Bytes::from_static(bytes));
    let mut fields = Vec::new();
    while let Some(field) = message.field()? {
        fields.push((field.number, field.value));
    }
    Ok(fields)
}

fn only(bytes: &'static [u8]) -> Field {
    Message::new(Bytes::from_static(bytes)).field().unwrap().unwrap()
}

#[test]
fn the_guides_examples_are_read() {
    assert_eq!(fields(b"\x08\x96\x01").unwrap(), [(1, Value::Varint(150))]);
    assert_eq!(fields(b"\x12\x07testing").unwrap(), [(2, Value::Bytes(Bytes::from_static(b"testing")))]);
    let two = fields(b"\x09\0\0\0\0\0\0\xf0\x3f\xa5\x06\0\0\x80\x3f").unwrap();
    assert_eq!(two, [(1, Value::Fixed64(1f64.to_le_bytes())), (100, Value::Fixed32(1f32.to_le_bytes()))]);
    assert_eq!(only(b"\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01").int().unwrap(), -2);
}

#[test]
fn integers_are_read_packed_and_one_by_one() {
    for bytes in [&b"\x32\x06\x03\x8e\x02\x9e\xa7\x05"[..], b"\x30\x03\x30\x8e\x02\x30\x9e\xa7\x05"] {
        let (mut message, mut read) = (Message::new(Bytes::from_static(bytes)), Vec::new());
        while let Some(field) = message.field().unwrap() {
            field
                .ints(&mut |int| {
                    read.push(int);
                    Ok(())
                })
                .unwrap();
        }
        assert_eq!(read, [3, 270, 86942]);
    }
}

#[test]
fn one_packed_run_stays_a_view_and_others_are_joined() {
    let bytes = Bytes::from_static(b"\x2a\x08\0\0\x80\x3f\0\0\0\x40\x2d\0\0\x40\x40\x2a\x04\0\0\x80\x40");
    let mut message = Message::new(bytes.clone());
    let mut elements = Elements::<4>::default();
    elements.push(&message.field().unwrap().unwrap()).unwrap();
    assert_eq!(elements.clone().finish().as_ptr(), bytes[2..].as_ptr());
    while let Some(field) = message.field().unwrap() {
        elements.push(&field).unwrap();
    }
    let floats: Vec<f32> = elements.finish().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    assert_eq!(floats, [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn what_is_no_field_is_malformed() {
    let cases: [(&[u8], &str); 9] = [
        (b"\x08", "byte 0: the bytes end too early"),
        (b"\x08\x96", "the bytes end too early"),
        (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "more than 64 bits"),
        (b"\x00\x01", "number 0"),
        (b"\x0b\x0c", "field 1 is a group"),
        (b"\x08\x01\x0f", "byte 2: field 1 has wire type 7"),
        (b"\x12\x05abc", "field 2 of 5 bytes, but 3 are left"),
        (b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "field 2 of 18446744073709551615 bytes"),
        (b"\x0d\x01\x02", "the bytes end too early"),
    ];
    for (bytes, says) in cases {
        let error = fields(bytes).unwrap_err();
        assert_eq!(error.kind(), crate::Kind::Malformed);
        assert!(error.to_string().contains(says), "{bytes:?}: {error}");
    }
}

#[test]
fn a_field_of_another_type_is_malformed() {
    assert!(only(b"\x08\x01").f32().unwrap_err().to_string().contains("field 1 should be a float, but is an integer"));
    assert!(only(b"\x0a\x01a").uint().unwrap_err().to_string().contains("bytes of a stated length"));
    assert!(only(b"\x0a\x01\xff").text(9, "name_bytes").unwrap_err().to_string().contains("no UTF-8"));
    assert!(only(b"\x0a\x02ab").text(1, "name_bytes").unwrap_err().to_string().contains("limit `name_bytes` of 1"));
    let error = Elements::<4>::default().push(&only(b"\x0a\x03abc")).unwrap_err();
    assert!(error.to_string().contains("3 bytes, which are no numbers of 4 bytes"), "{error}");
    assert!(Elements::<8>::default().push(&only(b"\x0d\0\0\0\0")).is_err());
}
