//! Reading: from bytes that something owns, and from a file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::{Contents, LENGTH, index_len, not_empty};
use crate::engine::element::bytes::{Order, as_elements};
use crate::formats::file::{
    Bools, FileElement, FileError, FileErrorKind, check_bools, copied_elements, read_elements,
    read_exactly,
};
use crate::formats::open::open_regular;
use crate::{Tensor, TensorStorage};

/// A file of tensors in memory that something owns, which they can share.
///
/// ```
/// use std::sync::Arc;
/// use kornia_tensor::Tensor;
/// use kornia_tensor::formats::safetensors::{SafeTensors, SafeTensorsWriter};
///
/// let image = Tensor::<u8, 3>::full([4, 6, 3], 7);
/// let mut bytes = Vec::new();
/// SafeTensorsWriter::new().add("image", &image)?.write(&mut bytes)?;
///
/// let bytes: Arc<[u8]> = bytes.into(); // or `Bytes`, or a mapped file
/// let file = SafeTensors::from_owner(bytes.clone())?;
/// let shared = file.tensor::<u8, 3>("image")?;
/// assert!(bytes.as_ptr_range().contains(&shared.as_ptr()));
/// drop(file);
/// assert_eq!(shared, image); // keeps the bytes
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SafeTensors {
    bytes: TensorStorage<u8>,
    /// Where the elements begin.
    start: usize,
    contents: Contents,
    bools: Bools,
}

impl SafeTensors {
    /// Reads the index of a file whose bytes `owner` has. O(index): no element is looked at.
    ///
    /// The owner lives until the last tensor that shares its bytes is gone.
    ///
    /// # Errors
    ///
    /// `Invalid` if this is no such file, or not a whole one.
    ///
    /// # Panics
    ///
    /// If `as_ref` panics.
    pub fn from_owner<O>(owner: O) -> Result<Self, FileError>
    where
        O: AsRef<[u8]> + Send + 'static,
    {
        let storage = TensorStorage::from_owner(owner);
        let bytes = storage.as_slice();
        let (start, contents) = Self::index(bytes)?;
        Ok(Self {
            start,
            contents,
            bytes: storage,
            bools: Bools::Strict,
        })
    }

    /// Takes every byte of a `BOOL` tensor but 0 for true where it is [copied](Self::to_tensor), as
    /// NumPy does, and gives its bytes as `u8` if asked for those.
    #[must_use]
    pub fn loose_bool(mut self) -> Self {
        self.bools = Bools::Loose;
        self
    }

    fn index(bytes: &[u8]) -> Result<(usize, Contents), FileErrorKind> {
        not_empty(bytes.len() as u64)?;
        let Some((first, rest)) = bytes.split_first_chunk::<LENGTH>() else {
            let there = bytes.len() as u64;
            return Err(FileErrorKind::truncated("the length", there, LENGTH as u64));
        };
        let (index, rest) = rest.split_at(index_len(*first, bytes.len() as u64)?);
        let contents = Contents::parse(index, rest.len() as u64)?;
        Ok((LENGTH + index.len(), contents))
    }

    /// Which tensors there are.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// A read-only tensor that shares the bytes. O(1), but for `bool`, whose bytes are looked
    /// through.
    ///
    /// # Errors
    ///
    /// `Missing`, `ElementType`, `Rank`; `Misaligned` if it lies at an address that does not suit its
    /// elements, and on a big-endian machine `Invalid`: [`to_tensor`](Self::to_tensor) copies it.
    pub fn tensor<T: FileElement, const N: usize>(
        &self,
        name: &str,
    ) -> Result<Tensor<T, N>, FileError> {
        self.share(name)
            .map_err(|kind| FileError::from(kind).about(name))
    }

    fn share<T: FileElement, const N: usize>(
        &self,
        name: &str,
    ) -> Result<Tensor<T, N>, FileErrorKind> {
        let (place, layout) = self.contents.find::<T, N>(name, self.bools)?;
        if size_of::<T>() > 1 && Order::NATIVE != Order::Little {
            return Err(FileErrorKind::Invalid(
                "elements are little-endian and this machine is not; use `to_tensor`".to_string(),
            ));
        }
        let place = self.start + place.start..self.start + place.end;
        let elements = &self.bytes.as_slice()[place.clone()];
        check_bools::<T>(elements)?;
        FileErrorKind::check_aligned::<T>(elements, "`to_tensor` copies")?;
        let storage = self.bytes.clone().share_as(|bytes| {
            // No elements need no alignment.
            match &bytes[place] {
                [] => Ok(&[]),
                elements => as_elements(elements),
            }
        });
        let storage = storage.map_err(|refused| refused.error)?;
        Ok(Tensor::from_storage(storage, *layout.shape())?)
    }

