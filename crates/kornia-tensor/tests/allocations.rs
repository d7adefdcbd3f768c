//! What costs an allocation, and how memory is given back: counted by the global allocator.
//!
//! The allocator keeps the layout of every block beside it and compares it when the block
//! comes back. Not for Miri, which checks that by itself, nor with the feature `diagnose`, where
//! every handle has an entry in a register.
#![cfg(not(any(miri, feature = "diagnose")))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;

use kornia_tensor::{
    AlignedAllocator, FromEnd, HostResource, Tensor, TensorParts, TensorStorage, TensorView,
    host_alloc, step,
};

/// Hands every request to the system, with a header in front of the block.
struct Ledger;

#[global_allocator]
static LEDGER: Ledger = Ledger;

/// What a stretch of code cost on its thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Spent {
    /// Blocks with unspecified contents.
    plain: usize,
    /// Blocks that were asked for as zeros.
    zeroed: usize,
    moved: usize,
    freed: usize,
    /// Blocks given back with another layout than they were asked for.
    wrong: usize,
    /// Size of the largest block asked for.
    largest: usize,
}

thread_local! {
    static SPENT: Cell<Spent> = const { Cell::new(Spent {
        plain: 0, zeroed: 0, moved: 0, freed: 0, wrong: 0, largest: 0,
    }) };
}

fn note(update: impl FnOnce(&mut Spent)) {
    // Fails only while a thread is being torn down; nothing is counted there.
    let _ = SPENT.try_with(|spent| {
        let mut now = spent.get();
        update(&mut now);
        spent.set(now);
    });
}

/// Size and alignment as they were asked for, right in front of the block.
type Header = [usize; 2];

/// The layout of a block with its header, and where in it the block begins.
fn with_header(layout: Layout) -> Option<(Layout, usize)> {
    let block = layout.align_to(align_of::<Header>()).ok()?;
    Layout::new::<Header>().extend(block).ok()
}

/// `alloc` or `alloc_zeroed`.
type Request = unsafe fn(&System, Layout) -> *mut u8;

impl Ledger {
    /// # Safety
    ///
    /// `request` is `alloc` or `alloc_zeroed` of the system.
    unsafe fn obtain(&self, layout: Layout, request: Request) -> *mut u8 {
        note(|spent| spent.largest = spent.largest.max(layout.size()));
        let Some((whole, offset)) = with_header(layout) else {
            return std::ptr::null_mut();
        };
        // SAFETY: a header makes the size larger than 0.
        let start = unsafe { request(&System, whole) };
        if start.is_null() {
            return start;
        }
        // SAFETY: `offset` is inside the block that was just obtained.
        let block = unsafe { start.add(offset) };
        // SAFETY: the header ends where the block begins, at or after `start`, and the block is
        // ours. Both `offset` and the size of a header are multiples of its alignment.
        let header = unsafe { block.cast::<Header>().sub(1) };
        // SAFETY: as above.
        unsafe { header.write([layout.size(), layout.align()]) };
        block
    }
}

