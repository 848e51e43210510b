use super::record::{Compared, Outcome, Record};
use super::spread::{Quantiles, Spread};
use alexnet_spec::Labels;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// How two networks agree over a folder of images.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The folder.
    pub folder: PathBuf,
    /// What is held against the reference, and on what it runs.
    pub runtime: String,
    /// The reference, and on what it runs.
    pub reference: String,
    /// Images in the folder.
    pub images: u64,
    /// Those on which both networks were compared.
    pub compared: u64,
    /// Those within the tolerance.
    pub within: u64,
    /// Those for which both put the same class first.
    pub top1: u64,
    /// The part of the reference's first five classes that are among the other's, from 0 to 1.
    pub top5: f64,
    /// Those whose answer could change by differences as large as those that were found.
    pub at_risk: u64,
    /// The mean Kullback-Leibler divergence in nats, over the images for which it is finite.
    pub mean_kl: f64,
    /// The largest difference of any logit.
    pub max_abs: Option<f64>,
    /// Of each image the largest difference, as a share of its largest reference logit.
    pub max_rel: Quantiles,
    /// What is allowed of that: the tolerance's `rtol`.
    pub rtol: f64,
    /// The images with the largest differences, the worst first.
    pub worst: Vec<Image>,
    /// The images for which another class comes first, those with the widest margin first.
    pub flipped: Vec<Image>,
    /// Images on which nothing was compared.
    pub unverified: u64,
    /// The first of them.
    pub unverified_images: Vec<Unverified>,
    /// Files of the folder that are no images by their names.
    pub other_files: u64,
    /// How this run went; all else is the same for a run that was interrupted and resumed.
    pub run: Pace,
}

/// How a run went.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Pace {
    /// Images that the journal held already.
    pub resumed: u64,
    /// Images of this run.
    pub images: u64,
    /// What they took.
    pub seconds: f64,
    /// Images per second.
    pub rate: f64,
}

/// An image that is worth a look.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Image {
    /// Its path below the folder.
    pub path: String,
    /// The largest difference of its logits.
    pub max_abs: Option<f64>,
    /// The same as a share of its largest reference logit.
    pub max_rel: Option<f64>,
    /// The same as a share of what is allowed: above 1 it disagrees.
    pub severity: Option<f64>,
    /// The reference's first class.
    pub reference: Class,
    /// The other's.
    pub other: Class,
    /// The reference's first logit less its second.
    pub margin: Option<f64>,
    /// The Kullback-Leibler divergence in nats.
    pub kl: Option<f64>,
}

/// One of the outputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Class {
    /// Its number, from 0 on.
    pub index: usize,
    /// Its name, where it has one.
    pub label: Option<String>,
}

/// An image on which nothing was compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unverified {
    /// Its path below the folder.
    pub path: String,
    /// Why.
    pub why: String,
}

impl Summary {
    /// Whether every image that was compared is within the tolerance, and any was.
    pub fn agrees(&self) -> bool {
        self.compared > 0 && self.within == self.compared
    }

    /// Whether every image was compared.
    pub fn is_complete(&self) -> bool {
        self.unverified == 0 && self.compared == self.images
    }
}

/// How many images are worth a look.
const WORTH_A_LOOK: usize = 12;

/// How many of the images are listed on which nothing was compared.
const LISTED: usize = 100;

/// A summary in the making. Records may come in any order, and the result is the same to the bit: it is made of counts, of
/// the first of an order, and of sums of whole numbers.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    compared: u64,
    within: u64,
    top1: u64,
    top5: u64,
    top5_of: u64,
    logits: usize,
    at_risk: u64,
    max_abs: Option<f64>,
    /// In units of 2^-80 nats.
    kl: i128,
    kl_of: u64,
    max_rel: Spread,
    worst: First<(usize, String, Compared)>,
    flipped: First<(usize, String, Compared)>,
    unverified: u64,
    unverified_images: BTreeMap<usize, Unverified>,
    fingerprints: Option<(u32, u32)>,
}

/// A nat in the units in which divergences are summed: a million images of 10,000 nats each fit.
const NAT: f64 = (1u128 << 80) as f64;

