//! Arrays of Arrow in and out without a copy, over its C data interface (feature `arrow`).
//!
//! [That interface](https://arrow.apache.org/docs/format/CDataInterface.html) is two C structs,
//! which every implementation and every version of one understands: pyarrow, Polars, DuckDB,
//! Pillow, and arrow-rs of any major version (`FFI_ArrowArray::from_raw`). No crate is needed for
//! it.
//!
//! | tensor | array |
//! |---|---|
//! | `[N]` | `N` numbers |
//! | `[N, H, W, C]` | `N` rows of `arrow.fixed_shape_tensor` with shape `[H, W, C]` |
//! | a scalar | none: `reshape` it to `[1]` |
//!
//! ```
//! use kornia_tensor::Tensor;
//! use kornia_tensor::exchange::arrow::ArrowParts;
//!
//! // Out: a batch of two images.
//! let batch = Tensor::<u8, 4>::from_shape_fn([2, 4, 6, 3], |[n, y, x, c]| (n + y + x + c) as u8);
//! let address = batch.as_ptr();
//! let parts = batch.into_arrow()?;
//! assert_eq!(parts.schema_format(), c"+w:72");
//!
//! // In: here what just went out; elsewhere `ArrowParts::from_raw` takes a producer's structs.
//! // SAFETY: nobody writes the elements.
//! let batch = unsafe { Tensor::<u8, 4>::from_arrow(parts) }?;
//! assert_eq!((batch.as_ptr(), batch.shape()), (address, &[2, 4, 6, 3]));
//! # Ok::<(), kornia_tensor::TensorError>(())
//! ```
//!
//! Arrays are not written once they are shared, so other handles of a tensor that goes out may
//! exist, and cannot write while the array lives. What comes in is read-only: `make_mut` copies.
//!
//! # What comes in
//!
//! Numbers, and lists of one length of them, nested or not: `[len, size, size, ..]`. Lists that
//! say that they are an `arrow.fixed_shape_tensor` have the shape that they say, permuted if they
//! say so, in the specification's spelling and in the one of arrow-rs. Sliced arrays as well.
//!
//! # What is refused
//!
//! With what was passed, which is released once.
//!
//! | what | error |
//! |---|---|
//! | going out: strides with gaps or in another order | `NotContiguous`: `contiguous` copies |
//! | going out: memory that the host cannot read | `NotHostAccessible` |
//! | going out: a scalar; rows of more than 2^31 - 1 elements | `UnsupportedOperation` |
//! | coming in: another element type, by both names: booleans are **bits** in Arrow, strings, times, lists of any length, dictionaries and so on | `UnsupportedOperation` |
//! | coming in: a null among the elements | `UnsupportedOperation` |
//! | coming in: another rank, a shape that does not fill the rows, lengths that do not fit together | `UnsupportedOperation` |
//! | coming in: a permutation that is none | `InvalidPermutation` |
//! | coming in: elements that are not aligned, which the interface does not promise | `Misaligned` |
//!
//! # Buffers of arrow-rs
//!
//! need none of this, with the features `bytemuck` and `bytes`:
//!
#![cfg_attr(feature = "bytes", doc = "```")]
#![cfg_attr(not(feature = "bytes"), doc = "```ignore")]
//! use arrow_buffer::{Buffer, ScalarBuffer};
//! use kornia_tensor::Tensor;
//!
//! // In: a buffer gives out a slice, so it is an owner like any other.
//! let buffer = ScalarBuffer::<f32>::from(vec![1.0, 2.0, 3.0, 4.0]);
//! let tensor = Tensor::<f32, 2>::from_owner([2, 2], buffer.clone())?;
//! assert_eq!(tensor.as_ptr(), buffer.as_ptr());
//!
//! // Out: through `Bytes`.
//! let row = tensor.slice((1, ..));
//! let buffer = Buffer::from(row.into_bytes()?);
//! assert_eq!(buffer.typed_data::<f32>(), [3.0, 4.0]);
//! # Ok::<(), kornia_tensor::TensorError>(())
//! ```

pub mod abi;
mod export;
mod import;
mod metadata;

use std::ffi::{CStr, c_char};
use std::fmt;

use crate::engine::element::{Plain, sealed};
use abi::{ArrowArray, ArrowSchema};

/// An element type that Arrow stores as Rust does: `u8` to `u64`, `i8` to `i64`, `f32`, `f64`, and
/// with the feature `half` its `f16`. Sealed.
///
/// `bool` is not among them: Arrow packs eight into a byte.
pub trait ArrowElem: Copy + Send + Sync + sealed::Sealed + 'static {}

impl ArrowElem for u8 {}
impl ArrowElem for i8 {}
impl ArrowElem for u16 {}
impl ArrowElem for i16 {}
impl ArrowElem for u32 {}
impl ArrowElem for i32 {}
impl ArrowElem for u64 {}
impl ArrowElem for i64 {}
impl ArrowElem for f32 {}
impl ArrowElem for f64 {}
#[cfg(feature = "half")]
impl ArrowElem for half::f16 {}

