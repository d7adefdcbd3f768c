//! kornia-tensor as it is in this repository.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use kornia_tensor::formats::npy::{self, NpzReader, NpzWriter};
use kornia_tensor::formats::safetensors::{SafeTensors, SafeTensorsReader, SafeTensorsWriter};
use kornia_tensor::{MappedFile, Tensor, TensorView};

use crate::constant::{Constant, LARGE, RESHAPED, SHAPE, elements};
use crate::files::{self, Both, Element, Format};
use crate::input::{Input, Kind, Output, Pixel};
use crate::measure::{Candidate, Run, fresh, warm};
use crate::work::{DEVIATION, FILL, MEAN, Row, SCALE, Work, map, middle};

pub const NAME: &str = "kornia-tensor";

/// How a result looks at its input.
type Look<T, const N: usize> = fn(&Tensor<T, N>) -> TensorView<'_, T, N>;

fn tensor<T, const N: usize>(shape: [usize; N], elements: Vec<T>) -> Tensor<T, N> {
    Tensor::from_shape_vec(shape, elements).unwrap()
}

/// An input as other work of this crate leaves it: large ones on large pages, like NumPy's.
fn input<T: Clone, const N: usize>(shape: [usize; N], elements: Vec<T>) -> Tensor<T, N> {
    Tensor::from_shape_slice(shape, &elements).unwrap()
}

fn output<T: Pixel, const N: usize>(tensor: &Tensor<T, N>) -> Output {
    T::output(tensor.as_slice().to_vec())
}

fn crop<T>(image: &Tensor<T, 3>) -> TensorView<'_, T, 3> {
    let [h, w, _] = *image.shape();
    image.view().slice((middle(h), middle(w), ..))
}

pub fn run(row: &Row, from: &Input, allocate: bool) -> Option<Run> {
    let moved = match row.kind {
        Kind::U8 => moving::<u8>(row.work, from, allocate),
        Kind::F32 => moving::<f32>(row.work, from, allocate),
    };
    moved.or_else(|| computing(row.work, from, allocate))
}

fn moving<T: Pixel>(work: Work, from: &Input, allocate: bool) -> Option<Run> {
    let [h, w, c] = from.shape;
    let look: Look<T, 3> = match work {
        Work::Copy => |image| image.view(),
        Work::Crop => crop,
        Work::HwcToChw => |image| image.view().permute_axes([2, 0, 1]).unwrap(),
        Work::ChwToHwc => |planes| planes.view().permute_axes([1, 2, 0]).unwrap(),
        Work::FlipColumns => |image| image.view().flip(1),
        Work::Transpose => {
            let matrix = input([h, w * c], T::of(from));
            return copied(matrix, |matrix| matrix.view().transpose(), allocate);
        }
        _ => return None,
    };
    let shape = if work == Work::ChwToHwc {
        [c, h, w]
    } else {
        [h, w, c]
    };
    copied(input(shape, T::of(from)), look, allocate)
}

fn copied<T: Pixel, const N: usize>(
    from: Tensor<T, N>,
    look: Look<T, N>,
    allocate: bool,
) -> Option<Run> {
    if allocate {
        return fresh(move || look(&from).to_tensor(), output);
    }
    let to = Tensor::full(*look(&from).shape(), T::default());
    warm(
        to,
        move |to| to.view_mut().assign(look(&from)).unwrap(),
        output,
    )
}

