//! Memory of others as tensors, and tensors as memory of others, without a copy.
//!
//! What stands here has a page of its own because it has tables of what is refused. The rest are
//! methods of [`Tensor`](crate::Tensor) (features `ndarray`, `bytes`, `bytemuck`) and the mapped
//! files of feature `mmap`.

/// What to do about elements of a type that was not asked for, if tensors have it.
#[cfg(any(feature = "arrow", feature = "dlpack"))]
const ASK_FOR_THEM: &str = "ask for what they are, and convert with `cast` or `map`";
/// The same, for half floats.
#[cfg(any(feature = "arrow", feature = "dlpack"))]
const ASK_FOR_HALF: &str = match cfg!(feature = "half") {
    true => ASK_FOR_THEM,
    false => "the feature `half` of this crate takes them",
};
/// The same, if no tensor has the type.
#[cfg(any(feature = "arrow", feature = "dlpack"))]
const CONVERT_THEM_FIRST: &str = "no tensor has those, so convert them where they come from";

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
