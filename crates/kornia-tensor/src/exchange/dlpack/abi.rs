//! The structs of DLPack 1.3 as C sees them, and nothing else.
//!
//! The layout is frozen for every version 1.x; the assertions below hold it in place. Names are
//! those of the C header, so that a reader can put the two side by side.

use std::ffi::{c_int, c_void};

/// The version that is written here: 1.3.
pub const VERSION: DLPackVersion = DLPackVersion { major: 1, minor: 3 };

/// The consumer must not write the elements.
pub const FLAG_READ_ONLY: u64 = 1;
/// The elements are a copy that the producer made for this consumer alone.
pub const FLAG_IS_COPIED: u64 = 1 << 1;
/// Elements of less than a byte stand in a byte each. No element type of this crate is one.
pub const FLAG_IS_SUBBYTE_TYPE_PADDED: u64 = 1 << 2;

/// The name of a Python capsule that holds a [`DLManagedTensorVersioned`], and the one it is given
/// once it has been consumed.
pub const CAPSULE_VERSIONED: [&std::ffi::CStr; 2] =
    [c"dltensor_versioned", c"used_dltensor_versioned"];
/// The same for a [`DLManagedTensor`].
pub const CAPSULE_LEGACY: [&std::ffi::CStr; 2] = [c"dltensor", c"used_dltensor"];
/// The name of the Python capsule around a [`DLPackExchangeAPI`].
pub const CAPSULE_EXCHANGE_API: &std::ffi::CStr = c"dlpack_exchange_api";

/// The version of the structs. Another major number is another layout of
/// [`DLManagedTensorVersioned`], of which only the fields up to `flags` may be read.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DLPackVersion {
    /// Changes with the layout.
    pub major: u32,
    /// Changes with the constants.
    pub minor: u32,
}

/// A kind of device.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DLDeviceType(pub i32);

impl DLDeviceType {
    /// Ordinary memory.
    pub const CPU: Self = Self(1);
    /// Memory of a CUDA device.
    pub const CUDA: Self = Self(2);
    /// Host memory that CUDA has pinned.
    pub const CUDA_HOST: Self = Self(3);
    /// Memory of an OpenCL device.
    pub const OPENCL: Self = Self(4);
    /// A Vulkan buffer.
    pub const VULKAN: Self = Self(7);
    /// Memory of an Apple GPU.
    pub const METAL: Self = Self(8);
    /// Memory of a ROCm device.
    pub const ROCM: Self = Self(10);
    /// Host memory that ROCm has pinned.
    pub const ROCM_HOST: Self = Self(11);
    /// Memory that the host and a CUDA device reach through one address.
    pub const CUDA_MANAGED: Self = Self(13);
    /// Memory of a oneAPI device, or shared with one.
    pub const ONEAPI: Self = Self(14);
}

/// A device, of its kind the `device_id`-th.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DLDevice {
    /// The kind.
    pub device_type: DLDeviceType,
    /// Which one; 0 for host memory.
    pub device_id: i32,
}

/// An element type, in the byte order of the machine.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DLDataType {
    /// What the bits mean; one of the `CODE_`s, or one that this crate has no type for.
    pub code: u8,
    /// Bits of one lane.
    pub bits: u8,
    /// 1, or more for vectors.
    pub lanes: u16,
}

impl DLDataType {
    /// Signed integers.
    pub const CODE_INT: u8 = 0;
    /// Unsigned integers.
    pub const CODE_UINT: u8 = 1;
    /// IEEE floating-point numbers.
    pub const CODE_FLOAT: u8 = 2;
    /// bfloat16.
    pub const CODE_BFLOAT: u8 = 4;
    /// Complex numbers.
    pub const CODE_COMPLEX: u8 = 5;
    /// Booleans.
    pub const CODE_BOOL: u8 = 6;
}

/// Elements, without an owner.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DLTensor {
    /// The memory; may be NULL if there are no elements.
    pub data: *mut c_void,
    /// Where it is.
    pub device: DLDevice,
    /// Number of axes.
    pub ndim: i32,
    /// Of the elements.
    pub dtype: DLDataType,
    /// `ndim` lengths; may be NULL if `ndim` is 0.
    pub shape: *mut i64,
    /// `ndim` distances in elements. NULL means row-major order, and is written by producers of
    /// versions before 1.2 only.
    pub strides: *mut i64,
    /// From `data` to the first element.
    pub byte_offset: u64,
}

/// Elements and how to give them back: the struct from before version 1.0, without flags. JAX
/// speaks only this one.
#[repr(C)]
#[derive(Debug)]
pub struct DLManagedTensor {
    /// The elements.
    pub dl_tensor: DLTensor,
    /// The producer's own.
    pub manager_ctx: *mut c_void,
    /// Frees the elements and this struct; may be NULL if nothing is to be freed.
    pub deleter: Option<unsafe extern "C" fn(*mut Self)>,
}

