//! The count of live storages and bytes. It is one for the whole process, so the tests of this
//! binary take turns.

use std::alloc::Layout;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use kornia_tensor::accounting::{self, MemoryReport, OwnerKind};
use kornia_tensor::{
    AlignedAllocator, AllocHandle, MemoryDomain, MemoryResource, Pool, Tensor, TensorAllocator,
    TensorAllocatorError, TensorStorage, host_alloc,
};

/// The only test that runs, and what was counted when it began.
struct Turn {
    before: MemoryReport,
    _turn: MutexGuard<'static, ()>,
}

fn turn() -> Turn {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    accounting::start();
    let before = accounting::report();
    Turn { before, _turn }
}

impl Turn {
    /// Storages and bytes that came since.
    fn all(&self) -> (usize, usize) {
        let (now, before) = (accounting::report().total(), self.before.total());
        (now.storages - before.storages, now.bytes - before.bytes)
    }

    fn of(&self, owner: OwnerKind) -> (usize, usize) {
        let (now, before) = (accounting::report().of(owner), self.before.of(owner));
        (now.storages - before.storages, now.bytes - before.bytes)
    }

    #[track_caller]
    fn nothing_is_left(&self) {
        assert_eq!(accounting::report(), self.before);
    }
}

fn aligned() -> AllocHandle {
    Arc::new(AlignedAllocator::new(64).unwrap())
}

/// Memory of nobody: 16 bytes that nothing else uses while the tensor lives.
fn over(bytes: &mut [u32; 4], domain: MemoryDomain) -> TensorStorage<u32> {
    let keep: Arc<dyn Any + Send + Sync> = Arc::new(());
    // SAFETY: the callers keep the array, unused, until the storage is dropped.
    unsafe { TensorStorage::from_borrowed(bytes.as_mut_ptr(), 16, host_alloc(), domain, keep) }
}

#[test]
fn every_owner_kind_is_counted_while_it_lives() {
    let turn = turn();
    let mut vec = Vec::with_capacity(100);
    vec.extend([1u16, 2, 3]);
    let vec = Tensor::from_shape_vec([3], vec).unwrap();
    assert_eq!(turn.of(OwnerKind::Vec), (1, 200), "with its spare capacity");

    let block = Tensor::<u64, 2>::zeros_in([3, 4], aligned());
    let pooled = Tensor::<u8, 1>::zeros_in([1 << 20], Pool::new().handle());
    assert_eq!(turn.of(OwnerKind::Block), (2, 96 + (1 << 20)));

    let foreign = Tensor::<u8, 1>::from_owner([5], *b"bytes").unwrap();
    assert_eq!(turn.of(OwnerKind::Foreign), (1, 5));

    let mut lent = [7u32; 4];
    let data = lent.as_mut_ptr();
    // SAFETY: `lent` is not used until the storage is dropped.
    let borrowed = unsafe { TensorStorage::from_raw_parts(data, 16, host_alloc()) };
    assert_eq!(turn.of(OwnerKind::Borrowed), (1, 16));

    assert_eq!(turn.all(), (5, 200 + 96 + (1 << 20) + 5 + 16));
    drop((vec, pooled));
    assert_eq!(turn.of(OwnerKind::Vec), (0, 0));
    assert_eq!(turn.of(OwnerKind::Block), (1, 96));
    drop((block, foreign, borrowed));
    turn.nothing_is_left();
}

#[test]
fn domains_are_counted_apart() {
    let turn = turn();
    let (mut a, mut b) = ([0u32; 4], [0u32; 4]);
    let device = over(&mut a, MemoryDomain::Device { id: 1 });
    let unified = over(&mut b, MemoryDomain::Unified { id: 0 });
    let now = accounting::report();
    let any_device = MemoryDomain::Device { id: 7 };
    assert_eq!(now.at(any_device).bytes, 16);
    assert_eq!(now.at(MemoryDomain::Unified { id: 3 }).storages, 1);
    assert_eq!(
        now.at(MemoryDomain::Host),
        turn.before.at(MemoryDomain::Host)
    );
    drop(device);
    assert_eq!(accounting::report().at(any_device).storages, 0);
    drop(unified);
    turn.nothing_is_left();
}

