//! What reads elements: written once here, by value, for views of any layout.

use super::{TensorView, not_contiguous};
use crate::copy;
use crate::error::{self, TensorError};
use crate::iter::{IndexedIter, Iter, Rows};
use crate::tensor::fresh;
use crate::{Layout, Tensor};

/// Iterators.
impl<'a, T, const N: usize> TensorView<'a, T, N> {
    /// The elements in row-major order.
    #[inline]
    pub fn iter(self) -> Iter<'a, T, N> {
        Iter::new(self)
    }

    /// The elements with their indices, in row-major order.
    #[inline]
    pub fn indexed_iter(self) -> IndexedIter<'a, T, N> {
        IndexedIter::new(self)
    }

    /// One slice per index of the first axis: of `[H, W, C]` the H rows of `W * C` elements. A
    /// view of rank 0 or 1 is one row.
    ///
    /// # Panics
    ///
    /// If the axes after the first are not contiguous. A crop of `[H, W, C]` has them so.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let image = Tensor::<u8, 3>::from_shape_fn([4, 4, 3], |[y, x, c]| (y * 16 + x * 4 + c) as u8);
    /// let crop = image.view().slice((1..3, 2..4, ..));
    /// let rows: Vec<&[u8]> = crop.rows().collect();
    /// assert_eq!(rows, [[24, 25, 26, 28, 29, 30], [40, 41, 42, 44, 45, 46]]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn rows(self) -> Rows<'a, T> {
        error::expect(self.try_rows())
    }

    /// As [`rows`](Self::rows).
    ///
    /// # Errors
    ///
    /// `NotContiguous`.
    #[inline]
    pub fn try_rows(self) -> Result<Rows<'a, T>, TensorError> {
        Rows::new(self).ok_or_else(|| not_contiguous(self.layout()))
    }
}

/// Computing. Results are fresh tensors in standard layout and ordinary host memory; each
/// element is written once. Running out of memory for them panics.
impl<'a, T, const N: usize> TensorView<'a, T, N> {
    /// A tensor of `f` of each element. O(n), one pass whatever the strides.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let image = Tensor::from_shape_vec([1, 2, 3], vec![0u8, 51, 102, 153, 204, 255])?;
    /// let chw = image.view().permute_axes([2, 0, 1])?.map(|&p| f32::from(p) / 255.0);
    /// assert_eq!(chw.as_slice(), [0.0, 0.6, 0.2, 0.8, 0.4, 1.0]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[track_caller]
    pub fn map<U, F>(self, mut f: F) -> Tensor<U, N>
    where
        F: FnMut(&T) -> U,
    {
        error::expect(fresh(*self.shape(), None, |out| {
            // SAFETY: the view has as many elements as the shape asks for.
            self.iter()
                .for_each(|element| unsafe { out.push_unchecked(f(element)) });
        }))
    }

    /// A tensor of `f` of each pair of elements. O(n).
    ///
    /// # Errors
    ///
    /// `DimensionMismatch` unless the shapes are equal; [`broadcast_to`](Self::broadcast_to)
    /// stretches the smaller one.
    #[track_caller]
    pub fn zip_with<'b, U, V, F>(
        self,
        other: impl Into<TensorView<'b, U, N>>,
        mut f: F,
    ) -> Result<Tensor<V, N>, TensorError>
    where
        U: 'b,
        F: FnMut(&T, &U) -> V,
    {
        let other = other.into();
        check_shape(self.layout(), other.layout())?;
        fresh(*self.shape(), None, |out| {
            let pairs = self.iter().zip(other.iter());
            // SAFETY: no more pairs than the shape asks for.
            pairs.for_each(|(a, b)| unsafe { out.push_unchecked(f(a, b)) });
        })
    }

    /// A tensor of the elements converted with `From`. O(n).
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let t = Tensor::from_slice(&[1u8, 2, 3])?.cast::<f32>();
    /// assert_eq!(t.as_slice(), [1.0, 2.0, 3.0]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[track_caller]
    pub fn cast<U>(self) -> Tensor<U, N>
    where
        U: From<T>,
        T: Clone,
    {
        self.map(|element| U::from(element.clone()))
    }

    /// Folds the elements in row-major order. O(n).
    #[inline]
    pub fn fold<B, F>(self, init: B, f: F) -> B
    where
        F: FnMut(B, &'a T) -> B,
    {
        self.iter().fold(init, f)
    }

    /// A tensor with clones of the elements. O(n).
    ///
    /// # Panics
    ///
    /// If there is no memory for it.
    #[track_caller]
    pub fn to_tensor(self) -> Tensor<T, N>
    where
        T: Clone,
    {
        error::expect(self.try_to_tensor())
    }

    /// As [`to_tensor`](Self::to_tensor).
    ///
    /// # Errors
    ///
    /// `OutOfMemory`.
    pub fn try_to_tensor(self) -> Result<Tensor<T, N>, TensorError>
    where
        T: Clone,
    {
        copy::to_tensor(self, None)
    }

    /// A `Vec` with clones of the elements in row-major order. O(n).
    ///
    /// # Panics
    ///
    /// If there is no memory for it.
    #[track_caller]
    pub fn to_vec(self) -> Vec<T>
    where
        T: Clone,
    {
        self.to_tensor().into_vec()
    }

    /// Whether `f` holds for each pair of elements; `false` if the shapes differ.
    #[inline]
    pub(crate) fn all_pairs<U>(
        self,
        other: TensorView<'_, U, N>,
        mut f: impl FnMut(&T, &U) -> bool,
    ) -> bool {
        self.shape() == other.shape() && self.iter().zip(other.iter()).all(|(a, b)| f(a, b))
    }
}

/// `Err` unless two layouts have the same shape.
#[inline]
pub(crate) fn check_shape<const N: usize>(
    expected: &Layout<N>,
    found: &Layout<N>,
) -> Result<(), TensorError> {
    if expected.shape() != found.shape() {
        return Err(TensorError::DimensionMismatch {
            expected: (*expected.shape()).into(),
            found: (*found.shape()).into(),
        });
    }
    Ok(())
}

impl<T: PartialEq<U>, U, const N: usize> PartialEq<TensorView<'_, U, N>> for TensorView<'_, T, N> {
    /// Whether shapes and elements are equal, whatever the strides.
    fn eq(&self, other: &TensorView<'_, U, N>) -> bool {
        match (self.contiguous(), other.contiguous()) {
            (Some(a), Some(b)) => self.shape() == other.shape() && a == b,
            _ => self.all_pairs(*other, |a, b| a == b),
        }
    }
}

impl<T: PartialEq<U>, U, const N: usize> PartialEq<Tensor<U, N>> for TensorView<'_, T, N> {
    #[track_caller]
    fn eq(&self, other: &Tensor<U, N>) -> bool {
        *self == other.view()
    }
}

impl<T: PartialEq<U>, U, const N: usize> PartialEq<Tensor<U, N>> for Tensor<T, N> {
    /// Whether shapes and elements are equal, whatever the strides.
    ///
    /// # Panics
    ///
    /// If the host cannot read one of them.
    #[track_caller]
    fn eq(&self, other: &Tensor<U, N>) -> bool {
        self.view() == other.view()
    }
}

impl<T: PartialEq<U>, U, const N: usize> PartialEq<TensorView<'_, U, N>> for Tensor<T, N> {
    #[track_caller]
    fn eq(&self, other: &TensorView<'_, U, N>) -> bool {
        self.view() == *other
    }
}

impl<T: Eq, const N: usize> Eq for TensorView<'_, T, N> {}
impl<T: Eq, const N: usize> Eq for Tensor<T, N> {}
