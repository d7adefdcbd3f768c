//! bincode 2 in several configurations, from a slice, from a stream and borrowed.

#![no_main]

use bincode::config::{Config, legacy, standard};
use bincode::{BorrowDecode, Decode, Encode};
use kornia_tensor::Tensor;
use kornia_tensor_fuzz::{choose, claim};
use libfuzzer_sys::fuzz_target;

fn check<T, const N: usize>(data: &[u8])
where
    T: Encode + Decode<()> + for<'a> BorrowDecode<'a, ()>,
{
    // bincode itself takes the memory that a string claims, so strings need a limit.
    let strings = std::mem::needs_drop::<T>();
    let Some((choice, input)) = data.split_first() else {
        return;
    };
    match choice % 4 {
        0 if !strings => configured::<T, N>(input, standard()),
        1 if !strings => configured::<T, N>(input, legacy()),
        2 if !strings => configured::<T, N>(input, standard().with_big_endian()),
        0 | 1 => configured::<T, N>(input, standard().with_limit::<4096>()),
        _ => configured::<T, N>(input, legacy().with_big_endian().with_limit::<4096>()),
    }
}

fn configured<T, const N: usize>(input: &[u8], config: impl Config)
where
    T: Encode + Decode<()> + for<'a> BorrowDecode<'a, ()>,
{
    let write = |tensor: &Tensor<T, N>| bincode::encode_to_vec(tensor, config).ok();
    let from_slice = |bytes: &[u8]| -> Option<Tensor<T, N>> {
        let (tensor, _) = bincode::decode_from_slice(bytes, config).ok()?;
        Some(tensor)
    };
    let from_stream = |mut bytes: &[u8]| -> Option<Tensor<T, N>> {
        bincode::decode_from_std_read(&mut bytes, config).ok()
    };
    let borrowed = |bytes: &[u8]| -> Option<Tensor<T, N>> {
        let (tensor, _) = bincode::borrow_decode_from_slice(bytes, config).ok()?;
        Some(tensor)
    };
    // What a limit lets in is let in again: a tensor is not written larger than it was read.
    claim(input, from_slice, write);
    let written = from_slice(input).and_then(|tensor| write(&tensor));
    assert_eq!(
        from_stream(input).and_then(|tensor| write(&tensor)),
        written
    );
    assert_eq!(borrowed(input).and_then(|tensor| write(&tensor)), written);
}

fuzz_target!(|data: &[u8]| {
    choose!(data, check);
});
