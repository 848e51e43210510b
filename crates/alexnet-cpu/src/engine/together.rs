//! Several images through each layer together, for stages that want it: see [`Precision::Fast`](super::Precision::Fast).

use super::{Engine, Workspace};
use crate::element::Element;
use crate::memory::Buffer;
use crate::stages::Winograd;
use crate::team::Step;
use std::ops::Range;

/// The most images that go through a layer together, as long as each thread has one.
const GROUP: usize = 8;

/// How many of `images` go through a layer together.
fn group(images: usize, threads: usize) -> usize {
    images.div_ceil(images.div_ceil(GROUP.max(threads)).max(1))
}

impl<E: Element> Engine<E> {
    /// The convolution at `stage` as one for `images` together, where that is faster.
    fn winograd(&self, stage: usize, images: usize, threads: usize) -> Option<&Winograd> {
        self.plan.winograd.get(stage)?.as_ref().filter(|stage| stage.is_worth(images, threads))
    }

    /// Makes `workspace` large enough for `count` images in groups.
    pub(super) fn reserve_together(&self, workspace: &mut Workspace<E>, count: usize, threads: usize) {
        let images = group(count, threads);
        self.reserve(workspace, count, images);
        for stage in 0..self.plan.stages.len() {
            if let Some(winograd) = self.winograd(stage, images, threads) {
                winograd.reserve(&mut workspace.scratch, images, threads);
            }
        }
    }

    /// The steps that take `count` images to their features, in groups; as long as there is one for each thread, and `alone`
    /// isn't zero, threads take whole images between the stages for several. `collect` brings features away from the last
    /// stage's buffer.
    pub(super) fn together<'a>(
        &'a self,
        (count, alone): (usize, usize),
        threads: usize,
        image: impl Fn(usize) -> &'a [E] + Copy + Sync + 'a,
        collect: impl Fn(usize, &[Buffer<E>]) + Copy + Sync + 'a,
        workspace: &'a Workspace<E>,
    ) -> Vec<Step<'a>> {
        let mut steps = Vec::new();
        let size = group(count, threads);
        for first in (0..count).step_by(size.max(1)) {
            let buffers = &workspace.images[..size.min(count - first)];
            let alone = if alone > 0 { buffers.len() / threads * threads } else { 0 };
            let mut stage = 0;
            while let Some((name, _)) = self.plan.stages.get(stage) {
                if let Some(winograd) = self.winograd(stage, buffers.len(), threads) {
                    steps.extend(winograd.steps((self.isa, threads), (name, stage), buffers, &workspace.scratch));
                    stage += 1;
                    continue;
                }
                let start = stage;
                while stage < self.plan.stages.len() && self.winograd(stage, buffers.len(), threads).is_none() {
                    stage += 1;
                }
                let image = move |index| image(first + index);
                self.one_by_one(start..stage, alone, threads, image, buffers, &mut steps);
            }
            steps.push(Step::each("flatten", buffers.len(), move |_, index| collect(first + index, &buffers[index])));
        }
        steps
    }

    /// The steps for `stages` of each image, of which the first `alone` are taken by one thread each.
    fn one_by_one<'a>(
        &'a self,
        stages: Range<usize>,
        alone: usize,
        threads: usize,
        image: impl Fn(usize) -> &'a [E] + Copy + Sync + 'a,
        buffers: &'a [Vec<Buffer<E>>],
        steps: &mut Vec<Step<'a>>,
    ) {
        let (skip, take) = (stages.start, stages.len());
        let chain = move |index: usize| self.chain(image(index), &buffers[index]).skip(skip).take(take);
        if alone > 0 {
            steps.push(Step::each("images", alone, move |_, index| {
                for ((_, stage), (input, output)) in chain(index) {
                    // SAFETY: no other item uses this image's buffers, and what came before is done.
                    (0..stage.items()).for_each(|item| unsafe { stage.run(self.isa, item, input.get(), output) });
                }
            }));
        }
        for index in alone..buffers.len() {
            for ((name, stage), (input, output)) in chain(index) {
                // SAFETY: each item is taken by one member, and only this step works on the output.
                let work = move |_, item| unsafe { stage.run(self.isa, item, input.get(), output) };
                steps.push(Step::shared(name, stage.items(), threads, work));
            }
        }
    }
}
