//! How elements of each type are added up.

#![forbid(unsafe_code)]

/// A number whose sums this crate knows how to take: every integer, `f32` and `f64`.
///
/// Implemented here alone.
///
/// | elements | [`Sum`](Self::Sum) |
/// |---|---|
/// | `u8`, `u16`, `u32` | `u64` |
/// | `i8`, `i16`, `i32` | `i64` |
/// | `u64`, `usize` | `u128` |
/// | `i64`, `isize` | `i128` |
/// | `f32`, `f64` | the same, from a sum in `f64`; with compensation, unless it is along an axis |
///
/// More than 2^32 elements of 32 bits may have a sum beyond 64 bits, which becomes the largest (or
/// smallest) there is; nothing wraps around.
pub trait Summand: Adding {
    /// The type of a sum.
    type Sum: Clone;

    /// Rounds a total.
    #[doc(hidden)]
    fn sum_of(total: Self::Total) -> Self::Sum;

    /// Rounds a column.
    #[doc(hidden)]
    fn sum_of_column(column: Self::Column) -> Self::Sum;

    /// The mean of that many elements.
    #[doc(hidden)]
    fn mean_of(total: Self::Total, count: usize) -> f64;
}

/// The three steps of a sum: elements are added to lanes, as narrow as will do for a stretch; lanes
/// are collected in a total; a total is rounded to a sum.
pub trait Adding: Copy {
    /// Holds [`STRETCH`](Self::STRETCH) elements.
    #[doc(hidden)]
    type Lane: Copy;
    /// Holds everything.
    #[doc(hidden)]
    type Total: Copy;
    /// As a total, where there is one for each lane.
    #[doc(hidden)]
    type Column: Copy;
    /// How many elements a lane can take.
    #[doc(hidden)]
    const STRETCH: usize;
    #[doc(hidden)]
    const ZERO: Self::Lane;
    #[doc(hidden)]
    const NOTHING: Self::Total;
    #[doc(hidden)]
    const NO_COLUMN: Self::Column;

    /// Adds an element to a lane.
    #[doc(hidden)]
    fn add(lane: Self::Lane, element: Self) -> Self::Lane;

    /// Adds lanes to a total; `None` if one of them has overflowed.
    #[doc(hidden)]
    fn collect(total: Self::Total, lanes: &[Self::Lane]) -> Option<Self::Total>;

    /// Adds elements to a total one by one, when lanes have overflowed.
    #[doc(hidden)]
    fn slowly(total: Self::Total, elements: impl Iterator<Item = Self>) -> Self::Total;

    /// The total of both.
    #[doc(hidden)]
    fn join(total: Self::Total, other: Self::Total) -> Self::Total;

    /// The total of that many times the same elements.
    #[doc(hidden)]
    fn times(total: Self::Total, count: usize) -> Self::Total;

    /// Whether a lane has not overflowed.
    #[doc(hidden)]
    fn fits(lane: Self::Lane) -> bool;

    /// Adds a lane to its column.
    #[doc(hidden)]
    fn widen(column: Self::Column, lane: Self::Lane) -> Self::Column;

    /// Adds an element to a column, when lanes have overflowed.
    #[doc(hidden)]
    fn add_slowly(column: Self::Column, element: Self) -> Self::Column;
}

/// A sum with what its roundings have lost (A. Neumaier, Rundungsfehleranalyse einiger Verfahren
/// zur Summation endlicher Summen, ZAMM 54, 1974).
#[derive(Clone, Copy, Debug)]
pub struct Compensated {
    sum: f64,
    lost: f64,
}

impl Compensated {
    const ZERO: Self = Self {
        sum: 0.0,
        lost: 0.0,
    };

    #[inline(always)]
    fn add(self, value: f64) -> Self {
        let sum = self.sum + value;
        let lost = if self.sum.abs() >= value.abs() {
            (self.sum - sum) + value
        } else {
            (value - sum) + self.sum
        };
        Self {
            sum,
            lost: self.lost + lost,
        }
    }

    fn join(self, other: Self) -> Self {
        let Self { sum, lost } = self.add(other.sum);
        Self {
            sum,
            lost: lost + other.lost,
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "as precise as the sum")]
    fn times(self, count: usize) -> Self {
        let count = count as f64;
        Self {
            sum: self.sum * count,
            lost: self.lost * count,
        }
    }

    fn value(self) -> f64 {
        // Infinities and NaN have lost nothing that could be said.
        if self.sum.is_finite() {
            self.sum + self.lost
        } else {
            self.sum
        }
    }
}

