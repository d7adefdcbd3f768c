//! Storages over the memory of another storage: the same bytes as other elements.
//!
//! However often memory changes its element type, a storage stands directly on the one that frees
//! it. Only where that may still be written through other handles does one stand between them.

#![forbid(unsafe_code)]

#[cfg(feature = "bytes")]
use std::any::Any;
use std::ptr::NonNull;
use std::sync::Arc;

use super::accounting::Entry;
use super::foreign::OwnerRefused;
use super::owner::{Access, Kept, Owner, StorageImpl};
use super::{Place, TensorStorage};
use crate::error::TensorError;

impl<T: Send + Sync + 'static> Kept for TensorStorage<T> {
    fn another(&self, place: Place) -> Box<dyn Kept> {
        Box::new(self.clone().made_at(place))
    }

    fn retained_bytes(&self) -> usize {
        TensorStorage::retained_bytes(self)
    }

    #[cfg(feature = "bytes")]
    fn foreign(&self) -> Option<&(dyn Any + Send)> {
        self.inner.foreign()
    }
}

impl<T: Send + Sync + 'static> TensorStorage<T> {
    /// Gives up this handle for an owner that keeps its elements where they are, and says whether
    /// they may be written as long as it exists: `ReadWrite` if this was the sole handle.
    ///
    /// If this storage itself only shows what another one keeps, its owner is taken over, or
    /// shared.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub(crate) fn into_owner(mut self) -> (Owner, Access) {
        let access = match self.exclusive() {
            Ok(_) => Access::ReadWrite,
            Err(_) => Access::ReadOnly,
        };
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            if matches!(inner.owner, Owner::Storage(_)) {
                return (inner.take_owner(), access);
            }
        } else if let (Owner::Storage(kept), Access::ReadOnly) =
            (&self.inner.owner, self.inner.access)
        {
            // Not where the other handles of this storage can write again once they are alone:
            // they could not see that its memory has other readers by then.
            return (Owner::Storage(kept.another(Place::here())), access);
        }
        (Owner::Storage(Box::new(self)), access)
    }

    /// A read-only storage of elements that `find` finds in this window, or refuses.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub(crate) fn share_as<U>(
        self,
        find: impl FnOnce(&[T]) -> Result<&[U], TensorError>,
    ) -> Result<TensorStorage<U>, OwnerRefused<Self>> {
        let found = self.try_as_slice().and_then(find);
        let (base, len) = match found {
            Ok(elements) => (NonNull::from(elements).cast(), elements.len()),
            Err(error) => return Err(OwnerRefused { error, owner: self }),
        };
        let domain = self.domain();
        let (owner, _) = self.into_owner();
        // S1, S2: a slice of elements that the owner keeps where they are, and nobody writes as
        // long as it lives: it is a handle of them. Derived from a shared reference, hence
        // read-only. S4: the storage that is kept drops them.
        Ok(TensorStorage::adopt(StorageImpl {
            base,
            len,
            access: Access::ReadOnly,
            read_only: true,
            domain,
            entry: Entry::default(),
            alloc: None,
            owner,
        }))
    }
}
