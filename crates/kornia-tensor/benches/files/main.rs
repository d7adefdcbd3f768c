//! How fast tensors go to files and come back, beside the system's own `read` and `write` of the
//! same bytes.
//!
//! ```text
//! cargo bench --bench files --features npy,safetensors
//! cargo bench --bench files --features npy,safetensors -- --quick
//! KORNIA_BENCH_DIR=/var/tmp cargo bench --bench files --features npy,safetensors
//! KORNIA_BENCH_PYTHON=python3 cargo bench --bench files --features npy,safetensors,image -- --crops
//! ```
//!
//! GB/s of pixels, medians, of an image of 1920x1080x3 as `u8` and as `f32`. Every round runs each
//! case once, so what slows the machine down slows all of them. Files lie in `/dev/shm` unless
//! `KORNIA_BENCH_DIR` says otherwise; writing does not wait for a disk. Reading takes fresh memory,
//! as `std::fs::read` does. Without cargo's `--bench` it is always quick.
//!
//! With `--crops`: many small files, on the disk where the program is built, beside NumPy and OpenCV
//! if `KORNIA_BENCH_PYTHON` has them.

#[cfg(feature = "image")]
mod crops;

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use kornia_tensor::formats::file::FileElement;
use kornia_tensor::formats::safetensors::{SafeTensors, SafeTensorsReader, SafeTensorsWriter};
use kornia_tensor::{Tensor, TensorStorage, formats::npy};

type Case<'a> = (&'static str, Box<dyn FnMut() + 'a>);

/// Median GB/s of each case.
fn measure(mut cases: Vec<Case<'_>>, bytes: usize, rounds: usize) -> Vec<(&'static str, f64)> {
    let mut seconds = vec![Vec::new(); cases.len()];
    for round in 0..rounds {
        for index in 0..cases.len() {
            // Another order each time, so that no case always follows the same one.
            let index = (index * 5 + round) % cases.len();
            let start = Instant::now();
            cases[index].1();
            seconds[index].push(start.elapsed().as_secs_f64());
        }
    }
    let names = cases.iter().map(|(name, _)| *name);
    let medians = seconds.into_iter().map(|mut seconds| {
        seconds.sort_unstable_by(f64::total_cmp);
        bytes as f64 / seconds[seconds.len() / 2] / 1e9
    });
    names.zip(medians).collect()
}

