//! Pixels to normalised planes.

// One contract, that of `Rgb::new`, covers every access of a loop; a block for each would hide it.
#![allow(clippy::multiple_unsafe_ops_per_block)]

mod channels;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::NonNull;

use super::Outcome;
use crate::engine::element::Plain;
use crate::engine::operand::{Fresh, Room, Source};
use crate::engine::threads::{self, AssertSync, Kind, Parts};
use crate::engine::wide::{self, Kernel};
use crate::layout::Layout;
use crate::storage::StorageBuilder;

pub(crate) use channels::Channels;
use channels::{ByDoubles, ByOddDoubles, Channel, Fused, MulAdd};

/// Writes the planes of an image to fresh memory that has room for exactly these.
pub(crate) fn fill<T: Copy + Into<f32>>(
    out: &mut StorageBuilder<f32>,
    image: Source<'_, T, 3>,
    channels: &Channels,
) {
    let [height, width, count] = *image.layout().shape();
    let mut fresh = Fresh::new(out, [count, height, width]);
    run(image, fresh.room(), channels);
    // SAFETY: every element of every plane was written just now.
    unsafe { fresh.set_full() };
}

/// Writes the planes of an image to `out`, which has the shape of the image with its last axis first.
///
/// # Panics
///
/// If it has not, or there is not a channel for each index of the last axis.
pub(crate) fn run<T: Copy + Into<f32>>(
    image: Source<'_, T, 3>,
    out: Room<'_, f32, 3>,
    channels: &Channels,
) {
    let [height, width, count] = *image.layout().shape();
    assert!(
        *out.layout().shape() == [count, height, width] && channels.channels.len() == count,
        "planes for another image"
    );
    if image.layout().is_empty() {
        return; // there can be 2^60 rows without elements
    }
    let bytes = image.layout().numel() * size_of::<f32>();
    if Plain::of::<T>().is_some()
        && let Some(team) = threads::team(bytes.saturating_mul(2), &Kind::MEMORY)
    {
        let parts = Parts::new(height, 2 * bytes, false);
        // SAFETY: parts write different rows of the planes, and read an image that nobody writes;
        // elements and results are plain.
        let ends = unsafe { AssertSync::new((image, out.first())) };
        let planes = *out.layout();
        return team.run(0..parts.count(), |number| {
            let ((image, out), range) = (ends.get(), parts.range(number));
            // SAFETY: rows within the image and the planes, and no other part is given these.
            unsafe { rows(image, out, &planes, range, channels) };
        });
    }
    // SAFETY: all rows of the image and of the planes.
    unsafe { rows(image, out.first(), out.layout(), 0..height, channels) };
}

/// Writes some rows of the planes; `out` is the first element of all planes.
///
/// # Safety
///
/// The rows are in bounds of the image. From `out` on, the layout, which has the shape of the image
/// with its last axis first, reaches places that may be written in these rows, and nobody else reads
/// or writes there. No two indices share a place, and all of them lie in one allocation.
unsafe fn rows<T: Copy + Into<f32>>(
    image: Source<'_, T, 3>,
    out: *mut f32,
    planes: &Layout<3>,
    range: Range<usize>,
    channels: &Channels,
) {
    let each = &channels.channels;
    // SAFETY: the caller promises the rows, whoever computes them.
    unsafe {
        match (wide::has_mul_add(), channels.sums_fit_doubles) {
            (true, _) => rows_by::<T, Fused>(image, out, planes, range, each),
            (false, true) => rows_by::<T, ByDoubles>(image, out, planes, range, each),
            (false, false) => rows_by::<T, ByOddDoubles>(image, out, planes, range, each),
        }
    }
}

