//! Owned parts of one allocation: cut, written at the same time, joined, frozen, dropped.

#[path = "../common/mod.rs"]
mod common;
#[path = "../random/config.rs"]
mod config;

mod ends;
mod join;
mod program;
mod split;

use kornia_tensor::{Tensor, TensorMut};

/// Sole, in row-major order, with the elements 0, 1, ..
fn ramp<const N: usize>(shape: [usize; N]) -> TensorMut<u32, N> {
    let elements = (0..shape.iter().product::<usize>() as u32).collect();
    owned(Tensor::from_shape_vec(shape, elements).unwrap())
}

#[track_caller]
fn owned<T, const N: usize>(t: Tensor<T, N>) -> TensorMut<T, N> {
    match t.try_into_mut() {
        Ok(owned) => owned,
        Err(_) => panic!("not the sole handle of writable memory"),
    }
}

#[track_caller]
fn joined<T, const N: usize>(a: TensorMut<T, N>, b: TensorMut<T, N>) -> TensorMut<T, N> {
    match a.join(b) {
        Ok(joined) => joined,
        Err(_) => panic!("the parts do not join"),
    }
}

/// That they do not join, and both come back as they were.
#[track_caller]
fn apart<const N: usize>(
    a: TensorMut<u32, N>,
    b: TensorMut<u32, N>,
) -> (TensorMut<u32, N>, TensorMut<u32, N>) {
    let state = |t: &TensorMut<u32, N>| (*t.layout(), t.view().as_ptr(), t.view().to_vec());
    let before = (state(&a), state(&b));
    match a.join(b) {
        Ok(joined) => panic!("they join: {joined:?}"),
        Err((a, b)) => {
            assert_eq!((state(&a), state(&b)), before);
            (a, b)
        }
    }
}
