//! A method that panics says what its `try_` twin returns, and blames the line that called it.

#![allow(deprecated)] // names of 0.2.0 are tested too

mod common;

use std::sync::Arc;

use common::{Ledger, Panic, caught};
use kornia_tensor::{
    FromEnd, MemoryDomain, Tensor, TensorError, TensorStorage, TensorView, TensorViewMut,
    get_strides_from_shape, host_alloc, step,
};

// What is refused, in the words of the error.
const NO_BLOCK: &str = "allocation failed: out of blocks";
const HUGE: &str = "shape [4294967296, 4294967296] with 1-byte elements is larger than memory can \
                    address; use a smaller shape";
const NO_INDEX_3_OF_3: &str = "index 3 is out of bounds for axis 1 with size 3";
const NO_RANGE: &str =
    "range 1..3 is out of bounds for axis 0 with size 2; `clip_box` cuts a box to a shape";
const NO_AXIS_2: &str = "axis 2 is out of bounds for a tensor of rank 2; axes count from 0";
const NO_AXIS_3: &str = "axis 3 is out of bounds for a tensor of rank 2; axes count from 0";
const LONG_AXIS: &str =
    "axis 1 has size 3 and only size 1 can be removed; use `select` to keep one index of it";
const NO_INDEX_3_OF_2: &str = "index 3 is out of bounds for axis 0 with size 2";
const ZERO_ON_AXIS_0: &str =
    "length 0 for a step, chunk, tile or window on axis 0; it must be at least 1";
const ZERO_ON_AXIS_1: &str =
    "length 0 for a step, chunk, tile or window on axis 1; it must be at least 1";
const TURNED: &str = "shape [3, 2] with strides [1, 3] is not in row-major order; use `view()` to \
                      read it, or `contiguous()` to copy it";
const NO_AXIS_5: &str = "axis 5 is out of bounds for a tensor of rank 2; axes count from 0";

#[track_caller]
fn assert_ours(what: &str, panic: &Panic) {
    let ours = panic.file.ends_with("fronts.rs") && !panic.text.is_empty();
    assert!(ours, "{what}: {panic:?}");
}

/// Both are refused, in these words.
#[track_caller]
fn twins<R, S>(
    what: &str,
    text: &str,
    panicking: impl FnOnce() -> R,
    checked: impl FnOnce() -> Result<S, TensorError>,
) {
    let panic = caught(panicking).err().expect(what);
    let error = checked().err().expect(what);
    assert_eq!(panic.text, text, "{what}");
    assert_eq!(error.to_string(), text, "{what}, checked");
    assert_ours(what, &panic);
}

/// Panics with a text that contains `text`.
#[track_caller]
fn says<R>(what: &str, text: &str, panicking: impl FnOnce() -> R) {
    let panic = caught(panicking).err().expect(what);
    assert!(panic.text.contains(text), "{what}: {panic:?}");
    assert_ours(what, &panic);
}

fn matrix() -> Tensor<u8, 2> {
    Tensor::from_shape_vec([2, 3], vec![0, 1, 2, 3, 4, 5]).unwrap()
}

#[test]
fn a_panic_names_the_line_of_the_call() {
    let t = matrix();
    let (line, panic) = (line!(), caught(|| t.select(2, 0)).unwrap_err());
    assert_eq!((panic.line, &panic.file[..]), (line, file!()));
}

