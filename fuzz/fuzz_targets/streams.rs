//! Files from streams, and to streams, that fail, lie, are interrupted or stop at some call.

#![no_main]

use std::io::BufReader;

use kornia_tensor::Tensor;
use kornia_tensor::formats::npy::{self, NpzReader, NpzWriter};
use kornia_tensor::formats::safetensors::{SafeTensorsReader, SafeTensorsWriter};
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/kornia-tensor/tests/faults/streams.rs"]
#[allow(dead_code)]
mod streams;

use streams::{FAULTS, Fault, Plan, Stream};

type Image = Tensor<u8, 2>;

/// Reads with the fault, and once more if only an error came of it.
fn read(format: u8, stream: Stream) -> Option<Image> {
    match format {
        0 => npy::read(stream).ok(),
        1 => {
            let mut npz = NpzReader::new(stream).ok()?;
            let name = npz.names().into_iter().next()?;
            npz.read(&name).or_else(|_| npz.read(&name)).ok()
        }
        2 => {
            let mut file = SafeTensorsReader::new(stream).ok()?;
            let name = file.contents().names().into_iter().next()?;
            file.read(&name).or_else(|_| file.read(&name)).ok()
        }
        _ => serde_json::from_reader(BufReader::new(stream)).ok(),
    }
}

/// Writes with the fault; what comes back is said to be whole.
fn write(format: u8, image: &Image, mut stream: Stream) -> Option<Stream> {
    match format {
        0 => npy::write(&mut stream, image).ok().map(|()| stream),
        1 => {
            let mut npz = NpzWriter::new(stream);
            let _ = npz.add("a", image);
            let _ = npz.add("b", image.view().transpose());
            npz.finish().ok()
        }
        2 => {
            let mut npz = NpzWriter::compressed(stream);
            npz.add("a", image).ok()?;
            npz.finish().ok()
        }
        _ => {
            let mut writer = SafeTensorsWriter::new();
            writer.add("a", image).ok()?;
            writer.write(&mut stream).ok().map(|()| stream)
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&[format, fault, low, high], input)) = data.split_first_chunk() else {
        return;
    };
    let fault = FAULTS[usize::from(fault) % FAULTS.len()];
    // A panic is the end of a fuzz target.
    if fault == Fault::Panics {
        return;
    }
    let at = usize::from(u16::from_le_bytes([low, high])) % 512;
    let reading = format % 4;
    let plain = read(reading, Stream::new(input.to_vec(), &Plan::none()));
    let plan = Plan::new(fault, at);
    let faulty = read(reading, Stream::new(input.to_vec(), &plan));
    if fault.is_harmless() {
        assert_eq!(plain, faulty, "{plan:?}");
    }

    let writing = format / 4 % 4;
    let width = usize::from(low % 7) + 1;
    let rows = input.chunks_exact(width);
    let shape = [rows.len(), width];
    let image = Image::from_shape_vec(shape, rows.flatten().copied().collect());
    let image = image.expect("as many as there are");
    let none = Stream::new(Vec::new(), &Plan::none());
    let whole = write(writing, &image, none).expect("nothing goes wrong");
    let plan = Plan::new(fault, at);
    match write(writing, &image, Stream::new(Vec::new(), &plan)) {
        Some(_) if fault.is_fatal() => assert!(!plan.has_struck(), "{plan:?} goes unnoticed"),
        // A wrong place where nothing is written any more, for example.
        Some(stream) => assert_eq!(stream.into_bytes(), whole.into_bytes(), "{plan:?}"),
        None => assert!(!fault.is_harmless(), "{plan:?}"),
    }
});
