//! Owning a tensor of someone else's, and reading what it says of itself.

use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

use super::abi::{
    DLDataType, DLDevice, DLManagedTensor, DLManagedTensorVersioned, DLTensor, FLAG_IS_COPIED,
    FLAG_READ_ONLY, VERSION,
};
use crate::error::{TensorAllocatorError, TensorError};

/// One of the two structs of DLPack: [`DLManagedTensorVersioned`], or the older
/// [`DLManagedTensor`], which has no flags. Sealed.
pub trait ManagedStruct: sealed::Struct {}

impl ManagedStruct for DLManagedTensor {}
impl ManagedStruct for DLManagedTensorVersioned {}

/// What frees a managed tensor.
pub(super) type Deleter<M> = unsafe extern "C" fn(*mut M);

pub(super) mod sealed {
    use super::{DLTensor, Deleter};

    pub trait Struct: Sized + 'static {
        /// Whether the struct has a place for flags.
        const HAS_FLAGS: bool;

        /// The struct of these parts.
        fn pack(tensor: DLTensor, flags: u64, deleter: Deleter<Self>) -> Self;

        /// The elements as the struct describes them, for writing into a fresh struct.
        fn tensor_mut(&mut self) -> &mut DLTensor;

        /// The deleter, whatever the version.
        ///
        /// # Safety
        ///
        /// D2: the struct is live, with version and deleter in their places.
        unsafe fn deleter(this: *const Self) -> Option<Deleter<Self>>;

        /// The major version, if another than this crate knows.
        ///
        /// # Safety
        ///
        /// D2: the struct is live, with version and deleter in their places.
        unsafe fn foreign_major(this: *const Self) -> Option<u32>;

        /// Elements and flags.
        fn parts(&self) -> (&DLTensor, u64);
    }
}

impl sealed::Struct for DLManagedTensor {
    const HAS_FLAGS: bool = false;

    fn pack(dl_tensor: DLTensor, _: u64, deleter: Deleter<Self>) -> Self {
        Self {
            dl_tensor,
            manager_ctx: std::ptr::null_mut(),
            deleter: Some(deleter),
        }
    }

    fn tensor_mut(&mut self) -> &mut DLTensor {
        &mut self.dl_tensor
    }

    unsafe fn deleter(this: *const Self) -> Option<Deleter<Self>> {
        // SAFETY: D2: the struct is there to be read.
        unsafe { (*this).deleter }
    }

    unsafe fn foreign_major(_: *const Self) -> Option<u32> {
        None
    }

    fn parts(&self) -> (&DLTensor, u64) {
        (&self.dl_tensor, 0)
    }
}

impl sealed::Struct for DLManagedTensorVersioned {
    const HAS_FLAGS: bool = true;

    fn pack(dl_tensor: DLTensor, flags: u64, deleter: Deleter<Self>) -> Self {
        Self {
            version: VERSION,
            manager_ctx: std::ptr::null_mut(),
            deleter: Some(deleter),
            flags,
            dl_tensor,
        }
    }

    fn tensor_mut(&mut self) -> &mut DLTensor {
        &mut self.dl_tensor
    }

    unsafe fn deleter(this: *const Self) -> Option<Deleter<Self>> {
        // SAFETY: D2: this field is where it is in every version.
        unsafe { (*this).deleter }
    }

    unsafe fn foreign_major(this: *const Self) -> Option<u32> {
        // SAFETY: D2: this field is where it is in every version.
        let major = unsafe { (*this).version.major };
        (major != VERSION.major).then_some(major)
    }

    fn parts(&self) -> (&DLTensor, u64) {
        (&self.dl_tensor, self.flags)
    }
}

