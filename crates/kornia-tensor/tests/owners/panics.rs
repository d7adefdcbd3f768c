//! Code of the user's that panics halfway: nothing is leaked, nothing is dropped twice.

use std::alloc::Layout;
use std::sync::Arc;

use kornia_tensor::{
    AlignedAllocator, AllocHandle, MemoryResource, Tensor, TensorAllocator, TensorAllocatorError,
    TensorStorage, host_alloc,
};

use super::common::{Element, Event, Ledger, caught};

/// Every kind of memory a tensor can be built in.
fn allocators(ledger: &Ledger) -> [AllocHandle; 3] {
    [
        host_alloc(),
        Arc::new(AlignedAllocator::new(64).unwrap()),
        ledger.allocator(),
    ]
}

/// Runs `body` for every memory and every place in six at which it may panic.
///
/// `body` gets the books, an allocator and the place, and must panic; afterwards everything
/// is where it belongs.
#[track_caller]
fn at_every_place<R>(text: &str, body: impl Fn(&Ledger, AllocHandle, usize) -> R) {
    for memory in 0..3 {
        for place in (0..6).step_by(if cfg!(miri) { 2 } else { 1 }) {
            let ledger = Ledger::new();
            let alloc = allocators(&ledger)[memory].clone();
            let panic = caught(|| body(&ledger, alloc, place)).err();
            let panic = panic.unwrap_or_else(|| panic!("no panic at {place} in {memory}"));
            assert!(panic.text.contains(text), "{panic:?}");
            ledger.assert_settled();
        }
    }
}

/// An element, unless its turn is `place`.
fn or_panic(ledger: &Ledger, turn: &mut usize, place: usize) -> Element {
    assert_ne!(*turn, place, "this closure panics");
    *turn += 1;
    ledger.element()
}

fn elements_in(ledger: &Ledger, alloc: AllocHandle) -> Tensor<Element, 2> {
    Tensor::from_shape_vec_in([2, 3], ledger.elements(6), alloc).unwrap()
}

#[test]
fn a_closure_that_panics_in_from_shape_fn() {
    at_every_place("this closure panics", |ledger, alloc, place| {
        let mut turn = 0;
        Tensor::<Element, 2>::from_shape_fn_in([2, 3], alloc, |_| {
            or_panic(ledger, &mut turn, place)
        })
    });
}

#[test]
fn a_closure_that_panics_in_map() {
    at_every_place("this closure panics", |ledger, alloc, place| {
        let t = elements_in(ledger, alloc);
        for t in [&t, &t.transpose(), &t.flip(1)] {
            let mut turn = 0;
            let panic = caught(|| t.map(|_| or_panic(ledger, &mut turn, place)));
            assert!(panic.err().unwrap().text.contains("closure"));
            assert_eq!(ledger.made() - ledger.dropped(), 6);
        }
        let mut turn = 0;
        t.map(|_| or_panic(ledger, &mut turn, place))
    });
}

#[test]
fn a_closure_that_panics_in_zip_with() {
    at_every_place("this closure panics", |ledger, alloc, place| {
        let (t, mut turn) = (elements_in(ledger, alloc), 0);
        t.zip_with(&t.flip(0), |_, _| or_panic(ledger, &mut turn, place))
            .is_ok()
    });
    at_every_place("this closure panics", |ledger, alloc, place| {
        let (t, mut turn) = (elements_in(ledger, alloc), 0);
        t.element_wise_op(&t, |_, _| or_panic(ledger, &mut turn, place))
            .is_ok()
    });
}

#[test]
fn a_closure_that_panics_while_it_reads_or_writes() {
    at_every_place("this closure panics", |ledger, alloc, place| {
        let t = elements_in(ledger, alloc);
        let t = t.transpose();
        t.fold(0, |turn, _| {
            assert_ne!(turn, place, "this closure panics");
            turn + 1
        })
    });
    at_every_place("this closure panics", |ledger, alloc, place| {
        let mut t = elements_in(ledger, alloc).flip(1);
        let mut turn = 0;
        t.view_mut()
            .apply(|element| *element = or_panic(ledger, &mut turn, place));
    });
}

#[test]
fn a_clone_that_panics_in_a_constructor() {
    at_every_place("this clone panics", |ledger, alloc, place| {
        ledger.allow_clones(place);
        // As many clones as it likes, but no fewer than five for six elements.
        let value = ledger.element();
        if place == 5 {
            ledger.allow_clones(4);
        }
        Tensor::<Element, 2>::full_in([2, 3], value, alloc)
    });
    at_every_place("this clone panics", |ledger, alloc, place| {
        ledger.allow_clones(place);
        Tensor::<Element, 2>::from_shape_slice_in([2, 3], &ledger.elements(6), alloc)
    });
}

#[test]
fn a_clone_that_panics_in_a_copy_leaves_the_original() {
    type Copy = fn(&mut Tensor<Element, 2>);
    let copies: [(&str, Copy); 7] = [
        ("deep_clone", |t| drop(t.deep_clone())),
        ("contiguous", |t| drop(t.transpose().contiguous())),
        ("to_tensor", |t| drop(t.view().flip(0).to_tensor())),
        ("to_vec", |t| drop(t.view().transpose().to_vec())),
        ("cast", |t| drop(t.cast::<Element>())),
        ("make_mut", |t| {
            let other = t.clone();
            let _ = t.make_mut();
            drop(other);
        }),
        ("make_mut_slice", |t| {
            let other = t.clone();
            let _ = t.make_mut_slice();
            drop(other);
        }),
    ];
    for (what, copy) in copies {
        at_every_place("this clone panics", |ledger, alloc, place| {
            let mut t = elements_in(ledger, alloc);
            let address = t.as_ptr();
            ledger.allow_clones(place);
            let panic = caught(|| copy(&mut t)).expect_err(what);
            assert_eq!(ledger.made() - ledger.dropped(), 6, "{what} at {place}");
            assert_eq!((t.as_ptr(), t.is_unique()), (address, true), "{what}");
            let numbers: Vec<_> = t.iter().map(Element::number).collect();
            assert_eq!(numbers, [0, 1, 2, 3, 4, 5], "{what} at {place}");
            panic!("{}", panic.text);
        });
    }
}

