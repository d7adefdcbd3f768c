//! Memory of others as tensors, and tensors as memory of others, without a copy.

#[cfg(feature = "bytemuck")]
#[allow(unsafe_code)]
mod bytemuck;
#[cfg(feature = "bytes")]
mod bytes;
#[cfg(feature = "mmap")]
#[allow(unsafe_code)]
mod mmap;

#[cfg(feature = "mmap")]
pub use mmap::MappedFile;
