//! What a walk over several layouts of one shape comes down to.
//!
//! Copies and computations walk their operands together. A [`Plan`] is that walk with everything
//! taken out that makes no difference: axes of length 1, axes that continue one another on all
//! sides, and the direction in which the destination is walked.

#![forbid(unsafe_code)]

use std::ops::Range;

use crate::layout::Layout;

/// Most axes a plan has room for. More, which no program has had so far, go the general way.
pub(crate) const MAX_AXES: usize = 8;

/// One axis of a walk over `K` operands: how often, and how far each step goes, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis<const K: usize> {
    pub(crate) len: usize,
    pub(crate) strides: [isize; K],
}

impl<const K: usize> Axis<K> {
    pub(crate) const NONE: Self = Self {
        len: 1,
        strides: [0; K],
    };
}

/// `K` layouts of one shape, simplified together. Operand 0 is the destination, if there is one:
/// it is walked upwards, its longest strides outside.
#[derive(Clone, Debug)]
pub(crate) struct Plan<const K: usize> {
    /// Invariant of `Plan`: walking all axes from the starts reaches the elements of the operands at
    /// each index of the shape, each index once.
    axes: [Axis<K>; MAX_AXES],
    rank: usize,
    /// Offsets of the first elements of the walk from the first elements of the layouts.
    starts: [isize; K],
}

impl<const K: usize> Plan<K> {
    /// The walk over layouts of one shape that is not empty; `None` if it has more axes than a
    /// plan has room for.
    pub(crate) fn new<const N: usize>(layouts: [&Layout<N>; K]) -> Option<Self> {
        Self::of((0..N).map(|axis| Axis {
            len: layouts[0].shape()[axis],
            strides: layouts.map(|layout| layout.strides()[axis]),
        }))
    }

    /// The walk over these axes, of which none is empty.
    pub(crate) fn of(axes: impl IntoIterator<Item = Axis<K>>) -> Option<Self> {
        let mut plan = Self {
            axes: [Axis::NONE; MAX_AXES],
            rank: 0,
            starts: [0; K],
        };
        for mut axis in axes {
            debug_assert!(axis.len > 0, "an empty walk has no plan");
            if axis.len <= 1 {
                continue;
            }
            if axis.strides[0] < 0 {
                // Walk the destination upwards, and the others the other way instead.
                let last = axis.len.cast_signed() - 1;
                for (start, stride) in plan.starts.iter_mut().zip(&mut axis.strides) {
                    *start += last * *stride;
                    *stride = -*stride;
                }
            }
            *plan.axes.get_mut(plan.rank)? = axis;
            plan.rank += 1;
        }
        plan.sort();
        plan.merge();
        Some(plan)
    }

    /// The longest strides of the destination first; by insertion, as there are few.
    fn sort(&mut self) {
        for end in 1..self.rank {
            let mut at = end;
            while at > 0 && self.axes[at - 1].strides[0] < self.axes[at].strides[0] {
                self.axes.swap(at - 1, at);
                at -= 1;
            }
        }
    }

    /// Makes one axis of two that are contiguous in all operands.
    fn merge(&mut self) {
        let mut rank = 0;
        for next in 0..self.rank {
            let inner = self.axes[next];
            if rank > 0 {
                let outer = &mut self.axes[rank - 1];
                let steps = inner.len.cast_signed();
                let continues = |(outer, inner): (&isize, &isize)| {
                    inner.checked_mul(steps).is_some_and(|end| end == *outer)
                };
                if outer.strides.iter().zip(&inner.strides).all(continues) {
                    *outer = Axis {
                        len: outer.len * inner.len,
                        ..inner
                    };
                    continue;
                }
            }
            self.axes[rank] = inner;
            rank += 1;
        }
        self.rank = rank;
    }

    /// The axes, the longest strides of the destination first.
    #[inline]
    pub(crate) fn axes(&self) -> &[Axis<K>] {
        &self.axes[..self.rank]
    }

    /// The axis along which to divide the walk: the outermost one that is long enough for sections of
    /// one size, or else the longest, and then sections reach into each other's stretch of memory.
    pub(crate) fn dividing_axis(&self) -> Option<usize> {
        const LONG_AXIS: usize = 32; // steps
        let axes = self.axes().iter();
        let outermost = axes.clone().position(|axis| axis.len >= LONG_AXIS);
        outermost.or_else(|| {
            // The first of several.
            let longest = axes.enumerate().rev().max_by_key(|(_, axis)| axis.len);
            longest.map(|(axis, _)| axis)
        })
    }

