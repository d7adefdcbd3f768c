//! Tensors out.

use std::ffi::{CString, c_void};
use std::ptr::{null, null_mut};

use super::abi::{ARROW_FLAG_NULLABLE, ArrowArray, ArrowSchema};
use super::{ArrowElem, ArrowParts, format_of, metadata};
use crate::Tensor;
use crate::error::TensorError;
use crate::storage::{OwnerRefused, TensorStorage};
use crate::tensor::view::not_contiguous;

impl<T: ArrowElem, const N: usize> Tensor<T, N> {
    /// The elements as an array of Arrow: rows of the first axis, each a `fixed_shape_tensor`. O(1),
    /// no element moves.
    ///
    /// Other handles may exist, and cannot write while the array lives.
    ///
    /// # Errors
    ///
    /// With the tensor: `NotContiguous` unless it is in standard layout, `NotHostAccessible`,
    /// `UnsupportedOperation` for a scalar and for rows of more than 2^31 - 1 elements.
    ///
    /// ```
    /// use kornia_tensor::Tensor;
    ///
    /// let depths = Tensor::from_shape_vec([3], vec![1.0f32, 2.0, 3.0])?;
    /// let parts = depths.into_arrow()?;
    /// assert_eq!(parts.schema_format(), c"f");
    /// assert_eq!(parts.array().length, 3);
    ///
    /// let image = Tensor::<u8, 3>::zeros([4, 6, 3]);
    /// let refused = image.flip(1).into_arrow().unwrap_err();
    /// assert!(refused.owner.contiguous().into_arrow().is_ok());
    /// # Ok::<(), kornia_tensor::TensorError>(())
    /// ```
    pub fn into_arrow(self) -> Result<ArrowParts, OwnerRefused<Self>> {
        let checked = match self.shape().split_first() {
            _ if !self.is_standard_layout() => Err(not_contiguous(&self.layout())),
            Some((&rows, row)) => self
                .storage()
                .check_readable()
                .and_then(|()| Ok((rows, row_len(row)?))),
            None => Err(TensorError::UnsupportedOperation(
                "0 axes are no rows; `reshape` a scalar to `[1]`".into(),
            )),
        };
        let (rows, in_row) = match checked {
            Ok(checked) => checked,
            Err(error) => return Err(OwnerRefused { error, owner: self }),
        };
        let shape = *self.shape();
        // T1: the window of a standard layout is exactly its elements.
        let numbers = numbers(self.into_parts().storage);
        // I1 to I3: structs of ours, over memory that they keep.
        Ok(match shape.len() {
            1 => ArrowParts::of(numbers, number_schema::<T>(c"")),
            _ => {
                let element = number_schema::<T>(c"item");
                ArrowParts::of(
                    lists(rows, numbers),
                    list_schema(&shape[1..], in_row, element),
                )
            }
        })
    }
}

/// How many elements are in a row; Arrow counts them in 32 bits.
fn row_len(row: &[usize]) -> Result<i32, TensorError> {
    let len: usize = row.iter().product(); // L1, also if there are no rows
    i32::try_from(len).map_err(|_| {
        TensorError::UnsupportedOperation(format!(
            "{len} elements in a row are more than 2147483647, the most that Arrow has; split the \
             rows with `reshape`"
        ))
    })
}

/// What an array of numbers keeps.
struct Numbers<T> {
    buffers: [*const c_void; 2],
    _keep: TensorStorage<T>,
}

/// What an array of lists keeps.
struct Lists {
    buffers: [*const c_void; 1],
    children: [*mut ArrowArray; 1],
    child: ArrowArray,
}

/// What the type of lists keeps.
struct ListSchema {
    format: CString,
    metadata: Vec<u8>,
    children: [*mut ArrowSchema; 1],
    child: ArrowSchema,
}

fn numbers<T: ArrowElem>(storage: TensorStorage<T>) -> ArrowArray {
    let length = storage.len() as i64; // S2
    let keep = Box::into_raw(Box::new(Numbers {
        buffers: [null(), storage.as_ptr().cast()],
        _keep: storage,
    }));
    // Pointers into the box come from the pointer to the whole of it, and so stay valid.
    // SAFETY: `keep` comes from a box that was just made, so the field is in live memory.
    let buffers = unsafe { &raw mut (*keep).buffers };
    ArrowArray {
        length,
        null_count: 0,
        offset: 0,
        n_buffers: 2,
        n_children: 0,
        buffers: buffers.cast(),
        children: null_mut(),
        dictionary: null_mut(),
        release: Some(release_numbers::<T>),
        private_data: keep.cast(),
    }
}

fn lists(rows: usize, child: ArrowArray) -> ArrowArray {
    let keep = Box::into_raw(Box::new(Lists {
        buffers: [null()],
        children: [null_mut()],
        child,
    }));
    // SAFETY: `keep` comes from a box that was just made, so the field is in live memory.
    let buffers = unsafe { &raw mut (*keep).buffers };
    // SAFETY: this field, too, is in the live box that `keep` points to.
    let children = unsafe { &raw mut (*keep).children }.cast::<*mut ArrowArray>();
    // SAFETY: this field, too, is in the live box that `keep` points to.
    let child = unsafe { &raw mut (*keep).child };
    // SAFETY: `children` points to an array of one address in that box, which nobody else has yet.
    unsafe { children.write(child) };
    ArrowArray {
        length: rows as i64, // L1
        null_count: 0,
        offset: 0,
        n_buffers: 1,
        n_children: 1,
        buffers: buffers.cast(),
        children,
        dictionary: null_mut(),
        release: Some(release_lists),
        private_data: keep.cast(),
    }
}

