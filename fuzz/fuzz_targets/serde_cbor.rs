//! CBOR: byte strings in pieces, lengths that are not known in advance.

#![no_main]

use kornia_tensor::Tensor;
use kornia_tensor_fuzz::{choose, claim};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn check<T: Serialize + DeserializeOwned, const N: usize>(input: &[u8]) {
    let read = |bytes: &[u8]| -> Option<Tensor<T, N>> { ciborium::from_reader(bytes).ok() };
    claim(input, read, |tensor| {
        let mut bytes = Vec::new();
        ciborium::into_writer(tensor, &mut bytes).ok()?;
        Some(bytes)
    });
}

fuzz_target!(|data: &[u8]| {
    choose!(data, check);
});
