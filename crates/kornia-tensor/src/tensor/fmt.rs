//! Printing.

use std::fmt;

use super::Tensor;
use crate::{TensorView, TensorViewMut};

impl<T: fmt::Debug, const N: usize> fmt::Debug for Tensor<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tensor")
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for TensorView<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TensorView")
            .field("shape", &self.shape())
            .finish_non_exhaustive()
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for TensorViewMut<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TensorViewMut")
            .field("shape", &self.shape())
            .finish_non_exhaustive()
    }
}
