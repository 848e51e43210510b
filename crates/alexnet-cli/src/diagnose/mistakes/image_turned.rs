use super::{Attempt, Mistake, Suspect};
use crate::array::Array;
use alexnet_spec::Shape;
use candle_core::{Device, Tensor};

pub(super) const MISTAKE: Mistake = Mistake {
    id: "image-turned",
    remedy: "look at how the image's rows, columns and channels reach the first layer: DeCAF was trained on images upside down, MATLAB keeps columns before rows, TensorFlow takes NHWC",
    attempts,
};

type Turn = (&'static str, fn(&Tensor) -> candle_core::Result<Tensor>);

const TURNS: [Turn; 5] = [
    ("upside down", |x| x.flip(&[2])),
    ("mirrored", |x| x.flip(&[3])),
    ("turned by 180 degrees", |x| x.flip(&[2, 3])),
    ("transposed: rows for columns", |x| x.transpose(2, 3)?.contiguous()?.reshape(x.shape())),
    ("reshaped from NHWC, where its axes had to be moved", |x| x.permute((0, 2, 3, 1))?.contiguous()?.reshape(x.shape())),
];

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    if !suspect.image || !matches!(suspect.piece.input, Shape::Map { .. }) {
        return Vec::new();
    }
    let attempt = |(what, turn): Turn| {
        Attempt::output(format!("the image looks {what}"), move |example| {
            let turned = turn(&example.input.to_candle(&Device::Cpu)?)?;
            suspect.piece.run(&Array::from_candle(&turned)?)
        })
    };
    TURNS.into_iter().map(attempt).collect()
}
