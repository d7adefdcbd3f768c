//! Tensors out.

use std::ffi::c_void;
use std::ptr::NonNull;

use super::abi::{
    DLDevice, DLDeviceType, DLManagedTensor, DLManagedTensorVersioned, DLTensor, FLAG_READ_ONLY,
};
use super::managed::{Managed, ManagedStruct};
use super::{DlpackElem, dtype_of};
use crate::Tensor;
use crate::error::TensorError;
use crate::layout::Layout;
use crate::storage::{MemoryDomain, OwnerRefused, TensorStorage};

impl<T: DlpackElem, const N: usize> Tensor<T, N> {
    /// The elements for another library, which may keep them for as long as it likes. O(1), no
    /// element moves: one allocation, and the strides go along, negative ones as well.
    ///
    /// The consumer may write if, and only if, this was the sole handle of writable memory: then
    /// no other will ever exist. Otherwise the export is marked read-only. Not every consumer
    /// heeds that (PyTorch does not); where it matters, pass [`deep_clone`](Self::deep_clone).
    ///
    /// The memory is freed, or goes back to its pool, with the last of the consumer's references
    /// and the last other handle. An owner of foreign memory that panics when it is dropped then
    /// aborts the process: a panic cannot pass through C.
    ///
    /// ```
    /// use kornia_tensor::{Tensor, dlpack::Managed};
    ///
    /// let image = Tensor::<u8, 3>::zeros([4, 6, 3]);
    /// let crop = image.slice((1..3, .., ..)).flip(2);
    /// assert!(crop.into_dlpack().descriptor()?.is_read_only()); // `image` shows the pixels, too
    ///
    /// let managed = image.into_dlpack();
    /// assert!(!managed.descriptor()?.is_read_only());
    /// assert_eq!(managed.descriptor()?.strides(), Some(&[18, 3, 1][..]));
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    pub fn into_dlpack(mut self) -> Managed {
        let flags = match self.storage_mut().exclusive_address() {
            Ok(_) => 0,
            Err(_) => FLAG_READ_ONLY,
        };
        export::<DLManagedTensorVersioned, T, N>(self, flags)
    }

    /// The elements in the older struct, which JAX and some others ask for. O(1), no element
    /// moves.
    ///
    /// It cannot be marked read-only, so the consumer may write.
    ///
    /// # Errors
    ///
    /// With the tensor: `SharedStorage` while another handle exists, or `ReadOnlyStorage`. A
    /// [`deep_clone`](Self::deep_clone) can be passed.
    ///
    /// ```
    /// use kornia_tensor::{Tensor, TensorError};
    ///
    /// let image = Tensor::<u8, 2>::zeros([4, 6]);
    /// let refused = image.clone().into_dlpack_legacy().unwrap_err();
    /// assert!(matches!(refused.error, TensorError::SharedStorage(_)));
    /// drop(refused);
    /// assert_eq!(image.into_dlpack_legacy()?.descriptor()?.shape(), [4, 6]);
    /// # Ok::<(), TensorError>(())
    /// ```
    pub fn into_dlpack_legacy(mut self) -> Result<Managed<DLManagedTensor>, OwnerRefused<Self>> {
        match self.storage_mut().exclusive_address() {
            Ok(_) => Ok(export(self, 0)),
            Err(error) => Err(OwnerRefused { error, owner: self }),
        }
    }
}

/// What a consumer holds: the struct it sees, the numbers that this points to, and the memory.
#[repr(C)]
struct Export<M, T, const N: usize> {
    /// D5: first, so that the consumer's pointer is also one to the whole, whose provenance it
    /// has. The pointers inside are to the two fields below.
    managed: M,
    shape: [i64; N],
    strides: [i64; N],
    /// The sole handle of the memory if the export may be written: it is never cloned again.
    keep: TensorStorage<T>,
}

