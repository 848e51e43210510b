//! CSAILVision's Places365 AlexNet (`alexnet_places365.pth.tar`, which isn't a tar): torchvision's network with 365 scene
//! categories, its features alone wrapped in `DataParallel`. Output *i* is line *i* of `categories_places365.txt`.

use super::{Candidates, Dialect, torchvision};

pub(super) const DIALECT: Dialect = Dialect {
    name: "places365",
    about: "CSAILVision's Places365: torchvision's network with features.module.* and 365 scene categories",
    origin: torchvision::origin,
    candidates: |place| {
        let classes = place.get("classifier.6.weight").and_then(|source| source.tensor.shape().first());
        let wrapped = place.get("features.0.weight").is_some_and(|source| source.name.contains("features.module."));
        (classes == Some(&365) && wrapped).then_some(Candidates::only("torchvision"))
    },
};
