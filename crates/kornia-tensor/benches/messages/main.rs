//! How fast tensors become messages and come back, beside `memcpy` of the same bytes.
//!
//! ```text
//! cargo bench --bench messages --features serde,bincode,rkyv
//! cargo bench --bench messages --features serde,bincode,rkyv -- --quick
//! ```
//!
//! GB/s of pixels, medians: an image of 1920x1080x3 as `u8` and as `f32`, whole and as a crop of
//! its middle half. Every round runs each case once, so what slows the machine down slows all of
//! them. Writing goes into memory that was written before, where the format can; reading takes
//! fresh memory, unless it happens in place. Without cargo's `--bench` it is always quick.

use std::hint::black_box;
use std::time::Instant;

use kornia_tensor::Tensor;
use kornia_tensor::formats::rkyv::ArchivedTensor;
use rkyv::rancor::Error as RkyvError;
use rkyv::util::AlignedVec;

/// Everything that is asked of an element here.
trait Pixel: Copy + PartialEq + serde::Serialize + serde::de::DeserializeOwned
where
    Self: bincode::Encode + bincode::Decode<()> + rkyv::Archive + 'static,
{
    fn of(noise: u32) -> Self;
    fn to_archive(tensor: &Tensor<Self, 3>, memory: AlignedVec) -> AlignedVec;
    fn in_place(bytes: &AlignedVec) -> usize;
    fn from_archive(bytes: &AlignedVec) -> Tensor<Self, 3>;
}

macro_rules! pixel {
    ($type:ty, $of:expr) => {
        impl Pixel for $type {
            fn of(noise: u32) -> Self {
                $of(noise)
            }

            fn to_archive(tensor: &Tensor<Self, 3>, memory: AlignedVec) -> AlignedVec {
                rkyv::api::high::to_bytes_in::<_, RkyvError>(tensor, memory).unwrap()
            }

            fn in_place(bytes: &AlignedVec) -> usize {
                type Root = ArchivedTensor<rkyv::Archived<$type>, 3>;
                let archived = rkyv::access::<Root, RkyvError>(bytes).unwrap();
                archived.view_as::<$type>().unwrap().numel()
            }

            fn from_archive(bytes: &AlignedVec) -> Tensor<Self, 3> {
                rkyv::from_bytes::<_, RkyvError>(bytes).unwrap()
            }
        }
    };
}

pixel!(u8, |noise| (noise >> 24) as u8);
pixel!(f32, |noise| (noise >> 8) as f32 / 16_777_216.0);

/// One line of the table: what is timed, and how often in a round.
struct Case {
    name: &'static str,
    /// Seconds that one run took.
    run: Box<dyn FnMut() -> f64>,
    /// Whether it is too slow for every round.
    slow: bool,
    seconds: Vec<f64>,
}

/// Marsaglia's xorshift.
fn next(noise: &mut u32) -> u32 {
    *noise ^= *noise << 13;
    *noise ^= *noise >> 17;
    *noise ^= *noise << 5;
    *noise
}

fn timed<R>(work: impl FnOnce() -> R) -> f64 {
    let start = Instant::now();
    let result = work();
    let seconds = start.elapsed().as_secs_f64();
    black_box(&result);
    seconds
}

/// Cases of one direction, measured against each other.
#[derive(Default)]
struct Cases(Vec<Case>);

impl Cases {
    fn add<R>(&mut self, name: &'static str, mut work: impl FnMut() -> R + 'static) {
        self.0.push(Case {
            name,
            run: Box::new(move || timed(&mut work)),
            slow: name.contains("json"),
            seconds: Vec::new(),
        });
    }

    /// Median GB/s of `bytes` for every case.
    fn measure(mut self, bytes: usize, rounds: usize) -> Vec<(&'static str, f64)> {
        let mut order: Vec<usize> = (0..self.0.len()).collect();
        let mut noise = 1;
        for round in 0..rounds {
            // Shuffled each time, so that no case always finds what the same one left behind:
            // the allocator gives warm memory after some and fresh pages after others.
            for last in (1..order.len()).rev() {
                order.swap(last, next(&mut noise) as usize % (last + 1));
            }
            for &index in &order {
                let case = &mut self.0[index];
                if !case.slow || round % 10 == 0 {
                    case.seconds.push((case.run)());
                }
            }
        }
        let median = |mut seconds: Vec<f64>| {
            seconds.sort_unstable_by(f64::total_cmp);
            seconds[seconds.len() / 2]
        };
        let cases = self.0.into_iter();
        cases
            .map(|case| (case.name, bytes as f64 / median(case.seconds) / 1e9))
            .collect()
    }
}

