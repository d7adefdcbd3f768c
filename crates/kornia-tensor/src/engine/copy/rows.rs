//! Loops that write a row of the destination from its start to its end.
//!
//! A row is written where it belongs, or through a [`Sink`] that streams it past the caches.

// One contract, G2, covers every access of a loop; a block for each would hide the loops.
#![allow(clippy::multiple_unsafe_ops_per_block)]

use super::kernels::{Element, get, put};
use crate::engine::stream::{self, Ahead, ROOM, Sink};

/// What a row is made of: the same at each step.
pub(super) trait Loop<E> {
    /// Elements that a step writes.
    const STEP: usize;
    /// Parts of the source that are read side by side, and how far apart they are.
    const PLANES: usize = 1;

    fn plane(&self) -> isize {
        0
    }

    /// Writes `len` steps to `dst`, of which the first reads at `src`.
    ///
    /// # Safety
    ///
    /// G2.
    unsafe fn run(&self, src: *const E, dst: *mut E, len: usize);
}

/// Writes a row of `len` steps; `src` moves by `by` elements with each.
///
/// # Safety
///
/// G2. If `streamed`, other threads' accesses wait for [`stream::Ending`].
#[inline(always)]
pub(super) unsafe fn write<E: Element, L: Loop<E>>(
    row: L,
    src: *const E,
    by: isize,
    dst: *mut E,
    len: usize,
    streamed: bool,
) {
    if !streamed {
        // SAFETY: G2.
        return unsafe { row.run(src, dst, len) };
    }
    let size = size_of::<E>();
    let most = steps(L::STEP * size);
    let mut sink = Sink::new(dst.cast());
    let mut done = 0;
    while done < len {
        let now = most.min(len - done);
        let from = src.wrapping_offset(done.cast_signed() * by);
        // While these are written, those after the next are on their way.
        let next = from.wrapping_offset(by * most.cast_signed());
        let ahead: [Ahead; 4] = std::array::from_fn(|plane| {
            let from = next.wrapping_offset(plane.cast_signed() * row.plane());
            Ahead::new(from.cast(), by, L::STEP)
        });
        // SAFETY: G2, for these steps; there is room for them.
        unsafe {
            row.run(from, sink.room().cast(), now);
            sink.take(now * L::STEP * size, &ahead[..L::PLANES]);
        }
        done += now;
    }
    // SAFETY: G2.
    unsafe { sink.finish() };
}

/// How many steps of so many bytes a sink takes at once: a multiple of what vectors hold, if they
/// are that small.
#[inline(always)]
fn steps(bytes: usize) -> usize {
    let fit = ROOM / bytes;
    if fit > 64 { fit / 64 * 64 } else { fit }
}

