mod together;

use crate::Error;
use crate::element::Element;
use crate::head::{self, Order};
use crate::memory::{Buffer, Input};
use crate::plan::Plan;
use crate::simd::{Isa, LANES, values_mut};
use crate::stages::{Scratch, Stage, unblock};
use crate::team::{self, Step};
use alexnet_spec::Network;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The most images whose features are held at once: enough for the classifier's weights to be read rarely, and a bound on
/// memory.
const CHUNK: usize = 64;

/// How an [`Engine`] computes.
#[derive(Clone, Debug)]
pub struct Options {
    /// The instructions to use: the processor's best. Where it lacks them, plain Rust takes their place.
    pub isa: Isa,
    /// What may be given up for speed: nothing, unless asked for.
    pub precision: Precision,
}

impl Default for Options {
    fn default() -> Options {
        Options { isa: Isa::best(), precision: Precision::Exact }
    }
}

/// What may be given up for speed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Precision {
    /// Nothing: every product is computed, and rounding is that of `f32`.
    #[default]
    Exact,
    /// A bit or two: convolutions of 3 x 3 and 5 x 5 at stride 1 take between a third and a fifth of the multiplications where
    /// that is faster (Winograd's algorithm). NaN and infinity reach all outputs of a tile of 5 x 5 or 3 x 3 when they reach
    /// one. It needs memory for weights of five times their size, and for eight images.
    ///
    /// Errors against sums in `f64`, over the outputs' root mean square, as `cargo run --release -p alexnet-cpu --example
    /// precision -- torchvision` prints them beside each layer's time (AVX-512):
    ///
    /// | torchvision | Exact: rms | largest | Fast: rms | largest |
    /// |---|---|---|---|---|
    /// | conv1 | 3.4e-7 | 3.7e-6 | 3.4e-7 | 3.7e-6 |
    /// | conv2 | 7.1e-7 | 6.8e-6 | 9.8e-7 | 1.5e-5 |
    /// | conv3 | 6.3e-7 | 5.5e-6 | 7.9e-7 | 1.2e-5 |
    /// | conv4 | 7.4e-7 | 7.2e-6 | 1.1e-6 | 2.3e-5 |
    /// | conv5 | 6.3e-7 | 7.1e-6 | 1.0e-6 | 1.4e-5 |
    ///
    /// After all of them, features of the two differ by 2.2e-6 (rms) and at most 2.1e-5.
    Fast,
    /// Seven bits and a sign for the fully connected layers' weights, with a scale for each output, in a copy that the engine
    /// makes: a quarter of the memory that one image's time goes for. Everything else is as in [`Precision::Exact`], so that
    /// with weights in `bf16` the convolutions are multiplied in that.
    ///
    /// Differences of logits from those in `f32`, over their root mean square, as `cargo run --release -p alexnet-cpu
    /// --example bits -- torchvision` prints them; weights are random, and images noise:
    ///
    /// | torchvision | rms | largest |
    /// |---|---|---|
    /// | bf16 | 3.3e-3 | 1.4e-2 |
    /// | f32, int8 | 3.2e-3 | 1.3e-2 |
    /// | bf16, int8 | 4.6e-3 | 2.1e-2 |
    Int8,
}

/// A network, ready to run.
///
/// It holds what the stages before the classifier need, and buffers for as many images as there are threads. The classifier's
/// matrices, nearly all of the weights, stay the caller's. Forward passes may run at the same time; each has buffers of its
/// own.
#[derive(Debug)]
pub struct Engine<E: Element = f32> {
    plan: Plan<E>,
    isa: Isa,
    /// Values of an image, features of an image, and outputs.
    image: usize,
    features: usize,
    outputs: usize,
    /// Buffers of forward passes that are over.
    idle: Mutex<Vec<Workspace<E>>>,
}

/// What a forward pass writes to.
struct Workspace<E: Element> {
    /// For each thread, or each image of a group, the output of each stage.
    images: Vec<Vec<Buffer<E>>>,
    /// The features of a chunk, image by image and in blocks of images, and the output of each layer of the classifier.
    features: Option<Features<E>>,
    /// What stages of several images need besides.
    scratch: Scratch,
}

struct Features<E: Element> {
    images: usize,
    plain: Buffer<E::Group>,
    packed: Buffer<E::Group>,
    layers: Vec<Buffer<E::Group>>,
}

impl<E: Element> Default for Workspace<E> {
    fn default() -> Workspace<E> {
        Workspace { images: Vec::new(), features: None, scratch: Scratch::default() }
    }
}

impl<E: Element> std::fmt::Debug for Workspace<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "buffers for {} threads", self.images.len())
    }
}

impl<E: Element> Engine<E> {
    /// The engine for `network` on this processor, exact, with parameters by canonical name (`conv1.weight` in `[out, in / groups,
    /// height, width]`, `conv1.bias`, ...) from `parameters`, which is asked once for each but the
    /// [`matrices`](Engine::matrices).
    ///
    /// Errs on a network that doesn't hold together or has a layer that the engine lacks, on parameters of another size
    /// than the network's, and with whatever `parameters` returns.
    pub fn new(network: &Network, parameters: impl FnMut(&str) -> Result<Vec<E>, Error>) -> Result<Engine<E>, Error> {
        Engine::with_options(network, &Options::default(), parameters)
    }

