//! `Bytes` in and out without a copy.

mod common;

use bytes::{Bytes, BytesMut};
use common::{Event, Ledger};
use kornia_tensor::{Pool, Tensor, TensorError};

#[test]
fn bytes_become_a_tensor_where_they_lie() {
    let message = Bytes::from((0..24).collect::<Vec<u8>>());
    let body = message.slice(4..16);
    let t = Tensor::<u8, 3>::from_owner([2, 2, 3], body.clone()).unwrap();
    assert_eq!(t.as_ptr(), body.as_ptr());
    assert_eq!(t[[1, 1, 2]], 15);
    let mut t = t;
    assert_eq!(t.try_view_mut().err(), Some(TensorError::ReadOnlyStorage));
    t.make_mut()[[0, 0, 0]] = 99;
    assert_eq!(body[0], 4, "a copy was written");
}

#[test]
fn a_tensor_keeps_the_message_alive_and_gives_it_back_on_any_thread() {
    let message = Bytes::from(vec![7u8; 64]);
    let t = Tensor::<u8, 1>::from_owner([64], message.clone()).unwrap();
    assert!(!message.is_unique());
    std::thread::spawn(move || drop(t)).join().unwrap();
    assert!(message.is_unique());
    assert_eq!(BytesMut::from(message), [7; 64][..]);
}

#[test]
fn wider_elements_need_an_aligned_message() {
    // The elements of a `u32` tensor are aligned, whatever `Bytes` would be.
    let words = Tensor::from_shape_vec([4], vec![10u32, 20, 30, 40]).unwrap();
    let bytes = words.clone().into_bytes().unwrap();
    let t = Tensor::<u32, 2>::from_bytes_owner([1, 3], bytes.slice(4..)).unwrap();
    assert_eq!(t.as_slice(), [20, 30, 40]);
    assert_eq!(t.as_ptr(), &raw const words[[1]]);

    let refused = Tensor::<u32, 1>::from_bytes_owner([3], bytes.slice(1..13)).unwrap_err();
    assert!(matches!(
        refused.error,
        TensorError::Misaligned { align: 4, .. }
    ));
    assert_eq!(refused.owner, bytes.slice(1..13));
}

#[test]
fn bytes_of_a_tensor_are_its_elements_where_they_lie() {
    let t = Tensor::from_shape_fn([4, 3], |[y, x]| (10 * y + x) as u16);
    let middle = t.slice((1..3, ..));
    let address = middle.as_ptr();
    let bytes = middle.into_bytes().unwrap();
    assert_eq!(bytes.as_ptr().cast(), address);
    let expected: Vec<u8> = [10u16, 11, 12, 20, 21, 22]
        .iter()
        .flat_map(|v| v.to_ne_bytes())
        .collect();
    assert_eq!(bytes, expected);

    let none = t.slice((4.., ..)).into_bytes().unwrap();
    assert!(none.is_empty());
    let scalar = Tensor::from_shape_vec([], vec![7u8]).unwrap();
    assert_eq!(scalar.into_bytes().unwrap(), [7][..]);
}

#[test]
fn bytes_are_a_handle_like_any_other() {
    let mut t = Tensor::from_shape_vec([4], vec![1u8, 2, 3, 4]).unwrap();
    let bytes = t.clone().into_bytes().unwrap();
    let part = bytes.slice(1..2);
    assert!(t.try_as_mut_slice().is_err(), "the bytes show it");
    drop(bytes);
    assert!(t.try_as_mut_slice().is_err(), "a part of them does");
    drop(part);
    t.as_mut_slice()[0] = 9;
    assert_eq!(t.into_vec(), [9, 2, 3, 4]);
}

#[test]
fn what_is_not_contiguous_comes_back() {
    let t = Tensor::from_shape_fn([2, 3], |[y, x]| (3 * y + x) as u8);
    for strided in [t.slice((.., 1..)), t.flip(0), t.transpose()] {
        let shape = *strided.shape();
        let refused = strided.into_bytes().unwrap_err();
        assert!(matches!(refused.error, TensorError::NotContiguous { .. }));
        assert_eq!(refused.owner.shape(), &shape);
        let expected = refused.owner.view().to_vec();
        assert_eq!(refused.owner.contiguous().into_bytes().unwrap(), expected);
    }
    assert!(t.slice((..1, ..)).flip(0).into_bytes().is_ok(), "one row");
}

#[test]
fn the_memory_goes_back_to_its_allocator_with_the_last_bytes() {
    let ledger = Ledger::new();
    let t = Tensor::<u8, 1>::full_in([8], 1, ledger.allocator());
    let bytes = t.into_bytes().unwrap();
    let returned = || ledger.count(|event| matches!(event, Event::Returned(..)));
    let tail = bytes.slice(7..);
    drop(bytes);
    assert_eq!((returned(), &tail[..]), (0, &[1][..]));
    std::thread::spawn(move || drop(tail)).join().unwrap();
    assert_eq!(returned(), 1);

    let pool = Pool::builder().min_bytes(1).build().unwrap();
    let frame = Tensor::<u8, 1>::zeros_in([100], pool.handle());
    drop(frame.into_bytes().unwrap());
    assert_eq!(pool.stats().blocks_idle, 1);
}

#[test]
fn there_and_back_again_is_the_same_memory() {
    let t = Tensor::from_shape_vec([2, 2], vec![1.5f32, 2.5, 3.5, 4.5]).unwrap();
    let address = t.as_ptr();
    let there = t.into_bytes().unwrap();
    let back = Tensor::<f32, 2>::from_bytes_owner([2, 2], there).unwrap();
    assert_eq!(back.as_ptr(), address);
    assert_eq!(back.as_slice(), [1.5, 2.5, 3.5, 4.5]);
}

/// Rounds that would overflow the stack, if each of them left something to be dropped inside the
/// one before.
const ROUNDS: usize = if cfg!(miri) { 300 } else { 100_000 };

#[test]
fn there_and_back_again_without_end_holds_one_allocation() {
    let mut t = Tensor::from_shape_vec([4], vec![1u8, 2, 3, 4]).unwrap();
    let address = t.as_ptr();
    let mut words = Tensor::from_shape_vec([2], vec![1u16, 2]).unwrap();
    for _ in 0..ROUNDS {
        t = Tensor::from_owner([4], t.into_bytes().unwrap()).unwrap();
        words = Tensor::from_bytes_owner([2], words.into_bytes().unwrap()).unwrap();
        words = words.reinterpret::<i16>().unwrap().reinterpret().unwrap();
    }
    assert_eq!((t.as_ptr(), t.as_slice()), (address, &[1, 2, 3, 4][..]));
    assert_eq!(words.as_slice(), [1, 2]);
}

#[test]
fn a_window_of_a_message_is_a_slice_of_it() {
    let message = Bytes::from((0..24).collect::<Vec<u8>>());
    let t = Tensor::<u8, 2>::from_owner([4, 6], message.clone()).unwrap();
    let rows = t.slice((1..3, ..)).into_bytes().unwrap();
    drop(t);
    assert_eq!(rows, message.slice(6..18));
    assert!(!message.is_unique());
    drop(message);
    assert!(rows.is_unique(), "nothing but the message is kept");
}