#[test]
#[allow(clippy::reversed_empty_ranges)] // that is what is refused
fn verbs_of_a_tensor() {
    let t = matrix();
    twins(
        "index",
        "index 2 is out of bounds for axis 0 with size 2",
        || t.slice((2, ..)),
        || t.try_slice((2, ..)),
    );
    twins(
        "range",
        "range 1..4 is out of bounds for axis 1 with size 3; `clip_box` cuts a box to a shape",
        || t.slice((.., 1..4)),
        || t.try_slice((.., 1..4)),
    );
    twins(
        "array",
        "range 0..3 is out of bounds for axis 0 with size 2; `clip_box` cuts a box to a shape",
        || t.slice([0..3, 0..1]),
        || t.try_slice([0..3, 0..1]),
    );
    twins(
        "reversed",
        "range 2..1 on axis 1 with size 3 ends before it starts; use `flip` to reverse an axis",
        || t.slice((.., 2..1)),
        || t.try_slice((.., 2..1)),
    );
    twins(
        "negative",
        "index -1 on axis 0 is negative; use `FromEnd` to count from the end",
        || t.slice((-1, ..)),
        || t.try_slice((-1, ..)),
    );
    twins(
        "from end",
        NO_INDEX_3_OF_2,
        || t.slice((FromEnd(3), ..)),
        || t.try_slice((FromEnd(3), ..)),
    );
    twins(
        "step 0",
        ZERO_ON_AXIS_0,
        || t.slice((step(.., 0), ..)),
        || t.try_slice((step(.., 0), ..)),
    );
    twins(
        "select axis",
        NO_AXIS_2,
        || t.select(2, 0),
        || t.try_select(2, 0),
    );
    twins(
        "select index",
        NO_INDEX_3_OF_3,
        || t.select(1, 3),
        || t.try_select(1, 3),
    );
    twins(
        "narrow axis",
        NO_AXIS_2,
        || t.narrow(2, ..),
        || t.try_narrow(2, ..),
    );
    twins(
        "narrow range",
        NO_RANGE,
        || t.narrow(0, 1..3),
        || t.try_narrow(0, 1..3),
    );
    twins("flip", NO_AXIS_2, || t.flip(2), || t.try_flip(2));
    twins(
        "insert_axis",
        NO_AXIS_3,
        || t.insert_axis(3),
        || t.try_insert_axis(3),
    );
    twins(
        "remove_axis",
        NO_AXIS_2,
        || t.remove_axis(2),
        || t.try_remove_axis(2),
    );
    twins(
        "remove long",
        LONG_AXIS,
        || t.remove_axis(1),
        || t.try_remove_axis(1),
    );
    twins(
        "split_at axis",
        NO_AXIS_2,
        || t.split_at(2, 0),
        || t.try_split_at(2, 0),
    );
    twins(
        "split_at index",
        NO_INDEX_3_OF_2,
        || t.split_at(0, 3),
        || t.try_split_at(0, 3),
    );
    twins(
        "chunks",
        ZERO_ON_AXIS_0,
        || t.chunks(0, 0).len(),
        || t.try_chunks(0, 0).map(drop),
    );
    twins(
        "chunks axis",
        NO_AXIS_5,
        || t.chunks(5, 1).len(),
        || t.try_chunks(5, 1).map(drop),
    );
    twins(
        "tiles",
        ZERO_ON_AXIS_1,
        || t.tiles([1, 0]).len(),
        || t.try_tiles([1, 0]).map(drop),
    );
    twins(
        "axis_iter",
        NO_AXIS_2,
        || t.axis_iter(2).len(),
        || t.try_axis_iter(2).map(drop),
    );
}

#[test]
fn verbs_of_a_view() {
    let t = matrix();
    let v = t.view();
    twins(
        "slice",
        "index 2 is out of bounds for axis 0 with size 2",
        || v.slice((2, ..)),
        || v.try_slice((2, ..)),
    );
    twins(
        "select",
        NO_INDEX_3_OF_3,
        || v.select(1, 3),
        || v.try_select(1, 3),
    );
    twins(
        "narrow",
        NO_RANGE,
        || v.narrow(0, 1..3),
        || v.try_narrow(0, 1..3),
    );
    twins("flip", NO_AXIS_2, || v.flip(2), || v.try_flip(2));
    twins(
        "insert_axis",
        NO_AXIS_3,
        || v.insert_axis(3),
        || v.try_insert_axis(3),
    );
    twins(
        "remove_axis",
        LONG_AXIS,
        || v.remove_axis(1),
        || v.try_remove_axis(1),
    );
    twins(
        "split_at",
        NO_INDEX_3_OF_2,
        || v.split_at(0, 3),
        || v.try_split_at(0, 3),
    );
    twins(
        "chunks",
        ZERO_ON_AXIS_0,
        || v.chunks(0, 0).len(),
        || v.try_chunks(0, 0).map(drop),
    );
    twins(
        "tiles",
        ZERO_ON_AXIS_1,
        || v.tiles([1, 0]).len(),
        || v.try_tiles([1, 0]).map(drop),
    );
    twins(
        "windows",
        "window of 4 is longer than axis 1 with size 3; use a shorter one",
        || v.windows(1, 4),
        || v.try_windows(1, 4),
    );
    twins(
        "windows of 0",
        ZERO_ON_AXIS_1,
        || v.windows(1, 0),
        || v.try_windows(1, 0),
    );
    twins(
        "axis_iter",
        NO_AXIS_2,
        || v.axis_iter(2).len(),
        || v.try_axis_iter(2).map(drop),
    );
    let turned = v.transpose();
    twins(
        "as_slice",
        TURNED,
        || turned.as_slice(),
        || turned.try_as_slice(),
    );
    twins("rows", TURNED, || turned.rows(), || turned.try_rows());
}

