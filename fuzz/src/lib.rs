//! What the targets share: the claim about every reader, the types it is made for, and a watch on
//! memory.

pub mod memory;

use kornia_tensor::Tensor;
use memory::most_taken;
use serde::{Deserialize, Serialize};

#[global_allocator]
static MEMORY: memory::Counting = memory::Counting;

/// An element with a structure, of which a stranger can send any number.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Serialize,
    Deserialize,
    bincode::Encode,
    bincode::Decode,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
pub struct Point {
    pub name: String,
    pub at: (i16, Option<bool>),
}

/// Says that no input makes this reader panic, or take memory out of proportion to its length; and
/// that what it takes for a tensor, it writes and reads again.
pub fn claim<T, const N: usize>(
    input: &[u8],
    read: impl Fn(&[u8]) -> Option<Tensor<T, N>>,
    write: impl Fn(&Tensor<T, N>) -> Option<Vec<u8>>,
) {
    let (most, tensor) = most_taken(|| read(input));
    // Two bytes of JSON make an element of up to 24 bytes, in a `Vec` that doubles.
    assert!(
        most <= 96 * input.len() + (256 << 10),
        "{most} bytes taken for {}",
        input.len()
    );
    let Some(tensor) = tensor else { return };
    assert!(tensor.layout().span() * size_of::<T>() <= tensor.retained_bytes());
    let Some(written) = write(&tensor) else {
        return;
    };
    let again = read(&written).expect("a tensor that was written is read");
    assert_eq!(again.shape(), tensor.shape());
    assert_eq!(
        write(&again).expect("a tensor that was read is written"),
        written
    );
}

/// Calls `$check::<T, N>($input)` for one of some element types and ranks, which the first byte
/// chooses.
#[macro_export]
macro_rules! choose {
    ($data:expr, $check:ident) => {
        let data: &[u8] = $data;
        if let Some((choice, input)) = data.split_first() {
            match choice % 10 {
                0 => $check::<u8, 3>(input),
                1 => $check::<f32, 2>(input),
                2 => $check::<bool, 1>(input),
                3 => $check::<i64, 0>(input),
                4 => $check::<u128, 1>(input),
                5 => $check::<usize, 2>(input),
                6 => $check::<String, 1>(input),
                7 => $check::<$crate::Point, 2>(input),
                8 => $check::<(), 1>(input),
                _ => $check::<i16, 4>(input),
            }
        }
    };
}

/// As `choose!`, for the element types of files.
#[macro_export]
macro_rules! choose_file {
    ($data:expr, $check:ident) => {
        let data: &[u8] = $data;
        if let Some((choice, input)) = data.split_first() {
            match choice % 7 {
                0 => $check::<u8, 3>(input),
                1 => $check::<f32, 2>(input),
                2 => $check::<bool, 1>(input),
                3 => $check::<i64, 0>(input),
                4 => $check::<half::f16, 2>(input),
                5 => $check::<f64, 1>(input),
                _ => $check::<i16, 4>(input),
            }
        }
    };
}
