use super::{Attempt, Mistake, Suspect};

pub(super) const MISTAKE: Mistake = Mistake {
    id: "channels-reversed",
    remedy: "one side takes BGR and the other RGB: reverse the first convolution's input channels (axis 1 of OIHW), and the mean with them",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let convolutions = suspect.convolutions().into_iter();
    convolutions
        .filter_map(|place| {
            let piece = suspect.piece.with_tensor(&format!("{}.weight", place.name), |t| t.flip(1).ok())?;
            let sentence = match suspect.image && place.index == 0 {
                true => format!("{}'s input channels look reversed: BGR for RGB, or RGB for BGR", place.name),
                false => format!("{}'s input channels look reversed", place.name),
            };
            Some(Attempt::piece(sentence, piece))
        })
        .collect()
}
