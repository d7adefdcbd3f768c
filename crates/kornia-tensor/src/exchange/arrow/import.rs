//! Tensors in.

use std::ffi::{CStr, c_char, c_void};

use super::abi::{ArrowArray, ArrowSchema};
use super::metadata::{self, Pair, RowShape};
use super::{ArrowElem, ArrowParts, format_of, text};
use crate::Tensor;
use crate::error::{Shown, ShownList, TensorAllocatorError, TensorError};
use crate::exchange::{ASK_FOR_HALF, ASK_FOR_THEM, CONVERT_THEM_FIRST};
use crate::layout::Layout;
use crate::storage::{Access, MemoryDomain, OwnerRefused};

impl<T: ArrowElem, const N: usize> Tensor<T, N> {
    /// Shares the elements of an array of Arrow, for reading. O(1), no element moves, but a bitmap
    /// of nulls that nobody has counted is looked through; the array is released with the last
    /// handle, on whichever thread.
    ///
    /// # Safety
    ///
    /// What [`ArrowParts::from_raw`] asks holds; parts of [`into_arrow`](Self::into_arrow) ask for
    /// nothing.
    ///
    /// # Errors
    ///
    /// With the parts: what the [table](crate::exchange::arrow#what-is-refused) says.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let parts = Tensor::from_shape_vec([2, 2], vec![1u16, 2, 3, 4])?.into_arrow()?;
    /// // SAFETY: the parts come from a tensor, whose elements nobody writes.
    /// let refused = unsafe { Tensor::<f32, 2>::from_arrow(parts) }.unwrap_err();
    /// assert_eq!(
    ///     refused.to_string(),
    ///     "elements are u16 (S) and f32 was asked for; ask for what they are, and convert with \
    ///      `cast` or `map`"
    /// );
    /// // SAFETY: they are the same parts, which came back.
    /// let tensor = unsafe { Tensor::<u16, 2>::from_arrow(refused.owner) }?;
    /// assert_eq!(tensor.as_slice(), [1, 2, 3, 4]);
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub unsafe fn from_arrow(parts: ArrowParts) -> Result<Self, OwnerRefused<ArrowParts>> {
        // SAFETY: I2 and I3 hold for the structs of `parts`, which are borrowed meanwhile.
        let found = unsafe { find::<T, N>(&parts.array, &parts.schema) };
        let (layout, first) = match found {
            Ok(found) => found,
            Err(error) => {
                return Err(OwnerRefused {
                    error,
                    owner: parts,
                });
            }
        };
        let (shape, strides) = (*layout.shape(), *layout.strides());
        let (domain, access) = (MemoryDomain::Host, Access::ReadOnly);
        // SAFETY: I3: `find` has checked that what the layout reaches is among the elements that
        // the buffers hold, and nobody writes them; there are no gaps.
        unsafe { Self::from_foreign(shape, strides, first, domain, access, parts) }
    }
}

/// Where the elements are, and their layout.
///
/// # Safety
///
/// I2 and I3 hold for both structs, which describe the same array, while the address is used.
unsafe fn find<T: ArrowElem, const N: usize>(
    array: &ArrowArray,
    schema: &ArrowSchema,
) -> Result<(Layout<N>, *const T), TensorError> {
    // SAFETY: I2: metadata is NULL or written as the interface says, and does not change.
    let row = metadata::decode(&unsafe { pairs(schema.metadata) }?)?;
    let mut run = Run::of(array)?;
    let mut shape = vec![run.count];
    let (mut array, mut schema) = (array, schema);
    loop {
        if !array.dictionary.is_null() || !schema.dictionary.is_null() {
            return unsupported("elements are indices into a dictionary; decode it first".into());
        }
        // SAFETY: I2, I3, which hold for children as well; `run` is all of an array or was checked
        // by `of_lists` to lie in it.
        unsafe { check_nulls(array, run) }?;
        // SAFETY: I2: the format is NULL or a string that does not change.
        let format = unsafe { text(schema.format) }.unwrap_or_default();
        let Some(size) = list_size(format)? else {
            break;
        };
        // SAFETY: I2: the children of the type are live structs, as many as it says.
        let child_schema = unsafe { only_child(schema.children, schema.n_children) }?;
        // SAFETY: I2: those of the memory are live structs, too.
        let child = unsafe { only_child(array.children, array.n_children) }?;
        run = run.of_lists(size, child)?;
        shape.push(size);
        (array, schema) = (child, child_schema);
    }
    // SAFETY: I2: the format is NULL or a string that does not change.
    let format = unsafe { text(schema.format) }.unwrap_or_default();
    if format != format_of::<T>() {
        return unsupported(format!(
            "elements are {} ({}) and {} was asked for; {}",
            name_of(format),
            Shown(&format.to_string_lossy()),
            name_of(format_of::<T>()),
            instead_of(format)
        ));
    }
    let layout = layout_of::<N>(shape, row, size_of::<T>())?;
    if layout.is_empty() {
        return Ok((layout, std::ptr::dangling()));
    }
    // SAFETY: I2: `buffers` points to `n_buffers` addresses.
    let data = unsafe { buffer(array, 1) };
    if data.is_null() {
        return Err(TensorAllocatorError::NullPointer.into());
    }
    // I3: in the buffer, because of the lengths that were checked.
    let first = data.cast::<u8>().wrapping_add(run.first * size_of::<T>());
    Ok((layout, first.cast()))
}

