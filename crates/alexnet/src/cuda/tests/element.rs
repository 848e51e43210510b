//! The element types of the kernels, as numbers and as bytes.

use half::{bf16, f16};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Element {
    F64,
    F32,
    F16,
    Bf16,
}

impl Element {
    pub(super) const ALL: [Element; 4] = [Element::F64, Element::F32, Element::F16, Element::Bf16];

    /// How the kernels' names end.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Element::F64 => "f64",
            Element::F32 => "f32",
            Element::F16 => "f16",
            Element::Bf16 => "bf16",
        }
    }

    /// Bytes of one element.
    pub(super) fn size(self) -> usize {
        match self {
            Element::F64 => 8,
            Element::F32 => 4,
            Element::F16 | Element::Bf16 => 2,
        }
    }

    /// Bytes of one number of those that the kernel computes in.
    pub(super) fn wide_size(self) -> usize {
        self.size().max(4)
    }

    /// What a result may differ from exact arithmetic, as a part of the largest: a few roundings of the type computed in,
    /// and the one at the end. Half a unit in the last place is 2^-54, 2^-25, 2^-12 and 2^-9.
    pub(super) fn tolerance(self) -> f64 {
        match self {
            // What central differences, the reference of the backward passes, can tell.
            Element::F64 => 1e-8,
            Element::F32 => 2e-6,
            Element::F16 => 2.0_f64.powi(-11),
            Element::Bf16 => 2.0_f64.powi(-8),
        }
    }

    pub(super) fn encode(self, values: &[f64]) -> Vec<u8> {
        values
            .iter()
            .flat_map(|&value| match self {
                Element::F64 => value.to_ne_bytes().to_vec(),
                Element::F32 => (value as f32).to_ne_bytes().to_vec(),
                Element::F16 => f16::from_f64(value).to_ne_bytes().to_vec(),
                Element::Bf16 => bf16::from_f64(value).to_ne_bytes().to_vec(),
            })
            .collect()
    }

    pub(super) fn decode(self, bytes: &[u8]) -> Vec<f64> {
        let number = |bytes: &[u8]| match self {
            Element::F64 => f64::from_ne_bytes(bytes.try_into().unwrap()),
            Element::F32 => f32::from_ne_bytes(bytes.try_into().unwrap()).into(),
            Element::F16 => f16::from_ne_bytes(bytes.try_into().unwrap()).into(),
            Element::Bf16 => bf16::from_ne_bytes(bytes.try_into().unwrap()).into(),
        };
        bytes.chunks_exact(self.size()).map(number).collect()
    }

    /// The numbers that remain when the type rounds these.
    pub(super) fn round(self, values: &[f64]) -> Vec<f64> {
        self.decode(&self.encode(values))
    }
}
