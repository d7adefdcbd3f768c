//! Reading archives: in place, as tensors that share them, and copied out.

use std::fmt;

use rkyv::api::high::HighValidator;
use rkyv::bytecheck::CheckBytes;
use rkyv::primitive::ArchivedUsize;
use rkyv::rancor::{BoxedError, Fallible, ResultExt, Source};
use rkyv::{Archive, Deserialize};

use super::ArchivedTensor;
use crate::engine::element::Plain;
use crate::engine::element::bytes::{Order, append, as_elements};
use crate::error;
use crate::formats::wire::{Arriving, assemble};
use crate::{OwnerRefused, Tensor, TensorError, TensorStorage, TensorView};

impl<A, const N: usize> ArchivedTensor<A, N> {
    /// Lengths of the axes.
    pub fn shape(&self) -> [usize; N] {
        // A width that does not fit is too large for any memory, and so is the largest.
        let native = |len: &ArchivedUsize| usize::try_from(len.to_native()).unwrap_or(usize::MAX);
        self.shape.each_ref().map(native)
    }

    /// Number of elements.
    pub fn numel(&self) -> usize {
        self.data.len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The elements as they are archived, such as `f32_le`. O(1).
    ///
    /// # Panics
    ///
    /// If the archive was accessed without a check, and the shape does not fit the elements.
    #[track_caller]
    pub fn view(&self) -> TensorView<'_, A, N> {
        error::expect(TensorView::from_slice(self.shape(), self.data.as_slice()))
    }

    /// The elements as the type they were written from. O(1); `bool` is looked through.
    ///
    /// # Errors
    ///
    /// `UnsupportedOperation` unless `T` is a plain number that the archive holds as this machine
    /// does: see the table in the [module](crate::formats::rkyv).
    pub fn view_as<T: Archive<Archived = A>>(&self) -> Result<TensorView<'_, T, N>, TensorError> {
        let elements = as_elements(bytes::<T>(self.data.as_slice())?)?;
        TensorView::from_slice(self.shape(), elements)
    }
}

impl<A: fmt::Debug, const N: usize> fmt::Debug for ArchivedTensor<A, N> {
    /// As the view of all elements.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

impl<A: PartialEq<T>, T, const N: usize> PartialEq<Tensor<T, N>> for ArchivedTensor<A, N> {
    /// Whether shapes and elements are equal: for `#[rkyv(compare(PartialEq))]`.
    fn eq(&self, other: &Tensor<T, N>) -> bool {
        self.view() == other.view()
    }
}

impl<T: Archive, const N: usize> Tensor<T, N> {
    /// Shares the elements of an archived tensor, for reading. O(1); the owner of the bytes is
    /// dropped with the last handle, on whichever thread.
    ///
    /// The tensor is the root of the archive; for one in a struct see
    /// [`from_archive_with`](Self::from_archive_with). Where the elements cannot be shared,
    /// `rkyv::from_bytes` copies them.
    ///
    /// # Errors
    ///
    /// With the owner: `UnsupportedOperation` if the bytes are no such archive or are not aligned
    /// for it, or if `T` cannot be read in place (see [`ArchivedTensor::view_as`]).
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    /// use rkyv::rancor::Error;
    ///
    /// let image = Tensor::from_shape_vec([2, 3], vec![1u16, 2, 3, 4, 5, 6])?;
    /// let bytes = rkyv::to_bytes::<Error>(&image)?;
    /// let address = bytes.as_ptr();
    ///
    /// let mut shared = Tensor::<u16, 2>::from_archive(bytes)?;
    /// assert_eq!(shared, image);
    /// assert_eq!(shared.as_ptr().cast(), address);
    /// assert!(shared.try_as_mut_slice().is_err());
    ///
    /// let refused = Tensor::<u16, 2>::from_archive([0; 7]).unwrap_err();
    /// assert_eq!(refused.owner, [0; 7]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_archive<O>(owner: O) -> Result<Self, OwnerRefused<O>>
    where
        O: AsRef<[u8]> + Send + 'static,
        T::Archived: for<'a> CheckBytes<HighValidator<'a, BoxedError>>,
    {
        Self::from_archive_with(owner, |bytes| {
            rkyv::access::<ArchivedTensor<T::Archived, N>, BoxedError>(bytes)
        })
    }

