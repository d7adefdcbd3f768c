//! Storages over memory that something else owns.

use std::alloc::Layout;
use std::any::Any;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

use super::TensorStorage;
use super::accounting::Entry;
use super::allocator::{AllocHandle, normalize};
use super::builder::check_aligned;
use super::owner::{Access, ForeignOwner, Owner, StorageImpl};
use crate::error::MemoryDomain;
use crate::error::{self, TensorAllocatorError, TensorError};

/// An owner that was refused, given back with the reason.
///
/// `?` turns it into a [`TensorError`] where the owner is not wanted back.
///
/// ```
/// use kornia_tensor::{Tensor, TensorError};
///
/// fn wrap(bytes: Vec<u8>) -> Result<Tensor<u8, 2>, TensorError> {
///     Ok(Tensor::from_owner([2, 3], bytes)?)
/// }
/// assert!(wrap(vec![0; 6]).is_ok());
///
/// let refused = Tensor::<u8, 2>::from_owner([2, 3], vec![1, 2, 3]).unwrap_err();
/// assert_eq!(refused.owner, [1, 2, 3]);
/// ```
pub struct OwnerRefused<O> {
    /// Why.
    pub error: TensorError,
    /// The owner, as it was passed.
    pub owner: O,
}

/// A value as the type that it is, if that is so.
fn same_type<A: 'static, B: 'static>(value: A) -> Result<B, A> {
    let mut value = Some(value);
    let same = (&mut value as &mut dyn Any).downcast_mut::<Option<B>>();
    match (same.and_then(Option::take), value) {
        (Some(same), _) => Ok(same),
        (None, Some(value)) => Err(value),
        (None, None) => unreachable!("it was taken as what it is"),
    }
}

impl<O: 'static> OwnerRefused<O> {
    /// An `O` that was looked at as what it is.
    fn of<S: 'static>(error: TensorError, owner: S) -> Self {
        match same_type(owner) {
            Ok(owner) => Self { error, owner },
            Err(_) => unreachable!("the owner is still of the type it came as"),
        }
    }
}

impl<O> fmt::Debug for OwnerRefused<O> {
    /// The text of the error, as that of [`TensorError`] is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl<O> fmt::Display for OwnerRefused<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<O> std::error::Error for OwnerRefused<O> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

impl<O> From<OwnerRefused<O>> for TensorError {
    fn from(refused: OwnerRefused<O>) -> Self {
        refused.error
    }
}

impl<T> TensorStorage<T> {
    /// Shares the elements of an owner, for reading. O(1); the owner is dropped with the last
    /// handle, on whichever thread.
    ///
    /// For whatever gives a slice: `Vec`, `Arc<[T]>`, an array, `Bytes`, a mapped file. It is
    /// asked for its slice once, after it was moved to its final place. A `TensorStorage` comes
    /// back as it is.
    ///
    /// # Panics
    ///
    /// If `as_ref` panics; the owner is dropped then.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub fn from_owner<O>(owner: O) -> Self
    where
        T: 'static,
        O: AsRef<[T]> + Send + 'static,
    {
        match Self::shared_by(owner, |_| Ok(())) {
            Ok(storage) => storage,
            Err(refused) => error::fail(refused.error),
        }
    }

    /// As `from_owner`, if `check` likes the number of elements.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub(crate) fn shared_by<O>(
        owner: O,
        check: impl FnOnce(usize) -> Result<(), TensorError>,
    ) -> Result<Self, OwnerRefused<O>>
    where
        T: 'static,
        O: AsRef<[T]> + Send + 'static,
    {
        match same_type::<O, Self>(owner) {
            // An owner of its own would hide what it keeps alive, and nest.
            Ok(storage) => match check(storage.len()) {
                Ok(()) => Ok(storage),
                Err(error) => Err(OwnerRefused::of(error, storage)),
            },
            Err(owner) => Self::over_owner(owner, |owner| {
                let elements = owner.as_ref();
                check(elements.len())?;
                Ok(elements)
            }),
        }
    }