fn computing(work: Work, from: &Input, allocate: bool) -> Option<Run> {
    let [h, w, c] = from.shape;
    let bytes = || input([h, w, c], from.bytes.clone());
    let a = || input([h, w, c], from.a.clone());
    let to = || Tensor::<f32, 3>::full([h, w, c], 0.0);
    match work {
        Work::CastScale => {
            let image = bytes();
            let scaled = |&x: &u8| f32::from(x) * SCALE;
            if allocate {
                return fresh(move || image.map(scaled), output);
            }
            let cast = move |to: &mut Tensor<f32, 3>| {
                image.view().map_into(to.view_mut(), scaled).unwrap();
            };
            warm(to(), cast, output)
        }
        Work::Preproc => {
            let image = bytes();
            if allocate {
                let prepare = move || crop(&image).normalize_to_chw(SCALE, &MEAN, &DEVIATION);
                return fresh(move || prepare().unwrap(), output);
            }
            let prepare = move |to: &mut Tensor<f32, 3>| {
                let crop = crop(&image);
                crop.normalize_to_chw_into(to.view_mut(), SCALE, &MEAN, &DEVIATION)
                    .unwrap();
            };
            let planes = Tensor::full([c, middle(h).len(), middle(w).len()], 0.0);
            warm(planes, prepare, output)
        }
        Work::Add => {
            let (a, b) = (a(), input([h, w, c], from.b.clone()));
            zipped(a, b, |b, _| b.view(), |a, b| a + b, allocate)
        }
        Work::AddPermuted => {
            let (a, b) = (a(), input([c, h, w], from.b.clone()));
            let permuted: Stretch<3> = |b, _| b.view().permute_axes([1, 2, 0]).unwrap();
            zipped(a, b, permuted, |a, b| a + b, allocate)
        }
        Work::MulBroadcast => {
            let (a, by) = (a(), input([3], MEAN.to_vec()));
            let stretched: Stretch<1> = |by, shape| by.view().broadcast_to(shape).unwrap();
            zipped(a, by, stretched, |a, b| a * b, allocate)
        }
        Work::Fill if allocate => fresh(move || Tensor::full([h, w, c], FILL), output),
        Work::Fill => warm(to(), |to| to.view_mut().fill(FILL), output),
        Work::Map => {
            let a = a();
            if allocate {
                return fresh(move || a.map(|&x| map(x)), output);
            }
            let mapped = move |to: &mut Tensor<f32, 3>| {
                a.view().map_into(to.view_mut(), |&x| map(x)).unwrap();
            };
            warm(to(), mapped, output)
        }
        Work::SumAll => {
            let a = a();
            fresh(move || a.view().sum(), |&sum| Output::Number(sum.into()))
        }
        Work::SumFirst => {
            let a = a();
            fresh(move || a.view().sum_axis(0), output)
        }
        Work::SumLast => {
            let a = a();
            fresh(move || a.view().sum_axis(2), output)
        }
        Work::Equal => {
            let (a, b) = (a(), a());
            let number = |&equal: &bool| Output::Number(f64::from(u8::from(equal)));
            fresh(move || a == b, number)
        }
        _ => None,
    }
}

/// How a second operand looks at its elements, for an image of some shape.
type Stretch<const M: usize> = fn(&Tensor<f32, M>, [usize; 3]) -> TensorView<'_, f32, 3>;

fn zipped<const M: usize>(
    a: Tensor<f32, 3>,
    b: Tensor<f32, M>,
    look: Stretch<M>,
    f: impl Fn(&f32, &f32) -> f32 + Copy + 'static,
    allocate: bool,
) -> Option<Run> {
    let shape = *a.shape();
    if allocate {
        return fresh(move || a.zip_with(look(&b, shape), f).unwrap(), output);
    }
    let zip = move |to: &mut Tensor<f32, 3>| {
        let b = look(&b, shape);
        a.view().zip_into(b, to.view_mut(), f).unwrap();
    };
    warm(Tensor::full(shape, 0.0), zip, output)
}

pub fn constant(work: Constant) -> Option<Candidate> {
    let image = tensor(SHAPE, elements());
    Some(match work {
        Constant::CloneDrop => {
            let large = Tensor::<f32, 3>::zeros(LARGE);
            Candidate::repeated(NAME, move || large.clone())
        }
        Constant::OwnedWindow => {
            Candidate::repeated(NAME, move || image.slice((16..48, 16..48, ..)))
        }
        Constant::BorrowedWindow => Candidate::repeated(NAME, move || {
            std::hint::black_box(image.view().slice((16..48, 16..48, ..)));
        }),
        Constant::OwnedReshape => Candidate::repeated(NAME, move || image.reshape(RESHAPED)),
        Constant::BorrowedReshape => Candidate::repeated(NAME, move || {
            std::hint::black_box(image.view().reshape(RESHAPED).unwrap());
        }),
        Constant::OwnedPermute => Candidate::repeated(NAME, move || image.permute_axes([2, 0, 1])),
        Constant::BorrowedPermute => Candidate::repeated(NAME, move || {
            std::hint::black_box(image.view().permute_axes([2, 0, 1]).unwrap());
        }),
        Constant::Index => Candidate::per_element(NAME, move || {
            let mut sum = 0.0;
            let [h, w, c] = SHAPE;
            for y in 0..h {
                for x in 0..w {
                    for k in 0..c {
                        sum += image[[y, x, k]];
                    }
                }
            }
            sum
        }),
        Constant::Iterate => Candidate::per_element(NAME, move || image.iter().sum()),
        Constant::FromVec => Candidate::repeated(NAME, || tensor([16], vec![1.0f32; 16])),
        Constant::VecAndBack => {
            Candidate::repeated(NAME, || tensor([16], vec![1.0f32; 16]).into_vec())
        }
    })
}

