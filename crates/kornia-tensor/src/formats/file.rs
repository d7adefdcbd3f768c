//! What the formats of files share: element types, errors, and writing that is whole or nothing.
//!
//! # Element types
//!
//! A [`FileElement`] is a type that files know under a name of their own. Which format takes which:
//!
//! | Rust | [`npy`](crate::formats::npy) | [`safetensors`](crate::formats::safetensors) | [`image`](crate::formats::image) |
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
//! Whatever in this crate writes to a path writes to a new file in the same folder, and gives it the
//! name once it is whole. Whether the program is killed, the disk is full or an array is refused:
//! under the name there is the old file or the new one, never part of either. What a killed program
//! leaves behind is named `.kornia-*.tmp` and can be deleted.
//!
//! **A power cut** is another matter. The system brings bytes to the disk when it likes, often half a
//! minute later, and a file of that age may be the old one, the new one, or empty. With
//! [`Durable`] in the place of the path, a writer waits until the bytes and the name are on the disk,
//! which takes milliseconds; then it is the old file or the new one also after a power cut, and the
//! new one once the writer has returned.
//!
//! # What is replaced, and what is written to
//!
//! * **Permissions.** A new file takes the permissions of the one it replaces, and its owner and group
//!   where the system lets it; bits that run a program as its owner (set-uid) are not taken over.
//!   Until it is whole nobody else can read it, unless there was no file before. Other names of the
//!   old file (hard links) keep the old content; its access lists and other attributes are lost.
//! * **What an ordinary write would be refused** is refused: a file that may not be written is not
//!   replaced either, whatever its folder permits.
//! * **Links** stay. What they lead to is replaced, or made if it is not there.
//! * **Not a regular file**: a pipe or a device is written to as the bytes come. So is what is open
//!   already: `/dev/stdout`, `/proc/self/fd/7`, also where they lead to a file, at the end of which
//!   the bytes are written. Nothing is whole or nothing there.
//! * **A folder that may not be written**, or a file that is a mount of its own, as containers have
//!   them: an old file that may be written is then written in place, as late as can be. That is not
//!   whole or nothing; where there is no old file, the error names the folder.

#![forbid(unsafe_code)]

#[cfg(any(feature = "npy", feature = "safetensors"))]
mod elements;
mod error;
mod output;
mod place;
mod system;
#[cfg(all(
    test,
    not(miri),
    feature = "npy",
    feature = "safetensors",
    feature = "image"
))]
mod tests;

use std::io::{self, ErrorKind, Read, Write};

use crate::engine::element::bytes::Order;
use crate::engine::element::read::{ReadError, read};
use crate::engine::element::sealed;

#[cfg(any(feature = "npy", feature = "safetensors"))]
pub(crate) use elements::{Bools, check_bools, copied_elements, read_elements};
pub use error::{FileError, FileErrorKind};
pub(crate) use output::save;
pub use output::{Destination, Durable, NewFile};

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