fn export<M: ManagedStruct, T: DlpackElem, const N: usize>(
    tensor: Tensor<T, N>,
    flags: u64,
) -> Managed<M> {
    let layout = tensor.layout();
    let described = DLTensor {
        // The address of nothing is NULL, as the specification wishes.
        data: match layout.is_empty() {
            true => std::ptr::null_mut(),
            false => tensor.as_ptr().cast_mut().cast::<c_void>(),
        },
        device: device_of(tensor.storage().domain()),
        ndim: N as i32, // an array of more axes would not fit a stack
        dtype: dtype_of::<T>(),
        shape: std::ptr::null_mut(),
        strides: std::ptr::null_mut(),
        byte_offset: 0,
    };
    let export = Box::new(Export {
        managed: M::pack(described, flags, delete::<M, T, N>),
        shape: layout.shape().map(|len| len as i64), // L1
        strides: strides_of(&layout),
        keep: tensor.into_parts().storage,
    });
    let whole = Box::into_raw(export);
    // Through the pointer to the whole, and after boxing, so that they stay valid.
    // SAFETY: D5: `whole` comes from a box that was just made, so the field is in live memory.
    let shape = unsafe { &raw mut (*whole).shape };
    // SAFETY: D5: this field, too, is in the live box that `whole` points to.
    let strides = unsafe { &raw mut (*whole).strides };
    // SAFETY: D5: the box is live, nobody else has it, and no other reference to this field exists.
    let managed = unsafe { &mut (*whole).managed };
    managed.tensor_mut().shape = shape.cast();
    managed.tensor_mut().strides = strides.cast();
    // SAFETY: D5: the address is that of a box, which is never NULL.
    let ptr = unsafe { NonNull::new_unchecked(whole) }.cast::<M>();
    // SAFETY: D2, D3: the box is given to the result, and `delete` frees it, on any thread because
    // `T` is `Send + Sync`; it aborts where it would unwind. D4: T1, S1 and S2 say that the
    // elements are there while `keep` lives, and they may be written unless flagged, because the
    // callers asked `exclusive_address`.
    let managed = unsafe { Managed::from_raw(ptr.as_ptr()) };
    match managed {
        Some(managed) => managed,
        None => unreachable!("a box has an address"),
    }
}

/// Frees an export.
///
/// # Safety
///
/// `managed` is what `export` made for the same types, and nobody uses it any more.
unsafe extern "C" fn delete<M, T, const N: usize>(managed: *mut M) {
    // SAFETY: D5: the first field has the address and the provenance of the whole, which came from
    // a box of this type; the caller promises that nobody uses it any more, so it is freed once.
    drop(unsafe { Box::from_raw(managed.cast::<Export<M, T, N>>()) });
}

/// The strides to tell: those of axes that have no second element say nothing, and consumers
/// that compare them with row-major ones shall find those.
fn strides_of<const N: usize>(layout: &Layout<N>) -> [i64; N] {
    if layout.is_contiguous() {
        return Layout::row_major(*layout.shape())
            .strides()
            .map(|stride| stride as i64);
    }
    std::array::from_fn(|axis| match layout.shape()[axis] {
        1 => 1,
        _ => layout.strides()[axis] as i64,
    })
}

/// Where memory of a domain is, in words of DLPack.
fn device_of(domain: MemoryDomain) -> DLDevice {
    let device_type = match domain {
        MemoryDomain::Host => DLDeviceType::CPU,
        MemoryDomain::Device { .. } => DLDeviceType::CUDA,
        MemoryDomain::Unified { .. } => DLDeviceType::CUDA_MANAGED,
    };
    DLDevice {
        device_type,
        device_id: domain.device_id(),
    }
}

/// As `into_dlpack_legacy`; memory that must not be written by the consumer is copied first.
///
/// # Errors
///
/// Those of `deep_clone`.
pub(super) fn export_or_copy<T: DlpackElem, const N: usize>(
    mut tensor: Tensor<T, N>,
) -> Result<Managed<DLManagedTensor>, TensorError> {
    if tensor.storage_mut().exclusive_address().is_err() {
        tensor = tensor.deep_clone()?;
    }
    Ok(tensor.into_dlpack_legacy()?)
}
