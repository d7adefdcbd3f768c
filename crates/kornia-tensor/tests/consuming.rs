//! The verbs that give up the tensor: the same result, through the one handle that went in.

#![allow(clippy::result_large_err)] // what comes back is a tensor, which is large with `diagnose`

mod common;

use common::caught;
use kornia_tensor::{OwnerRefused, Tensor, TensorError, step};

fn image() -> Tensor<u16, 3> {
    Tensor::from_shape_fn([4, 5, 3], |[y, x, c]| (100 * y + 10 * x + c) as u16)
}

/// The tensors that verbs are tried on: whole, cut, mirrored, turned and empty, each a sole
/// handle.
fn starts() -> Vec<Tensor<u16, 3>> {
    vec![
        image(),
        image().slice((1..4, step(.., 2), ..)),
        image().flip(0).flip(2),
        image().slice((.., 1..4, ..)).flip(1).transpose(),
        image().slice((.., 2..2, ..)).flip(1),
    ]
}

/// `giving_up` makes of a sole handle what `borrowing` makes of a tensor, and it stays the sole
/// handle of the same memory.
#[track_caller]
fn same<const M: usize>(
    what: &str,
    borrowing: impl Fn(&Tensor<u16, 3>) -> Tensor<u16, M>,
    giving_up: impl Fn(Tensor<u16, 3>) -> Tensor<u16, M>,
) {
    for start in starts() {
        let case = format!("{what} of {:?} {:?}", start.shape(), start.strides());
        let borrowed = borrowing(&start);
        let expected = (
            borrowed.layout(),
            borrowed.as_ptr(),
            borrowed.view().to_vec(),
        );
        drop(borrowed);
        let id = start.storage().id();

        let mut given_up = giving_up(start);
        let found = (
            given_up.layout(),
            given_up.as_ptr(),
            given_up.view().to_vec(),
        );
        assert_eq!(found, expected, "{case}");
        assert_eq!(given_up.storage().id(), id, "{case}");
        assert!(given_up.is_unique(), "{case}");
        given_up.view_mut().fill(7);
        assert!(given_up.iter().all(|&element| element == 7), "{case}");
    }
}

#[test]
fn a_sole_handle_stays_sole_and_can_be_written() {
    same(
        "slice",
        |t| t.slice((1, .., ..1)),
        |t| t.into_sliced((1, .., ..1)),
    );
    same(
        "try_slice",
        |t| t.slice((step(.., 2), .., ..)),
        |t| t.try_into_sliced((step(.., 2), .., ..)).unwrap(),
    );
    same("select", |t| t.select(2, 1), |t| t.into_selected(2, 1));
    same(
        "try_select",
        |t| t.select(0, 2),
        |t| t.try_into_selected(0, 2).unwrap(),
    );
    same(
        "narrow",
        |t| t.narrow(0, 1..3),
        |t| t.into_narrowed(0, 1..3),
    );
    same(
        "try_narrow",
        |t| t.narrow(2, ..2),
        |t| t.try_into_narrowed(2, ..2).unwrap(),
    );
    same(
        "permute_axes",
        |t| t.permute_axes([2, 0, 1]).unwrap(),
        |t| t.into_permuted([2, 0, 1]).unwrap(),
    );
    same("transpose", Tensor::transpose, Tensor::into_transposed);
    same("flip", |t| t.flip(1), |t| t.into_flipped(1));
    same(
        "try_flip",
        |t| t.flip(0),
        |t| t.try_into_flipped(0).unwrap(),
    );
    same(
        "insert_axis",
        |t| t.insert_axis(3),
        |t| t.into_inserted_axis(3),
    );
    same(
        "try_insert_axis",
        |t| t.insert_axis(0),
        |t| t.try_into_inserted_axis(0).unwrap(),
    );
    same(
        "remove_axis",
        |t| t.insert_axis(1).remove_axis(1),
        |t| t.into_inserted_axis(1).into_removed_axis(1),
    );
    same(
        "try_remove_axis",
        |t| t.narrow(0, 1..2).remove_axis(0),
        |t| t.into_narrowed(0, 1..2).try_into_removed_axis(0).unwrap(),
    );
    // Of layouts that no reshape refuses.
    let row = |t: &Tensor<u16, 3>| [t.shape()[0], t.shape()[1], 1, t.shape()[2]];
    same(
        "reshape",
        |t| t.reshape(row(t)).unwrap(),
        |t| {
            let shape = row(&t);
            t.into_reshaped(shape).unwrap()
        },
    );
    same(
        "flatten",
        |t| t.slice((1, .., 0)).flatten().unwrap(),
        |t| t.into_sliced((1, .., 0)).into_flattened().unwrap(),
    );
}

