//! Who may write, who must copy, who gets the `Vec`: every cell of the table in the crate's
//! documentation, and that a panicking front says what its checked twin returns.

mod common;

use std::fmt::Debug;
use std::sync::Arc;

use common::{Ledger, Panic, caught};
use kornia_tensor::{
    AlignedAllocator, MemoryDomain, SharedWith, Tensor, TensorAllocatorError, TensorError,
    TensorStorage, host_alloc,
};

/// The columns of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Contiguous,
    Shared,
    ReadOnly,
    Strided,
}
use State::*;

const STATES: [State; 4] = [Contiguous, Shared, ReadOnly, Strided];

/// What every tensor below looks like to its reader, as `[[0, 1, 2], [3, 4, 5]]`.
const ELEMENTS: [i32; 6] = [0, 1, 2, 3, 4, 5];
/// The same elements as the columns of a 3 x 2 matrix.
const TURNED: [i32; 6] = [0, 3, 1, 4, 2, 5];

/// A tensor in some state, and those who watch what happens to its memory.
struct Case {
    t: Tensor<i32, 2>,
    other: Option<Tensor<i32, 2>>,
    source: Arc<Vec<i32>>,
}

impl Case {
    fn new(state: State) -> Self {
        Self::with(state == Shared, state == ReadOnly, state == Strided)
    }

    fn with(shared: bool, read_only: bool, strided: bool) -> Self {
        let elements = if strided { TURNED } else { ELEMENTS };
        let shape = if strided { [3, 2] } else { [2, 3] };
        let source = Arc::new(elements.to_vec());
        let whole = if read_only {
            // SAFETY: the `Arc` keeps the elements in place, and nobody writes to them.
            unsafe {
                Tensor::from_borrowed_readonly(
                    shape,
                    source.as_ptr(),
                    6,
                    MemoryDomain::Host,
                    source.clone(),
                )
            }
        } else {
            Tensor::from_shape_vec(shape, elements.to_vec())
        };
        let whole = whole.unwrap();
        let t = if strided { whole.transpose() } else { whole };
        let other = shared.then(|| t.clone());
        Self { t, other, source }
    }

    /// Everything but `t` still has its elements.
    #[track_caller]
    fn assert_bystanders_untouched(&self) {
        if let Some(other) = &self.other {
            assert_eq!(other.view().to_vec(), ELEMENTS, "the other handle");
        }
        assert!(
            [ELEMENTS, TURNED].contains(&self.source[..].try_into().unwrap()),
            "the source: {:?}",
            self.source
        );
    }
}

fn not_contiguous() -> TensorError {
    TensorError::NotContiguous {
        shape: [2, 3].into(),
        strides: [1, 2].into(),
    }
}

/// A panic of this file with the text of an error.
#[track_caller]
fn assert_says(panic: &Panic, error: &TensorError, what: impl Debug) {
    if cfg!(feature = "diagnose") && matches!(error, TensorError::SharedStorage(_)) {
        // And who they are; `tests/diagnose.rs` reads on.
        let begins = panic.text.starts_with("storage is shared with 1 other ");
        assert!(begins, "{what:?}: {panic:?}");
    } else {
        assert_eq!(panic.text, error.to_string(), "{what:?}");
    }
    assert!(panic.file.ends_with("ownership.rs"), "{what:?}: {panic:?}");
}

/// The checked call gives `expected`, and the panicking one the same or a panic that says so.
#[track_caller]
fn assert_twins<R: Debug + PartialEq>(
    state: State,
    expected: Result<R, TensorError>,
    checked: impl FnOnce(&mut Tensor<i32, 2>) -> Result<R, TensorError>,
    panicking: impl FnOnce(&mut Tensor<i32, 2>) -> R,
) {
    let mut case = Case::new(state);
    assert_eq!(checked(&mut case.t), expected, "{state:?}");
    let mut case = Case::new(state);
    match (caught(|| panicking(&mut case.t)), expected) {
        (Ok(value), Ok(expected)) => assert_eq!(value, expected, "{state:?}"),
        (Err(panic), Err(error)) => assert_says(&panic, &error, state),
        (outcome, expected) => panic!("{state:?}: {outcome:?} instead of {expected:?}"),
    }
}

