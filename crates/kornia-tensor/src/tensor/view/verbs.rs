//! The verbs that [`TensorView`] alone has: they repeat elements.

#![forbid(unsafe_code)]

use super::TensorView;
use crate::error::{self, TensorError};
use crate::layout::rank::{Nat, Succ};
use crate::layout::verb;

/// Verbs that repeat elements: O(1), the result lives as long as the data. They exist on views
/// alone, because nothing that owns or writes elements reaches one by several indices.
impl<'a, T, const N: usize> TensorView<'a, T, N> {
    /// The elements repeated along axes of length 1 and along new leading axes.
    ///
    /// Exists on views alone: the result reaches one element by several indices.
    ///
    /// # Errors
    ///
    /// `NotBroadcastable` unless, counted from the last axis, lengths are equal or 1.
    ///
    /// ```
    /// use kornia_tensor::{Tensor, TensorView};
    ///
    /// let image = Tensor::<f32, 3>::full([4, 5, 3], 1.0);
    /// let mean = [0.1, 0.2, 0.3];
    /// let mean = TensorView::from_slice([3], &mean)?.broadcast_to([4, 5, 3])?;
    /// let centred = image.zip_with(mean, |pixel, mean| pixel - mean)?;
    /// assert_eq!(centred[[3, 4, 2]], 1.0 - 0.3);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[doc(alias = "expand")]
    #[doc(alias = "repeat")]
    #[inline]
    pub fn broadcast_to<const M: usize>(
        self,
        shape: [usize; M],
    ) -> Result<TensorView<'a, T, M>, TensorError> {
        self.try_repeat(verb::broadcast_to(shape))
    }

    /// Every window of `size` neighbours along an axis, as a new last axis.
    ///
    /// That axis shrinks to the number of windows. Exists on views alone: windows overlap.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds, `size` is 0, or the axis is shorter than `size`.
    ///
    /// ```
    /// use kornia_tensor::TensorView;
    ///
    /// let row = [1, 2, 3, 4];
    /// let windows = TensorView::from_slice([4], &row)?.windows(0, 3);
    /// assert_eq!(windows.shape(), &[2, 3]);
    /// assert_eq!(windows.to_vec(), [1, 2, 3, 2, 3, 4]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[doc(alias = "unfold")]
    #[doc(alias = "sliding_window_view")]
    #[inline]
    #[track_caller]
    pub fn windows<const M: usize>(self, axis: usize, size: usize) -> TensorView<'a, T, M>
    where
        Nat<N>: Succ<Next = Nat<M>>,
    {
        error::expect(self.try_windows(axis, size))
    }

    /// As [`windows`](Self::windows).
    ///
    /// # Errors
    ///
    /// `AxisOutOfBounds`, `ZeroLength`, `WindowTooLong`, or `ShapeOverflow` if there would be more
    /// than `isize::MAX` elements.
    #[inline]
    pub fn try_windows<const M: usize>(
        self,
        axis: usize,
        size: usize,
    ) -> Result<TensorView<'a, T, M>, TensorError>
    where
        Nat<N>: Succ<Next = Nat<M>>,
    {
        self.try_repeat(verb::windows(axis, size))
    }
}
