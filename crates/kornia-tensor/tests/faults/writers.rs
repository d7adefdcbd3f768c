//! Every format, written to a stream with a fault at every call.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kornia_tensor::formats::file::FileError;
use kornia_tensor::formats::npy::{self, NpzReader, NpzWriter};
use kornia_tensor::formats::safetensors::{SafeTensors, SafeTensorsWriter};
use kornia_tensor::{Tensor, TensorView};

use super::streams::{FAULTS, Fault, Injected, Plan, Stream};

/// Something that writes to a stream and gives it back, or says that it did not work.
type Written = Result<Stream, String>;

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Writes with every fault at every call. A stream that failed is an error, what is harmless
/// changes nothing, and what is said to be whole is.
fn try_all(
    pipe: bool,
    faults: impl IntoIterator<Item = Fault>,
    write: impl Fn(Stream) -> Written,
    same: impl Fn(&[u8]) -> bool,
) -> usize {
    let stream = |plan: &Plan| Stream {
        pipe,
        ..Stream::new(Vec::new(), plan)
    };
    let none = Plan::none();
    let whole = write(stream(&none))
        .expect("nothing goes wrong")
        .into_bytes();
    assert!(same(&whole));
    let mut tried = 0;
    for fault in faults {
        for at in 0..none.calls() {
            let plan = Plan::new(fault, at);
            let result = catch_unwind(AssertUnwindSafe(|| write(stream(&plan))));
            let result = match result {
                Ok(result) => result,
                Err(payload) => {
                    assert!(payload.is::<Injected>(), "{plan:?} panics");
                    assert_eq!(fault, Fault::Panics);
                    Err("panicked as it was told to".to_string())
                }
            };
            match result {
                Ok(_) if fault.is_fatal() && plan.has_struck() => panic!("{plan:?} goes unnoticed"),
                // A lie about the place or the count that did not matter.
                Ok(stream) => assert!(same(&stream.into_bytes()), "{plan:?}: other bytes"),
                Err(error) if fault.is_harmless() => panic!("{plan:?}: {error}"),
                Err(error) => assert!(error.len() > 5, "{plan:?}: {error}"),
            }
            tried += 1;
        }
    }
    tried
}

fn picture() -> Tensor<u8, 3> {
    Tensor::from_shape_fn([5, 7, 3], |[y, x, c]| (y * 31 + x * 5 + c) as u8)
}

fn depth() -> Tensor<f32, 2> {
    Tensor::from_shape_fn([6, 4], |[y, x]| y as f32 / (x + 1) as f32)
}

pub(crate) fn npy() -> usize {
    let (picture, depth) = (picture(), depth());
    let crop = picture.view().slice((1..4, 2..6, ..));
    let turned = depth.view().transpose();
    fn check<T: kornia_tensor::formats::file::FileElement + PartialEq, const N: usize>(
        view: TensorView<'_, T, N>,
    ) -> usize {
        try_all(
            false,
            FAULTS,
            |mut stream| npy::write(&mut stream, view).map_err(text).map(|()| stream),
            |bytes| npy::from_bytes::<T, N>(bytes).is_ok_and(|found| found.view() == view),
        )
    }
    check(crop) + check(turned) + check(picture.view())
}

/// What somebody does with an archive who looks at every error, or at none before the last.
fn archive(stream: Stream, compressed: bool, careless: bool) -> Result<Stream, FileError> {
    let (picture, depth) = (picture(), depth());
    let mut npz = if compressed {
        NpzWriter::compressed(stream)
    } else {
        NpzWriter::new(stream)
    };
    let results = [
        npz.add("picture", &picture),
        npz.add("depth", depth.view().transpose()),
        npz.add("crop", &picture.slice((1..4, 2..6, ..))),
    ];
    if !careless {
        for result in results {
            result?;
        }
    }
    npz.finish()
}

