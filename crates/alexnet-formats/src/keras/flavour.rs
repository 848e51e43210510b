/// Which Keras wrote a file, and on which backend, as far as it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flavour {
    /// `keras_version`: since Keras 1.1.
    pub version: Option<String>,
    /// `backend`: since Keras 2.0.
    pub backend: Option<String>,
}

impl Flavour {
    /// Whether layers have the names and kernels the layout of Keras 1.
    pub fn is_keras_1(&self) -> Option<bool> {
        self.version.as_ref().map(|version| version.starts_with("1.") || version.starts_with("0."))
    }

    /// Whether kernels were trained by true convolution, which turns them by 180 degrees; `None` where the file doesn't say.
    ///
    /// `keras/utils/conv_utils.py` of Keras 2 has Theano convolve, TensorFlow and CNTK correlate; all of Keras 3's backends
    /// correlate.
    pub fn convolves(&self) -> Option<bool> {
        self.backend.as_ref().map(|backend| backend == "theano")
    }
}
