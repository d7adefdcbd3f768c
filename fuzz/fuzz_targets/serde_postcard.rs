//! postcard: fields without names, in the order of this version or of 0.2.0.

#![no_main]

use kornia_tensor::Tensor;
use kornia_tensor_fuzz::{choose, claim};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn check<T: Serialize + DeserializeOwned, const N: usize>(input: &[u8]) {
    let read = |bytes: &[u8]| -> Option<Tensor<T, N>> { postcard::from_bytes(bytes).ok() };
    claim(input, read, |tensor| postcard::to_stdvec(tensor).ok());
}

fuzz_target!(|data: &[u8]| {
    choose!(data, check);
});
