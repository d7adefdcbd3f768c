//! Tensors as messages and files. Each format is a module of its own, behind a feature of its name.
//!
//! They have the names of the crates whose traits they implement or whose files they read, and
//! stand here so that `use kornia_tensor::*` hides none of those crates.

// `file.rs` is what the formats of files share, `wire.rs` what the readers of messages do.

#[cfg(feature = "bincode")]
pub mod bincode;
#[cfg(any(feature = "npy", feature = "safetensors", feature = "image"))]
#[cfg_attr(
    not(any(feature = "npy", feature = "safetensors")),
    allow(dead_code, reason = "images have readers of their own")
)]
pub mod file;
#[cfg(feature = "image")]
pub mod image;
#[cfg(feature = "npy")]
pub mod npy;
#[cfg(any(feature = "npy", feature = "safetensors", feature = "mmap"))]
pub(crate) mod open;
#[cfg(feature = "rkyv")]
#[allow(unsafe_code)]
pub mod rkyv;
#[cfg(feature = "safetensors")]
pub mod safetensors;
#[cfg(feature = "serde")]
pub mod serde;
#[cfg(any(feature = "serde", feature = "bincode", feature = "rkyv"))]
mod wire;
