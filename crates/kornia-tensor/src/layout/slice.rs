//! What stands between the brackets: indices, ranges, steps, and tuples of them.
//!
//! [`SliceSpec`] is what `slice` takes. Everything here is resolved against the shape with
//! an error for what does not fit; nothing is clamped and nothing negative counts from
//! the end. The traits are sealed, because the views move pointers by what they answer.

use std::ops::{
    Bound, Range, RangeBounds, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive,
};

use crate::error::TensorError;
use crate::layout::Layout;
use crate::layout::rank::{Nat, Succ};

/// An index counted from the end of its axis: `FromEnd(1)` is the last one.
///
/// As the bound of a range it counts the same way: `..FromEnd(1)` is all but the last
/// element, `FromEnd(3)..` the last three, `FromEnd(0)` the end itself. Both bounds of a
/// Rust range have one type, so `1..FromEnd(1)` cannot be written; `1..len - 1` can.
///
/// ```
/// use kornia_tensor::{FromEnd, Layout};
///
/// let image = Layout::contiguous([480, 640, 3], 1)?;
/// let (last_row, offset) = image.slice((FromEnd(1), .., ..))?;
/// assert_eq!((last_row.shape(), offset), (&[640, 3], 479 * 1920));
///
/// let (corner, _) = image.slice((FromEnd(10).., ..FromEnd(600), ..))?;
/// assert_eq!(corner.shape(), &[10, 40, 3]);
/// # Ok::<(), kornia_tensor::TensorError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FromEnd(pub usize);

/// Every `step`-th index of a range; made by [`step`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<R> {
    range: R,
    step: usize,
}

/// Every `step`-th index of a range, beginning with its first.
///
/// O(1); the axis gets length `ceil(len / step)`. A step of 0 is reported by the method
/// that gets it, as [`TensorError::ZeroLength`].
///
/// ```
/// use kornia_tensor::{Layout, step};
///
/// let row = Layout::contiguous([5], 1)?;
/// let (even, _) = row.slice((step(.., 2),))?;
/// assert_eq!((even.shape(), even.strides()), (&[3], &[2]));
/// # Ok::<(), kornia_tensor::TensorError>(())
/// ```
#[inline]
pub fn step<R: SliceRange>(range: R, step: usize) -> Step<R> {
    Step { range, step }
}

/// Cuts a box to an image: each range to its axis, the first `K` axes of `shape`.
///
/// O(1). Detectors give boxes that stick out of the image, and slicing refuses those; this
/// is where they are cut. A box that lies outside, or ends before it starts, becomes an
/// empty range inside the axis, so the result can always be sliced by. `K > N` does not
/// compile.
///
/// ```
/// use kornia_tensor::{Layout, clip_box};
///
/// let image = Layout::contiguous([480, 640, 3], 1)?;
/// let [rows, columns] = clip_box([-20..50, 600..700], image.shape());
/// assert_eq!((&rows, &columns), (&(0..50), &(600..640)));
///
/// let (face, _) = image.slice((rows, columns, ..))?;
/// assert_eq!(face.shape(), &[50, 40, 3]);
/// # Ok::<(), kornia_tensor::TensorError>(())
/// ```
///
/// ```compile_fail
/// # use kornia_tensor::clip_box;
/// let _ = clip_box([0..1, 0..1, 0..1], &[480, 640]); // three ranges, two axes
/// ```
#[inline]
pub fn clip_box<const K: usize, const N: usize>(
    bounds: [Range<i64>; K],
    shape: &[usize; N],
) -> [Range<usize>; K] {
    const { assert!(K <= N, "a box has no more ranges than the shape has axes") };
    let clip = |bound: i64, size| usize::try_from(bound.max(0)).map_or(size, |b| b.min(size));
    let mut axis = 0;
    bounds.map(|bound| {
        let size = shape[axis];
        axis += 1;
        let start = clip(bound.start, size);
        start..clip(bound.end, size).max(start)
    })
}

