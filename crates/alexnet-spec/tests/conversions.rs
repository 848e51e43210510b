//! Conversions between floating point types, against NumPy's and PyTorch's.

use alexnet_spec::{DType, Error, Tensor};

fn dtype(name: &str) -> DType {
    match name {
        "f64" => DType::F64,
        "f32" => DType::F32,
        "f16" => DType::F16,
        "bf16" => DType::BF16,
        other => panic!("{other}"),
    }
}

/// The little-endian bytes of a hexadecimal number.
fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).rev().map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

fn convert(from: DType, source: Vec<u8>, to: DType) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    Tensor::new(from, vec![source.len() / from.size()], source.into())?.for_each_chunk::<Error>(to, &mut |chunk| {
        out.extend_from_slice(chunk);
        Ok(())
    })?;
    Ok(out)
}

#[test]
fn every_value_rounds_as_numpy_and_pytorch_round_it() {
    let table = include_str!("../../../fixtures/tables/conversions.tsv");
    let mut wrong = Vec::new();
    for line in table.lines() {
        let [from, source, to, expected] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let made = convert(dtype(from), bytes(source), dtype(to));
        let right = match (&made, expected) {
            (Err(error), "overflow") => error.to_string().contains("too large"),
            (Ok(made), _) if expected != "overflow" => *made == bytes(expected),
            _ => false,
        };
        if !right {
            wrong.push(format!("{line}: {made:02x?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Neither NumPy nor PyTorch converts f64 to bf16 in one step; by hand: bf16 has 8 bits of significand, so between 1 and 2
/// its step is 2^-7, and 1 + 2^-8 lies half-way. What lies above the half by less than f32 can tell must still round up.
#[test]
fn f64_becomes_bf16_with_a_single_rounding() {
    let half = 2f64.powi(-8);
    let cases = [
        (1.0 + half, 0x3f80u16),
        (1.0 + half + 2f64.powi(-40), 0x3f81),
        (1.0 + half - 2f64.powi(-40), 0x3f80),
        (1.0 + 3.0 * half, 0x3f82),
        (1.0 + 3.0 * half - 2f64.powi(-40), 0x3f81),
        (-(1.0 + half + 2f64.powi(-40)), 0xbf81),
        // The smallest subnormal of bf16 is 2^-133.
        (2f64.powi(-133), 0x0001),
        (2f64.powi(-134), 0x0000),
        (2f64.powi(-134) * 1.001, 0x0001),
        (f64::INFINITY, 0x7f80),
    ];
    for (value, expected) in cases {
        let made = convert(DType::F64, value.to_le_bytes().to_vec(), DType::BF16).unwrap();
        assert_eq!(made, expected.to_le_bytes(), "{value:e}");
    }
    convert(DType::F64, 3.4e38f64.to_le_bytes().to_vec(), DType::BF16).unwrap_err();
}

#[test]
fn nan_stays_nan_in_every_type() {
    let types = [DType::F64, DType::F32, DType::F16, DType::BF16];
    let nan = |dtype| convert(DType::F64, f64::NAN.to_le_bytes().to_vec(), dtype).unwrap();
    for from in types {
        for to in types {
            let back = convert(to, convert(from, nan(from), to).unwrap(), DType::F64).unwrap();
            assert!(f64::from_le_bytes(back.try_into().unwrap()).is_nan(), "{from} to {to}");
        }
    }
}

#[test]
fn integers_are_not_converted() {
    for (from, to) in [(DType::I64, DType::F32), (DType::F32, DType::I64), (DType::U8, DType::Bool)] {
        let message = convert(from, vec![0; 8], to).unwrap_err().to_string();
        assert!(message.contains(&from.to_string()) && message.contains(&to.to_string()), "{message}");
    }
    assert_eq!(convert(DType::I64, vec![7; 8], DType::I64).unwrap(), [7; 8]);
}