/// Bytes that arrived and are kept by whoever reads them.
#[derive(Clone)]
struct Held(Arc<Vec<u8>>);

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

pub fn files<T: Element>(format: Format, from: &Input, both: &mut Both) {
    type Image<T> = Tensor<T, 3>;
    type Archive = Cursor<Vec<u8>>;
    fn writer<T: Element>(image: &Image<T>) -> SafeTensorsWriter<'_> {
        let mut writer = SafeTensorsWriter::new();
        writer.add(files::NAME, image).unwrap();
        writer
    }
    let image = input(from.shape, T::of(from));
    let save = |image: &Image<T>, path: &Path| writer(image).save(path).unwrap();
    let look = output::<T, 3>;
    match format {
        Format::Npy => {
            let write = |image: &Image<T>, path: &Path| npy::save(path, image).unwrap();
            let read = |path: &Path| npy::open::<T, 3>(path).unwrap();
            both.in_file(NAME, image.clone(), write, read, look);
            let write = |image: &Image<T>| {
                let mut bytes = Vec::new();
                npy::write(&mut bytes, image).unwrap();
                bytes
            };
            let read = |bytes: &Vec<u8>| npy::from_bytes::<T, 3>(bytes).unwrap();
            both.in_memory(NAME, image, write, read, look);
        }
        Format::Npz => {
            let write = |image: &Image<T>, path: &Path| {
                npy::save_npz(path, |npz| npz.add(files::NAME, image)).unwrap();
            };
            let read = |path: &Path| {
                let mut npz = NpzReader::open(path).unwrap();
                npz.read::<T, 3>(files::NAME).unwrap()
            };
            both.in_file(NAME, image.clone(), write, read, look);
            let write = |image: &Image<T>| {
                let mut npz = NpzWriter::new(Archive::default());
                npz.add(files::NAME, image).unwrap();
                npz.finish().unwrap()
            };
            let read = |bytes: &Archive| {
                let mut npz = NpzReader::new(Cursor::new(&bytes.get_ref()[..])).unwrap();
                npz.read::<T, 3>(files::NAME).unwrap()
            };
            both.in_memory(NAME, image, write, read, look);
        }
        Format::SafeTensors => {
            let read = |path: &Path| {
                let mut file = SafeTensorsReader::open(path).unwrap();
                file.read::<T, 3>(files::NAME).unwrap()
            };
            both.in_file(NAME, image.clone(), save, read, look);
            let write = |image: &Image<T>| {
                let mut bytes = Vec::new();
                writer(image).write(&mut bytes).unwrap();
                Held(Arc::new(bytes))
            };
            let read = |bytes: &Held| {
                let file = SafeTensors::from_owner(bytes.clone()).unwrap();
                file.to_tensor::<T, 3>(files::NAME).unwrap()
            };
            both.in_memory(NAME, image, write, read, look);
        }
        Format::Mapped => {
            let read = |path: &Path| {
                // SAFETY: nobody changes the file while it is mapped.
                let file = unsafe { MappedFile::open(path) }.unwrap();
                let file = SafeTensors::from_owner(file).unwrap();
                file.tensor::<T, 3>(files::NAME).unwrap()
            };
            both.in_file(NAME, image, save, read, look);
        }
    }
}
