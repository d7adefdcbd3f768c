//! Every format, read from a stream with a fault at every call.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use kornia_tensor::Tensor;
use kornia_tensor::formats::npy::{self, NpzReader, NpzWriter};
use kornia_tensor::formats::safetensors::{SafeTensorsReader, SafeTensorsWriter};

use super::streams::{FAULTS, Fault, Injected, Plan, Stream};

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn depth() -> Tensor<f32, 2> {
    Tensor::from_shape_fn([40, 30], |[y, x]| y as f32 / (x + 1) as f32)
}

/// Reads with every fault at every call: what is read is what was written, or it is an error.
fn try_all(bytes: &[u8], read: impl Fn(Stream) -> Result<Tensor<f32, 2>, String>) -> usize {
    let none = Plan::none();
    let whole = read(Stream::new(bytes.to_vec(), &none)).expect("nothing goes wrong");
    assert_eq!(whole, depth());
    let mut tried = 0;
    for fault in FAULTS {
        for at in 0..none.calls().min(600) {
            let plan = Plan::new(fault, at);
            let stream = Stream::new(bytes.to_vec(), &plan);
            tried += 1;
            match catch_unwind(AssertUnwindSafe(|| read(stream))) {
                Err(payload) => {
                    assert!(payload.is::<Injected>(), "{plan:?} panics");
                    assert_eq!(fault, Fault::Panics);
                }
                Ok(Ok(_)) if fault.is_fatal() && plan.has_struck() => {
                    panic!("{plan:?} goes unnoticed")
                }
                Ok(Ok(found)) => assert_eq!(found, whole, "{plan:?}"),
                Ok(Err(error)) if fault.is_harmless() => panic!("{plan:?}: {error}"),
                Ok(Err(error)) => assert!(error.len() > 5, "{plan:?}: {error}"),
            }
        }
    }
    tried
}

pub(crate) fn npy() -> usize {
    let mut bytes = Vec::new();
    npy::write(&mut bytes, &depth()).unwrap();
    try_all(&bytes, |stream| npy::read(stream).map_err(text))
}

fn archive(compressed: bool) -> Vec<u8> {
    let to = Cursor::new(Vec::new());
    let mut npz = match compressed {
        true => NpzWriter::compressed(to),
        false => NpzWriter::new(to),
    };
    npz.add("mask", &Tensor::<bool, 1>::full([9], true))
        .unwrap();
    npz.add("depth", &depth()).unwrap();
    npz.finish().unwrap().into_inner()
}

pub(crate) fn npz() -> usize {
    let mut tried = 0;
    for compressed in [false, true] {
        tried += try_all(&archive(compressed), |stream| {
            NpzReader::new(stream)
                .and_then(|mut npz| npz.read("depth"))
                .map_err(text)
        });
    }
    tried
}

fn tensors() -> Vec<u8> {
    let (mask, depth) = (Tensor::<bool, 1>::full([9], true), depth());
    let mut writer = SafeTensorsWriter::new();
    writer
        .add("mask", &mask)
        .unwrap()
        .add("depth", &depth)
        .unwrap();
    let mut bytes = Vec::new();
    writer.write(&mut bytes).unwrap();
    bytes
}

pub(crate) fn safetensors() -> usize {
    try_all(&tensors(), |stream| {
        SafeTensorsReader::new(stream)
            .and_then(|mut file| file.read("depth"))
            .map_err(text)
    })
}

/// A reader whose stream failed once reads everything afterwards.
pub(crate) fn reading_goes_on_after_an_error() -> usize {
    let fault = Fault::Once(std::io::ErrorKind::Other);
    let mut tried = 0;
    for compressed in [false, true] {
        let bytes = archive(compressed);
        for at in 0.. {
            let plan = Plan::new(fault, at);
            let Ok(mut npz) = NpzReader::new(Stream::new(bytes.clone(), &plan)) else {
                continue;
            };
            let first = npz.read::<f32, 2>("depth");
            assert_eq!(first.is_err(), plan.has_struck(), "{plan:?}");
            assert_eq!(npz.names(), ["mask", "depth"]);
            if !plan.has_struck() {
                break;
            }
            assert_eq!(npz.read::<f32, 2>("depth").unwrap(), depth(), "{plan:?}");
            assert_eq!(
                npz.read::<bool, 1>("mask").unwrap().shape(),
                &[9],
                "{plan:?}"
            );
            tried += 1;
        }
    }
    let bytes = tensors();
    for at in 0.. {
        let plan = Plan::new(fault, at);
        let Ok(mut file) = SafeTensorsReader::new(Stream::new(bytes.clone(), &plan)) else {
            continue;
        };
        let first = file.read::<f32, 2>("depth");
        assert_eq!(first.is_err(), plan.has_struck(), "{plan:?}");
        if !plan.has_struck() {
            break;
        }
        assert_eq!(file.read::<f32, 2>("depth").unwrap(), depth(), "{plan:?}");
        assert_eq!(file.read::<bool, 1>("mask").unwrap().shape(), &[9]);
        tried += 1;
    }
    tried
}

/// The end is before the first bytes, or beyond what any file has.
pub(crate) fn lying_ends() -> usize {
    for end in [0, 1, 7, 8, 9, u64::MAX - 1, u64::MAX] {
        for bytes in [vec![], vec![0; 4], vec![0; 64], tensors(), archive(false)] {
            let plan = Plan::new(Fault::WrongEnd(end), 0);
            let stream = || Stream::new(bytes.clone(), &plan);
            let read =
                SafeTensorsReader::new(stream()).map(|mut file| file.read::<f32, 2>("depth"));
            assert!(read.is_err() || read.is_ok_and(|read| read.is_ok_and(|read| read == depth())));
            let read = NpzReader::new(stream()).map(|mut npz| npz.read::<f32, 2>("depth"));
            assert!(!read.is_ok_and(|read| read.is_ok_and(|read| read != depth())));
        }
    }
    35
}

pub(crate) fn messages() -> usize {
    let json = serde_json::to_vec(&depth()).unwrap();
    let config = bincode::config::standard();
    let bytes = bincode::encode_to_vec(depth(), config).unwrap();
    let from_reader = |stream| {
        let stream = std::io::BufReader::with_capacity(64, stream);
        serde_json::from_reader(stream).map_err(text)
    };
    try_all(&json, from_reader)
        + try_all(&bytes, |mut stream| {
            bincode::decode_from_std_read(&mut stream, config).map_err(text)
        })
}
