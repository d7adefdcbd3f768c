//! Arrays of NumPy: headers in all their spellings.

#![no_main]

use kornia_tensor::Tensor;
use kornia_tensor::file::FileElement;
use kornia_tensor::npy;
use kornia_tensor_fuzz::{choose_file, claim};
use libfuzzer_sys::fuzz_target;

fn check<T: FileElement, const N: usize>(input: &[u8]) {
    let write = |tensor: &Tensor<T, N>| {
        let mut bytes = Vec::new();
        npy::write(&mut bytes, tensor).ok()?;
        Some(bytes)
    };
    let read = |bytes: &[u8]| -> Option<Tensor<T, N>> { npy::read(bytes).ok() };
    claim(input, read, write);
    let whole = |bytes: &[u8]| -> Option<Tensor<T, N>> { npy::from_bytes(bytes).ok() };
    claim(input, whole, write);
}

fuzz_target!(|data: &[u8]| {
    choose_file!(data, check);
});
