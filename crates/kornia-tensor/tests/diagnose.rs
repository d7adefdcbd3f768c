//! Handles that remember where they were made.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::thread;

use kornia_tensor::{SharedWith, Tensor, TensorError, TensorStorage, host_alloc, step};

/// The line of the call.
#[track_caller]
fn here() -> u32 {
    Location::caller().line()
}

/// `[H, W, C]`
fn image() -> Tensor<u8, 3> {
    Tensor::from_shape_fn([4, 6, 3], |[y, x, c]| (y + x + c) as u8)
}

/// The lines of this file where the other handles were made.
#[track_caller]
fn lines<T, const N: usize>(t: &Tensor<T, N>) -> Vec<u32> {
    let holders = t.storage().holders();
    let foreign: Vec<_> = holders.iter().filter(|h| h.file() != file!()).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    holders.iter().map(|holder| holder.line()).collect()
}

#[test]
fn a_refused_write_names_the_others_and_where_they_were_made() {
    let mut t = image();
    let (worker, first) = (t.clone(), here());
    let (display, second) = (t.slice((..2, .., ..)), here());
    let error = t.try_as_mut_slice().unwrap_err();
    let file = file!();
    let text = format!(
        "storage is shared with 2 other tensors, made at {file}:{first} and {file}:{second}; use \
         `make_mut` to write to a copy, or drop the others first: `let t = t.reshape(..)` keeps \
         the old `t`, `into_reshaped` does not"
    );
    assert_eq!(error.to_string(), text);
    assert_eq!(t.try_view_mut().unwrap_err().to_string(), text);
    let panic = catch_unwind(AssertUnwindSafe(|| t.as_mut_slice().len())).unwrap_err();
    assert_eq!(panic.downcast_ref::<String>(), Some(&text));

    drop(worker);
    let text = format!(
        "storage is shared with 1 other tensor, made at {file}:{second}; use `make_mut` to \
         write to a copy, or drop the others first: `let t = t.reshape(..)` keeps the old `t`, \
         `into_reshaped` does not"
    );
    assert_eq!(t.try_as_mut_slice().unwrap_err().to_string(), text);
    assert!(error.to_string().contains("2 other"), "that was then");
    drop(display);
    assert!(t.try_as_mut_slice().is_ok());
}

#[test]
fn it_is_the_same_error_whoever_the_others_are() {
    let mut t = image();
    let _other = t.clone();
    let one = t.try_as_mut_slice().unwrap_err();
    let _another = t.clone();
    let two = t.try_as_mut_slice().unwrap_err();
    assert_ne!(one.to_string(), two.to_string());
    assert_eq!(one, two);
    assert_eq!(one, TensorError::SharedStorage(SharedWith::default()));
    assert_eq!(SharedWith::default().to_string(), "other tensors");
    assert!(format!("{one:?}").starts_with("storage is shared with 1 other tensor, made at "));
}

#[test]
fn many_handles_are_counted_and_few_places_named() {
    let mut t = image();
    let (crowd, line) = (Vec::from_iter((0..10).map(|_| t.clone())), here());
    let text = t.try_as_mut_slice().unwrap_err().to_string();
    let expected = format!(
        "with 10 other tensors, made at {}:{line} (10 of them);",
        file!()
    );
    assert!(text.contains(&expected), "{text}");
    let (a, first) = (t.clone(), here());
    let (b, second) = ([t.clone(), t.clone()], here());
    let (c, third) = (t.clone(), here());
    let d = t.clone();
    let e = [t.clone(), t.clone()];
    let text = t.try_as_mut_slice().unwrap_err().to_string();
    let file = file!();
    let expected = format!(
        "(10 of them), {file}:{first}, {file}:{second} (2 of them), {file}:{third} and 3 \
         elsewhere; use"
    );
    assert!(text.contains(&expected), "{text}\n{expected}");
    drop((crowd, a, b, c, d, e));
    assert!(t.try_as_mut_slice().is_ok());
}

#[test]
fn every_verb_is_placed_where_it_is_called() {
    let t = image();
    let made = t.storage().holders().len();
    assert_eq!(made, 1);
    let begin = here();
    let handles = (
        t.slice((1..3, .., ..)),
        t.try_slice((.., step(.., 2), ..)).unwrap(),
        t.select(2, 0),
        t.narrow(1, 2..4),
        t.permute_axes([2, 0, 1]).unwrap(),
        t.flip(0),
        t.try_flip(1).unwrap(),
        t.reshape([24, 3]).unwrap(),
        t.flatten().unwrap(),
        t.insert_axis::<4>(0),
        (t.split_at(0, 2), t.clone().contiguous()),
        t.storage().view(3, 4).unwrap(),
    );
    let lines: Vec<_> = t.storage().holders()[1..]
        .iter()
        .inspect(|holder| assert_eq!(holder.file(), file!()))
        .map(|holder| holder.line() - begin)
        .collect();
    assert_eq!(lines, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 12, 12, 13]);
    drop(handles);
    assert_eq!(t.storage().holders().len(), 1);
}