#[test]
fn handles_windows_and_moves_are_not_storages() {
    let turn = turn();
    let frame = Tensor::<u8, 3>::zeros([8, 8, 3]);
    let one = accounting::report();
    let crop = frame.slice((..2, ..2, ..));
    let handles = [frame.clone(), frame.flip(0), frame.clone().contiguous()];
    let part = frame.storage().view(3, 10).unwrap();
    assert_eq!(accounting::report(), one);
    drop((frame, handles, part));
    assert_eq!(accounting::report(), one, "the crop keeps it");
    let own = crop.compact().unwrap(); // 192 bytes are too few to be worth a copy
    assert_eq!(turn.all(), (1, 192));
    let copy = own.deep_clone().unwrap();
    assert_eq!(turn.all(), (2, 192 + 12));
    let mut written = own.clone();
    written.make_mut()[[0, 0, 0]] = 1;
    assert_eq!(turn.all(), (3, 192 + 12 + 12));
    drop((own, copy, written));
    turn.nothing_is_left();
}

#[test]
fn a_vec_that_was_taken_back_is_no_storage() {
    let turn = turn();
    let tensor = Tensor::<u8, 1>::zeros([1000]);
    let other = tensor.clone();
    let tensor = tensor.try_into_vec().unwrap_err();
    assert_eq!(turn.all(), (1, 1000));
    drop(other);
    let elements = tensor.into_vec();
    turn.nothing_is_left();
    let tensor = Tensor::from_shape_vec([10, 100], elements).unwrap();
    assert_eq!(turn.all(), (1, 1000));
    let storage = tensor.into_parts().storage;
    drop(storage.into_vec());
    turn.nothing_is_left();
}

#[test]
fn what_could_not_be_made_is_not_counted() {
    let turn = turn();
    assert_eq!(
        Tensor::from_shape_vec([4], vec![1u8, 2])
            .map(drop)
            .unwrap_err()
            .to_string(),
        "2 elements do not fill shape [4], which needs 4; pass exactly as many as the shape has"
    );
    assert_eq!(
        Tensor::<u8, 1>::from_owner([4], vec![1u8, 2])
            .map(drop)
            .unwrap_err()
            .to_string(),
        "2 elements do not fill shape [4], which needs 4; pass exactly as many as the shape has"
    );
    assert_eq!(
        Tensor::<u8, 1>::try_zeros_in([usize::MAX], host_alloc())
            .map(drop)
            .unwrap_err()
            .to_string(),
        "shape [18446744073709551615] with 1-byte elements is larger than memory can address; use a smaller shape"
    );
    let closed = Pool::new();
    closed.close();
    assert_eq!(
        Tensor::<u8, 1>::try_zeros_in([9], closed.handle())
            .map(drop)
            .unwrap_err()
            .to_string(),
        "pool is closed; make another, or use another allocator"
    );
    for alloc in [host_alloc(), aligned()] {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            Tensor::from_shape_fn_in([9], alloc.clone(), |[i]| {
                assert_ne!(i, 5);
                i.to_string()
            })
        }));
        assert!(panicked.is_err());
        let mut writer = Tensor::<u8, 1>::writer_in([4], alloc).unwrap();
        writer.write_slice(&[1, 2]).unwrap();
        assert_eq!(turn.all(), (0, 0), "not a tensor yet");
        assert_eq!(
            writer.finish().map(drop).unwrap_err().to_string(),
            "2 elements do not fill shape [4], which needs 4; pass exactly as many as the shape has"
        );
    }
    turn.nothing_is_left();
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn a_storage_whose_elements_panic_when_they_are_dropped_leaves_the_count() {
    let turn = turn();
    for alloc in [host_alloc(), aligned()] {
        let tensor = Tensor::from_shape_vec_in([1], vec![Bomb], alloc).unwrap();
        assert_eq!(turn.all().0, 1);
        let panic = catch_unwind(AssertUnwindSafe(|| drop(tensor))).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"dropped"));
        turn.nothing_is_left();
    }
}

#[test]
fn elements_without_size_are_storages_without_bytes() {
    let turn = turn();
    let units = Tensor::<(), 1>::full([5], ());
    let empty = Tensor::<u8, 2>::zeros([0, 7]);
    assert_eq!(turn.all(), (2, 0));
    drop((units, empty));
    turn.nothing_is_left();
}

#[test]
fn storages_leave_the_count_on_whichever_thread_they_are_dropped() {
    const THREADS: usize = 20; // more than there are shards
    let rounds = if cfg!(miri) { 3 } else { 1000 };
    let turn = turn();
    let made: Vec<_> = (0..THREADS)
        .map(|_| {
            thread::spawn(move || {
                for _ in 0..rounds {
                    drop(Tensor::<u8, 1>::zeros([100]));
                }
                Tensor::<u8, 1>::zeros([10])
            })
        })
        .map(|thread| thread.join().unwrap())
        .collect();
    assert_eq!(turn.all(), (THREADS, 10 * THREADS));
    let dropping: Vec<_> = made
        .into_iter()
        .map(|tensor| thread::spawn(move || drop(tensor)))
        .collect();
    for thread in dropping {
        thread.join().unwrap();
    }
    turn.nothing_is_left();
}

