//! Named tensors: an index that lies about types, shapes and places.

#![no_main]

use std::io::Cursor;

use kornia_tensor::formats::file::FileElement;
use kornia_tensor::formats::safetensors::{SafeTensors, SafeTensorsReader, SafeTensorsWriter};
use kornia_tensor_fuzz::memory::most_taken;
use kornia_tensor_fuzz::{choose_file, claim};
use libfuzzer_sys::fuzz_target;

fn check<T: FileElement, const N: usize>(input: &[u8]) {
    let (most, file) = most_taken(|| SafeTensors::from_owner(input.to_vec()));
    assert!(most <= 96 * input.len() + (256 << 10), "{most} bytes taken");
    let reader = SafeTensorsReader::new(Cursor::new(input));
    assert_eq!(file.is_ok(), reader.is_ok());
    let (Ok(file), Ok(mut reader)) = (file, reader) else {
        return;
    };
    for name in file.contents().names().iter().take(4) {
        let copied = file.to_tensor::<T, N>(name);
        assert_eq!(copied.is_ok(), reader.read::<T, N>(name).is_ok());
        // Sharing may be refused for the address, and for nothing else.
        if let Ok(shared) = file.tensor::<T, N>(name) {
            assert_eq!(shared.shape(), copied.expect("as shared").shape());
            assert!(shared.iter().count() == shared.numel());
        }
    }
    let Some(name) = file.contents().names().into_iter().next() else {
        return;
    };
    claim(
        input,
        |bytes| {
            let file = SafeTensors::from_owner(bytes.to_vec()).ok()?;
            file.to_tensor::<T, N>(&name).ok()
        },
        |tensor| {
            let mut bytes = Vec::new();
            let mut writer = SafeTensorsWriter::new();
            writer.add(&name, tensor).ok()?.write(&mut bytes).ok()?;
            Some(bytes)
        },
    );
}

fuzz_target!(|data: &[u8]| {
    choose_file!(data, check);
});
