//! Loops that write a row of the destination from its start to its end.
//!
//! A row is written where it belongs, or through a [`Sink`] that streams it past the caches.

// One contract, that of `Loop::run`, covers every access of a loop; a block for each would hide the
// loops.
#![allow(clippy::multiple_unsafe_ops_per_block)]

use super::element::{Element, get, put};
use crate::engine::stream::{self, Ahead, SINK_BYTES, Sink};

/// What a row of the destination is made of: the same at each step.
///
/// Step `i` writes `STEP` elements, from `dst + i * STEP` on. It reads [`PLANES`](Self::PLANES)
/// groups of `STEP / PLANES` elements side by side: the first group from `src + i * BY` on, each
/// further one [`plane`](Self::plane) elements after the group before it.
pub(super) trait Loop<E> {
    /// Elements that a step writes.
    const STEP: usize;
    /// How far the next step reads from where this one does, in elements.
    const BY: isize;
    /// How many places of the source a step reads from.
    const PLANES: usize = 1;

    /// How far these are apart, in elements.
    fn plane(&self) -> isize {
        0
    }

    /// Does `len` steps.
    ///
    /// # Safety
    ///
    /// What `len` steps read (see [`Loop`]) is initialised and may be read; what they write may be
    /// written, and nothing else reads or writes it.
    unsafe fn run(&self, src: *const E, dst: *mut E, len: usize);
}

/// Writes a row of `len` steps, past the caches if `streamed`.
///
/// # Safety
///
/// As for [`Loop::run`]. If `streamed`, whoever reads or writes the row next, on another thread
/// too, does so after a [`stream::StoreFence`] was dropped.
#[inline(always)]
pub(super) unsafe fn write<E: Element, L: Loop<E>>(
    row: L,
    src: *const E,
    dst: *mut E,
    len: usize,
    streamed: bool,
) {
    if !streamed {
        // SAFETY: the caller promises what `run` asks for.
        return unsafe { row.run(src, dst, len) };
    }
    let size = size_of::<E>();
    let most = steps(L::STEP * size);
    let mut sink = Sink::new(dst.cast());
    let mut done = 0;
    while done < len {
        let now = most.min(len - done);
        let from = src.wrapping_offset(done.cast_signed() * L::BY);
        // While these are written, those after the next are on their way.
        let next = from.wrapping_offset(L::BY * most.cast_signed());
        let ahead: [Ahead; 4] = std::array::from_fn(|plane| {
            let from = next.wrapping_offset(plane.cast_signed() * row.plane());
            Ahead::new(from.cast(), L::BY, L::STEP)
        });
        // SAFETY: the caller promises these steps of the row. The sink has spare room for `most` of
        // them, and what is committed to it was written just before.
        unsafe {
            row.run(from, sink.spare().cast(), now);
            sink.commit(now * L::STEP * size, &ahead[..L::PLANES]);
        }
        done += now;
    }
    // SAFETY: the sink goes to the row, which is ours to write by the caller's promise.
    unsafe { sink.flush() };
}

/// How many steps of so many bytes a sink takes at once: a multiple of what vectors hold, if they
/// are that small.
#[inline(always)]
fn steps(bytes: usize) -> usize {
    let fit = SINK_BYTES / bytes;
    if fit > 64 { fit / 64 * 64 } else { fit }
}

/// Copies `len` elements side by side, past the caches if `streamed`.
///
/// # Safety
///
/// `len` elements from `src` on may be read, and from `dst` on be written; nothing else reads or
/// writes the latter, until a [`stream::StoreFence`] was dropped if `streamed`.
#[inline(always)]
pub(super) unsafe fn side_by_side<E: Element>(
    src: *const E,
    dst: *mut E,
    len: usize,
    streamed: bool,
) {
    let bytes = len * size_of::<E>();
    // SAFETY: the caller promises both rows, which are as many bytes.
    unsafe {
        if streamed {
            stream::row(dst.cast(), src.cast(), bytes);
        } else {
            row(src.cast(), dst.cast(), bytes);
        }
    }
}

