//! Arrays of NumPy: `.npy` and `.npz` (feature `npy`).
//!
//! ```
//! use kornia_tensor::{Tensor, formats::npy};
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
//! [`read`](fn@read) and [`write`](write()) work on streams, [`from_bytes`] on memory, [`open`] and
//! [`save`] on paths; [`NpzReader`], [`NpzWriter`] and [`save_npz`] on archives of several arrays.
//! [`read_header`] tells type and shape without the elements, [`from_owner`] shares the elements of a
//! mapped file, and [`ReadOptions`] reads another way. Which element types there are, and how files
//! are written, is said in [`file`](crate::formats::file).
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
//! memory and comes as a tensor whose strides are reversed, in O(1) after reading: `as_slice` refuses
//! it, [`contiguous`](crate::Tensor::contiguous) copies it to row-major order, and
//! [`ReadOptions::standard_layout`] does so while reading. Structures, Python objects, text, dates
//! and complex numbers are refused by name; nothing is ever unpickled.
//!
//! # Where readers differ
//!
//! What NumPy refuses is refused, and what is read is what NumPy reads; a test compares both on
//! hundreds of odd files. A few things that NumPy reads, and never writes, are refused here:
//!
//! | in the file | NumPy 2 | here |
//! |---|---|---|
//! | shape `(6)`, a number in Python; `(006,)`, a number in C | refused | refused |
//! | versions 1.9, 2.7 and the like; a header beyond 10 000 bytes | refused | refused |
//! | `6L`, a long integer of Python 2 | read up to version 2 | the same |
//! | a `bool` that is neither 0 nor 1 | true | refused; true with [`ReadOptions::loose_bool`] |
//! | a key twice | the last counts | refused |
//! | comments, escapes, `u'..'`, `+6`, `0x6`, further brackets | read | refused |
//! | a type such as `float32`, `<f` or `?` | read | refused |
//! | bytes behind the array | ignored | refused; [`read`](fn@read) leaves them in the stream |
//! | members `f` and `f.npy` in one archive | `f` is the member `f` | the same |
//! | two members of one name | the last counts | refused |
//! | another name in front of a member than in the list | refused | refused |
//! | a name without the mark for UTF-8 | code page 437 | the same |
//! | members compressed by bzip2 or LZMA | read | refused |
//! | something in front of the archive | refused | refused |
//!
//! # Bytes from strangers
//!
//! Whatever a header claims, memory is taken for bytes that are there: for a file after its length
//! was compared, for a stream as the bytes come. (A compressed array may be a thousand times as
//! large as its file.) A header has at most 10 000 bytes and is read in time proportional to its length.

#![forbid(unsafe_code)]

mod header;
mod npz;
mod read;
mod types;

use std::io::Write;

use crate::TensorView;
use crate::engine::element::bytes::{Order, for_each_block};
use crate::formats::file::{
    Destination, FileElement, FileError, FileErrorKind, save as save_file, write_all,
};

pub use header::Header;
pub use npz::{NpzReader, NpzWriter, save_npz, save_npz_compressed};
pub use read::{ReadOptions, from_bytes, from_owner, open, read, read_header};
#[cfg(feature = "mmap")]
pub(crate) use read::{check_native, find};

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

/// Writes an array to a file, [whole or not at all](crate::formats::file). O(n).
///
/// # Errors
///
/// As [`write`](write()); what was under this path is still there then.
pub fn save<'a, T: FileElement, const N: usize>(
    path: impl Destination,
    tensor: impl Into<TensorView<'a, T, N>>,
) -> Result<(), FileError> {
    let tensor = tensor.into();
    save_file(&path, |file| write_to(file, tensor))
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
    Ok(Header::try_of::<T>(tensor.shape())?.to_bytes())
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