/// Elements of one array that are meant, counted from the beginning of its buffers.
#[derive(Clone, Copy)]
struct Run {
    first: usize,
    count: usize,
}

impl Run {
    /// All of an array.
    fn of(array: &ArrowArray) -> Result<Self, TensorError> {
        let (first, count) = (usize::try_from(array.offset), usize::try_from(array.length));
        match (first, count) {
            (Ok(first), Ok(count)) if first.checked_add(count).is_some() => {
                Ok(Self { first, count })
            }
            _ => unsupported(format!(
                "{} elements from {} on are no part of an array; the producer is at fault",
                array.length, array.offset
            )),
        }
    }

    /// The elements of these lists, which are in `child`.
    fn of_lists(self, size: usize, child: &ArrowArray) -> Result<Self, TensorError> {
        let all = Self::of(child)?;
        let within = self
            .first
            .checked_mul(size)
            .zip(self.count.checked_mul(size));
        match within.and_then(|(skip, count)| Some((skip, count, skip.checked_add(count)?))) {
            Some((skip, count, end)) if end <= all.count => Ok(Self {
                first: all.first + skip,
                count,
            }),
            _ => unsupported(format!(
                "{} lists of {size} from {} on do not fit {} elements; the producer is at fault",
                self.count, self.first, all.count
            )),
        }
    }
}

/// The layout of lists in lists, or of rows with a shape of their own.
fn layout_of<const N: usize>(
    mut shape: Vec<usize>,
    row: Option<RowShape>,
    element_size: usize,
) -> Result<Layout<N>, TensorError> {
    let mut permutation = None;
    if let Some(row) = row {
        let filled = row
            .shape
            .iter()
            .try_fold(1usize, |all, &len| all.checked_mul(len));
        if shape.len() != 2 || filled != Some(shape[1]) {
            return unsupported(format!(
                "shape {} does not fill rows of {}; the producer is at fault",
                ShownList(&row.shape),
                ShownList(&shape[1..])
            ));
        }
        shape.pop();
        shape.extend(row.shape);
        permutation = row.permutation;
    }
    let Ok(all) = <[usize; N]>::try_from(&shape[..]) else {
        return unsupported(format!(
            "shape {} was given where a tensor of rank {N} is asked for; ask for rank {}",
            ShownList(&shape),
            shape.len()
        ));
    };
    let layout = Layout::contiguous(all, element_size)?;
    let Some(permutation) = permutation else {
        return Ok(layout);
    };
    // Of the axes of a row; ours count the rows as well.
    let axes: Vec<usize> = std::iter::once(0)
        .chain(permutation.iter().map(|axis| axis.saturating_add(1)))
        .collect();
    match <[usize; N]>::try_from(&axes[..]) {
        Ok(axes) => layout.permute_axes(axes),
        Err(_) => Err(TensorError::InvalidPermutation {
            axes: permutation.into(),
        }),
    }
}

/// The length of the lists, if a type is lists of one length.
fn list_size(format: &CStr) -> Result<Option<usize>, TensorError> {
    let Some(size) = format.to_bytes().strip_prefix(b"+w:") else {
        return Ok(None);
    };
    match std::str::from_utf8(size)
        .ok()
        .and_then(|size| size.parse().ok())
    {
        Some(size) => Ok(Some(size)),
        None => unsupported(format!(
            "type {} has no length of lists; the producer is at fault",
            Shown(&format.to_string_lossy())
        )),
    }
}

/// What a type is, in words.
fn name_of(format: &CStr) -> &'static str {
    match format.to_bytes() {
        b"C" => "u8",
        b"c" => "i8",
        b"S" => "u16",
        b"s" => "i16",
        b"I" => "u32",
        b"i" => "i32",
        b"L" => "u64",
        b"l" => "i64",
        b"e" => "f16",
        b"f" => "f32",
        b"g" => "f64",
        b"b" => "bits",
        b"n" => "nulls",
        b"u" | b"U" | b"vu" => "strings",
        b"z" | b"Z" | b"vz" => "byte strings",
        [b'w', b':', ..] => "byte strings of one length",
        [b'd', b':', ..] => "decimals",
        [b't', ..] => "times",
        b"+l" | b"+L" | b"+vl" | b"+vL" => "lists of any length",
        b"+s" => "structs",
        b"+m" => "maps",
        b"+r" => "runs",
        [b'+', b'u', ..] => "unions",
        _ => "of an unknown type",
    }
}

