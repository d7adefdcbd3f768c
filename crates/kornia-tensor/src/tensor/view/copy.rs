//! Copies of elements: as bits where they are plain, and as clones, in row-major order, where they are
//! not.

#![forbid(unsafe_code)]

use crate::engine::copy;
use crate::error::TensorError;
use crate::storage::{AllocHandle, StorageBuilder};
use crate::tensor::fresh;
use crate::tensor::iter::{Rows, RowsMut};
use crate::{Tensor, TensorView, TensorViewMut};

/// A fresh contiguous tensor with clones of the elements.
#[cfg_attr(feature = "diagnose", track_caller)]
pub(crate) fn to_tensor<T: Clone, const N: usize>(
    view: TensorView<'_, T, N>,
    alloc: Option<AllocHandle>,
) -> Result<Tensor<T, N>, TensorError> {
    fresh(*view.shape(), alloc, |out| extend(out, view))
}

/// Clones every element of the view. Nothing has been written so far, and there is room for exactly
/// these.
fn extend<T: Clone, const N: usize>(out: &mut StorageBuilder<T>, view: TensorView<'_, T, N>) {
    if copy::extend(out, view.source()) {
        return;
    }
    if let Some(elements) = view.contiguous() {
        return out.extend_from_slice(elements);
    }
    if let Some(rows) = Rows::new(view) {
        return rows.for_each(|row| out.extend_from_slice(row));
    }
    view.iter().for_each(|element| out.push(element.clone()));
}

/// Clones every element of `source` over those of `target`, which has the same shape and is not
/// empty.
pub(crate) fn assign<T: Clone, const N: usize>(
    mut target: TensorViewMut<'_, T, N>,
    source: TensorView<'_, T, N>,
) {
    if copy::assign(target.target().into_room(), source.source()) {
        return;
    }
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

/// Sets every element of a target that is not empty to a clone of `value`.
pub(crate) fn fill<T: Clone, const N: usize>(mut target: TensorViewMut<'_, T, N>, value: T) {
    if copy::fill(target.target().into_room(), &value) {
        return;
    }
    match RowsMut::new(target.reborrow()) {
        Some(rows) => rows.for_each(|row| row.fill(value.clone())),
        None => target
            .iter_mut()
            .for_each(|element| *element = value.clone()),
    }
}
