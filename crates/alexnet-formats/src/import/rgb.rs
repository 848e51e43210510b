//! A network that was trained on BGR images, made to take RGB: the same function of the same picture.

use super::Imported;
use crate::report::Used;
use crate::{Error, Result, Transform};
use alexnet_spec::{ChannelOrder, Op, Weights};

/// Reverses the input channels of the first convolution, and the preprocessing's with them.
///
/// Errs where no convolution of one group sees the image first.
pub(super) fn fold(imported: &mut Imported) -> Result<()> {
    let Imported { network, weights, report, .. } = imported;
    if network.preprocessing.channel_order == ChannelOrder::Rgb {
        report.notes.push("it takes RGB already: --rgb changes nothing".to_owned());
        return Ok(());
    }
    let first = network.layers.first().filter(|layer| matches!(&layer.op, Op::Conv2d(conv) if conv.groups == 1));
    let parameter = first.map(|layer| format!("{}.weight", layer.name));
    let kernel = parameter.as_ref().and_then(|name| weights.get(name));
    let (Some(parameter), Some(kernel)) = (&parameter, kernel) else {
        let message = format!("--rgb: the first layer of network `{}` is no plain convolution", network.name);
        return Err(Error::refused(message).with_remedy("without it, and BGR images"));
    };
    let swapped = Transform::SwapInputChannels.apply(std::slice::from_ref(kernel))?;
    let others = weights.iter().filter(|(name, _)| name != parameter);
    let tensors = others.map(|(name, tensor)| (name.to_owned(), tensor.clone()));
    let weights = Weights::new(network, tensors.chain([(parameter.clone(), swapped)]).collect())?;

    let contract = &mut network.preprocessing;
    contract.channel_order = ChannelOrder::Rgb;
    contract.std.reverse();
    contract.mean = crate::mean::reversed(&contract.mean);
    for Used { transform, .. } in report.used.iter_mut().filter(|used| used.parameter == *parameter) {
        *transform = match std::mem::replace(transform, Transform::Identity) {
            Transform::Identity => Transform::SwapInputChannels,
            Transform::Chain(mut steps) => {
                steps.push(Transform::SwapInputChannels);
                Transform::Chain(steps)
            }
            other => Transform::Chain(vec![other, Transform::SwapInputChannels]),
        };
    }
    report.notes.push(format!("it takes RGB now: the input channels of {parameter} are reversed"));
    imported.weights = weights;
    Ok(())
}
