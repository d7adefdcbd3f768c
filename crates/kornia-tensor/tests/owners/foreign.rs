//! Memory that something else owns: it is dropped by that alone, with the last handle.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use kornia_tensor::{Access, MemoryDomain, Tensor, TensorError, TensorStorage, host_alloc};

use super::common::{Element, Event, Ledger, caught};

/// Elements in a block of their own, as a foreign library would hand them over.
fn leak(elements: Vec<Element>) -> (*mut Element, usize) {
    let elements = Box::leak(elements.into_boxed_slice());
    (elements.as_mut_ptr(), elements.len())
}

/// # Safety
///
/// `leak` gave the parts, and nobody else claims them.
unsafe fn claim((start, len): (*mut Element, usize)) {
    let elements = std::ptr::slice_from_raw_parts_mut(start, len);
    // SAFETY: the caller's promise.
    drop(unsafe { Box::from_raw(elements) });
}

/// Gives leaked elements back to their box when it is dropped.
struct Claim(*mut Element, usize);

// SAFETY: the sole owner of the elements, which are `Send` and `Sync`.
unsafe impl Send for Claim {}
// SAFETY: as above.
unsafe impl Sync for Claim {}

impl Drop for Claim {
    fn drop(&mut self) {
        // SAFETY: made from the parts that `leak` gave, which nobody else claims.
        unsafe { claim((self.0, self.1)) }
    }
}

#[test]
fn borrowed_memory_is_dropped_by_its_keeper_alone() {
    for readonly in [false, true] {
        let ledger = Ledger::new();
        let (start, len) = leak(ledger.elements(6));
        let keeper = ledger.keeper(Claim(start, len));
        let make = if readonly {
            Tensor::<Element, 2>::from_borrowed_readonly
        } else {
            Tensor::<Element, 2>::from_borrowed
        };
        // SAFETY: the keeper keeps the elements, which nobody else reads or writes.
        let t = unsafe { make([2, 3], start, len, MemoryDomain::Host, keeper) }.unwrap();
        let window = t.slice((1, 2..));
        let kept = t.clone();
        assert!(t.try_into_vec().is_err());
        drop(kept);
        assert_eq!(ledger.events(), [], "readonly {readonly}");
        drop(window);
        assert_eq!(ledger.events()[0], Event::KeeperGone, "readonly {readonly}");
        assert_eq!(ledger.events().len(), 1 + 6);
        ledger.assert_settled();
    }
}

#[test]
fn a_borrowed_storage_lets_go_of_its_keeper_once() {
    for readonly in [false, true] {
        let ledger = Ledger::new();
        let elements = vec![1u16, 2, 3, 4].into_boxed_slice();
        let start: *const u16 = Box::into_raw(elements).cast();
        let keeper = ledger.keeper(());
        let (host, alloc) = (MemoryDomain::Host, ledger.allocator());
        let make = if readonly {
            TensorStorage::<u16>::from_borrowed_readonly
        } else {
            TensorStorage::<u16>::from_borrowed
        };
        // SAFETY: the box is freed below, after the last handle; nobody else has it.
        let storage = unsafe { make(start, 8, alloc, host, keeper) };
        let part = storage.view(1, 2).unwrap();
        drop(storage);
        assert_eq!(part.as_slice(), [2, 3]);
        drop(part);
        let mut events = ledger.events();
        events.sort_by_key(|event| *event == Event::KeeperGone);
        assert_eq!(events, [Event::AllocatorGone, Event::KeeperGone]);
        let elements = std::ptr::slice_from_raw_parts_mut(start.cast_mut(), 4);
        // SAFETY: from `into_raw`, and no handle is left.
        drop(unsafe { Box::from_raw(elements) });
    }
}

#[test]
fn raw_parts_are_freed_by_their_owner_alone() {
    let ledger = Ledger::new();
    let parts = leak(ledger.elements(6));
    let bytes = size_of::<Element>() * parts.1;
    // SAFETY: claimed below, after the last handle; nobody else reads or writes it until then.
    let t = unsafe { Tensor::<_, 2>::from_raw_parts([2, 3], parts.0, bytes, host_alloc()) };
    let mut t = t.unwrap();
    t.view_mut()
        .assign(&{
            let other = Tensor::<_, 2>::from_shape_fn([2, 3], |_| ledger.element());
            other.clone()
        })
        .unwrap();
    let kept = t.clone();
    drop(t);
    let dropped = ledger.dropped();
    drop(kept);
    assert_eq!(ledger.dropped(), dropped);
    // SAFETY: the last handle is gone.
    unsafe { claim(parts) };
    ledger.assert_settled();
}