/// As `twins`, on a fresh mutable view for each.
#[track_caller]
fn twins_mut<R, S>(
    what: &str,
    text: &str,
    panicking: impl FnOnce(TensorViewMut<'_, u8, 2>) -> R,
    checked: impl FnOnce(TensorViewMut<'_, u8, 2>) -> Result<S, TensorError>,
) {
    let (mut a, mut b) = (matrix(), matrix());
    twins(
        what,
        text,
        || panicking(a.view_mut()),
        || checked(b.view_mut()),
    );
}

#[test]
fn verbs_of_a_mutable_view() {
    twins_mut(
        "slice",
        "index 2 is out of bounds for axis 0 with size 2",
        |v| drop_view(v.slice((2, ..))),
        |v| v.try_slice((2, ..)).map(drop_view),
    );
    twins_mut(
        "select",
        NO_INDEX_3_OF_3,
        |v| drop_view(v.select(1, 3)),
        |v| v.try_select(1, 3).map(drop_view),
    );
    twins_mut(
        "narrow",
        NO_RANGE,
        |v| v.narrow(0, 1..3).numel(),
        |v| v.try_narrow(0, 1..3).map(|_| ()),
    );
    twins_mut(
        "flip",
        NO_AXIS_2,
        |v| v.flip(2).numel(),
        |v| v.try_flip(2).map(|_| ()),
    );
    twins_mut(
        "insert_axis",
        NO_AXIS_3,
        |v| v.insert_axis(3).numel(),
        |v| v.try_insert_axis(3).map(|_| ()),
    );
    twins_mut(
        "remove_axis",
        LONG_AXIS,
        |v| v.remove_axis(1).numel(),
        |v| v.try_remove_axis(1).map(|_| ()),
    );
    twins_mut(
        "split_at",
        NO_INDEX_3_OF_2,
        |v| v.split_at(0, 3).0.numel(),
        |v| v.try_split_at(0, 3).map(|_| ()),
    );
    twins_mut(
        "chunks",
        ZERO_ON_AXIS_0,
        |v| v.chunks(0, 0).len(),
        |v| v.try_chunks(0, 0).map(|_| ()),
    );
    twins_mut(
        "tiles",
        ZERO_ON_AXIS_1,
        |v| v.tiles([1, 0]).len(),
        |v| v.try_tiles([1, 0]).map(|_| ()),
    );
    twins_mut(
        "axis_iter",
        NO_AXIS_2,
        |v| v.axis_iter(2).len(),
        |v| v.try_axis_iter(2).map(|_| ()),
    );
    twins_mut(
        "split_at_mut",
        NO_INDEX_3_OF_2,
        |mut v| v.split_at_mut(0, 3).0.numel(),
        |v| v.try_split_at(0, 3).map(|_| ()),
    );
    twins_mut(
        "axis_chunks_mut",
        ZERO_ON_AXIS_0,
        |mut v| v.axis_chunks_mut(0, 0).len(),
        |v| v.try_chunks(0, 0).map(|_| ()),
    );
    twins_mut(
        "axis_iter_mut",
        NO_AXIS_2,
        |mut v| v.axis_iter_mut(2).len(),
        |v| v.try_axis_iter(2).map(|_| ()),
    );
    twins_mut(
        "as_mut_slice",
        TURNED,
        |v| v.transpose().as_mut_slice().len(),
        |v| v.transpose().try_as_mut_slice().map(|s| s.len()),
    );
    twins_mut(
        "into_mut_slice",
        TURNED,
        |v| v.transpose().into_mut_slice().len(),
        |v| v.transpose().try_into_mut_slice().map(|s| s.len()),
    );
    twins_mut(
        "as_slice",
        TURNED,
        |v| v.transpose().as_slice().len(),
        |v| v.transpose().try_into_mut_slice().map(|s| s.len()),
    );
    twins_mut(
        "rows_mut",
        TURNED,
        |v| v.transpose().rows_mut().len(),
        |v| v.transpose().try_rows_mut().map(|rows| rows.len()),
    );
}

/// A view of any rank, used up.
fn drop_view<const M: usize>(view: TensorViewMut<'_, u8, M>) -> usize {
    view.numel()
}

#[test]
fn brackets() {
    let mut t = matrix();
    let text = "index 3 is out of bounds for axis 1 with size 3";
    says("tensor", text, || t[[1, 3]]);
    says("view", text, || t.view()[[1, 3]]);
    says(
        "both axes",
        "index 2 is out of bounds for axis 0 with size 2",
        || t[[2, 3]],
    );
    says("view_mut", text, || t.view_mut()[[1, 3]]);
    says("view_mut, written", text, || t.view_mut()[[1, 3]] = 1);
    says("huge", "is out of bounds", || t[[usize::MAX, usize::MAX]]);
    assert_eq!(t.get([1, 3]), None);
    assert_eq!(t.view_mut().get_mut([2, 0]), None);
}

#[test]
fn makers_whose_shape_is_too_large() {
    let huge = [1usize << 32, 1 << 32];
    let host = host_alloc;
    twins(
        "zeros",
        HUGE,
        || Tensor::<u8, 2>::zeros(huge),
        || Tensor::<u8, 2>::try_zeros(huge),
    );
    twins(
        "zeros_in",
        HUGE,
        || Tensor::<u8, 2>::zeros_in(huge, host()),
        || Tensor::<u8, 2>::try_zeros_in(huge, host()),
    );
    twins(
        "full",
        HUGE,
        || Tensor::full(huge, 1u8),
        || Tensor::try_full(huge, 1u8),
    );
    twins(
        "full_in",
        HUGE,
        || Tensor::full_in(huge, 1u8, host()),
        || Tensor::try_full_in(huge, 1u8, host()),
    );
    says("from_shape_val", HUGE, || Tensor::from_shape_val(huge, 1u8));
    says("from_shape_val_in", HUGE, || {
        Tensor::from_shape_val_in(huge, 1u8, host())
    });
    let never = |_: [usize; 2]| -> u8 { unreachable!("called for a shape that cannot be") };
    twins(
        "from_shape_fn",
        HUGE,
        || Tensor::from_shape_fn(huge, never),
        || Tensor::try_from_shape_fn(huge, never),
    );
    twins(
        "from_shape_fn_in",
        HUGE,
        || Tensor::from_shape_fn_in(huge, host(), never),
        || Tensor::try_from_shape_fn_in(huge, host(), never),
    );
    says("get_strides_from_shape", HUGE, || {
        get_strides_from_shape(huge)
    });
    // A broadcast view can have more elements than there is memory for.
    let one = Tensor::<u64, 1>::zeros([1]);
    let wide = one.view().broadcast_to([1 << 60]).unwrap();
    twins(
        "to_tensor",
        "shape [1152921504606846976] with 8-byte elements is larger than memory can address; use a smaller shape",
        || wide.to_tensor(),
        || wide.try_to_tensor(),
    );
    says("to_vec", "larger than memory", || wide.to_vec());
    says("map", "larger than memory", || wide.map(|&x| x));
}

#[test]
fn makers_whose_allocator_refuses() {
    let none = || Ledger::new().allocator_for(0);
    twins(
        "zeros_in",
        NO_BLOCK,
        || Tensor::<u8, 1>::zeros_in([4], none()),
        || Tensor::<u8, 1>::try_zeros_in([4], none()),
    );
    twins(
        "full_in",
        NO_BLOCK,
        || Tensor::<u8, 1>::full_in([4], 1, none()),
        || Tensor::<u8, 1>::try_full_in([4], 1, none()),
    );
    twins(
        "from_shape_fn_in",
        NO_BLOCK,
        || Tensor::<u8, 1>::from_shape_fn_in([4], none(), |_| 1),
        || Tensor::<u8, 1>::try_from_shape_fn_in([4], none(), |_| 1),
    );
}

/// A tensor whose memory the host cannot reach.
fn on_device() -> Tensor<u8, 2> {
    let memory = Arc::new([0u8; 6]);
    let domain = MemoryDomain::Device { id: 1 };
    // SAFETY: the host never reads memory of a device; the address outlives the tensor.
    unsafe { Tensor::from_borrowed([2, 3], memory.as_ptr(), 6, domain, memory.clone()) }.unwrap()
}

#[test]
fn reads_and_writes_of_device_memory() {
    let (mut t, host) = (on_device(), matrix());
    let reason = "memory in Device { id: 1 } cannot be reached from the host";
    says("as_slice", reason, || t.as_slice().len());
    says("view", reason, || t.view().numel());
    says("index", reason, || t[[0, 0]]);
    says("get", reason, || t.get([0, 0]).copied());
    says("iter", reason, || t.iter().count());
    says("for", reason, || (&t).into_iter().count());
    says("indexed_iter", reason, || t.indexed_iter().count());
    says("rows", reason, || t.rows().count());
    says("map", reason, || t.map(|&x| x));
    says("fold", reason, || t.fold(0, |n, _| n + 1));
    says("cast", reason, || t.cast::<u32>());
    says("zip_with", reason, || {
        t.zip_with(&host, |a, b| a + b).is_ok()
    });
    says("zip_with, other", reason, || {
        host.zip_with(&t, |a, b| a + b).is_ok()
    });
    says("element_wise_op", reason, || {
        t.element_wise_op(&host, |a, b| a + b).is_ok()
    });
    says("==", reason, || t == host);
    says("== the other way", reason, || host == t);
    says("== of a view", reason, || host.view() == t);
    says("From", reason, || TensorView::from(&t).numel());
    says("storage", reason, || t.storage().as_slice().len());
    says("as_mut_slice", reason, || t.as_mut_slice().len());
    says("view_mut", reason, || t.view_mut().numel());
    says("make_mut", reason, || t.make_mut().numel());
    says("make_mut_slice", reason, || t.make_mut_slice().len());
    says("contiguous", reason, || t.transpose().contiguous());
    let mut storage = t.into_parts().storage;
    says("storage.as_mut_slice", reason, || {
        storage.as_mut_slice().len()
    });
}

#[test]
fn makers_from_addresses() {
    let words = Arc::new([0u32; 4]);
    let alloc = host_alloc;
    let host = MemoryDomain::Host;
    let null = std::ptr::null::<u32>();
    let odd = words.as_ptr().wrapping_byte_add(1);
    // SAFETY: refused before the memory is touched.
    says("null", "null pointer", || unsafe {
        TensorStorage::from_raw_parts(null, 16, alloc())
    });
    // SAFETY: as above.
    says("misaligned", "not a multiple of 4", || unsafe {
        TensorStorage::from_raw_parts(odd, 8, alloc())
    });
    // SAFETY: as above.
    says("half an element", "15 bytes", || unsafe {
        TensorStorage::from_raw_parts(words.as_ptr(), 15, alloc())
    });
    // SAFETY: as above.
    says("borrowed null", "null pointer", || unsafe {
        TensorStorage::from_borrowed(null, 16, alloc(), host, words.clone())
    });
    // SAFETY: as above.
    says("borrowed half", "14 bytes", || unsafe {
        TensorStorage::from_borrowed(words.as_ptr(), 14, alloc(), host, words.clone())
    });
    // SAFETY: as above.
    says("read-only misaligned", "not a multiple of 4", || unsafe {
        TensorStorage::from_borrowed_readonly(odd, 8, alloc(), host, words.clone())
    });
}
