//! Memory of others as tensors, and tensors as memory of others, without a copy.
//!
//! What stands here has a page of its own because it has tables of what is refused. The rest are
//! methods of [`Tensor`](crate::Tensor) (features `ndarray`, `bytes`, `bytemuck`) and the mapped
//! files of feature `mmap`.

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
pub(crate) mod mmap;
#[cfg(feature = "ndarray")]
#[allow(unsafe_code)]
mod ndarray;
#[allow(unsafe_code)]
pub(crate) mod views;
