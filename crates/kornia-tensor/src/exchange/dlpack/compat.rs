//! The names of 0.2.0, on the types of the crate `dlpack-rs`, which published crates use.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use dlpack_rs::ffi;

use super::abi::{DLManagedTensor, DLTensor};
use super::export::export_or_copy;
use super::import::Found;
use super::managed::Descriptor;
use super::{DlpackElem, dtype_of};
use crate::Tensor;
use crate::error::{self, TensorAllocatorError, TensorError};
use crate::layout::Layout;
use crate::storage::Access;

// One C struct under two names.
const _: () = {
    use std::mem::offset_of;

    assert!(size_of::<ffi::DLManagedTensor>() == size_of::<DLManagedTensor>());
    assert!(align_of::<ffi::DLManagedTensor>() == align_of::<DLManagedTensor>());
    assert!(offset_of!(ffi::DLManagedTensor, deleter) == offset_of!(DLManagedTensor, deleter));
    assert!(offset_of!(ffi::DLManagedTensor, dl_tensor) == offset_of!(DLManagedTensor, dl_tensor));
    assert!(size_of::<ffi::DLTensor>() == size_of::<DLTensor>());
    assert!(offset_of!(ffi::DLTensor, shape) == offset_of!(DLTensor, shape));
    assert!(offset_of!(ffi::DLTensor, byte_offset) == offset_of!(DLTensor, byte_offset));
};

/// 0.2.0's way out, in the struct without flags: the consumer may write, and calls the deleter.
///
/// O(1) for the sole handle of writable memory; anything else is **copied**, because the consumer
/// could write what other handles show. [`Tensor::into_dlpack`] never copies, and marks such
/// memory read-only.
///
/// # Panics
///
/// If a copy is needed and there is no memory for it, or the host cannot read the elements.
///
/// ```
/// use kornia_tensor::Tensor;
/// use kornia_tensor::dlpack::{Managed, abi::DLManagedTensor, tensor_to_dlpack};
///
/// let raw = tensor_to_dlpack(Tensor::<f32, 2>::zeros([2, 3]));
/// // SAFETY: it was just made, and nobody else has it.
/// let managed = unsafe { Managed::from_raw(raw.cast::<DLManagedTensor>()) };
/// assert_eq!(managed.unwrap().descriptor()?.shape(), [2, 3]);
/// # Ok::<(), kornia_tensor::TensorError>(())
/// ```
#[track_caller]
pub fn tensor_to_dlpack<T, const N: usize>(t: Tensor<T, N>) -> *mut ffi::DLManagedTensor
where
    T: DlpackElem + 'static + Send,
{
    error::expect(export_or_copy(t)).into_raw().cast()
}

/// 0.2.0's way in: a read-only tensor over memory that `keepalive` keeps. O(1).
///
/// The deleter of `mt` is not called; that is the keepalive's business. Only row-major order is
/// taken: what has strides comes in through [`Tensor::from_dlpack`].
///
/// # Safety
///
/// `mt` is NULL, or points to a descriptor that is true, with `shape` and `strides` that are NULL
/// or point to `ndim` numbers. Until `keepalive` is dropped, its elements are initialised and
/// valid for reads, and **nobody writes them**.
///
/// # Errors
///
/// 0.2.0's variants for what they say; other reasons, such as alignment, bytes that are no
/// `bool`, or a device of another kind, are a `DlpackError::TensorError`. Lengths of zero are
/// taken.
pub unsafe fn tensor_from_dlpack_raw<T, const N: usize>(
    mt: *mut ffi::DLManagedTensor,
    keepalive: Arc<dyn Any + Send + Sync>,
) -> Result<Tensor<T, N>, DlpackError>
where
    T: DlpackElem + Clone,
{
    // SAFETY: the caller promises NULL or a true descriptor, and both names mean the same struct,
    // as was asserted above.
    let managed = unsafe { mt.cast::<DLManagedTensor>().as_ref() };
    let tensor = &managed.ok_or(DlpackError::NullPointer)?.dl_tensor;
    if usize::try_from(tensor.ndim) != Ok(N) {
        return Err(DlpackError::NdimMismatch {
            expected: N,
            got: tensor.ndim,
        });
    }
    if tensor.dtype != dtype_of::<T>() {
        return Err(DlpackError::DtypeMismatch);
    }
    // SAFETY: the caller promises D3 and D4 for the descriptor for as long as `keepalive` lives,
    // which is longer than this function runs.
    let descriptor = unsafe { Descriptor::new(tensor, 0) }?;
    let mut shape = [0; N];
    for (&len, to) in descriptor.shape().iter().zip(&mut shape) {
        *to = usize::try_from(len).map_err(|_| match len {
            ..0 => DlpackError::NegativeDimension,
            _ => DlpackError::Overflow,
        })?;
    }
    let Ok(row_major) = Layout::<N>::contiguous(shape, size_of::<T>()) else {
        return Err(DlpackError::Overflow);
    };
    let given = descriptor.strides().unwrap_or_default();
    let in_order = given
        .iter()
        .zip(row_major.strides())
        .zip(shape)
        .all(|((&given, &wanted), len)| len == 1 || given == wanted as i64);
    if !in_order && !row_major.is_empty() {
        return Err(DlpackError::NotContiguous);
    }
    let found = Found::of(descriptor)?;
    // SAFETY: D4: `Found::of` has checked the layout and the address, and what they reach is there
    // and is not written while the keepalive lives, as the caller promises; the tensor keeps that.
    let adopted = unsafe { found.adopt(Access::ReadOnly, keepalive) };
    adopted.map_err(|refused| refused.error.into())
}

/// Why 0.2.0's way in refused.
pub enum DlpackError {
    /// The tensor has another number of axes.
    NdimMismatch {
        /// Axes that were asked for.
        expected: usize,
        /// Axes there are.
        got: i32,
    },
    /// The elements have another type.
    DtypeMismatch,
    /// The elements do not lie in row-major order without gaps.
    NotContiguous,
    /// There is no memory.
    NullPointer,
    /// The shape is larger than memory can address.
    Overflow,
    /// A length is negative.
    NegativeDimension,
    /// Another reason.
    TensorError(TensorError),
}

impl fmt::Display for DlpackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NdimMismatch { expected, got } => write!(
                f,
                "{got} axes were given where a tensor of rank {expected} is asked for; ask for as many"
            ),
            Self::DtypeMismatch => {
                f.write_str("elements have another type; `from_dlpack` names it")
            }
            Self::NotContiguous => f.write_str(
                "elements do not lie in row-major order without gaps; `from_dlpack` takes strides",
            ),
            Self::NullPointer => f.write_str("a null pointer stood where a tensor was expected"),
            Self::Overflow => {
                f.write_str("shape is larger than memory can address; the producer is at fault")
            }
            Self::NegativeDimension => {
                f.write_str("a length is negative; the producer is at fault")
            }
            Self::TensorError(error) => error.fmt(f),
        }
    }
}

impl fmt::Debug for DlpackError {
    /// The text of [`Display`](fmt::Display), as that of [`TensorError`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for DlpackError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::TensorError(error) => Some(error),
            _ => None,
        }
    }
}

impl From<TensorError> for DlpackError {
    fn from(error: TensorError) -> Self {
        match error {
            TensorError::StorageError(TensorAllocatorError::NullPointer) => Self::NullPointer,
            error => Self::TensorError(error),
        }
    }
}
