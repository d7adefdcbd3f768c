//! Odd files, and what NumPy and the Python package safetensors make of them: what they refuse is
//! refused here, and what is read is what they read.
//!
//! As `originals`, they need an interpreter that has both packages, and say so without one.
#![cfg(not(miri))] // starts other programs

#[path = "files/folder.rs"]
mod folder;
#[path = "originals/python.rs"]
mod python;

use std::fs::File;
use std::io::BufReader;

use folder::Folder;
use kornia_tensor::Tensor;
use kornia_tensor::formats::file::FileElement;
use kornia_tensor::formats::npy::{self, NpzReader, ReadOptions};
use kornia_tensor::formats::safetensors::SafeTensorsReader;
use python::script;

/// Something that may be read as an array.
trait Source {
    fn read<T: FileElement, const N: usize>(&mut self) -> Option<Tensor<T, N>>;
}

struct Npy(Vec<u8>);

impl Source for Npy {
    /// As `np.load` does, which takes what follows for something else.
    fn read<T: FileElement, const N: usize>(&mut self) -> Option<Tensor<T, N>> {
        let options = ReadOptions::new().loose_bool();
        let header = npy::read_header(&self.0[..]).ok()?;
        // As `u8` those are read too.
        header
            .is::<T>()
            .then(|| options.read(&self.0[..]).ok())
            .flatten()
    }
}

struct Npz(Option<NpzReader<BufReader<File>>>, String);

impl Source for Npz {
    fn read<T: FileElement, const N: usize>(&mut self) -> Option<Tensor<T, N>> {
        self.0.as_mut()?.read(&self.1).ok()
    }
}

struct SafeTensors(Option<SafeTensorsReader<File>>, String);

impl Source for SafeTensors {
    fn read<T: FileElement, const N: usize>(&mut self) -> Option<Tensor<T, N>> {
        let file = self.0.as_mut()?;
        // As `u8` bools are read too, but are asked for first.
        file.read(&self.1).ok()
    }
}

/// What an array is, as `verdicts.txt` says it, or that there is none.
fn verdict(source: &mut impl Source) -> String {
    fn of<T: FileElement>(source: &mut impl Source) -> Option<String> {
        of_rank::<T, 0>(source)
            .or_else(|| of_rank::<T, 1>(source))
            .or_else(|| of_rank::<T, 2>(source))
            .or_else(|| of_rank::<T, 3>(source))
    }

    fn of_rank<T: FileElement, const N: usize>(source: &mut impl Source) -> Option<String> {
        let tensor = source.read::<T, N>()?;
        let mut bytes = Vec::new();
        npy::write(&mut bytes, &tensor).unwrap();
        let header = npy::read_header(&bytes[..]).unwrap();
        let shape: Vec<_> = header.shape().iter().map(usize::to_string).collect();
        let elements = &bytes[header.size_in_bytes()..];
        let elements: String = elements.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = header.element_type();
        Some(format!("{name}\t{}\t{elements}", shape.join(",")))
    }

    of::<bool>(source)
        .or_else(|| of::<u8>(source))
        .or_else(|| of::<i8>(source))
        .or_else(|| of::<u16>(source))
        .or_else(|| of::<i16>(source))
        .or_else(|| of::<u32>(source))
        .or_else(|| of::<i32>(source))
        .or_else(|| of::<u64>(source))
        .or_else(|| of::<i64>(source))
        .or_else(|| of::<half::f16>(source))
        .or_else(|| of::<f32>(source))
        .or_else(|| of::<f64>(source))
        .unwrap_or_else(|| "refused".to_string())
}

/// What the originals read and this crate refuses, with the reason. None of it is what they write.
const REFUSED_HERE: &[(&str, &[&str])] = &[
    (
        "another spelling of a number",
        &["(+6,)", "(0x6,)", "((6,))", "(6 L,)"],
    ),
    (
        "another name of a type",
        &[
            "<f",
            "<f04",
            "float32",
            "?",
            "B",
            "1f4",
            "(1,)f4",
            "<e",
            "('<f4', (2,))",
        ],
    ),
    (
        "another spelling of a text",
        &[
            "u<f4",
            r"\\x3cf4",
            "< f4",
            "''<f4''",
            "r<f4",
            "unicode-key",
            "joined-key",
            "escaped-key",
        ],
    ),
    (
        "an expression, not the dictionary alone",
        &[
            "(False)",
            "brackets",
            "comment",
            "comment-inside",
            "continued",
        ],
    ),
    (
        "said twice: the last counts there",
        &["twice-same", "twice-other", "shape-twice", "twice.npz"],
    ),
    ("bytes behind an array", &["more.npz"]),
    (
        "compressed by what NumPy never uses",
        &["bzip2.npz", "lzma.npz"],
    ),
];

#[test]
fn odd_files_are_refused_or_read_as_the_originals_read_them() {
    let folder = Folder::new();
    if script("odd.py", &folder).is_none() {
        return;
    }
    let verdicts = std::fs::read_to_string(folder.file("verdicts.txt")).unwrap();
    let mut differences = Vec::new();
    let (mut same, mut refused) = (0, 0);
    for line in verdicts.lines() {
        let mut parts = line.splitn(3, '\t');
        let (file, name, expected) = (
            parts.next().unwrap(),
            parts.next().unwrap(),
            parts.next().unwrap(),
        );
        let path = folder.file(file);
        let found = match path.extension().and_then(|ending| ending.to_str()) {
            Some("npy") => verdict(&mut Npy(std::fs::read(&path).unwrap())),
            Some("npz") => verdict(&mut Npz(NpzReader::open(&path).ok(), name.to_string())),
            _ => verdict(&mut SafeTensors(
                SafeTensorsReader::open(&path)
                    .ok()
                    .map(SafeTensorsReader::loose_bool),
                name.to_string(),
            )),
        };
        let plain = name.replace(['\'', '"'], "");
        let known = REFUSED_HERE.iter().any(|(_, names)| {
            let mut names = names.iter().map(|name| name.replace('\'', ""));
            names.any(|known| known == plain || known == file)
        });
        match (found == expected, &*found) {
            (true, "refused") => refused += 1,
            (true, _) => same += 1,
            (false, "refused") if known => {}
            _ => {
                let bytes = std::fs::read(&path).unwrap();
                let start = bytes[..bytes.len().min(120)].escape_ascii();
                differences.push(format!(
                    "{file} `{name}`: {found}\n  not {expected}\n  {start}"
                ));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(
        same > 100 && refused > 200,
        "{same} read, {refused} refused"
    );
}
