//! How large the types are, which threads they may go to, and how their parameters vary.

use std::cell::Cell;
use std::error::Error;
use std::fmt::Debug;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::MutexGuard;

use kornia_tensor::{
    HostResource, IndexedIter, Iter, IterMut, Layout, OwnerRefused, Rows, RowsMut, StorageMap,
    Tensor, TensorAllocatorError, TensorError, TensorMut, TensorParts, TensorStorage, TensorView,
    TensorViewMut, TensorWriter,
};
use static_assertions::{assert_impl_all, assert_not_impl_any, const_assert, const_assert_eq};

const WORD: usize = size_of::<usize>();
/// What a handle has to remember beside its window.
const HOLDER: usize = if cfg!(feature = "diagnose") {
    2 * WORD
} else {
    0
};

const_assert_eq!(size_of::<TensorStorage<f32>>(), 3 * WORD + HOLDER);
const_assert_eq!(size_of::<Option<TensorStorage<f32>>>(), 3 * WORD + HOLDER);
const_assert_eq!(size_of::<Tensor<f32, 3>>(), 9 * WORD + HOLDER);
const_assert_eq!(
    size_of::<Option<Tensor<f32, 3>>>(),
    size_of::<Tensor<f32, 3>>()
);
const_assert_eq!(
    size_of::<TensorParts<f32, 3>>(),
    size_of::<Tensor<f32, 3>>()
);
const_assert_eq!(size_of::<Layout<3>>(), 6 * WORD);
const_assert_eq!(size_of::<TensorView<'_, f32, 3>>(), 7 * WORD);
const_assert_eq!(size_of::<TensorViewMut<'_, f32, 3>>(), 7 * WORD);
const_assert_eq!(size_of::<Option<TensorView<'_, f32, 3>>>(), 7 * WORD);
const_assert!(size_of::<TensorError>() <= 5 * WORD);
const_assert!(size_of::<Result<(), TensorError>>() <= 5 * WORD);

// The size does not depend on the element.
const_assert_eq!(size_of::<TensorStorage<[u8; 999]>>(), 3 * WORD + HOLDER);
const_assert_eq!(size_of::<TensorStorage<()>>(), 3 * WORD + HOLDER);

/// May go to another thread, may be seen from there.
type Both = u8;
/// May go, may not be seen.
type OnlySend = Cell<u8>;
/// May be seen, may not go.
type OnlySync = MutexGuard<'static, u8>;
/// Neither.
type Neither = Rc<u8>;

assert_impl_all!(Both: Send, Sync);
assert_impl_all!(OnlySend: Send);
assert_not_impl_any!(OnlySend: Sync);
assert_impl_all!(OnlySync: Sync);
assert_not_impl_any!(OnlySync: Send);
assert_not_impl_any!(Neither: Send, Sync);

// A handle of shared memory: its clones read the same elements from several threads, and the
// last of them drops them.
assert_impl_all!(TensorStorage<Both>: Send, Sync);
assert_not_impl_any!(TensorStorage<OnlySend>: Send, Sync);
assert_not_impl_any!(TensorStorage<OnlySync>: Send, Sync);
assert_not_impl_any!(TensorStorage<Neither>: Send, Sync);

assert_impl_all!(Tensor<Both, 3>: Send, Sync);
assert_not_impl_any!(Tensor<OnlySend, 3>: Send, Sync);
assert_not_impl_any!(Tensor<OnlySync, 3>: Send, Sync);
assert_not_impl_any!(Tensor<Neither, 3>: Send, Sync);

assert_impl_all!(TensorParts<Both, 3>: Send, Sync);
assert_not_impl_any!(TensorParts<OnlySend, 3>: Send, Sync);
assert_not_impl_any!(TensorParts<OnlySync, 3>: Send, Sync);
assert_not_impl_any!(TensorParts<Neither, 3>: Send, Sync);

// A `&[T]`.
assert_impl_all!(TensorView<'static, Both, 2>: Send, Sync);
assert_not_impl_any!(TensorView<'static, OnlySend, 2>: Send, Sync);
assert_impl_all!(TensorView<'static, OnlySync, 2>: Send, Sync);
assert_not_impl_any!(TensorView<'static, Neither, 2>: Send, Sync);

// A `&mut [T]`.
assert_impl_all!(TensorViewMut<'static, Both, 2>: Send, Sync);
assert_impl_all!(TensorViewMut<'static, OnlySend, 2>: Send);
assert_not_impl_any!(TensorViewMut<'static, OnlySend, 2>: Sync);
assert_impl_all!(TensorViewMut<'static, OnlySync, 2>: Sync);
assert_not_impl_any!(TensorViewMut<'static, OnlySync, 2>: Send);
assert_not_impl_any!(TensorViewMut<'static, Neither, 2>: Send, Sync);

// The same, owned.
assert_impl_all!(TensorMut<Both, 2>: Send, Sync);
assert_impl_all!(TensorMut<OnlySend, 2>: Send);
assert_not_impl_any!(TensorMut<OnlySend, 2>: Sync);
assert_impl_all!(TensorMut<OnlySync, 2>: Sync);
assert_not_impl_any!(TensorMut<OnlySync, 2>: Send);
assert_not_impl_any!(TensorMut<Neither, 2>: Send, Sync);
assert_not_impl_any!(TensorMut<Both, 2>: Clone);

// Iterators are what they iterate over.
assert_impl_all!(Iter<'static, Both, 2>: Send, Sync);
assert_not_impl_any!(Iter<'static, OnlySend, 2>: Send, Sync);
assert_impl_all!(Iter<'static, OnlySync, 2>: Send, Sync);
assert_not_impl_any!(Iter<'static, Neither, 2>: Send, Sync);
assert_impl_all!(IndexedIter<'static, Both, 2>: Send, Sync);
assert_not_impl_any!(IndexedIter<'static, OnlySend, 2>: Send, Sync);
assert_impl_all!(IndexedIter<'static, OnlySync, 2>: Send, Sync);
assert_not_impl_any!(IndexedIter<'static, Neither, 2>: Send, Sync);
assert_impl_all!(Rows<'static, Both>: Send, Sync);
assert_not_impl_any!(Rows<'static, OnlySend>: Send, Sync);
assert_impl_all!(Rows<'static, OnlySync>: Send, Sync);
assert_not_impl_any!(Rows<'static, Neither>: Send, Sync);
assert_impl_all!(IterMut<'static, Both, 2>: Send, Sync);
assert_impl_all!(IterMut<'static, OnlySend, 2>: Send);
assert_not_impl_any!(IterMut<'static, OnlySend, 2>: Sync);
assert_impl_all!(IterMut<'static, OnlySync, 2>: Sync);
assert_not_impl_any!(IterMut<'static, OnlySync, 2>: Send);
assert_not_impl_any!(IterMut<'static, Neither, 2>: Send, Sync);
assert_impl_all!(RowsMut<'static, Both>: Send, Sync);
assert_impl_all!(RowsMut<'static, OnlySend>: Send);
assert_not_impl_any!(RowsMut<'static, OnlySend>: Sync);
assert_impl_all!(RowsMut<'static, OnlySync>: Sync);
assert_not_impl_any!(RowsMut<'static, OnlySync>: Send);
assert_not_impl_any!(RowsMut<'static, Neither>: Send, Sync);

assert_impl_all!(HostResource: Send, Sync);
assert_impl_all!(TensorError: Error, Send, Sync, Clone, Debug, PartialEq);
assert_impl_all!(TensorAllocatorError: Error, Send, Sync, Clone, Debug, PartialEq);

// A panic leaves no tensor half-changed; what a shared element does is its own business.
assert_impl_all!(Tensor<u8, 3>: UnwindSafe, RefUnwindSafe, Unpin);
assert_impl_all!(TensorStorage<u8>: UnwindSafe, RefUnwindSafe, Unpin);
assert_impl_all!(TensorView<'static, u8, 3>: UnwindSafe, RefUnwindSafe, Unpin, Copy);
assert_impl_all!(TensorError: UnwindSafe, RefUnwindSafe);
assert_not_impl_any!(Tensor<Cell<u8>, 3>: UnwindSafe, RefUnwindSafe);
assert_not_impl_any!(TensorStorage<Cell<u8>>: UnwindSafe, RefUnwindSafe);
assert_not_impl_any!(TensorView<'static, Cell<u8>, 3>: UnwindSafe);
assert_not_impl_any!(TensorViewMut<'static, u8, 3>: UnwindSafe, Clone);

// Handles of what cannot be copied can be copied; what can be written through cannot.
assert_impl_all!(Tensor<Neither, 1>: Clone);
assert_impl_all!(TensorStorage<Box<dyn Debug>>: Clone);
assert_impl_all!(TensorView<'static, Box<dyn Debug>, 1>: Clone, Copy);
assert_not_impl_any!(Tensor<u8, 1>: Copy);
assert_not_impl_any!(IterMut<'static, u8, 1>: Clone);
assert_not_impl_any!(RowsMut<'static, u8>: Clone);

// Writing goes through the door: the parts can only be looked at, and there is no bracket.
assert_impl_all!(Tensor<u8, 1>: std::ops::Deref<Target = TensorParts<u8, 1>>);
assert_not_impl_any!(Tensor<u8, 1>: std::ops::DerefMut, std::ops::IndexMut<[usize; 1]>);
assert_impl_all!(TensorViewMut<'static, u8, 1>: std::ops::IndexMut<[usize; 1]>);
assert_not_impl_any!(TensorView<'static, u8, 1>: std::ops::IndexMut<[usize; 1]>);
assert_not_impl_any!(Tensor<u8, 1>: std::hash::Hash, PartialOrd);

/// `Tensor`, `TensorStorage` and `TensorParts` are covariant in the element.
fn shorten<'short>(
    tensor: Tensor<&'static str, 2>,
    storage: TensorStorage<&'static str>,
    parts: TensorParts<&'static str, 2>,
) -> (
    Tensor<&'short str, 2>,
    TensorStorage<&'short str>,
    TensorParts<&'short str, 2>,
) {
    (tensor, storage, parts)
}

/// `TensorView` is covariant in its lifetime and in the element.
fn shorten_view<'short, 'long: 'short>(
    view: TensorView<'long, &'static str, 2>,
) -> TensorView<'short, &'short str, 2> {
    view
}

/// So are the iterators that read.
#[allow(clippy::type_complexity)]
fn shorten_iterators<'short, 'long: 'short>(
    iter: Iter<'long, &'static str, 2>,
    indexed: IndexedIter<'long, &'static str, 2>,
    rows: Rows<'long, &'static str>,
) -> (
    Iter<'short, &'short str, 2>,
    IndexedIter<'short, &'short str, 2>,
    Rows<'short, &'short str>,
) {
    (iter, indexed, rows)
}

/// So is a tensor in the making, which nothing else reaches, and what holds something else as it
/// is.
#[allow(clippy::type_complexity)]
fn shorten_holders<'short, 'long: 'short>(
    writer: TensorWriter<&'static str, 2>,
    refused: OwnerRefused<&'long str>,
    map: StorageMap<'long>,
) -> (
    TensorWriter<&'short str, 2>,
    OwnerRefused<&'short str>,
    StorageMap<'short>,
) {
    (writer, refused, map)
}

/// What files are read from and written to varies as it does by itself.
#[cfg(all(feature = "npy", feature = "safetensors"))]
#[allow(clippy::type_complexity)]
fn shorten_formats<'short, 'long: 'short>(
    npz: kornia_tensor::formats::npy::NpzReader<&'long [u8]>,
    tensors: kornia_tensor::formats::safetensors::SafeTensorsReader<&'long [u8]>,
    writer: kornia_tensor::formats::safetensors::SafeTensorsWriter<'long>,
) -> (
    kornia_tensor::formats::npy::NpzReader<&'short [u8]>,
    kornia_tensor::formats::safetensors::SafeTensorsReader<&'short [u8]>,
    kornia_tensor::formats::safetensors::SafeTensorsWriter<'short>,
) {
    (npz, tensors, writer)
}

/// `TensorViewMut` is covariant in its lifetime alone; `src/compile_fail.rs` has the rest.
fn shorten_view_mut<'short, 'long: 'short, T>(
    view: TensorViewMut<'long, T, 2>,
) -> TensorViewMut<'short, T, 2> {
    view
}

#[test]
fn parameters_vary_as_those_of_slices_do() {
    let mut t = Tensor::from_shape_vec([1, 2], vec!["a", "b"]).unwrap();
    let parts = t.clone().into_parts();
    let local = String::from("c");
    {
        let (mut short, ..) = shorten(t.clone(), t.storage().clone(), parts);
        short.make_mut()[[0, 1]] = &local;
        assert_eq!(short.as_slice(), ["a", "c"]);
        let pair = [shorten_view(t.view()), short.view()];
        assert_ne!(pair[0], pair[1]);
        let (iter, indexed, rows) = shorten_iterators(t.iter(), t.indexed_iter(), t.rows());
        assert_eq!((iter.len(), indexed.len(), rows.len()), (2, 2, 1));
    }
    let mut writer = Tensor::writer([1, 1]).unwrap();
    writer.push("w");
    let refused = OwnerRefused {
        error: TensorError::CastError,
        owner: "o",
    };
    let (mut writer, ..) = shorten_holders(writer, refused, StorageMap::of(t.storage()));
    assert_eq!(
        writer.try_push(&local).map(drop).unwrap_err().to_string(),
        "2 elements do not fill shape [1, 1], which needs 1; pass exactly as many as the shape has"
    );
    assert_eq!(writer.finish().unwrap().as_slice(), ["w"]);
    #[cfg(all(feature = "npy", feature = "safetensors"))]
    let _ = shorten_formats;
    assert_eq!(shorten_view_mut(t.view_mut()).numel(), 2);
    assert_eq!(t.as_slice(), ["a", "b"]);
}

#[test]
fn a_tensor_can_be_taken_apart_because_it_has_no_drop_of_its_own() {
    let t = Tensor::from_shape_vec([2, 2], vec![1, 2, 3, 4]).unwrap();
    let TensorParts {
        storage,
        shape,
        strides,
    } = t.into_parts();
    assert_eq!(
        (storage.into_vec(), shape, strides),
        (vec![1, 2, 3, 4], [2, 2], [2, 1])
    );
}

#[test]
fn a_tensor_read_before_a_panic_is_read_after_it() {
    let t = Tensor::from_shape_vec([2], vec![1u8, 2]).unwrap();
    let inside = t.clone();
    let result = std::panic::catch_unwind(move || {
        assert_eq!(inside[[0]], 1);
        std::panic::resume_unwind(Box::new("without a message"));
    });
    assert_eq!(
        result.unwrap_err().downcast_ref(),
        Some(&"without a message")
    );
    assert_eq!((t.as_slice(), t.is_unique()), (&[1, 2][..], true));
}
