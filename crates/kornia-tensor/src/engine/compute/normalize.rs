//! Pixels to normalised planes.

// One contract, O1 and O2, covers every access of a loop; a block for each would hide the loops.
#![allow(clippy::multiple_unsafe_ops_per_block)]

use crate::TensorView;
use crate::engine::element::Plain;
use crate::engine::threads::{self, Kind, Parts, Together};
use crate::engine::wide::{self, Kernel};
use crate::error::{self, TensorError};
use crate::layout::Layout;

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
                return Err(TensorError::DimensionMismatch {
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

/// Writes the planes of an image to `out`.
///
/// # Safety
///
/// O2, for each element that the layout reaches from `out`, each by one index. It has the shape of
/// the image with its last axis first.
pub(crate) unsafe fn run<T: Copy + Into<f32>>(
    image: TensorView<'_, T, 3>,
    out: *mut f32,
    layout: &Layout<3>,
    channels: &Channels,
) {
    if image.is_empty() {
        return; // there can be 2^60 rows without elements
    }
    let bytes = image.numel() * size_of::<f32>();
    if Plain::of::<T>().is_some()
        && let Some(team) = threads::team(bytes.saturating_mul(2), &Kind::MEMORY)
    {
        let [height, width, _] = *image.shape();
        let parts = Parts::new(height, 2 * bytes, false);
        // SAFETY: D1: O2, for different rows; plain elements, converted as the language does.
        let ends = unsafe { Together::new((image, out)) };
        return team.run(0..parts.count(), |number| {
            let (image, out) = ends.get();
            let range = parts.range(number);
            let [_, row, _] = *layout.strides();
            let out = out.wrapping_offset(range.start.cast_signed() * row);
            let shape = [channels.0.len(), range.len(), width];
            let layout = Layout::from_checked(shape, *layout.strides());
            // SAFETY: O2, for some of the rows.
            unsafe {
                rows(
                    error::expect(image.try_narrow(0, range)),
                    out,
                    &layout,
                    channels,
                )
            };
        });
    }
    // SAFETY: by the caller.
    unsafe { rows(image, out, layout, channels) };
}

/// # Safety
///
/// As for `run`; the image is not empty.
unsafe fn rows<T: Copy + Into<f32>>(
    image: TensorView<'_, T, 3>,
    out: *mut f32,
    layout: &Layout<3>,
    channels: &Channels,
) {
    let [height, width, _] = *image.shape();
    let [row, step, plane] = *image.strides();
    let [out_plane, out_row, out_step] = *layout.strides();
    if let ([first, second, third], (3, 1, 1)) = (&channels.0[..], (step, plane, out_step)) {
        return wide::run(Rgb {
            src: image.first().as_ptr().cast_const(),
            row,
            planes: [0, 1, 2].map(|c| out.wrapping_offset(c * out_plane)),
            out_row,
            size: [height, width],
            channels: [*first, *second, *third],
        });
    }
    for (channel, &(gain, bias)) in channels.0.iter().enumerate() {
        let Ok(source) = image.try_select(2, channel) else {
            unreachable!("as many channels as the image has");
        };
        let plane = Layout::from_checked([height, width], [out_row, out_step]);
        let first = out.wrapping_offset(channel.cast_signed() * out_plane);
        // SAFETY: O2, one plane at a time.
        unsafe {
            super::map_to(first, &plane, source, |&element: &T| {
                element.into() * gain + bias
            });
        }
    }
}

/// Rows of three elements side by side.
struct Rgb<T> {
    /// O1: the rows, `row` apart, may be read.
    src: *const T,
    row: isize,
    /// O2: the rows of each, `out_row` apart, may be written, and nothing else reaches them.
    planes: [*mut f32; 3],
    out_row: isize,
    size: [usize; 2],
    channels: [(f32, f32); 3],
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
                // SAFETY: O1, O2. Spelled out, for the compiler to see shuffles.
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