impl Tally {
    /// Adds what became of an image.
    pub fn add(&mut self, record: Record) {
        let compared = match record.outcome {
            Outcome::Compared(compared) => compared,
            Outcome::Unverified(why) => {
                self.unverified += 1;
                self.unverified_images.insert(record.index, Unverified { path: record.path, why });
                if self.unverified_images.len() > LISTED {
                    self.unverified_images.pop_last();
                }
                return;
            }
        };
        self.max_abs = match (self.compared, self.max_abs, compared.max_abs) {
            (0, _, new) => new,
            (_, Some(old), Some(new)) => Some(old.max(new)),
            _ => None,
        };
        self.compared += 1;
        self.within += u64::from(compared.agrees);
        self.top1 += u64::from(compared.top1);
        self.top5 += compared.top5 as u64;
        self.top5_of += compared.logits.min(5) as u64;
        self.logits = compared.logits;
        self.at_risk += u64::from(compared.at_risk);
        if let Some(kl) = compared.kl {
            self.kl += (kl * NAT) as i128;
            self.kl_of += 1;
        }
        self.max_rel.add(compared.max_rel);
        let (low, high) = self.fingerprints.unwrap_or((u32::MAX, 0));
        self.fingerprints = Some((low.min(compared.fingerprint), high.max(compared.fingerprint)));
        let falling = |value: Option<f64>| std::cmp::Reverse(value.unwrap_or(f64::INFINITY).max(0.0).to_bits());
        if !compared.top1 {
            let key = (falling(compared.margin), record.index);
            self.flipped.offer(key, (record.index, record.path.clone(), compared.clone()));
        }
        let key = (falling(compared.severity), record.index);
        self.worst.offer(key, (record.index, record.path, compared));
    }

    /// Whether the reference gave the same logits for every one of several images.
    pub fn is_constant(&self) -> bool {
        self.compared > 1 && self.fingerprints.is_some_and(|(low, high)| low == high)
    }

    /// How many images were counted.
    pub fn count(&self) -> u64 {
        self.compared + self.unverified
    }

    /// The summary; `labels` name the classes, where they are as many.
    pub fn summary(self, about: About, labels: &Labels) -> Summary {
        let labels = if labels.len() == Some(self.logits) { labels } else { &Labels::Unknown };
        let share = |part: f64, of: u64| if of == 0 { 0.0 } else { part / of as f64 };
        let images = |first: First<(usize, String, Compared)>| {
            first.entries.into_values().map(|(_, path, compared)| Image::new(path, &compared, labels)).collect()
        };
        Summary {
            folder: about.folder,
            runtime: about.runtime,
            reference: about.reference,
            images: about.images,
            compared: self.compared,
            within: self.within,
            top1: self.top1,
            top5: share(self.top5 as f64, self.top5_of),
            at_risk: self.at_risk,
            mean_kl: share(self.kl as f64 / NAT, self.kl_of),
            max_abs: self.max_abs,
            max_rel: self.max_rel.quantiles(),
            rtol: about.rtol,
            worst: images(self.worst),
            flipped: images(self.flipped),
            unverified: self.unverified,
            unverified_images: self.unverified_images.into_values().collect(),
            other_files: about.other_files,
            run: about.run,
        }
    }
}

/// What a summary says besides what was counted.
pub struct About {
    /// The folder.
    pub folder: PathBuf,
    /// What is held against the reference.
    pub runtime: String,
    /// The reference.
    pub reference: String,
    /// Images in the folder.
    pub images: u64,
    /// Other files there.
    pub other_files: u64,
    /// What is allowed.
    pub rtol: f64,
    /// How the run went.
    pub run: Pace,
}

impl Image {
    fn new(path: String, compared: &Compared, labels: &Labels) -> Image {
        let class = |index: usize| Class { index, label: labels.name(index).map(|name| name.into_owned()) };
        let [reference, other] = compared.classes.map(class);
        Image {
            path,
            max_abs: compared.max_abs,
            max_rel: compared.max_rel,
            severity: compared.severity,
            reference,
            other,
            margin: compared.margin,
            kl: compared.kl,
        }
    }
}

/// By falling value (its bits, which order as the value does from zero on), then by place.
type Key = (std::cmp::Reverse<u64>, usize);

/// The first few of an order.
#[derive(Clone, Debug)]
struct First<T> {
    entries: BTreeMap<Key, T>,
}

impl<T> Default for First<T> {
    fn default() -> First<T> {
        First { entries: BTreeMap::new() }
    }
}

