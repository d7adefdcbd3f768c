//! Memory of others as tensors, and tensors as memory of others, without a copy.

#[cfg(feature = "arrow")]
#[allow(unsafe_code)]
pub mod arrow;
#[cfg(feature = "bytemuck")]
#[allow(unsafe_code)]
mod bytemuck;
#[cfg(feature = "bytes")]
mod bytes;
#[cfg(feature = "dlpack")]
#[allow(unsafe_code)]
pub mod dlpack;
#[cfg(feature = "mmap")]
#[allow(unsafe_code)]
mod mmap;
#[cfg(feature = "ndarray")]
#[allow(unsafe_code)]
mod ndarray;
#[allow(unsafe_code)]
mod views;

#[cfg(feature = "mmap")]
pub use mmap::{MappedFile, MappedFileMut};
pub use views::Pitched;