#[test]
fn as_slice_needs_row_major_order_and_nothing_else() {
    let all = || Ok(ELEMENTS.to_vec());
    let row = [all(), all(), all(), Err(not_contiguous())];
    for (state, expected) in STATES.into_iter().zip(row) {
        assert_twins(
            state,
            expected.clone(),
            |t| t.try_as_slice().map(<[i32]>::to_vec),
            |t| t.as_slice().to_vec(),
        );
        assert_twins(
            state,
            expected,
            |t| t.view().try_as_slice().map(<[i32]>::to_vec),
            |t| t.view().as_slice().to_vec(),
        );
    }
}

#[test]
fn view_reads_everything() {
    for state in STATES {
        assert_twins(
            state,
            Ok(ELEMENTS.to_vec()),
            |t| t.try_view().map(|view| view.to_vec()),
            |t| t.view().to_vec(),
        );
        let case = Case::new(state);
        assert_eq!(case.t[[1, 0]], 3, "{state:?}");
        assert_eq!(case.t.get([1, 2]), Some(&5), "{state:?}");
    }
}

#[test]
fn as_mut_slice_needs_the_sole_handle_of_writable_row_major_memory() {
    let row = [
        Ok(ELEMENTS.to_vec()),
        Err(TensorError::SharedStorage(SharedWith::default())),
        Err(TensorError::ReadOnlyStorage),
        Err(not_contiguous()),
    ];
    for (state, expected) in STATES.into_iter().zip(row) {
        assert_twins(
            state,
            expected.clone(),
            |t| t.try_as_mut_slice().map(|s| s.to_vec()),
            |t| t.as_mut_slice().to_vec(),
        );
        // 0.2.0's name
        assert_twins(
            state,
            expected,
            |t| t.try_as_mut_slice().map(|s| s.to_vec()),
            |t| t.as_slice_mut().to_vec(),
        );
    }
}

#[test]
fn view_mut_needs_the_sole_handle_of_writable_memory_in_any_layout() {
    let all = || Ok(ELEMENTS.to_vec());
    let row = [
        all(),
        Err(TensorError::SharedStorage(SharedWith::default())),
        Err(TensorError::ReadOnlyStorage),
        all(),
    ];
    for (state, expected) in STATES.into_iter().zip(row) {
        assert_twins(
            state,
            expected,
            |t| t.try_view_mut().map(|view| view.view().to_vec()),
            |t| t.view_mut().view().to_vec(),
        );
    }
    let mut case = Case::new(Strided);
    let address = case.t.as_ptr();
    case.t.view_mut()[[1, 0]] = 30;
    assert_eq!(case.t.view().to_vec(), [0, 1, 2, 30, 4, 5]);
    assert_eq!((case.t.as_ptr(), case.t.strides()), (address, &[1, 2]));
}

#[test]
fn as_mut_ptr_needs_the_sole_handle_of_writable_memory() {
    let row = [
        None,
        Some(TensorError::SharedStorage(SharedWith::default())),
        Some(TensorError::ReadOnlyStorage),
        None,
    ];
    for (state, expected) in STATES.into_iter().zip(row) {
        let Case { mut t, .. } = Case::new(state);
        // The state is kept: a dropped `other` would end the sharing.
        let other = (state == Shared).then(|| t.clone());
        match (caught(|| t.as_mut_ptr().addr()), expected) {
            (Ok(address), None) => assert_eq!(address, t.as_ptr().addr()),
            (Err(panic), Some(error)) => assert_says(&panic, &error, state),
            (outcome, _) => panic!("{state:?}: {outcome:?}"),
        }
        drop(other);
    }
    // With a negative stride the first element is not the first of the memory.
    let mut flipped = Case::new(Contiguous).t.flip(0);
    // SAFETY: the sole handle, and the first element lies in its memory.
    unsafe { flipped.as_mut_ptr().write(30) };
    assert_eq!(flipped.view().to_vec(), [30, 4, 5, 0, 1, 2]);
}