    /// A tensor of its own with the same elements. O(n), one `memcpy`.
    ///
    /// # Errors
    ///
    /// `Missing`, `ElementType`, `Rank`; `OutOfMemory`.
    pub fn to_tensor<T: FileElement, const N: usize>(
        &self,
        name: &str,
    ) -> Result<Tensor<T, N>, FileError> {
        self.copy(name)
            .map_err(|kind| FileError::from(kind).about(name))
    }

    fn copy<T: FileElement, const N: usize>(
        &self,
        name: &str,
    ) -> Result<Tensor<T, N>, FileErrorKind> {
        let (place, layout) = self.contents.find::<T, N>(name, self.bools)?;
        let bytes = &self.bytes.as_slice()[self.start..][place];
        let elements = copied_elements(bytes, Order::Little, self.bools)?;
        Ok(Tensor::from_shape_vec(*layout.shape(), elements)?)
    }
}

impl std::fmt::Debug for SafeTensors {
    /// The contents; elements are not printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SafeTensors")
            .field("contents", &self.contents)
            .finish_non_exhaustive()
    }
}

/// A file of tensors, of which those are read that are asked for.
///
/// See the [module](super) for an example.
#[derive(Debug)]
pub struct SafeTensorsReader<R> {
    reader: R,
    start: usize,
    contents: Contents,
    file: Option<PathBuf>,
    bools: Bools,
}

impl SafeTensorsReader<File> {
    /// Opens a file and reads its index.
    ///
    /// # Errors
    ///
    /// `Io`; `Invalid` if this is no such file, or not a whole one.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        let here = |error: FileError| error.in_file(Some(path));
        let file = open_regular(path).map_err(|error| here(error.into()))?;
        let mut reader = Self::new(file).map_err(here)?;
        reader.file = Some(path.to_path_buf());
        Ok(reader)
    }
}

impl<R: Read + Seek> SafeTensorsReader<R> {
    /// Reads the index of a file, which is all that `reader` gives. It needs no buffer.
    ///
    /// # Errors
    ///
    /// `Io`; `Invalid` if this is no such file, or not a whole one.
    pub fn new(mut reader: R) -> Result<Self, FileError> {
        let len = reader.seek(SeekFrom::End(0))?;
        not_empty(len)?;
        reader.rewind()?;
        let first = read_exactly(&mut reader, LENGTH, "the length")?;
        let first = first.try_into().unwrap_or_default();
        let index = index_len(first, len)?;
        let start = LENGTH + index;
        let index = read_exactly(&mut reader, index, "the index")?;
        // What was read has shown that it is there.
        let contents = Contents::parse(&index, len.saturating_sub(start as u64))?;
        Ok(Self {
            reader,
            start,
            contents,
            file: None,
            bools: Bools::Strict,
        })
    }

    /// Takes every byte of a `BOOL` tensor but 0 for true, as NumPy does, and gives its bytes as `u8`
    /// if asked for those.
    ///
    /// ```
    /// use std::io::Cursor;
    /// use kornia_tensor::Tensor;
    /// use kornia_tensor::formats::safetensors::{SafeTensorsReader, SafeTensorsWriter};
    ///
    /// let mask = Tensor::from_shape_vec([2], vec![true, false])?;
    /// let mut bytes = Vec::new();
    /// SafeTensorsWriter::new().add("mask", &mask)?.write(&mut bytes)?;
    ///
    /// let mut file = SafeTensorsReader::new(Cursor::new(bytes))?.loose_bool();
    /// assert_eq!(file.read::<u8, 1>("mask")?.as_slice(), [1, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn loose_bool(mut self) -> Self {
        self.bools = Bools::Loose;
        self
    }

    /// Which tensors there are.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Reads a tensor straight into the memory it keeps. O(n).
    ///
    /// # Errors
    ///
    /// `Missing`, `ElementType`, `Rank`; `Io`; `OutOfMemory`.
    pub fn read<T: FileElement, const N: usize>(
        &mut self,
        name: &str,
    ) -> Result<Tensor<T, N>, FileError> {
        let result = self.try_read(name);
        result.map_err(|kind| {
            FileError::from(kind)
                .about(name)
                .in_file(self.file.as_deref())
        })
    }

    fn try_read<T: FileElement, const N: usize>(
        &mut self,
        name: &str,
    ) -> Result<Tensor<T, N>, FileErrorKind> {
        let (place, layout) = self.contents.find::<T, N>(name, self.bools)?;
        let first = (self.start + place.start) as u64;
        self.reader.seek(SeekFrom::Start(first))?;
        let (from, numel) = (&mut self.reader, layout.numel());
        // The bytes were there when the file was opened.
        let elements = read_elements(from, numel, true, Order::Little, self.bools)?;
        Ok(Tensor::from_shape_vec(*layout.shape(), elements)?)
    }
}