#[test]
fn raw_parts_may_have_more_memory_than_the_shape_needs() {
    let mut elements = vec![1u32, 2, 3, 4, 5, 6, 7, 8];
    let start = elements.as_mut_ptr();
    // SAFETY: the Vec outlives the tensor and is not used meanwhile.
    let t = unsafe { Tensor::<u32, 2>::from_raw_parts([2, 3], start, 32, host_alloc()) };
    let mut t = t.unwrap();
    assert_eq!(t.storage().len(), 6);
    t.as_mut_slice()[5] = 60;
    drop(t);
    assert_eq!(elements, [1, 2, 3, 4, 5, 60, 7, 8]);
    for bytes in [20, 23, 25, 33] {
        // SAFETY: as above.
        let t = unsafe { Tensor::<u32, 2>::from_raw_parts([2, 3], start, bytes, host_alloc()) };
        let expected = TensorError::ByteCountMismatch {
            shape: [2, 3].into(),
            element_size: 4,
            found: bytes,
        };
        assert_eq!(t, Err(expected), "{bytes} bytes");
    }
}

/// A `Vec` that writes down its end and counts how often it is asked for its slice.
struct Shelf {
    elements: Vec<Element>,
    ledger: Ledger,
    asked: Arc<AtomicUsize>,
    /// How many times it answers before it panics.
    patience: usize,
}

impl Shelf {
    fn new(ledger: &Ledger, patience: usize) -> Self {
        Self {
            elements: ledger.elements(6),
            ledger: ledger.clone(),
            asked: Arc::default(),
            patience,
        }
    }
}

impl AsRef<[Element]> for Shelf {
    fn as_ref(&self) -> &[Element] {
        let before = self.asked.fetch_add(1, SeqCst);
        assert!(before < self.patience, "this owner panics");
        &self.elements
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        self.ledger.record(Event::KeeperGone);
    }
}

#[test]
fn an_owner_is_asked_once_and_dropped_with_the_last_handle() {
    let ledger = Ledger::new();
    let shelf = Shelf::new(&ledger, 1);
    let (asked, address) = (shelf.asked.clone(), shelf.elements.as_ptr());
    let mut t = Tensor::<Element, 2>::from_owner([2, 3], shelf).unwrap();
    assert_eq!(t.as_ptr(), address);
    let window = t.slice((1, 1..));
    assert_eq!((window[[0]].number(), t[[0, 2]].number()), (4, 2));
    let refused = t.try_as_mut_slice().map(|s| s.len());
    assert_eq!(refused, Err(TensorError::ReadOnlyStorage));
    assert_eq!(
        caught(|| t.view_mut().numel()).map(drop).unwrap_err().text,
        "storage is read-only; use `make_mut` or `deep_clone` to write to a copy"
    );
    t.make_mut()[[0, 0]] = ledger.element();
    drop(t);
    assert_eq!(window[[1]].number(), 5);
    let before = ledger.events().len();
    drop(window);
    assert_eq!(ledger.events()[before], Event::KeeperGone);
    assert_eq!(asked.load(SeqCst), 1);
    ledger.assert_settled();
}

#[test]
fn an_owner_may_hold_its_elements_inside_itself() {
    let mut t = Tensor::<String, 1>::from_owner([2], ["a", "b"].map(str::to_owned)).unwrap();
    let others = [t.clone(), t.flip(0)];
    assert_eq!((&others[0][[0]][..], &others[1][[0]][..]), ("a", "b"));
    drop(others);
    assert_eq!(t.try_as_mut_slice(), Err(TensorError::ReadOnlyStorage));
    t.make_mut()[[0]].push('!');
    assert_eq!(t.into_vec(), ["a!", "b"]);
    let storage = TensorStorage::<u8>::from_owner([1, 2, 3]);
    assert_eq!(storage.view(1, 2).unwrap().as_slice(), [2, 3]);
    let shared: Arc<[u8]> = Arc::from([1, 2, 3]);
    let t = Tensor::<u8, 1>::from_owner([3], shared.clone()).unwrap();
    assert_eq!(t.as_ptr(), shared.as_ptr());
    assert!(t.try_into_vec().is_err());
}