/// A managed tensor, owned: dropping it calls its deleter, on whichever thread.
///
/// What a producer made, on its way into a [`Tensor`](crate::Tensor), or what this crate made of
/// one, on its way to a consumer. It can be looked at ([`descriptor`](Self::descriptor)) before a
/// type and a rank are chosen for it.
///
/// ```
/// use kornia_tensor::Tensor;
/// use kornia_tensor::dlpack::abi::DLDataType;
///
/// let managed = Tensor::<f32, 2>::zeros([2, 3]).into_dlpack();
/// let described = managed.descriptor()?;
/// assert_eq!(described.shape(), [2, 3]);
/// assert_eq!((described.dtype().code, described.dtype().bits), (DLDataType::CODE_FLOAT, 32));
/// assert!(!described.is_read_only()); // it was the sole handle
///
/// let raw = managed.into_raw(); // to a capsule, or across a C interface
/// # // SAFETY: `into_raw` gave it, and nobody else took it.
/// # drop(unsafe { kornia_tensor::dlpack::Managed::from_raw(raw) });
/// # Ok::<(), kornia_tensor::TensorError>(())
/// ```
pub struct Managed<M: ManagedStruct = DLManagedTensorVersioned> {
    /// D2: a live struct that belongs to this value alone. Its deleter, if it has one, may be
    /// called once, from any thread, and does not unwind. Of a versioned struct, version and
    /// deleter are in their places whatever the version.
    ///
    /// If the version is one that this crate knows, until the deleter is called:
    ///
    /// D3: the struct and what it points to do not change, and are true. `shape` and `strides`
    /// are NULL or point to `ndim` numbers.
    ///
    /// D4: every element that the strides reach, counted from `data + byte_offset`, and what lies
    /// between them, is valid for reads where the device says and is initialised as numbers of
    /// `dtype` are; also for writes, and not derived from a shared reference, unless
    /// `FLAG_READ_ONLY` is set or there is no place for flags. Work on it has finished. If
    /// `FLAG_IS_COPIED` is set, nobody else reads or writes it.
    ptr: NonNull<M>,
}

// SAFETY: D2: the deleter may be called on any thread. D3: metadata does not change, and the
// elements themselves are not reached through this type.
unsafe impl<M: ManagedStruct> Send for Managed<M> {}
// SAFETY: D3: a shared reference reads metadata that does not change.
unsafe impl<M: ManagedStruct> Sync for Managed<M> {}

impl<M: ManagedStruct> Managed<M> {
    /// Takes a managed tensor; `None` for NULL. O(1).
    ///
    /// A versioned struct of a major version that this crate does not know can be taken as well:
    /// then nothing of it is read but its version and its deleter.
    ///
    /// # Safety
    ///
    /// The pointer is NULL, or points to a managed tensor that the caller owns and passes on.
    /// Its metadata is true and does not change, `shape` and `strides` are NULL or point to
    /// `ndim` numbers, the elements **and what lies between them** are initialised, work on them
    /// has finished, and all that stays valid until the deleter is called. That may happen once,
    /// on any thread, and does not unwind.
    #[inline]
    pub unsafe fn from_raw(ptr: *mut M) -> Option<Self> {
        // D2, D3, D4: the caller's promise.
        Some(Self {
            ptr: NonNull::new(ptr)?,
        })
    }

    /// Gives the managed tensor away: whoever gets the pointer calls the deleter. O(1).
    #[inline]
    pub fn into_raw(self) -> *mut M {
        std::mem::ManuallyDrop::new(self).ptr.as_ptr()
    }

    /// Where the struct is.
    #[inline]
    pub fn as_ptr(&self) -> *const M {
        self.ptr.as_ptr()
    }

    /// What the tensor says of itself. O(1), nothing is converted.
    ///
    /// # Errors
    ///
    /// `UnsupportedOperation` for another major version, a negative number of axes, or axes
    /// without lengths.
    pub fn descriptor(&self) -> Result<Descriptor<'_>, TensorError> {
        // SAFETY: D2: `ptr` is to a live struct, with its version in its place.
        if let Some(major) = unsafe { M::foreign_major(self.ptr.as_ptr()) } {
            return Err(TensorError::UnsupportedOperation(format!(
                "version {major} of DLPack has a layout that is not known here, where version {} \
                 is; ask the producer for that with `max_version`",
                VERSION.major
            )));
        }
        // SAFETY: D2: the struct is there, with this layout because of its version. D3: it does
        // not change while it is borrowed.
        let (tensor, flags) = unsafe { self.ptr.as_ref() }.parts();
        // SAFETY: D3 and D4 hold because the version is known, and as long as `self` is borrowed.
        unsafe { Descriptor::new(tensor, flags) }
    }
}