fn writers<T: Pixel>(tensor: &Tensor<T, 3>) -> Cases {
    let mut cases = Cases::default();
    let elements = tensor.view().to_vec();
    let mut memory = elements.clone();
    let source = elements.clone();
    cases.add("memcpy, warm memory", move || {
        memory.copy_from_slice(&source);
        memory[0]
    });
    cases.add("memcpy, fresh memory", move || elements.clone());

    /// A buffer of the length of what `write` writes, and the case of writing into it.
    fn into_buffer<T: Pixel>(
        cases: &mut Cases,
        name: &'static str,
        tensor: &Tensor<T, 3>,
        first: Vec<u8>,
        write: impl Fn(&Tensor<T, 3>, &mut [u8]) -> usize + 'static,
    ) {
        let (tensor, mut buffer) = (tensor.clone(), first);
        cases.add(name, move || write(&tensor, &mut buffer));
    }

    let first = postcard::to_stdvec(tensor).unwrap();
    into_buffer(
        &mut cases,
        "serde, postcard",
        tensor,
        first,
        |tensor, buffer| postcard::to_slice(tensor, buffer).unwrap().len(),
    );
    let standard = bincode::config::standard();
    let first = bincode::serde::encode_to_vec(tensor, standard).unwrap();
    into_buffer(
        &mut cases,
        "serde, bincode",
        tensor,
        first,
        move |tensor, buffer| bincode::serde::encode_into_slice(tensor, buffer, standard).unwrap(),
    );
    let first = bincode::encode_to_vec(tensor, standard).unwrap();
    into_buffer(
        &mut cases,
        "bincode",
        tensor,
        first,
        move |tensor, buffer| bincode::encode_into_slice(tensor, buffer, standard).unwrap(),
    );
    let (source, mut buffer) = (tensor.clone(), Vec::new());
    cases.add("serde, rmp", move || {
        buffer.clear();
        rmp_serde::encode::write(&mut buffer, &source).unwrap();
        buffer.len()
    });
    let (source, mut buffer) = (tensor.clone(), Vec::new());
    cases.add("serde, ciborium", move || {
        buffer.clear();
        ciborium::into_writer(&source, &mut buffer).unwrap();
        buffer.len()
    });
    let (source, mut buffer) = (tensor.clone(), Vec::new());
    cases.add("serde, serde_json", move || {
        buffer.clear();
        serde_json::to_writer(&mut buffer, &source).unwrap();
        buffer.len()
    });
    let (source, mut buffer) = (tensor.clone(), AlignedVec::new());
    cases.add("rkyv", move || {
        buffer.clear();
        buffer = T::to_archive(&source, std::mem::take(&mut buffer));
        buffer.len()
    });
    cases
}

fn readers<T: Pixel>(tensor: &Tensor<T, 3>) -> Cases {
    type Owned<T> = Tensor<T, 3>;
    let mut cases = Cases::default();
    let elements = tensor.view().to_vec();
    let mut memory = elements.clone();
    let source = elements.clone();
    cases.add("memcpy, warm memory", move || {
        memory.copy_from_slice(&source);
        memory[0]
    });
    cases.add("memcpy, fresh memory", move || elements.clone());

    let bytes = postcard::to_stdvec(tensor).unwrap();
    let read = move || postcard::from_bytes::<Owned<T>>(&bytes).unwrap();
    assert!(read() == *tensor);
    cases.add("serde, postcard", read);
    let standard = bincode::config::standard();
    let bytes = bincode::serde::encode_to_vec(tensor, standard).unwrap();
    let read = move || bincode::serde::decode_from_slice::<Owned<T>, _>(&bytes, standard).unwrap();
    assert!(read().0 == *tensor);
    cases.add("serde, bincode", read);
    let bytes = bincode::encode_to_vec(tensor, standard).unwrap();
    let read = move || bincode::decode_from_slice::<Owned<T>, _>(&bytes, standard).unwrap();
    assert!(read().0 == *tensor);
    cases.add("bincode", read);
    let bytes = rmp_serde::to_vec(tensor).unwrap();
    let read = move || rmp_serde::from_slice::<Owned<T>>(&bytes).unwrap();
    assert!(read() == *tensor);
    cases.add("serde, rmp", read);
    let mut bytes = Vec::new();
    ciborium::into_writer(tensor, &mut bytes).unwrap();
    let read = move || ciborium::from_reader::<Owned<T>, _>(&bytes[..]).unwrap();
    assert!(read() == *tensor);
    cases.add("serde, ciborium", read);
    let bytes = serde_json::to_vec(tensor).unwrap();
    let read = move || serde_json::from_slice::<Owned<T>>(&bytes).unwrap();
    assert!(read() == *tensor);
    cases.add("serde, serde_json", read);
    let bytes = T::to_archive(tensor, AlignedVec::new());
    let copy = bytes.clone();
    assert!(T::from_archive(&bytes) == *tensor);
    cases.add("rkyv", move || T::from_archive(&bytes));
    cases.add("rkyv, in place", move || T::in_place(&copy));
    cases
}

/// A table for one element type: each format, writing and reading, whole and cropped.
fn table<T: Pixel>(name: &str, shape: [usize; 3], rounds: usize) {
    let mut noise = 1u32;
    let image = Tensor::from_shape_fn(shape, |_| T::of(next(&mut noise)));
    let [height, width, _] = shape;
    let crop = image.slice((height / 4..height / 4 * 3, width / 4..width / 4 * 3, ..));
    let bytes = |tensor: &Tensor<T, 3>| tensor.numel() * size_of::<T>();
    let writes = writers(&image).measure(bytes(&image), rounds);
    let crops = writers(&crop).measure(bytes(&crop), rounds);
    let reads = readers(&image).measure(bytes(&image), rounds);
    println!("{name}, GB/s{:19}write  write a crop   read", "");
    for (name, read) in reads {
        let find = |column: &[(&str, f64)]| {
            let line = column.iter().find(|(line, _)| *line == name);
            line.map_or("-".to_string(), |(_, speed)| format!("{speed:.2}"))
        };
        let (write, crop) = (find(&writes), find(&crops));
        let read = if read > 10_000.0 {
            "O(1)".to_string()
        } else {
            format!("{read:.2}")
        };
        println!("{name:24} {write:>8} {crop:>13} {read:>6}");
    }
    println!();
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let quick = has("--quick") || !has("--bench");
    let (shape, rounds) = if quick {
        ([108, 192, 3], 3)
    } else {
        ([1080, 1920, 3], 60)
    };
    table::<u8>("u8", shape, rounds);
    table::<f32>("f32", shape, rounds);
}