    /// As `over_owner`, for elements that `find` finds in the bytes of the owner.
    #[cfg_attr(feature = "diagnose", track_caller)]
    #[allow(dead_code, reason = "not every feature shares bytes as elements")]
    pub(crate) fn over_bytes<O>(
        owner: O,
        find: impl FnOnce(&[u8]) -> Result<&[T], TensorError>,
    ) -> Result<Self, OwnerRefused<O>>
    where
        O: AsRef<[u8]> + Send + 'static,
    {
        match same_type::<O, TensorStorage<u8>>(owner) {
            Ok(bytes) => bytes
                .share_as(find)
                .map_err(|refused| OwnerRefused::of(refused.error, refused.owner)),
            Err(owner) => Self::over_owner(owner, |owner| find(owner.as_ref())),
        }
    }

    /// As `from_owner`, for elements that `find` finds in the owner, or refuses.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub(crate) fn over_owner<O: Send + 'static>(
        owner: O,
        find: impl FnOnce(&O) -> Result<&[T], TensorError>,
    ) -> Result<Self, OwnerRefused<O>> {
        let (keep, place) = ForeignOwner::new(owner);
        // SAFETY: F1: the owner is in its place, and `keep` does nothing but drop it, also if
        // `find` panics.
        match find(unsafe { place.as_ref() }) {
            // S1, S2: a slice borrowed from an owner that stays where it is, untouched, until
            // the storage drops it (S4); reading it on other threads is what `&[T]` allows.
            // Derived from a shared reference, hence read-only.
            Ok(elements) => Ok(Self::adopt(StorageImpl {
                base: NonNull::from(elements).cast(),
                len: elements.len(),
                access: Access::ReadOnly,
                read_only: true,
                domain: MemoryDomain::Host,
                entry: Entry::default(),
                alloc: None,
                owner: Owner::Foreign(keep),
            })),
            Err(error) => {
                // SAFETY: made of an `O` above; nothing borrows from it any more.
                let owner = unsafe { keep.into_inner() };
                Err(OwnerRefused { error, owner })
            }
        }
    }

    /// Wraps memory that someone else frees, later than every handle. O(1).
    ///
    /// # Safety
    ///
    /// `data` is valid for reads and writes of `len_bytes` bytes of initialised elements until
    /// the last handle is dropped, was not derived from a shared reference, and nothing else
    /// reads or writes that memory while a handle exists. The elements are not dropped.
    ///
    /// # Panics
    ///
    /// If `data` is null or misaligned, or `len_bytes` is no multiple of the element size.
    #[track_caller]
    pub unsafe fn from_raw_parts(data: *const T, len_bytes: usize, alloc: AllocHandle) -> Self {
        let (domain, access) = (MemoryDomain::Host, Access::ReadWrite);
        // SAFETY: the caller promises that the elements are there for this storage alone to read and
        // write, without an owner to keep them.
        unsafe { Self::over_checked(data, len_bytes, alloc, domain, access, Owner::Borrowed) }
    }

    /// Wraps memory that `keepalive` keeps valid. O(1); `keepalive` is dropped with the last
    /// handle.
    ///
    /// # Safety
    ///
    /// Until `keepalive` is dropped, `data` is valid for reads and writes of `len_bytes` bytes
    /// of initialised elements (as `domain` allows), was not derived from a shared reference,
    /// and nothing else reads or writes that memory. The elements are not dropped.
    ///
    /// # Panics
    ///
    /// If `data` is null or misaligned, or `len_bytes` is no multiple of the element size.
    #[track_caller]
    pub unsafe fn from_borrowed(
        data: *const T,
        len_bytes: usize,
        alloc: AllocHandle,
        domain: MemoryDomain,
        keepalive: Arc<dyn Any + Send + Sync>,
    ) -> Self {
        let (keep, _) = ForeignOwner::new(keepalive);
        let (access, owner) = (Access::ReadWrite, Owner::Foreign(keep));
        // SAFETY: the caller promises that the elements are there for this storage alone to read and
        // write, as long as `keepalive` lives.
        unsafe { Self::over_checked(data, len_bytes, alloc, domain, access, owner) }
    }

    /// Wraps memory that may be read and is never written through this storage. O(1).
    ///
    /// # Safety
    ///
    /// Until `keepalive` is dropped, `data` is valid for reads of `len_bytes` bytes of
    /// initialised elements (as `domain` allows), and nothing writes that memory.
    ///
    /// # Panics
    ///
    /// If `data` is null or misaligned, or `len_bytes` is no multiple of the element size.
    #[track_caller]
    pub unsafe fn from_borrowed_readonly(
        data: *const T,
        len_bytes: usize,
        alloc: AllocHandle,
        domain: MemoryDomain,
        keepalive: Arc<dyn Any + Send + Sync>,
    ) -> Self {
        let (keep, _) = ForeignOwner::new(keepalive);
        let (access, owner) = (Access::ReadOnly, Owner::Foreign(keep));
        // SAFETY: the caller promises that the elements are there and that nobody writes them, as
        // long as `keepalive` lives.
        unsafe { Self::over_checked(data, len_bytes, alloc, domain, access, owner) }
    }

    /// A storage of as many elements as `len_bytes` bytes hold, after all checks that can be made.
    ///
    /// # Safety
    ///
    /// As long as `owner` lives, what `from_borrowed` asks for, or `from_borrowed_readonly` if
    /// `access` is `ReadOnly`.
    #[track_caller]
    unsafe fn over_checked(
        data: *const T,
        len_bytes: usize,
        alloc: AllocHandle,
        domain: MemoryDomain,
        access: Access,
        owner: Owner,
    ) -> Self {
        let len = Self::whole_elements(len_bytes);
        let base = error::expect(Self::check_address(data, len));
        // SAFETY: the address and the length were checked; what they reach, the caller promises.
        unsafe { Self::over_address(base, len, normalize(alloc), domain, access, owner) }
    }

    /// How many elements `len_bytes` bytes hold.
    #[track_caller]
    fn whole_elements(len_bytes: usize) -> usize {
        let size = size_of::<T>().max(1);
        assert!(
            len_bytes.is_multiple_of(size),
            "{len_bytes} bytes are no whole number of {size}-byte elements; pass the length in bytes"
        );
        len_bytes / size
    }

    /// Checks an address for `len` elements as far as it can be checked.
    pub(crate) fn check_address(data: *const T, len: usize) -> Result<NonNull<T>, TensorError> {
        let base = NonNull::new(data.cast_mut()).ok_or(TensorAllocatorError::NullPointer)?;
        check_aligned(base)?;
        Layout::array::<T>(len).map_err(TensorAllocatorError::from)?;
        Ok(base)
    }

    /// The one place where an address becomes a storage of `len` elements. `access` is what
    /// may be done where the domain is reached, by the host or by a device.
    ///
    /// # Safety
    ///
    /// `check_address` gave `base` for `len`. As long as `owner` lives, what `from_borrowed`
    /// asks for, or `from_borrowed_readonly` if `access` is `ReadOnly`.
    #[cfg_attr(feature = "diagnose", track_caller)]
    pub(crate) unsafe fn over_address(
        base: NonNull<T>,
        len: usize,
        alloc: Option<AllocHandle>,
        domain: MemoryDomain,
        access: Access,
        owner: Owner,
    ) -> Self {
        let read_only = access != Access::ReadWrite;
        let access = if domain.is_host_accessible() {
            access
        } else {
            Access::NotHost
        };
        // S1, S2: the caller's promise. S4: the elements are not ours to drop.
        Self::adopt(StorageImpl {
            base,
            len,
            access,
            read_only,
            domain,
            entry: Entry::default(),
            alloc,
            owner,
        })
    }
}

impl<T> AsRef<[T]> for TensorStorage<T> {
    /// As [`as_slice`](Self::as_slice): a storage can itself be the owner of another.
    #[track_caller]
    fn as_ref(&self) -> &[T] {
        self.as_slice()
    }
}