#[test]
fn the_panic_of_a_write_to_read_only_memory_says_read_only() {
    type Write = fn(&mut Tensor<i32, 2>);
    let writes: [(&str, Write); 5] = [
        ("as_mut_slice", |t| t.as_mut_slice()[0] = 1),
        ("as_slice_mut", |t| t.as_slice_mut()[0] = 1),
        ("view_mut", |t| t.view_mut()[[0, 0]] = 1),
        ("as_mut_ptr", |t| assert!(!t.as_mut_ptr().is_null())),
        ("From<&mut Tensor>", |t| {
            kornia_tensor::TensorViewMut::from(t).fill(1);
        }),
    ];
    for (what, write) in writes {
        let mut case = Case::new(ReadOnly);
        let panic = caught(|| write(&mut case.t)).unwrap_err();
        assert!(panic.text.contains("read-only"), "{what}: {panic:?}");
        assert!(panic.file.ends_with("ownership.rs"), "{what}: {panic:?}");
        case.assert_bystanders_untouched();
    }
}

/// Dropping the other handles would not help, so that is not what it says.
#[test]
fn read_only_memory_is_read_only_also_while_it_is_shared() {
    for strided in [false, true] {
        let mut case = Case::with(true, true, strided);
        let refused = case.t.try_as_mut_slice();
        assert_eq!(refused, Err(TensorError::ReadOnlyStorage));
        let refused = case.t.try_view_mut().map(|view| view.numel());
        assert_eq!(refused, Err(TensorError::ReadOnlyStorage));
        let panic = caught(|| case.t.as_mut_ptr()).unwrap_err();
        assert_says(&panic, &TensorError::ReadOnlyStorage, strided);
    }
}

/// Shared, read-only and strided in every combination.
fn combinations() -> impl Iterator<Item = [bool; 3]> {
    (0..8).map(|bits| [bits & 1 != 0, bits & 2 != 0, bits & 4 != 0])
}

#[test]
fn make_mut_copies_only_when_it_must_and_leaves_the_others_alone() {
    for [shared, read_only, strided] in combinations() {
        let what = format!("shared {shared}, read-only {read_only}, strided {strided}");
        for panicking in [false, true] {
            let mut case = Case::with(shared, read_only, strided);
            let (address, strides) = (case.t.as_ptr(), *case.t.strides());
            let mut view = if panicking {
                case.t.make_mut()
            } else {
                case.t.try_make_mut().unwrap()
            };
            view[[1, 0]] = 30;
            let seen = (*view.shape(), *view.strides());
            assert_eq!(seen, (*case.t.shape(), *case.t.strides()), "{what}");
            assert_eq!(case.t.view().to_vec(), [0, 1, 2, 30, 4, 5], "{what}");
            if shared || read_only {
                assert_ne!(case.t.as_ptr(), address, "{what}");
                assert_eq!(case.t.strides(), &[3, 1], "{what}");
                assert_eq!(case.t.retained_bytes(), 24, "{what}");
            } else {
                assert_eq!(case.t.as_ptr(), address, "{what}");
                assert_eq!(case.t.strides(), &strides, "{what}");
            }
            assert!(case.t.is_unique(), "{what}");
            case.assert_bystanders_untouched();
        }
    }
}

#[test]
fn make_mut_slice_also_copies_what_is_strided() {
    for [shared, read_only, strided] in combinations() {
        let what = format!("shared {shared}, read-only {read_only}, strided {strided}");
        for panicking in [false, true] {
            let mut case = Case::with(shared, read_only, strided);
            let address = case.t.as_ptr();
            let slice = if panicking {
                case.t.make_mut_slice()
            } else {
                case.t.try_make_mut_slice().unwrap()
            };
            assert_eq!(slice, ELEMENTS, "{what}");
            slice[3] = 30;
            assert_eq!(case.t.view().to_vec(), [0, 1, 2, 30, 4, 5], "{what}");
            let moved = case.t.as_ptr() != address;
            assert_eq!(moved, shared || read_only || strided, "{what}");
            assert_eq!(case.t.strides(), &[3, 1], "{what}");
            case.assert_bystanders_untouched();
        }
    }
}

