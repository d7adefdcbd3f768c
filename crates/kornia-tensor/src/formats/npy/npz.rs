//! Archives of several arrays.

mod checked;
mod gate;
mod write;

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use zip::read::{ZipFile, ZipReadOptions};
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use checked::Checked;

use super::header::Header;
use super::read::{Length, ReadOptions, more_follows};
use crate::Tensor;
use crate::formats::file::{FileElement, FileError, FileErrorKind, at_end, read_exactly};
use crate::formats::open::open_regular;

pub use write::{NpzWriter, save_npz, save_npz_compressed};

/// The arrays of an `.npz`, compressed or not.
///
/// ```
/// use std::io::Cursor;
/// use kornia_tensor::{Tensor, formats::npy::{NpzReader, NpzWriter}};
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
    archive: ZipArchive<Checked<R>>,
    /// The names of the members in their order, in the encoding that the archive says.
    members: Vec<String>,
    /// Where each name stands in that order. Asked of the archive, a name that is not there costs
    /// a look at all of them.
    index: HashMap<String, usize>,
    /// Bytes of the whole archive.
    len: u64,
    file: Option<PathBuf>,
    options: ReadOptions,
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
        let file = open_regular(path).map_err(|error| here(error.into()))?;
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
    /// `Io`; `Invalid` if this is no archive, or has two arrays of one name.
    pub fn new(reader: R) -> Result<Self, FileError> {
        let mut reader = Checked(reader);
        let len = reader.seek(SeekFrom::End(0))?;
        if len == 0 {
            let what = "the file is empty; an archive of arrays was expected";
            return Err(FileErrorKind::Invalid(what.to_string()).into());
        }
        reader.rewind()?;
        let first = read_exactly(&mut reader, 4, "the first bytes")?;
        if !matches!(&first[..], b"PK\x03\x04" | b"PK\x05\x06") {
            return Err(FileErrorKind::Invalid(format!(
                "the first bytes are {first:02x?}, and an archive begins with {:02x?}; this is no .npz",
                b"PK\x03\x04"
            ))
            .into());
        }
        reader.rewind()?;
        let archive = ZipArchive::new(reader).map_err(kind)?;
        if archive.has_duplicate_names() {
            let what = "two arrays have one name, and readers differ in which they take; write the \
                        archive anew";
            return Err(FileErrorKind::Invalid(what.to_string()).into());
        }
        let name = |(at, raw): (usize, &[u8])| match archive.name_for_index(at) {
            Some(Ok(name)) => name.into_owned(),
            // Python opens no such archive.
            _ => String::from_utf8_lossy(raw).into_owned(),
        };
        let members: Vec<_> = archive.file_names_raw().enumerate().map(name).collect();
        let mut index = HashMap::with_capacity(members.len());
        for (at, name) in members.iter().enumerate() {
            index.entry(name.clone()).or_insert(at);
        }
        Ok(Self {
            archive,
            members,
            index,
            len,
            file: None,
            options: ReadOptions::new(),
        })
    }

    /// Reads arrays another way: always into row-major order, or `bool` as NumPy reads it.
    ///
    /// ```
    /// use std::io::Cursor;
    /// use kornia_tensor::{Tensor, formats::npy::{NpzReader, NpzWriter, ReadOptions}};
    ///
    /// let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
    /// npz.add("mask", &Tensor::from_shape_vec([2], vec![true, false])?)?;
    /// let bytes = npz.finish()?;
    ///
    /// let mut npz = NpzReader::new(bytes)?.with_options(ReadOptions::new().loose_bool());
    /// assert_eq!(npz.read::<u8, 1>("mask")?.as_slice(), [1, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_options(mut self, options: ReadOptions) -> Self {
        self.options = options;
        self
    }

    /// The names of the arrays, in the order of the archive, without `.npy`. Each can be read under
    /// this name.
    ///
    /// Where there is a member with `.npy` and one without, the first keeps it.
    pub fn names(&self) -> Vec<String> {
        let of_array = |name: &String| match name.strip_suffix(".npy") {
            Some(short) if !self.index.contains_key(short) => short.to_string(),
            _ => name.clone(),
        };
        self.members.iter().map(of_array).collect()
    }

    /// Reads one array. O(n).
    ///
    /// As NumPy does it, the name is first taken for that of a member, then for that of a member
    /// without its `.npy`.
    ///
    /// # Errors
    ///
    /// `Missing`; as [`read`](super::read()) and [`open`](super::open) for the array.
    pub fn read<T: FileElement, const N: usize>(
        &mut self,
        name: &str,
    ) -> Result<Tensor<T, N>, FileError> {
        let options = self.options.clone();
        self.with_member(name, |mut entry, length| {
            let tensor = options.read_from(&mut entry, length)?;
            // At the end the sum of the bytes is compared.
            if !at_end(&mut entry)? {
                return Err(more_follows("bytes"));
            }
            Ok(tensor)
        })
    }

    /// Reads the header of one array: element type, shape and order.
    ///
    /// # Errors
    ///
    /// `Missing`; as [`read_header`](super::read_header).
    ///
    /// ```
    /// use std::io::Cursor;
    /// use kornia_tensor::{Tensor, formats::npy::{NpzReader, NpzWriter}};
    ///
    /// let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
    /// npz.add("depth", &Tensor::<f32, 2>::zeros([480, 640]))?;
    ///
    /// let mut npz = NpzReader::new(npz.finish()?)?;
    /// let header = npz.header("depth")?;
    /// assert_eq!((header.shape(), header.element_type()), (&[480, 640][..], "<f4"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn header(&mut self, name: &str) -> Result<Header, FileError> {
        self.with_member(name, |mut entry, _| Header::read(&mut entry))
    }

    /// What `read` makes of a member of this name and of its length.
    fn with_member<V>(
        &mut self,
        name: &str,
        read: impl FnOnce(ZipFile<'_, Checked<R>>, Length) -> Result<V, FileErrorKind>,
    ) -> Result<V, FileError> {
        let found = self.find(name).and_then(|index| {
            let entry = self.archive.by_index_data(index).map_err(kind)?;
            let method = entry.compression();
            if !matches!(
                method,
                CompressionMethod::Stored | CompressionMethod::Deflated
            ) {
                return Err(unknown_compression(method));
            }
            // Of two names for one member, readers take this or that.
            let options = ZipReadOptions::new().enforce_header_consistency(true);
            let entry = self.archive.by_index_with_options(index, options);
            let entry = entry.map_err(kind)?;
            // What is not compressed has to be there.
            let stored = method == CompressionMethod::Stored && entry.size() <= self.len;
            let length = if stored {
                Length::Exactly(entry.size())
            } else {
                Length::Unknown
            };
            read(entry, length)
        });
        found.map_err(|kind| {
            FileError::from(kind)
                .about(name)
                .in_file(self.file.as_deref())
        })
    }

    fn find(&self, name: &str) -> Result<usize, FileErrorKind> {
        let index = self.index.get(name);
        index
            .or_else(|| self.index.get(&format!("{name}.npy")))
            .copied()
            .ok_or_else(|| FileErrorKind::Missing {
                names: self.names(),
            })
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

/// What is read of archives, where a member is neither.
fn unknown_compression(method: CompressionMethod) -> FileErrorKind {
    let name = match method {
        CompressionMethod::BZIP2 => "bzip2",
        CompressionMethod::LZMA => "LZMA",
        CompressionMethod::ZSTD => "Zstandard",
        _ => "a method that is not known here",
    };
    FileErrorKind::Invalid(format!(
        "the array is compressed by {name}, and stored and deflated ones are read; write it with \
         `np.savez` or `np.savez_compressed`"
    ))
}