#[test]
fn a_report_while_threads_work_never_falls_below_what_is_held() {
    let rounds = if cfg!(miri) { 5 } else { 20_000 };
    let turn = turn();
    let held = Tensor::<u8, 1>::zeros([1000]);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..rounds {
                    drop(Tensor::<u8, 1>::zeros([100]));
                }
            });
        }
        for _ in 0..rounds {
            let (storages, bytes) = turn.all();
            assert!((1..=3).contains(&storages), "{storages}");
            assert!((1000..=1200).contains(&bytes), "{bytes}");
        }
    });
    drop(held);
    turn.nothing_is_left();
}

#[test]
fn what_was_made_while_nobody_counted_is_never_in_it() {
    let turn = turn();
    let counted = Tensor::<u8, 1>::zeros([10]);
    accounting::stop();
    assert!(!accounting::is_on());
    let unseen = Tensor::<u8, 1>::zeros([20]);
    assert_eq!(turn.all(), (1, 10));
    let elements = unseen.clone();
    drop(counted); // leaves the count all the same
    turn.nothing_is_left();
    accounting::start();
    drop(unseen);
    drop(elements.into_vec());
    turn.nothing_is_left();
}

#[test]
fn a_leak_is_a_number_that_grows() {
    let turn = turn();
    let mut forgotten = Vec::new();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let frame = Tensor::<u8, 3>::zeros([48, 64, 3]);
        forgotten.push(frame.slice((..1, ..1, ..))); // a crop that nobody needs any more
        seen.push(turn.all());
    }
    assert_eq!(seen, [(1, 9216), (2, 18_432), (3, 27_648)]);
    drop(forgotten);
    turn.nothing_is_left();
}

#[test]
fn the_report_prints_a_line_for_all_that_holds_something() {
    let turn = turn();
    let mut lent = [0u32; 4];
    let held = (
        Tensor::<u8, 3>::zeros([1080, 1920, 3]),
        Tensor::<u8, 3>::zeros([1080, 1920, 3]),
        over(&mut lent, MemoryDomain::Device { id: 0 }),
    );
    assert_eq!(
        accounting::report().to_string(),
        "owner     domain     storages            bytes\n\
         Vec       host              2         12441600\n\
         Foreign   device            1               16\n\
         total                       3         12441616"
    );
    drop(held);
    assert_eq!(
        accounting::report().to_string(),
        "owner     domain     storages            bytes\n\
         total                       0                0"
    );
    turn.nothing_is_left();
}

/// An allocator for copies that nobody makes, whose end panics.
struct Grudge;

// SAFETY: it gives no block.
unsafe impl TensorAllocator for Grudge {
    fn allocate(&self, _: Layout) -> Result<Box<dyn MemoryResource>, TensorAllocatorError> {
        Err(TensorAllocatorError::CannotAllocateForeign)
    }
}

impl Drop for Grudge {
    fn drop(&mut self) {
        panic!("this allocator panics");
    }
}

#[test]
fn a_vec_that_an_allocator_panics_about_is_counted_no_more() {
    let turn = turn();
    let storage = TensorStorage::from_vec(vec![1u8; 8], Arc::new(Grudge));
    assert_eq!(turn.all(), (1, 8));
    assert!(catch_unwind(AssertUnwindSafe(|| storage.into_vec())).is_err());
    turn.nothing_is_left();
}

#[cfg(feature = "bytemuck")]
#[test]
fn memory_that_changes_its_type_is_counted_once() {
    let turn = turn();
    let mut t = Tensor::from_shape_vec([4], vec![1.0f32; 4]).unwrap();
    for _ in 0..100 {
        t = t.reinterpret::<u32>().unwrap().reinterpret().unwrap();
    }
    assert_eq!(turn.all(), (2, 16), "the memory, and what shows it");
    let bytes = t.clone().reinterpret::<u8>().unwrap();
    assert_eq!(turn.all(), (3, 16));
    drop(t);
    assert_eq!(turn.of(OwnerKind::Vec), (1, 16));
    drop(bytes);
    turn.nothing_is_left();
}