impl<M: ManagedStruct> Drop for Managed<M> {
    /// Calls the deleter.
    #[inline]
    fn drop(&mut self) {
        // SAFETY: D2: `ptr` is to a live struct, with its deleter in its place.
        if let Some(deleter) = unsafe { M::deleter(self.ptr.as_ptr()) } {
            // SAFETY: D2: it is called here only, once, because this value is the sole owner.
            unsafe { deleter(self.ptr.as_ptr()) };
        }
    }
}

impl<M: ManagedStruct> fmt::Debug for Managed<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.descriptor() {
            Ok(descriptor) => f.debug_tuple("Managed").field(&descriptor).finish(),
            Err(_) => f.write_str("Managed(unknown)"),
        }
    }
}

/// What a tensor of DLPack says of itself, as it says it: checked no further than that it can be
/// read.
#[derive(Clone, Copy)]
pub struct Descriptor<'a> {
    /// D3 and D4 hold for it during `'a`; `ndim` is not negative, and `shape` is not NULL unless
    /// `ndim` is 0.
    tensor: NonNull<DLTensor>,
    flags: u64,
    borrow: PhantomData<&'a DLTensor>,
}

impl<'a> Descriptor<'a> {
    /// # Safety
    ///
    /// D3 and D4 hold for the tensor during `'a`.
    #[inline]
    pub(super) unsafe fn new(tensor: &'a DLTensor, flags: u64) -> Result<Self, TensorError> {
        if tensor.ndim < 0 {
            return Err(TensorError::UnsupportedOperation(format!(
                "{} axes are fewer than none; the producer is at fault",
                tensor.ndim
            )));
        }
        if tensor.ndim > 0 && tensor.shape.is_null() {
            return Err(TensorAllocatorError::NullPointer.into());
        }
        Ok(Self {
            tensor: NonNull::from(tensor),
            flags,
            borrow: PhantomData,
        })
    }

    #[inline]
    pub(super) fn tensor(&self) -> &'a DLTensor {
        // SAFETY: the field was made of a reference that lives for `'a` (`new`).
        unsafe { self.tensor.as_ref() }
    }

    /// Number of axes.
    #[inline]
    pub fn ndim(&self) -> usize {
        self.tensor().ndim.unsigned_abs() as usize
    }

    /// Length of each axis, as the producer wrote it.
    #[inline]
    pub fn shape(&self) -> &'a [i64] {
        // SAFETY: D3: the pointer is NULL or to `ndim` numbers, which do not change during `'a`.
        unsafe { numbers(self.tensor().shape, self.ndim()) }.unwrap_or_default()
    }

    /// How many elements one step along each axis moves, as the producer wrote it; `None` means
    /// row-major order.
    #[inline]
    pub fn strides(&self) -> Option<&'a [i64]> {
        // SAFETY: D3: the pointer is NULL or to `ndim` numbers, which do not change during `'a`.
        unsafe { numbers(self.tensor().strides, self.ndim()) }
    }

    /// The element type.
    #[inline]
    pub fn dtype(&self) -> DLDataType {
        self.tensor().dtype
    }

    /// Where the elements are.
    #[inline]
    pub fn device(&self) -> DLDevice {
        self.tensor().device
    }

    /// Whether the producer forbids to write. The older struct cannot say so.
    #[inline]
    pub fn is_read_only(&self) -> bool {
        self.flags & FLAG_READ_ONLY != 0
    }

    /// Whether the producer made a copy for this consumer alone. The older struct cannot say so.
    #[inline]
    pub fn is_copied(&self) -> bool {
        self.flags & FLAG_IS_COPIED != 0
    }
}

/// So many numbers, unless the pointer is NULL.
///
/// # Safety
///
/// The pointer is NULL, or to `count` numbers that do not change during `'a`.
#[inline]
unsafe fn numbers<'a>(first: *const i64, count: usize) -> Option<&'a [i64]> {
    if first.is_null() {
        return None;
    }
    // SAFETY: it is not NULL, so the caller promises `count` numbers that do not change during
    // `'a`.
    Some(unsafe { std::slice::from_raw_parts(first, count) })
}

impl fmt::Debug for Descriptor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Descriptor")
            .field("shape", &self.shape())
            .field("strides", &self.strides())
            .field("dtype", &self.dtype())
            .field("device", &self.device())
            .field("read_only", &self.is_read_only())
            .field("copied", &self.is_copied())
            .finish()
    }
}
