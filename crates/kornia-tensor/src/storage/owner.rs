//! One allocation and the only code that frees it.

use std::any::Any;
use std::mem::{self, ManuallyDrop};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;

use super::accounting::{Entry, OwnerKind};
use super::allocator::AllocHandle;
use super::holders::Place;
use super::nested;
use super::resource::MemoryResource;
use crate::error::MemoryDomain;

/// What may be done with an allocation, asked once when it is adopted (S3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// The host reads and writes it.
    ReadWrite,
    /// The host reads it; nobody writes it.
    ReadOnly,
    /// The host can only pass the address on.
    NotHost,
}

/// Who frees the memory, and how.
pub(crate) enum Owner {
    /// The parts of a `Vec<T>`: `base` and `len` of the storage with this capacity.
    Vec { capacity: usize },
    /// A block of an allocator; this crate drops the elements, the block frees itself.
    Block(Box<dyn MemoryResource>),
    /// A window of another storage, which looks after the elements.
    Storage(Box<dyn Kept>),
    /// Memory that something else looks after, elements included. Dropped, never touched:
    /// `Sync` is not needed.
    Foreign(
        #[cfg_attr(
            not(feature = "bytes"),
            expect(dead_code, reason = "kept to be dropped")
        )]
        ForeignOwner,
    ),
    /// Memory that outlives the storage by promise.
    Borrowed,
}

/// A window of a storage whose element type is forgotten: it keeps the elements where they are.
pub(crate) trait Kept: Send + Sync {
    /// Another handle of the same window.
    fn another(&self, place: Place) -> Box<dyn Kept>;

    /// Size in bytes of the allocation that is kept alive.
    fn retained_bytes(&self) -> usize;

    /// See [`StorageImpl::foreign`].
    #[cfg(feature = "bytes")]
    fn foreign(&self) -> Option<&(dyn Any + Send)>;
}

impl Owner {
    pub(crate) fn kind(&self) -> OwnerKind {
        match self {
            Self::Vec { .. } => OwnerKind::Vec,
            Self::Block(_) => OwnerKind::Block,
            Self::Storage(_) | Self::Foreign(_) => OwnerKind::Foreign,
            Self::Borrowed => OwnerKind::Borrowed,
        }
    }
}

/// A boxed value that is only ever dropped.
///
/// Held as a raw pointer: the elements may lie inside the value itself, and moving a `Box` (or
/// making any reference to its contents) would invalidate pointers to them.
pub(crate) struct ForeignOwner {
    /// F1: from `Box::into_raw`, owned by this alone.
    value: NonNull<dyn Any + Send>,
}

impl ForeignOwner {
    /// Boxes the owner; the pointer is good for shared references until the result is dropped.
    pub(crate) fn new<O: Send + 'static>(owner: O) -> (Self, NonNull<O>) {
        let value = NonNull::from(Box::leak(Box::new(owner)));
        (Self { value }, value)
    }

    /// Gives the owner back.
    ///
    /// # Safety
    ///
    /// `O` is the type it was made of, and nothing uses its elements any more.
    pub(super) unsafe fn into_inner<O>(self) -> O {
        let this = ManuallyDrop::new(self);
        // SAFETY: F1: `value` is a box of the type it was made of, which the caller promises to be
        // `O`, and `this` is not dropped, so it is taken once.
        *unsafe { Box::from_raw(this.value.as_ptr().cast::<O>()) }
    }
}

impl Drop for ForeignOwner {
    fn drop(&mut self) {
        // SAFETY: the value came from `Box::into_raw` and is owned by this alone (F1), which ends
        // here.
        nested::release(unsafe { Box::from_raw(self.value.as_ptr()) });
    }
}

/// One allocation of `len` elements.
pub(crate) struct StorageImpl<T> {
    /// S1: aligned for `T`; valid for reads of `len` elements for as long as `owner` lives,
    /// and for writes if `access` is `ReadWrite`, in which case it was never derived from a
    /// shared reference.
    pub(super) base: NonNull<T>,
    /// S2: all `len` elements are initialised if the host can read them, and
    /// `len * size_of::<T>() <= isize::MAX`.
    pub(super) len: usize,
    /// S3: settled at construction.
    pub(super) access: Access,
    /// S3: nobody may write the memory, not even a device to which the host passes it on.
    pub(super) read_only: bool,
    pub(super) domain: MemoryDomain,
    /// Where this is counted since it was adopted, if it is.
    pub(super) entry: Entry,
    /// S4: frees the memory, once; nothing else does. Before `alloc`, because fields drop in
    /// this order and a block may need its allocator to go back to.
    pub(super) owner: Owner,
    /// Where copies of this storage are allocated; `None` is plain `Vec` memory.
    pub(super) alloc: Option<AllocHandle>,
}

