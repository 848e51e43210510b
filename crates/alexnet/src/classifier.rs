use crate::preprocess::Preprocessor;
use crate::{AlexNet, Error, Result};
use candle_core::{DType, Device, Tensor};
use std::path::Path;

/// A model together with its preprocessing and labels: image in, labelled classes out.
///
/// ```no_run
/// use alexnet::Classifier;
/// use candle_core::Device;
///
/// let classifier = Classifier::load("alexnet.safetensors", &Device::Cpu)?;
/// for prediction in classifier.classify_path("cat.jpg", 5)? {
///     println!("{:5.1} % {}", 100.0 * prediction.probability, prediction.label.unwrap_or_default());
/// }
/// # Ok::<(), alexnet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Classifier {
    model: AlexNet,
    preprocessor: Preprocessor,
}

/// One class of an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Which of the network's outputs it is.
    pub index: usize,
    /// Its name, where the network's labels have one.
    pub label: Option<String>,
    /// Its share of the softmax over all classes, from 0 to 1.
    pub probability: f64,
    /// The network's output before the softmax.
    pub logit: f64,
}

impl Classifier {
    /// A classifier of a model.
    ///
    /// Errs where the model's network has no classes or doesn't take three colours.
    pub fn new(model: AlexNet) -> Result<Classifier> {
        let network = model.network();
        if network.class_count().is_none() {
            return Err(Error::Unsuitable(format!(
                "network `{}` has features alone, no classes: try `AlexNet::features`",
                network.name
            )));
        }
        let preprocessor = Preprocessor::new(network)?;
        Ok(Classifier { model, preprocessor })
    }

    /// [`AlexNet::load`], then [`Classifier::new`].
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<Classifier> {
        Classifier::new(AlexNet::load(path, device)?)
    }

    /// The model.
    pub fn model(&self) -> &AlexNet {
        &self.model
    }

    /// The preprocessing.
    pub fn preprocessor(&self) -> &Preprocessor {
        &self.preprocessor
    }

    /// The `k` likeliest classes of an image file, likeliest first; see [`Preprocessor::path`].
    #[cfg(feature = "image")]
    pub fn classify_path(&self, path: impl AsRef<Path>, k: usize) -> Result<Vec<Prediction>> {
        self.classify(&self.preprocessor.path(path, self.model.device())?, k)
    }

    /// The `k` likeliest classes of an image of red, green, blue bytes, likeliest first; see [`Preprocessor::rgb8`].
    pub fn classify_rgb(&self, width: usize, height: usize, pixels: &[u8], k: usize) -> Result<Vec<Prediction>> {
        self.classify(&self.preprocessor.rgb8(width, height, pixels, self.model.device())?, k)
    }

    fn classify(&self, input: &Tensor, k: usize) -> Result<Vec<Prediction>> {
        let logits = self.model.forward(&input.to_dtype(self.model.dtype())?)?;
        Ok(self.top_k(&logits, k)?.pop().unwrap_or_default())
    }

    /// For each example of `logits` `[N, classes]`, as [`AlexNet::forward`] gives them, the `k` likeliest classes, likeliest
    /// first. Of equal logits the first output comes first.
    ///
    /// Errs where a logit isn't finite: the weights or the input hold something that isn't a number.
    pub fn top_k(&self, logits: &Tensor, k: usize) -> Result<Vec<Vec<Prediction>>> {
        // f64 doesn't exist on every device: the conversion happens on the CPU.
        let logits: Vec<Vec<f64>> = logits.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.to_vec2()?;
        logits.iter().map(|logits| self.rank(logits, k)).collect()
    }

    fn rank(&self, logits: &[f64], k: usize) -> Result<Vec<Prediction>> {
        if let Some(index) = logits.iter().position(|logit| !logit.is_finite()) {
            return Err(Error::Unsuitable(format!(
                "logit {index} is {}: the weights or the input aren't finite",
                logits[index]
            )));
        }
        let mut order: Vec<(usize, f64)> = logits.iter().copied().enumerate().collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        let largest = order.first().map_or(0.0, |(_, logit)| *logit);
        let total: f64 = logits.iter().map(|logit| (logit - largest).exp()).sum();
        order.truncate(k);
        Ok(order
            .into_iter()
            .map(|(index, logit)| Prediction {
                index,
                label: self.model.network().labels.name(index).map(|name| name.into_owned()),
                probability: (logit - largest).exp() / total,
                logit,
            })
            .collect())
    }
}
