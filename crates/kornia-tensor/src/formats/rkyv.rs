//! Tensors in rkyv archives, which are read in place (feature `rkyv`).
//!
//! The format for new messages between processes: writing is one `memcpy`, and reading is none. An
//! archive that arrived in memory, or a file that was mapped, becomes a read-only [`Tensor`] in
//! O(1) ([`Tensor::from_archive`]); a struct in it is read through its archived form
//! ([`ArchivedTensor::view_as`]).
//!
//! ```
//! use kornia_tensor::Tensor;
//! use rkyv::rancor::Error;
//!
//! #[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
//! struct Frame {
//!     time: f64,
//!     depth: Tensor<f32, 2>,
//! }
//!
//! let depth = Tensor::from_shape_fn([4, 6], |[y, x]| (y * 6 + x) as f32);
//! let frame = Frame { time: 0.5, depth: depth.slice((1..3, 2..5)) };
//! let bytes = rkyv::to_bytes::<Error>(&frame)?;
//!
//! // In place: checked, not copied.
//! let archived = rkyv::access::<ArchivedFrame, Error>(&bytes)?;
//! let view = archived.depth.view_as::<f32>()?;
//! assert_eq!(view.to_vec(), [8.0, 9.0, 10.0, 14.0, 15.0, 16.0]);
//!
//! // Copied out.
//! let frame: Frame = rkyv::from_bytes::<Frame, Error>(&bytes)?;
//! assert_eq!(frame.depth, view);
//!
//! // In place again, as a tensor that can be kept, cropped and sent: it owns the bytes.
//! let memory = bytes.as_ptr_range();
//! let tensor = Tensor::<f32, 2>::from_archive_with(bytes, |bytes| {
//!     rkyv::access::<ArchivedFrame, Error>(bytes).map(|frame| &frame.depth)
//! })?;
//! assert!(memory.contains(&tensor.as_ptr().cast()));
//! assert_eq!(tensor, frame.depth);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Why rkyv
//!
//! bincode's last README names three successors. *postcard* is served by `serde`, and puts elements
//! wherever they happen to end up, so only bytes could be read in place. *wincode* keeps bincode's
//! layout, with the same consequence, has had six incompatible versions in its first year, and its
//! traits are `unsafe` to implement. *rkyv* aligns elements, has had one version since 2024, keeps
//! the checks apart from the access, and asks for no `unsafe` here but where bytes become numbers.
//! It pays with the most `unsafe` code of its own of the three, some seconds of compile time, and a
//! format that depends on its features.
//!
//! # The archive
//!
//! An [`ArchivedTensor`] has the shape and the elements that were visible, in row-major order,
//! aligned for their type. Byte order and pointer width are those of rkyv's features; by default
//! little-endian, with archives up to 2 GiB. Larger ones, and a `usize` element or length that does
//! not fit, are refused when they are written; zero-sized elements beyond 2^16 when they are copied
//! out.
//!
//! | elements | [`view`](ArchivedTensor::view) | [`view_as`](ArchivedTensor::view_as), [`from_archive`](Tensor::from_archive) | copied out |
//! |---|---|---|---|
//! | `u8`, `i8`, `bool` | as they are | O(1); `bool` is looked through | `memcpy` |
//! | `u16` to `u128`, `i16` to `i128`, `f32`, `f64` | as `u16_le`, .. | O(1) on a machine of that byte order | `memcpy` there |
//! | `usize`, `isize` | as `u32_le`, `i32_le` | with `pointer_width_64` | one by one |
//! | any other `T: Archive` | as `T::Archived` | refused | one by one |
//!
//! Archives from strangers are checked by `rkyv::access` before anything is believed: that pointers
//! stay inside, that elements are values, and that there are as many as the shape says. The check
//! of numbers takes no time that depends on their number. The memory must be aligned for the
//! archive: receive it into an [`AlignedVec`](rkyv::util::AlignedVec), or map it.
//!
//! rkyv's references lead to memory beside what they refer to. Tree Borrows allows that, Stacked
//! Borrows does not: run Miri with `-Zmiri-tree-borrows`. A shared tensor does not depend on it.

mod read;

use rkyv::bytecheck::{CheckBytes, Verify};
use rkyv::munge::munge;
use rkyv::primitive::{ArchivedUsize, FixedIsize, FixedUsize};
use rkyv::rancor::{Fallible, ResultExt, Source};
use rkyv::ser::{Allocator, Writer, WriterExt};
use rkyv::vec::{ArchivedVec, VecResolver};
use rkyv::{Archive, Place, Portable, Serialize};

use crate::engine::element::Plain;
use crate::engine::element::bytes::{Order, as_bytes, for_each_block};
use crate::tensor::view::check_numel;
use crate::{Layout, Tensor, TensorError, TensorView};

/// A tensor in an archive: its shape and its elements in row-major order.
///
/// `rkyv::access` gives a reference to one after it has checked it.
#[derive(Portable, CheckBytes)]
#[bytecheck(crate = rkyv::bytecheck, verify)]
#[repr(C)]
pub struct ArchivedTensor<A, const N: usize> {
    /// K1: as many elements as `data` has. `verify` checks it; whoever reads relies on it for
    /// results and not for soundness.
    shape: [ArchivedUsize; N],
    data: ArchivedVec<A>,
}

