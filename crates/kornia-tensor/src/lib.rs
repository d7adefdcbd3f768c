//! Tensors for computer vision whose copies, crops, reshapes and hand-overs between threads
//! move no pixels.
//!
//! A [`Tensor<T, N>`](Tensor) is a window of reference-counted memory and a layout over it.
//! Cloning it, slicing it, permuting, flipping or reshaping it gives another tensor over the
//! same memory in O(1). Reading is free of checks beyond bounds; writing needs the sole handle,
//! at run time by the reference count and at compile time by the borrow checker.
//!
//! ```
//! use kornia_tensor::Tensor;
//!
//! let mut image = Tensor::<u8, 3>::from_shape_fn([480, 640, 3], |[y, x, c]| (y + x + c) as u8);
//!
//! // A crop, mirrored, RGB to BGR, planes first: four headers, no pixel moved.
//! let crop = image.slice((100..200, 50..350, ..));
//! let planes = crop.flip(1).flip(2).permute_axes([2, 0, 1])?;
//! assert!(planes.shares_memory_with(&image));
//!
//! // It can go to another thread, because it owns its share of the memory.
//! let mean = std::thread::spawn(move || planes.mean_value());
//! assert!(mean.join().unwrap() < Some(256.0));
//!
//! // Shared pixels cannot be written; a copy is made only where it is asked for.
//! assert!(image.try_as_mut_slice().is_err());
//! drop(crop);
//! image.as_mut_slice()[0] = 255;
//! # Ok::<(), kornia_tensor::TensorError>(())
//! ```
//!
//! # Where things are
//!
//! * [`Tensor`]: owns its share of the memory, `'static`, can be sent to threads.
//! * [`TensorView`], [`TensorViewMut`]: borrowed; verbs cost no atomics.
//! * [`TensorMut`]: owned parts of one allocation, written at the same time.
//! * [`TensorStorage`]: a window of shared memory without a shape.
//! * [`Layout`]: shape and strides, and what can be done to them without any memory.
//! * [`TensorAllocator`], [`MemoryResource`]: memory from elsewhere.
//! * [`Pool`]: blocks for frames that come back instead of being freed.
//! * [`accounting`]: how many storages are alive in the process, and how large they are.
//! * [`TensorWriter`]: fresh memory that becomes a tensor once it is written in full.
//! * [`prelude`]: what most files name. [`formats`], [`exchange`]: files and messages, memory of
//!   others; `use kornia_tensor::*` hides no crate.
//! * [`guide`]: for those who come from NumPy, OpenCV or ndarray.
//!   [`sharing`]: who holds what in a pipeline, and the traps.
//!
//! The verbs (`slice`, `select`, `narrow`, `permute_axes`, `transpose`, `flip`, `reshape`,
//! `flatten`, `insert_axis`, `remove_axis`, `split_at`, `chunks`, `tiles`) have one name and one
//! meaning on all three types: on a tensor they give tensors, on a view views. Those that a
//! programmer can get wrong [panic](#what-panics-and-what-returns-an-error). On a tensor there is
//! also a form that gives it up and keeps a sole handle sole, by the rule `reshape` and
//! [`into_reshaped`](Tensor::into_reshaped).
//!
//! # Words
//!
//! * **Row-major order**: the last index changes fastest. Iterators, copies and files follow it,
//!   whatever the strides.
//! * **Contiguous**: the elements lie in memory in row-major order without gaps, so they are a
//!   slice. 0.2.0 called that *standard layout* ([`is_standard_layout`](Tensor::is_standard_layout)).
//! * **Strided**: not contiguous; a crop, a flipped or a permuted tensor.
//! * **Shared**: another handle to the same memory exists; **unique** or **sole**: none does.
//! * **Window**: the part of an allocation that a handle reaches. **Part**: one of the pieces that a
//!   tensor was cut into.
//!
//! # What panics and what returns an error
//!
//! **A mistake of the program panics, a fact about its data is an error.**
//!
//! * What the program names and can know panics where it is wrong: an axis, an index, a range,
//!   memory that it shares, a layout it turned, more memory than there is. Each such method has a
//!   twin whose name begins with `try_`, takes the same and returns the same text as an error; the
//!   panic blames the line of the call.
//! * What depends on the data returns `Result` and has no panicking form: whether a shape fits a
//!   buffer (`from_shape_vec`), whether two shapes are equal (`zip_with`, `assign`), whether a
//!   layout can be counted by another shape (`reshape`, `flatten`). Such a method reports
//!   everything by its `Result`, running out of memory included.
//! * What was given up comes back where it is refused: [`try_into_vec`](Tensor::try_into_vec),
//!   [`into_reshaped`](Tensor::into_reshaped) and all other `into_`.
//!
//! There are exceptions, some because 0.2.0 has the name:
//!
//! * `permute_axes` returns `Result`, although axes are the program's, and so do
//!   [`deep_clone`](Tensor::deep_clone) and [`compact`](Tensor::compact), which fail for want of
//!   memory alone.
//! * What calls a closure or makes a `Vec` (`map`, `cast`, `to_vec`) panics for want of memory and
//!   has no twin; the `_into` forms write where there is memory.
//! * What is short for a view and its method (`iter`, `rows`, `fold` and `get` of a tensor, the
//!   slices of a [`TensorMut`], `as_mut_ptr`) panics where the view is refused, and the twin is the
//!   view's: [`try_view`](Tensor::try_view), [`try_view_mut`](Tensor::try_view_mut). The `_mut`
//!   verbs of a mutable view are short for `reborrow()` and a verb.
//! * `[[..]]` panics; its twin is [`get`](Tensor::get).
//!
//! Who wants no panics can let clippy find them:
//!
//! <details><summary>a <code>clippy.toml</code> with every method that has a twin</summary>
//!
#![doc = "```toml"]
#![doc = include_str!("../try-only.toml")]
#![doc = "```"]
//!
//! </details>
//!
//! # Who may write
//!
//! | you want | call | shared | read-only | strided |
//! |---|---|---|---|---|
//! | read, as a slice | [`as_slice`](Tensor::as_slice) | ok | ok | panic |
//! | read, any layout | [`view`](Tensor::view) | ok | ok | ok |
//! | write, never copy | [`as_mut_slice`](Tensor::as_mut_slice), [`view_mut`](Tensor::view_mut) | panic | panic | slice: panic |
//! | the same, checked | [`try_as_mut_slice`](Tensor::try_as_mut_slice), [`try_view_mut`](Tensor::try_view_mut) | `SharedStorage` | `ReadOnlyStorage` | slice: `NotContiguous` |
//! | the same, in a while | [`wait_until_unique`](Tensor::wait_until_unique) first | waits | `ReadOnlyStorage` | ok |
//! | write, copy if needed | [`make_mut`](Tensor::make_mut), [`make_mut_slice`](Tensor::make_mut_slice) | copies | copies | slice: copies |
//! | the `Vec`, never copy | [`into_vec`](Tensor::into_vec), [`try_into_vec`](Tensor::try_into_vec) | panic, `Err(self)` | panic, `Err(self)` | panic, `Err(self)` |
//! | own copy, fresh and unique | [`deep_clone`](Tensor::deep_clone) | copies | copies | copies |
//! | row-major order in memory | [`contiguous`](Tensor::contiguous) | moves | moves | copies |
//! | to keep no more than what shows | [`compact`](Tensor::compact) | as needed | as needed | as needed |
//!
//! # Threads
//!
//! | type | `Send` if | `Sync` if | because |
//! |---|---|---|---|
//! | [`Tensor`], [`TensorStorage`] | `T: Send + Sync` | `T: Send + Sync` | handles on several threads read the same elements, and the last one drops them; a `&Tensor` can be cloned into a handle |
//! | [`TensorView`] | `T: Sync` | `T: Sync` | it is a `&[T]` |
//! | [`TensorViewMut`] | `T: Send` | `T: Sync` | it is a `&mut [T]` |
//! | [`TensorMut`] | `T: Send` | `T: Sync` | nothing else reaches its elements |
//!
//! # Variance
//!
//! What is read or dropped by whoever comes last is covariant in the element, as `Arc<[T]>` is:
//! a `&'static str` in it may be taken for a `&'a str`. What can write while something else
//! still sees the memory is invariant, as `&mut [T]` is.
//!
//! | type | in `T` | because |
//! |---|---|---|
//! | [`Tensor`], [`TensorStorage`], [`TensorParts`] | covariant | written by the sole handle only, so no other one can see or drop what it wrote |
//! | [`TensorWriter`] | covariant | nothing else reaches its memory |
//! | [`TensorMut`] | invariant | other parts live while it writes, and the last of them drops all elements |
//! | [`TensorView`], [`Iter`], [`IndexedIter`], [`Rows`] | covariant, and in `'a` | they read |
//! | [`TensorViewMut`], [`IterMut`], [`RowsMut`] | invariant, covariant in `'a` | what is written through them stays when they are gone |
//! | [`OwnerRefused`], readers and writers of files | as what they hold does | it is a field of theirs |
//! | `ArchivedTensor` | invariant | so are the vectors of rkyv |
//! | [`StorageMap`] | covariant in `'a` | it holds numbers |
//!
//! # Computing
//!
//! [`map`](TensorView::map), [`zip_with`](TensorView::zip_with), their `_into` forms,
//! [`apply`](TensorViewMut::apply), `==`, sums and extremes make one pass over the memory whatever
//! the strides, and so do copies. Their loops are compiled for several instruction sets and chosen
//! at run time, so there is nothing to set when building; results are the same on all of them.
//!
//! Closures are called once per element, in the order that suits the memory. Numbers and `bool`s
//! that do not lie side by side reach them in a small buffer, a copy, where that is faster: only
//! the address of the element tells.
//! [`normalize_to_chw`](TensorView::normalize_to_chw) is the step before a neural network under
//! a name of its own.
//!
//! Blocks of 4 MiB and more ask Linux for large pages before they are touched, which makes fresh
//! results several times cheaper.
//!
//! # Several threads
//!
//! Large copies and fills, [`cast`](TensorView::cast), `==`, sums, extremes and
//! [`normalize_to_chw`](TensorView::normalize_to_chw) use the threads of rayon's global pool
//! (feature `rayon`, on by default), from 2 MiB on that are read and written together, and one more
//! thread for each further MiB, up to eight. Closures may be `FnMut`, which has to stay in one
//! thread; [`par_map`](TensorView::par_map), [`par_map_into`](TensorView::par_map_into),
//! [`par_zip_with`](TensorView::par_zip_with), [`par_zip_into`](TensorView::par_zip_into) and
//! [`par_apply`](TensorViewMut::par_apply) take `Fn + Sync` and go to several threads from
//! 512 KiB on. Without the feature they are there too, and stay in the calling thread.
//!
//! * **Small work wakes no thread**, and does not start the pool.
//! * **Nothing parallel is made more so**: on a thread of a rayon pool, and while another of these
//!   operations runs on several threads anywhere in the process, the calling thread works alone.
//! * **Results are the same** on every machine: sums are taken in chunks of one size and added up
//!   in their order, on one thread as on many.
//! * **The pool is not waited for.** The calling thread does its share, and all of it if the pool is
//!   busy, blocked, or cannot be started; only threads that have begun a part are waited for.
//! * **Closures may be called in the middle of another job** of the pool, on a thread that waits in
//!   `join`: they must not wait for a lock that such a job holds.
//! * **A panic** of a closure arrives when no thread is inside it any more. Fresh results are gone
//!   then, and memory of the caller's is written in part.
//!
//! `RAYON_NUM_THREADS=1` keeps it to one thread for a program as a whole, and a pool of one thread
//! around a call (`install`) for a part of it.
//!
//! # Invariants
//!
//! Every `unsafe` block says which promise it rests on. These are the ones of the crate as a whole:
//!
//! * **S1** The base of a storage is aligned, valid for its length, and not derived from a shared
//!   reference if it may be written. **S2** Its elements are initialised if the host can read
//!   them, and their size in bytes fits `isize`. **S3** What may be done with it is asked once.
//!   **S4** Its owner is the only thing that frees it, once. **W1** A window lies within its
//!   storage.
//! * **L1** The product of the axis lengths that are not zero fits `isize`. **L2** So does the
//!   distance from the lowest to the highest element, in elements and in bytes. **L3** Every
//!   element a layout reaches lies in its window. **L4** No two indices of a tensor or a mutable
//!   view share an element. **L5** A verb of [`Layout`] reaches only what its layout reaches.
//! * **T1, T2** A tensor keeps its elements alive, and its layout lies in its window and shares no
//!   element. **V1** What a view reaches may be read and is not written. **M1** What a mutable view
//!   reaches is reached by nothing else.
//!
//! All others stand on the fields of the type that they are about, under its name where there are
//! several ("invariant 2 of `Sink`"), or under a letter: **X1** to **X3** (owned parts), **B1** (builder),
//! **F1** (foreign owner), **H1** (host block), **Q1** to **Q4** (pool), **D2** to **D5** (DLPack),
//! **I1** to **I3** (Arrow), **K1** (archived tensor).
//!
//! # Features
//!
//! `rayon` is on by default. `cuda` is named by manifests of published crates and empty so far. Messages
//! and files have modules named like their features in [`formats`], `dlpack` and `arrow` in
//! [`exchange`].
//!
//! | feature | what |
//! |---|---|
//! | `rayon` | [several threads](#several-threads) for large copies and computations |
//! | `serde` | tensors and views in any format of serde, and what 0.2.0 wrote with it |
//! | `rkyv` | archives that are read in place, for new messages between processes |
//! | `bincode` | bincode 2, for messages of 0.2.0 |
//! | `npy` | arrays of NumPy, `.npy` and `.npz` |
//! | `safetensors` | named tensors in a file, copied or shared with its memory |
//! | `image` | images of the crate `image`, and pictures in files |
//! | `half` | the element types `f16` and `bf16` of the crate `half`, in files |
//! | `bytemuck` | plain elements under another type without a copy: `Tensor::from_bytes_owner`, `Tensor::reinterpret` |
//! | `bytes` | `Bytes` in and out without a copy: `Tensor::into_bytes`; turns `bytemuck` on |
//! | `mmap` | `MappedFile`, files as tensors that touch only what is read, and `MappedFileMut`, which writes to them; turns `bytemuck` on |
//! | `dlpack` | tensors of Python's libraries and of others in and out without a copy: `Tensor::into_dlpack`, `Tensor::from_dlpack` |
//! | `arrow` | arrays of Arrow in and out without a copy, whatever implements it: `Tensor::into_arrow`, `from_arrow` |
//! | `ndarray` | views and arrays of the crate `ndarray` in and out without a copy: `Tensor::from_ndarray`, `try_into_ndarray`, `into()` |
//! | `diagnose` | handles remember where they were made: a refused write names those in the way, `holders` of [`TensorStorage`] lists them; handles are 16 bytes larger, and making or dropping one takes a lock |

