//! The bytes of plain elements, in either order, and elements from bytes.

use std::ptr::NonNull;

use super::Plain;
use crate::engine::copy;
use crate::engine::operand::{Room, Source};
use crate::error::TensorError;
use crate::layout::Layout;
use crate::storage::pages::reserve_large;

/// Which byte of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The least significant one.
    Little,
    /// The most significant one.
    Big,
}

impl Order {
    /// The order of this machine.
    pub(crate) const NATIVE: Self = if cfg!(target_endian = "big") {
        Self::Big
    } else {
        Self::Little
    };
}

/// The bytes of plain elements as they lie in memory; `None` for types outside the table.
#[inline]
pub(crate) fn as_bytes<T>(elements: &[T]) -> Option<&[u8]> {
    Plain::of::<T>()?;
    // SAFETY: all bytes of plain elements are initialised (1 of `Plain`); bytes need no alignment, and their
    // lifetime is that of the slice.
    Some(unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), size_of_val(elements)) })
}

/// The elements that bytes are, in the order of this machine. O(1), but for `bool`.
///
/// # Errors
///
/// `UnsupportedOperation` for types outside the table, for a part of an element at the end, and
/// for a `bool` that is neither 0 nor 1; `Misaligned`.
pub(crate) fn as_elements<T>(bytes: &[u8]) -> Result<&[T], TensorError> {
    let count = count::<T>(bytes)?;
    let first: *const T = bytes.as_ptr().cast();
    if !first.is_aligned() {
        return Err(TensorError::Misaligned {
            address: first.addr(),
            align: align_of::<T>(),
        });
    }
    // SAFETY: aligned, `count * size_of::<T>()` initialised bytes, for the lifetime of `bytes`.
    // All of them are values (3 of `Plain`); `count` has looked at those of a `bool`.
    Ok(unsafe { std::slice::from_raw_parts(first, count) })
}

