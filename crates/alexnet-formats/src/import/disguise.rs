//! Weights that are there in another form: pruned, factored, packed by a quantiser, adapted. None is converted, since the
//! library that put them in that form takes them out of it exactly; what is said is how.

use super::place::Names;

/// A form of weights, told by the names of their tensors.
struct Disguise {
    /// What stands in a tensor's name.
    name: &'static str,
    what: &'static str,
    remedy: &'static str,
}

const KERAS: &str = "the .keras or .h5 of model.save, which hold the network, or --network with --map FILE";

const DISGUISES: &[Disguise] = &[
    Disguise {
        name: ".weight_mask",
        what: "pruning that isn't made permanent",
        remedy: "torch.nn.utils.prune.remove(module, 'weight') on the pruned modules before saving",
    },
    Disguise {
        name: ".parametrizations.",
        what: "parametrized weights",
        remedy: "torch.nn.utils.parametrize.remove_parametrizations(module, 'weight') before saving",
    },
    Disguise {
        name: ".weight_g",
        what: "weight normalisation",
        remedy: "torch.nn.utils.remove_weight_norm(module) before saving",
    },
    Disguise {
        name: ".weight_u",
        what: "spectral normalisation",
        remedy: "torch.nn.utils.remove_spectral_norm(module) before saving",
    },
    Disguise {
        name: ".lora_",
        what: "low-rank adapters that aren't merged",
        remedy: "model.merge_and_unload(), or adding them to the weights, before saving",
    },
    Disguise {
        name: ".zero_point",
        what: "quantised layers",
        remedy: "the model that it was made from, before it was quantised",
    },
    Disguise {
        name: "@@.0",
        what: "a tensor that PaddlePaddle wrote in slices",
        remedy: "loading it with paddle.load and saving it with paddle.save(state, path, protocol=4)",
    },
    Disguise { name: "/vars/0", what: "Keras's variables without the network", remedy: KERAS },
    Disguise { name: "/kernel:0", what: "Keras's weights without the network", remedy: KERAS },
];

/// What the names say was done to the weights, what undoes it, and the name that tells.
pub(super) fn recognise<'a>(names: &'a Names<'_>) -> Option<(&'static str, &'static str, &'a str)> {
    DISGUISES.iter().find_map(|disguise| {
        let (name, _) = names.iter().find(|(name, _)| name.contains(disguise.name))?;
        Some((disguise.what, disguise.remedy, name))
    })
}
