//! Archives of arrays: sizes, offsets and sums that lie, compressed or not.

#![no_main]

use std::io::Cursor;

use kornia_tensor::formats::file::FileElement;
use kornia_tensor::formats::npy::{NpzReader, NpzWriter};
use kornia_tensor_fuzz::choose_file;
use kornia_tensor_fuzz::memory::most_taken;
use libfuzzer_sys::fuzz_target;

fn check<T: FileElement, const N: usize>(input: &[u8]) {
    let (most, tensors) = most_taken(|| {
        let mut npz = NpzReader::new(Cursor::new(input)).ok()?;
        let names = npz.names().into_iter().take(4);
        let tensors = names.filter_map(|name| {
            let header = npz.header(&name);
            let tensor = npz.read::<T, N>(&name).ok()?;
            let header = header.expect("what was read has a header");
            assert_eq!(header.shape(), tensor.shape());
            Some((name, tensor))
        });
        Some(tensors.collect::<Vec<_>>())
    });
    // A byte of a compressed array makes 1032, in a `Vec` that doubles, four times.
    let limit = 4 * 3 * 1032 * input.len() + (512 << 10);
    assert!(most <= limit, "{most} bytes taken for {}", input.len());
    for (name, tensor) in tensors.into_iter().flatten() {
        let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
        // A name may be too long with its ending.
        if npz.add(&name, &tensor).is_err() {
            continue;
        }
        let written = npz.finish().expect("what was added is written");
        let mut npz = NpzReader::new(written).expect("what was written is read");
        let again = npz.read::<T, N>(&name).expect("under the same name");
        assert_eq!(again.shape(), tensor.shape());
    }
}

fuzz_target!(|data: &[u8]| {
    choose_file!(data, check);
});
