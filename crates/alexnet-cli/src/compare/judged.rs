//! The metrics against NumPy's and PyTorch's, on the tensors of `fixtures/tables/metrics.json`.

use super::{Agreement, Element, Metrics, Precision, Tolerance};
use crate::array::Array;
use serde_json::Value;

struct Case {
    name: String,
    reference: Array,
    other: Array,
    metrics: Metrics,
    expected: Value,
}

fn cases() -> Vec<Case> {
    let text = include_str!("../../../../fixtures/tables/metrics.json");
    let rows: Vec<Value> = serde_json::from_str(text).unwrap();
    rows.into_iter().map(case).collect()
}

fn case(row: Value) -> Case {
    let array = |side: usize| {
        let hex = row["bits"][side].as_str().unwrap();
        let words = (0..hex.len() / 8).map(|at| u32::from_str_radix(&hex[8 * at..8 * at + 8], 16).unwrap());
        let shape = serde_json::from_value(row["shape"].clone()).unwrap();
        Array::new(shape, words.map(f32::from_bits).collect()).unwrap()
    };
    let (reference, other) = (array(0), array(1));
    let precision = *Precision::ALL.iter().find(|p| row["precision"] == p.to_string()).unwrap();
    let tolerance = Tolerance { atol: 1e-7, rtol: 2e-5, precision };
    let metrics = Metrics::compare(&reference, &other, tolerance).unwrap();
    Case { name: row["name"].as_str().unwrap().into(), reference, other, metrics, expected: row["expected"].clone() }
}

/// Equal but for the order of summation; what isn't finite is null in JSON.
fn near(found: f64, expected: &Value) -> bool {
    match expected.as_f64() {
        Some(expected) => (found - expected).abs() <= 1e-12 * expected.abs().max(f64::MIN_POSITIVE),
        None => !found.is_finite(),
    }
}

#[test]
fn differences_are_those_that_numpy_finds() {
    for Case { name, metrics: m, expected, .. } in cases() {
        for (key, found) in [
            ("scale", m.scale),
            ("max_abs", m.max_abs),
            ("mean_abs", m.mean_abs),
            ("rms", m.rms),
            ("p50", m.p50),
            ("p99", m.p99),
            ("p99_9", m.p99_9),
            ("outside", m.outside),
        ] {
            assert!(near(found, &expected[key]), "{name}: {key} is {found:e}, not {}", expected[key]);
        }
        // A cosine near 1 has lost half of its digits to the sums below it.
        assert!((m.cosine - expected["cosine"].as_f64().unwrap()).abs() < 1e-12, "{name}: cosine {}", m.cosine);
        assert_eq!(serde_json::json!([m.nan, m.infinite]), serde_json::json!([expected["nan"], expected["infinite"]]));
    }
}

#[test]
fn distances_and_orders_of_magnitude_are_counted_as_numpy_counts_them() {
    for Case { name, metrics: m, expected, .. } in cases() {
        let ulps = serde_json::json!({ "max": m.ulps.max, "counts": m.ulps.counts });
        assert_eq!(ulps, expected["ulps"], "{name}");
        assert_eq!(serde_json::to_value(&m.histogram).unwrap(), expected["histogram"], "{name}");
    }
}

#[test]
fn places_are_where_numpy_finds_them() {
    for Case { name, metrics: m, expected, reference, other } in cases() {
        for (key, found) in [("worst", &m.worst), ("first_outside", &m.first_outside)] {
            let element = |place| Element::at(place as usize, &reference.shape, &reference.data, &other.data);
            assert_eq!(*found, expected[key].as_u64().map(element), "{name}: {key}");
        }
    }
}

#[test]
fn classifications_agree_as_pytorch_says() {
    let mut judged = 0;
    for Case { name, expected, reference, other, .. } in cases() {
        let Some(classes) = expected.get("classes") else { continue };
        let found = Agreement::of(&reference, &other).unwrap();
        let exact = serde_json::json!([found.top1, found.top5, found.at_risk]);
        assert_eq!(exact, serde_json::json!([classes["top1"], classes["top5"], classes["at_risk"]]), "{name}");
        assert!(near(found.margin, &classes["margin"]), "{name}: margin {}", found.margin);
        let (kl, expected) = (found.kl.unwrap(), classes["kl"].as_f64().unwrap());
        // What is left of sums of a thousand terms near 1.
        assert!((kl - expected).abs() <= 1e-9 * expected + 1e-14, "{name}: {kl:e}, not {expected:e}");
        judged += 1;
    }
    assert!(judged > 0);
}

#[test]
fn the_smallest_passing_tolerance_passes() {
    for Case { name, metrics: m, reference, other, .. } in cases() {
        let passes = |tolerance| Metrics::compare(&reference, &other, tolerance).unwrap().agrees;
        if let Some(rtol) = m.passing_rtol {
            assert!(passes(Tolerance { rtol, ..m.tolerance }), "{name}: rtol {rtol:e}");
            assert!(rtol == 0.0 || !passes(Tolerance { rtol: rtol * (1.0 - 1e-9), ..m.tolerance }), "{name}");
        }
        if let Some(atol) = m.passing_atol {
            assert!(passes(Tolerance { atol, ..m.tolerance }), "{name}: atol {atol:e}");
        }
        assert_eq!(m.passing_atol.is_none(), !m.max_abs.is_finite(), "{name}");
    }
}
