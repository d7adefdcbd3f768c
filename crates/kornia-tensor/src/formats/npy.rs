//! Arrays of NumPy: `.npy` and `.npz` (feature `npy`).
//!
//! ```
//! use kornia_tensor::{Tensor, npy};
//!
//! let path = std::env::temp_dir().join(format!("kornia-doc-{}.npy", std::process::id()));
//! let image = Tensor::<u8, 3>::from_shape_fn([4, 6, 3], |[y, x, c]| (y * 18 + x * 3 + c) as u8);
//! npy::save(&path, &image.slice((1..3, .., ..)))?; // np.load(path).shape == (2, 6, 3)
//!
//! let rows = npy::open::<u8, 3>(&path)?;
//! assert_eq!(rows, image.slice((1..3, .., ..)));
//!
//! // The type and the number of axes have to be those of the file.
//! let error = npy::open::<f32, 3>(&path).unwrap_err();
//! assert!(error.to_string().contains("elements of type '|u1' where f32 was asked for"));
//! # std::fs::remove_file(&path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`read`] and [`write`](write()) work on streams, [`from_bytes`] on memory, [`open`] and [`save`] on
//! paths; [`NpzReader`],
//! [`NpzWriter`] and [`save_npz`] on archives of several arrays. Which element types there are, and
//! how files are written, is said in [`file`](crate::file).
//!
//! # What is written
//!
//! The visible elements in row-major order, little-endian, with a header of version 1.0: one write
//! for the header and one for contiguous elements. A crop is written row by row through a buffer of
//! 256 KiB; other layouts are gathered first. What lies around a crop is not written.
//!
//! # What is read
//!
//! Versions 1.0, 2.0 and 3.0, little- and big-endian, every number of axes. Elements go from the
//! system straight into the memory that they stay in. An array in Fortran order keeps its order in
//! memory and comes as a tensor whose strides are reversed, in O(1) after reading;
//! [`contiguous`](crate::Tensor::contiguous) copies it to row-major order. Structures, Python
//! objects, text, dates and complex numbers are refused by name; nothing is ever unpickled.
//!
//! # Bytes from strangers
//!
//! Whatever a header claims, memory is taken for bytes that are there: for a file after its length
//! was compared, for a stream as the bytes come. (A compressed array may be a thousand times as
//! large as its file.) A header has at most 64 KiB and is read in time proportional to its length.

#![forbid(unsafe_code)]

mod header;
mod npz;

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use crate::engine::element::bytes::{Order, append, for_each_block};
use crate::engine::element::read;
use crate::formats::file::{
    FileElement, FileError, FileErrorKind, at_end, save as save_file, write_all,
};
use crate::{Layout, Tensor, TensorView};

use header::{Header, descr, order_of};
pub use npz::{NpzReader, NpzWriter, save_npz, save_npz_compressed};

/// Reads an array from a stream, and nothing after it: several can follow each other. O(n).
///
/// The stream is asked for large pieces at once and needs no buffer of its own.
///
/// # Errors
///
/// If this is no array of `N` axes with elements of type `T`, or ends early; the errors of the
/// stream; `OutOfMemory`.
///
/// ```
/// use kornia_tensor::{Tensor, npy};
///
/// let mut bytes = Vec::new();
/// npy::write(&mut bytes, &Tensor::from_shape_vec([2], vec![1.5f32, 2.5])?)?;
/// npy::write(&mut bytes, &Tensor::from_shape_vec([], vec![true])?)?;
///
/// let mut stream = &bytes[..];
/// assert_eq!(npy::read::<f32, 1>(&mut stream)?.as_slice(), [1.5, 2.5]);
/// assert_eq!(npy::read::<bool, 0>(&mut stream)?.as_slice(), [true]);
/// assert!(npy::read::<u8, 1>(&mut stream).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read<T: FileElement, const N: usize>(
    mut reader: impl Read,
) -> Result<Tensor<T, N>, FileError> {
    Ok(read_from(&mut reader, Length::Unknown)?)
}

/// Reads the array that these bytes are. O(n), one `memcpy`.
///
/// Faster than [`read`](fn@read), which does not know how many bytes will come and believes no
/// header.
///
/// # Errors
///
/// As [`read`](fn@read); also if anything follows the array.
///
/// ```
/// use kornia_tensor::{Tensor, npy};
///
/// let mut bytes = Vec::new();
/// npy::write(&mut bytes, &Tensor::from_shape_vec([2], vec![1.5f32, 2.5])?)?;
/// assert_eq!(npy::from_bytes::<f32, 1>(&bytes)?.as_slice(), [1.5, 2.5]);
///
/// bytes.push(0);
/// let error = npy::from_bytes::<f32, 1>(&bytes).unwrap_err();
/// assert!(error.to_string().contains("1 bytes follow the array"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn from_bytes<T: FileElement, const N: usize>(bytes: &[u8]) -> Result<Tensor<T, N>, FileError> {
    let (mut rest, length) = (bytes, Length::Exactly(bytes.len() as u64));
    let array = Array::<N>::read::<T>(&mut rest, length)?;
    // What is left are exactly the elements.
    let mut elements = Vec::new();
    append(&mut elements, rest, array.order).map_err(FileErrorKind::from)?;
    Ok(array.of(elements)?)
}

/// Reads the array that a file is. O(n).
///
/// # Errors
///
/// As [`read`](fn@read); also if anything follows the array.
pub fn open<T: FileElement, const N: usize>(
    path: impl AsRef<Path>,
) -> Result<Tensor<T, N>, FileError> {
    let path = path.as_ref();
    open_file(path).map_err(|kind| FileError::from(kind).in_file(Some(path)))
}

