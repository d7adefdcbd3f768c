//! The originals: files that NumPy and the Python package safetensors write are read here, and what
//! is written here they read.
//!
//! They need an interpreter that has both packages, and `KORNIA_TEST_PYTHON` names it: a plain `cargo
//! test` installs nothing and asks nobody. Without it they say so and do nothing; `.ci/run` makes such
//! an interpreter and sees to it that they ran.
#![cfg(not(miri))] // starts other programs

#[path = "files/folder.rs"]
mod folder;
#[path = "originals/python.rs"]
mod python;

use folder::Folder;
use half::f16;
use kornia_tensor::formats::file::FileElement;
use kornia_tensor::formats::npy::{self, NpzReader, NpzWriter};
use kornia_tensor::formats::safetensors::{SafeTensors, SafeTensorsReader, SafeTensorsWriter};
use kornia_tensor::{Tensor, Tensor3};
use python::script;

/// As `values.py`.
const SHAPES: [[usize; 3]; 5] = [[2, 3, 4], [0, 2, 3], [2, 0, 3], [1, 1, 1], [70, 41, 13]];

/// An element type with NumPy's name for it.
trait Value: FileElement + PartialEq + std::fmt::Debug {
    const NAME: &'static str;
    /// Element number `i`, as `values.py` has it.
    fn of(i: usize) -> Self;
}

macro_rules! value {
    ($($type:ty, $name:literal, $of:expr;)*) => {$(
        impl Value for $type {
            const NAME: &'static str = $name;
            fn of(i: usize) -> Self {
                $of(i)
            }
        }
    )*};
}

value! {
    bool, "bool", |i| i % 3 == 0;
    u8, "u1", |i| (i % 200) as u8;
    i8, "i1", |i| (i % 100) as i8 - 5;
    u16, "u2", |i| (i % 200) as u16;
    i16, "i2", |i| (i % 100) as i16 - 5;
    u32, "u4", |i| (i % 200) as u32;
    i32, "i4", |i| (i % 100) as i32 - 5;
    u64, "u8", |i| (i % 200) as u64;
    i64, "i8", |i| (i % 100) as i64 - 5;
    f16, "f2", |i| f16::from_f32((i % 1000) as f32 / 2.0 - 3.0);
    f32, "f4", |i| (i % 1000) as f32 / 2.0 - 3.0;
    f64, "f8", |i| (i % 1000) as f64 / 2.0 - 3.0;
}

/// A claim about every type that NumPy has.
trait ForEveryType {
    fn check<T: Value>(&mut self);
}

fn for_every_type(claim: &mut impl ForEveryType) {
    claim.check::<bool>();
    claim.check::<u8>();
    claim.check::<i8>();
    claim.check::<u16>();
    claim.check::<i16>();
    claim.check::<u32>();
    claim.check::<i32>();
    claim.check::<u64>();
    claim.check::<i64>();
    claim.check::<f16>();
    claim.check::<f32>();
    claim.check::<f64>();
}

/// The array that `values.py` gives.
fn values<T: Value, const N: usize>(shape: [usize; N]) -> Tensor<T, N> {
    let numel = shape.iter().product();
    Tensor::from_shape_vec(shape, (0..numel).map(T::of).collect()).unwrap()
}

fn cases<T: Value>() -> impl Iterator<Item = (String, Tensor3<T>)> {
    let cases = SHAPES.iter().enumerate();
    cases.map(|(index, &shape)| (format!("{}-{index}", T::NAME), values(shape)))
}

