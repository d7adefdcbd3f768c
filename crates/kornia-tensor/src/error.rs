//! What can go wrong, with the numbers.
//!
//! Every message puts the numbers first and the way out last. A panicking method
//! panics with the text of the error its `try_` twin returns.

#![forbid(unsafe_code)]

use std::alloc::LayoutError;
use std::fmt;
use std::time::Duration;

mod domain;
mod shared_with;

pub use domain::MemoryDomain;
pub use shared_with::SharedWith;

#[allow(dead_code, reason = "not every feature shows texts from outside")]
mod shown;

#[allow(unused_imports, reason = "not every feature shows texts from outside")]
pub(crate) use shown::{Printable, Shown, ShownList};

/// Why an operation on a tensor, a view or a storage was refused.
///
/// At most 40 bytes, so a `Result` of it stays cheap to return.
///
/// ```
/// use kornia_tensor::{Tensor, TensorError};
///
/// let wrong = Tensor::<u8, 2>::from_shape_vec([2, 3], vec![0; 5]);
/// assert_eq!(
///     wrong.unwrap_err().to_string(),
///     "5 elements do not fill shape [2, 3], which needs 6; pass exactly as many as the shape has"
/// );
/// assert!(size_of::<TensorError>() <= 40);
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TensorError {
    /// A value could not be converted to the element type that was asked for.
    CastError,
    /// A number of elements that does not suit, in an error of somebody else's.
    ///
    /// This and the two below are for code that made them with 0.2.0; this crate returns
    /// [`ElementCountMismatch`](Self::ElementCountMismatch).
    InvalidShape(usize),
    /// An index that lies outside, in an error of somebody else's. This crate returns
    /// [`IndexOutsideAxis`](Self::IndexOutsideAxis).
    IndexOutOfBounds(usize),
    /// Dimensions that do not suit, in words. Two shapes that differ are a
    /// [`ShapeMismatch`](Self::ShapeMismatch).
    DimensionMismatch(String),
    /// The number of elements does not match the shape.
    ElementCountMismatch {
        /// The shape that was asked for.
        shape: Box<[usize]>,
        /// How many elements there are.
        found: usize,
    },
    /// A length in bytes does not suit the shape: it is too small, or no whole number of elements.
    ByteCountMismatch {
        /// The shape that was asked for.
        shape: Box<[usize]>,
        /// Size of an element.
        element_size: usize,
        /// How many bytes there are.
        found: usize,
    },
    /// An index lies outside its axis.
    IndexOutsideAxis {
        /// The axis, counted from the outermost.
        axis: usize,
        /// The index that was asked for.
        index: usize,
        /// The length of the axis.
        size: usize,
    },
    /// A range is reversed or reaches outside its axis.
    RangeOutOfBounds {
        /// The axis, counted from the outermost.
        axis: usize,
        /// First index of the range.
        start: usize,
        /// One past the last index of the range.
        end: usize,
        /// The length of the axis.
        size: usize,
    },
    /// A window is longer than its axis.
    WindowTooLong {
        /// The axis, counted from the outermost.
        axis: usize,
        /// The length of the window.
        window: usize,
        /// The length of the axis.
        size: usize,
    },
    /// A negative number stood where an index or a bound was expected.
    NegativeIndex {
        /// The axis, counted from the outermost.
        axis: usize,
        /// The number that was given.
        index: i64,
    },
    /// A step, chunk, tile or window of length zero.
    ZeroLength {
        /// The axis, counted from the outermost.
        axis: usize,
    },
    /// An axis number is not below the rank.
    AxisOutOfBounds {
        /// The axis that was asked for.
        axis: usize,
        /// The number of axes there are.
        rank: usize,
    },
    /// The axes given to `permute_axes` are not each axis once.
    InvalidPermutation {
        /// The axes that were given.
        axes: Box<[usize]>,
    },
    /// Only an axis of length 1 can be removed.
    AxisNotRemovable {
        /// The axis that was asked for.
        axis: usize,
        /// The length of that axis.
        size: usize,
    },
    /// Two shapes differ where they must be equal.
    ShapeMismatch {
        /// The shape that was needed.
        expected: Box<[usize]>,
        /// The shape that was given.
        found: Box<[usize]>,
    },
    /// A shape cannot be stretched to another by repeating axes of length 1.
    NotBroadcastable {
        /// The shape there is.
        from: Box<[usize]>,
        /// The shape that was asked for.
        to: Box<[usize]>,
    },
    /// A reshape to another number of elements.
    ReshapeMismatch {
        /// The shape there is.
        from: Box<[usize]>,
        /// The shape that was asked for.
        to: Box<[usize]>,
    },
    /// A reshape that no set of strides over the same memory can express.
    ReshapeNeedsCopy {
        /// The shape there is.
        from: Box<[usize]>,
        /// The shape that was asked for.
        to: Box<[usize]>,
    },
    /// The element count or the byte span of a shape overflows (L1, L2, S2).
    ShapeOverflow {
        /// The shape that was asked for.
        shape: Box<[usize]>,
        /// Size of one element in bytes.
        element_size: usize,
    },
    /// The distance from the lowest to the highest element overflows (L2).
    StridesOverflow {
        /// The shape that was asked for.
        shape: Box<[usize]>,
        /// The strides that were asked for, in elements.
        strides: Box<[isize]>,
    },
    /// The strides reach further than the memory there is (L3).
    LayoutOutOfBounds {
        /// Elements the layout spans.
        span: usize,
        /// Elements the storage has.
        len: usize,
    },
    /// Two indices may name the same element (L4).
    OverlappingLayout {
        /// The shape that was asked for.
        shape: Box<[usize]>,
        /// The strides that were asked for, in elements.
        strides: Box<[isize]>,
    },
    /// A window reaches outside its storage.
    WindowOutOfBounds {
        /// First element of the window.
        offset: usize,
        /// Elements in the window.
        len: usize,
        /// Elements in the storage.
        storage_len: usize,
    },
    /// A write to memory that other handles can read. Equal whoever they are.
    SharedStorage(SharedWith),
    /// A write to memory that may only be read.
    ReadOnlyStorage,
    /// Memory the host cannot read or write.
    NotHostAccessible {
        /// Where the memory is.
        domain: MemoryDomain,
    },
    /// A split whose parts would have elements between each other's.
    InterleavedParts {
        /// The axis, counted from the outermost.
        axis: usize,
        /// Where the split was asked for.
        index: usize,
    },
    /// A slice was asked of elements that do not lie in row-major order.
    NotContiguous {
        /// The shape.
        shape: Box<[usize]>,
        /// The strides, in elements.
        strides: Box<[isize]>,
    },
    /// Bytes end before what was asked of them; those of a file, mostly.
    Truncated {
        /// Where the elements were to begin, in bytes.
        offset: usize,
        /// How many bytes they need.
        needed: usize,
        /// How many bytes there are in all.
        found: usize,
    },
    /// An offset into bytes does not suit the element type.
    MisalignedOffset {
        /// The offset in bytes.
        offset: usize,
        /// The alignment that is needed, in bytes.
        align: usize,
    },
    /// An address does not suit the element type.
    Misaligned {
        /// The address.
        address: usize,
        /// The alignment that is needed, in bytes.
        align: usize,
    },
    /// The memory could not be had.
    OutOfMemory {
        /// How much was asked for.
        bytes: usize,
    },
    /// An allocator refused, or answered something other than was asked.
    StorageError(TensorAllocatorError),
    /// The operation is not possible on this tensor.
    UnsupportedOperation(String),
}

