use super::{Attempt, Mistake, Suspect};
use crate::array::Array;
use alexnet_spec::Op;

pub(super) const MISTAKE: Mistake = Mistake {
    id: "softmax",
    remedy: "compare logits with logits: the other side's last values are probabilities, or have gone through a softmax once more",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let Some(last) = suspect.last().filter(|layer| matches!(layer.op, Op::Linear(_) | Op::Softmax(_))) else {
        return Vec::new();
    };
    let name = last.name.as_str();
    let logarithm = |array: Array| {
        let data = array.softmax().data.into_iter().map(f32::ln).collect();
        Array { shape: array.shape, data }
    };
    let again = if matches!(last.op, Op::Softmax(_)) { "a second softmax" } else { "a softmax" };
    vec![
        Attempt::output(format!("{again} looks applied to {name}"), |example| Ok(example.expected.softmax())),
        Attempt::output(format!("two softmaxes look applied to {name}"), |example| Ok(example.expected.softmax().softmax())),
        Attempt::output(format!("a log-softmax looks applied to {name}"), move |example| Ok(logarithm(example.expected.clone()))),
        Attempt::output(format!("the logarithms of {name} look given"), |example| {
            let data = example.expected.data.iter().map(|v| v.ln()).collect();
            Array::new(example.expected.shape.clone(), data)
        }),
    ]
}