#[test]
fn make_mut_of_a_crop_copies_the_crop_and_not_the_frame() {
    let frame = Tensor::<u8, 2>::full([100, 100], 7);
    let mut crop = frame.slice((10..14, 20..25));
    crop.make_mut().fill(9);
    assert_eq!(crop.retained_bytes(), 20);
    assert!(frame.iter().all(|&pixel| pixel == 7));
    assert!(crop.iter().all(|&pixel| pixel == 9));
}

/// A tensor that is shared, in memory of an allocator that gives no second block.
fn at_the_limit(ledger: &Ledger) -> (Tensor<i32, 2>, Tensor<i32, 2>) {
    let alloc = ledger.allocator_for(1);
    let whole = Tensor::from_shape_vec_in([3, 2], TURNED.to_vec(), alloc).unwrap();
    (whole.transpose(), whole)
}

#[test]
fn a_copy_that_cannot_be_made_leaves_the_tensor_as_it_was() {
    let ledger = Ledger::new();
    let refusal = TensorAllocatorError::AllocationFailed("out of blocks".into());
    let refusal = TensorError::StorageError(refusal);
    let (mut t, other) = at_the_limit(&ledger);
    let (address, strides) = (t.as_ptr(), *t.strides());

    assert_eq!(t.try_make_mut().map(drop), Err(refusal.clone()));
    assert_eq!(t.try_make_mut_slice().map(drop), Err(refusal.clone()));
    assert_eq!(t.deep_clone().map(drop), Err(refusal.clone()));
    assert_eq!(t.clone().try_contiguous().map(drop), Err(refusal.clone()));
    let panic = caught(|| t.make_mut().numel()).unwrap_err();
    assert_says(&panic, &refusal, "make_mut");
    let panic = caught(|| t.make_mut_slice().len()).unwrap_err();
    assert_says(&panic, &refusal, "make_mut_slice");
    let panic = caught(|| t.clone().contiguous()).unwrap_err();
    assert_says(&panic, &refusal, "contiguous");

    assert_eq!((t.as_ptr(), *t.strides()), (address, strides));
    assert_eq!(t.view().to_vec(), ELEMENTS);
    assert!(t.shares_memory_with(&other));
    drop(other);
    t.try_make_mut().unwrap()[[1, 0]] = 30; // needs no memory any more
    assert_eq!(t.as_ptr(), address);
    drop(t);
    ledger.assert_settled();
}

/// Has no `Clone`; a `Vec` of it can be had back all the same.
#[derive(Debug, PartialEq)]
struct NoClone(u8);

#[test]
fn try_into_vec_gives_the_vec_or_the_tensor() {
    for [shared, read_only, strided] in combinations() {
        let what = format!("shared {shared}, read-only {read_only}, strided {strided}");
        let case = Case::with(shared, read_only, strided);
        let (address, strides) = (case.t.as_ptr(), *case.t.strides());
        match case.t.try_into_vec() {
            Ok(elements) => {
                assert!(!(shared || read_only || strided), "{what}");
                assert_eq!((elements.as_ptr(), &elements[..]), (address, &ELEMENTS[..]));
            }
            Err(t) => {
                assert!(shared || read_only || strided, "{what}");
                assert_eq!((t.as_ptr(), *t.strides()), (address, strides), "{what}");
                assert_eq!(t.view().to_vec(), ELEMENTS, "{what}");
                assert_eq!(t.is_unique(), !shared, "{what}");
            }
        }
    }
    let t = Tensor::from_shape_vec([2], vec![NoClone(1), NoClone(2)]).unwrap();
    assert_eq!(t.into_vec(), [NoClone(1), NoClone(2)]);
}

