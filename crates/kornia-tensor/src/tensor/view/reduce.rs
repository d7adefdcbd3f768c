//! What brings many elements down to few.

#![forbid(unsafe_code)]

use super::TensorView;
use crate::Tensor;
use crate::engine::compute::reduce::{self, Summand};
use crate::error::{self, TensorError};
use crate::layout::rank::{Nat, Pred};
use crate::tensor::fresh;

/// Reducing. O(n), one pass whatever the strides.
impl<'a, T, const N: usize> TensorView<'a, T, N> {
    /// Folds the elements in row-major order. O(n).
    #[inline]
    pub fn fold<B, F>(self, init: B, f: F) -> B
    where
        F: FnMut(B, &'a T) -> B,
    {
        self.iter().fold(init, f)
    }

    /// The sum of all elements, in a type that holds it: `u64` and `i64` for smaller integers,
    /// 128 bits for those. O(n); 0 if there is none.
    ///
    /// Floats are added in short stretches first, and those sums in `f64` with compensation, so
    /// that the result is as good as its type: 40 million ones add up to 40 million in `f32` too.
    /// The order depends on the layout alone, so the result is the same on every machine, and
    /// however many [threads](crate#several-threads) there are. What
    /// [`broadcast_to`](Self::broadcast_to) repeats is added up once and multiplied.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let image = Tensor::<u8, 3>::full([480, 640, 3], 255);
    /// assert_eq!(image.view().sum(), 255 * 480 * 640 * 3); // no overflow
    /// assert_eq!(Tensor::<f32, 1>::full([20_000_000], 1.0).view().sum(), 2e7);
    /// ```
    #[must_use]
    pub fn sum(self) -> T::Sum
    where
        T: Summand,
    {
        let (once, times) = self.once();
        T::sum_of(T::times(reduce::total(once.source()), times))
    }

    /// The mean of all elements; `None` if there is none. O(n), in the accuracy of `f64`.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let image = Tensor::from_shape_vec([2, 2], vec![0u8, 1, 2, 255])?;
    /// assert_eq!(image.view().mean_value(), Some(64.5));
    /// assert_eq!(image.view().slice((..0, ..)).mean_value(), None);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[must_use]
    pub fn mean_value(self) -> Option<f64>
    where
        T: Summand,
    {
        // Repeating all of them the same number of times makes no other mean.
        let (once, _) = self.once();
        match once.numel() {
            0 => None,
            count => Some(T::mean_of(reduce::total(once.source()), count)),
        }
    }

    /// The smallest and the largest element. O(n). Elements that are not equal to themselves (NaN)
    /// do not count; `None` if no other is there.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let depth = Tensor::from_slice(&[f32::NAN, 0.5, 4.0, f32::NAN])?;
    /// assert_eq!(depth.view().min_max(), Some((0.5, 4.0)));
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[must_use]
    pub fn min_max(self) -> Option<(T, T)>
    where
        T: PartialOrd + Copy,
    {
        reduce::min_max(self.once().0.source())
    }

    /// The sums along one axis, which goes. O(n).
    ///
    /// Integers do not overflow, as in [`sum`](Self::sum). Floats are added in their own type, 64 at most,
    /// and those sums in `f64`, without the compensation that [`sum`](Self::sum) has.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds, or there is no memory for the result; see
    /// [`try_sum_axis`](Self::try_sum_axis).
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let image = Tensor::<u8, 3>::full([480, 640, 3], 100); // [H, W, C]
    /// let columns = image.view().sum_axis(0);
    /// assert_eq!(columns, Tensor::full([640, 3], 48_000u64));
    /// ```
    #[track_caller]
    pub fn sum_axis<const M: usize>(self, axis: usize) -> Tensor<T::Sum, M>
    where
        T: Summand,
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        error::expect(self.try_sum_axis(axis))
    }

    /// As [`sum_axis`](Self::sum_axis).
    ///
    /// # Errors
    ///
    /// `AxisOutOfBounds`, `OutOfMemory`.
    pub fn try_sum_axis<const M: usize>(self, axis: usize) -> Result<Tensor<T::Sum, M>, TensorError>
    where
        T: Summand,
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        self.layout().len_of(axis)?;
        fresh(*self.layout().without(axis).shape(), None, |out| {
            reduce::sum_axis(out, self.source(), axis);
        })
    }

    /// The elements without what `broadcast_to` repeats, and how often they are repeated.
    fn once(self) -> (Self, usize) {
        let (mut once, mut times) = (self, 1);
        for axis in 0..N {
            let len = self.shape()[axis];
            if self.strides()[axis] == 0 && len > 1 {
                once = error::expect(once.try_narrow(axis, 0..1));
                times *= len; // L1: their product fits
            }
        }
        (once, times)
    }
}
