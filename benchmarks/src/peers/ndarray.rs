//! ndarray: arrays that own a `Vec`, and `ArcArray` where handles are asked for.

use std::fs::File;
use std::io::{BufReader, BufWriter, Cursor, Read, Seek, Write};
use std::path::Path;

use ndarray::{ArcArray, Array, ArrayView, Axis, Dimension, Ix2, Ix3, Zip, s};

use ndarray_npy::{NpzReader, NpzWriter, ReadNpyExt, WriteNpyExt, read_npy, write_npy};

use crate::constant::{Constant, LARGE, RESHAPED, SHAPE, elements};
use crate::files::{self, Both, Element, Format};
use crate::input::{Input, Kind, Output, Pixel};
use crate::measure::{Candidate, Run, fresh, warm};
use crate::work::{DEVIATION, FILL, MEAN, Row, SCALE, Work, map, middle};

pub const NAME: &str = "ndarray";

type Image<T> = Array<T, Ix3>;
type Look<T, D> = fn(&Array<T, D>) -> ArrayView<'_, T, D>;

fn image<T>(shape: [usize; 3], elements: Vec<T>) -> Image<T> {
    Array::from_shape_vec(shape, elements).unwrap()
}

fn output<T: Pixel, D: Dimension>(array: &Array<T, D>) -> Output {
    T::output(array.iter().copied().collect())
}

fn crop<T>(image: &Image<T>) -> ArrayView<'_, T, Ix3> {
    let (h, w, _) = image.dim();
    image.slice(s![middle(h), middle(w), ..])
}

pub fn run(row: &Row, input: &Input, allocate: bool) -> Option<Run> {
    match row.kind {
        Kind::U8 => moving::<u8>(row.work, input, allocate),
        Kind::F32 => moving::<f32>(row.work, input, allocate),
    }
    .or_else(|| computing(row.work, input, allocate))
    .or_else(|| reducing(row.work, input))
}

fn moving<T: Pixel>(work: Work, input: &Input, allocate: bool) -> Option<Run> {
    let [h, w, c] = input.shape;
    let look: Look<T, Ix3> = match work {
        Work::Copy => |image| image.view(),
        Work::Crop => crop,
        Work::HwcToChw => |image| image.view().permuted_axes([2, 0, 1]),
        Work::ChwToHwc => |planes| planes.view().permuted_axes([1, 2, 0]),
        Work::FlipColumns => |image| image.slice(s![.., ..;-1, ..]),
        Work::Transpose => {
            let matrix: Array<T, Ix2> = Array::from_shape_vec([h, w * c], T::of(input)).unwrap();
            return copied(matrix, |matrix| matrix.t(), allocate);
        }
        _ => return None,
    };
    let shape = if work == Work::ChwToHwc {
        [c, h, w]
    } else {
        [h, w, c]
    };
    copied(image(shape, T::of(input)), look, allocate)
}

fn copied<T: Pixel, D: Dimension + 'static>(
    from: Array<T, D>,
    look: Look<T, D>,
    allocate: bool,
) -> Option<Run> {
    if allocate {
        return fresh(move || standard(look(&from)), output);
    }
    let to = Array::from_elem(look(&from).raw_dim(), T::default());
    warm(to, move |to| to.assign(&look(&from)), output)
}

/// A copy in row-major order: `to_owned` would keep the order of memory.
fn standard<T: Pixel, D: Dimension>(view: ArrayView<'_, T, D>) -> Array<T, D> {
    let copy = Array::build_uninit(view.raw_dim(), |to| view.assign_to(to));
    // SAFETY: `assign_to` has written all elements.
    unsafe { copy.assume_init() }
}