mod sealed {
    use super::{Layout, TensorError};

    /// What a range or an index leaves of one axis of length `size`.
    ///
    /// `start + (len - 1) * step < size` if `len > 0`, and `start <= size` in any case.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Cut {
        pub start: usize,
        pub len: usize,
        /// At least 1, and 1 if `len <= 1`.
        pub step: usize,
    }

    impl Cut {
        /// The stride that walks the cut, given the stride of its axis.
        ///
        /// With two elements or more L2 of the axis bounds it; with fewer the step is 1.
        #[inline]
        pub fn stride(&self, of_axis: isize) -> isize {
            of_axis * self.step as isize
        }
    }

    pub trait Index: Copy {
        /// The bound of a range, which may lie past the end of the axis.
        fn bound(self, axis: usize, size: usize) -> Result<usize, TensorError>;
    }

    pub trait Range {
        fn resolve(self, axis: usize, size: usize) -> Result<Cut, TensorError>;
    }

    pub trait Item {
        /// Whether the axis stays.
        const KEEPS: bool;

        fn cut(self, axis: usize, size: usize) -> Result<Cut, TensorError>;
    }

    pub trait Spec<const N: usize, const M: usize> {
        fn cut(self, layout: &Layout<N>) -> Result<(Layout<M>, isize), TensorError>;
    }
}

use sealed::Cut;

/// A position along an axis: `usize`, a non-negative `i32`, or [`FromEnd`].
///
/// `i32` is there for integer literals and is an error where it is negative. Sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an index into a tensor",
    label = "not an index",
    note = "an index is a `usize`, a non-negative `i32`, or `FromEnd(1)` for the last; \
            convert other integers with `as usize`"
)]
pub trait SliceIndex: sealed::Index {}

impl SliceIndex for usize {}
impl SliceIndex for i32 {}
impl SliceIndex for FromEnd {}

impl sealed::Index for usize {
    #[inline]
    fn bound(self, _axis: usize, _size: usize) -> Result<usize, TensorError> {
        Ok(self)
    }
}

impl sealed::Index for i32 {
    #[inline]
    fn bound(self, axis: usize, _size: usize) -> Result<usize, TensorError> {
        usize::try_from(self).map_err(|_| TensorError::NegativeIndex {
            axis,
            index: i64::from(self),
        })
    }
}

impl sealed::Index for FromEnd {
    #[inline]
    fn bound(self, axis: usize, size: usize) -> Result<usize, TensorError> {
        // Before the start there is no position to report, so the error has the number
        // that was given.
        size.checked_sub(self.0)
            .ok_or(TensorError::IndexOutsideAxis {
                axis,
                index: self.0,
                size,
            })
    }
}

/// A range along an axis: any of Rust's ranges over a [`SliceIndex`], or a [`step`].
///
/// Must lie inside the axis and may be empty. Sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a range of a tensor's axis",
    label = "not a range",
    note = "a range is `..`, `a..b`, `a..=b`, `a..`, `..b`, `..=b` or `step(range, n)`, with \
            bounds that are `usize`, non-negative `i32` or `FromEnd`"
)]
pub trait SliceRange: sealed::Range {}

/// A range with these bounds, checked.
#[inline]
fn within<I: SliceIndex>(
    range: impl RangeBounds<I>,
    axis: usize,
    size: usize,
) -> Result<Cut, TensorError> {
    let start = match range.start_bound() {
        Bound::Unbounded => 0,
        Bound::Included(index) => index.bound(axis, size)?,
        // No range of the standard library starts like this.
        Bound::Excluded(index) => index.bound(axis, size)?.saturating_add(1),
    };
    let end = match range.end_bound() {
        Bound::Unbounded => size,
        Bound::Excluded(index) => index.bound(axis, size)?,
        // Saturating is exact: no axis is as long as `usize::MAX`, by L1.
        Bound::Included(index) => index.bound(axis, size)?.saturating_add(1),
    };
    if start <= end && end <= size {
        Ok(Cut {
            start,
            len: end - start,
            step: 1,
        })
    } else {
        Err(TensorError::RangeOutOfBounds {
            axis,
            start,
            end,
            size,
        })
    }
}