    /// [`Engine::new`] with other kernels or arithmetic.
    pub fn with_options(
        network: &Network,
        options: &Options,
        mut parameters: impl FnMut(&str) -> Result<Vec<E>, Error>,
    ) -> Result<Engine<E>, Error> {
        let isa = if options.isa.is_available() { options.isa } else { Isa::Portable };
        let sizes: std::collections::HashMap<_, _> =
            network.parameters()?.into_iter().map(|parameter| (parameter.name.clone(), parameter.elements())).collect();
        let mut checked = |name: &str| {
            let needed = sizes.get(name).copied().unwrap_or_default();
            let values = parameters(name)?;
            match values.len() {
                found if found == needed => Ok(values),
                found => Err(Error::Parameter { name: name.into(), found, needed }),
            }
        };
        let plan = Plan::new(network, isa, options.precision, &mut checked)?;
        let input = &network.input;
        let features = plan.features.channels * plan.features.height * plan.features.width;
        Ok(Engine {
            isa,
            image: input.channels * input.height * input.width,
            features,
            outputs: plan.layers.last().map_or(features, |(_, layer)| layer.outputs()),
            plan,
            idle: Mutex::default(),
        })
    }

    /// The names of the fully connected layers' weights, in the order in which [`forward`](Engine::forward) wants them; none
    /// with [`Precision::Int8`].
    pub fn matrices(&self) -> &[String] {
        &self.plan.matrices
    }

    /// How many values the network computes for an image: logits, or features where it has no classifier.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Computes `outputs` `[N, classes]` of `images` `[N, channels, height, width]`, which are normalised as the network's
    /// input contract says, on the threads of rayon's pool. `matrices` are the fully connected layers' weights, `[out, in]`
    /// each, in the order of [`Engine::matrices`].
    ///
    /// Errs where the lengths don't go together.
    pub fn forward(&self, images: &[E], matrices: &[&[E]], outputs: &mut [E]) -> Result<(), Error> {
        self.run(images, matrices, outputs, None)
    }

    /// [`Engine::forward`], and the time that each of its steps took, in the order of the layers. Threads wait for each other
    /// after every step, and share each image, which for several images takes longer than their own way.
    pub fn profile(
        &self,
        images: &[E],
        matrices: &[&[E]],
        outputs: &mut [E],
    ) -> Result<Vec<(String, Duration)>, Error> {
        let mut times = Vec::new();
        self.run(images, matrices, outputs, Some(&mut times))?;
        Ok(times)
    }