#[test]
fn a_refused_owner_comes_back_whole() {
    for shape in [[2, 2], [7, 1], [0, 3], [1 << 32, 1 << 32]] {
        let ledger = Ledger::new();
        let refused = Tensor::<Element, 2>::from_owner(shape, Shelf::new(&ledger, 1));
        let refused = refused.map(drop).unwrap_err();
        assert_eq!(ledger.events(), [], "{shape:?}");
        assert_eq!(refused.owner.elements.len(), 6);
        drop(refused);
        assert_eq!(ledger.count(|event| *event == Event::KeeperGone), 1);
        ledger.assert_settled();
    }
}

#[test]
fn an_owner_that_panics_when_asked_is_dropped() {
    for _ in 0..2 {
        let ledger = Ledger::new();
        let panic = caught(|| Tensor::<Element, 2>::from_owner([2, 3], Shelf::new(&ledger, 0)));
        assert_eq!(panic.map(drop).unwrap_err().text, "this owner panics");
        assert_eq!(ledger.count(|event| *event == Event::KeeperGone), 1);
        let panic = caught(|| TensorStorage::<Element>::from_owner(Shelf::new(&ledger, 0)));
        assert_eq!(panic.map(drop).unwrap_err().text, "this owner panics");
        ledger.assert_settled();
    }
}

#[test]
fn foreign_memory_is_written_only_where_that_was_promised() {
    let host = MemoryDomain::Host;
    for (access, refusal) in [
        (Access::ReadWrite, None),
        (Access::ReadOnly, Some(TensorError::ReadOnlyStorage)),
        (
            Access::NotHost,
            Some(TensorError::NotHostAccessible { domain: host }),
        ),
    ] {
        let ledger = Ledger::new();
        let (start, len) = leak(ledger.elements(6));
        let last = start.wrapping_add(5);
        let claim = (Claim(start, len), ledger.keeper(()));
        // Both axes backwards, from the last element.
        // SAFETY: the claim keeps the elements, which nobody else reads or writes.
        let t = unsafe { Tensor::from_foreign([2, 3], [-3, -1], last, host, access, claim) };
        let mut t = t.unwrap();
        let first = t.try_view().map(|view| view[[0, 0]].number());
        assert_eq!(first.is_ok(), access != Access::NotHost, "{access:?}");
        assert!(first.is_err() || first == Ok(5), "{access:?}");
        assert_eq!(t.try_view_mut().map(|v| v.numel()).err(), refusal);
        if refusal.is_none() {
            t.view_mut()[[0, 1]] = ledger.element();
            assert_eq!((t[[0, 1]].number(), ledger.dropped()), (6, 1));
        }
        let kept = t.flip(0);
        drop(t);
        assert_eq!(ledger.count(|event| *event == Event::KeeperGone), 0);
        drop(kept);
        assert_eq!(ledger.count(|event| *event == Event::KeeperGone), 1);
        ledger.assert_settled();
    }
}

#[test]
fn refused_foreign_memory_stays_with_its_owner() {
    let words = [0u32; 6];
    let make = |shape: [usize; 2], strides, first: *const u32| {
        let ledger = Ledger::new();
        let keeper = ledger.keeper(());
        let (host, access) = (MemoryDomain::Host, Access::ReadOnly);
        // SAFETY: the array outlives the tensors; what reaches outside it is refused.
        let t = unsafe { Tensor::from_foreign(shape, strides, first, host, access, keeper) };
        let error = t.map(drop).map_err(|refused| {
            assert_eq!(ledger.events(), []);
            refused.error
        });
        assert_eq!(ledger.events(), [Event::KeeperGone]);
        error
    };
    let first = words.as_ptr();
    assert_eq!(make([2, 3], [3, 1], first), Ok(()));
    assert_eq!(make([2, 2], [4, 1], first), Ok(()));
    assert!(matches!(
        make([2, 3], [0, 1], first),
        Err(TensorError::OverlappingLayout { .. })
    ));
    assert!(matches!(
        make([2, 3], [2, 1], first),
        Err(TensorError::OverlappingLayout { .. })
    ));
    let odd = first.wrapping_byte_add(2);
    assert!(matches!(
        make([2, 2], [3, 1], odd),
        Err(TensorError::Misaligned { .. })
    ));
    assert_eq!(
        make([2, 2], [3, 1], std::ptr::null())
            .map(drop)
            .unwrap_err()
            .to_string(),
        "null pointer where memory was expected; check the source of the data"
    );
    assert_eq!(
        make([0, 2], [3, 1], std::ptr::null())
            .map(drop)
            .unwrap_err()
            .to_string(),
        "null pointer where memory was expected; check the source of the data"
    );
    let huge = make([1 << 32, 1 << 32], [1 << 32, 1], first);
    assert!(matches!(huge, Err(TensorError::ShapeOverflow { .. })));
    assert_eq!(
        make([2, 2], [isize::MIN, 1], first)
            .map(drop)
            .unwrap_err()
            .to_string(),
        format!(
            "strides [{}, 1] of shape [2, 2] reach further than memory can address; use smaller strides",
            isize::MIN
        )
    );
}