impl<I: SliceIndex> SliceRange for Range<I> {}
impl<I: SliceIndex> SliceRange for RangeInclusive<I> {}
impl<I: SliceIndex> SliceRange for RangeFrom<I> {}
impl<I: SliceIndex> SliceRange for RangeTo<I> {}
impl<I: SliceIndex> SliceRange for RangeToInclusive<I> {}
impl SliceRange for RangeFull {}
impl<R: SliceRange> SliceRange for Step<R> {}

impl<I: SliceIndex> sealed::Range for Range<I> {
    #[inline]
    fn resolve(self, axis: usize, size: usize) -> Result<Cut, TensorError> {
        within(self, axis, size)
    }
}

impl<I: SliceIndex> sealed::Range for RangeInclusive<I> {
    #[inline]
    fn resolve(self, axis: usize, size: usize) -> Result<Cut, TensorError> {
        within(self, axis, size)
    }
}

impl<I: SliceIndex> sealed::Range for RangeFrom<I> {
    #[inline]
    fn resolve(self, axis: usize, size: usize) -> Result<Cut, TensorError> {
        within(self, axis, size)
    }
}

impl<I: SliceIndex> sealed::Range for RangeTo<I> {
    #[inline]
    fn resolve(self, axis: usize, size: usize) -> Result<Cut, TensorError> {
        within(self, axis, size)
    }
}

impl<I: SliceIndex> sealed::Range for RangeToInclusive<I> {
    #[inline]
    fn resolve(self, axis: usize, size: usize) -> Result<Cut, TensorError> {
        within(self, axis, size)
    }
}

impl sealed::Range for RangeFull {
    #[inline]
    fn resolve(self, _axis: usize, size: usize) -> Result<Cut, TensorError> {
        Ok(Cut {
            start: 0,
            len: size,
            step: 1,
        })
    }
}

impl<R: SliceRange> sealed::Range for Step<R> {
    #[inline]
    fn resolve(self, axis: usize, size: usize) -> Result<Cut, TensorError> {
        if self.step == 0 {
            return Err(TensorError::ZeroLength { axis });
        }
        let cut = self.range.resolve(axis, size)?;
        let len = cut.len.div_ceil(self.step);
        // With two elements or more the step stays inside the axis and cannot overflow.
        let step = if len > 1 { cut.step * self.step } else { 1 };
        Ok(Cut { len, step, ..cut })
    }
}

/// What may stand for one axis in a slice: an index, which drops the axis, or a range,
/// which keeps it. Sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot slice an axis of a tensor",
    label = "neither an index nor a range",
    note = "an index is a `usize`, a non-negative `i32` or `FromEnd(1)`, and drops its axis",
    note = "a range is `..`, `a..b`, `a..=b`, `a..`, `..b`, `..=b` or `step(range, n)`, and \
            keeps it"
)]
pub trait SliceItem: sealed::Item {
    /// The rank of the result, given what the axes after this one make.
    type Out<R: Succ>: Succ;
}

impl<I: SliceRange> sealed::Item for I {
    const KEEPS: bool = true;

    #[inline]
    fn cut(self, axis: usize, size: usize) -> Result<Cut, TensorError> {
        self.resolve(axis, size)
    }
}

/// One position, checked.
#[inline]
fn at(index: impl SliceIndex, axis: usize, size: usize) -> Result<Cut, TensorError> {
    let start = index.bound(axis, size)?;
    if start < size {
        Ok(Cut {
            start,
            len: 1,
            step: 1,
        })
    } else {
        Err(TensorError::IndexOutsideAxis {
            axis,
            index: start,
            size,
        })
    }
}

impl sealed::Item for usize {
    const KEEPS: bool = false;

    #[inline]
    fn cut(self, axis: usize, size: usize) -> Result<Cut, TensorError> {
        at(self, axis, size)
    }
}

