//! How a copy is walked: which of the loops in `copy/rows.rs` and `copy/transpose.rs` it comes to.
//!
//! Elements are moved as integers of their size. Each loop is plain; the compiler makes wide
//! instructions of it for every instruction set that [`wide`](crate::engine::wide) knows.

// One contract, that of `PlannedCopy::new`, covers every access of a loop; a block for each would
// hide the loops.
#![allow(clippy::multiple_unsafe_ops_per_block)]

use super::element::{Element, get, put};
use super::rows::{self, Backwards, Interleaved, Mirrored, Repeated, Reversed, Strided};
use super::transpose::{self, Transpose};
use crate::engine::plan::{self, MAX_AXES};
use crate::engine::wide::Kernel;

/// One axis: how often, and how far each step goes on both sides.
#[derive(Clone, Copy)]
struct CopyAxis {
    len: usize,
    dst: isize,
    src: isize,
}

impl From<&plan::Axis<2>> for CopyAxis {
    #[inline(always)]
    fn from(axis: &plan::Axis<2>) -> Self {
        let [dst, src] = axis.strides;
        let len = axis.len;
        Self { len, dst, src }
    }
}

/// The copy of all elements of a plan.
pub(super) struct PlannedCopy<'a, E> {
    /// Invariant 1 of `PlannedCopy`: each element that the axes reach from here may be written, and
    /// nothing else reads or writes it; no two steps reach the same one.
    dst: *mut E,
    /// Invariant 2 of `PlannedCopy`: each element that the axes reach from here may be read.
    src: *const E,
    axes: &'a [plan::Axis<2>],
    /// Past the caches, where the loop can.
    streamed: bool,
}

impl<'a, E: Element> PlannedCopy<'a, E> {
    /// # Safety
    ///
    /// Until the loop has run, each element that the axes reach from `src` may be read, and from
    /// `dst` be written; nothing else reads or writes the latter, and no two steps write the same
    /// one. If `streamed`, whoever reads or writes them next, on another thread too, does so after
    /// a [`StoreFence`](crate::engine::stream::StoreFence) was dropped.
    #[inline(always)]
    pub(super) unsafe fn new(
        dst: *mut E,
        src: *const E,
        axes: &'a [plan::Axis<2>],
        streamed: bool,
    ) -> Self {
        Self {
            dst,
            src,
            axes,
            streamed,
        }
    }
}

impl<E: Element> Kernel for PlannedCopy<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        // SAFETY: (1) and (2) are what `copy` asks for.
        unsafe { copy(self.src, self.dst, self.axes, self.streamed) }
    }
}

/// Elements of the rows that these loops write one after the other.
pub(super) fn longest_row(axes: &[plan::Axis<2>]) -> usize {
    match axes {
        [.., second, inner] if inner.len <= 4 && second.strides[0] == inner.len.cast_signed() => {
            second.len * inner.len
        }
        [.., inner] => inner.len,
        [] => 1,
    }
}

/// Copies what the axes reach.
///
/// # Safety
///
/// As for [`PlannedCopy::new`].
#[inline(always)]
unsafe fn copy<E: Element>(src: *const E, dst: *mut E, axes: &[plan::Axis<2>], streamed: bool) {
    let Some((inner, outer)) = axes.split_last() else {
        // SAFETY: without an axis, that is the one element the caller promises.
        return unsafe { put(dst, 0, get(src, 0)) };
    };
    let inner = CopyAxis::from(inner);
    let Some((second, rest)) = outer.split_last() else {
        // SAFETY: that is the one axis for which the caller makes the promise.
        return unsafe { stretch(src, dst, inner, streamed) };
    };
    let second = CopyAxis::from(second);
    // SAFETY: each position of the outer axes, with all of the inner ones, is part of what the
    // caller promises, and no two positions write the same element.
    unsafe {
        match (inner.dst, inner.src, inner.len) {
            // Pixels, or what looks like them: a few elements side by side at each step.
            (1, _, 2) => {
                for (src, dst) in Positions::new(src, dst, rest) {
                    pixels::<E, 2>(src, dst, second, inner.src, streamed);
                }
            }
            (1, _, 3) => {
                for (src, dst) in Positions::new(src, dst, rest) {
                    pixels::<E, 3>(src, dst, second, inner.src, streamed);
                }
            }
            (1, _, 4) => {
                for (src, dst) in Positions::new(src, dst, rest) {
                    pixels::<E, 4>(src, dst, second, inner.src, streamed);
                }
            }
            (1, ..=-2 | 2.., _) => across(src, dst, inner, outer, streamed),
            // A crop: rows may be short, and the way from one to the next counts.
            (1, 1, len) if rest.is_empty() => {
                let (mut src, mut dst) = (src, dst);
                for _ in 0..second.len {
                    rows::side_by_side(src, dst, len, streamed);
                    src = src.wrapping_offset(second.src);
                    dst = dst.wrapping_offset(second.dst);
                }
            }
            _ => {
                for (src, dst) in Positions::new(src, dst, outer) {
                    stretch(src, dst, inner, streamed);
                }
            }
        }
    }
}

