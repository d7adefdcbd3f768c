//! Tensors of NumPy, PyTorch, JAX and others in and out without a copy (feature `dlpack`).
//!
//! [DLPack](https://dmlc.github.io/dlpack/latest/) is a C struct in which libraries hand tensors to
//! each other: address, shape, strides, element type, device, and a function that gives it all
//! back. This is version 1.3 of it, and the older struct, from before 1.0.
//!
//! ```
//! use kornia_tensor::{Tensor, dlpack::Managed};
//!
//! // Out: the pointer goes into a capsule, or across a C interface.
//! let frame = Tensor::<u8, 3>::zeros([4, 6, 3]);
//! let address = frame.as_ptr();
//! let pointer = frame.flip(1).into_dlpack().into_raw();
//! drop(frame); // the consumer keeps the memory
//!
//! // In: what came out of one.
//! // SAFETY: the pointer is a producer's, and nobody else consumes it.
//! let managed = unsafe { Managed::from_raw(pointer) }.ok_or("NULL")?;
//! // SAFETY: nobody writes the elements.
//! let tensor = unsafe { Tensor::<u8, 3>::from_dlpack(managed) }?;
//! assert_eq!(tensor.flip(1).as_ptr(), address);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Who may write
//!
//! * **Out**, the consumer may write if this was the sole handle of writable memory; otherwise
//!   the export is marked read-only. The older struct cannot be marked, so it is refused then.
//! * **In**, a tensor is read-only, unless the producer says that it made a copy for this
//!   consumer alone, or the caller promises that nobody else reads or writes
//!   ([`from_dlpack_exclusive`](crate::Tensor::from_dlpack_exclusive)).
//!
//! # Who speaks what
//!
//! | peer | asks for | gives | to know |
//! |---|---|---|---|
//! | NumPy 2.4 | either struct | either | heeds read-only; has no `bf16`; gives addresses that are not aligned, which are refused here |
//! | PyTorch 2.15 | either | 1.3 | **ignores read-only**; takes no negative strides: pass [`contiguous`](crate::Tensor::contiguous); gives lazily negated tensors without the negation: `resolve_neg()` first |
//! | JAX 0.10 | the older | the older | without a copy only at addresses that are a multiple of 64: [`AlignedAllocator`](crate::AlignedAllocator); gives what must not be written without saying so |
//! | pyarrow 26 | | either | arrays and tensors of numbers |
//!
//! Element types are those of [`DlpackElem`]. Memory of a CUDA device comes in as
//! [`MemoryDomain::Device`](crate::MemoryDomain) and goes out as what it is; work that is queued
//! on it has to be waited for by those who hand it over.
//!
//! # Python and threads
//!
//! The deleters of NumPy and PyTorch take Python's global lock themselves, so a tensor of theirs
//! can be dropped on any thread. But whoever holds that lock must not wait for such a thread,
//! be it in `join` or in a [`Pool`](crate::Pool) that waits for a block.
//!
//! # What is refused
//!
//! Always with what was passed, so that nothing is lost, and its deleter is called once.
//!
//! | what | error |
//! |---|---|
//! | another major version (nothing else of it is read) | `UnsupportedOperation` |
//! | another rank, element type or number of lanes; a negative length | `UnsupportedOperation` |
//! | a device that is neither the host's memory nor CUDA's | `UnsupportedOperation` |
//! | a shape too large to count | `ShapeOverflow` |
//! | strides that reach further than memory can address, an offset beyond it | `UnsupportedOperation` |
//! | axes without lengths, elements without memory | `StorageError(NullPointer)` |
//! | a first element that is not aligned | `Misaligned` |
//! | elements that are reached by two indices | `OverlappingLayout`; [`dlpack_view`] takes them |
//! | a byte above 1 in a `bool`, also between the elements | `UnsupportedOperation` |
//! | [`from_dlpack_exclusive`](crate::Tensor::from_dlpack_exclusive) of memory marked read-only | `UnsupportedOperation` |
//! | the older struct for shared or read-only memory | `SharedStorage`, `ReadOnlyStorage` |

pub mod abi;
mod compat;
mod export;
mod import;
mod managed;

use crate::engine::element::{Plain, sealed};
use abi::DLDataType;

pub use compat::{DlpackError, tensor_from_dlpack_raw, tensor_to_dlpack};
pub use import::dlpack_view;
pub use managed::{Descriptor, Managed, ManagedStruct};

/// An element type that DLPack has a name for: `bool`, `u8` to `u64`, `i8` to `i64`, `f32`, `f64`,
/// and with the feature `half` its `f16` and `bf16`.
///
/// Sealed: the name has to be true.
pub trait DlpackElem: Copy + Send + Sync + sealed::Sealed + 'static {
    /// The name, as a type of the crate `dlpack-rs`.
    fn dl_dtype() -> dlpack_rs::ffi::DLDataType;
}

impl<T: sealed::Sealed + Copy + Send + Sync + 'static> DlpackElem for T {
    #[inline]
    fn dl_dtype() -> dlpack_rs::ffi::DLDataType {
        let DLDataType { code, bits, lanes } = dtype_of::<T>();
        dlpack_rs::ffi::DLDataType { code, bits, lanes }
    }
}

/// The name of an element type.
#[inline]
fn dtype_of<T: sealed::Sealed>() -> DLDataType {
    let code = match Plain::of::<T>() {
        Some(Plain::Bool) => DLDataType::CODE_BOOL,
        Some(Plain::U8 | Plain::U16 | Plain::U32 | Plain::U64) => DLDataType::CODE_UINT,
        Some(Plain::I8 | Plain::I16 | Plain::I32 | Plain::I64) => DLDataType::CODE_INT,
        Some(Plain::F32 | Plain::F64) => DLDataType::CODE_FLOAT,
        #[cfg(feature = "half")]
        Some(Plain::F16) => DLDataType::CODE_FLOAT,
        #[cfg(feature = "half")]
        Some(Plain::Bf16) => DLDataType::CODE_BFLOAT,
        _ => unreachable!("not among the sealed types"),
    };
    DLDataType {
        code,
        bits: 8 * size_of::<T>() as u8,
        lanes: 1,
    }
}