#![deny(unsafe_code)]
// docs.rs shows which feature an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(doctest)]
mod compile_fail;
mod engine;
mod error;
pub mod exchange;
pub mod formats;
mod layout;
pub mod prelude;
// Paths of 0.2.0. What is in them is documented at the root, once.
#[doc(hidden)]
#[allow(unsafe_code)]
pub mod storage;
#[doc(hidden)]
#[allow(unsafe_code)]
pub mod tensor;

pub use engine::compute::reduce::Summand;
pub use error::{MemoryDomain, SharedWith, TensorAllocatorError, TensorError};
// 0.2.0's path. The other modules of formats are reached through theirs: here they would hide the
// crates whose names they have.
#[cfg(feature = "dlpack")]
#[doc(hidden)]
pub use exchange::dlpack;
#[cfg(feature = "mmap")]
pub use exchange::mmap::{MappedFile, MappedFileMut};
pub use exchange::views::Pitched;
#[allow(deprecated)] // names of 0.2.0
pub use layout::get_strides_from_shape;
pub use layout::{
    FromEnd, Layout, LayoutChunks, LayoutTiles, SliceIndex, SliceRange, SliceSpec, Step,
    checked_numel, clip_box, step,
};
// What bounds and error messages name and nobody writes.
#[doc(hidden)]
pub use layout::{Nat, Pred, SliceItem, Succ};
#[doc(inline)]
pub use storage::accounting;
// Documented where people meet them, under the short path.
#[doc(inline)]
pub use storage::{
    Access, AlignedAllocator, AllocHandle, CpuAllocator, HostResource, MemoryResource,
    OwnerRefused, Pool, PoolBuilder, PoolStats, StorageId, TensorAllocator, TensorStorage,
    WhenFull, host_alloc,
};
#[allow(deprecated)]
#[doc(inline)]
pub use tensor::CpuTensor2;
#[doc(inline)]
pub use tensor::{
    IndexedIter, Iter, IterMut, Rows, RowsMut, StorageMap, Tensor, Tensor1, Tensor2, Tensor3,
    Tensor4, TensorMut, TensorParts, TensorView, TensorViewMut, TensorWriter,
};

