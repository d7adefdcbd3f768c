//! Elements straight from a reader, into memory that is theirs.

use std::io::{self, ErrorKind, Read};

use super::Plain;
use super::bytes::{Order, elements_of_bytes, not_plain, swap};
use crate::error::TensorError;

/// Memory taken in advance for bytes that may not come.
const ADVANCE: usize = 64 << 10;

/// What is read at once. It was zeroed just before, and is still in the cache.
const PIECE: usize = 128 << 10;

/// Why elements could not be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The input ended after so many bytes.
    Short(u64),
    Io(io::Error),
    Tensor(TensorError),
}

/// Reads `count` elements whose bytes are in this order. Memory is taken at once if the bytes are
/// `known` to be there, and as they come otherwise.
pub(crate) fn read<T>(
    from: &mut (impl Read + ?Sized),
    count: usize,
    known: bool,
    order: Order,
) -> Result<Vec<T>, ReadError> {
    let plain = Plain::of::<T>().ok_or_else(|| ReadError::Tensor(not_plain::<T>()))?;
    if size_of::<T>() == 1 {
        let bytes = read_bytes(from, count, known)?;
        return elements_of_bytes(bytes).map_err(ReadError::Tensor);
    }
    assert_ne!(
        plain,
        Plain::Bool,
        "bytes become bools once they were looked at"
    );
    let mut elements: Vec<T> = Vec::new();
    reserve(
        &mut elements,
        if known {
            count
        } else {
            count.min(ADVANCE / size_of::<T>())
        },
    )?;
    while elements.len() < count {
        let start = elements.len();
        let more = (PIECE / size_of::<T>()).min(count - start);
        if elements.capacity() - start < more {
            reserve(&mut elements, more)?;
        }
        let room: *mut T = elements.spare_capacity_mut().as_mut_ptr().cast();
        // SAFETY: there is room for `more` elements.
        unsafe { room.write_bytes(0, more) };
        // SAFETY: P3: they are initialised, and zero is a value.
        unsafe { elements.set_len(start + more) };
        let new = &mut elements[start..];
        // SAFETY: P1: all bytes are initialised; P3: whatever they become is a value, because
        // only a `bool` has other patterns, and `T` is none.
        let bytes = unsafe {
            std::slice::from_raw_parts_mut(new.as_mut_ptr().cast::<u8>(), size_of_val(new))
        };
        let filled = fill(from, bytes).map_err(ReadError::Io)?;
        if filled < bytes.len() {
            return Err(ReadError::Short((start * size_of::<T>() + filled) as u64));
        }
        if order != Order::NATIVE {
            swap(new);
        }
    }
    if !known {
        elements.shrink_to_fit();
    }
    Ok(elements)
}

/// As `read`, for bytes: the library reads those without zeroing the memory before.
fn read_bytes(
    from: &mut (impl Read + ?Sized),
    count: usize,
    known: bool,
) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    reserve(&mut bytes, if known { count } else { count.min(ADVANCE) })?;
    match from.take(count as u64).read_to_end(&mut bytes) {
        Ok(found) if found < count => Err(ReadError::Short(found as u64)),
        Ok(_) => Ok(bytes),
        Err(error) => Err(ReadError::Io(error)),
    }
}

/// Reads until the bytes are full or the input ends, and says how many there were.
fn fill(from: &mut (impl Read + ?Sized), bytes: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match from.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn reserve<T>(elements: &mut Vec<T>, more: usize) -> Result<(), ReadError> {
    let reserved = match elements.len() {
        0 => elements.try_reserve_exact(more),
        _ => elements.try_reserve(more),
    };
    reserved.map_err(|_| {
        let bytes = (elements.len().saturating_add(more)).saturating_mul(size_of::<T>());
        ReadError::Tensor(TensorError::OutOfMemory { bytes })
    })
}
