//! What reads elements: written once here, by value, for views of any layout.

#![forbid(unsafe_code)]

use super::{TensorView, copy, not_contiguous};
use crate::engine::compute::{self, Outcome};
use crate::error::{self, TensorError};
use crate::storage::{AllocHandle, StorageBuilder, normalize};
use crate::tensor::fresh;
use crate::tensor::iter::{IndexedIter, Iter, Rows};
use crate::{Layout, Tensor, TensorViewMut};

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
    /// If a row is not contiguous. The rows of a crop of `[H, W, C]` are.
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

/// Computing. Results are fresh, contiguous tensors in ordinary host memory; each
/// element is written once. Running out of memory for them panics.
impl<'a, T, const N: usize> TensorView<'a, T, N> {
    /// A tensor of `f` of each element. O(n), one pass whatever the strides.
    ///
    /// `f` is called once per element, in the order that suits the memory, and for numbers over
    /// [a copy](crate#computing) of the element where that is faster.
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
    pub fn map<U, F>(self, f: F) -> Tensor<U, N>
    where
        F: FnMut(&T) -> U,
    {
        error::expect(fresh(*self.shape(), None, |out| map_to(out, self, f)))
    }

    /// Sets each element of `out` to `f` of the one at the same index. O(n), no allocation;
    /// order as for [`map`](Self::map).
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` unless the shapes are equal; nothing is written then.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let frame = Tensor::<u8, 2>::full([2, 3], 51);
    /// let mut batch = Tensor::<f32, 3>::zeros([4, 2, 3]);
    /// frame.view().map_into(batch.view_mut().select(0, 1), |&p| f32::from(p) / 255.0)?;
    /// assert_eq!(batch.slice((1, .., ..)), Tensor::full([2, 3], 0.2));
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    pub fn map_into<'o, U, F>(
        self,
        out: impl Into<TensorViewMut<'o, U, N>>,
        f: F,
    ) -> Result<(), TensorError>
    where
        U: 'o,
        F: FnMut(&T) -> U,
    {
        let out = out.into();
        check_shape(self.layout(), out.layout())?;
        map_onto(out, self, f);
        Ok(())
    }

    /// A tensor of `f` of each pair of elements. O(n), one pass; order as for [`map`](Self::map).
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` unless the shapes are equal; [`broadcast_to`](Self::broadcast_to)
    /// stretches the smaller one.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let image = Tensor::<f32, 3>::full([2, 2, 3], 0.5);
    /// let gain = Tensor::from_slice(&[1.0, 2.0, 4.0])?; // per channel
    /// let gain = gain.view().broadcast_to([2, 2, 3])?;
    /// let bright = image.view().zip_with(gain, |p, gain| p * gain)?;
    /// assert_eq!(bright.as_slice()[..3], [0.5, 1.0, 2.0]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[track_caller]
    pub fn zip_with<'b, U, V, F>(
        self,
        other: impl Into<TensorView<'b, U, N>>,
        f: F,
    ) -> Result<Tensor<V, N>, TensorError>
    where
        U: 'b,
        F: FnMut(&T, &U) -> V,
    {
        let other = other.into();
        check_shape(self.layout(), other.layout())?;
        fresh(*self.shape(), None, |out| {
            zip_to(out, self, other, f);
        })
    }

    /// Sets each element of `out` to `f` of those of both views at the same index. O(n), no
    /// allocation; order as for [`map`](Self::map).
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` unless the three shapes are equal; nothing is written then.
    pub fn zip_into<'b, 'o, U, V, F>(
        self,
        other: impl Into<TensorView<'b, U, N>>,
        out: impl Into<TensorViewMut<'o, V, N>>,
        f: F,
    ) -> Result<(), TensorError>
    where
        U: 'b,
        V: 'o,
        F: FnMut(&T, &U) -> V,
    {
        let (other, out) = (other.into(), out.into());
        check_shape(self.layout(), other.layout())?;
        check_shape(self.layout(), out.layout())?;
        zip_onto(out, self, other, f);
        Ok(())
    }

    /// A tensor of the elements converted with `From`. O(n), for numbers on
    /// [several threads](crate#several-threads) where that pays.
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
        error::expect(fresh(*self.shape(), None, |out| {
            if !compute::cast(out, self.source()) {
                map_to(out, self, |element| U::from(element.clone()));
            }
        }))
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
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_to_tensor(self) -> Result<Tensor<T, N>, TensorError>
    where
        T: Clone,
    {
        copy::to_tensor(self, None)
    }

    /// As [`to_tensor`](Self::to_tensor), in memory of an allocator.
    ///
    /// # Panics
    ///
    /// If the allocator does not give the memory.
    #[track_caller]
    pub fn to_tensor_in(self, alloc: AllocHandle) -> Tensor<T, N>
    where
        T: Clone,
    {
        error::expect(self.try_to_tensor_in(alloc))
    }

    /// As [`to_tensor_in`](Self::to_tensor_in).
    ///
    /// # Errors
    ///
    /// `OutOfMemory`, or what the allocator answered.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_to_tensor_in(self, alloc: AllocHandle) -> Result<Tensor<T, N>, TensorError>
    where
        T: Clone,
    {
        copy::to_tensor(self, normalize(alloc))
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
}

/// Writes `f` of each element to fresh memory that has room for exactly these.
#[inline]
pub(super) fn map_to<T, U, F, const N: usize>(
    out: &mut StorageBuilder<U>,
    view: TensorView<'_, T, N>,
    f: F,
) where
    F: FnMut(&T) -> U,
{
    if let Outcome::Declined(mut f) = compute::map(out, view.source(), f) {
        view.iter().for_each(|element| out.push(f(element)));
    }
}

/// Sets each element of `out` to `f` of the one of `view`, which has the same shape.
#[inline]
pub(super) fn map_onto<T, U, F, const N: usize>(
    mut out: TensorViewMut<'_, U, N>,
    view: TensorView<'_, T, N>,
    f: F,
) where
    F: FnMut(&T) -> U,
{
    if let Outcome::Declined(mut f) = compute::map_into(out.target(), view.source(), f) {
        out.iter_mut()
            .zip(view.iter())
            .for_each(|(out, element)| *out = f(element));
    }
}

/// Writes `f` of each pair of elements to fresh memory that has room for exactly these.
#[inline]
pub(super) fn zip_to<T, U, V, F, const N: usize>(
    out: &mut StorageBuilder<V>,
    a: TensorView<'_, T, N>,
    b: TensorView<'_, U, N>,
    f: F,
) where
    F: FnMut(&T, &U) -> V,
{
    if let Outcome::Declined(mut f) = compute::zip(out, a.source(), b.source(), f) {
        a.iter().zip(b.iter()).for_each(|(a, b)| out.push(f(a, b)));
    }
}

/// Sets each element of `out` to `f` of those of both views, which have the same shape.
#[inline]
pub(super) fn zip_onto<T, U, V, F, const N: usize>(
    mut out: TensorViewMut<'_, V, N>,
    a: TensorView<'_, T, N>,
    b: TensorView<'_, U, N>,
    f: F,
) where
    F: FnMut(&T, &U) -> V,
{
    if let Outcome::Declined(mut f) = compute::zip_into(out.target(), a.source(), b.source(), f) {
        let pairs = a.iter().zip(b.iter());
        out.iter_mut()
            .zip(pairs)
            .for_each(|(out, (a, b))| *out = f(a, b));
    }
}

/// `Err` unless two layouts have the same shape.
#[inline]
pub(crate) fn check_shape<const N: usize>(
    expected: &Layout<N>,
    found: &Layout<N>,
) -> Result<(), TensorError> {
    if expected.shape() != found.shape() {
        return Err(TensorError::ShapeMismatch {
            expected: (*expected.shape()).into(),
            found: (*found.shape()).into(),
        });
    }
    Ok(())
}

impl<T: PartialEq<U>, U, const N: usize> PartialEq<TensorView<'_, U, N>> for TensorView<'_, T, N> {
    /// Whether shapes and elements are equal, whatever the strides.
    fn eq(&self, other: &TensorView<'_, U, N>) -> bool {
        self.shape() == other.shape()
            && compute::equal(self.source(), other.source())
                .unwrap_or_else(|| self.iter().zip(other.iter()).all(|(a, b)| a == b))
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
