//! What people type most, on the tensor itself: each is one line, and the view has it documented.

#![forbid(unsafe_code)]

use super::{IterMut, RowsMut, Tensor, TensorView, TensorViewMut};
use crate::Summand;
use crate::error::{self, TensorError};
use crate::layout::rank::{Nat, Pred};
use crate::layout::slice::SliceSpec;

/// Reading, as [`view`](Self::view) does it.
///
/// # Panics
///
/// If the host cannot read the memory, and as the method of the view.
impl<T, const N: usize> Tensor<T, N> {
    /// The sum of all elements; see [`TensorView::sum`]. O(n).
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let mut image = Tensor::<u8, 3>::zeros([4, 6, 3]); // [H, W, C]
    /// image.slice_mut((..2, .., ..)).fill(10);
    /// assert_eq!(image.sum(), 10 * 2 * 6 * 3);
    /// image.fill(2);
    /// assert_eq!((image.mean_value(), image.min_max()), (Some(2.0), Some((2, 2))));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn sum(&self) -> T::Sum
    where
        T: Summand,
    {
        self.view().sum()
    }

    /// The mean of all elements; see [`TensorView::mean_value`]. O(n).
    #[must_use]
    #[track_caller]
    pub fn mean_value(&self) -> Option<f64>
    where
        T: Summand,
    {
        self.view().mean_value()
    }

    /// The smallest and the largest element; see [`TensorView::min_max`]. O(n).
    #[must_use]
    #[track_caller]
    pub fn min_max(&self) -> Option<(T, T)>
    where
        T: PartialOrd + Copy,
    {
        self.view().min_max()
    }

    /// The sums along one axis; see [`TensorView::sum_axis`]. O(n).
    #[track_caller]
    pub fn sum_axis<const M: usize>(&self, axis: usize) -> Tensor<T::Sum, M>
    where
        T: Summand,
        Nat<N>: Pred<Prev = Nat<M>>,
    {
        self.view().sum_axis(axis)
    }

    /// Clones of the elements in row-major order; see [`TensorView::to_vec`]. O(n).
    #[track_caller]
    pub fn to_vec(&self) -> Vec<T>
    where
        T: Clone,
    {
        self.view().to_vec()
    }

    /// Sets each element of `out` to `f` of the one here; see [`TensorView::map_into`]. O(n).
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` unless the shapes are equal; nothing is written then.
    #[track_caller]
    pub fn map_into<'o, U: 'o>(
        &self,
        out: impl Into<TensorViewMut<'o, U, N>>,
        f: impl FnMut(&T) -> U,
    ) -> Result<(), TensorError> {
        self.view().map_into(out, f)
    }

    /// Sets each element of `out` to `f` of those here and in `other`; see
    /// [`TensorView::zip_into`]. O(n).
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` unless the three shapes are equal; nothing is written then.
    #[track_caller]
    pub fn zip_into<'b, 'o, U: 'b, V: 'o>(
        &self,
        other: impl Into<TensorView<'b, U, N>>,
        out: impl Into<TensorViewMut<'o, V, N>>,
        f: impl FnMut(&T, &U) -> V,
    ) -> Result<(), TensorError> {
        self.view().zip_into(other, out, f)
    }
}

/// Preparing images for neural networks.
impl<T: Copy + Into<f32>> Tensor<T, 3> {
    /// Pixels `[H, W, C]` to normalised planes `[C, H, W]`; see
    /// [`TensorView::normalize_to_chw`]. O(n).
    ///
    /// # Panics
    ///
    /// If the host cannot read the memory.
    ///
    /// # Errors
    ///
    /// Those of the view's method.
    #[track_caller]
    pub fn normalize_to_chw(
        &self,
        scale: f32,
        mean: &[f32],
        std: &[f32],
    ) -> Result<Tensor<f32, 3>, TensorError> {
        self.view().normalize_to_chw(scale, mean, std)
    }
}

/// Writing, as [`view_mut`](Self::view_mut) does it: the tensor has to be the sole handle.
///
/// # Panics
///
/// While another handle to the memory exists, or if it may only be read; and as the method of the
/// view.
impl<T, const N: usize> Tensor<T, N> {
    /// Sets every element to a clone of `value`. O(n).
    #[track_caller]
    pub fn fill(&mut self, value: T)
    where
        T: Clone,
    {
        self.view_mut().fill(value);
    }

    /// Sets every element to a clone of the one of `source` at the same index. O(n).
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` unless the shapes are equal; nothing is written then.
    #[track_caller]
    pub fn assign<'b>(&mut self, source: impl Into<TensorView<'b, T, N>>) -> Result<(), TensorError>
    where
        T: Clone + 'b,
    {
        self.view_mut().assign(source)
    }

    /// Calls `f` with each element; see [`TensorViewMut::apply`]. O(n).
    #[track_caller]
    pub fn apply(&mut self, f: impl FnMut(&mut T)) {
        self.view_mut().apply(f);
    }

    /// The element at an index, for writing. O(1), with the check for other handles: in loops, take
    /// [`view_mut`](Self::view_mut) once.
    #[inline]
    #[track_caller]
    pub fn get_mut(&mut self, index: [usize; N]) -> Option<&mut T> {
        self.view_mut().into_mut(index)
    }

    /// Exclusive references to the elements in row-major order.
    #[inline]
    #[track_caller]
    pub fn iter_mut(&mut self) -> IterMut<'_, T, N> {
        self.view_mut().into_iter()
    }

    /// One exclusive slice per index of the first axis; see [`TensorView::rows`].
    ///
    /// # Panics
    ///
    /// Also if the axes after the first are not contiguous.
    #[inline]
    #[track_caller]
    pub fn rows_mut(&mut self) -> RowsMut<'_, T> {
        let layout = self.layout();
        let rows = RowsMut::new(self.view_mut());
        error::expect(rows.ok_or_else(|| super::view::not_contiguous(&layout)))
    }

    /// A part of the tensor, for writing; see [`TensorViewMut::slice`]. O(1).
    #[inline]
    #[track_caller]
    pub fn slice_mut<S, const M: usize>(&mut self, spec: S) -> TensorViewMut<'_, T, M>
    where
        S: SliceSpec<N, M>,
    {
        self.view_mut().slice(spec)
    }
}
