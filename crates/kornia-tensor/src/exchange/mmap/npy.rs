//! Arrays of NumPy that are read and written where they lie in a file.

use std::path::Path;

use bytemuck::{AnyBitPattern, NoUninit};

use super::MappedFileMut;
use crate::formats::file::{FileElement, FileError, FileErrorKind};
use crate::formats::npy::{self, Header};
use crate::{Layout, Tensor};

/// Arrays of NumPy (feature `npy`).
impl MappedFileMut {
    /// Makes an `.npy` of zeros, where there is no file yet, and maps its elements. Its header is
    /// there at once, so NumPy reads the file whenever the program ends.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// `Io`: `AlreadyExists`, `StorageFull`, ..; `Tensor(ShapeOverflow)`; on a big-endian machine
    /// `Invalid`.
    ///
    /// ```
    /// # #[cfg(not(miri))] {
    /// use kornia_tensor::{MappedFile, MappedFileMut, formats::npy};
    ///
    /// let path = std::env::temp_dir().join(format!("kornia-doc-map-{}.npy", std::process::id()));
    /// // SAFETY: the file has a name of its own; nobody else opens it while the tensor lives.
    /// let mut depth = unsafe { MappedFileMut::create_npy::<f32, 3>(&path, [100, 48, 64]) }?;
    /// depth.view_mut().select(0, 77).fill(2.5); // one frame of a hundred
    /// drop(depth);
    ///
    /// // SAFETY: nobody writes to it any more.
    /// let file = unsafe { MappedFile::open(&path) }?;
    /// let depth = npy::from_owner::<f32, 3, _>(file)?; // nothing is read so far
    /// assert_eq!((depth[[77, 0, 0]], depth[[78, 0, 0]]), (2.5, 0.0));
    /// # std::fs::remove_file(&path)?;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub unsafe fn create_npy<T, const N: usize>(
        path: impl AsRef<Path>,
        shape: [usize; N],
    ) -> Result<Tensor<T, N>, FileError>
    where
        T: FileElement + AnyBitPattern + NoUninit,
    {
        let path = path.as_ref();
        let here = |error: FileError| error.in_file(Some(path));
        let header = Header::of::<T>(&shape).map_err(here)?;
        npy::check_native(&header).map_err(|kind| here(kind.into()))?;
        let layout =
            Layout::contiguous(shape, size_of::<T>()).map_err(|error| here(error.into()))?;
        // A layout leaves half of all addresses, which no header fills.
        let size = header.size_in_bytes() + layout.numel() * size_of::<T>();
        // SAFETY: the caller promises that nobody else changes the file while it is mapped.
        let file = unsafe { Self::try_create(path, size) };
        let mut file = file.map_err(|error| here(error.into()))?;
        file.bytes_mut()[..header.size_in_bytes()].copy_from_slice(&header.to_bytes());
        let tensor = file.into_tensor(shape, header.size_in_bytes());
        tensor.map_err(|refused| here(refused.error.into()))
    }

    /// Maps the elements of an `.npy` for reading and writing. O(1): nothing but its header is read.
    ///
    /// The header is checked against the file: type, number of axes, length, alignment. An array in
    /// Fortran order comes as a tensor whose strides are reversed.
    ///
    /// # Safety
    ///
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// Those of [`npy::open`](crate::formats::npy::open); `Invalid` for the byte order of other machines,
    /// `Tensor(MisalignedOffset)` for elements at odd places, where NumPy never puts them.
    pub unsafe fn open_npy<T, const N: usize>(
        path: impl AsRef<Path>,
    ) -> Result<Tensor<T, N>, FileError>
    where
        T: FileElement + AnyBitPattern + NoUninit,
    {
        let path = path.as_ref();
        // SAFETY: the caller promises that nobody else changes the file while it is mapped.
        let tensor = unsafe { Self::try_open_npy(path) };
        tensor.map_err(|kind| FileError::from(kind).in_file(Some(path)))
    }

    /// # Safety
    ///
    /// As for [`open`](Self::open).
    unsafe fn try_open_npy<T, const N: usize>(path: &Path) -> Result<Tensor<T, N>, FileErrorKind>
    where
        T: FileElement + AnyBitPattern + NoUninit,
    {
        // SAFETY: the caller promises that nobody else changes the file while it is mapped.
        let file = unsafe { Self::try_open(path) }?;
        let place = npy::find::<T, N>(file.bytes())?;
        let tensor = file.into_tensor(place.in_memory, place.offset);
        let tensor = tensor.map_err(|refused| refused.error)?;
        Ok(if place.fortran_order {
            tensor.transpose()
        } else {
            tensor
        })
    }
}