impl fmt::Display for TensorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CastError => {
                f.write_str("a value does not fit the element type; convert it with `map`")
            }
            Self::InvalidShape(found) => write!(f, "{found} elements do not fill the shape"),
            Self::IndexOutOfBounds(index) => write!(f, "index {index} is out of bounds"),
            Self::DimensionMismatch(what) | Self::UnsupportedOperation(what) => {
                Printable(what).fmt(f)
            }
            Self::ElementCountMismatch { shape, found } => {
                write!(f, "{found} elements do not fill shape {shape:?}")?;
                write_needed(f, shape, 1)?;
                f.write_str("; pass exactly as many as the shape has")
            }
            Self::ByteCountMismatch {
                shape,
                element_size,
                found,
            } => {
                if found.is_multiple_of(*element_size) {
                    write!(f, "{found} bytes do not hold shape {shape:?}")?;
                    write_needed(f, shape, *element_size)?;
                } else {
                    write!(
                        f,
                        "{found} bytes are no whole number of {element_size}-byte elements"
                    )?;
                }
                f.write_str("; pass the length in bytes")
            }
            Self::IndexOutsideAxis { axis, index, size } => write!(
                f,
                "index {index} is out of bounds for axis {axis} with size {size}"
            ),
            Self::RangeOutOfBounds {
                axis,
                start,
                end,
                size,
            } if start > end => write!(
                f,
                "range {start}..{end} on axis {axis} with size {size} ends before it starts; \
                 use `flip` to reverse an axis"
            ),
            Self::RangeOutOfBounds {
                axis,
                start,
                end,
                size,
            } => write!(
                f,
                "range {start}..{end} is out of bounds for axis {axis} with size {size}; \
                 `clip_box` cuts a box to a shape"
            ),
            Self::WindowTooLong { axis, window, size } => write!(
                f,
                "window of {window} is longer than axis {axis} with size {size}; use a shorter one"
            ),
            Self::NegativeIndex { axis, index } => write!(
                f,
                "index {index} on axis {axis} is negative; use `FromEnd` to count from the end"
            ),
            Self::ZeroLength { axis } => write!(
                f,
                "length 0 for a step, chunk, tile or window on axis {axis}; it must be at least 1"
            ),
            Self::AxisOutOfBounds { axis, rank } => write!(
                f,
                "axis {axis} is out of bounds for a tensor of rank {rank}; axes count from 0"
            ),
            Self::InvalidPermutation { axes } => write!(
                f,
                "axes {axes:?} are no permutation; name each axis from 0 to {} once",
                axes.len().saturating_sub(1)
            ),
            Self::AxisNotRemovable { axis, size } => write!(
                f,
                "axis {axis} has size {size} and only size 1 can be removed; \
                 use `select` to keep one index of it"
            ),
            Self::ShapeMismatch { expected, found } => {
                let mut axes = expected.iter().zip(found);
                let stretches = axes.all(|(&expected, &found)| found == expected || found == 1);
                write!(
                    f,
                    "shape {found:?} was given where {expected:?} is needed; {}",
                    match stretches && expected.len() == found.len() {
                        true => "`broadcast_to` stretches axes of length 1",
                        false => "`slice` or `reshape` one of them to the other's",
                    }
                )
            }
            Self::NotBroadcastable { from, to } => write!(
                f,
                "shape {from:?} does not broadcast to {to:?}; \
                 counted from the last axis, sizes must be equal or 1"
            ),
            Self::ReshapeMismatch { from, to } => write!(
                f,
                "shape {from:?} and shape {to:?} differ in their number of elements; \
                 a reshape keeps it"
            ),
            Self::ReshapeNeedsCopy { from, to } => write!(
                f,
                "shape {from:?} with these strides is no view of shape {to:?}; \
                 call `contiguous()` first, which copies"
            ),
            Self::ShapeOverflow {
                shape,
                element_size,
            } => write!(
                f,
                "shape {shape:?} with {element_size}-byte elements is larger than memory can \
                 address; use a smaller shape"
            ),
            Self::StridesOverflow { shape, strides } => write!(
                f,
                "strides {strides:?} of shape {shape:?} reach further than memory can address; use \
                 smaller strides"
            ),
            Self::LayoutOutOfBounds { span, len } => write!(
                f,
                "layout spans {span} elements and the storage has {len}; \
                 use smaller strides or a larger storage"
            ),
            Self::OverlappingLayout { shape, strides } => write!(
                f,
                "shape {shape:?} with strides {strides:?} may reach one element by two indices; \
                 only a `TensorView` may overlap itself"
            ),
            Self::WindowOutOfBounds {
                offset,
                len,
                storage_len,
            } => write!(
                f,
                "window of {len} elements at offset {offset} is out of bounds for a storage of \
                 {storage_len} elements"
            ),
            Self::SharedStorage(others) => write!(
                f,
                "storage is shared with {others}; use `make_mut` to write to a copy, or drop the \
                 others first: `let t = t.reshape(..)` keeps the old `t`, `into_reshaped` does not"
            ),
            Self::ReadOnlyStorage => f.write_str(
                "storage is read-only; use `make_mut` or `deep_clone` to write to a copy",
            ),
            Self::NotHostAccessible { domain } => write!(
                f,
                "memory in {domain:?} cannot be reached from the host; copy it to host memory first"
            ),
            Self::InterleavedParts { axis, index } => write!(
                f,
                "parts split at index {index} of axis {axis} interleave in memory; split a \
                 `TensorViewMut`, or an axis whose parts lie one after the other"
            ),
            Self::NotContiguous { shape, strides } => write!(
                f,
                "shape {shape:?} with strides {strides:?} is not in row-major order; \
                 use `view()` to read it, or `contiguous()` to copy it"
            ),
            Self::Truncated {
                offset,
                needed,
                found,
            } => write!(
                f,
                "{needed} bytes at offset {offset} reach past the {found} bytes there are; the \
                 file may be cut short, or the shape too large"
            ),
            Self::MisalignedOffset { offset, align } => write!(
                f,
                "offset {offset} is not a multiple of {align}, the alignment of the elements; \
                 read the file into memory of its own"
            ),
            Self::Misaligned { address, align } => write!(
                f,
                "address {address:#x} is not a multiple of {align}, the alignment of the elements; \
                 copy the data to aligned memory"
            ),
            Self::OutOfMemory { bytes } => {
                write!(
                    f,
                    "{bytes} bytes could not be allocated; use a smaller shape"
                )
            }
            Self::StorageError(error) => write!(f, "{error}"),
        }
    }
}

