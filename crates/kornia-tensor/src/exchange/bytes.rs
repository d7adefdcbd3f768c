//! `Bytes` out of tensors without a copy (feature `bytes`).
//!
//! The way in needs no code: `Bytes` gives out a slice, so it is an owner like any other.

#![forbid(unsafe_code)]

use ::bytes::Bytes;
use bytemuck::NoUninit;

use crate::storage::{OwnerRefused, TensorStorage};
use crate::tensor::view::not_contiguous;
use crate::{Tensor, TensorError};

/// What `Bytes` keeps: a window, as bytes.
struct Elements<T>(TensorStorage<T>);

impl<T: NoUninit> AsRef<[u8]> for Elements<T> {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(self.0.as_slice())
    }
}

impl<T: NoUninit + Send + Sync, const N: usize> Tensor<T, N> {
    /// The elements as `Bytes`, in row-major order and the byte order of this machine. O(1), no
    /// element moves: the memory is freed, or goes back to its pool, with the last of the
    /// `Bytes` and the last other handle.
    ///
    /// Of a tensor that lies in `Bytes` they are a slice of those.
    ///
    /// `Bytes` are not written, so other handles of the memory may exist, and cannot write it
    /// either while the `Bytes` live. The way in is [`from_owner`](Self::from_owner) for `u8`
    /// and [`from_bytes_owner`](Self::from_bytes_owner) for other elements.
    ///
    /// # Errors
    ///
    /// With the tensor: `NotContiguous` (use [`contiguous`](Self::contiguous), which copies), or
    /// `NotHostAccessible`.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use kornia_tensor::{Tensor, TensorError};
    ///
    /// // In: a message that came over the network.
    /// let message = Bytes::from(vec![1, 2, 3, 4, 5, 6]);
    /// let image = Tensor::<u8, 3>::from_owner([1, 2, 3], message.clone())?;
    /// assert_eq!(image.as_ptr(), message.as_ptr());
    ///
    /// // Out: one row of depths, and a slice of that.
    /// let depths = Tensor::from_shape_vec([2, 2], vec![1u16, 2, 3, 4])?;
    /// let row = depths.slice((1, ..)).into_bytes()?;
    /// assert_eq!(row.slice(..2), 3u16.to_ne_bytes()[..]);
    ///
    /// let refused = image.flip(2).into_bytes().unwrap_err();
    /// assert_eq!(refused.owner.contiguous().into_bytes()?, [3, 2, 1, 6, 5, 4][..]);
    /// # Ok::<(), TensorError>(())
    /// ```
    pub fn into_bytes(self) -> Result<Bytes, OwnerRefused<Self>> {
        let refusal: Option<TensorError> = if self.is_standard_layout() {
            self.storage.check_readable().err()
        } else {
            Some(not_contiguous(&self.layout()))
        };
        match refusal {
            Some(error) => Err(OwnerRefused { error, owner: self }),
            // T1: the window of a standard layout is exactly its elements.
            None => Ok(to_bytes(self.into_parts().storage)),
        }
    }
}

/// The window as `Bytes`: a slice of those it lies in, if it lies in some, so that they do not nest.
fn to_bytes<T: NoUninit + Send + Sync>(storage: TensorStorage<T>) -> Bytes {
    let elements = Elements(storage);
    let window = elements.as_ref();
    if let Some(all) = elements.0.foreign_owner::<Bytes>() {
        let start = window.as_ptr().addr().wrapping_sub(all.as_ptr().addr());
        let end = start.saturating_add(window.len());
        if start <= end && end <= all.len() {
            return all.slice(start..end);
        }
    }
    Bytes::from_owner(elements)
}