/// Elements, how to give them back, and what may be done with them.
#[repr(C)]
#[derive(Debug)]
pub struct DLManagedTensorVersioned {
    /// Of this struct.
    pub version: DLPackVersion,
    /// The producer's own.
    pub manager_ctx: *mut c_void,
    /// Frees the elements and this struct; may be NULL if nothing is to be freed.
    pub deleter: Option<unsafe extern "C" fn(*mut Self)>,
    /// The `FLAG_`s.
    pub flags: u64,
    /// The elements.
    pub dl_tensor: DLTensor,
}

/// What does not change between versions of a [`DLPackExchangeAPI`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DLPackExchangeAPIHeader {
    /// Of the table.
    pub version: DLPackVersion,
    /// A table of an earlier major version, or NULL.
    pub prev_api: *mut Self,
}

/// Functions of a Python package that exchange tensors without calling a method. A type offers
/// the table as its attribute `__dlpack_c_exchange_api__`, a capsule; it lives as long as the
/// process. Python objects are `*mut c_void`; results are 0, or -1 with an exception set.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DLPackExchangeAPI {
    /// Version, and older tables.
    pub header: DLPackExchangeAPIHeader,
    /// `(prototype, out, error_context, set_error)`: fresh memory of this shape and type.
    pub managed_tensor_allocator: Option<
        unsafe extern "C" fn(
            *mut DLTensor,
            *mut *mut DLManagedTensorVersioned,
            *mut c_void,
            Option<
                unsafe extern "C" fn(*mut c_void, *const std::ffi::c_char, *const std::ffi::c_char),
            >,
        ) -> c_int,
    >,
    /// `(object, out)`: shares the object's memory.
    pub managed_tensor_from_py_object_no_sync:
        Option<unsafe extern "C" fn(*mut c_void, *mut *mut DLManagedTensorVersioned) -> c_int>,
    /// `(tensor, out)`: makes an object of a tensor, which it takes.
    pub managed_tensor_to_py_object_no_sync:
        Option<unsafe extern "C" fn(*mut DLManagedTensorVersioned, *mut *mut c_void) -> c_int>,
    /// `(object, out)`: describes the object's memory for the length of a call. May be NULL.
    pub dltensor_from_py_object_no_sync:
        Option<unsafe extern "C" fn(*mut c_void, *mut DLTensor) -> c_int>,
    /// `(device_type, device_id, out)`: the stream that work is queued on; NULL for the host.
    pub current_work_stream:
        Option<unsafe extern "C" fn(DLDeviceType, i32, *mut *mut c_void) -> c_int>,
}

// SAFETY: the table is constant for the life of the process, and functions may be called from
// any thread.
unsafe impl Sync for DLPackExchangeAPI {}

/// Sizes and offsets in a C compiler's reckoning. A 32-bit machine may align 64-bit numbers to 4
/// or to 8 bytes, so offsets are held down where pointers have 64 bits.
#[cfg(target_pointer_width = "64")]
const _: () = {
    use std::mem::offset_of;

    assert!(size_of::<DLPackVersion>() == 8);
    assert!(size_of::<DLDevice>() == 8);
    assert!(size_of::<DLDataType>() == 4 && align_of::<DLDataType>() == 2);

    assert!(size_of::<DLTensor>() == 48 && align_of::<DLTensor>() == 8);
    assert!(offset_of!(DLTensor, data) == 0);
    assert!(offset_of!(DLTensor, device) == 8);
    assert!(offset_of!(DLTensor, ndim) == 16);
    assert!(offset_of!(DLTensor, dtype) == 20);
    assert!(offset_of!(DLTensor, shape) == 24);
    assert!(offset_of!(DLTensor, strides) == 32);
    assert!(offset_of!(DLTensor, byte_offset) == 40);

    assert!(size_of::<DLManagedTensor>() == 64);
    assert!(offset_of!(DLManagedTensor, dl_tensor) == 0);
    assert!(offset_of!(DLManagedTensor, manager_ctx) == 48);
    assert!(offset_of!(DLManagedTensor, deleter) == 56);

    assert!(size_of::<DLManagedTensorVersioned>() == 80);
    assert!(offset_of!(DLManagedTensorVersioned, version) == 0);
    assert!(offset_of!(DLManagedTensorVersioned, manager_ctx) == 8);
    assert!(offset_of!(DLManagedTensorVersioned, deleter) == 16);
    assert!(offset_of!(DLManagedTensorVersioned, flags) == 24);
    assert!(offset_of!(DLManagedTensorVersioned, dl_tensor) == 32);

    assert!(size_of::<DLPackExchangeAPIHeader>() == 16);
    assert!(offset_of!(DLPackExchangeAPIHeader, prev_api) == 8);
    assert!(size_of::<DLPackExchangeAPI>() == 56);
    assert!(offset_of!(DLPackExchangeAPI, managed_tensor_allocator) == 16);
    assert!(offset_of!(DLPackExchangeAPI, managed_tensor_from_py_object_no_sync) == 24);
    assert!(offset_of!(DLPackExchangeAPI, managed_tensor_to_py_object_no_sync) == 32);
    assert!(offset_of!(DLPackExchangeAPI, dltensor_from_py_object_no_sync) == 40);
    assert!(offset_of!(DLPackExchangeAPI, current_work_stream) == 48);
};
