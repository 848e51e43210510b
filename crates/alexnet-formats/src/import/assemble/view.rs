//! Which channels of the merged network's current layer a node of the file reads.

use alexnet_spec::{Shape, Transform};
use std::ops::Range;

/// What a node's value is in the merged network: stretches of the channels, or features, of one stage.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    /// How many merged layers come before it.
    pub stage: usize,
    /// The stretches in the node's own order; neighbours that follow each other are one.
    pub stretches: Vec<Range<usize>>,
    /// What the value still has to be multiplied by.
    pub factor: f64,
    /// Height and width of the map, where the features follow each other row, column, channel.
    pub hwc: Option<(usize, usize)>,
}

impl View {
    /// All of a stage.
    pub fn whole(stage: usize, shape: Shape) -> View {
        View { stage, stretches: vec![0..channels(shape)], factor: 1.0, hwc: None }
    }

    /// Several views, one after the other; `None` where they can't be one.
    pub fn concat<'a>(views: impl IntoIterator<Item = &'a View>) -> Option<View> {
        let mut views = views.into_iter().cloned();
        let first = views.next()?;
        views.try_fold(first, |mut joined, view| {
            let alike = joined.stage == view.stage && joined.factor == view.factor;
            // Features in the order row, column, channel of two maps are not those of both together.
            if !alike || joined.hwc.is_some() || view.hwc.is_some() {
                return None;
            }
            for stretch in view.stretches {
                joined.push(stretch);
            }
            Some(joined)
        })
    }

    /// The channels from `start` up to `end`; `None` where there aren't so many.
    pub fn slice(&self, start: usize, end: usize) -> Option<View> {
        let mut sliced = View { stretches: Vec::new(), ..self.clone() };
        let mut at = 0usize;
        for stretch in &self.stretches {
            let next = at.checked_add(stretch.len())?;
            let (from, to) = (start.clamp(at, next), end.clamp(at, next));
            if from < to {
                let shift = |position: usize| stretch.start.checked_add(position.checked_sub(at)?);
                sliced.push(shift(from)?..shift(to)?);
            }
            at = next;
        }
        (start < end && end <= at && self.hwc.is_none()).then_some(sliced)
    }

    fn push(&mut self, stretch: Range<usize>) {
        match self.stretches.last_mut() {
            Some(last) if last.end == stretch.start => last.end = stretch.end,
            _ => self.stretches.push(stretch),
        }
    }

    /// Whether it is all `count` channels in their own order.
    pub fn is_whole(&self, count: usize) -> bool {
        self.stretches == [0..count]
    }

    /// Whether it has each of `count` channels once, in any order.
    pub fn covers(&self, count: usize) -> bool {
        cover([self], count)
    }

    /// The only stretch.
    pub fn single(&self) -> Option<&Range<usize>> {
        match self.stretches.as_slice() {
            [stretch] => Some(stretch),
            _ => None,
        }
    }

    /// What brings an axis that follows this view's order into the order of all channels.
    pub fn sort(&self, axis: usize) -> Option<Transform> {
        let mut at = 0usize;
        let mut placed = Vec::with_capacity(self.stretches.len());
        for stretch in &self.stretches {
            let end = at.checked_add(stretch.len())?;
            placed.push((stretch.start, [at, end]));
            at = end;
        }
        placed.sort_unstable();
        Some(Transform::Reorder { axis, stretches: placed.into_iter().map(|(_, stretch)| stretch).collect() })
    }
}

/// Whether views have each of `count` channels exactly once, all together.
pub(super) fn cover<'a>(views: impl IntoIterator<Item = &'a View>, count: usize) -> bool {
    let mut stretches: Vec<&Range<usize>> = views.into_iter().flat_map(|view| &view.stretches).collect();
    stretches.sort_by_key(|stretch| stretch.start);
    let end = stretches.into_iter().try_fold(0, |at, stretch| (stretch.start == at).then_some(stretch.end));
    end == Some(count)
}

/// Channels of a map, features of a vector.
pub(super) fn channels(shape: Shape) -> usize {
    match shape {
        Shape::Map { channels, .. } => channels,
        Shape::Vector(features) => features,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(stretches: &[Range<usize>]) -> View {
        View { stage: 1, stretches: stretches.to_vec(), factor: 1.0, hwc: None }
    }

    #[test]
    fn towers_in_their_order_are_the_whole() {
        let joined = View::concat([&of(&[0..48]), &of(&[48..96])]).unwrap();
        assert!(joined.is_whole(96) && joined.covers(96));
        let reversed = View::concat([&of(&[48..96]), &of(&[0..48])]).unwrap();
        assert!(!reversed.is_whole(96) && reversed.covers(96));
        assert!(!View::concat([&of(&[0..48]), &of(&[0..48])]).unwrap().covers(96));
    }

    #[test]
    fn a_slice_of_reversed_towers_is_of_the_right_tower() {
        let reversed = of(&[48..96, 0..48]);
        assert_eq!(reversed.slice(0, 48).unwrap().stretches, [48..96]);
        assert_eq!(reversed.slice(40, 60).unwrap().stretches, [88..96, 0..12]);
        assert_eq!(reversed.slice(40, 97), None);
    }

    #[test]
    fn columns_of_reversed_towers_are_brought_into_order() {
        let sort = of(&[2..3, 0..2]).sort(1).unwrap();
        let matrix = alexnet_spec::Tensor::from_f32(vec![1, 3], &[30.0, 10.0, 20.0]).unwrap();
        assert_eq!(sort.apply(&[matrix]).unwrap().to_f32().unwrap(), [10.0, 20.0, 30.0]);
    }
}