fn print(title: &str, base: &str, rows: &[(&'static str, f64)]) {
    let base = rows.iter().find(|(name, _)| *name == base).unwrap().1;
    println!("{title:<36} GB/s  of the system's");
    for (name, speed) in rows {
        println!("  {name:<34} {speed:>5.2}  {:>5.2}", speed / base);
    }
    println!();
}

/// As a program would that does not want to be found with half a file.
fn write_plainly(path: &Path, header: &[u8], pixels: &[u8]) {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside).unwrap();
    file.write_all(header).unwrap();
    file.write_all(pixels).unwrap();
    fs::rename(beside, path).unwrap();
}

fn table<T: FileElement + PartialEq>(
    title: &str,
    folder: &Path,
    image: &Tensor<T, 3>,
    bytes: &[u8],
    rounds: usize,
) {
    let path = |name: &str| -> PathBuf { folder.join(name) };
    let header = [0u8; 128];
    let [height, width, _] = *image.shape();
    let crop = image.slice((height / 4..height / 4 * 3, width / 4..width / 4 * 3, ..));
    let save_tensors = |path: &Path, image: &Tensor<T, 3>| {
        let mut writer = SafeTensorsWriter::new();
        writer.add("image", image).unwrap();
        writer.save(path).unwrap();
    };

    let cases: Vec<Case<'_>> = vec![
        (
            "memcpy, fresh memory",
            Box::new(|| drop(black_box(bytes.to_vec()))),
        ),
        (
            "write, rename",
            Box::new(|| write_plainly(&path("plain"), &header, bytes)),
        ),
        (
            "npy::save",
            Box::new(|| npy::save(path("a.npy"), image).unwrap()),
        ),
        (
            "SafeTensorsWriter::save",
            Box::new(|| save_tensors(&path("a.st"), image)),
        ),
        (
            "npy::save_npz",
            Box::new(|| {
                npy::save_npz(path("a.npz"), |npz| npz.add("image", image)).unwrap();
            }),
        ),
    ];
    let rows = measure(cases, bytes.len(), rounds);
    print(&format!("{title}: write"), "write, rename", &rows);

    let quarter = &bytes[..crop.numel() * size_of::<T>()];
    let cases: Vec<Case<'_>> = vec![
        (
            "write, rename",
            Box::new(|| write_plainly(&path("crop"), &header, quarter)),
        ),
        (
            "npy::save",
            Box::new(|| npy::save(path("crop.npy"), &crop).unwrap()),
        ),
        (
            "SafeTensorsWriter::save",
            Box::new(|| save_tensors(&path("crop.st"), &crop)),
        ),
    ];
    let rows = measure(cases, quarter.len(), rounds);
    print(&format!("{title}: write a crop"), "write, rename", &rows);

    let in_memory = TensorStorage::from_owner(fs::read(path("a.st")).unwrap());
    assert!(npy::open::<T, 3>(path("a.npy")).unwrap() == *image);
    let cases: Vec<Case<'_>> = vec![
        (
            "memcpy, fresh memory",
            Box::new(|| drop(black_box(bytes.to_vec()))),
        ),
        (
            "std::fs::read",
            Box::new(|| drop(black_box(fs::read(path("plain")).unwrap()))),
        ),
        (
            "npy::open",
            Box::new(|| drop(black_box(npy::open::<T, 3>(path("a.npy")).unwrap()))),
        ),
        (
            "SafeTensorsReader::read",
            Box::new(|| {
                let mut file = SafeTensorsReader::open(path("a.st")).unwrap();
                drop(black_box(file.read::<T, 3>("image").unwrap()));
            }),
        ),
        (
            "NpzReader::read",
            Box::new(|| {
                let mut file = npy::NpzReader::open(path("a.npz")).unwrap();
                drop(black_box(file.read::<T, 3>("image").unwrap()));
            }),
        ),
    ];
    let rows = measure(cases, bytes.len(), rounds);
    print(&format!("{title}: read"), "std::fs::read", &rows);

    let start = Instant::now();
    for _ in 0..1000 {
        let file = SafeTensors::from_owner(in_memory.clone()).unwrap();
        black_box(file.tensor::<T, 3>("image")).ok();
    }
    let micros = start.elapsed().as_secs_f64() * 1e3;
    println!("{title}: SafeTensors::tensor, shared: {micros:.2} microseconds\n");
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let quick = has("--quick") || !has("--bench");
    let (shape, rounds) = if quick {
        ([108, 192, 3], 5)
    } else {
        ([1080, 1920, 3], 101)
    };
    let place = std::env::var_os("KORNIA_BENCH_DIR").map(PathBuf::from);
    #[cfg(feature = "image")]
    if has("--crops") {
        let disk = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let folder = place
            .unwrap_or(disk)
            .join(format!("crops-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        crops::table(&folder, if quick { 3 } else { 15 });
        fs::remove_dir_all(&folder).unwrap();
        return;
    }
    let place = place.unwrap_or_else(|| match Path::new("/dev/shm") {
        memory if memory.is_dir() => memory.to_path_buf(),
        _ => std::env::temp_dir(),
    });
    let folder = place.join(format!("kornia-bench-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();

    let mut noise = 1u32;
    let image = Tensor::<u8, 3>::from_shape_fn(shape, |_| {
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        (noise >> 24) as u8
    });
    table("u8", &folder, &image, image.as_slice(), rounds);
    let image = image.map(|&x| f32::from(x) / 255.0);
    let bytes: Vec<u8> = image.iter().flat_map(|x| x.to_ne_bytes()).collect();
    table("f32", &folder, &image, &bytes, rounds);
    fs::remove_dir_all(&folder).unwrap();
}