/// # Safety
///
/// As for `rows`, all of whose promises it hands on.
unsafe fn rows_by<T: Copy + Into<f32>, A: MulAdd>(
    image: Source<'_, T, 3>,
    out: *mut f32,
    planes: &Layout<3>,
    range: Range<usize>,
    channels: &[Channel],
) {
    let [_, width, _] = *image.layout().shape();
    let [row, step, plane] = *image.layout().strides();
    let [out_plane, out_row, out_step] = *planes.strides();
    let (start, height) = (range.start.cast_signed(), range.len());
    let src = image.first().wrapping_offset(start * row);
    let out = out.wrapping_offset(start * out_row);
    if let (&[first, second, third], (3, 1, 1)) = (channels, (step, plane, out_step)) {
        // SAFETY: rows of the image are pixels of three elements side by side, and rows of the planes
        // elements side by side; the caller promises both.
        return wide::run(unsafe {
            Rgb::<T, A>::new(
                src,
                row,
                [0, 1, 2].map(|c| out.wrapping_offset(c * out_plane)),
                out_row,
                [height, width],
                [first, second, third],
            )
        });
    }
    for (number, &channel) in (0..).zip(channels) {
        let source = Layout::from_checked([height, width], [row, step]);
        let plane_out = Layout::from_checked([height, width], [out_row, out_step]);
        let (first, out) = (
            src.wrapping_offset(number * plane).cast_mut(),
            out.wrapping_offset(number * out_plane),
        );
        let (Some(first), Some(out)) = (NonNull::new(first), NonNull::new(out)) else {
            unreachable!("no element lies at address 0")
        };
        // SAFETY: rows of one channel of the image, which may be read (the invariant of `Source`).
        let source = unsafe { Source::new(first, &source) };
        // SAFETY: the caller promises these rows of each plane.
        let mut room = unsafe { Room::new(out, &plane_out) };
        let f = |&element: &T| channel.of::<A>(element.into());
        if let Outcome::Declined(f) = super::map_room(room.reborrow(), source, f) {
            room.fill_from(source, f);
        }
    }
}

/// Rows of three elements side by side.
struct Rgb<T, A> {
    /// Invariant 1 of `Rgb`: `size[0]` rows of `size[1]` pixels, `row` apart, may be read.
    src: *const T,
    row: isize,
    /// Invariant 2 of `Rgb`: in each plane, as many rows of as many elements, `out_row` apart, may be
    /// written, and nothing else reads or writes them.
    planes: [*mut f32; 3],
    out_row: isize,
    size: [usize; 2],
    channels: [Channel; 3],
    by: PhantomData<A>,
}

impl<T, A> Rgb<T, A> {
    /// # Safety
    ///
    /// Until the loop has run, `size[0]` rows of `size[1]` pixels from `src` on, `row` apart, may be
    /// read, and as many rows of as many elements from each of `planes` on, `out_row` apart, be
    /// written; nothing else reads or writes the latter.
    #[inline(always)]
    unsafe fn new(
        src: *const T,
        row: isize,
        planes: [*mut f32; 3],
        out_row: isize,
        size: [usize; 2],
        channels: [Channel; 3],
    ) -> Self {
        Self {
            src,
            row,
            planes,
            out_row,
            size,
            channels,
            by: PhantomData,
        }
    }
}

impl<T: Copy + Into<f32>, A: MulAdd> Kernel for Rgb<T, A> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let [red, green, blue] = self.channels;
        let [height, width] = self.size;
        for y in 0..height.cast_signed() {
            let src = self.src.wrapping_offset(y * self.row);
            let [first, second, third] = self.planes;
            let (first, second, third) = (
                first.wrapping_offset(y * self.out_row),
                second.wrapping_offset(y * self.out_row),
                third.wrapping_offset(y * self.out_row),
            );
            for x in 0..width {
                // SAFETY: `y < size[0]` and `x < size[1]`, for which both sides are there (1, 2). Spelled
                // out, for the compiler to see shuffles.
                unsafe {
                    let r: f32 = src.wrapping_add(3 * x).read().into();
                    first.wrapping_add(x).write(red.of::<A>(r));
                    let g: f32 = src.wrapping_add(3 * x + 1).read().into();
                    second.wrapping_add(x).write(green.of::<A>(g));
                    let b: f32 = src.wrapping_add(3 * x + 2).read().into();
                    third.wrapping_add(x).write(blue.of::<A>(b));
                }
            }
        }
    }
}
