//! The structs of Arrow's C data interface as C sees them, and nothing else.
//!
//! Their layout is part of the interface and never changes; the assertions below hold it in
//! place.

use std::ffi::{c_char, c_void};

/// In the `flags` of a schema: elements may be null.
pub const ARROW_FLAG_NULLABLE: i64 = 2;

/// The names of the Python capsules that hold the two structs.
pub const CAPSULE_SCHEMA: &std::ffi::CStr = c"arrow_schema";
/// As [`CAPSULE_SCHEMA`], for an [`ArrowArray`].
pub const CAPSULE_ARRAY: &std::ffi::CStr = c"arrow_array";

/// The type of an array.
#[repr(C)]
#[derive(Debug)]
pub struct ArrowSchema {
    /// The type, in a notation of letters and numbers.
    pub format: *const c_char,
    /// The name of the field; may be NULL.
    pub name: *const c_char,
    /// Pairs of keys and values; may be NULL.
    pub metadata: *const c_char,
    /// The `ARROW_FLAG_`s.
    pub flags: i64,
    /// Number of child types.
    pub n_children: i64,
    /// The child types.
    pub children: *mut *mut ArrowSchema,
    /// The type of the values of a dictionary, or NULL.
    pub dictionary: *mut ArrowSchema,
    /// Frees what the struct points to; NULL once that is done, or the struct was moved.
    pub release: Option<unsafe extern "C" fn(*mut ArrowSchema)>,
    /// The producer's own.
    pub private_data: *mut c_void,
}

/// The memory of an array.
#[repr(C)]
#[derive(Debug)]
pub struct ArrowArray {
    /// Number of elements, without those that `offset` skips.
    pub length: i64,
    /// Number of nulls among them, or -1 if nobody has counted.
    pub null_count: i64,
    /// Elements to skip at the beginning of the buffers.
    pub offset: i64,
    /// Number of buffers.
    pub n_buffers: i64,
    /// Number of child arrays.
    pub n_children: i64,
    /// The buffers, the first of which is a bitmap of what is not null, or NULL.
    pub buffers: *mut *const c_void,
    /// The child arrays.
    pub children: *mut *mut ArrowArray,
    /// The values of a dictionary, or NULL.
    pub dictionary: *mut ArrowArray,
    /// Frees what the struct points to; NULL once that is done, or the struct was moved.
    pub release: Option<unsafe extern "C" fn(*mut ArrowArray)>,
    /// The producer's own.
    pub private_data: *mut c_void,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    use std::mem::offset_of;

    assert!(size_of::<ArrowSchema>() == 72 && align_of::<ArrowSchema>() == 8);
    assert!(offset_of!(ArrowSchema, flags) == 24);
    assert!(offset_of!(ArrowSchema, n_children) == 32);
    assert!(offset_of!(ArrowSchema, children) == 40);
    assert!(offset_of!(ArrowSchema, dictionary) == 48);
    assert!(offset_of!(ArrowSchema, release) == 56);
    assert!(offset_of!(ArrowSchema, private_data) == 64);

    assert!(size_of::<ArrowArray>() == 80 && align_of::<ArrowArray>() == 8);
    assert!(offset_of!(ArrowArray, n_buffers) == 24);
    assert!(offset_of!(ArrowArray, n_children) == 32);
    assert!(offset_of!(ArrowArray, buffers) == 40);
    assert!(offset_of!(ArrowArray, children) == 48);
    assert!(offset_of!(ArrowArray, dictionary) == 56);
    assert!(offset_of!(ArrowArray, release) == 64);
    assert!(offset_of!(ArrowArray, private_data) == 72);
};
