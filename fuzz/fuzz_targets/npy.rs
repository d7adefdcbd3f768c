//! Arrays of NumPy: headers in all their spellings.

#![no_main]

use kornia_tensor::Tensor;
use kornia_tensor::formats::file::FileElement;
use kornia_tensor::formats::npy::{self, ReadOptions};
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
    let options = ReadOptions::new().loose_bool().standard_layout();
    let loose = |bytes: &[u8]| -> Option<Tensor<T, N>> { options.decode(bytes).ok() };
    claim(input, loose, write);
    if let Some(copied) = whole(input) {
        assert!(loose(input).is_some_and(|tensor| tensor.is_standard_layout()));
        let header = npy::read_header(input).expect("what was read has a header");
        assert_eq!(
            (header.shape(), header.is::<T>()),
            (&copied.shape()[..], true)
        );
        // Refused where the address or the byte order does not suit.
        if let Ok(shared) = npy::from_owner::<T, N, _>(input.to_vec()) {
            assert_eq!(
                (shared.shape(), shared.strides()),
                (copied.shape(), copied.strides())
            );
        }
    } else {
        assert!(npy::from_owner::<T, N, _>(input.to_vec()).is_err());
    }
}

fuzz_target!(|data: &[u8]| {
    choose_file!(data, check);
});
