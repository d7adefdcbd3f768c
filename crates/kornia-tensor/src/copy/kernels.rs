//! Loops that move elements, one for each shape a copy can have.
//!
//! Elements are moved as integers of their size. Each loop is plain; the compiler makes wide
//! instructions of it for every instruction set that [`wide`](crate::wide) knows.

// One contract, G2, covers every access of a loop; a block for each would hide the loops.
#![allow(clippy::multiple_unsafe_ops_per_block)]

use super::transpose::transpose;
use crate::plan::{self, MAX_AXES};
use crate::wide::Kernel;

/// One axis: how often, and how far each step goes on both sides.
#[derive(Clone, Copy)]
struct Axis {
    len: usize,
    dst: isize,
    src: isize,
}

impl From<&plan::Axis<2>> for Axis {
    #[inline(always)]
    fn from(axis: &plan::Axis<2>) -> Self {
        let [dst, src] = axis.strides;
        let len = axis.len;
        Self { len, dst, src }
    }
}

/// The copy of all elements of a plan.
///
/// G2: each element the axes reach from `src` may be read, and from `dst` written; nothing
/// written is also read, and no two steps write the same element.
pub(super) struct Copy<'a, E> {
    pub(super) dst: *mut E,
    pub(super) src: *const E,
    pub(super) axes: &'a [plan::Axis<2>],
}

impl<E: Element> Kernel for Copy<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        // SAFETY: G2.
        unsafe { copy(self.src, self.dst, self.axes) }
    }
}

/// An integer that stands for an element of its size.
pub(super) trait Element: std::marker::Copy {}
impl Element for u8 {}
impl Element for u16 {}
impl Element for u32 {}
impl Element for u64 {}
impl Element for u128 {}

