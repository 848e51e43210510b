//! Least squares, small.

/// The coefficients with which the columns come closest to `target`; none where they don't determine them.
pub(super) fn least_squares(columns: &[Vec<f64>], target: &[f64]) -> Option<Vec<f64>> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    // Of length one, columns of different units don't spoil the elimination.
    let lengths: Vec<f64> = columns.iter().map(|column| dot(column, column).sqrt()).collect();
    if lengths.iter().any(|length| !(length.is_finite() && *length > 0.0)) {
        return None;
    }
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for (a, la) in columns.iter().zip(&lengths) {
        let mut row: Vec<f64> = columns.iter().zip(&lengths).map(|(b, lb)| dot(a, b) / (la * lb)).collect();
        row.push(dot(a, target) / la);
        rows.push(row);
    }
    let solved = eliminate(rows)?;
    Some(solved.into_iter().zip(lengths).map(|(value, length)| value / length).collect())
}

/// Gauss and Jordan's elimination of rows that end with the right-hand side.
fn eliminate(mut rows: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let size = rows.len();
    for column in 0..size {
        let at = |row: &Vec<f64>| row.get(column).copied().unwrap_or(0.0);
        let best = (column..size).max_by(|a, b| at(&rows[*a]).abs().total_cmp(&at(&rows[*b]).abs()))?;
        rows.swap(column, best);
        let pivot = rows.get(column)?.clone();
        if at(&pivot).abs() < 1e-10 {
            return None;
        }
        for (index, row) in rows.iter_mut().enumerate() {
            let factor = at(row) / at(&pivot);
            if index != column {
                row.iter_mut().zip(&pivot).for_each(|(value, own)| *value -= factor * own);
            }
        }
    }
    let solution = rows.iter().enumerate().map(|(index, row)| Some(row.last()? / row.get(index)?));
    solution.collect::<Option<Vec<f64>>>().filter(|values| values.iter().all(|value| value.is_finite()))
}

/// The factor that brings `column` closest to `target`.
pub(super) fn factor(column: &[f64], target: &[f64]) -> Option<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let square = dot(column, column);
    (square > 0.0).then(|| dot(column, target) / square).filter(|factor| factor.is_finite())
}

/// Whether two numbers are the same but for what a fit to rounded values leaves.
pub(super) fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-3 * a.abs().max(b.abs())
}

/// A fitted number as one would write it: with the digits that a fit can give.
pub(super) fn shown(value: f64) -> String {
    let trimmed = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_owned();
    match value.abs() {
        0.0 => "0.0".into(),
        size if !(1e-3..1e5).contains(&size) => {
            let text = format!("{value:.3e}");
            text.split_once('e').map_or_else(|| text.clone(), |(digits, power)| format!("{}e{power}", trimmed(digits)))
        }
        size => {
            let digits = (3 - size.log10().floor() as i32).clamp(1, 6) as usize;
            let text = trimmed(&format!("{value:.digits$}"));
            if text.contains('.') { text } else { format!("{text}.0") }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_different_units_are_told_apart() {
        let small: Vec<f64> = (0..50).map(|i| f64::from(i) * 1e-6).collect();
        let one = vec![1.0; 50];
        let target: Vec<f64> = small.iter().map(|s| 3.0 * s + 2.0).collect();
        let found = least_squares(&[small, one], &target).unwrap();
        assert!((found[0] - 3.0).abs() < 1e-6 && (found[1] - 2.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn columns_that_are_the_same_determine_nothing() {
        let column = vec![1.0, 2.0, 3.0];
        assert_eq!(least_squares(&[column.clone(), column.clone()], &column), None);
    }

    #[test]
    fn numbers_are_shown_with_the_digits_that_they_have() {
        let shown: Vec<String> = [5.0, 0.2, 2.000_000_4, 1.01, 1e-4, 0.0].into_iter().map(shown).collect();
        assert_eq!(shown, ["5.0", "0.2", "2.0", "1.01", "1e-4", "0.0"]);
    }
}
