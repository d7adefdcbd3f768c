//! What becomes of an element, and how it is computed to the last digits.

#![forbid(unsafe_code)]

use crate::engine::element::Plain;
use crate::error::TensorError;

/// What becomes of the elements of an image, channel by channel.
pub(crate) struct Channels {
    pub(super) channels: Vec<Channel>,
    /// Whether `ByDoubles` gives what `Fused` does, for each element that can come.
    pub(super) sums_fit_doubles: bool,
}

/// `(scale * element - mean) / std` as `(element - middle) * gain + rest`, the last two in one
/// rounding.
///
/// Written as `element * gain + bias`, the formula loses as many digits as the mean is larger than
/// the deviation from it. Here the difference is taken first, which is exact near the mean. `middle`
/// is `mean / scale` and `gain` is `scale / std`, both rounded; `rest` makes up for the rounding of
/// `middle`. Three roundings are left, of the difference, of `gain` and of the result. If the
/// significands of the first two are `d` and `g`, their errors make `(d + g) / 2` units in the last
/// place of a result whose significand is `d * g < 2`, or half of that if it is more: at most 1.5.
/// With half a unit for the result it is two.
#[derive(Clone, Copy)]
pub(super) struct Channel {
    middle: f32,
    gain: f32,
    rest: f32,
}

impl Channel {
    /// And whether `ByDoubles` gives what `Fused` does, for whole numbers up to `largest` or, without
    /// one, for every element.
    pub(super) fn new(scale: f32, mean: f32, std: f32, largest: Option<f64>) -> (Self, bool) {
        let [scale, mean, std] = [scale, mean, std].map(f64::from);
        let (exact_middle, exact_gain) = (mean / scale, scale / std);
        let (mut middle, gain) = (exact_middle as f32, exact_gain as f32);
        let mut rest = (f64::from(middle) - exact_middle) * exact_gain;
        if !middle.is_finite() {
            // No scale, or a mean far from every element: there is no difference to be careful with.
            (middle, rest) = (0.0, -mean / std);
        }
        let mut fits = rest == 0.0;
        if let Some(largest) = largest {
            // The last bit of a double as large as a result can be. A sum has no bit below it if
            // `rest` has none: a product has 48 bits, and is larger than `rest` or zero.
            let most = (largest + exact_middle.abs()) * exact_gain.abs();
            let unit =
                f64::from_bits(most.to_bits() & f64::INFINITY.to_bits()) * 2.0 * f64::EPSILON;
            let rounded = (rest / unit).round() * unit;
            // Only where no result notices.
            let nearest = (exact_middle - exact_middle.round()) * exact_gain;
            if (rounded - rest).abs() <= nearest.abs() * 0.5f64.powi(28) {
                (rest, fits) = (rounded, true);
            }
        }
        let rest = rest as f32;
        let channel = Self {
            middle,
            gain,
            // Added to a zero of either sign, minus zero leaves it as it is.
            rest: if rest == 0.0 { -0.0 } else { rest },
        };
        (channel, fits)
    }

    #[inline(always)]
    pub(super) fn of<A: MulAdd>(self, element: f32) -> f32 {
        A::mul_add(element - self.middle, self.gain, self.rest)
    }
}

/// `a * b + c` with one rounding, in one of three ways that all give the same.
pub(super) trait MulAdd {
    fn mul_add(a: f32, b: f32, c: f32) -> f32;
}

/// The instruction. Without one, this calls a function for each element.
pub(super) struct Fused;

impl MulAdd for Fused {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

/// In doubles, where their sum is exact. The product of two floats always is.
pub(super) struct ByDoubles;

impl MulAdd for ByDoubles {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        (f64::from(a) * f64::from(b) + f64::from(c)) as f32
    }
}

/// In doubles whose sum is rounded to odd: a last bit that says "and a little more" keeps the
/// second rounding from taking what is close to the middle between two floats for the middle.
pub(super) struct ByOddDoubles;

impl MulAdd for ByOddDoubles {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        let (product, c) = (f64::from(a) * f64::from(b), f64::from(c));
        let sum = product + c;
        // What the sum lacks, exactly; NaN if it is infinite.
        let rest = sum - product;
        let lacks = (product - (sum - rest)) + (c - rest);
        let bits = sum.to_bits();
        let toward_zero = (lacks.to_bits() ^ bits) >> 63;
        let next = bits.wrapping_add(1).wrapping_sub(2 * toward_zero);
        let is_even = bits & 1 == 0;
        f64::from_bits(if lacks.abs() > 0.0 && is_even {
            next
        } else {
            bits
        }) as f32
    }
}

impl Channels {
    /// For an image of `shape`.
    pub(crate) fn new<T>(
        shape: &[usize; 3],
        scale: f32,
        mean: &[f32],
        std: &[f32],
    ) -> Result<Self, TensorError> {
        let count = shape[2];
        if mean.len() != count || std.len() != count {
            let (means, stds) = (mean.len(), std.len());
            let mut what = format!(
                "{means} means and {stds} deviations were given for the {count} channels of shape \
                 {shape:?}; [H, W, C] is expected, and one of each per channel"
            );
            if means == stds && means == shape[0] {
                what += ": `permute_axes([1, 2, 0])` makes it of [C, H, W]";
            }
            return Err(TensorError::DimensionMismatch(what));
        }
        let largest = match Plain::of::<T>() {
            Some(Plain::Bool | Plain::U8 | Plain::I8) => Some(f64::from(u8::MAX)),
            Some(Plain::U16 | Plain::I16) => Some(f64::from(u16::MAX)),
            _ => None,
        };
        let mut sums_fit_doubles = true;
        let channels = mean.iter().zip(std).enumerate();
        let channels = channels.map(|(channel, (&mean, &std))| {
            if std == 0.0 || !std.is_finite() {
                return Err(TensorError::UnsupportedOperation(format!(
                    "deviation {std} of channel {channel} divides nothing; pass 1 to leave it"
                )));
            }
            let (channel, fits) = Channel::new(scale, mean, std, largest);
            sums_fit_doubles &= fits;
            Ok(channel)
        });
        let channels = channels.collect::<Result<_, _>>()?;
        Ok(Self {
            channels,
            sums_fit_doubles,
        })
    }
}
