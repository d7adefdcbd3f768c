//! Writing, and giving memory back: what takes the sole handle.

use std::ptr::NonNull;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::TensorStorage;
use super::builder::StorageBuilder;
use super::owner::{Access, Owner};
use crate::error::{self, TensorError};

/// How long `wait_until_unique` sleeps before it asks again: twice as long each time, so that a
/// handle that goes soon is noticed soon and one that stays costs a thousand looks a second.
const FIRST_PAUSE: Duration = Duration::from_micros(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(1);

impl<T> TensorStorage<T> {
    /// The one door to writing: the first element, if this is the only handle of memory the
    /// host may write.
    #[inline]
    pub(crate) fn exclusive(&mut self) -> Result<NonNull<T>, TensorError> {
        let ptr = self.sole_address()?;
        self.check_readable()?;
        Ok(ptr)
    }

    /// As `exclusive`, also for memory the host can only pass on, to somebody who may write it.
    #[inline]
    pub(crate) fn exclusive_address(&mut self) -> Result<NonNull<T>, TensorError> {
        let ptr = self.sole_address()?;
        match self.inner.read_only {
            true => Err(TensorError::ReadOnlyStorage),
            false => Ok(ptr),
        }
    }

    /// The first element, if this is the only handle; whether the host may write it is asked of
    /// memory that it can read.
    #[inline]
    fn sole_address(&mut self) -> Result<NonNull<T>, TensorError> {
        let sole = Arc::get_mut(&mut self.inner).is_some();
        match (sole, self.inner.access) {
            // Named first: dropping the other handles would not help.
            (_, Access::ReadOnly) => Err(TensorError::ReadOnlyStorage),
            (false, _) => Err(TensorError::SharedStorage(self.holder.others())),
            (true, Access::ReadWrite | Access::NotHost) => Ok(self.ptr),
        }
    }

    /// As [`Tensor::wait_until_unique`](crate::Tensor::wait_until_unique).
    ///
    /// # Errors
    ///
    /// `SharedStorage` if another handle is still there after `limit`; `ReadOnlyStorage` at once.
    pub fn wait_until_unique(&mut self, limit: Duration) -> Result<(), TensorError> {
        let Err(mut refused) = self.exclusive_address() else {
            return Ok(());
        };
        if limit.is_zero() {
            return Err(refused); // without a look at the clock, which not every machine has
        }
        let (start, mut pause) = (Instant::now(), FIRST_PAUSE);
        while matches!(refused, TensorError::SharedStorage(_)) {
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                break;
            }
            // Whoever is about to drop a handle needs a processor, perhaps this one.
            std::thread::sleep(pause.min(left));
            pause = (2 * pause).min(LONGEST_PAUSE);
            match self.exclusive_address() {
                Ok(_) => return Ok(()),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// First element of the window, for writing through the pointer while this handle lives
    /// and stays the only one. Memory of a device gives its device address.
    ///
    /// # Panics
    ///
    /// If the storage is shared or read-only.
    #[inline]
    #[track_caller]
    pub fn as_mut_ptr(&mut self) -> *mut T {
        error::expect(self.exclusive_address()).as_ptr()
    }

    /// The window's elements, for writing. O(1), never copies.
    ///
    /// # Panics
    ///
    /// If the storage is shared or read-only, or the host cannot write it.
    #[inline]
    #[track_caller]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        error::expect(self.try_as_mut_slice())
    }

    /// The window's elements, for writing. O(1), never copies.
    ///
    /// # Errors
    ///
    /// `SharedStorage` while another handle exists, `ReadOnlyStorage`, `NotHostAccessible`.
    #[inline]
    pub fn try_as_mut_slice(&mut self) -> Result<&mut [T], TensorError> {
        let ptr = self.exclusive()?;
        // SAFETY: W1, S1, S2: initialised, aligned, and writable because `exclusive` returned
        // Ok. No other handle exists and this one is mutably borrowed for as long as the slice.
        Ok(unsafe { std::slice::from_raw_parts_mut(ptr.as_ptr(), self.len) })
    }

    /// The window of this one and `next` together, if `next` begins where this one ends.
    ///
    /// The only way to widen a window.
    ///
    /// # Safety
    ///
    /// While the result, or what is made of it, exists, nothing else writes an element of either
    /// window: both handles belong to exclusive parts, and are used no more.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub(crate) unsafe fn union(&self, next: &Self) -> Option<Self> {
        if !Arc::ptr_eq(&self.inner, &next.inner) {
            return None;
        }
        if next.is_empty() {
            return Some(self.clone());
        }
        // W1: both windows lie within the allocation, and nothing lies between them.
        let len = self.len + next.len;
        let touches = self.offset() + self.len == next.offset();
        if !touches {
            return None;
        }
        Some(Self {
            inner: Arc::clone(&self.inner),
            ptr: self.ptr,
            len,
            holder: self.holder.another(),
        })
    }

    /// A fresh storage with clones of the window's elements, from the same allocator. O(n).
    ///
    /// # Errors
    ///
    /// `OutOfMemory` or what the allocator answered, `NotHostAccessible`.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn deep_clone(&self) -> Result<Self, TensorError>
    where
        T: Clone,
    {
        let elements = self.try_as_slice()?;
        let mut builder = StorageBuilder::new(elements.len(), self.alloc_choice())?;
        builder.extend_from_slice(elements);
        Ok(builder.finish())
    }

    /// The `Vec` this storage was made from. O(1), never copies.
    ///
    /// # Panics
    ///
    /// Where [`try_into_vec`](Self::try_into_vec) gives the storage back, saying why.
    #[track_caller]
    pub fn into_vec(self) -> Vec<T> {
        match self.try_into_vec() {
            Ok(elements) => elements,
            Err(mut storage) => error::fail(storage.why_not_vec()),
        }
    }

    /// The `Vec` this storage was made from. O(1), never copies.
    ///
    /// # Errors
    ///
    /// The storage itself, if
    ///
    /// 1. its memory is no `Vec` (an allocator's block, foreign memory);
    /// 2. it is a window of less than the whole `Vec`;
    /// 3. another handle exists.
    pub fn try_into_vec(self) -> Result<Vec<T>, Self> {
        if !matches!(self.inner.owner, Owner::Vec { .. }) || self.len != self.inner.len {
            return Err(self);
        }
        let inner = Arc::try_unwrap(self.inner).map_err(|inner| Self { inner, ..self })?;
        inner.into_vec().map_err(Self::adopt)
    }

    fn why_not_vec(&mut self) -> TensorError {
        let what = match &self.inner.owner {
            Owner::Vec { .. } if self.len != self.inner.len => format!(
                "window of {} of {} elements cannot become a Vec; use `to_vec` on a view to copy it",
                self.len, self.inner.len
            ),
            Owner::Vec { .. } => format!(
                "Vec of {} elements is shared with {}; use `to_vec` on a view to copy it, or drop the \
                 others first",
                self.len,
                self.holder.others()
            ),
            owner => format!(
                "{} elements of {:?} memory cannot become a Vec; use `to_vec` on a view to copy them",
                self.len,
                owner.kind()
            ),
        };
        TensorError::UnsupportedOperation(what)
    }
}