fn computing(work: Work, input: &Input, allocate: bool) -> Option<Run> {
    let [h, w, c] = input.shape;
    let bytes = || image([h, w, c], input.bytes.clone());
    let a = || image([h, w, c], input.a.clone());
    let zeros = |shape: [usize; 3]| image(shape, vec![0.0; shape.iter().product()]);
    let by = || Array::from_vec(MEAN.to_vec());
    match work {
        Work::CastScale => {
            let image = bytes();
            if allocate {
                return fresh(move || image.mapv(|x| f32::from(x) * SCALE), output);
            }
            let cast = move |to: &mut Image<f32>| {
                Zip::from(to)
                    .and(&image)
                    .for_each(|to, &x| *to = f32::from(x) * SCALE);
            };
            warm(zeros([h, w, c]), cast, output)
        }
        Work::Preproc => {
            let image = bytes();
            let column = |numbers: [f32; 3]| Array::from_shape_vec([3, 1, 1], numbers.to_vec());
            let (mean, deviation) = (column(MEAN).unwrap(), column(DEVIATION).unwrap());
            let prepare = move |to: &mut Image<f32>| {
                let planes = crop(&image).permuted_axes([2, 0, 1]);
                let mean = mean.broadcast(planes.dim()).unwrap();
                let deviation = deviation.broadcast(planes.dim()).unwrap();
                let parts = Zip::from(to).and(&planes).and(&mean).and(&deviation);
                parts.for_each(|to, &x, mean, deviation| {
                    *to = (f32::from(x) * SCALE - mean) / deviation;
                });
            };
            let (h, w) = (middle(h).len(), middle(w).len());
            if allocate {
                return fresh(move || made(Image::zeros([c, h, w]), &prepare), output);
            }
            warm(zeros([c, h, w]), prepare, output)
        }
        Work::Add | Work::AddPermuted => {
            let a = a();
            let b = if work == Work::Add {
                image([h, w, c], input.b.clone())
            } else {
                image([c, h, w], input.b.clone()).permuted_axes([1, 2, 0])
            };
            if allocate {
                return fresh(move || sum_of(&a, &b), output);
            }
            let add = move |to: &mut Image<f32>| {
                Zip::from(to)
                    .and(&a)
                    .and(&b)
                    .for_each(|to, a, b| *to = a + b);
            };
            warm(zeros([h, w, c]), add, output)
        }
        Work::MulBroadcast => {
            let (a, by) = (a(), by());
            if allocate {
                return fresh(move || &a * &by, output);
            }
            let times = move |to: &mut Image<f32>| {
                let parts = Zip::from(to).and(&a).and_broadcast(&by);
                parts.for_each(|to, a, b| *to = a * b);
            };
            warm(zeros([h, w, c]), times, output)
        }
        Work::Fill if allocate => fresh(move || Image::from_elem([h, w, c], FILL), output),
        Work::Fill => warm(a(), |to| to.fill(FILL), output),
        Work::Map => {
            let a = a();
            if allocate {
                return fresh(move || a.mapv(map), output);
            }
            let mapped = move |to: &mut Image<f32>| {
                Zip::from(to).and(&a).for_each(|to, &x| *to = map(x));
            };
            warm(zeros([h, w, c]), mapped, output)
        }
        _ => None,
    }
}

fn made<R>(mut result: R, write: &impl Fn(&mut R)) -> R {
    write(&mut result);
    result
}

/// In row-major order, whatever that of the second is.
fn sum_of(a: &Image<f32>, b: &Image<f32>) -> Image<f32> {
    let sum = Array::build_uninit(a.raw_dim(), |to| {
        Zip::from(to).and(a).and(b).for_each(|to, a, b| {
            to.write(a + b);
        });
    });
    // SAFETY: every element was written.
    unsafe { sum.assume_init() }
}

