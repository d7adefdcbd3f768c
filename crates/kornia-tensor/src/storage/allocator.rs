//! Who gives memory: the allocator trait, the default, and an aligned one.

use std::alloc::Layout;
use std::fmt;
use std::ptr::NonNull;
use std::sync::{Arc, LazyLock};

use super::resource::{HostResource, MemoryResource};
use crate::error::TensorAllocatorError;

/// A source of memory blocks for tensors.
///
/// `_in` constructors, `deep_clone` and `make_mut` ask the allocator of their tensor; the block
/// goes back to it when the last tensor that uses it is dropped, on whichever thread.
///
/// # Safety
///
/// `is_global` always gives the same answer. A block returned by `allocate` or `allocate_zeroed`
///
/// * has at least `layout.size()` bytes at an address that is a multiple of `layout.align()`;
/// * is not handed out again before it is dropped;
/// * is writable, unless its `is_readonly` says otherwise;
/// * from `allocate_zeroed`, and if the host can read it, holds zeros.
pub unsafe trait TensorAllocator: Send + Sync {
    /// A block for `layout`, contents unspecified and possibly uninitialised.
    ///
    /// # Errors
    ///
    /// Whatever keeps the allocator from giving the block.
    fn allocate(&self, layout: Layout) -> Result<Box<dyn MemoryResource>, TensorAllocatorError>;

    /// A block for `layout` that holds zeros.
    ///
    /// # Errors
    ///
    /// Those of `allocate`; by default also `AllocationFailed` where the host cannot write.
    fn allocate_zeroed(
        &self,
        layout: Layout,
    ) -> Result<Box<dyn MemoryResource>, TensorAllocatorError> {
        let block = self.allocate(layout)?;
        let domain = block.domain();
        if !domain.is_host_accessible() || block.is_readonly() {
            return Err(TensorAllocatorError::AllocationFailed(format!(
                "the host cannot write zeros to memory in {domain:?}; override `allocate_zeroed`"
            )));
        }
        let (expected, found) = (layout.size(), block.len_bytes());
        if found < expected {
            return Err(TensorAllocatorError::BadBlock { expected, found });
        }
        let first = NonNull::new(block.as_ptr()).ok_or(TensorAllocatorError::NullPointer)?;
        // SAFETY: the block is writable host memory of at least `expected` bytes: it said so just
        // above, and by the contract of `MemoryResource` tells the truth and never another one.
        unsafe { first.write_bytes(0, expected) };
        Ok(block)
    }

    /// Whether memory from this allocator is plain memory of the global allocator.
    ///
    /// Such an allocator is not asked at all: its tensors hold a `Vec`, so that
    /// `from_shape_vec_in` and `into_vec` move no element.
    fn is_global(&self) -> bool {
        false
    }
}

/// A shared allocator; clones name the same one.
pub type AllocHandle = Arc<dyn TensorAllocator>;

impl fmt::Debug for dyn TensorAllocator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TensorAllocator")
            .field("is_global", &self.is_global())
            .finish()
    }
}

/// The global allocator of the process. Its tensors hold a plain `Vec`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuAllocator;

// SAFETY: every block is a fresh `HostResource` of the layout that was asked for.
unsafe impl TensorAllocator for CpuAllocator {
    fn allocate(&self, layout: Layout) -> Result<Box<dyn MemoryResource>, TensorAllocatorError> {
        Ok(Box::new(HostResource::uninit(layout)?))
    }

    fn allocate_zeroed(
        &self,
        layout: Layout,
    ) -> Result<Box<dyn MemoryResource>, TensorAllocatorError> {
        Ok(Box::new(HostResource::from_layout(layout)?))
    }

    fn is_global(&self) -> bool {
        true
    }
}

/// Host memory at addresses that are a multiple of a chosen power of two.
///
/// For direct I/O, DMA and wide vector loads. Blocks cannot become a `Vec`, whose allocation
/// has the alignment of its elements.
///
/// ```
/// use std::sync::Arc;
/// use kornia_tensor::{AlignedAllocator, Tensor};
///
/// let page = Arc::new(AlignedAllocator::new(4096)?);
/// let frame = Tensor::<u8, 3>::full_in([48, 64, 3], 0, page);
/// assert_eq!(frame.as_ptr().addr() % 4096, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AlignedAllocator {
    align: usize,
}

impl AlignedAllocator {
    /// An allocator of blocks aligned to at least `align` bytes.
    ///
    /// # Errors
    ///
    /// `LayoutError` if `align` is not a power of two.
    pub fn new(align: usize) -> Result<Self, TensorAllocatorError> {
        Layout::from_size_align(0, align)?;
        Ok(Self { align })
    }

    /// The alignment in bytes.
    pub fn align(&self) -> usize {
        self.align
    }
}

// SAFETY: every block is a fresh `HostResource` of the size that was asked for and of at
// least the alignment that was asked for.
unsafe impl TensorAllocator for AlignedAllocator {
    fn allocate(&self, layout: Layout) -> Result<Box<dyn MemoryResource>, TensorAllocatorError> {
        Ok(Box::new(HostResource::uninit(
            layout.align_to(self.align)?,
        )?))
    }

    fn allocate_zeroed(
        &self,
        layout: Layout,
    ) -> Result<Box<dyn MemoryResource>, TensorAllocatorError> {
        Ok(Box::new(HostResource::from_layout(
            layout.align_to(self.align)?,
        )?))
    }
}

static HOST_ALLOC: LazyLock<AllocHandle> = LazyLock::new(|| Arc::new(CpuAllocator));

/// The default allocator. O(1), one reference count.
///
/// ```
/// use kornia_tensor::{Tensor, host_alloc};
///
/// let t = Tensor::from_shape_vec_in([2, 2], vec![1u8, 2, 3, 4], host_alloc())?;
/// assert_eq!(t.into_vec(), [1, 2, 3, 4]);
/// # Ok::<(), kornia_tensor::TensorError>(())
/// ```
pub fn host_alloc() -> AllocHandle {
    HOST_ALLOC.clone()
}

/// The default allocator, borrowed.
pub(crate) fn host_alloc_ref() -> &'static AllocHandle {
    &HOST_ALLOC
}

/// What a tensor keeps of the handle it was given: `None` stands for plain `Vec` memory.
pub(crate) fn normalize(alloc: AllocHandle) -> Option<AllocHandle> {
    if alloc.is_global() { None } else { Some(alloc) }
}