impl<T> First<T> {
    fn offer(&mut self, key: Key, value: T) {
        self.entries.insert(key, value);
        if self.entries.len() > WORTH_A_LOOK {
            self.entries.pop_last();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::State;
    use super::*;

    fn record(index: usize, severity: Option<f64>, classes: [usize; 2]) -> Record {
        let outcome = Outcome::Compared(Compared {
            max_abs: severity.map(|severity| severity * 0.1),
            max_rel: severity.map(|severity| severity * 1e-3),
            severity,
            agrees: severity.is_some_and(|severity| severity <= 1.0),
            classes,
            top1: classes[0] == classes[1],
            top5: 4,
            logits: 10,
            margin: Some(1.0 / (index as f64 + 1.0)),
            at_risk: false,
            kl: severity.map(|severity| severity / 3.0),
            fingerprint: index as u32,
        });
        Record { index, path: format!("{index}.png"), state: State::default(), outcome }
    }

    fn summary(records: impl IntoIterator<Item = Record>) -> Summary {
        let mut tally = Tally::default();
        records.into_iter().for_each(|record| tally.add(record));
        let about = About {
            folder: "images".into(),
            runtime: "B".into(),
            reference: "A".into(),
            images: tally.count(),
            other_files: 0,
            rtol: 1e-3,
            run: Pace::default(),
        };
        tally.summary(about, &Labels::Names((0..10).map(|class| format!("class of {class}")).collect()))
    }

    #[test]
    fn shares_and_means_are_those_of_the_images() {
        let mut records = vec![
            record(0, Some(0.5), [1, 1]),
            record(1, Some(2.0), [1, 2]),
            record(2, Some(0.25), [3, 3]),
            record(3, Some(0.25), [3, 4]),
        ];
        records.push(Record { outcome: Outcome::Unverified("cut short".into()), ..record(4, None, [0, 0]) });
        let summary = summary(records);
        assert_eq!((summary.images, summary.compared, summary.unverified), (5, 4, 1));
        assert_eq!((summary.within, summary.top1, summary.top5), (3, 2, 0.8));
        assert_eq!((summary.max_abs, summary.max_rel.max, summary.mean_kl), (Some(0.2), Some(2e-3), 0.25));
        assert!(!summary.agrees() && !summary.is_complete());
        assert_eq!(
            summary.worst.iter().map(|i| i.path.as_str()).collect::<Vec<_>>(),
            ["1.png", "0.png", "2.png", "3.png"]
        );
        // Those with the widest margin first.
        assert_eq!(summary.flipped.iter().map(|i| i.path.as_str()).collect::<Vec<_>>(), ["1.png", "3.png"]);
        assert_eq!(summary.flipped[0].other, Class { index: 2, label: Some("class of 2".into()) });
        assert_eq!(summary.unverified_images[0].why, "cut short");
    }

    #[test]
    fn the_order_of_the_images_changes_nothing() {
        let records = || (0..200).map(|i| record(i, Some(0.1 + (i * 37 % 101) as f64 / 7.0), [i % 3, i % 2]));
        let json = |summary: Summary| serde_json::to_string(&summary).unwrap();
        let forward = json(summary(records()));
        assert_eq!(forward, json(summary(records().rev())));
        let (even, odd): (Vec<_>, Vec<_>) = records().partition(|record| record.index % 2 == 0);
        assert_eq!(forward, json(summary(odd.into_iter().chain(even))));
    }

    #[test]
    fn what_is_not_finite_is_the_worst_and_never_agrees() {
        let summary = summary([record(0, Some(3.0), [1, 1]), record(1, None, [1, 1])]);
        assert_eq!((summary.worst[0].path.as_str(), summary.max_abs, summary.max_rel.max), ("1.png", None, None));
        assert_eq!((summary.within, summary.mean_kl), (0, 1.0));
    }

    #[test]
    fn a_reference_that_is_the_same_for_all_images_is_constant() {
        let same = |index| {
            let mut record = record(index, Some(0.0), [1, 1]);
            if let Outcome::Compared(compared) = &mut record.outcome {
                compared.fingerprint = 7;
            }
            record
        };
        let mut tally = Tally::default();
        tally.add(same(0));
        assert!(!tally.is_constant(), "one image says nothing");
        tally.add(same(1));
        assert!(tally.is_constant());
        tally.add(record(2, Some(0.0), [1, 1]));
        assert!(!tally.is_constant());
    }
}