#[test]
fn shadowing_a_borrowing_verb_keeps_two_handles_and_this_keeps_one() {
    let t = image();
    let mut borrowed = t.reshape([60]).unwrap();
    assert!(matches!(
        borrowed.try_as_mut_slice(),
        Err(TensorError::SharedStorage { .. })
    ));
    drop(borrowed);

    let mut t = t.into_reshaped([60]).unwrap();
    t.as_mut_slice()[59] = 1;
    let t = t.into_reshaped([5, 12]).unwrap();
    assert_eq!(t.into_vec()[59], 1); // and the `Vec` can be had back
}

#[test]
fn another_handle_still_forbids_writing() {
    let t = image();
    let other = t.clone();
    let mut cut = t.into_sliced((.., .., 0));
    assert!(!cut.is_unique());
    assert!(matches!(
        cut.try_view_mut().map(drop),
        Err(TensorError::SharedStorage { .. })
    ));
    drop(other);
    cut.view_mut().fill(1);
}

/// `refused` gives back the very tensor, with the error that the borrowing verb has.
#[track_caller]
fn comes_back<R, S>(
    what: &str,
    borrowing: impl FnOnce(&Tensor<u16, 3>) -> Result<R, TensorError>,
    giving_up: impl FnOnce(Tensor<u16, 3>) -> Result<S, OwnerRefused<Tensor<u16, 3>>>,
) {
    let t = image().transpose();
    let error = borrowing(&t).err().expect(what);
    let before = (t.as_ptr(), t.layout());
    let mut refused = giving_up(t).err().expect(what);
    assert_eq!(refused.error, error, "{what}");
    assert_eq!(refused.to_string(), error.to_string(), "{what}");
    assert_eq!(
        (refused.owner.as_ptr(), refused.owner.layout()),
        before,
        "{what}"
    );
    refused.owner.view_mut().fill(0); // still the sole handle
    assert_eq!(TensorError::from(refused), error, "{what}");
}

#[test]
fn a_refused_tensor_comes_back() {
    comes_back(
        "slice",
        |t| t.try_slice((3, .., ..)),
        |t| t.try_into_sliced((3, .., ..)),
    );
    comes_back(
        "select",
        |t| t.try_select(3, 0),
        |t| t.try_into_selected(3, 0),
    );
    comes_back(
        "narrow",
        |t| t.try_narrow(0, 2..9),
        |t| t.try_into_narrowed(0, 2..9),
    );
    comes_back(
        "permute",
        |t| t.permute_axes([0, 0, 1]),
        |t| t.into_permuted([0, 0, 1]),
    );
    comes_back("flip", |t| t.try_flip(3), |t| t.try_into_flipped(3));
    comes_back("mismatch", |t| t.reshape([61]), |t| t.into_reshaped([61]));
    comes_back("needs copy", |t| t.reshape([60]), |t| t.into_reshaped([60]));
    comes_back(
        "too large",
        |t| t.reshape([1 << 40; 2]),
        |t| t.into_reshaped([1 << 40; 2]),
    );
    comes_back("flatten", |t| t.flatten(), |t| t.into_flattened());
    comes_back(
        "insert",
        |t| t.try_insert_axis(4),
        |t| t.try_into_inserted_axis(4),
    );
    comes_back(
        "remove",
        |t| t.try_remove_axis(0),
        |t| t.try_into_removed_axis(0),
    );
}

#[test]
fn panics_have_the_text_of_the_borrowing_verb_and_the_line_of_the_call() {
    #[track_caller]
    fn alike<R, S>(
        borrowing: impl FnOnce(&Tensor<u16, 3>) -> R,
        giving_up: impl FnOnce(Tensor<u16, 3>) -> S,
    ) {
        let expected = caught(|| borrowing(&image())).err().expect("refused").text;
        let found = caught(|| giving_up(image())).err().expect("refused");
        assert_eq!(found.text, expected);
        assert!(found.file.ends_with("consuming.rs"), "{found:?}");
    }
    alike(|t| t.slice((4, .., ..)), |t| t.into_sliced((4, .., ..)));
    alike(|t| t.select(0, 4), |t| t.into_selected(0, 4));
    alike(|t| t.narrow(0, 5..), |t| t.into_narrowed(0, 5..));
    alike(|t| t.flip(3), |t| t.into_flipped(3));
    alike(|t| t.insert_axis(4), |t| t.into_inserted_axis(4));
    alike(|t| t.remove_axis(0), |t| t.into_removed_axis(0));
}

#[test]
fn a_question_mark_turns_a_refusal_into_its_error() {
    fn to_plane(frame: Tensor<u16, 3>) -> Result<Tensor<u16, 2>, TensorError> {
        Ok(frame.into_reshaped([4, 5])?)
    }
    let text = to_plane(image()).unwrap_err().to_string();
    assert_eq!(text, image().reshape([4, 5]).unwrap_err().to_string());
}