/// An element type in Arrow's notation.
fn format_of<T: ArrowElem>() -> &'static CStr {
    match Plain::of::<T>() {
        Some(Plain::U8) => c"C",
        Some(Plain::I8) => c"c",
        Some(Plain::U16) => c"S",
        Some(Plain::I16) => c"s",
        Some(Plain::U32) => c"I",
        Some(Plain::I32) => c"i",
        Some(Plain::U64) => c"L",
        Some(Plain::I64) => c"l",
        Some(Plain::F32) => c"f",
        Some(Plain::F64) => c"g",
        #[cfg(feature = "half")]
        Some(Plain::F16) => c"e",
        _ => unreachable!("not among the sealed types"),
    }
}

/// An array of Arrow, owned: its memory and its type. Dropping it releases both, on whichever
/// thread.
pub struct ArrowParts {
    /// I1: both structs are live and belong to this value alone. `release` of each may be called
    /// once, from any thread, and does not unwind.
    ///
    /// I2: until then, what they point to does not change and is what the interface says: strings
    /// and metadata as it writes them, `n_children` live structs, `n_buffers` addresses.
    ///
    /// I3: the buffers hold what the type says, for `offset + length` elements; what holds numbers
    /// is initialised as numbers are, valid for reads, and nobody writes it.
    array: Box<ArrowArray>,
    schema: Box<ArrowSchema>,
}

// SAFETY: I1: the thread that drops it may release both structs, whichever it is. I2, I3: nothing
// that is reached through them changes before that, so it does not matter who reads it.
unsafe impl Send for ArrowParts {}
// SAFETY: I2, I3: a shared reference only reads, and what it reads does not change while it lives.
unsafe impl Sync for ArrowParts {}

impl ArrowParts {
    /// Moves a producer's structs out of where they are, as a consumer has to; they are marked as
    /// released there. `None`, and nothing is moved, for NULL and for structs that were released
    /// or moved before. O(1).
    ///
    /// # Safety
    ///
    /// Each pointer is NULL, or to a struct of the C data interface that the caller may move. If
    /// it was not released: it is what the interface says, children included; its buffers hold
    /// initialised elements, **which nobody writes**, until it is released. It may be released
    /// once, on any thread, without unwinding.
    pub unsafe fn from_raw(array: *mut ArrowArray, schema: *mut ArrowSchema) -> Option<Self> {
        // SAFETY: the caller promises NULL or a live struct, which nobody else uses meanwhile
        // because the caller may move it.
        let array = unsafe { array.as_mut() }?;
        // SAFETY: the caller promises the same of this pointer, and the two structs are distinct.
        let schema = unsafe { schema.as_mut() }?;
        array.release.and(schema.release.map(|_| ()))?;
        // SAFETY: `array` is a reference to a live struct. What it owns is owned once: the original
        // is marked as released below, and nothing in between can panic.
        let moved_array = unsafe { std::ptr::read(array) };
        // SAFETY: `schema` is a reference to a live struct, whose original is marked as released
        // below.
        let moved_schema = unsafe { std::ptr::read(schema) };
        array.release = None;
        schema.release = None;
        // I1, I2, I3: the caller's promise.
        Some(Self::of(moved_array, moved_schema))
    }

    /// Structs for which I1 to I3 hold.
    fn of(array: ArrowArray, schema: ArrowSchema) -> Self {
        Self {
            array: Box::new(array),
            schema: Box::new(schema),
        }
    }

    /// Gives both structs away: whoever has them releases them. O(1).
    ///
    /// Their boxes go into the two capsules of Python's `__arrow_c_array__`, or the structs are
    /// written to where a consumer wants them.
    pub fn into_raw(self) -> (Box<ArrowArray>, Box<ArrowSchema>) {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: the field is a valid box, and `this` is a `ManuallyDrop`, so the copy is the only
        // one that is ever dropped.
        let array = unsafe { std::ptr::read(&this.array) };
        // SAFETY: this field is a valid box, too, and is not dropped with `this`, either.
        let schema = unsafe { std::ptr::read(&this.schema) };
        (array, schema)
    }

    /// The memory.
    pub fn array(&self) -> &ArrowArray {
        &self.array
    }

    /// The type.
    pub fn schema(&self) -> &ArrowSchema {
        &self.schema
    }

    /// The type in Arrow's notation, such as `C` for bytes.
    pub fn schema_format(&self) -> &CStr {
        // SAFETY: I2: the format is a string that does not change while `self` is borrowed.
        unsafe { text(self.schema.format) }.unwrap_or_default()
    }
}

impl Drop for ArrowParts {
    /// Releases memory and type.
    fn drop(&mut self) {
        if let Some(release) = self.array.release {
            // SAFETY: I1: the struct is live and this value its sole owner; only this line calls
            // its `release`, and `drop` runs once.
            unsafe { release(&raw mut *self.array) };
        }
        if let Some(release) = self.schema.release {
            // SAFETY: I1: the same holds for the other struct, which this value owns as well.
            unsafe { release(&raw mut *self.schema) };
        }
    }
}

impl fmt::Debug for ArrowParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrowParts")
            .field("format", &self.schema_format())
            .field("length", &self.array.length)
            .field("offset", &self.array.offset)
            .finish_non_exhaustive()
    }
}

/// A string of C, unless it is NULL.
///
/// # Safety
///
/// The pointer is NULL, or to bytes that end with a zero, which are there and do not change during
/// `'a` (I2).
unsafe fn text<'a>(first: *const c_char) -> Option<&'a CStr> {
    if first.is_null() {
        return None;
    }
    // SAFETY: the caller promises bytes up to a zero that do not change during `'a`; NULL was
    // returned for above.
    Some(unsafe { CStr::from_ptr(first) })
}
