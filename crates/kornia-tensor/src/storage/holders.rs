//! Who holds an allocation, and where each handle was made (feature `diagnose`).
//!
//! Every handle has a [`Holder`], every refusal to write because of the others a [`SharedWith`].
//! Without the feature neither has a size, and nothing here does anything: `off` has the same
//! functions as `on`, and they are empty.

#[cfg(not(feature = "diagnose"))]
mod off;
#[cfg(feature = "diagnose")]
mod on;

use std::fmt;

#[cfg(not(feature = "diagnose"))]
pub(crate) use off::{Holder, Place};
#[cfg(feature = "diagnose")]
pub(crate) use on::{Holder, Place};

#[cfg(not(feature = "diagnose"))]
use off::Others;
#[cfg(feature = "diagnose")]
use on::Others;

/// Who kept a write from being done, in [`TensorError::SharedStorage`].
///
/// With the feature `diagnose` it knows where those tensors were made, and the text of the error
/// says so; without, it has no size. All of them are equal: who the others are does not make it
/// another error.
///
/// ```
/// use kornia_tensor::{SharedWith, Tensor, TensorError};
///
/// let mut t = Tensor::<u8, 1>::zeros([4]);
/// let shared = t.clone();
/// let error = t.try_as_mut_slice().unwrap_err();
/// assert_eq!(error, TensorError::SharedStorage(SharedWith::default()));
/// # drop(shared);
/// ```
///
/// [`TensorError::SharedStorage`]: crate::TensorError::SharedStorage
#[derive(Clone, Default)]
pub struct SharedWith(Others);

impl PartialEq for SharedWith {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for SharedWith {}

impl fmt::Debug for SharedWith {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedWith({self})")
    }
}

impl fmt::Display for SharedWith {
    /// `2 other tensors, made at src/worker.rs:31 and src/display.rs:90`, or `other tensors`
    /// where nothing is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