fn is_archive(bytes: &[u8]) -> bool {
    let Ok(mut npz) = NpzReader::new(std::io::Cursor::new(bytes)) else {
        return false;
    };
    npz.names() == ["picture", "depth", "crop"]
        && npz
            .read("picture")
            .is_ok_and(|found: Tensor<u8, 3>| found == picture())
        && npz
            .read("depth")
            .is_ok_and(|found: Tensor<f32, 2>| found == depth().transpose())
        && npz
            .read("crop")
            .is_ok_and(|found: Tensor<u8, 3>| found.shape() == &[3, 4, 3])
}

pub(crate) fn npz() -> usize {
    let mut tried = 0;
    for compressed in [false, true] {
        for careless in [false, true] {
            for pipe in [false, true] {
                let write = |stream| archive(stream, compressed, careless).map_err(text);
                tried += try_all(pipe, FAULTS, write, is_archive);
            }
        }
    }
    tried
}

/// After a stream that failed there are errors, and no archive; also where the stream panicked.
pub(crate) fn npz_after_an_error() -> usize {
    let picture = picture();
    let mut tried = 0;
    for fault in [Fault::Once(std::io::ErrorKind::StorageFull), Fault::Panics] {
        for at in 0..40 {
            let plan = Plan::new(fault, at);
            let made = catch_unwind(AssertUnwindSafe(|| {
                NpzWriter::new(Stream::new(Vec::new(), &plan))
            }));
            let Ok(mut npz) = made else { continue };
            let mut failed = false;
            for name in ["a", "b", "c", "d"] {
                let added = catch_unwind(AssertUnwindSafe(|| npz.add(name, &picture)));
                let added = added.is_ok_and(|result| result.is_ok());
                assert!(!(failed && added), "{plan:?}: added after an error");
                failed |= !added;
            }
            let finished = catch_unwind(AssertUnwindSafe(|| npz.finish()));
            let finished = finished.is_ok_and(|result| result.is_ok());
            assert_eq!(finished, !failed && !plan.has_struck(), "{plan:?}");
            tried += 1;
        }
    }
    tried
}

pub(crate) fn safetensors() -> usize {
    let (picture, depth) = (picture(), depth());
    let crop = picture.slice((1..4, 2..6, ..));
    let mut writer = SafeTensorsWriter::new();
    writer
        .add("crop", &crop)
        .unwrap()
        .add("depth", &depth)
        .unwrap();
    writer.describe("camera", "left");
    try_all(
        false,
        FAULTS,
        |mut stream| writer.write(&mut stream).map_err(text).map(|()| stream),
        |bytes| {
            SafeTensors::from_owner(bytes.to_vec()).is_ok_and(|file| {
                file.to_tensor::<u8, 3>("crop")
                    .is_ok_and(|found| found == crop)
                    && file
                        .to_tensor::<f32, 2>("depth")
                        .is_ok_and(|found| found == depth)
            })
        },
    )
}

pub(crate) fn messages() -> usize {
    let depth = depth();
    // Those crates write with the standard library, which panics where a count is a lie.
    let faults = || FAULTS.into_iter().filter(|&fault| fault != Fault::TooMuch);
    let json = try_all(
        false,
        faults(),
        |mut stream| {
            serde_json::to_writer(&mut stream, &depth)
                .map_err(text)
                .map(|()| stream)
        },
        |bytes| serde_json::from_slice::<Tensor<f32, 2>>(bytes).is_ok_and(|found| found == depth),
    );
    let config = bincode::config::standard();
    let bincode = try_all(
        false,
        faults(),
        |mut stream| {
            let written = bincode::encode_into_std_write(&depth, &mut stream, config);
            written.map_err(text).map(|_| stream)
        },
        |bytes| {
            bincode::decode_from_slice::<Tensor<f32, 2>, _>(bytes, config)
                .is_ok_and(|(found, _)| found == depth)
        },
    );
    json + bincode
}