/// 0.2.0's path of the allocators.
#[doc(hidden)]
pub mod allocator {
    #[doc(no_inline)]
    pub use crate::error::TensorAllocatorError;
    #[doc(no_inline)]
    pub use crate::storage::{
        AlignedAllocator, AllocHandle, CpuAllocator, TensorAllocator, host_alloc,
    };
}

/// 0.2.0's path of the memory blocks.
#[doc(hidden)]
pub mod resource {
    #[doc(no_inline)]
    pub use crate::error::MemoryDomain;
    #[doc(no_inline)]
    pub use crate::storage::{HostResource, MemoryResource};
}

/// 0.2.0's path of the view.
#[doc(hidden)]
pub mod view {
    #[doc(no_inline)]
    pub use crate::tensor::TensorView;
}

#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/guide.md")]
pub mod guide {}

#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/sharing.md")]
pub mod sharing {}

/// The examples of these pages run as tests, with the features they are about.
#[cfg(doctest)]
mod pages {
    #[cfg(feature = "rayon")]
    #[doc = include_str!("../README.md")]
    struct Readme;

    #[cfg(all(
        feature = "arrow",
        feature = "bytes",
        feature = "dlpack",
        feature = "mmap",
        feature = "ndarray"
    ))]
    #[doc = include_str!("../docs/memory.md")]
    struct Memory;

    #[cfg(all(
        feature = "image",
        feature = "npy",
        feature = "rkyv",
        feature = "safetensors",
        feature = "serde"
    ))]
    #[doc = include_str!("../docs/files.md")]
    struct Files;
}