fn open_file<T: FileElement, const N: usize>(path: &Path) -> Result<Tensor<T, N>, FileErrorKind> {
    let mut file = File::open(path)?;
    let there = file.metadata()?;
    let length = if there.is_file() {
        Length::Exactly(there.len())
    } else {
        Length::Unknown
    };
    let tensor = read_from(&mut file, length)?;
    if !at_end(&mut file)? {
        return Err(more_follows("bytes"));
    }
    Ok(tensor)
}

/// Writes an array to a stream. O(n); the stream needs no buffer.
///
/// # Errors
///
/// Those of the stream; `OutOfMemory` if elements must be gathered first; an element type that
/// NumPy does not have (`bf16`).
pub fn write<'a, T: FileElement, const N: usize>(
    mut writer: impl Write,
    tensor: impl Into<TensorView<'a, T, N>>,
) -> Result<(), FileError> {
    Ok(write_to(&mut writer, tensor.into())?)
}

/// Writes an array to a file, [whole or not at all](crate::file). O(n).
///
/// # Errors
///
/// As [`write`](write()); what was under this path is still there then.
pub fn save<'a, T: FileElement, const N: usize>(
    path: impl AsRef<Path>,
    tensor: impl Into<TensorView<'a, T, N>>,
) -> Result<(), FileError> {
    let tensor = tensor.into();
    save_file(path.as_ref(), |file| write_to(file, tensor))
}

/// How long the input is, header included.
#[derive(Clone, Copy)]
enum Length {
    Unknown,
    /// And all of it is the array.
    Exactly(u64),
}

fn read_from<T: FileElement, const N: usize>(
    reader: &mut (impl Read + ?Sized),
    length: Length,
) -> Result<Tensor<T, N>, FileErrorKind> {
    let array = Array::<N>::read::<T>(reader, length)?;
    let known = matches!(length, Length::Exactly(_));
    let elements = read::read(reader, array.numel, known, array.order)
        .map_err(|error| FileErrorKind::of_read(error, (array.numel * size_of::<T>()) as u64))?;
    array.of(elements)
}

/// What a header says, checked.
struct Array<const N: usize> {
    shape: [usize; N],
    /// As many bytes as these elements have fit into memory.
    numel: usize,
    fortran_order: bool,
    order: Order,
}

impl<const N: usize> Array<N> {
    /// Reads a header. Elements of type `T` follow, as far as the input has them: exactly those if
    /// its length is known.
    fn read<T: FileElement>(
        reader: &mut (impl Read + ?Sized),
        length: Length,
    ) -> Result<Self, FileErrorKind> {
        let mut counted = Counted { reader, count: 0 };
        let header = Header::read(&mut counted)?;
        let order = order_of::<T>(&header.descr)?;
        let shape = FileErrorKind::check_rank::<N>(&header.shape)?;
        let numel = Layout::contiguous(shape, size_of::<T>())?.numel();
        // The layout fits, so its bytes do.
        let needed = (numel * size_of::<T>()) as u64;
        if let Length::Exactly(length) = length {
            let there = length.saturating_sub(counted.count);
            if there < needed {
                return Err(FileErrorKind::truncated("the elements", there, needed));
            }
            if there > needed {
                return Err(more_follows(&format!("{} bytes", there - needed)));
            }
        }
        Ok(Self {
            shape,
            numel,
            fortran_order: header.fortran_order,
            order,
        })
    }

    /// The tensor of these elements.
    fn of<T>(mut self, elements: Vec<T>) -> Result<Tensor<T, N>, FileErrorKind> {
        if !self.fortran_order {
            return Ok(Tensor::from_shape_vec(self.shape, elements)?);
        }
        self.shape.reverse();
        Ok(Tensor::from_shape_vec(self.shape, elements)?.transpose())
    }
}

fn more_follows(what: &str) -> FileErrorKind {
    FileErrorKind::Invalid(format!(
        "{what} follow the array; use `read` for several in one file"
    ))
}

fn write_to<T: FileElement, const N: usize>(
    writer: &mut (impl Write + ?Sized),
    tensor: TensorView<'_, T, N>,
) -> Result<(), FileErrorKind> {
    write_all(writer, &header_of(tensor)?)?;
    write_elements(writer, tensor)
}

/// What stands before the elements; an error if NumPy has no such elements.
fn header_of<T: FileElement, const N: usize>(
    tensor: TensorView<'_, T, N>,
) -> Result<Vec<u8>, FileErrorKind> {
    let Some(descr) = descr::<T>() else {
        return Err(FileErrorKind::Invalid(format!(
            "NumPy has no type for {}; convert the elements with `map`",
            std::any::type_name::<T>()
        )));
    };
    let order = if size_of::<T>() == 1 { '|' } else { '<' };
    Ok(Header::write(&format!("{order}{descr}"), tensor.shape()))
}

fn write_elements<T: FileElement, const N: usize>(
    writer: &mut (impl Write + ?Sized),
    tensor: TensorView<'_, T, N>,
) -> Result<(), FileErrorKind> {
    for_each_block(tensor.source(), Order::Little, |block| {
        write_all(writer, block)
    })??;
    Ok(())
}

/// Counts what is read.
struct Counted<'a, R: ?Sized> {
    reader: &'a mut R,
    count: u64,
}

impl<R: Read + ?Sized> Read for Counted<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(bytes)?;
        self.count += read as u64;
        Ok(read)
    }
}
