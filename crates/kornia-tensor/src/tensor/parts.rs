//! What a tensor is made of, and the checks that make it one.

use super::Tensor;
use crate::error::TensorError;
use crate::layout::Layout;
use crate::storage::TensorStorage;
use crate::tensor::view::check_numel;

/// The parts of a tensor: plain data that promises nothing.
///
/// [`Tensor::try_from_parts`] checks them, [`Tensor::into_parts`] gives them back. A tensor
/// can be read as its parts (`t.shape`, `t.strides`, `t.storage`) and never changed through
/// them.
///
/// ```
/// use kornia_tensor::{Tensor, TensorParts, TensorStorage, host_alloc};
///
/// let storage = TensorStorage::from_vec((0..12).collect(), host_alloc());
/// let padded = TensorParts { storage, shape: [3, 3], strides: [4, 1] }; // rows of 4, 3 used
/// let t = Tensor::<i32, 2>::try_from_parts(padded)?;
/// assert_eq!(t.view().to_vec(), [0, 1, 2, 4, 5, 6, 8, 9, 10]);
/// assert_eq!(t.shape, [3, 3]);
/// # Ok::<(), kornia_tensor::TensorError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TensorParts<T, const N: usize> {
    /// A window of memory.
    pub storage: TensorStorage<T>,
    /// Lengths of the axes.
    pub shape: [usize; N],
    /// Distance between neighbours along each axis, in elements.
    pub strides: [isize; N],
}

impl<T, const N: usize> Tensor<T, N> {
    /// Checks parts and makes them a tensor. O(rank), no element moves.
    ///
    /// Elements of the storage outside the span of the layout are no longer part of the window.
    /// With negative strides the first element is the one that makes the lowest reachable one
    /// the first of the storage.
    ///
    /// # Errors
    ///
    /// `ShapeOverflow` (L1, L2), `LayoutOutOfBounds` (L3), or `OverlappingLayout` (L4) if two
    /// indices may name the same element. That test is conservative: it also refuses strides that
    /// interleave without meeting, such as `[3, 2]` for shape `[2, 3]`; see
    /// [`Layout::is_injective`].
    pub fn try_from_parts(parts: TensorParts<T, N>) -> Result<Self, TensorError> {
        let layout = Layout::new(parts.shape, parts.strides, size_of::<T>())?;
        let (span, len) = (layout.span(), parts.storage.len());
        if span > len {
            return Err(TensorError::LayoutOutOfBounds { span, len });
        }
        if !layout.is_injective() {
            return Err(TensorError::OverlappingLayout {
                shape: parts.shape.into(),
                strides: parts.strides.into(),
            });
        }
        let storage = parts.storage.into_view(0, span)?;
        // SAFETY: the window is exactly the span (T1), and the layout is injective (T2).
        Ok(unsafe { Self::from_checked(storage, layout) })
    }

    /// A tensor over all elements of a storage, in row-major order. O(1).
    ///
    /// # Errors
    ///
    /// `ElementCountMismatch` if the storage does not have exactly as many elements as the shape
    /// ([`TensorStorage::view`] cuts it), `ShapeOverflow`.
    ///
    /// ```
    /// use kornia_tensor::{Tensor, TensorStorage, host_alloc};
    ///
    /// let storage = TensorStorage::from_vec((0..12).collect(), host_alloc());
    /// let rows = Tensor::<i32, 2>::from_storage(storage.view(4, 8)?, [2, 4])?;
    /// assert_eq!(rows[[1, 0]], 8);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[inline]
    pub fn from_storage(storage: TensorStorage<T>, shape: [usize; N]) -> Result<Self, TensorError> {
        let layout = Layout::contiguous(shape, size_of::<T>())?;
        check_numel(&layout, storage.len())?;
        // SAFETY: a row-major layout spans as many elements as it has, so this window (T1), and
        // gives each index an element of its own (T2).
        Ok(unsafe { Self::from_checked(storage, layout) })
    }

    /// The parts, without a copy or a change of a reference count.
    #[inline]
    pub fn into_parts(self) -> TensorParts<T, N> {
        self.parts
    }

    /// A tensor whose parts were checked; for row-major layouts there is
    /// [`from_storage`](Self::from_storage), which checks them.
    ///
    /// # Safety
    ///
    /// The window of the storage is the span of the layout (T1), and no two indices share an
    /// element (T2).
    #[inline]
    pub(crate) unsafe fn from_checked(storage: TensorStorage<T>, layout: Layout<N>) -> Self {
        debug_assert_eq!(storage.len(), layout.span(), "T1");
        debug_assert!(layout.is_injective(), "T2");
        let parts = TensorParts {
            storage,
            shape: *layout.shape(),
            strides: *layout.strides(),
        };
        Self { parts }
    }
}