/// # Safety
///
/// G2.
#[inline(always)]
unsafe fn copy<E: Element>(src: *const E, dst: *mut E, axes: &[plan::Axis<2>]) {
    let Some((inner, outer)) = axes.split_last() else {
        // SAFETY: G2: no axis is one element.
        return unsafe { put(dst, 0, get(src, 0)) };
    };
    let inner = Axis::from(inner);
    let Some((second, rest)) = outer.split_last() else {
        // SAFETY: G2.
        return unsafe { stretch(src, dst, inner) };
    };
    let second = Axis::from(second);
    // SAFETY: G2: for each position, for the axes that are not walked here.
    unsafe {
        match (inner.dst, inner.src, inner.len) {
            // Pixels, or what looks like them: a few elements side by side at each step.
            (1, _, 2) => {
                for (src, dst) in Positions::new(src, dst, rest, 1) {
                    pixels::<E, 2>(src, dst, second, inner.src);
                }
            }
            (1, _, 3) => {
                for (src, dst) in Positions::new(src, dst, rest, 1) {
                    pixels::<E, 3>(src, dst, second, inner.src);
                }
            }
            (1, _, 4) => {
                for (src, dst) in Positions::new(src, dst, rest, 1) {
                    pixels::<E, 4>(src, dst, second, inner.src);
                }
            }
            (1, ..=-2 | 2.., _) => across(src, dst, inner, outer),
            _ => {
                for (src, dst) in Positions::new(src, dst, outer, 1) {
                    stretch(src, dst, inner);
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
/// G2.
#[inline(always)]
unsafe fn across<E: Element>(src: *const E, dst: *mut E, inner: Axis, outer: &[plan::Axis<2>]) {
    let Some(position) = outer.iter().position(|axis| axis.strides[1].abs() == 1) else {
        for (src, dst) in Positions::new(src, dst, outer, 1) {
            // SAFETY: G2, for the inner axis.
            unsafe { stretch(src, dst, inner) };
        }
        return;
    };
    let mut rest = [plan::Axis::NONE; MAX_AXES];
    let count = outer.len() - 1;
    rest[..position].copy_from_slice(&outer[..position]);
    rest[position..count].copy_from_slice(&outer[position + 1..]);
    let (mut other, mut src, mut dst) = (Axis::from(&outer[position]), src, dst);
    if other.src < 0 {
        // Walk the source upwards, and the destination the other way instead.
        let last = other.len.cast_signed() - 1;
        src = src.wrapping_offset(last * other.src);
        dst = dst.wrapping_offset(last * other.dst);
        (other.src, other.dst) = (-other.src, -other.dst);
    }
    for (src, dst) in Positions::new(src, dst, &rest[..count], 1) {
        // SAFETY: G2, for the two axes.
        unsafe {
            match (other.len, inner.src) {
                (2, 2) => deinterleave::<E, 2>(src, dst, inner.len, other.dst),
                (3, 3) => deinterleave::<E, 3>(src, dst, inner.len, other.dst),
                (4, 4) => deinterleave::<E, 4>(src, dst, inner.len, other.dst),
                (..8, _) => {
                    for at in 0..other.len.cast_signed() {
                        let to = dst.wrapping_offset(at * other.dst);
                        stretch(src.wrapping_offset(at), to, inner);
                    }
                }
                _ => transpose(src, inner.src, dst, other.dst, other.len, inner.len),
            }
        }
    }
}

/// The two addresses at every position of some axes.
///
/// An iterator and no function of a closure: closures are not always inlined, and what is not
/// inlined here is compiled for narrow instructions.
pub(super) struct Positions<'a, E> {
    next: Option<(*const E, *mut E)>,
    axes: &'a [plan::Axis<2>],
    index: [usize; MAX_AXES],
    /// What a stride counts.
    unit: isize,
}

impl<'a, E> Positions<'a, E> {
    #[inline(always)]
    pub(super) fn new(src: *const E, dst: *mut E, axes: &'a [plan::Axis<2>], unit: isize) -> Self {
        Self {
            next: Some((src, dst)),
            axes,
            index: [0; MAX_AXES],
            unit,
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
            let [to, from] = axis.strides.map(|stride| stride * self.unit);
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

/// # Safety
///
/// G2, for one axis.
#[inline(always)]
unsafe fn stretch<E: Element>(src: *const E, dst: *mut E, axis: Axis) {
    let (mut src, mut dst, len) = (src, dst, axis.len);
    // SAFETY: G2.
    unsafe {
        match (axis.src, axis.dst) {
            (1, 1) => row(src.cast(), dst.cast(), len * size_of::<E>()),
            (-1, 1) => {
                let from = src.wrapping_offset(1 - len.cast_signed());
                for at in 0..len {
                    put(dst, at, get(from, len - 1 - at));
                }
            }
            (0, 1) => {
                let value = get(src, 0);
                for at in 0..len {
                    put(dst, at, value);
                }
            }
            // Strides the compiler knows become shuffles.
            (2, 1) => every::<E, 2>(src, dst, len),
            (3, 1) => every::<E, 3>(src, dst, len),
            (4, 1) => every::<E, 4>(src, dst, len),
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

/// `bytes` side by side. Short rows are not worth the call of `memcpy`.
///
/// # Safety
///
/// G2, for that many bytes.
#[inline(always)]
unsafe fn row(src: *const u8, dst: *mut u8, bytes: usize) {
    const WIDTH: usize = 64;
    const SHORT: usize = 1024;
    // SAFETY: G2; every piece lies within the row. Pieces at the end may overlap the one before
    // and write the same bytes again.
    unsafe {
        match bytes {
            WIDTH..=SHORT => {
                for at in (0..bytes - WIDTH).step_by(WIDTH) {
                    piece::<WIDTH>(src, dst, at);
                }
                piece::<WIDTH>(src, dst, bytes - WIDTH);
            }
            16..WIDTH => {
                for at in (0..bytes - 16).step_by(16) {
                    piece::<16>(src, dst, at);
                }
                piece::<16>(src, dst, bytes - 16);
            }
            _ => dst.copy_from_nonoverlapping(src, bytes),
        }
    }
}

/// # Safety
///
/// G2, for `SIZE` bytes from `at` on.
#[inline(always)]
unsafe fn piece<const SIZE: usize>(src: *const u8, dst: *mut u8, at: usize) {
    // SAFETY: by the caller; an array of bytes is aligned everywhere.
    unsafe {
        let piece: [u8; SIZE] = src.wrapping_add(at).cast::<[u8; SIZE]>().read();
        dst.wrapping_add(at).cast::<[u8; SIZE]>().write(piece);
    }
}

/// Every `S`-th element.
///
/// # Safety
///
/// G2.
#[inline(always)]
unsafe fn every<E: Element, const S: usize>(src: *const E, dst: *mut E, len: usize) {
    for at in 0..len {
        // SAFETY: G2.
        unsafe { put(dst, at, get(src, at * S)) };
    }
}

/// `C` elements side by side at every step of `steps`, `plane` apart in the source.
///
/// # Safety
///
/// G2.
#[inline(always)]
unsafe fn pixels<E: Element, const C: usize>(
    src: *const E,
    dst: *mut E,
    steps: Axis,
    plane: isize,
) {
    let size = C.cast_signed();
    // SAFETY: G2.
    unsafe {
        match (steps.dst == size, steps.src, plane) {
            (true, 1, _) => interleave::<E, C>(src, plane, dst, steps.len),
            (true, back, 1) if back == -size => mirror::<E, C>(src, dst, steps.len),
            (true, ahead, -1) if ahead == size => {
                let first = src.wrapping_offset(1 - size);
                reverse::<E, C>(first, dst, steps.len);
            }
            _ => {
                let (mut src, mut dst) = (src, dst);
                for _ in 0..steps.len {
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

/// Pixels, the last one first; `src` is that of the first one written.
///
/// # Safety
///
/// G2.
#[inline(always)]
unsafe fn mirror<E: Element, const C: usize>(src: *const E, dst: *mut E, len: usize) {
    let from = src.wrapping_offset((1 - len.cast_signed()) * C.cast_signed());
    for at in 0..len {
        for c in 0..C {
            // SAFETY: G2.
            unsafe { put(dst, at * C + c, get(from, (len - 1 - at) * C + c)) };
        }
    }
}

/// Pixels with their elements the other way round, as from RGB to BGR.
///
/// # Safety
///
/// G2.
#[inline(always)]
unsafe fn reverse<E: Element, const C: usize>(src: *const E, dst: *mut E, len: usize) {
    for at in 0..len {
        for c in 0..C {
            // SAFETY: G2.
            unsafe { put(dst, at * C + c, get(src, at * C + (C - 1 - c))) };
        }
    }
}

/// `C` planes, `plane` apart, to `len` pixels.
///
/// # Safety
///
/// G2.
#[inline(always)]
unsafe fn interleave<E: Element, const C: usize>(
    src: *const E,
    plane: isize,
    dst: *mut E,
    len: usize,
) {
    let planes: [*const E; C] =
        std::array::from_fn(|c| src.wrapping_offset(c.cast_signed() * plane));
    for at in 0..len {
        for (c, &plane) in planes.iter().enumerate() {
            // SAFETY: G2.
            unsafe { put(dst, at * C + c, get(plane, at)) };
        }
    }
}

/// `len` pixels of 2, 3 or 4 elements to as many planes, `plane` apart.
///
/// Spelled out: with the planes in an array, the compiler finds no shuffles.
///
/// # Safety
///
/// G2.
#[inline(always)]
unsafe fn deinterleave<E: Element, const C: usize>(
    src: *const E,
    dst: *mut E,
    len: usize,
    plane: isize,
) {
    let second = dst.wrapping_offset(plane);
    let third = second.wrapping_offset(plane);
    let fourth = third.wrapping_offset(plane);
    // SAFETY: G2.
    unsafe {
        match C {
            2 => {
                for at in 0..len {
                    put(dst, at, get(src, at * 2));
                    put(second, at, get(src, at * 2 + 1));
                }
            }
            3 => {
                for at in 0..len {
                    put(dst, at, get(src, at * 3));
                    put(second, at, get(src, at * 3 + 1));
                    put(third, at, get(src, at * 3 + 2));
                }
            }
            _ => {
                for at in 0..len {
                    put(dst, at, get(src, at * 4));
                    put(second, at, get(src, at * 4 + 1));
                    put(third, at, get(src, at * 4 + 2));
                    put(fourth, at, get(src, at * 4 + 3));
                }
            }
        }
    }
}

/// # Safety
///
/// The element `at` places on may be read.
#[inline(always)]
pub(super) unsafe fn get<E: Element>(src: *const E, at: usize) -> E {
    // SAFETY: by the caller.
    unsafe { src.wrapping_add(at).read() }
}

/// # Safety
///
/// The element `at` places on may be written.
#[inline(always)]
pub(super) unsafe fn put<E: Element>(dst: *mut E, at: usize, value: E) {
    // SAFETY: by the caller.
    unsafe { dst.wrapping_add(at).write(value) }
}