impl fmt::Debug for TensorError {
    /// The text of [`Display`](fmt::Display): `unwrap`, `expect` and a `main` that returns an error
    /// print this one, and the way out is in the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How much a shape needs, in elements or, if their size is given, in bytes.
fn write_needed(f: &mut fmt::Formatter<'_>, shape: &[usize], size: usize) -> fmt::Result {
    match shape.iter().try_fold(size, |n, &d| n.checked_mul(d)) {
        Some(needed) => write!(f, ", which needs {needed}"),
        None => f.write_str(", which needs more than memory can address"),
    }
}

impl std::error::Error for TensorError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::StorageError(error) => Some(error),
            _ => None,
        }
    }
}

impl From<TensorAllocatorError> for TensorError {
    fn from(error: TensorAllocatorError) -> Self {
        Self::StorageError(error)
    }
}

/// Why an allocator did not give a block.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TensorAllocatorError {
    /// Size and alignment do not make a layout.
    LayoutError(LayoutError),
    /// A null pointer stood where memory was expected.
    NullPointer,
    /// The allocator only labels memory that came from elsewhere.
    CannotAllocateForeign,
    /// The allocator failed, in its own words.
    AllocationFailed(String),
    /// The allocator gave a block that is not what was asked for.
    BadBlock {
        /// Bytes that were asked for.
        expected: usize,
        /// Bytes that came.
        found: usize,
    },
    /// A [`Pool`](crate::Pool) has no room for a block under its cap.
    PoolExhausted {
        /// Size of the block in bytes.
        requested: usize,
        /// Bytes of the pool that are in use.
        live: usize,
        /// Bytes the pool may hold.
        cap: usize,
    },
    /// No room came free in a [`Pool`](crate::Pool) while it was waited for.
    PoolTimedOut {
        /// Size of the block in bytes.
        requested: usize,
        /// Bytes of the pool that are in use.
        live: usize,
        /// How long.
        waited: Duration,
    },
    /// A [`Pool`](crate::Pool) was closed.
    PoolClosed,
}

