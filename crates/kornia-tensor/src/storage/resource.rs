//! Blocks of memory and where they live.

use std::alloc::Layout;
use std::any::Any;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use super::pages::prefer_large;
use crate::error::{MemoryDomain, TensorAllocatorError};

/// One block of memory, given back when the value is dropped.
///
/// A tensor asks when it adopts the block, and keeps the answers.
///
/// # Safety
///
/// From the moment a block is returned by [`TensorAllocator::allocate`] until it is dropped:
///
/// * **`as_ptr`, `len_bytes`, `domain` and `is_readonly` answer every time as they did the first
///   time**, whoever asks and however often: one caller may write zeros through the first answer,
///   and the next one believe that the memory of the second holds them.
/// * `as_ptr` is valid for reads of `len_bytes` bytes, and for writes unless `is_readonly`,
///   from the host if the domain is host accessible. The memory stays where it is when the
///   value moves.
/// * Nothing else reads or writes that memory, other than through the pointer.
/// * `domain` tells the truth, and no method unwinds out of a destructor.
///
/// [`TensorAllocator::allocate`]: crate::TensorAllocator::allocate
pub unsafe trait MemoryResource: Send + Sync {
    /// First byte of the block.
    fn as_ptr(&self) -> *mut u8;

    /// Size of the block in bytes; at least what was asked for.
    fn len_bytes(&self) -> usize;

    /// Where the block lives.
    fn domain(&self) -> MemoryDomain;

    /// The concrete type, for crates that keep device handles beside the pointer.
    fn as_any(&self) -> &dyn Any;

    /// The concrete type, for whoever owns the block and changes its own handles in it.
    ///
    /// By default nothing that can be found by its type. No tensor gives out such a reference:
    /// two blocks that change places under their tensors would take the memory with them.
    fn as_any_mut(&mut self) -> &mut dyn Any {
        Box::leak(Box::new(())) // of size zero: nothing is allocated, and nothing leaks
    }

    /// Whether the block may only be read.
    fn is_readonly(&self) -> bool {
        false
    }
}

/// A block of the global allocator.
///
/// ```
/// use std::alloc::Layout;
/// use kornia_tensor::{HostResource, MemoryResource};
///
/// let block = HostResource::from_layout(Layout::from_size_align(100, 64)?)?;
/// assert_eq!(block.len_bytes(), 100);
/// assert_eq!(block.as_ptr().addr() % 64, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct HostResource {
    /// H1: if `layout.size() > 0`, a live block of the global allocator with exactly this
    /// layout, owned by this value alone; else a dangling pointer with its alignment.
    ptr: NonNull<u8>,
    layout: Layout,
}

impl HostResource {
    /// Allocates zeroed memory; large blocks come as untouched pages.
    ///
    /// # Errors
    ///
    /// `AllocationFailed` if the global allocator has no such block.
    pub fn from_layout(layout: Layout) -> Result<Self, TensorAllocatorError> {
        Self::obtain(layout, std::alloc::alloc_zeroed)
    }

    /// Allocates memory whose contents are not initialised.
    ///
    /// # Errors
    ///
    /// `AllocationFailed` if the global allocator has no such block.
    pub fn uninit(layout: Layout) -> Result<Self, TensorAllocatorError> {
        Self::obtain(layout, std::alloc::alloc)
    }

    /// Adopts a block of the global allocator, which is freed with this value.
    ///
    /// # Safety
    ///
    /// `ptr` was allocated with exactly this layout, belongs to nothing else, and its bytes are not
    /// reached other than through this value; or the layout has size 0.
    ///
    /// # Errors
    ///
    /// `NullPointer`.
    pub unsafe fn from_raw(ptr: *mut u8, layout: Layout) -> Result<Self, TensorAllocatorError> {
        let ptr = NonNull::new(ptr).ok_or(TensorAllocatorError::NullPointer)?;
        Ok(Self { ptr, layout })
    }

    /// The block and its layout, not freed any more: whoever takes them frees them, if the layout
    /// has a size.
    ///
    /// ```
    /// use std::alloc::Layout;
    /// use kornia_tensor::HostResource;
    ///
    /// let block = HostResource::from_layout(Layout::new::<u64>())?;
    /// let (ptr, layout) = block.into_raw_parts();
    /// // SAFETY: the parts of a block, used once.
    /// let again = unsafe { HostResource::from_raw(ptr, layout) }?;
    /// assert_eq!((again.len_bytes(), again.is_empty()), (8, false));
    /// # Ok::<(), kornia_tensor::TensorAllocatorError>(())
    /// ```
    pub fn into_raw_parts(self) -> (*mut u8, Layout) {
        let this = ManuallyDrop::new(self);
        (this.ptr.as_ptr(), this.layout)
    }

    /// Size of the block in bytes.
    pub fn len_bytes(&self) -> usize {
        self.layout.size()
    }

    /// Whether the block has no bytes.
    pub fn is_empty(&self) -> bool {
        self.layout.size() == 0
    }

    fn obtain(
        layout: Layout,
        alloc: unsafe fn(Layout) -> *mut u8,
    ) -> Result<Self, TensorAllocatorError> {
        if layout.size() == 0 {
            return Ok(Self {
                ptr: dangling(layout),
                layout,
            });
        }
        // SAFETY: the layout is not zero-sized, which is all both functions ask (H1).
        let ptr = unsafe { alloc(layout) };
        let ptr = NonNull::new(ptr).ok_or_else(|| {
            TensorAllocatorError::AllocationFailed(format!(
                "{} bytes aligned to {} were refused by the global allocator",
                layout.size(),
                layout.align()
            ))
        })?;
        prefer_large(ptr, layout.size());
        Ok(Self { ptr, layout })
    }

    /// Size and alignment of the block.
    pub fn layout(&self) -> Layout {
        self.layout
    }
}

/// An address that suits the layout and belongs to nothing.
fn dangling(layout: Layout) -> NonNull<u8> {
    let align = layout.align();
    NonNull::new(std::ptr::without_provenance_mut(align)).unwrap_or(NonNull::dangling())
}

// SAFETY: H1: the block is valid for its size until drop, at a fixed address, and this value
// is its only owner. Host memory, written and read through the pointer alone.
unsafe impl MemoryResource for HostResource {
    fn as_ptr(&self) -> *mut u8 {
        self.ptr.as_ptr()
    }

    fn len_bytes(&self) -> usize {
        self.layout.size()
    }

    fn domain(&self) -> MemoryDomain {
        MemoryDomain::Host
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

impl Drop for HostResource {
    fn drop(&mut self) {
        if self.layout.size() != 0 {
            // SAFETY: H1: allocated with this layout, and freed here only.
            unsafe { std::alloc::dealloc(self.ptr.as_ptr(), self.layout) }
        }
    }
}

// SAFETY: H1: sole owner of plain memory; nothing is tied to a thread.
unsafe impl Send for HostResource {}
// SAFETY: H1: shared access offers the address and the layout, nothing mutable.
unsafe impl Sync for HostResource {}