    /// The section of the walk where it is in these places of one of its axes.
    pub(crate) fn section(&self, axis: usize, places: Range<usize>) -> Self {
        let mut section = self.clone();
        // The invariant, for these places: the axis is shorter, and starts later.
        section.axes[axis].len = places.len();
        for (start, stride) in section.starts.iter_mut().zip(self.axes[axis].strides) {
            *start += places.start.cast_signed() * stride;
        }
        section
    }

    /// How many elements the walk visits.
    #[inline]
    pub(crate) fn numel(&self) -> usize {
        self.axes().iter().map(|axis| axis.len).product()
    }

    /// Where the walk starts in operand `k`, from the first element of its layout.
    #[inline]
    pub(crate) fn start(&self, k: usize) -> isize {
        self.starts[k]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan<const N: usize>(shape: [usize; N], dst: [isize; N], src: [isize; N]) -> Plan<2> {
        let layout = |strides| Layout::new(shape, strides, 1).unwrap();
        Plan::new([&layout(dst), &layout(src)]).unwrap()
    }

    fn axis(len: usize, dst: isize, src: isize) -> Axis<2> {
        Axis {
            len,
            strides: [dst, src],
        }
    }

    #[test]
    fn contiguous_to_contiguous_is_one_stretch() {
        let plan = plan([4, 1, 5, 3], [15, 7, 3, 1], [15, 99, 3, 1]);
        assert_eq!(plan.axes(), [axis(60, 1, 1)]);
    }

    #[test]
    fn a_crop_is_rows() {
        let plan = plan([4, 5, 3], [15, 3, 1], [300, 3, 1]);
        assert_eq!(plan.axes(), [axis(4, 15, 300), axis(15, 1, 1)]);
    }

    #[test]
    fn planes_of_interleaved_pixels_walk_the_planes() {
        let plan = plan([3, 4, 5], [20, 5, 1], [1, 15, 3]);
        assert_eq!(plan.axes(), [axis(3, 20, 1), axis(20, 1, 3)]);
    }

    #[test]
    fn both_sides_flipped_is_neither() {
        let plan = plan([4, 5], [-5, -1], [-5, -1]);
        assert_eq!(plan.axes(), [axis(20, 1, 1)]);
        assert_eq!((plan.start(0), plan.start(1)), (-19, -19));
    }

    #[test]
    fn a_flipped_source_stays_flipped() {
        let plan = plan([4, 5, 3], [15, 3, 1], [15, -3, 1]);
        assert_eq!(
            plan.axes(),
            [axis(4, 15, 15), axis(5, 3, -3), axis(3, 1, 1)]
        );
        assert_eq!(plan.start(1), 0);
    }

    #[test]
    fn what_is_repeated_is_not_merged_with_what_is_not() {
        let plan = plan([4, 3], [3, 1], [0, 1]);
        assert_eq!(plan.axes(), [axis(4, 3, 0), axis(3, 1, 1)]);
    }

    #[test]
    fn sections_are_taken_from_the_outermost_axis_that_is_long() {
        let crop = plan([40, 50, 3], [150, 3, 1], [3000, 3, 1]);
        assert_eq!(crop.dividing_axis(), Some(0));
        let planes = plan([3, 40, 50], [2000, 50, 1], [1, 150, 3]);
        assert_eq!(planes.dividing_axis(), Some(1));
        let section = planes.section(1, 64..128);
        assert_eq!(section.axes(), [axis(3, 2000, 1), axis(64, 1, 3)]);
        assert_eq!(
            (section.start(0), section.start(1), section.numel()),
            (64, 192, 192)
        );
        assert_eq!(
            plan([3, 4, 4], [16, 4, 1], [1, 3, 12]).dividing_axis(),
            Some(1)
        );
        assert_eq!(plan([1], [1], [1]).dividing_axis(), None);
    }

    #[test]
    fn one_element_has_no_axes() {
        assert_eq!(plan([1, 1], [5, 7], [0, -3]).axes(), []);
    }

    #[test]
    fn more_axes_than_there_is_room_for_are_refused() {
        let strides = std::array::from_fn(|axis| 1 << (2 * (8 - axis)));
        let layout = Layout::new([2; 9], strides, 1).unwrap();
        assert!(Plan::new([&layout]).is_none());
    }
}
