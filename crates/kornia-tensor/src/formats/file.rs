//! What the formats of files share: element types, errors, and writing that is whole or nothing.
//!
//! # Element types
//!
//! A [`FileElement`] is a type that files know under a name of their own. Which format takes which:
//!
//! | Rust | [`npy`](crate::npy) | [`safetensors`](crate::safetensors) | [`image`](crate::image) |
//! |---|---|---|---|
//! | `bool` | `\|b1` | `BOOL` | |
//! | `u8` | `\|u1` | `U8` | 1 to 4 channels |
//! | `i8` | `\|i1` | `I8` | |
//! | `u16` | `<u2` | `U16` | 1 to 4 channels |
//! | `i16` | `<i2` | `I16` | |
//! | `u32`, `i32` | `<u4`, `<i4` | `U32`, `I32` | |
//! | `u64`, `i64` | `<u8`, `<i8` | `U64`, `I64` | |
//! | `f32` | `<f4` | `F32` | 3 and 4 channels, in memory |
//! | `f64` | `<f8` | `F64` | |
//! | `half::f16` (feature `half`) | `<f2` | `F16` | |
//! | `half::bf16` (feature `half`) | refused: NumPy has no such type | `BF16` | |
//!
//! `usize`, `u128` and the like are no `FileElement`: no format has a name for them that holds on
//! every machine. Elements are never converted on the way: a file of another type is an error that
//! names both. (NumPy's types are written little-endian and read in both orders.)
//!
//! # Writing is whole or nothing
//!
//! Whatever in this crate writes to a path writes to a new file in the same folder, asks the
//! system to bring its bytes to the disk (`fdatasync`), and only then gives it the name. A process
//! that is killed, a full disk, a power cut: under the name there is the old file or the new one,
//! never part of either. After a power cut it may be the old one, because the folder itself is not
//! waited for. What a killed process leaves behind is named `.kornia-*.tmp` and can be deleted.
//!
//! The new file takes the permissions of the one it replaces, and those of any new file where there
//! was none; its owner is whoever writes. A file without permission to write is not replaced. A
//! link stays, and what it leads to is replaced; other names of the same file (hard links) keep
//! the old content. What is no regular file, a pipe or a device, is written to directly.

#![forbid(unsafe_code)]

#[cfg(any(feature = "npy", feature = "safetensors"))]
mod elements;
mod error;
mod output;

use std::io::{self, ErrorKind, Read, Write};

use crate::engine::element::bytes::Order;
use crate::engine::element::read::{ReadError, read};
use crate::engine::element::sealed;

#[cfg(any(feature = "npy", feature = "safetensors"))]
pub(crate) use elements::{Bools, check_bools, copied_elements, read_elements};
pub use error::{FileError, FileErrorKind};
pub use output::NewFile;
pub(crate) use output::save;

/// An element type that files know by name; the [module](self) has the table.
///
/// Sealed: the types are those of the table.
pub trait FileElement: Copy + Send + Sync + sealed::Sealed + 'static {}

impl<T: sealed::Sealed + Copy + Send + Sync + 'static> FileElement for T {}

/// So many bytes, which are there unless the file was cut short.
pub(crate) fn read_exactly(
    from: &mut (impl Read + ?Sized),
    count: usize,
    what: &str,
) -> Result<Vec<u8>, FileErrorKind> {
    read(from, count, false, Order::NATIVE).map_err(|error| match error {
        ReadError::Short(found) => FileErrorKind::truncated(what, found, count as u64),
        ReadError::Io(error) => error.into(),
        ReadError::Tensor(error) => error.into(),
    })
}

/// The first bytes of a file, which may have none.
#[cfg(feature = "npy")]
pub(crate) fn read_first(
    from: &mut (impl Read + ?Sized),
    count: usize,
    expected: &str,
) -> Result<Vec<u8>, FileErrorKind> {
    let mut first = read_exactly(from, 1, "the file").map_err(|error| match error {
        FileErrorKind::Invalid(_) => {
            FileErrorKind::Invalid(format!("the file is empty; {expected} was expected"))
        }
        error => error,
    })?;
    first.extend(read_exactly(from, count - 1, "the first line")?);
    Ok(first)
}

/// All of the bytes, to a stream that may be interrupted, and whose answers are not believed.
pub(crate) fn write_all(to: &mut (impl Write + ?Sized), mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = match to.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => written,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        bytes = bytes.get(written..).ok_or_else(|| {
            let len = bytes.len();
            io::Error::other(format!(
                "the stream says that it wrote {written} of {len} bytes"
            ))
        })?;
    }
    Ok(())
}

/// Whether nothing follows in a stream.
#[cfg(feature = "npy")]
pub(crate) fn at_end(from: &mut (impl Read + ?Sized)) -> io::Result<bool> {
    loop {
        match from.read(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return Ok(other? == 0),
        }
    }
}