macro_rules! integers {
    ($($element:ty, $lane:ty, $stretch:expr, $total:ty, $sum:ty;)*) => { $(
        impl Adding for $element {
            type Lane = $lane;
            type Total = $total;
            type Column = $total;
            const STRETCH: usize = $stretch;
            const ZERO: $lane = 0;
            const NOTHING: $total = 0;
            const NO_COLUMN: $total = 0;

            #[inline(always)]
            fn add(lane: $lane, element: Self) -> $lane {
                // Cannot overflow in a stretch; saying so keeps the check out of the loop.
                lane.wrapping_add(element as $lane)
            }

            #[inline(always)]
            fn collect(total: $total, lanes: &[$lane]) -> Option<$total> {
                Some(lanes.iter().fold(total, |total, &lane| total + lane as $total))
            }

            fn slowly(total: $total, elements: impl Iterator<Item = Self>) -> $total {
                elements.fold(total, |total, element| total + element as $total)
            }

            fn join(total: $total, other: $total) -> $total {
                total + other
            }

            fn times(total: $total, count: usize) -> $total {
                // Counts of elements fit `isize`.
                total.saturating_mul(count as $total)
            }

            #[inline(always)]
            fn fits(_: $lane) -> bool {
                true
            }

            #[inline(always)]
            fn widen(column: $total, lane: $lane) -> $total {
                column + lane as $total
            }

            fn add_slowly(column: $total, element: Self) -> $total {
                column + element as $total
            }
        }

        impl Summand for $element {
            type Sum = $sum;

            #[inline(always)]
            #[allow(trivial_numeric_casts, reason = "not trivial for every type")]
            fn sum_of(total: $total) -> $sum {
                total.clamp(<$sum>::MIN as $total, <$sum>::MAX as $total) as $sum
            }

            #[inline(always)]
            fn sum_of_column(column: $total) -> $sum {
                Self::sum_of(column)
            }

            fn mean_of(total: $total, count: usize) -> f64 {
                total as f64 / count as f64
            }
        }
    )* };
}

integers! {
    u8, u16, 256, u64, u64;
    i8, i16, 256, i64, i64;
    u16, u32, 1 << 12, u64, u64;
    i16, i32, 1 << 12, i64, i64;
    u32, u64, 1 << 12, u128, u64;
    i32, i64, 1 << 12, i128, i64;
    u64, u128, 1 << 12, u128, u128;
    i64, i128, 1 << 12, i128, i128;
    usize, u128, 1 << 12, u128, u128;
    isize, i128, 1 << 12, i128, i128;
}

impl Adding for f32 {
    type Lane = f32;
    type Total = Compensated;
    type Column = f64;
    const STRETCH: usize = 64;
    const ZERO: f32 = 0.0;
    const NOTHING: Compensated = Compensated::ZERO;
    const NO_COLUMN: f64 = 0.0;

    #[inline(always)]
    fn add(lane: f32, element: f32) -> f32 {
        lane + element
    }

    #[inline(always)]
    fn collect(total: Compensated, lanes: &[f32]) -> Option<Compensated> {
        let mut parts = [0.0; 8];
        for (at, &lane) in lanes.iter().enumerate() {
            parts[at % 8] += f64::from(lane);
        }
        let sum: f64 = parts.iter().sum();
        sum.is_finite().then(|| total.add(sum))
    }

    fn slowly(total: Compensated, elements: impl Iterator<Item = f32>) -> Compensated {
        elements.fold(total, |total, element| total.add(f64::from(element)))
    }

    fn join(total: Compensated, other: Compensated) -> Compensated {
        total.join(other)
    }

    fn times(total: Compensated, count: usize) -> Compensated {
        total.times(count)
    }

    #[inline(always)]
    fn fits(lane: f32) -> bool {
        lane.is_finite()
    }

    #[inline(always)]
    fn widen(column: f64, lane: f32) -> f64 {
        column + f64::from(lane)
    }

    fn add_slowly(column: f64, element: f32) -> f64 {
        column + f64::from(element)
    }
}

impl Summand for f32 {
    type Sum = f32;

    #[inline(always)]
    fn sum_of_column(column: f64) -> f32 {
        #[allow(clippy::cast_possible_truncation, reason = "rounded, as announced")]
        let sum = column as f32;
        sum
    }

    fn sum_of(total: Compensated) -> f32 {
        #[allow(clippy::cast_possible_truncation, reason = "rounded, as announced")]
        let sum = total.value() as f32;
        sum
    }

    fn mean_of(total: Compensated, count: usize) -> f64 {
        total.value() / count as f64
    }
}

impl Adding for f64 {
    type Lane = f64;
    type Total = Compensated;
    type Column = f64;
    const STRETCH: usize = 64;
    const ZERO: f64 = 0.0;
    const NOTHING: Compensated = Compensated::ZERO;
    const NO_COLUMN: f64 = 0.0;

    #[inline(always)]
    fn add(lane: f64, element: f64) -> f64 {
        lane + element
    }

    #[inline(always)]
    fn collect(total: Compensated, lanes: &[f64]) -> Option<Compensated> {
        let sum = lanes
            .iter()
            .fold(Compensated::ZERO, |sum, &lane| sum.add(lane));
        Some(total.add(sum.value()))
    }

    fn slowly(total: Compensated, elements: impl Iterator<Item = f64>) -> Compensated {
        elements.fold(total, Compensated::add)
    }

    fn join(total: Compensated, other: Compensated) -> Compensated {
        total.join(other)
    }

    fn times(total: Compensated, count: usize) -> Compensated {
        total.times(count)
    }

    #[inline(always)]
    fn fits(lane: f64) -> bool {
        lane.is_finite()
    }

    #[inline(always)]
    fn widen(column: f64, lane: f64) -> f64 {
        column + lane
    }

    fn add_slowly(column: f64, element: f64) -> f64 {
        column + element
    }
}

impl Summand for f64 {
    type Sum = f64;

    #[inline(always)]
    fn sum_of_column(column: f64) -> f64 {
        column
    }

    fn sum_of(total: Compensated) -> f64 {
        total.value()
    }

    fn mean_of(total: Compensated, count: usize) -> f64 {
        total.value() / count as f64
    }
}
