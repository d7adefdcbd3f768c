//! Copying elements out of a view, in row-major order of its indices.

use crate::error::TensorError;
use crate::iter::{Rows, RowsMut};
use crate::storage::{AllocHandle, StorageBuilder};
use crate::tensor::fresh;
use crate::{Tensor, TensorView, TensorViewMut};

/// A fresh tensor in standard layout with clones of the elements.
pub(crate) fn to_tensor<T: Clone, const N: usize>(
    view: TensorView<'_, T, N>,
    alloc: Option<AllocHandle>,
) -> Result<Tensor<T, N>, TensorError> {
    fresh(*view.shape(), alloc, |out| extend(out, view))
}

/// Clones every element of the view, in row-major order.
pub(crate) fn extend<T: Clone, const N: usize>(
    out: &mut StorageBuilder<T>,
    view: TensorView<'_, T, N>,
) {
    if let Some(elements) = view.contiguous() {
        return out.extend_from_slice(elements);
    }
    if let Some(rows) = Rows::new(view) {
        return rows.for_each(|row| out.extend_from_slice(row));
    }
    view.iter().for_each(|element| out.push(element.clone()));
}

/// Clones every element of `source` over those of `target`, which has the same shape.
pub(crate) fn assign<T: Clone, const N: usize>(
    mut target: TensorViewMut<'_, T, N>,
    source: TensorView<'_, T, N>,
) {
    if let (Some(to), Some(from)) = (RowsMut::new(target.reborrow()), Rows::new(source)) {
        return to
            .zip(from)
            .for_each(|(to, from)| to.clone_from_slice(from));
    }
    target
        .into_iter()
        .zip(source.iter())
        .for_each(|(to, from)| to.clone_from(from));
}