fn reducing(work: Work, input: &Input) -> Option<Run> {
    let a = image(input.shape, input.a.clone());
    match work {
        Work::SumAll => fresh(move || a.sum(), |&sum| Output::Number(sum.into())),
        Work::SumFirst => fresh(move || a.sum_axis(Axis(0)), output),
        Work::SumLast => fresh(move || a.sum_axis(Axis(2)), output),
        Work::Equal => {
            let b = a.clone();
            fresh(
                move || a == b,
                |&equal| Output::Number(f64::from(u8::from(equal))),
            )
        }
        _ => None,
    }
}

pub fn constant(work: Constant) -> Option<Candidate> {
    type Shared = ArcArray<f32, Ix3>;
    let image = image(SHAPE, elements());
    let shared: Shared = image.clone().into_shared();
    Some(match work {
        Constant::CloneDrop => {
            let large: Shared = ArcArray::zeros(LARGE);
            Candidate::repeated(NAME, move || large.clone())
        }
        Constant::OwnedWindow => Candidate::repeated(NAME, move || {
            shared.clone().slice_move(s![16..48, 16..48, ..])
        }),
        Constant::BorrowedWindow => Candidate::repeated(NAME, move || {
            std::hint::black_box(image.slice(s![16..48, 16..48, ..]));
        }),
        Constant::OwnedReshape => Candidate::repeated(NAME, move || {
            shared.clone().into_shape_with_order(RESHAPED).unwrap()
        }),
        Constant::BorrowedReshape => Candidate::repeated(NAME, move || {
            std::hint::black_box(image.view().into_shape_with_order(RESHAPED).unwrap());
        }),
        Constant::OwnedPermute => {
            Candidate::repeated(NAME, move || shared.clone().permuted_axes([2, 0, 1]))
        }
        Constant::BorrowedPermute => Candidate::repeated(NAME, move || {
            std::hint::black_box(image.view().permuted_axes([2, 0, 1]));
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
        Constant::FromVec => Candidate::repeated(NAME, || Array::from_vec(vec![1.0f32; 16])),
        Constant::VecAndBack => Candidate::repeated(NAME, || {
            Array::from_vec(vec![1.0f32; 16])
                .into_raw_vec_and_offset()
                .0
        }),
    })
}

/// The crate ndarray-npy.
pub fn files<T: Element>(format: Format, input: &Input, both: &mut Both) {
    const NAME: &str = "ndarray-npy";
    type Archive = Cursor<Vec<u8>>;
    fn add<T: Element, W: Write + Seek>(image: &Image<T>, to: W) -> W {
        let mut npz = NpzWriter::new(to);
        npz.add_array(files::NAME, image).unwrap();
        npz.finish().unwrap()
    }
    fn find<T: Element>(from: impl Read + Seek) -> Image<T> {
        NpzReader::new(from).unwrap().by_name(files::NAME).unwrap()
    }
    let image = image(input.shape, T::of(input));
    match format {
        Format::Npy => {
            let write = |image: &Image<T>, path: &Path| write_npy(path, image).unwrap();
            let read = |path: &Path| read_npy::<_, Image<T>>(path).unwrap();
            both.in_file(NAME, image.clone(), write, read, output);
            let write = |image: &Image<T>| {
                let mut bytes = Vec::new();
                image.write_npy(&mut bytes).unwrap();
                bytes
            };
            let read = |bytes: &Vec<u8>| Image::<T>::read_npy(&bytes[..]).unwrap();
            both.in_memory(NAME, image, write, read, output);
        }
        Format::Npz => {
            let write = |image: &Image<T>, path: &Path| {
                let mut file = add(image, BufWriter::new(File::create(path).unwrap()));
                file.flush().unwrap();
            };
            let read = |path: &Path| find::<T>(BufReader::new(File::open(path).unwrap()));
            both.in_file(NAME, image.clone(), write, read, output);
            let write = |image: &Image<T>| add(image, Archive::default());
            let read = |bytes: &Archive| find::<T>(Cursor::new(&bytes.get_ref()[..]));
            both.in_memory(NAME, image, write, read, output);
        }
        Format::SafeTensors | Format::Mapped => {}
    }
}