    fn run(
        &self,
        images: &[E],
        matrices: &[&[E]],
        outputs: &mut [E],
        mut times: Option<&mut Vec<(String, Duration)>>,
    ) -> Result<(), Error> {
        let count = outputs.len() / self.outputs.max(1);
        let length = |what, found, needed| match found {
            found if found == needed => Ok(()),
            found => Err(Error::Length { what, found, needed }),
        };
        length("the output", outputs.len(), count * self.outputs)?;
        length("the batch of images", images.len(), count * self.image)?;
        length("the list of matrices", matrices.len(), self.plan.matrices.len())?;
        for (matrix, needed) in matrices.iter().zip(&self.plan.matrix_elements) {
            length("a matrix", matrix.len(), *needed)?;
        }
        if count == 0 {
            return Ok(());
        }
        let mut workspace = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let threads = rayon::current_num_threads();
        for (images, outputs) in images.chunks(CHUNK * self.image).zip(outputs.chunks_mut(CHUNK * self.outputs)) {
            let count = outputs.len() / self.outputs;
            // Threads take whole images as long as there is one for each; the rest they do together.
            let alone = if times.is_some() { 0 } else { count / threads * threads };
            match self.plan.wants_groups() {
                false => self.reserve(&mut workspace, count, if alone > 0 { threads } else { 1 }),
                true => self.reserve_together(&mut workspace, count, threads),
            }
            let steps = self.steps(images, matrices, (count, alone), threads, &workspace);
            let Some(features) = &workspace.features else { continue };
            match &mut times {
                None => team::run(threads, &steps),
                Some(times) => {
                    for (step, time) in steps.iter().zip(team::time(threads, &steps)) {
                        match times.iter_mut().find(|(name, _)| name == step.name) {
                            Some((_, sum)) => *sum += time,
                            None => times.push((step.name.into(), time)),
                        }
                    }
                }
            }
            drop(steps);
            let (order, last) = match features.layers.last() {
                Some(last) => (Order::of(count), last),
                None => (Order::Images, &features.plain),
            };
            // SAFETY: all steps are done.
            head::collect::<E>(order, count, self.outputs, unsafe { last.read() }, outputs);
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
        Ok(())
    }

    /// The steps for `count` images, of which the first `alone` are taken by one thread each.
    fn steps<'a>(
        &'a self,
        images: &'a [E],
        matrices: &'a [&'a [E]],
        (count, alone): (usize, usize),
        threads: usize,
        workspace: &'a Workspace<E>,
    ) -> Vec<Step<'a>> {
        let Some(features) = &workspace.features else { return Vec::new() };
        let image = move |index: usize| &images[index * self.image..(index + 1) * self.image];
        let collect = move |index: usize, buffers: &[Buffer<E>]| {
            let stride = self.features.div_ceil(LANES * E::GROUP);
            // SAFETY: the last stage's buffer is complete, and each image has its own part of the features.
            let (map, to) = unsafe {
                (buffers.last().map(|buffer| buffer.read()), features.plain.part(index * stride..(index + 1) * stride))
            };
            unblock(&self.plan.features, map.unwrap_or_default(), E::flat_mut(values_mut(to)));
        };
        let mut steps = match self.plan.wants_groups() {
            false => self.apart((count, alone), threads, image, collect, &workspace.images),
            true => self.together((count, alone), threads, image, collect, workspace),
        };
        let buffers = ([&features.plain, &features.packed], &features.layers[..]);
        steps.extend(head::steps(&self.plan.layers, count, (self.isa, threads), matrices, buffers, self.features));
        steps
    }

    /// The steps that take `count` images to their features, of which the first `alone` are taken by one thread each.
    /// `collect` brings those away from the last stage's buffer.
    fn apart<'a>(
        &'a self,
        (count, alone): (usize, usize),
        threads: usize,
        image: impl Fn(usize) -> &'a [E] + Copy + Sync + 'a,
        collect: impl Fn(usize, &[Buffer<E>]) + Copy + Sync + 'a,
        buffers: &'a [Vec<Buffer<E>>],
    ) -> Vec<Step<'a>> {
        let mut steps = Vec::new();
        if alone > 0 {
            steps.push(Step::each("images", alone, move |member, index| {
                for ((_, stage), (input, output)) in self.chain(image(index), &buffers[member]) {
                    // SAFETY: no other member uses these buffers. The output has the stage's length, see `reserve`.
                    (0..stage.items()).for_each(|item| unsafe { stage.run(self.isa, item, input.get(), output) });
                }
                collect(index, &buffers[member]);
            }));
        }
        for index in alone..count {
            for ((name, stage), (input, output)) in self.chain(image(index), &buffers[0]) {
                // SAFETY: each item is taken by one member, and only this step, which ends before the next one starts,
                // works on the output.
                let work = move |_, item| unsafe { stage.run(self.isa, item, input.get(), output) };
                steps.push(Step::shared(name, stage.items(), threads, work));
            }
            steps.push(Step::each("flatten", 1, move |_, _| collect(index, &buffers[0])));
        }
        steps
    }

    /// Each stage with its input and output.
    fn chain<'a>(
        &'a self,
        image: &'a [E],
        buffers: &'a [Buffer<E>],
    ) -> impl Iterator<Item = (Named<'a, E>, (Source<'a, E>, &'a Buffer<E>))> {
        let inputs = std::iter::once(Source::Image(image)).chain(buffers.iter().map(Source::Buffer));
        self.plan.stages.iter().map(|(name, stage)| (name.as_str(), &**stage)).zip(inputs.zip(buffers))
    }

    /// Makes `workspace` large enough for `images` images and `threads` threads.
    fn reserve(&self, workspace: &mut Workspace<E>, images: usize, threads: usize) {
        while workspace.images.len() < threads {
            let buffers = self.plan.stages.iter().map(|(_, stage)| Buffer::zeros(stage.length())).collect();
            workspace.images.push(buffers);
        }
        if workspace.features.as_ref().is_some_and(|features| features.images >= images) {
            return;
        }
        let both = |features| {
            let orders = [Order::Images, Order::Blocks];
            Buffer::zeros(orders.map(|order| order.length::<E>(images, features)).into_iter().max().unwrap_or_default())
        };
        workspace.features = Some(Features {
            images,
            plain: both(self.features),
            packed: both(self.features),
            layers: self.plan.layers.iter().map(|(_, layer)| both(layer.outputs())).collect(),
        });
    }
}

/// A stage and the layers that it computes.
type Named<'a, E> = (&'a str, &'a dyn Stage<E>);

/// Where a stage reads.
#[derive(Clone, Copy)]
enum Source<'a, E: Element> {
    Image(&'a [E]),
    Buffer(&'a Buffer<E>),
}

impl<'a, E: Element> Source<'a, E> {
    /// # Safety
    ///
    /// As long as the result lives, nobody writes to the buffer.
    unsafe fn get(self) -> Input<'a, E> {
        match self {
            Source::Image(values) => Input::Values(values),
            // SAFETY: the caller's word.
            Source::Buffer(buffer) => Input::Lanes(unsafe { buffer.read() }),
        }
    }
}