#[test]
fn a_clone_that_panics_in_a_write_leaves_whole_elements() {
    for strided in [false, true] {
        at_every_place("this clone panics", |ledger, alloc, place| {
            let mut t = elements_in(ledger, alloc);
            let value = ledger.element();
            ledger.allow_clones(place.min(4));
            let mut view = t.view_mut();
            if strided {
                view = view.transpose();
            }
            view.fill(value);
        });
        at_every_place("this clone panics", |ledger, alloc, place| {
            let mut t = elements_in(ledger, alloc);
            let source = Tensor::<_, 2>::from_shape_fn([2, 3], |_| ledger.element());
            ledger.allow_clones(place);
            let (mut view, mut source) = (t.view_mut(), source.view());
            if strided {
                (view, source) = (view.transpose(), source.transpose());
            }
            view.assign(source).unwrap();
        });
    }
}

#[test]
fn an_element_whose_drop_panics_takes_nobody_else_with_it() {
    at_every_place("this drop panics", |ledger, alloc, place| {
        let t = elements_in(ledger, alloc);
        ledger.set_bomb(place);
        drop(t);
    });
    at_every_place("this drop panics", |ledger, alloc, place| {
        let t = elements_in(ledger, alloc);
        let window = t.slice((1, 1..));
        drop(t);
        ledger.set_bomb(place);
        drop(window);
    });
}

#[test]
fn an_overwritten_element_whose_drop_panics() {
    for strided in [false, true] {
        at_every_place("this drop panics", |ledger, alloc, place| {
            let mut t = elements_in(ledger, alloc);
            let source = Tensor::<_, 2>::from_shape_fn([2, 3], |_| ledger.element());
            ledger.set_bomb(place);
            let (mut view, mut source) = (t.view_mut(), source.view());
            if strided {
                (view, source) = (view.transpose(), source.transpose());
            }
            view.assign(source).unwrap();
        });
        at_every_place("this drop panics", |ledger, alloc, place| {
            let mut t = elements_in(ledger, alloc);
            ledger.set_bomb(place);
            let mut view = t.view_mut();
            if strided {
                view = view.transpose();
            }
            view.fill(ledger.element());
        });
    }
}

#[test]
fn a_refused_vec_is_dropped_once() {
    let ledger = Ledger::new();
    assert_eq!(
        Tensor::<_, 2>::from_shape_vec([2, 3], ledger.elements(5))
            .map(drop)
            .unwrap_err()
            .to_string(),
        "5 elements do not fill shape [2, 3], which needs 6; pass exactly as many as the shape has"
    );
    assert_eq!(
        Tensor::<_, 2>::from_shape_vec([usize::MAX, 2], ledger.elements(1))
            .map(drop)
            .unwrap_err()
            .to_string(),
        "shape [18446744073709551615, 2] with 16-byte elements is larger than memory can address; use a smaller shape"
    );
    for memory in allocators(&ledger) {
        let elements = ledger.elements(7);
        assert_eq!(
            Tensor::<_, 2>::from_shape_vec_in([2, 3], elements, memory)
                .map(drop)
                .unwrap_err()
                .to_string(),
            "7 elements do not fill shape [2, 3], which needs 6; pass exactly as many as the shape has"
        );
    }
    let none = ledger.allocator_for(0);
    assert_eq!(
        Tensor::<_, 2>::from_shape_vec_in([2, 3], ledger.elements(6), none)
            .map(drop)
            .unwrap_err()
            .to_string(),
        "allocation failed: out of blocks"
    );
    ledger.assert_settled();
}

/// An allocator for copies that nobody makes, whose end panics.
struct Grudge(Ledger);

// SAFETY: it gives no block.
unsafe impl TensorAllocator for Grudge {
    fn allocate(&self, _: Layout) -> Result<Box<dyn MemoryResource>, TensorAllocatorError> {
        Err(TensorAllocatorError::CannotAllocateForeign)
    }
}

impl Drop for Grudge {
    fn drop(&mut self) {
        self.0.record(Event::AllocatorGone);
        panic!("this allocator panics");
    }
}

#[test]
fn an_allocator_that_panics_when_a_vec_is_taken_back_leaves_nothing_behind() {
    let ledger = Ledger::new();
    let alloc: AllocHandle = Arc::new(Grudge(ledger.clone()));
    let storage = TensorStorage::from_vec(ledger.elements(3), alloc);
    let panic = caught(|| storage.into_vec()).map(drop).unwrap_err();
    assert!(panic.text.contains("this allocator panics"));
    ledger.assert_settled();

    // By other ways, too.
    let ledger = Ledger::new();
    let alloc: AllocHandle = Arc::new(Grudge(ledger.clone()));
    let storage = TensorStorage::from_vec(ledger.elements(3), alloc);
    caught(|| drop(storage)).unwrap_err();
    ledger.assert_settled();
}
