//! Every layer as its definition says it, in f64, with a bound for what rounding to f32 can do to each value: errors of the
//! inputs are carried through, and each operation adds its own. What a layer stores may be rounded further.

use alexnet_cpu::spec::{Network, Op, Shape};
use std::collections::HashMap;

/// A value and how far f32 arithmetic may end up from it.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    pub value: f64,
    pub bound: f64,
}

/// The unit roundoff of f32.
pub const F32: f64 = 1.0 / (1u64 << 24) as f64;

/// The unit roundoff of bf16.
pub const BF16: f64 = 1.0 / (1u64 << 8) as f64;

/// In which sums are taken.
const U: f64 = F32;

impl Value {
    const ZERO: Value = Value { value: 0.0, bound: 0.0 };

    fn largest(self) -> f64 {
        self.value.abs() + self.bound
    }

    /// The value after `operations` roundings of intermediate results up to `scale`.
    fn rounded(self, operations: usize, scale: f64) -> Value {
        // A factor of 1.01 covers products of roundings, and f32's smallest positive number underflow.
        Value { bound: self.bound + 1.01 * operations as f64 * U * scale + 1e-40, ..self }
    }
}

/// The sum of products of `terms`, in any order, and a start.
fn sum(start: f64, terms: impl Iterator<Item = (Value, f64)>) -> Value {
    let (mut y, mut scale, mut count) = (Value { value: start, bound: 0.0 }, start.abs(), 0);
    for (x, weight) in terms {
        y.value += x.value * weight;
        y.bound += x.bound * weight.abs();
        scale += x.largest() * weight.abs();
        count += 2;
    }
    y.rounded(count + 1, scale)
}

/// The outputs of `network` for one image, where what layers store has the unit roundoff `unit`.
pub fn run(network: &Network, parameters: &HashMap<String, Vec<f32>>, image: &[f32], unit: f64) -> Vec<Value> {
    let mut x: Vec<Value> = image.iter().map(|x| Value { value: f64::from(*x), bound: 0.0 }).collect();
    for step in network.trace().unwrap() {
        let get = |name: &str| parameters[&format!("{}.{name}", step.layer.name)].as_slice();
        x = match (step.input, step.output) {
            (Shape::Map { channels, height, width }, Shape::Map { channels: out, height: rows, width: columns }) => {
                let map = Map { x: &x, channels, height, width };
                let positions =
                    (0..out).flat_map(|c| (0..rows).flat_map(move |y| (0..columns).map(move |x| [c, y, x])));
                positions.map(|at| map.layer(&step.layer.op, at, [rows, columns], &get)).collect()
            }
            _ => vector(&step.layer.op, &x, &get),
        };
        // Those give what they get.
        if unit > U && !matches!(step.layer.op, Op::Relu(_) | Op::Flatten(_) | Op::Dropout(_) | Op::MaxPool2d(_)) {
            // Instructions for bf16 take numbers below 2^-126 for zero.
            x.iter_mut().for_each(|x| x.bound += unit * x.largest() + 1e-34);
        }
    }
    x
}

fn vector<'a>(op: &Op, x: &[Value], get: &dyn Fn(&str) -> &'a [f32]) -> Vec<Value> {
    match op {
        Op::Linear(_) => {
            let rows = get("weight").chunks(x.len()).zip(get("bias"));
            rows.map(|(row, bias)| sum(f64::from(*bias), x.iter().copied().zip(row.iter().map(|w| f64::from(*w)))))
                .collect()
        }
        Op::BatchNorm2d(norm) => x.iter().enumerate().map(|(i, x)| batch_norm(*x, i, norm.eps, get)).collect(),
        Op::Relu(_) => x.iter().map(|x| relu(*x)).collect(),
        _ => x.to_vec(),
    }
}

fn relu(x: Value) -> Value {
    Value { value: x.value.max(0.0), ..x }
}

fn batch_norm<'a>(x: Value, channel: usize, eps: f64, get: &dyn Fn(&str) -> &'a [f32]) -> Value {
    let [weight, bias, mean, variance] =
        ["weight", "bias", "running_mean", "running_var"].map(|name| f64::from(get(name)[channel]));
    let scale = weight / (variance + eps).sqrt();
    let value = (x.value - mean) * scale + bias;
    let y = Value { value, bound: x.bound * scale.abs() };
    y.rounded(8, (x.largest() + mean.abs()) * scale.abs() + bias.abs())
}

