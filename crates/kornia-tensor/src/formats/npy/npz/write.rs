//! Writing archives.

use std::collections::HashSet;
use std::fmt;
use std::io::{self, Seek, Write};

use zip::result::ZipResult;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use super::gate::Gate;
use super::kind;
use crate::TensorView;
use crate::formats::file::{
    Destination, FileElement, FileError, FileErrorKind, NewFile, save as save_file, write_all,
};
use crate::formats::npy::{header_of, write_elements};

/// The longest name, with its ending: it shares 64 KiB with what else is said about an array.
const LONGEST_NAME: usize = 65_000;

/// Writes an `.npz`, array by array.
///
/// For a path use [`save_npz`]. A stream that cannot go back, such as a pipe, gets an archive all
/// the same: the sizes and sums of its arrays stand after them, and at the end.
///
/// An archive is whole once [`finish`](Self::finish) says so. It never is after an error: whichever
/// array could not be added, there is no archive without it, and `finish` says why. Dropped before
/// that, the writer leaves the stream as it is, without the list at its end.
pub struct NpzWriter<W: Write + Seek> {
    /// `None` after an error of its own.
    archive: Option<Archive<W>>,
    stream: Gate<W>,
    method: CompressionMethod,
    names: HashSet<String>,
    /// The array that is not there as a whole.
    broken: Option<Broken>,
}

/// An array that was not written, and why.
struct Broken {
    name: String,
    why: String,
    /// What the stream said, if it was the stream.
    kind: Option<io::ErrorKind>,
}

impl<W: Write + Seek> NpzWriter<W> {
    /// An archive of arrays as they are, as `np.savez` makes them.
    pub fn new(writer: W) -> Self {
        Self::with_method(writer, CompressionMethod::Stored)
    }

    /// An archive of compressed arrays, as `np.savez_compressed` makes them. Slow, and photographs
    /// hardly get smaller.
    pub fn compressed(writer: W) -> Self {
        Self::with_method(writer, CompressionMethod::Deflated)
    }

    fn with_method(writer: W, method: CompressionMethod) -> Self {
        let (stream, seekable) = Gate::new(writer);
        let archive = if seekable {
            Archive::Seekable(ZipWriter::new(stream.clone()))
        } else {
            Archive::Stream(ZipWriter::new_stream(stream.clone()))
        };
        Self {
            archive: Some(archive),
            stream,
            method,
            names: HashSet::new(),
            broken: None,
        }
    }

    /// Adds an array. O(n).
    ///
    /// # Errors
    ///
    /// As [`write`](crate::formats::npy::write()); `Invalid` if there is one of this name already, and after
    /// an earlier error.
    pub fn add<'a, T: FileElement, const N: usize>(
        &mut self,
        name: &str,
        tensor: impl Into<TensorView<'a, T, N>>,
    ) -> Result<(), FileError> {
        if let Some(broken) = &self.broken {
            return Err(broken.error());
        }
        // It is what is left where a stream panics.
        self.broken = Some(Broken {
            name: name.to_string(),
            why: "it was given up halfway".to_string(),
            kind: None,
        });
        match self.try_add(name, tensor.into()) {
            Ok(()) => {
                self.broken = None;
                Ok(())
            }
            Err(kind) => {
                self.stream.shut();
                if let Some(broken) = &mut self.broken {
                    broken.why = kind.to_string();
                    broken.kind = match &kind {
                        FileErrorKind::Io(error) => Some(error.kind()),
                        _ => None,
                    };
                }
                Err(FileError::from(kind).about(name))
            }
        }
    }

    fn try_add<T: FileElement, const N: usize>(
        &mut self,
        name: &str,
        tensor: TensorView<'_, T, N>,
    ) -> Result<(), FileErrorKind> {
        let header = header_of(tensor)?;
        let bytes = tensor.numel().saturating_mul(size_of::<T>());
        let options = SimpleFileOptions::default()
            .compression_method(self.method)
            .large_file(may_be_large(
                header.len().saturating_add(bytes) as u64,
                self.method,
            ));
        let entry = format!("{name}.npy");
        if entry.len() > LONGEST_NAME {
            return Err(FileErrorKind::Invalid(format!(
                "a name of {} bytes, and {LONGEST_NAME} are the most",
                entry.len()
            )));
        }
        if !self.names.insert(name.to_string()) {
            let why = "the name is taken; give every array its own".to_string();
            return Err(FileErrorKind::Invalid(why));
        }
        let Some(archive) = &mut self.archive else {
            return Err(FileErrorKind::Invalid("the archive is closed".to_string()));
        };
        let mut member = Member {
            refused: false,
            archive,
            stream: &self.stream,
        };
        let result = member
            .start(entry, options)
            .and_then(|()| Ok(write_all(&mut member, &header)?))
            .and_then(|()| write_elements(&mut member, tensor));
        if member.refused {
            // Nobody knows what its destructor would do now, so it has none: a few names and a
            // compressor are lost. An error of the stream is none of zip's.
            std::mem::forget(self.archive.take());
        }
        result
    }

    /// Writes the list of arrays, without which the others cannot be read, and flushes the stream.
    ///
    /// # Errors
    ///
    /// `Io`; and if an array could not be added, the error of that.
    pub fn finish(mut self) -> Result<W, FileError> {
        if let Some(broken) = &self.broken {
            return Err(broken.error());
        }
        if let Some(archive) = self.archive.take() {
            archive.finish().map_err(kind)?;
        }
        self.stream.flush_through();
        self.stream.settle()?;
        let writer = self.stream.take_writer();
        writer.ok_or_else(|| FileErrorKind::Invalid("the archive is closed".to_string()).into())
    }
}