impl<T> StorageImpl<T> {
    /// Size in bytes of the allocation that this keeps alive, as far as it is known: of what a
    /// foreign owner has, the elements that it showed.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        let elements = match &self.owner {
            Owner::Vec { capacity } => *capacity,
            Owner::Storage(kept) => return kept.retained_bytes(),
            _ => self.len,
        };
        elements.saturating_mul(size_of::<T>())
    }

    /// The bytes that are counted here: those of another storage are counted there.
    fn counted_bytes(&self) -> usize {
        match self.owner {
            Owner::Storage(_) => 0,
            _ => self.bytes(),
        }
    }

    /// Counts this among the storages of the process. Out of the way of the code that makes
    /// storages: as part of it, it would cost more while it is off than it does while it is on.
    #[cold]
    #[inline(never)]
    pub(super) fn enter(&self) {
        let (owner, bytes) = (self.owner.kind(), self.counted_bytes());
        self.entry.enter(owner, self.domain, bytes);
    }

    /// Takes it out of the count.
    #[cold]
    #[inline(never)]
    fn leave(&mut self) {
        let (owner, bytes) = (self.owner.kind(), self.counted_bytes());
        self.entry.leave(owner, self.domain, bytes);
    }

    /// What keeps the elements, out of a storage that only shows them and is dropped next.
    pub(super) fn take_owner(&mut self) -> Owner {
        debug_assert!(
            matches!(self.owner, Owner::Storage(_)),
            "elements of its own"
        );
        if self.entry.is_in() {
            self.leave(); // as what it was when it was counted
        }
        mem::replace(&mut self.owner, Owner::Borrowed)
    }

    /// The value that looks after memory which is only read, or that of the storage which is kept.
    #[cfg(feature = "bytes")]
    pub(super) fn foreign(&self) -> Option<&(dyn Any + Send)> {
        match &self.owner {
            Owner::Storage(kept) => kept.foreign(),
            Owner::Foreign(owner) if self.access == Access::ReadOnly => {
                // SAFETY: the value lives as long as the owner (F1), which is borrowed. A shared
                // reference to it does no harm to pointers into it that are only read through,
                // and nobody reads the value itself before its type is known to be `Sync`.
                Some(unsafe { owner.value.as_ref() })
            }
            _ => None,
        }
    }

    /// The `Vec` this allocation came from, if it came from one.
    pub(super) fn into_vec(self) -> Result<Vec<T>, Self> {
        let Owner::Vec { capacity } = self.owner else {
            return Err(self);
        };
        let mut this = ManuallyDrop::new(self);
        let alloc = this.alloc.take();
        if this.entry.is_in() {
            this.leave();
        }
        // SAFETY: S1, S2: base, len and capacity are those of the `Vec` that was adopted. S4:
        // `this` is never dropped, so the new `Vec` is the only owner; of the other fields, only
        // `alloc` has something to free, and that was taken out.
        let elements = unsafe { Vec::from_raw_parts(this.base.as_ptr(), this.len, capacity) };
        drop(alloc); // foreign code, which may panic: by now the elements have an owner
        Ok(elements)
    }
}

impl<T> Drop for StorageImpl<T> {
    fn drop(&mut self) {
        if self.entry.is_in() {
            self.leave(); // first: an element may panic when it is dropped
        }
        match self.owner {
            Owner::Vec { capacity } => {
                // SAFETY: S1, S2, S4: the parts of the adopted `Vec`, freed here only.
                drop(unsafe { Vec::from_raw_parts(self.base.as_ptr(), self.len, capacity) });
            }
            Owner::Block(_) if self.access == Access::ReadWrite => {
                let elements = NonNull::slice_from_raw_parts(self.base, self.len);
                // SAFETY: S1, S2: initialised and writable. S4: dropped here only. The block
                // itself is freed by the drop of `owner` right after, also on unwinding.
                unsafe { elements.drop_in_place() };
            }
            Owner::Block(_) | Owner::Storage(_) | Owner::Foreign(_) | Owner::Borrowed => {}
        }
    }
}

// SAFETY: handles on other threads read `T` through `&T` (needs `T: Sync`) and the last of them
// drops it or moves it out (needs `T: Send`). The owner is only dropped, and every owner is
// `Send`; the allocator handle is `Send + Sync`.
unsafe impl<T: Send + Sync> Send for StorageImpl<T> {}
// SAFETY: a shared reference reads `T` through `&T`, and can be cloned into a handle that drops it
// on another thread, so it needs both bounds.
unsafe impl<T: Send + Sync> Sync for StorageImpl<T> {}

// A panic cannot leave the storage itself half-changed: all its fields are settled at
// construction. What matters is the elements, so these follow `T` as they do for `Arc<[T]>`.
impl<T: RefUnwindSafe> UnwindSafe for StorageImpl<T> {}
impl<T: RefUnwindSafe> RefUnwindSafe for StorageImpl<T> {}
