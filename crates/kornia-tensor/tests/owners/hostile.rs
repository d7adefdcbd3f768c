//! Allocators whose answers are wrong: refused, or believed once and never asked again.
//!
//! Their blocks are sound memory whatever they claim, so nothing here relies on undefined
//! behaviour staying quiet; Miri would say so.

use std::alloc::Layout;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use kornia_tensor::{
    AllocHandle, HostResource, MemoryDomain, MemoryResource, Tensor, TensorAllocator,
    TensorAllocatorError, TensorError, TensorStorage, host_alloc,
};

use super::common::{Element, Event, Ledger, caught};

/// A question to a block.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Question {
    Ptr,
    Len,
    Domain,
    ReadOnly,
}
use Question::*;

/// What a block answers, given how many times it was asked this before.
type Lies = fn(&Villain, Question, usize) -> Answer;

/// What is done to the true answer.
#[derive(Clone, Copy)]
enum Answer {
    Truth,
    Plus(isize),
    Null,
    Device,
    Yes,
    Panic,
}
use Answer::*;

/// A block of sound memory that lies about itself.
struct Villain {
    memory: HostResource,
    asked_for: Layout,
    asked: [AtomicUsize; 4],
    lies: Lies,
    ledger: Ledger,
}

impl Villain {
    fn answer(&self, question: Question) -> Answer {
        let before = self.asked[question as usize].fetch_add(1, SeqCst);
        let answer = (self.lies)(self, question, before);
        if let Panic = answer {
            panic!("this answer panics");
        }
        answer
    }
}

// SAFETY: not what it says. But the memory is three times as large as any test asks for, whole
// and aligned, so whoever checks the answers, and keeps the checked ones, stays inside it.
unsafe impl MemoryResource for Villain {
    fn as_ptr(&self) -> *mut u8 {
        match self.answer(Ptr) {
            Plus(offset) => self.memory.as_ptr().wrapping_offset(offset),
            Null => std::ptr::null_mut(),
            _ => self.memory.as_ptr(),
        }
    }

    fn len_bytes(&self) -> usize {
        match self.answer(Len) {
            Plus(more) => self.asked_for.size().wrapping_add_signed(more),
            _ => self.asked_for.size(),
        }
    }