#[test]
fn what_the_originals_write_is_read() {
    struct Claim {
        folder: Folder,
        stored: NpzReader<std::io::BufReader<std::fs::File>>,
        compressed: NpzReader<std::io::BufReader<std::fs::File>>,
        tensors: SafeTensorsReader<std::fs::File>,
        shared: SafeTensors,
        read: usize,
    }

    impl ForEveryType for Claim {
        fn check<T: Value>(&mut self) {
            for (name, expected) in cases::<T>() {
                let kinds = ["C-little", "C-big", "F-little", "F-big"];
                let versions = ["version-1", "version-2", "version-3"];
                for kind in kinds.iter().chain(&versions) {
                    let path = self.folder.file(&format!("{name}-{kind}.npy"));
                    let found = npy::open::<T, 3>(&path).unwrap();
                    assert_eq!(found, expected, "{path:?}");
                    if kind.starts_with('F') && expected.numel() > 1 {
                        let [first, _, last] = *found.strides();
                        assert!(first < last, "{path:?} was in Fortran order");
                    }
                    self.read += 1;
                }
                assert_eq!(self.stored.read::<T, 3>(&name).unwrap(), expected);
                assert_eq!(self.compressed.read::<T, 3>(&name).unwrap(), expected);
                assert_eq!(self.tensors.read::<T, 3>(&name).unwrap(), expected);
                assert_eq!(self.shared.tensor::<T, 3>(&name).unwrap(), expected);
            }
        }
    }

    let folder = Folder::new();
    if script("write.py", &folder).is_none() {
        return;
    }
    let path = folder.file("everything.safetensors");
    // In memory as aligned as a mapping.
    let bytes = std::fs::read(&path).unwrap();
    let page = std::sync::Arc::new(kornia_tensor::AlignedAllocator::new(4096).unwrap());
    let page = Tensor::<u8, 1>::from_shape_slice_in([bytes.len()], &bytes, page).unwrap();
    let mut claim = Claim {
        stored: NpzReader::open(folder.file("stored.npz")).unwrap(),
        compressed: NpzReader::open(folder.file("compressed.npz")).unwrap(),
        tensors: SafeTensorsReader::open(&path).unwrap(),
        shared: SafeTensors::from_owner(page.storage().clone()).unwrap(),
        read: 0,
        folder,
    };
    for_every_type(&mut claim);
    assert_eq!(claim.read, 12 * 5 * 7);
    assert_eq!(claim.stored.names().len(), 12 * 5);
    assert_eq!(claim.tensors.contents().names().len(), 12 * 5);
    assert_eq!(
        claim.tensors.contents().description("by"),
        Some("the original")
    );

    let folder = claim.folder;
    let number = npy::open::<f64, 0>(folder.file("number.npy")).unwrap();
    assert_eq!(number.as_slice(), [-2.5]);
    let mut npz = NpzReader::open(folder.file("number.npz")).unwrap();
    assert_eq!(npz.read::<f64, 0>("number").unwrap(), number);
    let mut file = SafeTensorsReader::open(folder.file("number.safetensors")).unwrap();
    assert_eq!(file.read::<f64, 0>("number").unwrap(), number);
    let mut two = std::fs::File::open(folder.file("two.npy")).unwrap();
    assert_eq!(npy::read::<u8, 1>(&mut two).unwrap(), values::<u8, 1>([3]));
    assert_eq!(
        npy::read::<f32, 2>(&mut two).unwrap(),
        values::<f32, 2>([2, 2])
    );

    let refused = |name: &str, expected: &str| {
        let error = npy::open::<f32, 1>(folder.file(name)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    refused("objects.npy", "'|O' (Python objects");
    refused(
        "structures.npy",
        "structures: [('x', '<f4'), ('y', '<u2', (2,))]",
    );
    refused("text.npy", "'<U2' (text)");
    refused("times.npy", "points in time");
    refused("complex.npy", "'<c16' (complex numbers)");
    refused("long.npy", "elements are '<f");
}

#[test]
fn what_is_written_here_the_originals_read() {
    struct Npy<'a>(&'a Folder);

    impl ForEveryType for Npy<'_> {
        fn check<T: Value>(&mut self) {
            for (name, tensor) in cases::<T>() {
                npy::save(self.0.file(&format!("{name}.npy")), &tensor).unwrap();
            }
        }
    }

    struct Npz<'a, W: std::io::Write + std::io::Seek>(&'a mut NpzWriter<W>);

    impl<W: std::io::Write + std::io::Seek> ForEveryType for Npz<'_, W> {
        fn check<T: Value>(&mut self) {
            for (name, tensor) in cases::<T>() {
                self.0.add(&name, &tensor).unwrap();
            }
        }
    }

    /// Tensors of all types, kept while they are being written.
    struct Tensors<'a>(&'a mut Vec<Box<dyn Add>>);

    trait Add {
        fn add<'a>(&'a self, writer: &mut SafeTensorsWriter<'a>);
    }

    impl<T: Value> Add for (String, Tensor3<T>) {
        fn add<'a>(&'a self, writer: &mut SafeTensorsWriter<'a>) {
            writer.add(&self.0, &self.1).unwrap();
        }
    }

    impl ForEveryType for Tensors<'_> {
        fn check<T: Value>(&mut self) {
            self.0
                .extend(cases::<T>().map(|case| Box::new(case) as Box<dyn Add>));
        }
    }

    let folder = Folder::new();
    for_every_type(&mut Npy(&folder));
    npy::save_npz(folder.file("stored.npz"), |npz| {
        for_every_type(&mut Npz(npz));
        Ok(())
    })
    .unwrap();
    npy::save_npz_compressed(folder.file("compressed.npz"), |npz| {
        for_every_type(&mut Npz(npz));
        Ok(())
    })
    .unwrap();
    let mut tensors = Vec::new();
    for_every_type(&mut Tensors(&mut tensors));
    let mut writer = SafeTensorsWriter::new();
    tensors.iter().for_each(|tensor| tensor.add(&mut writer));
    writer.describe("by", "kornia-tensor");
    writer.save(folder.file("everything.safetensors")).unwrap();

    npy::save(
        folder.file("number.npy"),
        &Tensor::from_shape_vec([], vec![-2.5]).unwrap(),
    )
    .unwrap();
    let image = values::<u16, 3>([20, 30, 3]);
    let crop = image.slice((3..17, 5..25, ..)).flip(2);
    npy::save(folder.file("crop.npy"), &crop).unwrap();
    let planes = crop.permute_axes([2, 0, 1]).unwrap();
    npy::save(folder.file("planes.npy"), &planes).unwrap();
    let mut two = std::fs::File::create(folder.file("two.npy")).unwrap();
    npy::write(&mut two, &values::<u8, 1>([3])).unwrap();
    npy::write(&mut two, &values::<f32, 2>([2, 2])).unwrap();
    drop(two);

    if let Some(said) = script("read.py", &folder) {
        assert_eq!(said.trim(), "60 arrays were read");
    }
}
