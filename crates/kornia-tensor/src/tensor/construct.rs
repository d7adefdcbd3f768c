//! Making tensors: a table of all ways stands on top of [`Tensor`].

use num_traits::Zero;

use super::Tensor;
use crate::engine::element::is_number;
use crate::error::{self, TensorError};
use crate::layout::Layout;
use crate::storage::{AllocHandle, StorageBuilder, TensorStorage, host_alloc, normalize};
use crate::tensor::view::check_numel;

/// A fresh contiguous tensor whose elements `fill` writes, all of them, in order.
///
/// Fails before `fill` is called, if it fails.
#[track_caller]
pub(crate) fn fresh<T, const N: usize>(
    shape: [usize; N],
    alloc: Option<AllocHandle>,
    fill: impl FnOnce(&mut StorageBuilder<T>),
) -> Result<Tensor<T, N>, TensorError> {
    let layout = Layout::contiguous(shape, size_of::<T>())?;
    let mut builder = StorageBuilder::new(layout.numel(), alloc)?;
    fill(&mut builder);
    Tensor::from_storage(builder.finish(), shape)
}

/// From elements that exist.
impl<T> Tensor<T, 1> {
    /// A tensor with clones of the elements of a slice. O(n).
    ///
    /// # Errors
    ///
    /// `OutOfMemory`.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn from_slice(elements: &[T]) -> Result<Self, TensorError>
    where
        T: Clone,
    {
        Self::from_shape_slice([elements.len()], elements)
    }
}

/// From elements that exist.
impl<T, const N: usize> Tensor<T, N> {
    /// A tensor over the memory of a `Vec`, in row-major order. O(1), no element moves;
    /// [`into_vec`](Self::into_vec) gives it back.
    ///
    /// # Errors
    ///
    /// `ElementCountMismatch` if the `Vec` does not have exactly as many elements as the shape.
    #[inline]
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn from_shape_vec(shape: [usize; N], elements: Vec<T>) -> Result<Self, TensorError> {
        Self::from_storage(TensorStorage::from_host_vec(elements), shape)
    }

    /// As [`from_shape_vec`](Self::from_shape_vec), in memory of an allocator: O(1) for the
    /// default one, else the elements move there, O(n).
    ///
    /// # Errors
    ///
    /// `ElementCountMismatch`, or what the allocator answered.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn from_shape_vec_in(
        shape: [usize; N],
        elements: Vec<T>,
        alloc: AllocHandle,
    ) -> Result<Self, TensorError> {
        let Some(alloc) = normalize(alloc) else {
            return Self::from_shape_vec(shape, elements);
        };
        check_numel(&Layout::contiguous(shape, size_of::<T>())?, elements.len())?;
        fresh(shape, Some(alloc), |out| out.append(elements))
    }

    /// A tensor with clones of the elements of a slice, in row-major order. O(n).
    ///
    /// # Errors
    ///
    /// `ElementCountMismatch` if the slice does not have exactly as many elements as the shape;
    /// `OutOfMemory`.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn from_shape_slice(shape: [usize; N], elements: &[T]) -> Result<Self, TensorError>
    where
        T: Clone,
    {
        Self::from_shape_slice_in(shape, elements, host_alloc())
    }

    /// As [`from_shape_slice`](Self::from_shape_slice), in memory of an allocator.
    ///
    /// # Errors
    ///
    /// `ElementCountMismatch`, or what the allocator answered.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn from_shape_slice_in(
        shape: [usize; N],
        elements: &[T],
        alloc: AllocHandle,
    ) -> Result<Self, TensorError>
    where
        T: Clone,
    {
        check_numel(&Layout::contiguous(shape, size_of::<T>())?, elements.len())?;
        fresh(shape, normalize(alloc), |out| {
            out.extend_from_slice(elements)
        })
    }

    /// A tensor of `f` of each index, called in row-major order. O(n).
    ///
    /// # Panics
    ///
    /// If there is no memory for it; see [`try_from_shape_fn`](Self::try_from_shape_fn).
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let ramp = Tensor::from_shape_fn([2, 3], |[y, x]| 10 * y + x);
    /// assert_eq!(ramp.as_slice(), [0, 1, 2, 10, 11, 12]);
    /// ```
    #[doc(alias = "from_fn")]
    #[doc(alias = "from_function")]
    #[track_caller]
    pub fn from_shape_fn<F>(shape: [usize; N], f: F) -> Self
    where
        F: FnMut([usize; N]) -> T,
    {
        error::expect(Self::try_from_shape_fn_in(shape, host_alloc(), f))
    }

    /// As [`from_shape_fn`](Self::from_shape_fn), for shapes that come from data.
    ///
    /// # Errors
    ///
    /// `ShapeOverflow` or `OutOfMemory`; `f` is not called then.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_from_shape_fn<F>(shape: [usize; N], f: F) -> Result<Self, TensorError>
    where
        F: FnMut([usize; N]) -> T,
    {
        Self::try_from_shape_fn_in(shape, host_alloc(), f)
    }

    /// As [`from_shape_fn`](Self::from_shape_fn), in memory of an allocator.
    ///
    /// # Panics
    ///
    /// If the allocator does not give the memory.
    #[track_caller]
    pub fn from_shape_fn_in<F>(shape: [usize; N], alloc: AllocHandle, f: F) -> Self
    where
        F: FnMut([usize; N]) -> T,
    {
        error::expect(Self::try_from_shape_fn_in(shape, alloc, f))
    }

    /// As [`try_from_shape_fn`](Self::try_from_shape_fn), in memory of an allocator.
    ///
    /// # Errors
    ///
    /// `ShapeOverflow`, `OutOfMemory`, or what the allocator answered; `f` is not called then.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_from_shape_fn_in<F>(
        shape: [usize; N],
        alloc: AllocHandle,
        mut f: F,
    ) -> Result<Self, TensorError>
    where
        F: FnMut([usize; N]) -> T,
    {
        fresh(shape, normalize(alloc), |out| {
            let count = out.room();
            let mut index = [0; N];
            for _ in 0..count {
                out.push(f(index));
                for axis in (0..N).rev() {
                    index[axis] += 1;
                    if index[axis] < shape[axis] {
                        break;
                    }
                    index[axis] = 0;
                }
            }
        })
    }
}