/// What can be done about elements of a type that was not asked for.
fn instead_of(found: &CStr) -> &'static str {
    match found.to_bytes() {
        b"C" | b"c" | b"S" | b"s" | b"I" | b"i" | b"L" | b"l" | b"f" | b"g" => ASK_FOR_THEM,
        b"e" => ASK_FOR_HALF,
        _ => CONVERT_THEM_FIRST,
    }
}

/// # Safety
///
/// I2 and I3 hold for the array, and the run is among its elements.
unsafe fn check_nulls(array: &ArrowArray, run: Run) -> Result<(), TensorError> {
    // A count may include nulls outside of the run, or not be known.
    if array.null_count == 0 || run.count == 0 {
        return Ok(());
    }
    // SAFETY: I2: `buffers` points to `n_buffers` addresses.
    let bitmap = unsafe { buffer(array, 0) }.cast::<u8>();
    if bitmap.is_null() {
        return Ok(());
    }
    let is_null = |at: &usize| {
        // SAFETY: I3: the bitmap has a bit for each element, and by the caller's promise about the
        // run `at` is one of them.
        let byte = unsafe { bitmap.add(at / 8) };
        // SAFETY: I3: that byte of the bitmap is initialised, and nobody writes it.
        let bits = unsafe { byte.read() };
        bits >> (at % 8) & 1 == 0
    };
    match (run.first..run.first + run.count).find(is_null) {
        Some(at) => unsupported(format!(
            "element {} is null, which tensors have no value for; fill nulls first",
            at - run.first
        )),
        None => Ok(()),
    }
}

/// The address of a buffer; NULL if there is none.
///
/// # Safety
///
/// I2: `buffers` is NULL or points to `n_buffers` addresses.
unsafe fn buffer(array: &ArrowArray, number: usize) -> *const c_void {
    let has = usize::try_from(array.n_buffers).is_ok_and(|count| number < count);
    if !has || array.buffers.is_null() {
        return std::ptr::null();
    }
    // SAFETY: the caller promises `n_buffers` addresses there, and `number` was found to be less.
    let place = unsafe { array.buffers.add(number) };
    // SAFETY: `place` is one of those addresses, all of which can be read (I2).
    unsafe { place.read() }
}

/// The only child.
///
/// # Safety
///
/// I2: `children` is NULL or points to so many addresses, each NULL or that of a struct which is
/// live and does not change during `'a`.
unsafe fn only_child<'a, S>(children: *mut *mut S, count: i64) -> Result<&'a S, TensorError> {
    if count != 1 || children.is_null() {
        return unsupported(format!(
            "lists have {count} kinds of elements and 1 is needed; the producer is at fault"
        ));
    }
    // SAFETY: the caller promises `count` addresses, and `count` was found to be 1.
    let child = unsafe { children.read() };
    // SAFETY: the caller promises NULL or a struct that is live and does not change during `'a`.
    match unsafe { child.as_ref() } {
        Some(child) => Ok(child),
        None => Err(TensorAllocatorError::NullPointer.into()),
    }
}

/// The keys and values of a type's metadata.
///
/// # Safety
///
/// I2: the pointer is NULL or to metadata as the interface writes it, which does not change during
/// `'a`.
unsafe fn pairs<'a>(first: *const c_char) -> Result<Vec<Pair<'a>>, TensorError> {
    let mut pairs = Vec::new();
    if first.is_null() {
        return Ok(pairs);
    }
    let mut rest = first.cast::<u8>();
    // SAFETY: the caller promises metadata, which begins with the number of pairs.
    let count = unsafe { length(&mut rest) }?;
    for _ in 0..count {
        // SAFETY: fewer than `count` pairs were read, so a key with its length comes next.
        let key = unsafe { bytes(&mut rest) }?;
        // SAFETY: behind each key comes its value, written in the same way.
        let value = unsafe { bytes(&mut rest) }?;
        pairs.push((key, value));
    }
    Ok(pairs)
}

/// # Safety
///
/// I2: a length and as many bytes come next, and do not change during `'a`.
unsafe fn bytes<'a>(rest: &mut *const u8) -> Result<&'a [u8], TensorError> {
    // SAFETY: the caller promises that a length comes next.
    let len = unsafe { length(rest) }?;
    // SAFETY: the caller promises as many bytes behind it, which do not change during `'a`.
    let bytes = unsafe { std::slice::from_raw_parts(*rest, len) };
    *rest = rest.wrapping_add(len);
    Ok(bytes)
}

/// # Safety
///
/// I2: the four bytes of a number come next; they need not be aligned.
unsafe fn length(rest: &mut *const u8) -> Result<usize, TensorError> {
    // SAFETY: the caller promises the four bytes of a number; the read is one that needs no
    // alignment.
    let length = unsafe { rest.cast::<i32>().read_unaligned() };
    *rest = rest.wrapping_add(size_of::<i32>());
    match usize::try_from(length) {
        Ok(length) => Ok(length),
        Err(_) => unsupported(format!(
            "length {length} in metadata is negative; the producer is at fault"
        )),
    }
}

#[cold]
fn unsupported<R>(what: String) -> Result<R, TensorError> {
    Err(TensorError::UnsupportedOperation(what))
}