    /// As [`from_archive`](Self::from_archive), for a tensor that `find` finds in the bytes.
    ///
    /// `find` accesses the archive, with the check or without, and picks the tensor.
    ///
    /// # Errors
    ///
    /// As `from_archive`; what `find` returns.
    ///
    /// # Panics
    ///
    /// If `find` or `as_ref` panics; the owner is dropped then.
    pub fn from_archive_with<O, F, E>(owner: O, find: F) -> Result<Self, OwnerRefused<O>>
    where
        O: AsRef<[u8]> + Send + 'static,
        F: for<'a> FnOnce(&'a [u8]) -> Result<&'a ArchivedTensor<T::Archived, N>, E>,
        E: fmt::Display,
    {
        let mut shape = None;
        let storage = TensorStorage::over_bytes(owner, |bytes| {
            let archived = find(bytes)
                .map_err(|error| TensorError::UnsupportedOperation(error.to_string()))?;
            readable::<T>()?;
            // The elements' bytes anew from the owner's: a pointer that came through a reference
            // of rkyv may, under Stacked Borrows, not read beyond what that referred to.
            let first = archived.data.as_ptr().addr();
            let start = first.wrapping_sub(bytes.as_ptr().addr());
            let end = start.saturating_add(archived.numel().saturating_mul(size_of::<T>()));
            let elements = bytes.get(start..end).map(as_elements).ok_or_else(|| {
                TensorError::UnsupportedOperation("the tensor lies outside the bytes".to_string())
            })??;
            shape = Some(*TensorView::from_slice(archived.shape(), elements)?.shape());
            Ok(elements)
        })?;
        match shape {
            // Was checked, for the owner's sake.
            Some(shape) => Ok(error::expect(Self::from_storage(storage, shape))),
            None => unreachable!("there is a storage, so a tensor was found"),
        }
    }
}

impl<T, A, D, const N: usize> Deserialize<Tensor<T, N>, D> for ArchivedTensor<A, N>
where
    T: Archive<Archived = A>,
    A: Deserialize<T, D>,
    D: Fallible<Error: Source> + ?Sized,
{
    /// O(n), into fresh memory; one `memcpy` for numbers in this machine's byte order.
    ///
    /// # Errors
    ///
    /// Those of the elements; `OutOfMemory`.
    fn deserialize(&self, deserializer: &mut D) -> Result<Tensor<T, N>, D::Error> {
        let archived = self.data.as_slice();
        let elements = match bytes::<T>(archived) {
            Ok(bytes) => {
                let mut elements = Vec::new();
                append(&mut elements, bytes, Order::NATIVE).into_error()?;
                elements
            }
            Err(_) => {
                let mut elements = Arriving::new(archived.len()).into_error()?;
                for element in archived {
                    let element = element.deserialize(deserializer)?;
                    elements.push(element).into_error()?;
                }
                elements.finish()
            }
        };
        assemble(self.shape(), None, elements).into_error()
    }
}

/// `Err` unless `T` is a plain number whose bytes are the same in an archive and in this machine's
/// memory.
fn readable<T: Archive>() -> Result<(), TensorError> {
    let same = T::COPY_OPTIMIZATION.is_enabled() && size_of::<T>() == size_of::<T::Archived>();
    if same && Plain::builtin::<T>().is_some() {
        return Ok(());
    }
    Err(TensorError::UnsupportedOperation(format!(
        "elements of type {} lie otherwise in an archive than in memory; deserialize them",
        std::any::type_name::<T>()
    )))
}

/// The bytes of archived numbers, if they are those of the numbers in this machine's memory.
fn bytes<T: Archive>(archived: &[T::Archived]) -> Result<&[u8], TensorError> {
    readable::<T>()?;
    // SAFETY: `T` is a number or `bool`, so `T::Archived` is the type that rkyv itself gives
    // it: `T`, or a number of the crate rend, all of which rkyv declares to be without undefined
    // bytes (`NoUndef`, checked below). Bytes need no alignment.
    Ok(unsafe { std::slice::from_raw_parts(archived.as_ptr().cast(), size_of_val(archived)) })
}

#[cfg(test)]
const _: () = {
    const fn archived_without_undefined_bytes<T: Archive<Archived: rkyv::traits::NoUndef>>() {}
    archived_without_undefined_bytes::<bool>();
    archived_without_undefined_bytes::<u8>();
    archived_without_undefined_bytes::<i8>();
    archived_without_undefined_bytes::<u16>();
    archived_without_undefined_bytes::<i16>();
    archived_without_undefined_bytes::<u32>();
    archived_without_undefined_bytes::<i32>();
    archived_without_undefined_bytes::<u64>();
    archived_without_undefined_bytes::<i64>();
    archived_without_undefined_bytes::<u128>();
    archived_without_undefined_bytes::<i128>();
    archived_without_undefined_bytes::<f32>();
    archived_without_undefined_bytes::<f64>();
    archived_without_undefined_bytes::<usize>();
    archived_without_undefined_bytes::<isize>();
};
