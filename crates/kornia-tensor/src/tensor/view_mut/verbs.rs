//! The verbs that do not use a [`TensorViewMut`] up.

#![forbid(unsafe_code)]

use super::TensorViewMut;
use crate::layout::rank::{Nat, Pred};
use crate::layout::slice::SliceSpec;

/// Verbs for a while: O(1), the result borrows this view.
impl<T, const N: usize> TensorViewMut<'_, T, N> {
    /// As [`slice`](Self::slice), without giving up this view.
    ///
    /// # Panics
    ///
    /// If an index or a range is out of bounds.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let mut image = Tensor::<u8, 3>::zeros([8, 8, 3]);
    /// let mut canvas = image.view_mut();
    /// canvas.slice_mut([2..4, 0..8]).fill(1);
    /// canvas.slice_mut((.., 5, 0)).fill(2);
    /// assert_eq!((image[[3, 5, 0]], image[[3, 5, 1]]), (2, 1));
    /// ```
    #[inline]
    #[track_caller]
    pub fn slice_mut<S, const M: usize>(&mut self, spec: S) -> TensorViewMut<'_, T, M>
    where
        S: SliceSpec<N, M>,
    {
        self.reborrow().slice(spec)
    }

    /// As [`split_at`](Self::split_at), without giving up this view.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds or `index` is larger than its length.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let mut image = Tensor::<u8, 2>::zeros([4, 8]);
    /// let mut view = image.view_mut();
    /// let (mut left, mut right) = view.split_at_mut(1, 3); // columns interleave in memory
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| left.fill(1));
    ///     scope.spawn(|| right.fill(2));
    /// });
    /// assert_eq!(image.view().slice((3, ..)).to_vec(), [1, 1, 1, 2, 2, 2, 2, 2]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn split_at_mut(
        &mut self,
        axis: usize,
        index: usize,
    ) -> (TensorViewMut<'_, T, N>, TensorViewMut<'_, T, N>) {
        self.reborrow().split_at(axis, index)
    }

    /// As [`chunks`](Self::chunks), without giving up this view.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds or `size` is 0.
    #[track_caller]
    pub fn axis_chunks_mut(
        &mut self,
        axis: usize,
        size: usize,
    ) -> impl DoubleEndedIterator<Item = TensorViewMut<'_, T, N>> + ExactSizeIterator {
        self.reborrow().chunks(axis, size)
    }

    /// As [`axis_iter`](Self::axis_iter), without giving up this view.
    ///
    /// # Panics
    ///
    /// If the axis is out of bounds.
    #[track_caller]
    pub fn axis_iter_mut<const M: usize>(
        &mut self,
        axis: usize,
    ) -> impl DoubleEndedIterator<Item = TensorViewMut<'_, T, M>> + ExactSizeIterator
    where
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        self.reborrow().axis_iter(axis)
    }
}
