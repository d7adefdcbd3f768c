//! Every element is dropped once, and every block returned once, after its elements.

use std::sync::Arc;

use kornia_tensor::{
    AlignedAllocator, AllocHandle, HostResource, MemoryResource, Tensor, TensorParts,
    TensorStorage, host_alloc,
};

use super::common::{Element, Event, Ledger};

/// The allocators there are, by name; the last one writes into the ledger.
fn allocators(ledger: &Ledger) -> [(&'static str, AllocHandle); 3] {
    [
        ("host", host_alloc()),
        ("aligned", Arc::new(AlignedAllocator::new(256).unwrap())),
        ("recorder", ledger.allocator()),
    ]
}

type Maker = fn(&Ledger, AllocHandle) -> Tensor<Element, 2>;

/// Every constructor that takes an allocator.
const MAKERS: [(&str, Maker); 6] = [
    ("from_shape_vec_in", |ledger, alloc| {
        Tensor::from_shape_vec_in([2, 3], ledger.elements(6), alloc).unwrap()
    }),
    ("from_shape_slice_in", |ledger, alloc| {
        Tensor::from_shape_slice_in([2, 3], &ledger.elements(6), alloc).unwrap()
    }),
    ("full_in", |ledger, alloc| {
        Tensor::full_in([2, 3], ledger.element(), alloc)
    }),
    ("from_shape_fn_in", |ledger, alloc| {
        Tensor::from_shape_fn_in([2, 3], alloc, |_| ledger.element())
    }),
    ("from_slice", |ledger, alloc| {
        let storage = TensorStorage::from_slice(&ledger.elements(6), alloc).unwrap();
        of_storage(storage)
    }),
    ("from_vec", |ledger, alloc| {
        of_storage(TensorStorage::from_vec(ledger.elements(6), alloc))
    }),
];

fn of_storage(storage: TensorStorage<Element>) -> Tensor<Element, 2> {
    let (shape, strides) = ([2, 3], [3, 1]);
    Tensor::try_from_parts(TensorParts {
        storage,
        shape,
        strides,
    })
    .unwrap()
}

#[test]
fn every_owner_drops_its_elements_with_the_last_handle() {
    for (maker, make) in MAKERS {
        let ledger = Ledger::new();
        for (owner, alloc) in allocators(&ledger) {
            let t = make(&ledger, alloc);
            let before = ledger.dropped();
            let window = t.slice((1, 1..));
            let others = (t.clone(), t.flip(0), t.transpose(), t.storage().clone());
            drop(t);
            drop(others);
            // The window keeps all of them, not only its own two.
            assert_eq!(ledger.dropped(), before, "{maker}, {owner}");
            drop(window);
            assert_eq!(ledger.dropped(), before + 6, "{maker}, {owner}");
            ledger.assert_settled();
        }
    }
}

#[test]
fn a_vec_with_room_to_spare_is_one_owner() {
    for (len, capacity) in [(0, 0), (0, 5), (4, 4), (4, 100)] {
        let ledger = Ledger::new();
        let mut elements = Vec::with_capacity(capacity);
        elements.extend(ledger.elements(len));
        let retained = elements.capacity() * size_of::<Element>();
        let t = Tensor::from_shape_vec([len], elements).unwrap();
        assert_eq!(t.retained_bytes(), retained);
        let handle = t.clone();
        drop(t);
        assert_eq!(ledger.dropped(), 0);
        drop(handle);
        ledger.assert_settled();
    }
}

#[test]
fn the_vec_takes_its_elements_with_it() {
    let ledger = Ledger::new();
    let t = Tensor::from_shape_vec([2, 2], ledger.elements(4)).unwrap();
    let mut elements = t.into_vec();
    assert_eq!(ledger.dropped(), 0);
    elements.truncate(1);
    assert_eq!(ledger.dropped(), 3);
    drop(elements);
    ledger.assert_settled();
}

#[test]
fn a_vec_lets_go_of_the_allocator_it_was_labelled_with() {
    let ledger = Ledger::new();
    let storage = TensorStorage::from_vec(ledger.elements(3), ledger.allocator());
    assert_eq!(ledger.asked(), 0); // it was not asked: the Vec stays where it is
    let elements = storage.into_vec();
    assert_eq!(ledger.events(), [Event::AllocatorGone]);
    drop(elements);
    ledger.assert_settled();
}

#[test]
fn a_block_is_asked_for_as_an_array_and_returned_after_its_elements() {
    for (maker, make) in MAKERS {
        if maker == "from_vec" {
            continue; // keeps the Vec
        }
        let ledger = Ledger::new();
        let t = make(&ledger, ledger.allocator());
        let asked = std::alloc::Layout::array::<Element>(6).unwrap();
        let first = ledger.events()[0];
        assert_eq!(first, Event::Asked(0, asked), "{maker}");
        let before = ledger.events().len();
        drop(t);
        let events = &ledger.events()[before..];
        let (elements, rest) = events.split_at(6);
        assert!(
            elements
                .iter()
                .all(|event| matches!(event, Event::Dropped(_))),
            "{maker}: {events:?}"
        );
        assert_eq!(rest[0], Event::Returned(0, asked), "{maker}");
        // The allocator is there until its last block has come home.
        assert_eq!(rest[1..], [Event::AllocatorGone], "{maker}");
    }
}

#[test]
fn zeros_in_asks_the_allocator() {
    let ledger = Ledger::new();
    let t = Tensor::<f32, 2>::zeros_in([3, 5], ledger.allocator());
    assert!(t.iter().all(|&x| x == 0.0));
    let asked = std::alloc::Layout::array::<f32>(15).unwrap();
    assert_eq!(ledger.events(), [Event::Asked(0, asked)]);
    drop(t);
    ledger.assert_settled();
    assert_eq!(ledger.returned(), 1);
}

#[test]
fn copies_come_from_the_allocator_of_their_tensor() {
    let ledger = Ledger::new();
    let t = Tensor::from_shape_vec_in([2, 3], ledger.elements(6), ledger.allocator()).unwrap();
    let window = t.slice((.., 1..));
    let copy = window.deep_clone().unwrap();
    assert_eq!(ledger.asked(), 2);
    let mut shared = copy.clone();
    let _ = shared.make_mut();
    assert_eq!(ledger.asked(), 3);
    let standard = window.transpose().contiguous();
    assert_eq!(ledger.asked(), 4);
    let mut strided = standard.transpose();
    strided.make_mut_slice();
    assert_eq!(ledger.asked(), 5);
    let layout = std::alloc::Layout::array::<Element>(4).unwrap();
    for event in ledger.events() {
        if let Event::Asked(number, asked) = event {
            assert!(number == 0 || asked == layout, "{event:?}");
        }
    }
    drop((t, window, copy, shared, standard, strided));
    ledger.assert_settled();
    // And a Vec labelled with an allocator copies to that one.
    let labelled = TensorStorage::from_vec(ledger.elements(3), ledger.allocator());
    let copy = labelled.deep_clone().unwrap();
    assert!(copy.resource().is_some() && labelled.resource().is_none());
    drop((labelled, copy));
    ledger.assert_settled();
}

#[test]
fn full_makes_one_clone_per_element_at_most() {
    let ledger = Ledger::new();
    let t = Tensor::<_, 2>::full([2, 3], ledger.element());
    assert!(ledger.made() <= 7, "{} for 6", ledger.made());
    assert_eq!(ledger.made() - ledger.dropped(), 6);
    drop(t);
    ledger.assert_settled();
}

#[test]
fn writes_drop_what_they_overwrite() {
    for strided in [false, true] {
        let ledger = Ledger::new();
        let mut t = Tensor::<_, 2>::from_shape_fn([3, 4], |_| ledger.element());
        let mut source = Tensor::<_, 2>::from_shape_fn([3, 2], |_| ledger.element());
        let mut view = t.view_mut().slice((.., 1..3));
        if strided {
            view = view.flip(1);
            source = source.flip(0);
        }
        view.fill(ledger.element());
        assert_eq!(ledger.made() - ledger.dropped(), 12 + 6);
        view.assign(&source).unwrap();
        assert_eq!(ledger.made() - ledger.dropped(), 12 + 6);
        view[[0, 0]] = ledger.element();
        drop((t, source));
        ledger.assert_settled();
    }
}

#[test]
fn a_replaced_storage_is_dropped_when_nobody_else_has_it() {
    let ledger = Ledger::new();
    let mut t = Tensor::<_, 2>::from_shape_fn([2, 2], |_| ledger.element()).transpose();
    t.make_mut_slice(); // copies, because it is strided; the old one was ours alone
    assert_eq!((ledger.made(), ledger.dropped()), (8, 4));
    drop(t);
    ledger.assert_settled();
}

/// An allocator's block, moved into a storage with elements that are already in it.
#[test]
fn an_adopted_block_drops_the_elements_it_was_said_to_hold() {
    let ledger = Ledger::new();
    let layout = std::alloc::Layout::array::<Element>(8).unwrap();
    let block = ledger.allocator().allocate(layout).unwrap();
    let start = block.as_ptr().cast::<Element>();
    for (place, element) in ledger.elements(5).into_iter().enumerate() {
        // SAFETY: the block has room for 8.
        let slot = unsafe { start.add(place) };
        // SAFETY: as above.
        unsafe { slot.write(element) };
    }
    // SAFETY: five elements are written.
    let storage = unsafe { TensorStorage::<Element>::from_resource(block, 5, host_alloc()) };
    let storage = storage.unwrap();
    assert_eq!((storage.len(), storage.as_slice()[4].number()), (5, 4));
    assert_eq!(storage.resource().unwrap().len_bytes(), layout.size());
    let storage = storage.try_into_vec().unwrap_err();
    assert_eq!(ledger.dropped(), 0);
    drop(storage);
    assert_eq!(ledger.dropped(), 5);
    ledger.assert_settled();
}

#[test]
fn the_block_can_be_looked_at_but_not_taken() {
    let page = Arc::new(AlignedAllocator::new(4096).unwrap());
    let t = Tensor::<u8, 1>::zeros_in([100], page);
    let block = t.storage().resource().unwrap();
    let host = block.as_any().downcast_ref::<HostResource>().unwrap();
    assert_eq!((host.layout().size(), host.layout().align()), (100, 4096));
    assert_eq!(host.as_ptr().cast_const(), t.as_ptr());
    assert!(Tensor::<u8, 1>::zeros([1]).storage().resource().is_none());
}

#[test]
fn a_panic_free_tensor_of_strings_survives_a_program() {
    let words = ["a", "bc", "def", "ghij", "klmno", "pqrstu"].map(str::to_owned);
    let t = Tensor::from_shape_vec([2, 3], words.to_vec()).unwrap();
    let mut column = t.slice((.., 1));
    column.make_mut()[[0]].push('!');
    let upper = t.transpose().map(|word| word.to_uppercase());
    drop(t.slice((0, ..)));
    assert_eq!(column.view().to_vec(), ["bc!", "klmno"]);
    assert_eq!(
        upper.into_vec(),
        ["A", "GHIJ", "BC", "KLMNO", "DEF", "PQRSTU"]
    );
    assert_eq!(t.into_vec(), words);
}
