//! Closures on several threads.

#![forbid(unsafe_code)]

use super::compute::{map_onto, map_to, zip_onto, zip_to};
use super::{TensorView, check_shape};
use crate::engine::compute::{self, Outcome};
use crate::error::{self, TensorError};
use crate::tensor::fresh;
use crate::{Tensor, TensorViewMut};

/// Computing on several threads: for closures that may run at the same time, over elements that may
/// be seen by other threads. [When that is done](crate#several-threads), and how it ends when a
/// closure panics, is the same for all.
impl<T: Sync, const N: usize> TensorView<'_, T, N> {
    /// As [`map`](Self::map), on several threads where that pays. O(n), one pass.
    ///
    /// Results that have to be dropped, and elements that are neither plain numbers nor side by
    /// side, stay in the calling thread.
    ///
    /// # Panics
    ///
    /// If there is no memory for the result, or `f` panics: when every thread has stopped.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let image = Tensor::<u8, 3>::full([480, 640, 3], 128);
    /// let linear = image.view().par_map(|&p| (f32::from(p) / 255.0).powf(2.2));
    /// assert_eq!(linear, image.map(|&p| (f32::from(p) / 255.0).powf(2.2)));
    /// ```
    #[track_caller]
    pub fn par_map<U, F>(self, f: F) -> Tensor<U, N>
    where
        U: Send,
        F: Fn(&T) -> U + Sync,
    {
        error::expect(fresh(*self.shape(), None, |out| {
            if let Outcome::Declined(f) = compute::par_map(out, self.source(), f) {
                map_to(out, self, f);
            }
        }))
    }

    /// As [`map_into`](Self::map_into), on several threads where that pays. O(n), no element is
    /// allocated.
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` unless the shapes are equal; nothing is written then.
    ///
    /// # Panics
    ///
    /// If `f` does: when every thread has stopped.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let frame = Tensor::<u8, 2>::full([2, 3], 51);
    /// let mut batch = Tensor::<f32, 3>::zeros([4, 2, 3]);
    /// frame.view().par_map_into(batch.view_mut().select(0, 1), |&p| f32::from(p) / 255.0)?;
    /// assert_eq!(batch.slice((1, .., ..)), Tensor::full([2, 3], 0.2));
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    pub fn par_map_into<'o, U, F>(
        self,
        out: impl Into<TensorViewMut<'o, U, N>>,
        f: F,
    ) -> Result<(), TensorError>
    where
        U: Send + 'o,
        F: Fn(&T) -> U + Sync,
    {
        let mut out = out.into();
        check_shape(self.layout(), out.layout())?;
        if let Outcome::Declined(f) = compute::par_map_into(out.target(), self.source(), f) {
            map_onto(out, self, f);
        }
        Ok(())
    }

    /// As [`zip_with`](Self::zip_with), on several threads where that pays. O(n), one pass.
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` unless the shapes are equal.
    ///
    /// # Panics
    ///
    /// If `f` does: when every thread has stopped.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let (left, right) = (Tensor::<u8, 2>::full([4, 4], 9), Tensor::<u8, 2>::full([4, 4], 7));
    /// let difference = left.view().par_zip_with(&right, |l, r| l.abs_diff(*r))?;
    /// assert_eq!(difference, Tensor::full([4, 4], 2));
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[track_caller]
    pub fn par_zip_with<'b, U, V, F>(
        self,
        other: impl Into<TensorView<'b, U, N>>,
        f: F,
    ) -> Result<Tensor<V, N>, TensorError>
    where
        U: Sync + 'b,
        V: Send,
        F: Fn(&T, &U) -> V + Sync,
    {
        let other = other.into();
        check_shape(self.layout(), other.layout())?;
        fresh(*self.shape(), None, |out| {
            let declined = compute::par_zip(out, self.source(), other.source(), f);
            if let Outcome::Declined(f) = declined {
                zip_to(out, self, other, f);
            }
        })
    }

    /// As [`zip_into`](Self::zip_into), on several threads where that pays. O(n), no element is
    /// allocated.
    ///
    /// # Errors
    ///
    /// `ShapeMismatch` unless the three shapes are equal; nothing is written then.
    ///
    /// # Panics
    ///
    /// If `f` does: when every thread has stopped.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let (a, b) = (Tensor::<f32, 1>::full([3], 2.0), Tensor::<f32, 1>::full([3], 0.5));
    /// let mut product = Tensor::<f32, 1>::zeros([3]);
    /// a.view().par_zip_into(&b, &mut product, |a, b| a * b)?;
    /// assert_eq!(product.as_slice(), [1.0; 3]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    pub fn par_zip_into<'b, 'o, U, V, F>(
        self,
        other: impl Into<TensorView<'b, U, N>>,
        out: impl Into<TensorViewMut<'o, V, N>>,
        f: F,
    ) -> Result<(), TensorError>
    where
        U: Sync + 'b,
        V: Send + 'o,
        F: Fn(&T, &U) -> V + Sync,
    {
        let (other, mut out) = (other.into(), out.into());
        check_shape(self.layout(), other.layout())?;
        check_shape(self.layout(), out.layout())?;
        let declined = compute::par_zip_into(out.target(), self.source(), other.source(), f);
        if let Outcome::Declined(f) = declined {
            zip_onto(out, self, other, f);
        }
        Ok(())
    }
}