impl sealed::Item for i32 {
    const KEEPS: bool = false;

    #[inline]
    fn cut(self, axis: usize, size: usize) -> Result<Cut, TensorError> {
        at(self, axis, size)
    }
}

impl sealed::Item for FromEnd {
    const KEEPS: bool = false;

    #[inline]
    fn cut(self, axis: usize, size: usize) -> Result<Cut, TensorError> {
        at(self, axis, size)
    }
}

// One line per type rather than one for all ranges, so that the compiler's message about
// anything else is the one above.
#[rustfmt::skip]
mod items {
    use super::{FromEnd, SliceIndex, SliceItem, SliceRange, Step, Succ};
    use super::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

    impl SliceItem for usize { type Out<R: Succ> = R; }
    impl SliceItem for i32 { type Out<R: Succ> = R; }
    impl SliceItem for FromEnd { type Out<R: Succ> = R; }
    impl<I: SliceIndex> SliceItem for Range<I> { type Out<R: Succ> = R::Next; }
    impl<I: SliceIndex> SliceItem for RangeInclusive<I> { type Out<R: Succ> = R::Next; }
    impl<I: SliceIndex> SliceItem for RangeFrom<I> { type Out<R: Succ> = R::Next; }
    impl<I: SliceIndex> SliceItem for RangeTo<I> { type Out<R: Succ> = R::Next; }
    impl<I: SliceIndex> SliceItem for RangeToInclusive<I> { type Out<R: Succ> = R::Next; }
    impl SliceItem for RangeFull { type Out<R: Succ> = R::Next; }
    impl<S: SliceRange> SliceItem for Step<S> { type Out<R: Succ> = R::Next; }
}

/// What `slice` takes for `N` axes to leave `M` of them: a tuple with one item per
/// axis, or an array with one [`SliceRange`] per axis.
///
/// The compiler infers `M`: each index in a tuple drops its axis. Sealed; implemented for
/// tuples of up to 8 items.
///
/// | written | means |
/// |---|---|
/// | `(10..20, 5.., ..)` | rows 10 to 19, columns from 5, all channels |
/// | `(.., .., 2)` | channel 2, as a tensor with one axis less |
/// | `(FromEnd(1), .., ..)` | the last row |
/// | `(step(.., 2), step(.., 2), ..)` | every other pixel |
/// | `[0..64, 0..64, 0..3]` | a block; an array keeps every axis |
/// | `(i,)` | one element of a vector |
///
/// ```
/// use kornia_tensor::Layout;
///
/// let image = Layout::contiguous([480, 640, 3], 1)?;
/// assert_eq!(image.slice((10..20, 5.., ..))?.0.shape(), &[10, 635, 3]);
/// assert_eq!(image.slice((.., .., 2))?.0.shape(), &[480, 640]);
/// assert_eq!(image.slice([0..64, 0..64, 0..3])?.0.shape(), &[64, 64, 3]);
/// assert_eq!(
///     image.slice((.., 600..700, ..)).unwrap_err().to_string(),
///     "range 600..700 is out of bounds for axis 1 with size 640; `clip_box` cuts a box to a shape"
/// );
/// # Ok::<(), kornia_tensor::TensorError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not slice a tensor of rank {N}",
    label = "needs one index or range for each of the {N} axes",
    note = "write a tuple such as `(10..20, .., 2)` or an array of ranges such as \
            `[0..64, 0..64]`; an axis that stays whole is `..`, and a single axis `(1..3,)`"
)]
pub trait SliceSpec<const N: usize, const M: usize>: sealed::Spec<N, M> {}

/// A slice in the making: the axes that stay, and how far the first element has moved.
struct Kept<const M: usize> {
    shape: [usize; M],
    strides: [isize; M],
    /// Number of axes looked at so far.
    seen: usize,
    /// Number of axes that stayed, the filled part of `shape` and `strides`.
    rank: usize,
    offset: isize,
}