fn number_schema<T: ArrowElem>(name: &'static std::ffi::CStr) -> ArrowSchema {
    ArrowSchema {
        format: format_of::<T>().as_ptr(),
        name: name.as_ptr(),
        metadata: null(),
        flags: ARROW_FLAG_NULLABLE, // as every implementation makes its lists
        n_children: 0,
        children: null_mut(),
        dictionary: null_mut(),
        release: Some(release_number_schema),
        private_data: null_mut(),
    }
}

fn list_schema(row: &[usize], in_row: i32, child: ArrowSchema) -> ArrowSchema {
    let keep = Box::into_raw(Box::new(ListSchema {
        format: CString::new(format!("+w:{in_row}")).unwrap_or_default(), // no zero in it
        metadata: metadata::encode(row),
        children: [null_mut()],
        child,
    }));
    // SAFETY: `keep` comes from a box that was just made and that nobody else has; the reference
    // ends with the line, and the string lies outside of the box.
    let format = unsafe { &(*keep).format }.as_ptr();
    // SAFETY: the box is still nobody else's; this reference ends with its line as well, and the
    // bytes lie outside of the box.
    let metadata = unsafe { &(*keep).metadata }.as_ptr();
    // SAFETY: this field, too, is in the live box that `keep` points to.
    let children = unsafe { &raw mut (*keep).children }.cast::<*mut ArrowSchema>();
    // SAFETY: this field, too, is in the live box that `keep` points to.
    let child = unsafe { &raw mut (*keep).child };
    // SAFETY: `children` points to an array of one address in that box, which nobody else has yet.
    unsafe { children.write(child) };
    ArrowSchema {
        format,
        name: c"".as_ptr(),
        metadata: metadata.cast(),
        flags: ARROW_FLAG_NULLABLE,
        n_children: 1,
        children,
        dictionary: null_mut(),
        release: Some(release_list_schema),
        private_data: keep.cast(),
    }
}

/// Frees what `numbers` made.
///
/// # Safety
///
/// I1: the struct is one that `numbers` made, here or where it was moved, and is released once.
unsafe extern "C" fn release_numbers<T>(array: *mut ArrowArray) {
    // SAFETY: the caller promises a live struct, which nobody else uses while it is released (I1).
    let array = unsafe { &mut *array };
    array.release = None;
    // SAFETY: `numbers` put a box of this type there along with this function, for the same `T`,
    // and it is taken once because the struct is released once (I1).
    drop(unsafe { Box::from_raw(array.private_data.cast::<Numbers<T>>()) });
}

/// Frees what `lists` made, and the child, unless that was moved elsewhere.
///
/// # Safety
///
/// I1: the struct is one that `lists` made, here or where it was moved, and is released once.
unsafe extern "C" fn release_lists(array: *mut ArrowArray) {
    // SAFETY: the caller promises a live struct, which nobody else uses while it is released (I1).
    let array = unsafe { &mut *array };
    array.release = None;
    // SAFETY: `lists` put a box of this type there along with this function, and it is taken once
    // because the struct is released once (I1).
    let mut lists = unsafe { Box::from_raw(array.private_data.cast::<Lists>()) };
    if let Some(release) = lists.child.release {
        // SAFETY: the child is a struct of ours that still has its `release`, so it was neither
        // moved nor released, and it is in the box that was just taken (I1).
        unsafe { release(&raw mut lists.child) };
    }
}

/// Frees nothing: the type of numbers points to constants.
///
/// # Safety
///
/// The struct is live, and nobody else uses it meanwhile (I1).
unsafe extern "C" fn release_number_schema(schema: *mut ArrowSchema) {
    // SAFETY: the caller promises a live struct that nobody else uses, so the field can be written.
    unsafe { (*schema).release = None };
}

/// Frees what `list_schema` made, and the child, unless that was moved elsewhere.
///
/// # Safety
///
/// I1: the struct is one that `list_schema` made, here or where it was moved, and is released once.
unsafe extern "C" fn release_list_schema(schema: *mut ArrowSchema) {
    // SAFETY: the caller promises a live struct, which nobody else uses while it is released (I1).
    let schema = unsafe { &mut *schema };
    schema.release = None;
    // SAFETY: `list_schema` put a box of this type there along with this function, and it is taken
    // once because the struct is released once (I1).
    let mut lists = unsafe { Box::from_raw(schema.private_data.cast::<ListSchema>()) };
    if let Some(release) = lists.child.release {
        // SAFETY: the child is a struct of ours that still has its `release`, so it was neither
        // moved nor released, and it is in the box that was just taken (I1).
        unsafe { release(&raw mut lists.child) };
    }
}
