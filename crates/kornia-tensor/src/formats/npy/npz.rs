//! Archives of several arrays.

use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::{Length, read_from, write_to};
use crate::formats::file::{FileElement, FileError, FileErrorKind, NewFile, save as save_file};
use crate::{Tensor, TensorView};

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
        if entry.read(&mut [0])? > 0 {
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

/// Writes an `.npz`, array by array.
///
/// For a path use [`save_npz`].
pub struct NpzWriter<W: Write + Seek> {
    archive: ZipWriter<W>,
    method: CompressionMethod,
}

impl<W: Write + Seek> NpzWriter<W> {
    /// An archive of arrays as they are, as `np.savez` makes them.
    pub fn new(writer: W) -> Self {
        Self {
            archive: ZipWriter::new(writer),
            method: CompressionMethod::Stored,
        }
    }

    /// An archive of compressed arrays, as `np.savez_compressed` makes them. Slow, and photographs
    /// hardly get smaller.
    pub fn compressed(writer: W) -> Self {
        Self {
            archive: ZipWriter::new(writer),
            method: CompressionMethod::Deflated,
        }
    }

    /// Adds an array. O(n).
    ///
    /// # Errors
    ///
    /// As [`write`](super::write()); `Invalid` if there is one of this name already.
    pub fn add<'a, T: FileElement, const N: usize>(
        &mut self,
        name: &str,
        tensor: impl Into<TensorView<'a, T, N>>,
    ) -> Result<(), FileError> {
        let result = self.try_add(name, tensor.into());
        result.map_err(|kind| FileError::from(kind).about(name))
    }

    fn try_add<T: FileElement, const N: usize>(
        &mut self,
        name: &str,
        tensor: TensorView<'_, T, N>,
    ) -> Result<(), FileErrorKind> {
        let bytes = tensor.numel().saturating_mul(size_of::<T>());
        let options = SimpleFileOptions::default()
            .compression_method(self.method)
            // The limit of 4 GiB, with room for a header.
            .large_file(bytes >= 0xFFFF_0000);
        let entry = format!("{name}.npy");
        self.archive.start_file(entry, options).map_err(kind)?;
        write_to(&mut self.archive, tensor)
    }

    /// Writes the list of arrays, without which the others cannot be read.
    ///
    /// # Errors
    ///
    /// `Io`.
    pub fn finish(self) -> Result<W, FileError> {
        Ok(self.archive.finish().map_err(kind)?)
    }
}

impl<W: Write + Seek> fmt::Debug for NpzWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NpzWriter").finish_non_exhaustive()
    }
}

/// Writes an `.npz` of the arrays that `add_all` adds, [whole or not at all](crate::file).
///
/// # Errors
///
/// Those of `add_all`, and `Io`; what was under this path is still there then.
///
/// ```
/// use kornia_tensor::{Tensor, npy};
///
/// let path = std::env::temp_dir().join(format!("kornia-doc-{}.npz", std::process::id()));
/// let camera = Tensor::<f64, 2>::zeros([3, 3]);
/// let frame = Tensor::<u8, 3>::zeros([48, 64, 3]);
/// npy::save_npz(&path, |npz| {
///     npz.add("camera", &camera)?;
///     npz.add("frame", &frame)
/// })?;
/// assert_eq!(npy::NpzReader::open(&path)?.read::<f64, 2>("camera")?, camera);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn save_npz(
    path: impl AsRef<Path>,
    add_all: impl FnOnce(&mut NpzWriter<&mut NewFile>) -> Result<(), FileError>,
) -> Result<(), FileError> {
    save_with(path.as_ref(), CompressionMethod::Stored, add_all)
}

/// As [`save_npz`], compressed.
///
/// # Errors
///
/// As there.
pub fn save_npz_compressed(
    path: impl AsRef<Path>,
    add_all: impl FnOnce(&mut NpzWriter<&mut NewFile>) -> Result<(), FileError>,
) -> Result<(), FileError> {
    save_with(path.as_ref(), CompressionMethod::Deflated, add_all)
}

fn save_with(
    path: &Path,
    method: CompressionMethod,
    add_all: impl FnOnce(&mut NpzWriter<&mut NewFile>) -> Result<(), FileError>,
) -> Result<(), FileError> {
    save_file(path, |file| {
        let archive = ZipWriter::new(file);
        let mut npz = NpzWriter { archive, method };
        add_all(&mut npz)?;
        npz.finish().map(drop)
    })
}

fn kind(error: ZipError) -> FileErrorKind {
    match error {
        ZipError::Io(error) => FileErrorKind::Io(error),
        error => FileErrorKind::Invalid(error.to_string()),
    }
}
