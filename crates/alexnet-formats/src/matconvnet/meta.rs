use super::Root;
use super::labels;
use super::options::{Options, whole};
use super::preprocessing;
use crate::mat::Value;
use crate::{Error, Result};
use alexnet_spec::{Input, Labels, Preprocessing};

/// What a network says of its images and classes: `meta`, or two fields of the network in versions before beta 17.
pub(super) struct Meta<'a> {
    normalization: Option<Options<'a>>,
    classes: Option<Options<'a>>,
    input: Option<Input>,
}

impl<'a> Meta<'a> {
    pub fn read(root: Root<'a>) -> Result<Meta<'a>> {
        // Where both are there, tidying prefers the old field.
        let part = |name: &str| root.field(name).or_else(|| root.field("meta")?.field(name)).map(Options);
        let normalization = part("normalization");
        let mut size = normalization.and_then(|options| options.numbers("imageSize").ok().flatten());
        if size.is_none() {
            let inputs = root.field("meta").and_then(|meta| meta.field("inputs"));
            size = match inputs {
                Some(Value::Struct(array)) => array.field(0, "size").and_then(|size| size.numbers(8)),
                _ => None,
            };
        }
        let input = size.as_deref().map(input).transpose()?;
        Ok(Meta { normalization, classes: part("classes"), input })
    }

    pub fn input(&self) -> Option<Input> {
        self.input.clone()
    }

    pub fn channels(&self) -> Option<usize> {
        self.input.as_ref().map(|input| input.channels)
    }

    /// How images are prepared; `None` where they have other than three channels.
    pub fn preprocessing(&self, notes: &mut Vec<String>) -> Result<Option<Preprocessing>> {
        preprocessing::read(self.normalization, self.input.as_ref(), notes).map_err(|error| error.at("normalization"))
    }

    /// The classes' names, where there are as many as `outputs`.
    pub fn labels(&self, outputs: Option<usize>, notes: &mut Vec<String>) -> Result<Option<Labels>> {
        Ok(self.classes.and_then(|classes| labels::read(classes, outputs, notes)))
    }
}

/// `[height width]`, `[height width channels]`, or these and the batch.
fn input(size: &[f64]) -> Result<Input> {
    let at = |index: usize| size.get(index).copied().and_then(whole).filter(|size| *size > 0);
    match (at(0), at(1), size.len()) {
        (Some(height), Some(width), 2) => Ok(Input { channels: 3, height, width }),
        (Some(height), Some(width), 3 | 4) if at(2).is_some() => {
            Ok(Input { channels: at(2).unwrap_or_default(), height, width })
        }
        _ => Err(Error::refused(format!("an image size of {size:?}"))),
    }
}
