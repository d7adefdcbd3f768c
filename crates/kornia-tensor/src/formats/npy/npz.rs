//! Archives of several arrays.

mod gate;
mod write;

use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::{Length, read_from};
use crate::Tensor;
use crate::formats::file::{FileElement, FileError, FileErrorKind, at_end};

pub use write::{NpzWriter, save_npz, save_npz_compressed};

/// The arrays of an `.npz`, compressed or not.
///
/// ```
/// use std::io::Cursor;
/// use kornia_tensor::{Tensor, npy::{NpzReader, NpzWriter}};
///
/// let image = Tensor::<u8, 3>::zeros([4, 6, 3]);
/// let depth = Tensor::<f32, 2>::full([4, 6], 2.5);
/// let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
/// npz.add("image", &image)?;
/// npz.add("depth", &depth)?;
/// let bytes = npz.finish()?;
///
/// let mut npz = NpzReader::new(bytes)?;
/// assert_eq!(npz.names(), ["image", "depth"]);
/// assert_eq!(npz.read::<f32, 2>("depth")?, depth);
/// let error = npz.read::<f32, 2>("image").unwrap_err();
/// assert!(error.to_string().starts_with("tensor `image`: elements of type '|u1'"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct NpzReader<R> {
    archive: ZipArchive<R>,
    /// Bytes of the whole archive.
    len: u64,
    file: Option<PathBuf>,
}

impl NpzReader<BufReader<File>> {
    /// Opens an archive; arrays are read when they are asked for.
    ///
    /// # Errors
    ///
    /// `Io`; `Invalid` if this is no archive.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        let here = |error: FileError| error.in_file(Some(path));
        let file = File::open(path).map_err(|error| here(error.into()))?;
        let mut npz = Self::new(BufReader::new(file)).map_err(here)?;
        npz.file = Some(path.to_path_buf());
        Ok(npz)
    }
}

impl<R: Read + Seek> NpzReader<R> {
    /// Opens an archive that is read from the start of `reader`.
    ///
    /// # Errors
    ///
    /// `Io`; `Invalid` if this is no archive.
    pub fn new(mut reader: R) -> Result<Self, FileError> {
        let len = reader.seek(SeekFrom::End(0))?;
        reader.rewind()?;
        Ok(Self {
            archive: ZipArchive::new(reader).map_err(kind)?,
            len,
            file: None,
        })
    }

    /// The names of the arrays, in the order of the archive, without `.npy`.
    pub fn names(&self) -> Vec<String> {
        let names = self.archive.file_names_raw().map(String::from_utf8_lossy);
        names
            .map(|name| name.strip_suffix(".npy").unwrap_or(&name).to_string())
            .collect()
    }

    /// Reads one array. O(n).
    ///
    /// # Errors
    ///
    /// `Missing`; as [`read`](super::read()) and [`open`](super::open) for the array.
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
        let index = self.archive.index_for_name(&format!("{name}.npy"));
        let Some(index) = index.or_else(|| self.archive.index_for_name(name)) else {
            let names = self.names();
            return Err(FileErrorKind::Missing { names });
        };
        let mut entry = self.archive.by_index(index).map_err(kind)?;
        // What is not compressed has to be there.
        let stored = entry.compression() == CompressionMethod::Stored && entry.size() <= self.len;
        let length = if stored {
            Length::Exactly(entry.size())
        } else {
            Length::Unknown
        };
        let tensor = read_from(&mut entry, length)?;
        // At the end the sum of the bytes is compared.
        if !at_end(&mut entry)? {
            return Err(super::more_follows("bytes"));
        }
        Ok(tensor)
    }
}

impl<R> fmt::Debug for NpzReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NpzReader")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

fn kind(error: ZipError) -> FileErrorKind {
    match error {
        ZipError::Io(error) => FileErrorKind::Io(error),
        error => FileErrorKind::Invalid(error.to_string()),
    }
}