impl<const M: usize> Kept<M> {
    #[inline]
    fn new() -> Self {
        Self {
            shape: [0; M],
            strides: [0; M],
            seen: 0,
            rank: 0,
            offset: 0,
        }
    }

    #[inline(always)]
    fn push<I: sealed::Item, const N: usize>(
        &mut self,
        item: I,
        layout: &Layout<N>,
    ) -> Result<(), TensorError> {
        let axis = self.seen;
        self.seen += 1;
        let stride = layout.strides()[axis];
        let cut = item.cut(axis, layout.shape()[axis])?;
        if I::KEEPS {
            self.shape[self.rank] = cut.len;
            self.strides[self.rank] = cut.stride(stride);
            self.rank += 1;
        }
        // Wraps only where a range is empty, and then the offset is not used.
        self.offset = self
            .offset
            .wrapping_add((cut.start as isize).wrapping_mul(stride));
        Ok(())
    }

    /// L1, L2: every axis is at most as long and reaches at most as far as it did, and an
    /// axis that was dropped had an index, so it was not what made the layout empty.
    #[inline]
    fn finish(self) -> (Layout<M>, isize) {
        let layout = Layout::of(self.shape, self.strides);
        // An empty result never moves the pointer.
        (layout, if layout.is_empty() { 0 } else { self.offset })
    }
}

// Fewer ranges than axes leave the others whole, so that what `clip_box` gives fits.
impl<R: SliceRange, const K: usize, const N: usize> SliceSpec<N, N> for [R; K] {}

impl<R: SliceRange, const K: usize, const N: usize> sealed::Spec<N, N> for [R; K] {
    #[inline]
    fn cut(self, layout: &Layout<N>) -> Result<(Layout<N>, isize), TensorError> {
        const { assert!(K <= N, "a slice has at most one range per axis") };
        let mut kept = Kept::new();
        for range in self {
            kept.push(range, layout)?;
        }
        for _ in K..N {
            kept.push(RangeFull, layout)?;
        }
        Ok(kept.finish())
    }
}

impl SliceSpec<0, 0> for () {}

impl sealed::Spec<0, 0> for () {
    #[inline]
    fn cut(self, layout: &Layout<0>) -> Result<(Layout<0>, isize), TensorError> {
        Ok((*layout, 0))
    }
}

/// One tuple arity. Its rank is the items' `Out`s, one inside the other, around `Nat<0>`.
macro_rules! tuple_spec {
    (@rank) => { Nat<0> };
    (@rank $first:ident $($rest:ident)*) => { $first::Out<tuple_spec!(@rank $($rest)*)> };
    ($n:literal: $first:ident $($rest:ident)*) => {
        impl<$first, $($rest,)* const M: usize> SliceSpec<$n, M> for ($first, $($rest,)*)
        where
            $first: SliceItem<Out<tuple_spec!(@rank $($rest)*)> = Nat<M>>,
            $($rest: SliceItem,)*
        {
        }

        impl<$first, $($rest,)* const M: usize> sealed::Spec<$n, M> for ($first, $($rest,)*)
        where
            $first: SliceItem<Out<tuple_spec!(@rank $($rest)*)> = Nat<M>>,
            $($rest: SliceItem,)*
        {
            #[inline]
            #[allow(non_snake_case)] // the items are bound to the names of their types
            fn cut(self, layout: &Layout<$n>) -> Result<(Layout<M>, isize), TensorError> {
                let ($first, $($rest,)*) = self;
                let mut kept = Kept::new();
                kept.push($first, layout)?;
                $(kept.push($rest, layout)?;)*
                Ok(kept.finish())
            }
        }
    };
}

tuple_spec!(1: A);
tuple_spec!(2: A B);
tuple_spec!(3: A B C);
tuple_spec!(4: A B C D);
tuple_spec!(5: A B C D E);
tuple_spec!(6: A B C D E F);
tuple_spec!(7: A B C D E F G);
tuple_spec!(8: A B C D E F G H);

#[cfg(test)]
mod tests;
