//! The loops of sums along an axis: over lanes, one for each place of the result.

use std::marker::PhantomData;

use super::summand::Summand;
use crate::engine::wide::Kernel;

/// Adds the elements of planes, side by side in each, to their lanes.
pub(super) struct Planes<'a, T: Summand> {
    lanes: &'a mut [T::Lane],
    /// Invariant of `Planes`: from here on, and from each of the `planes` addresses `stride` apart, as
    /// many initialised elements as there are lanes may be read, and nobody writes them, during `'a`.
    first: *const T,
    planes: usize,
    stride: isize,
    elements: PhantomData<&'a [T]>,
}

impl<'a, T: Summand> Planes<'a, T> {
    /// # Safety
    ///
    /// From `first` on, and from each of the `planes` addresses `stride` elements apart, as many
    /// initialised elements as there are lanes may be read, and nobody writes them, during `'a`.
    #[inline(always)]
    pub(super) unsafe fn new(
        lanes: &'a mut [T::Lane],
        first: *const T,
        planes: usize,
        stride: isize,
    ) -> Self {
        Self {
            lanes,
            first,
            planes,
            stride,
            elements: PhantomData,
        }
    }

    /// The elements of one of the planes.
    ///
    /// # Safety
    ///
    /// There is such a plane: `plane < self.planes`.
    #[inline(always)]
    unsafe fn plane(&self, plane: usize) -> &'a [T] {
        let first = self
            .first
            .wrapping_offset(plane.cast_signed() * self.stride);
        // SAFETY: the plane is there by the caller's promise, and so many elements may be read from its
        // address on (the invariant of `Planes`).
        unsafe { std::slice::from_raw_parts(first, self.lanes.len()) }
    }
}

impl<T: Summand> Kernel for Planes<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        // Four at a time, for the lanes to be fetched less often.
        let mut plane = 0;
        while plane + 4 <= self.planes {
            // SAFETY: the last of the four is `plane + 3 < planes`.
            let [a, b, c, d] = [0, 1, 2, 3].map(|ahead| unsafe { self.plane(plane + ahead) });
            for (at, lane) in self.lanes.iter_mut().enumerate() {
                *lane = T::add(T::add(T::add(T::add(*lane, a[at]), b[at]), c[at]), d[at]);
            }
            plane += 4;
        }
        for plane in plane..self.planes {
            // SAFETY: the range ends with the planes that there are.
            let elements = unsafe { self.plane(plane) };
            for (lane, &element) in self.lanes.iter_mut().zip(elements) {
                *lane = T::add(*lane, element);
            }
        }
    }
}

/// Sets each lane to the sum of a pixel of `C` elements.
pub(super) struct Pixels<'a, T: Summand, const C: usize> {
    pub(super) lanes: &'a mut [T::Lane],
    /// As many as there are lanes.
    pub(super) pixels: &'a [[T; C]],
}

impl<T: Summand, const C: usize> Kernel for Pixels<'_, T, C> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (lane, pixel) in self.lanes.iter_mut().zip(self.pixels) {
            *lane = pixel
                .iter()
                .fold(T::ZERO, |sum, &element| T::add(sum, element));
        }
    }
}

/// Whether no lane has overflowed.
pub(super) struct Fits<'a, T: Summand>(pub(super) &'a [T::Lane]);

impl<T: Summand> Kernel for Fits<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        self.0.iter().fold(true, |fits, &lane| fits & T::fits(lane))
    }
}

/// Adds lanes to columns.
pub(super) struct Widen<'a, T: Summand>(pub(super) &'a mut [T::Column], pub(super) &'a [T::Lane]);

impl<T: Summand> Kernel for Widen<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (column, &lane) in self.0.iter_mut().zip(self.1) {
            *column = T::widen(*column, lane);
        }
    }
}
