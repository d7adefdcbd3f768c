//! Elements of files, and what a `bool` may be there.
//!
//! A byte that is neither 0 nor 1 must never become a `bool` of Rust. NumPy takes it for true, and
//! masks of OpenCV that are viewed as `bool` are full of 255.

use std::borrow::Cow;
use std::io::Read;

use super::FileErrorKind;
use crate::engine::element::Plain;
use crate::engine::element::bytes::{Order, append, elements_of_bytes};
use crate::engine::element::read::read;

/// What to do with a `bool` that is neither 0 nor 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Bools {
    /// It is an error.
    #[default]
    Strict,
    /// It is true; and elements may be asked for as `u8`.
    Loose,
}

/// Reads `count` elements whose bytes are in this order; memory is taken at once if they are
/// `known` to be there.
pub(crate) fn read_elements<T>(
    from: &mut (impl Read + ?Sized),
    count: usize,
    known: bool,
    order: Order,
    bools: Bools,
) -> Result<Vec<T>, FileErrorKind> {
    let needed = count.saturating_mul(size_of::<T>()) as u64;
    let refused = |error| FileErrorKind::of_read(error, needed);
    if Plain::of::<T>() != Some(Plain::Bool) {
        return read(from, count, known, order).map_err(refused);
    }
    let mut bytes = read::<u8>(from, count, known, order).map_err(refused)?;
    match bools {
        Bools::Strict => check_bools::<T>(&bytes)?,
        Bools::Loose => bytes
            .iter_mut()
            .for_each(|byte| *byte = u8::from(*byte != 0)),
    }
    Ok(elements_of_bytes(bytes)?)
}

/// The elements that these bytes are, in this order.
pub(crate) fn copied_elements<T>(
    bytes: &[u8],
    order: Order,
    bools: Bools,
) -> Result<Vec<T>, FileErrorKind> {
    let mut bytes = Cow::Borrowed(bytes);
    if Plain::of::<T>() == Some(Plain::Bool) && bools == Bools::Loose {
        bytes = bytes.iter().map(|byte| u8::from(*byte != 0)).collect();
    }
    check_bools::<T>(&bytes)?;
    let mut elements = Vec::new();
    append(&mut elements, &bytes, order)?;
    Ok(elements)
}

/// An error if these bytes are to be `bool`s, and one is neither 0 nor 1.
pub(crate) fn check_bools<T>(bytes: &[u8]) -> Result<(), FileErrorKind> {
    // Not `find`: a loop without an early end is one that the compiler turns into vectors.
    if Plain::of::<T>() != Some(Plain::Bool) || bytes.iter().fold(0, |all, byte| all | byte) <= 1 {
        return Ok(());
    }
    let place = bytes.iter().position(|&byte| byte > 1).unwrap_or_default();
    Err(FileErrorKind::Invalid(format!(
        "element {place} is {}, and a bool is 0 or 1; `loose_bool` takes it for true, and reads \
         the bytes as u8 if asked for those",
        bytes[place]
    )))
}