    fn domain(&self) -> MemoryDomain {
        match self.answer(Domain) {
            Device => MemoryDomain::Device { id: 3 },
            _ => MemoryDomain::Host,
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn is_readonly(&self) -> bool {
        matches!(self.answer(ReadOnly), Yes)
    }
}

impl Drop for Villain {
    fn drop(&mut self) {
        self.ledger.record(Event::Returned(0, self.asked_for));
    }
}

/// Hands out villains.
struct Lair {
    lies: Lies,
    ledger: Ledger,
}

// SAFETY: as for `Villain`.
unsafe impl TensorAllocator for Lair {
    fn allocate(&self, layout: Layout) -> Result<Box<dyn MemoryResource>, TensorAllocatorError> {
        self.ledger.record(Event::Asked(0, layout));
        let roomy = Layout::from_size_align(3 * layout.size().max(64), layout.align())?;
        Ok(Box::new(Villain {
            memory: HostResource::from_layout(roomy)?,
            asked_for: layout,
            asked: Default::default(),
            lies: self.lies,
            ledger: self.ledger.clone(),
        }))
    }
}

impl Drop for Lair {
    fn drop(&mut self) {
        self.ledger.record(Event::AllocatorGone);
    }
}

fn lair(ledger: &Ledger, lies: Lies) -> AllocHandle {
    let ledger = ledger.clone();
    Arc::new(Lair { lies, ledger })
}

type Maker = fn(&Ledger, AllocHandle) -> Result<Tensor<Element, 1>, TensorError>;

/// Every way to build a tensor of elements in memory of an allocator.
const MAKERS: [(&str, Maker); 5] = [
    ("vec", |ledger, alloc| {
        Tensor::from_shape_vec_in([5], ledger.elements(5), alloc)
    }),
    ("slice", |ledger, alloc| {
        Tensor::from_shape_slice_in([5], &ledger.elements(5), alloc)
    }),
    ("value", |ledger, alloc| {
        Tensor::try_full_in([5], ledger.element(), alloc)
    }),
    ("closure", |ledger, alloc| {
        Tensor::try_from_shape_fn_in([5], alloc, |_| ledger.element())
    }),
    ("copy", |ledger, alloc| {
        TensorStorage::from_vec(ledger.elements(5), alloc)
            .deep_clone()
            .map(|copy| {
                let (shape, strides) = ([5], [1]);
                kornia_tensor::TensorParts {
                    storage: copy,
                    shape,
                    strides,
                }
            })
            .and_then(Tensor::try_from_parts)
    }),
];

/// Every maker refuses the block with an error that `expected` accepts, and lets go of it.
#[track_caller]
fn assert_refused(what: &str, lies: Lies, expected: fn(&TensorError) -> bool) {
    for (maker, make) in MAKERS {
        let ledger = Ledger::new();
        let error = make(&ledger, lair(&ledger, lies))
            .map(drop)
            .expect_err(what);
        assert!(expected(&error), "{what}, {maker}: {error:?}");
        ledger.assert_settled();
        let order: Vec<_> = ledger
            .events()
            .into_iter()
            .filter(|event| matches!(event, Event::Returned(..) | Event::AllocatorGone))
            .collect();
        assert!(
            matches!(order[..], [Event::Returned(..), Event::AllocatorGone]),
            "{what}, {maker}: the block goes before its allocator, not {order:?}"
        );
    }
    let ledger = Ledger::new();
    let zeros = Tensor::<u64, 1>::try_zeros_in([5], lair(&ledger, lies));
    if !expected(&TensorError::NotHostAccessible { domain: DEVICE }) {
        let error = zeros.map(drop).expect_err(what);
        assert!(expected(&error), "{what}, zeros: {error:?}");
    }
    ledger.assert_settled();
}

const DEVICE: MemoryDomain = MemoryDomain::Device { id: 3 };

#[test]
fn a_block_that_is_too_small_is_refused() {
    assert_refused(
        "one byte less",
        |_, question, _| if question == Len { Plus(-1) } else { Truth },
        |error| {
            matches!(error, TensorError::StorageError(TensorAllocatorError::BadBlock { expected, found })
                if *found + 1 == *expected && *expected >= 5 * size_of::<u64>())
        },
    );
}

#[test]
fn a_misaligned_block_is_refused() {
    assert_refused(
        "one byte off",
        |_, question, _| if question == Ptr { Plus(1) } else { Truth },
        |error| {
            matches!(error, TensorError::Misaligned { address, align }
                if *align == align_of::<u64>() && address % align == 1)
        },
    );
}

#[test]
fn no_block_at_all_is_refused() {
    assert_refused(
        "null",
        |_, question, _| if question == Ptr { Null } else { Truth },
        |error| *error == TensorAllocatorError::NullPointer.into(),
    );
}

#[test]
fn a_block_that_cannot_be_written_is_refused() {
    assert_refused(
        "read-only",
        |_, question, _| if question == ReadOnly { Yes } else { Truth },
        |error| {
            // The default `allocate_zeroed` sees it first, and says so in words.
            *error == TensorError::ReadOnlyStorage || error.to_string().contains("cannot write")
        },
    );
}

#[test]
fn a_block_the_host_cannot_reach_takes_no_elements_from_the_host() {
    assert_refused(
        "device",
        |_, question, _| if question == Domain { Device } else { Truth },
        |error| *error == TensorError::NotHostAccessible { domain: DEVICE },
    );
    let ledger = Ledger::new();
    let device = lair(
        &ledger,
        |_, question, _| {
            if question == Domain { Device } else { Truth }
        },
    );
    let error = Tensor::<u8, 1>::try_zeros_in([4], device).unwrap_err();
    assert!(error.to_string().contains("cannot write zeros"), "{error}");
    ledger.assert_settled();
}

#[test]
fn a_block_that_panics_when_asked_is_given_back() {
    let panics: [Lies; 4] = [
        |_, question, _| if question == Ptr { Panic } else { Truth },
        |_, question, _| if question == Len { Panic } else { Truth },
        |_, question, _| if question == Domain { Panic } else { Truth },
        |_, question, _| if question == ReadOnly { Panic } else { Truth },
    ];
    for lies in panics {
        for (maker, make) in MAKERS {
            let ledger = Ledger::new();
            let panic = caught(|| make(&ledger, lair(&ledger, lies)).map(drop));
            assert_eq!(panic.expect_err(maker).text, "this answer panics");
            ledger.assert_settled();
        }
        let ledger = Ledger::new();
        let zeros = caught(|| Tensor::<u64, 1>::try_zeros_in([5], lair(&ledger, lies)));
        assert_eq!(zeros.unwrap_err().text, "this answer panics");
        ledger.assert_settled();
    }
}

/// Fills, reads, copies, moves and drops a tensor over a block that lies from the second time
/// it is asked; the answers it gave first must go on counting.
fn exercise(what: &str, lies: Lies) {
    for (maker, make) in MAKERS {
        let ledger = Ledger::new();
        let mut t = make(&ledger, lair(&ledger, lies)).unwrap();
        let numbers: Vec<_> = t.iter().map(Element::number).collect();
        assert_eq!(numbers.len(), 5, "{what}, {maker}");
        t.view_mut()[[4]] = ledger.element();
        assert_eq!(t.as_slice()[..4].len(), 4);
        let window = t.slice((1..3,));
        assert_eq!(window[[0]].number(), numbers[1], "{what}, {maker}");
        assert_eq!(t.storage().domain(), MemoryDomain::Host, "{what}, {maker}");
        assert_eq!(
            t.retained_bytes(),
            5 * size_of::<Element>(),
            "{what}, {maker}"
        );
        let villain = t.storage().resource().unwrap().as_any();
        let asked = villain.downcast_ref::<Villain>().unwrap();
        let asked = asked.asked.each_ref().map(|count| count.load(SeqCst));
        assert!(
            asked.iter().all(|&count| count <= 1),
            "{what}, {maker}: {asked:?}"
        );
        let t = t.try_into_vec().unwrap_err();
        drop(window);
        drop(t);
        ledger.assert_settled();
    }
}

#[test]
fn a_block_is_asked_once_and_its_answers_are_kept() {
    exercise("honest", |_, _, _| Truth);
    exercise("moves", |_, question, before| match (question, before) {
        (Ptr, 1..) => Plus(8),
        _ => Truth,
    });
    exercise("shrinks", |_, question, before| match (question, before) {
        (Len, 1..) => Plus(-5),
        _ => Truth,
    });
    exercise("grows", |_, question, before| match (question, before) {
        (Len, 1..) => Plus(1 << 40),
        _ => Truth,
    });
    exercise("boasts", |_, question, _| match question {
        Len => Plus(1 << 40),
        _ => Truth,
    });
    exercise("moves away", |_, question, before| {
        match (question, before) {
            (Domain, 1..) => Device,
            _ => Truth,
        }
    });
    exercise("locks itself", |_, question, before| {
        match (question, before) {
            (ReadOnly, 1..) => Yes,
            _ => Truth,
        }
    });
    exercise("panics later", |_, _, before| match before {
        0 => Truth,
        _ => Panic,
    });
}

#[test]
fn zeros_of_a_block_that_changes_its_mind_are_zeros_or_an_error() {
    let changes: [Lies; 6] = [
        |_, question, before| match (question, before) {
            (Len, 0) => Plus(-40),
            _ => Truth,
        },
        |_, question, before| match (question, before) {
            (Len, 1..) => Plus(-40),
            _ => Truth,
        },
        |_, question, before| match (question, before) {
            (Len, 1..) => Plus(1 << 30),
            _ => Truth,
        },
        |_, question, before| match (question, before) {
            (Domain, 1..) => Device,
            _ => Truth,
        },
        |_, question, before| match (question, before) {
            (Ptr, 1..) => Plus(8),
            _ => Truth,
        },
        |_, question, before| match (question, before) {
            (ReadOnly, 1..) => Yes,
            _ => Truth,
        },
    ];
    for (number, lies) in changes.into_iter().enumerate() {
        let ledger = Ledger::new();
        if let Ok(t) = Tensor::<u64, 1>::try_zeros_in([5], lair(&ledger, lies)) {
            match t.try_view() {
                Ok(view) => assert!(view.iter().all(|&x| x == 0), "{number}"),
                Err(error) => assert_eq!(
                    error,
                    TensorError::NotHostAccessible { domain: DEVICE },
                    "{number}"
                ),
            }
        }
        ledger.assert_settled();
    }
}

#[test]
fn an_allocator_that_fails_is_quoted() {
    struct Broken(fn() -> TensorAllocatorError);
    // SAFETY: gives no block.
    unsafe impl TensorAllocator for Broken {
        fn allocate(&self, _: Layout) -> Result<Box<dyn MemoryResource>, TensorAllocatorError> {
            Err(self.0())
        }
    }
    let errors: [fn() -> TensorAllocatorError; 3] = [
        || TensorAllocatorError::CannotAllocateForeign,
        || TensorAllocatorError::NullPointer,
        || TensorAllocatorError::AllocationFailed("the device is on fire".into()),
    ];
    for error in errors {
        for (maker, make) in MAKERS {
            let ledger = Ledger::new();
            let refused = make(&ledger, Arc::new(Broken(error))).map(drop);
            assert_eq!(refused, Err(TensorError::StorageError(error())), "{maker}");
            ledger.assert_settled();
        }
        let zeros = Tensor::<u8, 1>::try_zeros_in([3], Arc::new(Broken(error)));
        assert_eq!(zeros.map(drop), Err(error().into()));
    }
}

#[test]
fn an_adopted_block_is_checked_like_a_fresh_one() {
    let adopt = |lies: Lies, len: usize| {
        let ledger = Ledger::new();
        let layout = Layout::array::<u64>(4).unwrap();
        let block = Lair {
            lies,
            ledger: ledger.clone(),
        }
        .allocate(layout)
        .unwrap();
        // SAFETY: the memory is zeroed, and `u64` needs no more than that.
        let storage = unsafe { TensorStorage::<u64>::from_resource(block, len, host_alloc()) };
        let result = storage.map(|storage| storage.as_slice().to_vec());
        ledger.assert_settled();
        result
    };
    assert_eq!(adopt(|_, _, _| Truth, 4), Ok(vec![0; 4]));
    assert_eq!(adopt(|_, _, _| Truth, 3), Ok(vec![0; 3]));
    let small = TensorAllocatorError::BadBlock {
        expected: 40,
        found: 32,
    };
    assert_eq!(adopt(|_, _, _| Truth, 5), Err(small.into()));
    assert_eq!(
        adopt(|_, _, _| Truth, usize::MAX / 8)
            .map(drop)
            .unwrap_err()
            .to_string(),
        "18446744073709551608 bytes could not be allocated; use a smaller shape"
    );
    assert_eq!(
        adopt(|_, _, _| Truth, usize::MAX)
            .map(drop)
            .unwrap_err()
            .to_string(),
        "18446744073709551615 bytes could not be allocated; use a smaller shape"
    );
    let null = adopt(|_, q, _| if q == Ptr { Null } else { Truth }, 4);
    assert_eq!(null, Err(TensorAllocatorError::NullPointer.into()));
    let odd = adopt(|_, q, _| if q == Ptr { Plus(4) } else { Truth }, 4);
    assert!(matches!(odd, Err(TensorError::Misaligned { align: 8, .. })));
    let locked = adopt(|_, q, _| if q == ReadOnly { Yes } else { Truth }, 4);
    assert_eq!(locked, Err(TensorError::ReadOnlyStorage));
}