impl fmt::Display for TensorAllocatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LayoutError(error) => write!(f, "{error}; use a smaller shape"),
            Self::NullPointer => {
                f.write_str("null pointer where memory was expected; check the source of the data")
            }
            Self::CannotAllocateForeign => f.write_str(
                "this allocator cannot allocate; wrap existing memory with `from_borrowed`",
            ),
            Self::AllocationFailed(why) => write!(f, "allocation failed: {}", Printable(why)),
            Self::BadBlock { expected, found } => write!(
                f,
                "allocator gave a block of {found} bytes where {expected} were asked for; \
                 mend its `allocate`"
            ),
            Self::PoolExhausted {
                requested,
                live,
                cap,
            } => write!(
                f,
                "{requested} bytes do not fit a pool with {live} of {cap} bytes live; drop tensors, \
                 raise `byte_cap`, or choose another `WhenFull`"
            ),
            Self::PoolTimedOut {
                requested,
                live,
                waited,
            } => write!(
                f,
                "{requested} bytes did not come free in {waited:?}, with {live} bytes of the pool \
                 live; drop tensors, raise `byte_cap`, or wait longer"
            ),
            Self::PoolClosed => {
                f.write_str("pool is closed; make another, or use another allocator")
            }
        }
    }
}

impl fmt::Debug for TensorAllocatorError {
    /// As that of [`TensorError`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for TensorAllocatorError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::LayoutError(error) => Some(error),
            _ => None,
        }
    }
}

impl From<LayoutError> for TensorAllocatorError {
    fn from(error: LayoutError) -> Self {
        Self::LayoutError(error)
    }
}

/// Unwraps the result behind a panicking front: the panic has the text of the error and
/// the caller's location.
#[track_caller]
#[inline]
pub(crate) fn expect<R>(result: Result<R, TensorError>) -> R {
    match result {
        Ok(value) => value,
        Err(error) => fail(error),
    }
}

#[track_caller]
#[cold]
#[inline(never)]
pub(crate) fn fail(error: TensorError) -> ! {
    panic!("{error}")
}