/// A tensor that is no `Vec`.
struct Refusal {
    what: &'static str,
    t: Tensor<i32, 2>,
    /// The other handle, where that is the reason.
    _other: Option<Tensor<i32, 2>>,
    /// How `into_vec` says so.
    text: String,
}

fn refusals() -> Vec<Refusal> {
    let refusal = |what, t, text: String| Refusal {
        what,
        t,
        _other: None,
        text,
    };
    let Case { mut t, other, .. } = Case::new(Shared);
    let others = match t.try_as_mut_slice().unwrap_err() {
        TensorError::SharedStorage(others) => others.to_string(),
        error => panic!("{error}"),
    };
    let shared = format!(
        "Vec of 6 elements is shared with {others}; use `to_vec` on a view to copy it, or drop the \
         others first"
    );
    let page = Arc::new(AlignedAllocator::new(4096).unwrap());
    let block = Tensor::from_shape_vec_in([2, 3], ELEMENTS.to_vec(), page).unwrap();
    let parent = Tensor::from_shape_vec([4, 3], vec![0; 12]).unwrap();
    let window = parent.slice((1..3, ..));
    drop(parent);
    let no_vec = |owner| {
        format!(
            "6 elements of {owner} memory cannot become a Vec; use `to_vec` on a view to copy them"
        )
    };
    let not_whole = "window of 6 of 12 elements cannot become a Vec; use `to_vec` on a view to \
                     copy it";
    vec![
        refusal(
            "strided",
            Case::new(Strided).t,
            not_contiguous().to_string(),
        ),
        Refusal {
            _other: other,
            ..refusal("shared", t, shared)
        },
        refusal("block", block, no_vec("Block")),
        refusal("foreign", Case::new(ReadOnly).t, no_vec("Foreign")),
        refusal("window", window, not_whole.into()),
    ]
}

#[test]
fn into_vec_says_which_of_its_conditions_fails() {
    for Refusal {
        what,
        t,
        _other,
        text,
    } in refusals()
    {
        let panic = caught(|| t.into_vec()).unwrap_err();
        assert_eq!(panic.text, text, "{what}");
        assert!(panic.file.ends_with("ownership.rs"), "{what}: {panic:?}");
    }
    for Refusal {
        what, t, _other, ..
    } in refusals()
    {
        let (address, elements) = (t.as_ptr(), t.view().to_vec());
        let t = t.try_into_vec().unwrap_err();
        assert_eq!(
            (t.as_ptr(), t.view().to_vec()),
            (address, elements),
            "{what}"
        );
    }
    // The same of a storage, which knows no order.
    for Refusal {
        what,
        t,
        _other,
        text,
    } in refusals()
    {
        let storage = t.into_parts().storage;
        match caught(|| storage.into_vec()) {
            Ok(elements) => assert_eq!((what, elements), ("strided", TURNED.to_vec())),
            Err(panic) => {
                assert_eq!(panic.text, text, "{what}");
                assert!(panic.file.ends_with("ownership.rs"), "{what}: {panic:?}");
            }
        }
    }
}

#[test]
fn deep_clone_is_fresh_and_unique_and_in_standard_layout() {
    for [shared, read_only, strided] in combinations() {
        let what = format!("shared {shared}, read-only {read_only}, strided {strided}");
        let case = Case::with(shared, read_only, strided);
        let mut copy = case.t.deep_clone().unwrap();
        assert_ne!(copy.as_ptr(), case.t.as_ptr(), "{what}");
        assert_eq!(copy.strides(), &[3, 1], "{what}");
        assert!(copy.is_unique(), "{what}");
        assert_eq!(copy.as_slice(), ELEMENTS, "{what}");
        copy.as_mut_slice().fill(9);
        assert_eq!(case.t.view().to_vec(), ELEMENTS, "{what}");
        case.assert_bystanders_untouched();
    }
}

