//! What the readers of messages share: memory that follows the input, and the check of what a
//! message says about its elements.

#![forbid(unsafe_code)]

use crate::{Tensor, TensorError, TensorParts, TensorStorage, host_alloc};

/// Memory taken in advance, because the input says that so many bytes follow.
pub(crate) const ADVANCE_BYTES: usize = 64 << 10;

/// How many elements without a size are read: they may come without any input at all.
const MOST_WITHOUT_SIZE: usize = 1 << 16;

/// Elements that arrive one by one, in memory that grows as they do.
pub(crate) struct Arriving<T>(Vec<T>);

impl<T> Arriving<T> {
    /// For `claimed` elements, if the input tells the truth.
    pub(crate) fn new(claimed: usize) -> Result<Self, TensorError> {
        let most = match size_of::<T>() {
            // At once, not after so many have been read.
            0 if claimed > MOST_WITHOUT_SIZE => return Err(Self::too_many_without_size()),
            0 => 0,
            size => ADVANCE_BYTES / size,
        };
        let mut elements = Self(Vec::new());
        elements.reserve(claimed.min(most))?;
        Ok(elements)
    }

    /// Adds an element.
    #[inline]
    pub(crate) fn push(&mut self, element: T) -> Result<(), TensorError> {
        // The capacity is never used up where elements have no size.
        if size_of::<T>() == 0 && self.0.len() == MOST_WITHOUT_SIZE {
            return Err(Self::too_many_without_size());
        }
        if self.0.len() == self.0.capacity() {
            self.reserve(1)?;
        }
        self.0.push(element);
        Ok(())
    }

    #[cold]
    fn too_many_without_size() -> TensorError {
        TensorError::UnsupportedOperation(format!(
            "more than {MOST_WITHOUT_SIZE} elements without a size; write their number"
        ))
    }

    /// The elements, in no more memory than they need.
    pub(crate) fn finish(mut self) -> Vec<T> {
        self.0.shrink_to_fit();
        self.0
    }

    fn reserve(&mut self, more: usize) -> Result<(), TensorError> {
        self.0
            .try_reserve(more)
            .map_err(|_| TensorError::OutOfMemory {
                bytes: (self.0.len().saturating_add(more)).saturating_mul(size_of::<T>()),
            })
    }
}

/// The tensor that a message describes. Without strides it is in standard layout; with those that
/// 0.2.0 writes, the elements may be more than the shape has.
pub(crate) fn assemble<T, const N: usize>(
    shape: [usize; N],
    strides: Option<[usize; N]>,
    elements: Vec<T>,
) -> Result<Tensor<T, N>, TensorError> {
    let Some(strides) = strides else {
        return Tensor::from_shape_vec(shape, elements);
    };
    Tensor::try_from_parts(TensorParts {
        storage: TensorStorage::from_vec(elements, host_alloc()),
        shape,
        // What exceeds `isize` reaches outside every storage, and so does the largest stride.
        strides: strides.map(|stride| isize::try_from(stride).unwrap_or(isize::MAX)),
    })
}