struct Map<'a> {
    x: &'a [Value],
    channels: usize,
    height: usize,
    width: usize,
}

impl Map<'_> {
    /// The value at a position, which may lie outside.
    fn at(&self, channel: usize, y: isize, x: isize) -> Option<Value> {
        let inside = (0..self.height as isize).contains(&y) && (0..self.width as isize).contains(&x);
        inside.then(|| self.x[(channel * self.height + y as usize) * self.width + x as usize])
    }

    fn layer<'a>(&self, op: &Op, [c, y, x]: [usize; 3], size: [usize; 2], get: &dyn Fn(&str) -> &'a [f32]) -> Value {
        let own = || self.at(c, y as isize, x as isize).unwrap();
        match op {
            Op::Conv2d(conv) => {
                let per_group = self.channels / conv.groups;
                let first = c / (conv.out / conv.groups) * per_group;
                let [rows, columns] = conv.kernel;
                let weights = &get("weight")[c * per_group * rows * columns..][..per_group * rows * columns];
                let terms = weights.iter().enumerate().filter_map(|(tap, weight)| {
                    let row = y * conv.stride[0] + tap / columns % rows;
                    let column = x * conv.stride[1] + tap % columns;
                    let channel = first + tap / columns / rows;
                    let [row, column] = [row as isize - conv.pads[0] as isize, column as isize - conv.pads[1] as isize];
                    Some((self.at(channel, row, column)?, f64::from(*weight)))
                });
                sum(f64::from(get("bias")[c]), terms)
            }
            Op::MaxPool2d(pool) => {
                let window = |i: usize, axis: usize| {
                    let start = (i * pool.stride[axis]) as isize - pool.pads[axis] as isize;
                    start..start + pool.kernel[axis] as isize
                };
                let values = window(y, 0).flat_map(|y| window(x, 1).filter_map(move |x| self.at(c, y, x)));
                let start = Value { value: f64::NEG_INFINITY, bound: 0.0 };
                values.fold(start, |a, b| Value { value: a.value.max(b.value), bound: a.bound.max(b.bound) })
            }
            Op::AdaptiveAvgPool2d(pool) => {
                let [rows, columns] = [(y, size[0], self.height), (x, size[1], self.width)]
                    .map(|(i, n, size)| i * size / n..((i + 1) * size).div_ceil(n));
                let _ = pool;
                let factor = 1.0 / (rows.len() * columns.len()) as f64;
                let values = rows
                    .flat_map(|y| columns.clone().map(move |x| (self.at(c, y as isize, x as isize).unwrap(), factor)));
                sum(0.0, values)
            }
            Op::LocalResponseNorm(norm) => {
                let (before, after) = norm.reach();
                let in_group = self.channels / norm.groups;
                let group = c / in_group * in_group;
                let window = c.saturating_sub(before).max(group)..(c + after + 1).min(group + in_group);
                let window = window.map(|c| self.at(c, y as isize, x as isize).unwrap());
                respond(own(), window, norm.effective_alpha(), norm.beta, norm.k)
            }
            Op::SpatialResponseNorm(norm) => {
                let (before, after) = norm.reach();
                let range = |i: usize| i as isize - before as isize..=(i + after) as isize;
                let window = range(y).flat_map(|y| range(x).filter_map(move |x| self.at(c, y, x)));
                respond(own(), window, norm.effective_alpha(), norm.beta, norm.k)
            }
            Op::BatchNorm2d(norm) => batch_norm(own(), c, norm.eps, get),
            Op::Relu(_) => relu(own()),
            _ => own(),
        }
    }
}

/// `x / (k + alpha * sum of squares) ^ beta`.
fn respond(x: Value, window: impl Iterator<Item = Value>, alpha: f64, beta: f64, k: f64) -> Value {
    let (mut squares, mut count) = (Value::ZERO, 0);
    for x in window {
        squares.value += x.value * x.value;
        squares.bound += 2.0 * x.largest() * x.bound;
        count += 1;
    }
    let squares = squares.rounded(2 * count, squares.value + squares.bound);
    let base = k + alpha * squares.value;
    // The relative error of the base, times beta, is the power's; `powf` and the roots add a few roundings.
    let relative = (alpha * squares.bound + 3.0 * U * base) / base * beta.abs() * 1.01 + 8.0 * U;
    let factor = base.powf(-beta);
    Value { value: x.value * factor, bound: x.bound * factor + x.largest() * factor * relative + 1e-40 }
}