#[test]
fn contiguous_moves_what_is_contiguous_and_copies_what_is_not() {
    for [shared, read_only, strided] in combinations() {
        let what = format!("shared {shared}, read-only {read_only}, strided {strided}");
        for panicking in [false, true] {
            let case = Case::with(shared, read_only, strided);
            let address = case.t.as_ptr();
            let t = if panicking {
                case.t.contiguous()
            } else {
                case.t.try_contiguous().unwrap()
            };
            assert_eq!(t.as_slice(), ELEMENTS, "{what}");
            assert_eq!(t.strides(), &[3, 1], "{what}");
            assert_eq!(t.as_ptr() == address, !strided, "{what}");
            if let Some(other) = &case.other {
                assert_eq!(t.shares_memory_with(other), !strided, "{what}");
            }
        }
    }
}

#[test]
fn the_right_to_write_comes_back_when_the_other_handles_go() {
    let mut t = Tensor::from_shape_vec([2, 3], ELEMENTS.to_vec()).unwrap();
    let address = t.as_ptr();
    let handles = (t.clone(), t.slice((0, ..)), t.flip(1), t.storage().clone());
    let empty = t.slice((.., 0..0));
    assert_eq!(
        t.try_as_mut_slice(),
        Err(TensorError::SharedStorage(SharedWith::default()))
    );
    drop(handles);
    // A handle that reaches no element is still a handle.
    assert_eq!(
        t.try_as_mut_slice(),
        Err(TensorError::SharedStorage(SharedWith::default()))
    );
    drop(empty);
    t.as_mut_slice()[0] = 9;
    assert_eq!((t.as_ptr(), t[[0, 0]]), (address, 9));
    // Iterators of tensors hold one too.
    let rows = t.axis_iter(0);
    let mut last = t;
    assert_eq!(
        last.try_view_mut().err(),
        Some(TensorError::SharedStorage(SharedWith::default()))
    );
    drop(rows);
    last.view_mut().fill(1);
}

#[test]
fn a_window_that_outlives_its_parent_writes_its_own_elements_only() {
    let parent = Tensor::from_shape_vec([3, 3], (0..9).collect::<Vec<i32>>()).unwrap();
    let mut column = parent.slice((.., 1));
    drop(parent);
    column.view_mut().fill(50);
    assert_eq!(column.view().to_vec(), [50, 50, 50]);
    // The storage of a strided tensor is its span, with what lies between the elements.
    assert_eq!(column.storage().as_slice(), [50, 2, 3, 50, 5, 6, 50]);
}

#[test]
fn a_storage_has_the_same_door() {
    type Call = fn(&mut TensorStorage<u8>) -> bool;
    let calls: [Call; 2] = [
        |s| s.as_mut_slice().is_empty(),
        |s| s.as_mut_ptr().is_null(),
    ];
    let mut sole = TensorStorage::from_vec(vec![1u8, 2, 3], host_alloc());
    assert!(calls.iter().all(|call| !call(&mut sole)));
    let other = sole.clone();
    assert_eq!(
        sole.try_as_mut_slice(),
        Err(TensorError::SharedStorage(SharedWith::default()))
    );
    for call in calls {
        let panic = caught(|| call(&mut sole)).unwrap_err();
        let refusal = sole.try_as_mut_slice().unwrap_err();
        assert_says(&panic, &refusal, "storage");
    }
    let mut copy = sole.deep_clone().unwrap();
    copy.as_mut_slice()[0] = 9;
    assert_eq!((other.as_slice()[0], copy.as_slice()[0]), (1, 9));
    let sole = sole.try_into_vec().unwrap_err();
    drop(other);
    assert_eq!(sole.try_into_vec().unwrap(), [1, 2, 3]);
}

#[test]
fn is_unique_is_a_snapshot_of_the_handles() {
    let t = Tensor::<u8, 1>::zeros([4]);
    assert!(t.is_unique() && t.storage().is_unique());
    let window = t.slice((1..2,));
    assert!(!t.is_unique() && !window.is_unique());
    drop(t);
    assert!(window.is_unique());
}