impl<W: Write + Seek> Drop for NpzWriter<W> {
    /// Zip's writer finishes what it has when it is dropped; nobody sees that.
    fn drop(&mut self) {
        drop(self.stream.take_writer());
    }
}

impl<W: Write + Seek> fmt::Debug for NpzWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NpzWriter").finish_non_exhaustive()
    }
}

impl Broken {
    fn error(&self) -> FileError {
        let text = format!(
            "{}; the archive lacks this array, begin a new one",
            self.why
        );
        let kind = match self.kind {
            Some(kind) => FileErrorKind::Io(io::Error::new(kind, text)),
            None => FileErrorKind::Invalid(text),
        };
        FileError::from(kind).about(&self.name)
    }
}

/// Whether an array of so many bytes may need more than the 32 bits that a length has in small
/// archives. The compressor makes 9 bits of 8 at worst, and blocks of them.
fn may_be_large(bytes: u64, method: CompressionMethod) -> bool {
    let most = match method {
        CompressionMethod::Stored => bytes,
        _ => bytes.saturating_add(bytes / 8).saturating_add(64 << 10),
    };
    most >= u64::from(u32::MAX)
}

/// Zip's writer, for a stream that can go back or one that cannot.
enum Archive<W: Write + Seek> {
    Seekable(ZipWriter<Gate<W>>),
    Stream(ZipWriter<StreamWriter<Gate<W>>>),
}

impl<W: Write + Seek> Archive<W> {
    fn start(&mut self, entry: String, options: SimpleFileOptions) -> ZipResult<()> {
        match self {
            Self::Seekable(archive) => archive.start_file(entry, options),
            Self::Stream(archive) => archive.start_file(entry, options),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Seekable(archive) => archive.write(bytes),
            Self::Stream(archive) => archive.write(bytes),
        }
    }

    fn finish(self) -> ZipResult<()> {
        match self {
            Self::Seekable(archive) => archive.finish().map(drop),
            Self::Stream(archive) => archive.finish().map(drop),
        }
    }
}

/// An array in the archive, whose writer hears of the errors that zip's does not.
struct Member<'a, W: Write + Seek> {
    archive: &'a mut Archive<W>,
    stream: &'a Gate<W>,
    /// Whether zip's writer had an error of its own.
    refused: bool,
}

impl<W: Write + Seek> Member<'_, W> {
    fn start(&mut self, entry: String, options: SimpleFileOptions) -> Result<(), FileErrorKind> {
        let started = self.archive.start(entry, options);
        self.refused = started.is_err();
        started.map_err(kind)
    }
}

impl<W: Write + Seek> Write for Member<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.archive.write(bytes);
        self.refused = written.is_err();
        self.stream.settle()?;
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes an `.npz` of the arrays that `add_all` adds, [whole or not at all](crate::formats::file).
///
/// # Errors
///
/// Those of `add_all`, `Io`, and the error of an array that could not be added, also if `add_all`
/// makes nothing of it; what was under this path is still there then.
///
/// ```
/// use kornia_tensor::{Tensor, formats::npy};
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
    path: impl Destination,
    add_all: impl FnOnce(&mut NpzWriter<&mut NewFile>) -> Result<(), FileError>,
) -> Result<(), FileError> {
    save_with(path, CompressionMethod::Stored, add_all)
}

/// As [`save_npz`], compressed.
///
/// # Errors
///
/// Those of [`save_npz`].
pub fn save_npz_compressed(
    path: impl Destination,
    add_all: impl FnOnce(&mut NpzWriter<&mut NewFile>) -> Result<(), FileError>,
) -> Result<(), FileError> {
    save_with(path, CompressionMethod::Deflated, add_all)
}

fn save_with(
    path: impl Destination,
    method: CompressionMethod,
    add_all: impl FnOnce(&mut NpzWriter<&mut NewFile>) -> Result<(), FileError>,
) -> Result<(), FileError> {
    save_file(&path, |file| {
        let mut npz = NpzWriter::with_method(file, method);
        add_all(&mut npz)?;
        npz.finish().map(drop)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_near_four_gibibytes_get_lengths_of_64_bits() {
        let limit = u64::from(u32::MAX);
        assert!(!may_be_large(limit - 1, CompressionMethod::Stored));
        assert!(may_be_large(limit, CompressionMethod::Stored));
        // What cannot be compressed grows.
        let grown = |bytes: u64| bytes + bytes / 8;
        for bytes in [3_900_000_000, 4_294_901_760 - 1, limit] {
            assert!(grown(bytes) > limit && may_be_large(bytes, CompressionMethod::Deflated));
        }
        assert!(!may_be_large(3 << 30, CompressionMethod::Deflated));
    }
}