#[test]
fn pieces_are_placed_where_their_iterator_was_asked_for() {
    let t = image();
    let (chunks, line) = (t.chunks(0, 2), here());
    let chunks: Vec<_> = chunks.collect();
    let (tiles, next) = (t.tiles([2, 3, 3]), here());
    let tiles: Vec<_> = tiles.collect();
    let (planes, last) = (t.axis_iter::<2>(2), here());
    let planes: Vec<_> = planes.collect();
    let holders = t.storage().holders();
    let of = |line| holders.iter().filter(|h| h.line() == line).count();
    assert_eq!((of(line), of(next), of(last)), (2, 4, 3));
    drop((chunks, tiles, planes));
}

#[test]
fn copies_are_handles_of_their_own_memory() {
    let t = image();
    let (copy, line) = (t.deep_clone().unwrap(), here());
    assert_eq!(lines(&copy), [line]);
    let mut shared = t.clone();
    let line = here() + 1;
    shared.make_mut()[[0, 0, 0]] = 1;
    assert_eq!(lines(&shared), [line]);
    let big = Tensor::<u8, 1>::zeros([10_000]);
    let (small, line) = (big.slice([..10]).compact().unwrap(), here());
    assert_eq!(lines(&small), [line]);
}

#[test]
fn owned_parts_are_placed_where_they_were_cut_and_joined() {
    let whole = image().try_into_mut().unwrap();
    let ((top, bottom), line) = (whole.split_at(0, 2), here());
    let top = top.freeze();
    assert_eq!(lines(&top), [line, line]);
    let top = top.try_into_mut().unwrap_err(); // the other part is there
    drop(top);
    let whole = bottom.freeze().try_into_mut().unwrap();
    let (parts, line) = (whole.split_into(2), here());
    let [a, b] = parts.try_into().unwrap_or_else(|_| panic!("two parts"));
    let (joined, last) = (a.join(b).unwrap_or_else(|_| panic!("neighbours")), here());
    let joined = joined.freeze();
    assert!(line < last);
    assert_eq!(lines(&joined), [last]);
}

#[test]
fn handles_of_foreign_memory_are_placed_too() {
    let (t, line) = (Tensor::<u8, 1>::from_owner([3], [1, 2, 3]).unwrap(), here());
    assert_eq!(lines(&t), [line]);
    let (s, line) = (TensorStorage::from_vec(vec![1u8], host_alloc()), here());
    let holders = s.holders();
    assert_eq!((holders.len(), holders[0].line()), (1, line));
    let (s, line) = (TensorStorage::from_owner(vec![1u8]), here());
    assert_eq!(s.holders()[0].line(), line);
}

#[test]
fn constructors_and_results_are_placed_where_they_are_called() {
    let (zeros, line) = (Tensor::<u8, 1>::zeros([3]), here());
    assert_eq!(lines(&zeros), [line]);
    let (full, line) = (Tensor::<u8, 1>::full([3], 1), here());
    assert_eq!(lines(&full), [line]);
    let (ramp, line) = (Tensor::from_shape_fn([3], |[i]| i), here());
    assert_eq!(lines(&ramp), [line]);
    let (vec, line) = (Tensor::from_shape_vec([1], vec![1]).unwrap(), here());
    assert_eq!(lines(&vec), [line]);
    let (slice, line) = (Tensor::<u8, 1>::from_slice(&[1, 2]).unwrap(), here());
    assert_eq!(lines(&slice), [line]);
    let (tried, line) = (Tensor::<u8, 1>::try_zeros_in([3], host_alloc()), here());
    assert_eq!(lines(&tried.unwrap()), [line]);
    let (mapped, line) = (zeros.map(|&x| x + 1), here());
    assert_eq!(lines(&mapped), [line]);
    let (copied, line) = (zeros.view().to_tensor(), here());
    assert_eq!(lines(&copied), [line]);
}

#[test]
fn handles_leave_the_register_on_any_thread_and_when_something_panics() {
    let mut t = image();
    let threads: Vec<_> = (0..4)
        .map(|i| {
            let t = t.clone();
            thread::spawn(move || {
                for _ in 0..20 {
                    drop(t.slice((i..i + 1, .., ..)));
                }
                let _held = t.flip(0);
                std::panic::resume_unwind(Box::new("with two handles in hand"));
            })
        })
        .collect();
    for thread in threads {
        let panic = thread.join().unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"with two handles in hand"));
    }
    assert_eq!(t.storage().holders().len(), 1);
    assert!(t.try_as_mut_slice().is_ok());
}

#[test]
fn moves_leave_a_handle_where_it_was_made() {
    let (t, line) = (image().clone(), here());
    let t = t.into_parts();
    let t = Tensor::try_from_parts(t).unwrap();
    let t = t.try_into_mut().unwrap().freeze();
    let t = t.contiguous();
    assert_eq!(lines(&t), [line]);
    let refused = t.clone();
    let refused = refused.try_into_vec().unwrap_err();
    assert_eq!(refused.storage().holders().len(), 2);
}