/// Adds the elements that bytes of this order are. One `memcpy`, and a swap where the order is
/// not the machine's.
///
/// # Errors
///
/// `UnsupportedOperation` as for `as_elements`; `OutOfMemory`. `to` is unchanged then.
pub(crate) fn append<T>(to: &mut Vec<T>, bytes: &[u8], order: Order) -> Result<(), TensorError> {
    let (old, count) = (to.len(), count::<T>(bytes)?);
    // Exactly at first and on large pages, because small new ones cost many times the copy; with
    // room to grow after that.
    let reserved = match old {
        0 => reserve_large(to, count),
        _ => to.try_reserve(count),
    };
    reserved.map_err(|_| TensorError::OutOfMemory { bytes: bytes.len() })?;
    let room: *mut u8 = to.spare_capacity_mut().as_mut_ptr().cast();
    // SAFETY: room for `count` elements was reserved, which is `bytes.len()` bytes; `bytes` lies
    // elsewhere, because `to` is borrowed exclusively.
    unsafe { room.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    // SAFETY: the `count` elements after the old ones are initialised, and values (3 of `Plain`); `count`
    // has looked at those of a `bool`.
    unsafe { to.set_len(old + count) };
    if order != Order::NATIVE {
        swap(&mut to[old..]);
    }
    Ok(())
}

/// The elements that bytes in little-endian order are; the very allocation where an element is
/// one byte.
///
/// # Errors
///
/// As `append`.
pub(crate) fn elements_of_bytes<T>(mut bytes: Vec<u8>) -> Result<Vec<T>, TensorError> {
    let count = count::<T>(&bytes)?;
    if size_of::<T>() == 1 {
        // A format that reads in pieces leaves up to as much again.
        bytes.shrink_to_fit();
        let mut bytes = std::mem::ManuallyDrop::new(bytes);
        let (first, capacity) = (bytes.as_mut_ptr().cast::<T>(), bytes.capacity());
        // SAFETY: an allocation of a `Vec` whose elements have the size and alignment of `T`
        // (every plain type of one byte is aligned to one); and values, as in `append`. The old `Vec` is
        // never dropped.
        return Ok(unsafe { Vec::from_raw_parts(first, count, capacity) });
    }
    let mut elements = Vec::new();
    append(&mut elements, &bytes, Order::Little)?;
    Ok(elements)
}

/// Hands over the bytes of all elements at once, in row-major order; a copy is made where they
/// do not lie so, or not in this order.
///
/// # Errors
///
/// `UnsupportedOperation` for types outside the table; `OutOfMemory` for the copy.
pub(crate) fn to_bytes<T, R, const N: usize>(
    source: Source<'_, T, N>,
    order: Order,
    take: impl FnOnce(&[u8]) -> R,
) -> Result<R, TensorError> {
    let in_order = size_of::<T>() == 1 || order == Order::NATIVE;
    if let (true, Some(elements)) = (in_order, source.contiguous()) {
        return Ok(take(as_bytes(elements).ok_or_else(not_plain::<T>)?));
    }
    let mut copy = packed(source)?;
    if !in_order {
        swap(&mut copy);
    }
    Ok(take(as_bytes(&copy).ok_or_else(not_plain::<T>)?))
}

/// Hands over the bytes of all elements in as few blocks as it takes without a copy, in
/// row-major order: the whole, or row by row; a copy where rows are short or do not lie so.
///
/// # Errors
///
/// As `to_bytes`; inside, what `write` returns.
pub(crate) fn for_each_block<T, E, const N: usize>(
    source: Source<'_, T, N>,
    order: Order,
    mut write: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<Result<(), E>, TensorError> {
    /// Below this, writing row by row costs more than copying first.
    const LONG_ROW_BYTES: usize = 256;
    let row = source.layout().shape().iter().skip(1).product::<usize>();
    let row_bytes = row.saturating_mul(size_of::<T>());
    let in_order = size_of::<T>() == 1 || order == Order::NATIVE;
    if in_order
        && !source.layout().is_contiguous()
        && row_bytes >= LONG_ROW_BYTES
        && let Some(mut rows) = source.rows()
    {
        let written = rows.try_for_each(|row| as_bytes(row).map_or(Ok(()), &mut write));
        return Plain::of::<T>().map(|_| written).ok_or_else(not_plain::<T>);
    }
    to_bytes(source, order, write)
}

/// Copies plain elements side by side, in row-major order.
fn packed<T, const N: usize>(source: Source<'_, T, N>) -> Result<Vec<T>, TensorError> {
    Plain::of::<T>().ok_or_else(not_plain::<T>)?;
    let layout = Layout::row_major(*source.layout().shape());
    let count = layout.numel();
    let mut elements = Vec::new();
    reserve_large(&mut elements, count).map_err(|_| TensorError::OutOfMemory {
        bytes: count.saturating_mul(size_of::<T>()),
    })?;
    let first = NonNull::from(elements.spare_capacity_mut()).cast();
    // SAFETY: room for `count` elements was reserved, which a row-major layout of as many reaches
    // once each; nobody else reaches it while `elements` is ours.
    let room = unsafe { Room::new(first, &layout) };
    // SAFETY: `T` is plain, which was asked above.
    unsafe { copy::all(room, source) };
    // SAFETY: all `count` elements were written.
    unsafe { elements.set_len(count) };
    Ok(elements)
}

/// Turns the bytes of each number around.
pub(super) fn swap<T>(elements: &mut [T]) {
    let size = size_of::<T>();
    if size == 1 || Plain::of::<T>().is_none() {
        return;
    }
    let first: *mut u8 = elements.as_mut_ptr().cast();
    // SAFETY: all bytes are initialised (1 of `Plain`), and whatever they become is a value (3),
    // because only a `bool` has other patterns, and that is one byte.
    let bytes = unsafe { std::slice::from_raw_parts_mut(first, size_of_val(elements)) };
    // A length known at compile time makes each turn one instruction, or a part of a wide one.
    match size {
        2 => turn::<2>(bytes),
        4 => turn::<4>(bytes),
        8 => turn::<8>(bytes),
        _ => turn::<16>(bytes),
    }
}

fn turn<const SIZE: usize>(bytes: &mut [u8]) {
    for number in bytes.as_chunks_mut::<SIZE>().0 {
        number.reverse();
    }
}

/// How many plain elements these bytes are, if they are.
fn count<T>(bytes: &[u8]) -> Result<usize, TensorError> {
    let plain = Plain::of::<T>().ok_or_else(not_plain::<T>)?;
    let size = size_of::<T>();
    if !bytes.len().is_multiple_of(size) {
        return refuse(format!(
            "{} bytes are no whole number of {size}-byte elements",
            bytes.len()
        ));
    }
    // Not `find`: a loop without an early end is one that the compiler turns into vectors.
    if plain == Plain::Bool && bytes.iter().fold(0, |all, byte| all | byte) > 1 {
        return refuse("a byte above 1 is no bool; read it as u8".to_string());
    }
    Ok(bytes.len() / size)
}

fn refuse<R>(why: String) -> Result<R, TensorError> {
    Err(TensorError::UnsupportedOperation(why))
}

#[cold]
pub(super) fn not_plain<T>() -> TensorError {
    TensorError::UnsupportedOperation(format!(
        "{} is no plain number; its bytes mean nothing elsewhere",
        std::any::type_name::<T>()
    ))
}