// SAFETY: K1 is the only invariant of the type, and nothing is unsound without it.
unsafe impl<A, C, const N: usize> Verify<C> for ArchivedTensor<A, N>
where
    C: Fallible + ?Sized,
    C::Error: Source,
{
    fn verify(&self, _: &mut C) -> Result<(), C::Error> {
        // The elements themselves are not looked at: `data` has checked them.
        let checked = Layout::contiguous(self.shape(), size_of::<A>())
            .and_then(|layout| check_numel(&layout, self.numel()));
        checked.into_error()
    }
}

/// Where the elements of a tensor were written.
pub struct TensorResolver(VecResolver);

impl<T: Archive, const N: usize> Archive for TensorView<'_, T, N> {
    type Archived = ArchivedTensor<T::Archived, N>;
    type Resolver = TensorResolver;

    fn resolve(&self, resolver: TensorResolver, out: Place<Self::Archived>) {
        munge!(let ArchivedTensor { shape, data } = out);
        // `serialize` has checked that they fit.
        shape.write(
            self.shape()
                .map(|len| ArchivedUsize::from_native(len as FixedUsize)),
        );
        ArchivedVec::resolve_from_len(self.numel(), resolver.0, data);
    }
}

impl<T: Archive, const N: usize> Archive for Tensor<T, N> {
    type Archived = ArchivedTensor<T::Archived, N>;
    type Resolver = TensorResolver;

    /// # Panics
    ///
    /// Never, because `serialize` comes first and refuses memory that the host cannot read.
    fn resolve(&self, resolver: TensorResolver, out: Place<Self::Archived>) {
        self.view().resolve(resolver, out);
    }
}

impl<T, S, const N: usize> Serialize<S> for TensorView<'_, T, N>
where
    T: Serialize<S>,
    S: Fallible<Error: Source> + Allocator + Writer + ?Sized,
{
    /// O(n); one `memcpy` for contiguous numbers, one a row for long rows.
    ///
    /// # Errors
    ///
    /// Those of the writer; an archive or a number that is too large for rkyv's pointer width;
    /// `OutOfMemory` if elements must be gathered first.
    fn serialize(&self, serializer: &mut S) -> Result<TensorResolver, S::Error> {
        for len in self.shape() {
            FixedUsize::try_from(*len).into_error()?;
        }
        check_width(*self).into_error()?;
        let bytes = self.numel().saturating_mul(size_of::<T::Archived>());
        // With the root behind them, which rkyv panics about if it is out of reach.
        let root = size_of::<ArchivedTensor<T::Archived, N>>();
        let end = serializer.pos().saturating_add(bytes).saturating_add(root);
        FixedIsize::try_from(end).into_error()?;
        if T::COPY_OPTIMIZATION.is_enabled() && Plain::builtin::<T>().is_some() {
            let pos = serializer.align_for::<T::Archived>()?;
            for_each_block(self.source(), Order::NATIVE, |bytes| {
                serializer.write(bytes)
            })
            .into_error()??;
            return Ok(TensorResolver(VecResolver::from_pos(pos)));
        }
        let resolver = match self.try_as_slice() {
            Ok(elements) => ArchivedVec::serialize_from_slice(elements, serializer)?,
            Err(_) => ArchivedVec::serialize_from_iter::<T, _, S>(self.iter(), serializer)?,
        };
        Ok(TensorResolver(resolver))
    }
}

impl<T, S, const N: usize> Serialize<S> for Tensor<T, N>
where
    T: Serialize<S>,
    S: Fallible<Error: Source> + Allocator + Writer + ?Sized,
{
    /// As the view of all elements.
    ///
    /// # Errors
    ///
    /// Those of the view; `NotHostAccessible`.
    fn serialize(&self, serializer: &mut S) -> Result<TensorResolver, S::Error> {
        self.try_view().into_error()?.serialize(serializer)
    }
}

/// `Err` if an element of a type as wide as a pointer does not fit the width of the archive, where
/// rkyv would cut it off.
fn check_width<T, const N: usize>(view: TensorView<'_, T, N>) -> Result<(), TensorError> {
    let fits = |element: &T| {
        let bytes = as_bytes(std::slice::from_ref(element));
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok())?;
        Some(match Plain::builtin::<T>()? {
            Plain::Usize => FixedUsize::try_from(usize::from_ne_bytes(bytes)).is_ok(),
            Plain::Isize => FixedIsize::try_from(isize::from_ne_bytes(bytes)).is_ok(),
            _ => true,
        })
    };
    let pointer_wide = matches!(Plain::builtin::<T>(), Some(Plain::Usize | Plain::Isize));
    if pointer_wide && !view.iter().all(|element| fits(element).unwrap_or(true)) {
        return Err(TensorError::UnsupportedOperation(format!(
            "an element needs more than the archive's {} bytes; use rkyv's `pointer_width_64`",
            size_of::<FixedUsize>()
        )));
    }
    Ok(())
}
