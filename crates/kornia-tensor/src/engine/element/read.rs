//! Elements straight from a reader, into memory that is theirs.

use std::any::TypeId;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::mem::MaybeUninit;

use super::Plain;
use super::bytes::{Order, elements_of_bytes, not_plain, swap};
use crate::error::TensorError;
use crate::storage::pages::reserve_large;

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
    if plain == Plain::Bool {
        // Bytes become bools once they were looked at.
        let bytes = read::<u8>(from, count, known, order)?;
        return elements_of_bytes(bytes).map_err(ReadError::Tensor);
    }
    if known && let Some(file) = as_file(from) {
        return read_file(file, count, order);
    }
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
        // SAFETY: they are initialised just now, and zero is a value of every plain type.
        unsafe { elements.set_len(start + more) };
        let new = &mut elements[start..];
        // SAFETY: all bytes are initialised (1 of `Plain`), and whatever they become is a value (3), because
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

/// The file that a reader is, if it is one.
fn as_file<R: Read + ?Sized>(from: &mut R) -> Option<&mut File> {
    let is_file = typeid::of::<R>() == TypeId::of::<File>();
    // SAFETY: `File` has no lifetimes, so equal `TypeId`s mean that `R` is that very type (as 2 of
    // `Plain` has it for elements); the reference is as exclusive and as long as `from`.
    is_file.then(|| unsafe { &mut *std::ptr::from_mut(from).cast::<File>() })
}

/// As `read`, for bytes that are there and are no bools: the system needs no zeroed memory, and
/// writes all of it at once.
fn read_file<T>(file: &mut File, count: usize, order: Order) -> Result<Vec<T>, ReadError> {
    let mut elements: Vec<T> = Vec::new();
    reserve(&mut elements, count)?;
    let bytes = count * size_of::<T>();
    let room = elements.spare_capacity_mut();
    // SAFETY: at least `count` elements, thus so many bytes, which may be uninitialised.
    let room = unsafe { std::slice::from_raw_parts_mut(room.as_mut_ptr().cast(), bytes) };
    let mut filled = 0;
    while filled < bytes {
        match read_uninit(file, &mut room[filled..]) {
            Ok(0) => return Err(ReadError::Short(filled as u64)),
            Ok(more) => filled += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(ReadError::Io(error)),
        }
    }
    // SAFETY: all their bytes are initialised, and every pattern is a value (3 of `Plain`), because only a
    // `bool` has others, and `T` is none.
    unsafe { elements.set_len(count) };
    if order != Order::NATIVE {
        swap(&mut elements);
    }
    Ok(elements)
}

/// Reads some bytes, and says how many of the first ones are initialised by that.
#[cfg(all(target_os = "linux", not(miri)))]
fn read_uninit(file: &mut File, room: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    use std::os::fd::AsRawFd;
    // SAFETY: the file is open, and the system writes into `room` only.
    let read = unsafe { libc::read(file.as_raw_fd(), room.as_mut_ptr().cast(), room.len()) };
    usize::try_from(read).map_err(|_| io::Error::last_os_error())
}

/// As above, through the library, which reads into initialised memory.
#[cfg(not(all(target_os = "linux", not(miri))))]
fn read_uninit(file: &mut File, room: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    let more = room.len().min(PIECE);
    let room = &mut room[..more];
    room.fill(MaybeUninit::new(0));
    // SAFETY: all of it was written just now.
    let room = unsafe { std::slice::from_raw_parts_mut(room.as_mut_ptr().cast::<u8>(), more) };
    file.read(room)
}

/// Reads until the bytes are full or the input ends, and says how many there were.
fn fill(from: &mut (impl Read + ?Sized), bytes: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match from.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(more) if more > bytes.len() - filled => {
                return Err(claims_too_much(more, bytes.len() - filled));
            }
            Ok(more) => filled += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// What is wrong with a stream that says it has read more than there was room for.
pub(crate) fn claims_too_much(read: usize, room: usize) -> io::Error {
    let what = format!("the stream says that it read {read} bytes where {room} were asked for");
    io::Error::new(ErrorKind::InvalidData, what)
}

fn reserve<T>(elements: &mut Vec<T>, more: usize) -> Result<(), ReadError> {
    let reserved = match elements.len() {
        0 => reserve_large(elements, more),
        _ => elements.try_reserve(more),
    };
    reserved.map_err(|_| {
        let bytes = (elements.len().saturating_add(more)).saturating_mul(size_of::<T>());
        ReadError::Tensor(TensorError::OutOfMemory { bytes })
    })
}
