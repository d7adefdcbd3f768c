//! Plain old data under another element type, without a copy (feature `bytemuck`).
//!
//! The traits of the crate `bytemuck` say what may be read as what: all bytes of a `NoUninit` are
//! initialised, and an `AnyBitPattern` accepts any. Alignment and lengths are checked
//! here; bytes are in the order of this machine.

use bytemuck::{AnyBitPattern, NoUninit, PodCastError};

use crate::Tensor;
use crate::error::{self, TensorError};
use crate::layout::{Layout, shape_overflow};
use crate::storage::{OwnerRefused, TensorStorage};
use crate::tensor::view::{check_numel, not_contiguous};

impl<T: AnyBitPattern> TensorStorage<T> {
    /// Shares the bytes of an owner as elements, for reading. O(1); the owner is dropped with
    /// the last handle, on whichever thread.
    ///
    /// # Errors
    ///
    /// With the owner: `Misaligned`, or `UnsupportedOperation` unless the bytes are a whole
    /// number of elements.
    ///
    /// # Panics
    ///
    /// If `as_ref` panics; the owner is dropped then.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn from_bytes_owner<O>(owner: O) -> Result<Self, OwnerRefused<O>>
    where
        O: AsRef<[u8]> + Send + 'static,
    {
        Self::over_bytes(owner, as_elements)
    }
}

impl<T: AnyBitPattern, const N: usize> Tensor<T, N> {
    /// Shares the bytes of an owner as elements, for reading. O(1), safe; the owner is dropped
    /// with the last handle, on whichever thread. Bytes are in the order of this machine.
    ///
    /// For a message, a mapped file, a driver's buffer of bytes, or another [`TensorStorage`]
    /// of bytes. The owner is asked for its bytes once. `make_mut` copies.
    ///
    /// # Errors
    ///
    /// With the owner: `Misaligned`, `ElementCountMismatch` if the bytes are not exactly as many
    /// elements as the shape has, `UnsupportedOperation` if they are no whole number of
    /// elements, `ShapeOverflow`.
    ///
    /// # Panics
    ///
    /// If `as_ref` panics; the owner is dropped then.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// // Bytes that happen to be aligned, as those of a page or of a driver are.
    /// let bytes = Tensor::from_shape_vec([2, 1], vec![0x0102_u16, 7])?.reinterpret::<u8>()?;
    /// let bytes = bytes.into_parts().storage; // an owner of 4 bytes
    /// let depths = Tensor::<u16, 2>::from_bytes_owner([1, 2], bytes)?;
    /// assert_eq!(depths.as_slice(), [0x0102, 7]);
    ///
    /// let refused = Tensor::<u16, 1>::from_bytes_owner([9], [0u8; 3]).unwrap_err();
    /// assert_eq!(refused.owner, [0, 0, 0]); // the owner comes back
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn from_bytes_owner<O>(shape: [usize; N], owner: O) -> Result<Self, OwnerRefused<O>>
    where
        O: AsRef<[u8]> + Send + 'static,
    {
        let layout = match Layout::contiguous(shape, size_of::<T>()) {
            Ok(layout) => layout,
            Err(error) => return Err(OwnerRefused { error, owner }),
        };
        let storage = TensorStorage::over_bytes(owner, |bytes| {
            let elements = as_elements(bytes)?;
            check_numel(&layout, elements.len())?;
            Ok(elements)
        })?;
        Ok(error::expect(Self::from_storage(storage, shape))) // was checked, for the owner's sake
    }
}

