//! Pixels to normalised planes.

// One contract, that of `Rgb::new`, covers every access of a loop; a block for each would hide it.
#![allow(clippy::multiple_unsafe_ops_per_block)]

use std::ops::Range;
use std::ptr::NonNull;

use super::Outcome;
use crate::engine::element::Plain;
use crate::engine::operand::{Fresh, Room, Source};
use crate::engine::threads::{self, AssertSync, Kind, Parts};
use crate::engine::wide::{self, Kernel};
use crate::error::TensorError;
use crate::layout::Layout;
use crate::storage::StorageBuilder;

/// What becomes of an element: `element * gain + bias`, per channel.
pub(crate) struct Channels(Vec<(f32, f32)>);

impl Channels {
    pub(crate) fn new(
        count: usize,
        scale: f32,
        mean: &[f32],
        std: &[f32],
    ) -> Result<Self, TensorError> {
        for found in [mean.len(), std.len()] {
            if found != count {
                return Err(TensorError::ShapeMismatch {
                    expected: [count].into(),
                    found: [found].into(),
                });
            }
        }
        let channels = mean.iter().zip(std).enumerate();
        let channels = channels.map(|(channel, (mean, std))| {
            if *std == 0.0 || !std.is_finite() {
                return Err(TensorError::UnsupportedOperation(format!(
                    "deviation {std} of channel {channel} divides nothing; pass 1 to leave it"
                )));
            }
            Ok((scale / std, -mean / std))
        });
        Ok(Self(channels.collect::<Result<_, _>>()?))
    }
}

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
        *out.layout().shape() == [count, height, width] && channels.0.len() == count,
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
    let [_, width, _] = *image.layout().shape();
    let [row, step, plane] = *image.layout().strides();
    let [out_plane, out_row, out_step] = *planes.strides();
    let (start, height) = (range.start.cast_signed(), range.len());
    let src = image.first().wrapping_offset(start * row);
    let out = out.wrapping_offset(start * out_row);
    if let ([first, second, third], (3, 1, 1)) = (&channels.0[..], (step, plane, out_step)) {
        // SAFETY: rows of the image are pixels of three elements side by side, and rows of the planes
        // elements side by side; the caller promises both.
        return wide::run(unsafe {
            Rgb::new(
                src,
                row,
                [0, 1, 2].map(|c| out.wrapping_offset(c * out_plane)),
                out_row,
                [height, width],
                [*first, *second, *third],
            )
        });
    }
    for (channel, &(gain, bias)) in (0..).zip(&channels.0) {
        let source = Layout::from_checked([height, width], [row, step]);
        let plane_out = Layout::from_checked([height, width], [out_row, out_step]);
        let (first, out) = (
            src.wrapping_offset(channel * plane).cast_mut(),
            out.wrapping_offset(channel * out_plane),
        );
        let (Some(first), Some(out)) = (NonNull::new(first), NonNull::new(out)) else {
            unreachable!("no element lies at address 0")
        };
        // SAFETY: rows of one channel of the image, which may be read (the invariant of `Source`).
        let source = unsafe { Source::new(first, &source) };
        // SAFETY: the caller promises these rows of each plane.
        let mut room = unsafe { Room::new(out, &plane_out) };
        let f = |&element: &T| element.into() * gain + bias;
        if let Outcome::Declined(f) = super::map_room(room.reborrow(), source, f) {
            room.fill_from(source, f);
        }
    }
}

/// Rows of three elements side by side.
struct Rgb<T> {
    /// Invariant 1 of `Rgb`: `size[0]` rows of `size[1]` pixels, `row` apart, may be read.
    src: *const T,
    row: isize,
    /// Invariant 2 of `Rgb`: in each plane, as many rows of as many elements, `out_row` apart, may be
    /// written, and nothing else reads or writes them.
    planes: [*mut f32; 3],
    out_row: isize,
    size: [usize; 2],
    channels: [(f32, f32); 3],
}

impl<T> Rgb<T> {
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
        channels: [(f32, f32); 3],
    ) -> Self {
        Self {
            src,
            row,
            planes,
            out_row,
            size,
            channels,
        }
    }
}

impl<T: Copy + Into<f32>> Kernel for Rgb<T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let [(gain0, bias0), (gain1, bias1), (gain2, bias2)] = self.channels;
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
                    first.wrapping_add(x).write(r * gain0 + bias0);
                    let g: f32 = src.wrapping_add(3 * x + 1).read().into();
                    second.wrapping_add(x).write(g * gain1 + bias1);
                    let b: f32 = src.wrapping_add(3 * x + 2).read().into();
                    third.wrapping_add(x).write(b * gain2 + bias2);
                }
            }
        }
    }
}