#[test]
fn a_storage_is_taken_as_it_is_and_not_as_an_owner() {
    let storage = TensorStorage::from_vec(vec![1u32; 100], host_alloc());
    let window = storage.view(10, 4).unwrap();
    let mut t = Tensor::<u32, 2>::from_owner([2, 2], window).unwrap();
    assert!(t.storage().shares_memory_with(&storage));
    assert_eq!(t.retained_bytes(), 400, "all it keeps alive");
    assert!(t.try_as_mut_slice().is_err());
    drop(storage);
    t.as_mut_slice()[0] = 2;

    let mut storage = t.into_parts().storage;
    for _ in 0..if cfg!(miri) { 100 } else { 100_000 } {
        storage = TensorStorage::from_owner(storage);
    }
    let refused = Tensor::<u32, 1>::from_owner([5], storage).unwrap_err();
    assert_eq!(refused.owner.as_slice(), [2, 1, 1, 1]);
}

/// An owner that holds a tensor, whose owner holds a tensor, ..
struct Shell {
    inside: Option<Tensor<u8, 1>>,
    ledger: Ledger,
    panics: bool,
}

impl AsRef<[u8]> for Shell {
    fn as_ref(&self) -> &[u8] {
        self.inside.as_ref().map_or(&[1], |t| t.as_slice())
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.ledger.record(Event::KeeperGone);
        assert!(!self.panics, "this owner panics");
    }
}

fn shells(count: usize, ledger: &Ledger, panics: impl Fn(usize) -> bool) -> Tensor<u8, 1> {
    let mut inside = None;
    for nth in 0..count {
        let shell = Shell {
            inside,
            ledger: ledger.clone(),
            panics: panics(nth),
        };
        inside = Some(Tensor::from_owner([1], shell).unwrap());
    }
    inside.unwrap()
}

#[test]
fn owners_inside_of_owners_are_dropped_without_recursion() {
    let count = if cfg!(miri) { 200 } else { 200_000 };
    let ledger = Ledger::new();
    drop(shells(count, &ledger, |_| false));
    let released = |ledger: &Ledger| ledger.count(|event| *event == Event::KeeperGone);
    assert_eq!(released(&ledger), count);

    // On a thread of its own, whose last act it is.
    let ledger = Ledger::new();
    let t = shells(count, &ledger, |_| false);
    thread::spawn(move || {
        thread_local!(static LAST: Cell<Option<Tensor<u8, 1>>> = const { Cell::new(None) });
        LAST.set(Some(t)); // dropped among the destructors of the thread
    })
    .join()
    .unwrap();
    assert_eq!(released(&ledger), count);
}

#[test]
fn an_owner_that_panics_inside_of_owners_leaves_none_of_them_behind() {
    for place in [0, 1, 50, 98, 99] {
        let ledger = Ledger::new();
        let t = shells(100, &ledger, |nth| nth == place);
        let panic = caught(|| drop(t)).unwrap_err();
        assert!(panic.text.contains("this owner panics"));
        let released = ledger.count(|event| *event == Event::KeeperGone);
        assert_eq!(released, 100, "place {place}");
        drop(shells(20, &Ledger::new(), |_| false)); // the thread is as it was
    }
}