// SAFETY: blocks come from the system with room for the header in front; they go back with the
// layout they were obtained with, whatever the caller says.
unsafe impl GlobalAlloc for Ledger {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(|spent| spent.plain += 1);
        // SAFETY: a request to the system.
        unsafe { self.obtain(layout, GlobalAlloc::alloc) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(|spent| spent.zeroed += 1);
        // SAFETY: a request to the system.
        unsafe { self.obtain(layout, GlobalAlloc::alloc_zeroed) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: every block has a header in front.
        let header = unsafe { block.cast::<Header>().sub(1) };
        // SAFETY: as above.
        let [size, align] = unsafe { header.read() };
        let right = size == layout.size() && align == layout.align();
        note(|spent| {
            spent.freed += 1;
            spent.wrong += usize::from(!right);
        });
        let asked = Layout::from_size_align(size, align).unwrap();
        let (whole, offset) = with_header(asked).unwrap();
        // SAFETY: `offset` bytes before the block is where the system's block starts.
        let start = unsafe { block.sub(offset) };
        // SAFETY: obtained from the system with this layout.
        unsafe { System.dealloc(start, whole) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let before = SPENT.try_with(Cell::get);
        let new = Layout::from_size_align(size, layout.align()).unwrap();
        // SAFETY: the caller's promise: `size` is not 0.
        let target = unsafe { self.alloc(new) };
        if !target.is_null() {
            let count = layout.size().min(size);
            // SAFETY: both blocks have `count` bytes and are distinct.
            unsafe { target.copy_from_nonoverlapping(block, count) };
            // SAFETY: the caller's promise.
            unsafe { self.dealloc(block, layout) };
        }
        // One move, not an allocation and a free.
        if let Ok(before) = before {
            note(|spent| {
                (spent.plain, spent.freed) = (before.plain, before.freed);
                spent.moved += 1;
            });
        }
        target
    }
}

/// What `body` cost on this thread, and its result.
fn spent<R>(body: impl FnOnce() -> R) -> (Spent, R) {
    SPENT.set(Spent::default());
    let result = black_box(body());
    (SPENT.get(), result)
}

/// `body` costs nothing, and neither does dropping its result.
#[track_caller]
fn free<R>(what: &str, body: impl FnOnce() -> R) {
    let (cost, ()) = spent(|| drop(black_box(body())));
    assert_eq!(cost, Spent::default(), "{what}");
}

/// `body` allocates its elements and the reference count, and frees nothing.
#[track_caller]
fn two<R>(what: &str, bytes: usize, body: impl FnOnce() -> R) -> R {
    let (cost, result) = spent(body);
    let expected = Spent {
        plain: 2,
        largest: bytes,
        ..Spent::default()
    };
    assert_eq!(cost, expected, "{what}");
    result
}

/// 8 x 6 x 4, elements numbered in row-major order.
fn image() -> Tensor<u16, 3> {
    Tensor::from_shape_vec([8, 6, 4], (0..192).collect()).unwrap()
}

#[test]
fn the_ledger_sees_what_happens() {
    let (cost, _) = spent(|| Vec::<u8>::with_capacity(100));
    assert_eq!((cost.plain, cost.freed, cost.largest), (1, 0, 100));
    let (cost, _) = spent(|| vec![0u8; 100]);
    assert_eq!((cost.plain, cost.zeroed), (0, 1));
    let mut v = vec![1u8; 10];
    let (cost, ()) = spent(|| v.reserve_exact(1000));
    assert_eq!((cost.plain, cost.moved, cost.freed), (0, 1, 0));
    let (cost, ()) = spent(|| drop(v));
    assert_eq!((cost.freed, cost.wrong), (1, 0));

    let right = Layout::from_size_align(24, 8).unwrap();
    let off_by_size = Layout::from_size_align(16, 8).unwrap();
    let off_by_align = Layout::from_size_align(24, 1).unwrap();
    for (given, wrong) in [(right, 0), (off_by_size, 1), (off_by_align, 1)] {
        // SAFETY: the size is not 0.
        let block = unsafe { LEDGER.alloc(right) };
        // SAFETY: this allocator goes by its own header, and counts the lie.
        let (cost, ()) = spent(|| unsafe { LEDGER.dealloc(block, given) });
        assert_eq!((cost.freed, cost.wrong), (1, wrong), "{given:?}");
    }
}

#[test]
fn verbs_of_a_tensor_allocate_nothing() {
    let t = image();
    free("clone", || t.clone());
    free("slice", || t.slice((1..3, step(.., 2), 2)));
    free("slice by an array", || t.slice([1..3, 0..6, 0..4]));
    free("slice from the end", || t.slice((FromEnd(1), .., ..)));
    free("select", || t.select(1, 5));
    free("narrow", || t.narrow(2, 1..3));
    free("permute_axes", || t.permute_axes([2, 0, 1]));
    free("transpose", || t.transpose());
    free("flip", || t.flip(1));
    free("reshape", || t.reshape([12, 4, 2, 2]));
    free("flatten", || t.flatten());
    free("insert_axis", || t.insert_axis(1));
    free("remove_axis", || t.insert_axis(1).remove_axis(1));
    free("split_at", || t.split_at(0, 3));
    free("chunks", || {
        t.chunks(0, 3).map(|c| c.numel()).sum::<usize>()
    });
    free("tiles", || t.tiles([3, 3, 4]).count());
    free("axis_iter", || t.axis_iter(2).next_back());
    free("try_ twins", || {
        (t.try_slice((1, 1, ..)), t.try_flip(0), t.try_split_at(1, 2))
    });
    free("a chain", || {
        t.slice((1..7, .., ..))
            .flip(0)
            .transpose()
            .slice((0, .., ..))
    });
}

#[test]
fn verbs_that_give_up_the_tensor_allocate_nothing() {
    let t = image();
    free("into_sliced", || t.clone().into_sliced((1..3, .., 2)));
    free("into_selected", || t.clone().into_selected(1, 5));
    free("into_narrowed", || t.clone().into_narrowed(2, 1..3));
    free("into_permuted", || t.clone().into_permuted([2, 0, 1]));
    free("into_transposed", || t.clone().into_transposed());
    free("into_flipped", || t.clone().into_flipped(1));
    free("into_reshaped", || t.clone().into_reshaped([12, 4, 2, 2]));
    free("into_flattened", || t.clone().into_flattened());
    free("into_inserted_axis", || t.clone().into_inserted_axis(1));
    free("try_into_flipped", || {
        t.clone().try_into_flipped(3).is_err()
    });
}

#[test]
fn views_and_their_verbs_allocate_nothing() {
    let mut t = image();
    free("view", || t.view().numel());
    free("slice", || t.view().slice((1..3, .., 2)).numel());
    free("select", || t.view().select(1, 5).numel());
    free("narrow", || t.view().narrow(2, 1..3).numel());
    free("permute_axes", || t.view().permute_axes([2, 0, 1]).is_ok());
    free("flip", || t.view().flip(0).transpose().numel());
    free("reshape", || t.view().reshape([192]).is_ok());
    free("split_at", || t.view().split_at(0, 3).1.numel());
    free("broadcast_to", || {
        t.view().broadcast_to([5, 8, 6, 4]).is_ok()
    });
    free("windows", || t.view().windows(0, 3).numel());
    free("tiles", || t.view().tiles([3, 3, 3]).count());
    free("from_slice", || {
        TensorView::from_slice([2, 2], &[1, 2, 3, 4]).is_ok()
    });

    free("view_mut", || t.view_mut().numel());
    free("verbs of view_mut", || {
        t.view_mut()
            .slice((1..3, .., ..))
            .flip(1)
            .transpose()
            .numel()
    });
    free("split_at_mut", || t.view_mut().split_at_mut(1, 2).0.numel());
    free("axis_chunks_mut", || {
        t.view_mut().axis_chunks_mut(1, 2).count()
    });
}

#[test]
fn reading_and_writing_in_place_allocate_nothing() {
    let mut t = image();
    let other = image();
    let turned = t.transpose();
    free("get", || t.get([1, 2, 3]).copied());
    free("index", || t[[1, 2, 3]]);
    free("as_slice", || t.as_slice().len());
    free("iter", || t.iter().map(|&x| u32::from(x)).sum::<u32>());
    free("strided iter", || {
        turned.iter().map(|&x| u32::from(x)).sum::<u32>()
    });
    free("indexed_iter", || {
        turned.indexed_iter().map(|(i, _)| i[0]).sum::<usize>()
    });
    free("rows", || t.rows().len());
    free("fold", || turned.fold(0u32, |sum, &x| sum + u32::from(x)));
    free("==", || t == other);
    free("== of strided", || turned == other.transpose());
    drop(turned);
    free("as_mut_slice", || t.as_mut_slice().len());
    free("fill", || t.view_mut().slice((.., 1..2, ..)).fill(7));
    free("assign", || t.view_mut().flip(0).assign(&other).unwrap());
    free("apply", || t.view_mut().apply(|x| *x += 1));
    free("make_mut of the sole handle", || t.make_mut().numel());
    free("make_mut_slice of the sole handle", || {
        t.make_mut_slice().len()
    });
    free("contiguous of what is contiguous", || {
        other.clone().contiguous()
    });
}

#[test]
fn handles_of_a_storage_allocate_nothing() {
    let storage = TensorStorage::from_vec(vec![1u32; 100], host_alloc());
    free("clone", || storage.clone());
    free("view", || storage.view(10, 50));
    free("a view of a view", || {
        storage.view(10, 50).unwrap().view(50, 0)
    });
    free("as_slice", || storage.as_slice().len());
    free("alloc, domain", || {
        (storage.alloc().is_global(), storage.domain())
    });
    free("into_parts, try_from_parts", || {
        let parts = padded_parts(&storage);
        Tensor::try_from_parts(parts.clone()).unwrap().into_parts()
    });
}

/// Parts over a storage of 100.
fn padded_parts(storage: &TensorStorage<u32>) -> TensorParts<u32, 2> {
    TensorParts {
        storage: storage.clone(),
        shape: [9, 10],
        strides: [-10, 1],
    }
}

#[test]
fn adopting_a_vec_allocates_the_reference_count_alone() {
    let elements = vec![7u64; 1000];
    let (cost, t) = spent(|| Tensor::from_shape_vec([10, 100], elements).unwrap());
    assert_eq!((cost.plain, cost.zeroed, cost.moved), (1, 0, 0));
    assert_eq!((cost.freed, cost.wrong), (0, 0));
    assert!(cost.largest <= 128, "{} bytes", cost.largest);
    let (cost, _) = spent(|| t.into_vec());
    assert_eq!(
        (cost.plain, cost.zeroed, cost.freed, cost.wrong),
        (0, 0, 1, 0)
    );
}

/// Into a tensor and back, then freed: what came out is what went in.
fn round_trip<T: Clone + PartialEq + std::fmt::Debug>(value: T, len: usize, capacity: usize) {
    let mut elements = Vec::with_capacity(capacity);
    elements.resize(len, value);
    let (address, expected) = (elements.as_ptr(), elements.clone());
    let t = Tensor::from_shape_vec([len], elements).unwrap();
    assert_eq!(t.as_ptr(), address);
    let back = t.into_vec();
    assert_eq!(back.as_ptr(), address);
    assert_eq!(back.capacity(), capacity.max(len));
    assert_eq!(back, expected);
    let (cost, ()) = spent(|| drop(back));
    assert_eq!(cost.wrong, 0, "{}", std::any::type_name::<T>());
}

#[derive(Clone, Debug, PartialEq)]
#[repr(align(64))]
struct CacheLine([u8; 3]);

#[test]
fn a_vec_comes_back_at_its_address_and_with_its_capacity() {
    for (len, capacity) in [(0, 0), (0, 10), (1, 1), (6, 6), (6, 100)] {
        round_trip(3u8, len, capacity);
        round_trip(3u32, len, capacity);
        round_trip(3u128, len, capacity);
        round_trip([1u8; 3], len, capacity);
        round_trip(CacheLine([1; 3]), len, capacity);
        round_trip("text".to_owned(), len, capacity);
    }
}

#[test]
fn memory_is_freed_with_the_layout_it_was_asked_for() {
    let page = Arc::new(AlignedAllocator::new(4096).unwrap());
    let makers: [(&str, &dyn Fn() -> Tensor<u32, 2>); 9] = [
        ("vec", &|| {
            Tensor::from_shape_vec([2, 3], vec![1; 6]).unwrap()
        }),
        ("vec with room", &|| {
            let mut elements = Vec::with_capacity(50);
            elements.resize(6, 1);
            Tensor::from_shape_vec([2, 3], elements).unwrap()
        }),
        ("zeros", &|| Tensor::zeros([2, 3])),
        ("full", &|| Tensor::full([2, 3], 5)),
        ("fn", &|| {
            Tensor::from_shape_fn([2, 3], |[i, j]| (i + j) as u32)
        }),
        ("slice", &|| {
            Tensor::from_shape_slice([2, 3], &[1; 6]).unwrap()
        }),
        ("aligned vec", &|| {
            Tensor::from_shape_vec_in([2, 3], vec![1; 6], page.clone()).unwrap()
        }),
        ("aligned zeros", &|| Tensor::zeros_in([2, 3], page.clone())),
        ("aligned copy", &|| {
            Tensor::zeros_in([3, 2], page.clone())
                .transpose()
                .contiguous()
        }),
    ];
    for (what, make) in makers {
        let (made, t) = spent(make);
        assert!(made.plain + made.zeroed >= 2, "{what}");
        let windows = (t.clone(), t.slice((1, ..)), t.flip(0));
        let (cost, ()) = spent(|| drop((t, windows)));
        assert!(cost.freed >= 2, "{what}: {cost:?}");
        assert_eq!((made.wrong, cost.wrong), (0, 0), "{what}");
    }
    for layout in [
        Layout::from_size_align(100, 64).unwrap(),
        Layout::from_size_align(0, 64).unwrap(),
    ] {
        let (cost, _) = spent(|| drop(HostResource::uninit(layout).unwrap()));
        assert_eq!(cost.plain, usize::from(layout.size() > 0));
        assert_eq!((cost.freed, cost.wrong), (cost.plain, 0));
    }
}

#[test]
fn a_fresh_tensor_allocates_its_elements_once() {
    let _ = host_alloc(); // made on first use
    let t = two("full", 4800, || Tensor::<f32, 2>::full([30, 40], 1.0));
    two("from_shape_fn", 4800, || {
        Tensor::<f32, 2>::from_shape_fn([30, 40], |[i, j]| (i * j) as f32)
    });
    two("from_shape_slice", 4800, || {
        Tensor::from_shape_slice([30, 40], t.as_slice()).unwrap()
    });
    two("map", 9600, || t.map(|&x| f64::from(x)));
    two("zip_with", 4800, || t.zip_with(&t, |a, b| a + b).unwrap());
    two("cast", 9600, || t.cast::<f64>());
    two("deep_clone", 4800, || t.deep_clone().unwrap());
    two("to_tensor of a window", 400, || {
        t.view().slice((..10, ..10)).to_tensor()
    });
    two("contiguous of a window", 400, || {
        t.slice((..10, ..10)).contiguous()
    });
    let mut shared = t.clone();
    two("make_mut while shared", 4800, || shared.make_mut().numel());
    let mut turned = Tensor::<f32, 2>::zeros([3, 4]).transpose();
    let (cost, _) = spent(|| turned.make_mut_slice().len());
    assert_eq!((cost.plain, cost.freed, cost.wrong), (2, 2, 0));
}

#[test]
fn zeros_are_one_request_for_zeroed_pages() {
    const GIB: usize = 1 << 30;
    let (cost, t) = spent(|| Tensor::<u8, 2>::zeros([1 << 15, 1 << 15]));
    assert_eq!((cost.zeroed, cost.plain, cost.largest), (1, 1, GIB));
    assert_eq!(t[[(1 << 15) - 1, (1 << 15) - 1]], 0);
    let resident = || {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages = statm
            .split(' ')
            .nth(1)
            .and_then(|n| n.parse::<usize>().ok());
        pages.map(|pages| pages * 4096)
    };
    if let Some(bytes) = resident() {
        assert!(bytes < GIB / 2, "{bytes} bytes are resident");
    }
}

/// Zeros of one number type: one zeroed block, and the value zero.
fn zeros_of<T: num_traits::Zero + Clone + PartialEq + std::fmt::Debug>(zero: T) {
    let name = std::any::type_name::<T>();
    let (cost, t) = spent(|| Tensor::<T, 1>::zeros([1000]));
    assert_eq!((cost.zeroed, cost.plain), (1, 1), "{name}");
    assert_eq!(cost.largest, 1000 * size_of::<T>(), "{name}");
    assert!(t.iter().all(|element| *element == zero), "{name}");
    let page = Arc::new(AlignedAllocator::new(4096).unwrap());
    let (cost, t) = spent(|| Tensor::<T, 1>::zeros_in([1000], page));
    assert_eq!(cost.zeroed, 1, "{name}");
    assert!(t.iter().all(|element| *element == zero), "{name}");
}

#[test]
fn zeros_of_every_number_type_come_zeroed() {
    zeros_of(0u8);
    zeros_of(0u16);
    zeros_of(0u32);
    zeros_of(0u64);
    zeros_of(0u128);
    zeros_of(0usize);
    zeros_of(0i8);
    zeros_of(0i16);
    zeros_of(0i32);
    zeros_of(0i64);
    zeros_of(0i128);
    zeros_of(0isize);
    zeros_of(0f32);
    zeros_of(0f64);
}