/// Elements side by side.
///
/// # Safety
///
/// As for `write`.
#[inline(always)]
pub(super) unsafe fn side_by_side<E: Element>(
    src: *const E,
    dst: *mut E,
    len: usize,
    streamed: bool,
) {
    let bytes = len * size_of::<E>();
    // SAFETY: G2.
    unsafe {
        if streamed {
            stream::row(dst.cast(), src.cast(), bytes);
        } else {
            row(src.cast(), dst.cast(), bytes);
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

/// Elements, the last one first.
pub(super) struct Backwards;

impl<E: Element> Loop<E> for Backwards {
    const STEP: usize = 1;

    #[inline(always)]
    unsafe fn run(&self, src: *const E, dst: *mut E, len: usize) {
        let from = src.wrapping_offset(1 - len.cast_signed());
        for at in 0..len {
            // SAFETY: G2.
            unsafe { put(dst, at, get(from, len - 1 - at)) };
        }
    }
}

/// One element again and again.
pub(super) struct Repeated;

impl<E: Element> Loop<E> for Repeated {
    const STEP: usize = 1;

    #[inline(always)]
    unsafe fn run(&self, src: *const E, dst: *mut E, len: usize) {
        // SAFETY: G2.
        let value = unsafe { get(src, 0) };
        for at in 0..len {
            // SAFETY: G2.
            unsafe { put(dst, at, value) };
        }
    }
}

/// Every `S`-th element.
pub(super) struct Strided<const S: usize>;

impl<E: Element, const S: usize> Loop<E> for Strided<S> {
    const STEP: usize = 1;

    #[inline(always)]
    unsafe fn run(&self, src: *const E, dst: *mut E, len: usize) {
        for at in 0..len {
            // SAFETY: G2.
            unsafe { put(dst, at, get(src, at * S)) };
        }
    }
}

/// Pixels, the last one first; `src` is that of the first one written.
pub(super) struct Mirrored<const C: usize>;

impl<E: Element, const C: usize> Loop<E> for Mirrored<C> {
    const STEP: usize = C;

    #[inline(always)]
    unsafe fn run(&self, src: *const E, dst: *mut E, len: usize) {
        let from = src.wrapping_offset((1 - len.cast_signed()) * C.cast_signed());
        for at in 0..len {
            for c in 0..C {
                // SAFETY: G2.
                unsafe { put(dst, at * C + c, get(from, (len - 1 - at) * C + c)) };
            }
        }
    }
}

/// Pixels with their elements the other way round, as from RGB to BGR.
pub(super) struct Reversed<const C: usize>;

impl<E: Element, const C: usize> Loop<E> for Reversed<C> {
    const STEP: usize = C;

    #[inline(always)]
    unsafe fn run(&self, src: *const E, dst: *mut E, len: usize) {
        for at in 0..len {
            for c in 0..C {
                // SAFETY: G2.
                unsafe { put(dst, at * C + c, get(src, at * C + (C - 1 - c))) };
            }
        }
    }
}

/// `C` planes, `plane` apart, to pixels.
pub(super) struct Interleaved<const C: usize> {
    pub(super) plane: isize,
}

impl<E: Element, const C: usize> Loop<E> for Interleaved<C> {
    const STEP: usize = C;
    const PLANES: usize = C;

    #[inline(always)]
    fn plane(&self) -> isize {
        self.plane
    }

    #[inline(always)]
    unsafe fn run(&self, src: *const E, dst: *mut E, len: usize) {
        let planes: [*const E; C] =
            std::array::from_fn(|c| src.wrapping_offset(c.cast_signed() * self.plane));
        for at in 0..len {
            for (c, &plane) in planes.iter().enumerate() {
                // SAFETY: G2.
                unsafe { put(dst, at * C + c, get(plane, at)) };
            }
        }
    }
}

/// `len` pixels of 2, 3 or 4 elements to as many planes, `plane` apart.
///
/// # Safety
///
/// As for `write`.
#[inline(always)]
pub(super) unsafe fn deinterleave<E: Element, const C: usize>(
    src: *const E,
    dst: *mut E,
    len: usize,
    plane: isize,
    streamed: bool,
) {
    let planes: [*mut E; C] = std::array::from_fn(|c| dst.wrapping_offset(c.cast_signed() * plane));
    if !streamed {
        // SAFETY: G2.
        return unsafe { to_planes(src, planes, len) };
    }
    let size = size_of::<E>();
    let most = steps(size);
    let mut sinks = planes.map(|plane| Sink::new(plane.cast()));
    let mut done = 0;
    while done < len {
        let now = most.min(len - done);
        let from = src.wrapping_add(done * C);
        let next = from.wrapping_add(most * C).cast::<u8>();
        // SAFETY: G2, for these pixels; there is room for them.
        unsafe {
            to_planes(from, sinks.each_mut().map(|sink| sink.room().cast()), now);
            for (part, sink) in sinks.iter_mut().enumerate() {
                let next = next.wrapping_add(part * most * size);
                sink.take(now * size, &[Ahead::new(next, 1, 1)]);
            }
        }
        done += now;
    }
    for sink in sinks {
        // SAFETY: G2.
        unsafe { sink.finish() };
    }
}

/// `len` pixels to a plane for each of their elements.
///
/// Spelled out: with the planes in an array, the compiler finds no shuffles.
///
/// # Safety
///
/// G2.
#[inline(always)]
unsafe fn to_planes<E: Element, const C: usize>(src: *const E, planes: [*mut E; C], len: usize) {
    // SAFETY: G2.
    unsafe {
        match planes[..] {
            [first, second] => {
                for at in 0..len {
                    put(first, at, get(src, at * 2));
                    put(second, at, get(src, at * 2 + 1));
                }
            }
            [first, second, third] => {
                for at in 0..len {
                    put(first, at, get(src, at * 3));
                    put(second, at, get(src, at * 3 + 1));
                    put(third, at, get(src, at * 3 + 2));
                }
            }
            [first, second, third, fourth] => {
                for at in 0..len {
                    put(first, at, get(src, at * 4));
                    put(second, at, get(src, at * 4 + 1));
                    put(third, at, get(src, at * 4 + 2));
                    put(fourth, at, get(src, at * 4 + 3));
                }
            }
            _ => unreachable!("pixels of 2 to 4 elements"),
        }
    }
}