impl<T: NoUninit, const N: usize> Tensor<T, N> {
    /// The same memory as elements of another type. O(1), no element moves. Bytes are in the
    /// order of this machine.
    ///
    /// Elements of another size change the length of the last axis: `[H, W, 4]` bytes are
    /// `[H, W, 1]` floats, and `[H, W, 3]` of `u16` are `[H, W, 6]` bytes. Elements of the same
    /// size keep any layout.
    ///
    /// If this was the only handle of writable memory, the result is writable, else it is
    /// read-only for good. It is memory with an owner: it does not become a `Vec`. However often it
    /// is reinterpreted, it stands on the memory that was allocated, and
    /// [`retained_bytes`](Self::retained_bytes) is the size of that.
    ///
    /// # Errors
    ///
    /// With the tensor: `Misaligned`, `NotHostAccessible`; and, if the sizes differ,
    /// `ShapeOverflow` if the last axis would be too long, which only an empty tensor's can be,
    /// `NotContiguous` unless the elements of the last axis are neighbours, and
    /// `UnsupportedOperation` if a row, or the distance between rows, is no whole number of the
    /// new elements.
    ///
    /// ```
    /// use kornia_tensor::{Tensor, TensorError};
    ///
    /// let gains = Tensor::from_shape_vec([2, 2], vec![1.0f32, 0.5, 2.0, 8.0])?;
    /// let mut bits = gains.reinterpret::<u32>()?;
    /// assert_eq!(bits[[0, 0]], 0x3f80_0000);
    /// bits.as_mut_slice()[3] = 0x4000_0000;
    /// let gains = bits.reinterpret::<f32>()?;
    /// assert_eq!(gains.as_slice(), [1.0, 0.5, 2.0, 2.0]);
    ///
    /// assert_eq!(gains.clone().reinterpret::<u8>()?.shape(), &[2, 8]);
    /// let refused = gains.slice((.., ..1)).reinterpret::<f64>().unwrap_err();
    /// assert_eq!(refused.owner[[0, 0]], 1.0); // half an `f64` per row: it comes back
    /// # Ok::<(), TensorError>(())
    /// ```
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn reinterpret<U: AnyBitPattern>(self) -> Result<Tensor<U, N>, OwnerRefused<Self>>
    where
        T: Send + Sync,
    {
        let checked = self.storage.check_readable().and_then(|()| {
            let layout = recast(&self.layout(), size_of::<T>(), size_of::<U>())?;
            // Nothing lies at the address of an empty window, so any aligned one does.
            let base = match layout.span() {
                0 => std::ptr::dangling(),
                _ => self.storage.as_ptr().cast::<U>(),
            };
            let base = TensorStorage::check_address(base, layout.span())?;
            Ok((layout, base))
        });
        let (layout, base) = match checked {
            Ok(checked) => checked,
            Err(error) => return Err(OwnerRefused { error, owner: self }),
        };
        let storage = self.into_parts().storage;
        let (len, domain, alloc) = (layout.span(), storage.domain(), storage.alloc_choice());
        let (owner, access) = storage.into_owner();
        // SAFETY: the address was checked to be aligned, and `recast` gives a layout over the same
        // bytes, which by W1 and S1 live as long as the owner, and by S2 and `T: NoUninit` are
        // initialised; any bytes are a value of `U` (`AnyBitPattern`). The result is writable only
        // if the owner is the sole handle (then S1 says that no shared reference is in its
        // history), and that is only ever dropped. What is written is not read as `T` again: `T` is
        // `Copy`, so nothing is dropped as one.
        let storage =
            unsafe { TensorStorage::over_address(base, len, alloc, domain, access, owner) };
        // SAFETY: the storage has the span of the layout (T1). `recast` only makes the last axis
        // finer or coarser, and keeps the distances in bytes, so elements that had nothing in
        // common still have not (T2).
        Ok(unsafe { Tensor::from_checked(storage, layout) })
    }
}

/// The layout of the same bytes in elements of another size.
fn recast<const N: usize>(
    layout: &Layout<N>,
    from: usize,
    to: usize,
) -> Result<Layout<N>, TensorError> {
    let (mut shape, mut strides) = (*layout.shape(), *layout.strides());
    if from == to {
        return Ok(*layout);
    }
    let whole = |bytes: usize, what: &str| {
        if to > 0 && bytes.is_multiple_of(to) {
            return Ok(bytes / to);
        }
        Err(TensorError::UnsupportedOperation(format!(
            "{bytes} bytes {what} are no whole number of {to}-byte elements; copy them with `map`"
        )))
    };
    let Some((len, step)) = shape.last_mut().zip(strides.last_mut()) else {
        return Err(TensorError::UnsupportedOperation(format!(
            "{from} bytes of a scalar are no scalar of {to} bytes; give it an axis with `reshape`"
        )));
    };
    if *len > 1 && *step != 1 {
        return Err(not_contiguous(layout));
    }
    // L1, L2: the bytes are as many as before, and so are those between them. Those of a tensor
    // without elements need not fit memory, though: nothing but its lengths is bounded.
    let Some(row) = len.checked_mul(from) else {
        return Err(shape_overflow(layout.shape(), from));
    };
    *len = whole(row, "in a row")?;
    *step = 1;
    if shape.contains(&0) {
        return Layout::contiguous(shape, to);
    }
    for (&len, stride) in shape.iter().zip(&mut strides).take(N - 1) {
        if len > 1 {
            let between = whole(stride.unsigned_abs() * from, "between rows")?;
            *stride = stride.signum() * between.cast_signed();
        } else {
            *stride = 0;
        }
    }
    Layout::new(shape, strides, to)
}

/// Bytes as elements.
///
/// # Errors
///
/// `Misaligned`, or `UnsupportedOperation` for a part of an element at the end.
pub(crate) fn as_elements<T: AnyBitPattern>(bytes: &[u8]) -> Result<&[T], TensorError> {
    bytemuck::try_cast_slice(bytes).map_err(|error| match error {
        PodCastError::TargetAlignmentGreaterAndInputNotAligned => TensorError::Misaligned {
            address: bytes.as_ptr().addr(),
            align: align_of::<T>(),
        },
        _ => TensorError::UnsupportedOperation(format!(
            "{} bytes are no whole number of {}-byte elements; pass as many as the shape needs",
            bytes.len(),
            size_of::<T>()
        )),
    })
}