/// The inner axis is contiguous in the destination and not in the source: pixels to planes, or
/// a transpose, if another axis is contiguous in the source.
///
/// # Safety
///
/// As for [`PlannedCopy::new`].
#[inline(always)]
unsafe fn across<E: Element>(
    src: *const E,
    dst: *mut E,
    inner: CopyAxis,
    outer: &[plan::Axis<2>],
    streamed: bool,
) {
    let Some(position) = outer.iter().position(|axis| axis.strides[1].abs() == 1) else {
        for (src, dst) in Positions::new(src, dst, outer) {
            // SAFETY: the inner axis at this position is part of what the caller promises.
            unsafe { stretch(src, dst, inner, streamed) };
        }
        return;
    };
    let mut rest = [plan::Axis::NONE; MAX_AXES];
    let count = outer.len() - 1;
    rest[..position].copy_from_slice(&outer[..position]);
    rest[position..count].copy_from_slice(&outer[position + 1..]);
    let (mut other, mut src, mut dst) = (CopyAxis::from(&outer[position]), src, dst);
    if other.src < 0 {
        // Walk the source upwards, and the destination the other way instead.
        let last = other.len.cast_signed() - 1;
        src = src.wrapping_offset(last * other.src);
        dst = dst.wrapping_offset(last * other.dst);
        (other.src, other.dst) = (-other.src, -other.dst);
    }
    for (src, dst) in Positions::new(src, dst, &rest[..count]) {
        // SAFETY: the two axes at this position are part of what the caller promises.
        unsafe {
            match (other.len, inner.src) {
                (2, 2) => rows::deinterleave::<E, 2>(src, dst, inner.len, other.dst, streamed),
                (3, 3) => rows::deinterleave::<E, 3>(src, dst, inner.len, other.dst, streamed),
                (4, 4) => rows::deinterleave::<E, 4>(src, dst, inner.len, other.dst, streamed),
                (..8, _) => {
                    for at in 0..other.len.cast_signed() {
                        let to = dst.wrapping_offset(at * other.dst);
                        stretch(src.wrapping_offset(at), to, inner, streamed);
                    }
                }
                _ => transpose::run(Transpose {
                    src,
                    src_stride: inner.src,
                    dst,
                    dst_stride: other.dst,
                    rows: other.len,
                    cols: inner.len,
                    streamed,
                }),
            }
        }
    }
}

/// The two addresses at every position of some axes.
///
/// An iterator and no function of a closure: closures are not always inlined, and what is not
/// inlined here is compiled for narrow instructions.
struct Positions<'a, E> {
    next: Option<(*const E, *mut E)>,
    axes: &'a [plan::Axis<2>],
    index: [usize; MAX_AXES],
}

impl<'a, E> Positions<'a, E> {
    #[inline(always)]
    fn new(src: *const E, dst: *mut E, axes: &'a [plan::Axis<2>]) -> Self {
        Self {
            next: Some((src, dst)),
            axes,
            index: [0; MAX_AXES],
        }
    }
}

impl<E> Iterator for Positions<'_, E> {
    type Item = (*const E, *mut E);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let current = self.next?;
        let (mut src, mut dst) = current;
        for (at, axis) in self.axes.iter().enumerate().rev() {
            let [to, from] = axis.strides;
            self.index[at] += 1;
            if self.index[at] < axis.len {
                self.next = Some((src.wrapping_offset(from), dst.wrapping_offset(to)));
                return Some(current);
            }
            let back = 1 - self.index[at].cast_signed();
            src = src.wrapping_offset(back * from);
            dst = dst.wrapping_offset(back * to);
            self.index[at] = 0;
        }
        self.next = None;
        Some(current)
    }
}

/// Copies what one axis reaches.
///
/// # Safety
///
/// As for [`PlannedCopy::new`], for this axis alone.
#[inline(always)]
unsafe fn stretch<E: Element>(src: *const E, dst: *mut E, axis: CopyAxis, streamed: bool) {
    let (mut src, mut dst, len) = (src, dst, axis.len);
    // SAFETY: all loops do `len` steps with the strides of the axis, which the caller promises.
    unsafe {
        match (axis.src, axis.dst) {
            (1, 1) => rows::side_by_side(src, dst, len, streamed),
            (-1, 1) => rows::write(Backwards, src, dst, len, streamed),
            (0, 1) => rows::write(Repeated, src, dst, len, streamed),
            // Strides the compiler knows become shuffles.
            (2, 1) => rows::write(Strided::<2>, src, dst, len, streamed),
            (3, 1) => rows::write(Strided::<3>, src, dst, len, streamed),
            (4, 1) => rows::write(Strided::<4>, src, dst, len, streamed),
            (from, to) => {
                for _ in 0..len {
                    put(dst, 0, get(src, 0));
                    src = src.wrapping_offset(from);
                    dst = dst.wrapping_offset(to);
                }
            }
        }
    }
}

/// `C` elements side by side at every step of `steps`, `plane` apart in the source.
///
/// # Safety
///
/// As for [`PlannedCopy::new`], for the axis of `steps` and an inner one of `C` elements.
#[inline(always)]
unsafe fn pixels<E: Element, const C: usize>(
    src: *const E,
    dst: *mut E,
    steps: CopyAxis,
    plane: isize,
    streamed: bool,
) {
    let size = C.cast_signed();
    let len = steps.len;
    // SAFETY: all loops do `len` steps, and reach `C` elements with each, as the caller promises.
    unsafe {
        match (steps.dst == size, steps.src, plane) {
            (true, 1, _) => {
                let planes = Interleaved::<C> { plane };
                rows::write(planes, src, dst, len, streamed);
            }
            (true, back, 1) if back == -size => {
                rows::write(Mirrored::<C>, src, dst, len, streamed);
            }
            (true, ahead, -1) if ahead == size => {
                let first = src.wrapping_offset(1 - size);
                rows::write(Reversed::<C>, first, dst, len, streamed);
            }
            _ => {
                let (mut src, mut dst) = (src, dst);
                for _ in 0..len {
                    for c in 0..C {
                        let from = src.wrapping_offset(c.cast_signed() * plane);
                        put(dst, c, get(from, 0));
                    }
                    src = src.wrapping_offset(steps.src);
                    dst = dst.wrapping_offset(steps.dst);
                }
            }
        }
    }
}