/// From one value.
impl<T: Clone, const N: usize> Tensor<T, N> {
    /// A tensor of clones of one value. O(n).
    ///
    /// # Panics
    ///
    /// If there is no memory for it; see [`try_full`](Self::try_full).
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let grey = Tensor::<u8, 2>::full([480, 640], 128);
    /// assert!(grey.iter().all(|&pixel| pixel == 128));
    /// ```
    #[doc(alias = "ones")]
    #[doc(alias = "filled")]
    #[track_caller]
    pub fn full(shape: [usize; N], value: T) -> Self {
        error::expect(Self::try_full_in(shape, value, host_alloc()))
    }

    /// As [`full`](Self::full), for shapes that come from data.
    ///
    /// # Errors
    ///
    /// `ShapeOverflow` or `OutOfMemory`.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_full(shape: [usize; N], value: T) -> Result<Self, TensorError> {
        Self::try_full_in(shape, value, host_alloc())
    }

    /// As [`full`](Self::full), in memory of an allocator.
    ///
    /// # Panics
    ///
    /// If the allocator does not give the memory.
    #[track_caller]
    pub fn full_in(shape: [usize; N], value: T, alloc: AllocHandle) -> Self {
        error::expect(Self::try_full_in(shape, value, alloc))
    }

    /// As [`try_full`](Self::try_full), in memory of an allocator.
    ///
    /// # Errors
    ///
    /// `ShapeOverflow`, `OutOfMemory`, or what the allocator answered.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_full_in(
        shape: [usize; N],
        value: T,
        alloc: AllocHandle,
    ) -> Result<Self, TensorError> {
        fresh(shape, normalize(alloc), |out| {
            out.extend_with(out.room(), value);
        })
    }

    /// A tensor of zeros. Memory for numbers comes zeroed from the operating system: O(1) for
    /// large shapes, until the elements are touched.
    ///
    /// # Panics
    ///
    /// If there is no memory for it; see [`try_zeros`](Self::try_zeros).
    #[track_caller]
    pub fn zeros(shape: [usize; N]) -> Self
    where
        T: Zero,
    {
        error::expect(Self::try_zeros_in(shape, host_alloc()))
    }

    /// As [`zeros`](Self::zeros), for shapes that come from data.
    ///
    /// # Errors
    ///
    /// `ShapeOverflow` or `OutOfMemory`.
    ///
    /// ```
    /// use kornia_tensor::{Tensor, TensorError};
    ///
    /// let header = [1 << 40, 1 << 20];
    /// let refused = Tensor::<f32, 2>::try_zeros(header);
    /// assert_eq!(refused.unwrap_err(), TensorError::OutOfMemory { bytes: 1 << 62 });
    /// ```
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_zeros(shape: [usize; N]) -> Result<Self, TensorError>
    where
        T: Zero,
    {
        Self::try_zeros_in(shape, host_alloc())
    }

    /// As [`zeros`](Self::zeros), in memory of an allocator.
    ///
    /// # Panics
    ///
    /// If the allocator does not give the memory.
    #[track_caller]
    pub fn zeros_in(shape: [usize; N], alloc: AllocHandle) -> Self
    where
        T: Zero,
    {
        error::expect(Self::try_zeros_in(shape, alloc))
    }

    /// As [`try_zeros`](Self::try_zeros), in memory of an allocator.
    ///
    /// # Errors
    ///
    /// `ShapeOverflow`, `OutOfMemory`, or what the allocator answered.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn try_zeros_in(shape: [usize; N], alloc: AllocHandle) -> Result<Self, TensorError>
    where
        T: Zero,
    {
        if !is_number::<T>() {
            return Self::try_full_in(shape, T::zero(), alloc);
        }
        let layout = Layout::contiguous(shape, size_of::<T>())?;
        // SAFETY: the number zero is all zero bytes in every type `is_number` names.
        let storage = unsafe { TensorStorage::zeroed(layout.numel(), normalize(alloc)) }?;
        Self::from_storage(storage, shape)
    }
}

/// Names of 0.2.0.
impl<T: Clone, const N: usize> Tensor<T, N> {
    /// 0.2.0's name of [`full`](Self::full). Not deprecated, because code of that time is full
    /// of it; new code says `full`.
    ///
    /// # Panics
    ///
    /// If there is no memory for it.
    #[track_caller]
    pub fn from_shape_val(shape: [usize; N], value: T) -> Self {
        Self::full(shape, value)
    }

    /// 0.2.0's name of [`full_in`](Self::full_in).
    ///
    /// # Panics
    ///
    /// If the allocator does not give the memory.
    #[deprecated(since = "0.3.0", note = "use `full_in`, which is the same")]
    #[track_caller]
    pub fn from_shape_val_in(shape: [usize; N], value: T, alloc: AllocHandle) -> Self {
        Self::full_in(shape, value, alloc)
    }
}