/// Copies `bytes` side by side. Short rows are not worth the call of `memcpy`.
///
/// # Safety
///
/// So many bytes may be read from `src` on, and written from `dst` on; nothing else reads or writes
/// the latter.
#[inline(always)]
unsafe fn row(src: *const u8, dst: *mut u8, bytes: usize) {
    const WIDTH: usize = 64;
    const SHORT_BYTES: usize = 1024;
    // SAFETY: every piece lies within the row that the caller promises. Pieces at the end may
    // overlap the one before and write the same bytes again.
    unsafe {
        match bytes {
            WIDTH..=SHORT_BYTES => {
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

/// Copies `SIZE` bytes.
///
/// # Safety
///
/// So many may be read from `src + at` on, and written from `dst + at` on.
#[inline(always)]
unsafe fn piece<const SIZE: usize>(src: *const u8, dst: *mut u8, at: usize) {
    // SAFETY: the caller promises both sides, and an array of bytes is aligned everywhere.
    unsafe {
        let piece: [u8; SIZE] = src.wrapping_add(at).cast::<[u8; SIZE]>().read();
        dst.wrapping_add(at).cast::<[u8; SIZE]>().write(piece);
    }
}

/// Elements, the last one first.
pub(super) struct Backwards;

impl<E: Element> Loop<E> for Backwards {
    const STEP: usize = 1;
    const BY: isize = -1;

    #[inline(always)]
    unsafe fn run(&self, src: *const E, dst: *mut E, len: usize) {
        let from = src.wrapping_offset(1 - len.cast_signed());
        for at in 0..len {
            // SAFETY: step `at < len`, of which the caller makes the promise.
            unsafe { put(dst, at, get(from, len - 1 - at)) };
        }
    }
}

/// One element again and again.
pub(super) struct Repeated;

impl<E: Element> Loop<E> for Repeated {
    const STEP: usize = 1;
    const BY: isize = 0;

    #[inline(always)]
    unsafe fn run(&self, src: *const E, dst: *mut E, len: usize) {
        // SAFETY: every step reads this element, of which the caller makes the promise.
        let value = unsafe { get(src, 0) };
        for at in 0..len {
            // SAFETY: step `at < len`, of which the caller makes the promise.
            unsafe { put(dst, at, value) };
        }
    }
}

/// Every `S`-th element.
pub(super) struct Strided<const S: usize>;

impl<E: Element, const S: usize> Loop<E> for Strided<S> {
    const STEP: usize = 1;
    const BY: isize = S.cast_signed();

    #[inline(always)]
    unsafe fn run(&self, src: *const E, dst: *mut E, len: usize) {
        for at in 0..len {
            // SAFETY: step `at < len`, of which the caller makes the promise.
            unsafe { put(dst, at, get(src, at * S)) };
        }
    }
}

/// Pixels, the last one first.
pub(super) struct Mirrored<const C: usize>;

impl<E: Element, const C: usize> Loop<E> for Mirrored<C> {
    const STEP: usize = C;
    const BY: isize = -C.cast_signed();

    #[inline(always)]
    unsafe fn run(&self, src: *const E, dst: *mut E, len: usize) {
        let from = src.wrapping_offset((1 - len.cast_signed()) * C.cast_signed());
        for at in 0..len {
            for c in 0..C {
                // SAFETY: part of step `at < len`, of which the caller makes the promise.
                unsafe { put(dst, at * C + c, get(from, (len - 1 - at) * C + c)) };
            }
        }
    }
}

/// Pixels with their elements the other way round, as from RGB to BGR.
pub(super) struct Reversed<const C: usize>;

impl<E: Element, const C: usize> Loop<E> for Reversed<C> {
    const STEP: usize = C;
    const BY: isize = C.cast_signed();

    #[inline(always)]
    unsafe fn run(&self, src: *const E, dst: *mut E, len: usize) {
        for at in 0..len {
            for c in 0..C {
                // SAFETY: part of step `at < len`, of which the caller makes the promise.
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
    const BY: isize = 1;
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
                // SAFETY: part of step `at < len`, of which the caller makes the promise.
                unsafe { put(dst, at * C + c, get(plane, at)) };
            }
        }
    }
}

/// `len` pixels of 2, 3 or 4 elements to as many planes, `plane` apart; past the caches if `streamed`.
///
/// # Safety
///
/// `len * C` elements from `src` on may be read, and `len` from the start of each plane on be
/// written; nothing else reads or writes the latter, until a [`stream::StoreFence`] was dropped if
/// `streamed`.
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
        // SAFETY: the caller promises the pixels and the planes.
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
        // SAFETY: the caller promises these pixels and their places in the planes. Each sink has
        // spare room for `most` elements, and what is committed to it was written just before.
        unsafe {
            to_planes(from, sinks.each_mut().map(|sink| sink.spare().cast()), now);
            for (part, sink) in sinks.iter_mut().enumerate() {
                let next = next.wrapping_add(part * most * size);
                sink.commit(now * size, &[Ahead::new(next, 1, 1)]);
            }
        }
        done += now;
    }
    for sink in sinks {
        // SAFETY: each sink goes to a plane, which is ours to write by the caller's promise.
        unsafe { sink.flush() };
    }
}

/// `len` pixels to a plane for each of their elements.
///
/// Spelled out: with the planes in an array, the compiler finds no shuffles.
///
/// # Safety
///
/// `len * C` elements from `src` on may be read, and `len` from each of the planes on be written;
/// nothing else reads or writes the latter.
#[inline(always)]
unsafe fn to_planes<E: Element, const C: usize>(src: *const E, planes: [*mut E; C], len: usize) {
    // SAFETY: `at < len`, and the caller promises so many pixels and places of each plane.
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
