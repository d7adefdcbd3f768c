//! MessagePack: structs as arrays and as maps.

#![no_main]

use kornia_tensor::Tensor;
use kornia_tensor_fuzz::{choose, claim};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn check<T: Serialize + DeserializeOwned, const N: usize>(input: &[u8]) {
    let read = |bytes: &[u8]| -> Option<Tensor<T, N>> { rmp_serde::from_slice(bytes).ok() };
    claim(input, read, |tensor| rmp_serde::to_vec(tensor).ok());
}

fuzz_target!(|data: &[u8]| {
    choose!(data, check);
});
