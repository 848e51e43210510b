use crate::compare::{Example, Metrics};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// What became of one image: an entry of the journal, and all that the summary is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its place in the list of images.
    pub index: usize,
    /// Its path below the folder; what isn't Unicode in it is replaced.
    pub path: String,
    /// The file that was read.
    #[serde(flatten)]
    pub state: State,
    /// The result.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What tells a file from what it was before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Its size.
    pub bytes: u64,
    /// When it was changed, in nanoseconds since 1970.
    pub modified: u64,
}

/// The result for one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Both networks ran.
    Compared(Compared),
    /// Nothing was compared, and why.
    Unverified(String),
}

/// How far the two networks' logits for an image lie apart. A number that isn't finite is none: JSON has no such numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// The largest difference.
    #[serde(with = "exact")]
    pub max_abs: Option<f64>,
    /// The largest difference as a share of the largest reference logit.
    #[serde(with = "exact")]
    pub max_rel: Option<f64>,
    /// The largest difference as a share of what is allowed.
    #[serde(with = "exact")]
    pub severity: Option<f64>,
    /// Whether it is within the tolerance.
    pub agrees: bool,
    /// The class of the largest logit on either side.
    pub classes: [usize; 2],
    /// Whether both put the same class first.
    pub top1: bool,
    /// How many of the reference's first five classes are among the other's.
    pub top5: usize,
    /// How many classes there are.
    pub logits: usize,
    /// The reference's first logit less its second.
    #[serde(with = "exact")]
    pub margin: Option<f64>,
    /// Whether differences as large as the largest one could change the answer.
    pub at_risk: bool,
    /// The Kullback-Leibler divergence of the other's softmax from the reference's, in nats.
    #[serde(with = "exact")]
    pub kl: Option<f64>,
    /// A hash of the reference's logits: whether they depend on the image at all.
    pub fingerprint: u32,
}

impl State {
    /// The state of the file now; all zeros where it isn't there.
    pub fn of(path: &Path) -> State {
        let Ok(metadata) = path.metadata() else { return State::default() };
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = modified.and_then(|time| u64::try_from(time.as_nanos()).ok()).unwrap_or(0);
        State { bytes: metadata.len(), modified }
    }
}

impl Outcome {
    /// The comparison of two rows of logits. A reference that gives the same for all classes is no classification: anything
    /// constant would agree with it.
    pub fn of(reference: &[f32], other: &[f32], example: &Example) -> Outcome {
        let Example { metrics, classes } = example;
        let Some(classes) = classes else {
            return Outcome::Unverified(format!("{} logits are no classification", reference.len()));
        };
        if let [first, rest @ ..] = reference
            && rest.iter().all(|value| value == first)
        {
            return Outcome::Unverified(format!(
                "the reference's logits are all {first}: agreement would prove nothing"
            ));
        }
        let finite = |value: f64| Some(value).filter(|value| value.is_finite());
        Outcome::Compared(Compared {
            max_abs: finite(metrics.max_abs),
            max_rel: finite(metrics.max_rel),
            severity: finite(Metrics::severity(metrics)),
            agrees: metrics.agrees,
            classes: [first(reference), first(other)],
            top1: classes.top1,
            top5: classes.top5,
            logits: reference.len(),
            margin: finite(classes.margin),
            at_risk: classes.at_risk,
            kl: classes.kl,
            fingerprint: fingerprint(reference),
        })
    }
}

/// The class of the largest value, the first of several.
fn first(values: &[f32]) -> usize {
    let largest =
        values.iter().enumerate().reduce(|best, new| if new.1.total_cmp(best.1).is_gt() { new } else { best });
    largest.map_or(0, |(class, _)| class)
}

/// Fowler, Noll and Vo's FNV-1a of the values' bits.
fn fingerprint(values: &[f32]) -> u32 {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes());
    bytes.fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Numbers as text: serde_json reads numbers with an error in the last place, and a summary must be the same to the bit.
mod exact {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(|value| format!("{value:e}")).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        let text: Option<String> = Deserialize::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Array;
    use crate::compare::{Precision, Tolerance};

    fn of(reference: &[f32], other: &[f32]) -> Outcome {
        let row = |values: &[f32]| Array { shape: vec![1, values.len()], data: values.to_vec() };
        let tolerance = Tolerance { atol: 0.0, rtol: 0.1, precision: Precision::F32 };
        let examples = Metrics::of_examples(&row(reference), &row(other), tolerance).unwrap();
        Outcome::of(reference, other, &examples[0])
    }

    /// What isn't finite has no number in JSON, and every number comes back as it was.
    #[test]
    fn a_record_comes_back_from_its_line() {
        for outcome in
            [of(&[3.0, 1.0, 0.3], &[3.1, 1.0, 0.3]), of(&[1.0, f32::NAN], &[1.0, 2.0]), of(&[5.0, 5.0], &[5.0, 5.0])]
        {
            let state = State { bytes: 7, modified: 1_700_000_000_123_456_789 };
            let record = Record { index: 3, path: "a/b.jpg".into(), state, outcome };
            let line = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record, "{line}");
        }
    }

    #[test]
    fn a_reference_without_an_answer_verifies_nothing() {
        assert!(matches!(of(&[5.0, 5.0], &[5.0, 5.0]), Outcome::Unverified(_)));
        assert!(matches!(of(&[5.0], &[5.0]), Outcome::Unverified(_)));
        let Outcome::Compared(compared) = of(&[1.0, 4.0, 2.0], &[1.0, 2.0, 4.0]) else { panic!() };
        assert_eq!((compared.classes, compared.top1, compared.agrees), ([1, 2], false, false));
        assert_eq!((compared.top5, compared.logits, compared.max_rel), (3, 3, Some(0.5)));
    }

    /// FNV-1a of four zero bytes: 0x811c9dc5 * 0x01000193^4 modulo 2^32.
    #[test]
    fn fingerprints_are_fnv_1a() {
        assert_eq!(fingerprint(&[0.0]), 0x4b95_f515);
        assert_ne!(fingerprint(&[0.0]), fingerprint(&[-0.0]));
    }
}
