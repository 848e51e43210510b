use super::{Agreement, Metrics, Tolerance};
use crate::array::Array;

/// One example of a batch, held against its reference.
#[derive(Clone, Debug)]
pub struct Example {
    /// How far apart they are.
    pub metrics: Metrics,
    /// The classifications; none where there are fewer than two values.
    pub classes: Option<Agreement>,
}

impl Metrics {
    /// Compares batches `[N, ...]` example by example: every example has its own scale, so that a loud one doesn't hide what
    /// is wrong with a quiet one.
    pub fn of_examples(reference: &Array, other: &Array, tolerance: Tolerance) -> Result<Vec<Example>, String> {
        if reference.shape != other.shape {
            return Err(format!("shape {:?} against {:?}", reference.shape, other.shape));
        }
        let size = reference.data.len().checked_div(reference.batch()).filter(|size| *size > 0);
        let size = size.ok_or("an empty tensor: nothing to compare")?;
        let mut shape = reference.shape.clone();
        if let Some(batch) = shape.first_mut() {
            *batch = 1;
        }
        let pairs = reference.data.chunks_exact(size).zip(other.data.chunks_exact(size));
        pairs
            .map(|(a, b)| {
                let metrics = Metrics::of_values(&shape, a, b, tolerance)?;
                Ok(Example { metrics, classes: Agreement::of_rows(a, b) })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Precision;

    #[test]
    fn a_loud_example_does_not_hide_a_quiet_one() {
        let array = |data: &[f32]| Array { shape: vec![2, 2], data: data.to_vec() };
        let (a, b) = (array(&[1000.0, 0.0, 1.0, 0.0]), array(&[1000.5, 0.0, 1.0, 0.5]));
        let tolerance = Tolerance { atol: 0.0, rtol: 1e-3, precision: Precision::F32 };
        let examples = Metrics::of_examples(&a, &b, tolerance).unwrap();
        assert_eq!(examples.iter().map(|e| e.metrics.agrees).collect::<Vec<_>>(), [true, false]);
        assert_eq!(examples[1].metrics.worst.as_ref().unwrap().index, [0, 1]);
        assert!(examples[1].classes.unwrap().at_risk);
    }

    #[test]
    fn nothing_is_no_batch() {
        let empty = Array { shape: vec![0, 4], data: Vec::new() };
        let tolerance = Tolerance { atol: 0.0, rtol: 0.0, precision: Precision::F32 };
        assert!(Metrics::of_examples(&empty, &empty, tolerance).is_err());
    }
}
