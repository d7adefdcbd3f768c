//! Every call of the system fails once while a file is saved: under the name there is the old file or
//! the new one, and nothing beside it.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::system::fault;
use super::{Durable, FileError, NewFile, at_end};
use crate::formats::npy::{self, NpzReader};
use crate::formats::safetensors::{SafeTensorsReader, SafeTensorsWriter};
use crate::{Tensor, TensorView};

/// Saves a picture, which `opens` as what it was.
struct Format {
    name: &'static str,
    save: fn(&Path, bool, TensorView<'_, u8, 3>) -> Result<(), FileError>,
    open: fn(&Path) -> Result<Tensor<u8, 3>, FileError>,
}

const FORMATS: [Format; 5] = [
    Format {
        name: "a.npy",
        save: |path, durable, image| match durable {
            true => npy::save(Durable(path), image),
            false => npy::save(path, image),
        },
        open: |path| npy::open(path),
    },
    Format {
        name: "a.npz",
        save: |path, durable, image| match durable {
            true => npy::save_npz(Durable(path), |npz| npz.add("image", image)),
            // Somebody who does not look.
            false => npy::save_npz(path, |npz| {
                drop(npz.add("image", image));
                drop(npz.add("again", image));
                Ok(())
            }),
        },
        open: |path| NpzReader::open(path)?.read("image"),
    },
    Format {
        name: "b.npz",
        save: |path, durable, image| match durable {
            true => npy::save_npz_compressed(Durable(path), |npz| npz.add("image", image)),
            false => npy::save_npz_compressed(path, |npz| npz.add("image", image)),
        },
        open: |path| NpzReader::open(path)?.read("image"),
    },
    Format {
        name: "a.safetensors",
        save: |path, durable, image| {
            let mut writer = SafeTensorsWriter::new();
            writer.add("image", image)?;
            match durable {
                true => writer.save(Durable(path)),
                false => writer.save(path),
            }
        },
        open: |path| SafeTensorsReader::open(path)?.read("image"),
    },
    Format {
        name: "a.png",
        save: |path, durable, image| match durable {
            true => image.save_image(Durable(path)),
            false => image.save_image(path),
        },
        open: |path| Tensor::open_image(path),
    },
];

const ERRORS: [ErrorKind; 7] = [
    ErrorKind::StorageFull,
    ErrorKind::QuotaExceeded,
    ErrorKind::Other,
    ErrorKind::PermissionDenied,
    ErrorKind::ReadOnlyFilesystem,
    ErrorKind::ResourceBusy,
    ErrorKind::Interrupted,
];

fn picture(value: u8) -> Tensor<u8, 3> {
    // Noise, and more than a buffer, so that it is written in several pieces.
    let mut noise = u32::from(value) + 1;
    Tensor::from_shape_fn([20, 60, 3], |_| {
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        noise as u8
    })
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("kornia-unit-{}-{name}", std::process::id());
        // Where there is no disk to wait for, if there is such a place.
        let memory = Path::new("/dev/shm");
        let path = match memory.is_dir() {
            true => memory.join(name),
            false => std::env::temp_dir().join(name),
        };
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn files(&self) -> Vec<String> {
        let names = fs::read_dir(&self.0).unwrap();
        names
            .map(|name| name.unwrap().file_name().to_string_lossy().into_owned())
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Saves with each error at each call, and says how often that was.
fn try_all(format: &Format, with_old: bool, durable: bool) -> usize {
    let folder = Folder::new(&format!("{}-{with_old}-{durable}", format.name));
    let path = folder.0.join(format.name);
    let (old, new) = (picture(1), picture(2));
    let prepare = || {
        drop(fs::remove_file(&path));
        if with_old {
            (format.save)(&path, false, old.view()).unwrap();
        }
    };
    let mut tried = 0;
    for kind in ERRORS {
        for call in 0.. {
            if call == 0 || !(format.open)(&path).is_ok_and(|found| found == old) {
                prepare();
            }
            let (struck, result) =
                fault::at(call, kind, || (format.save)(&path, durable, new.view()));
            let here = format!("{}, {kind:?} at call {call}: {result:?}", format.name);
            if !struck {
                assert!(result.is_ok(), "{here}");
                break;
            }
            tried += 1;
            let found = (format.open)(&path);
            match &result {
                Ok(()) => assert!(found.is_ok_and(|found| found == new), "{here}"),
                Err(error) => {
                    assert_eq!(error.file(), Some(&*path), "{here}");
                    let whole = match found {
                        // The bytes were there, and the folder could not be brought to the disk.
                        Ok(found) => found == old && with_old || found == new && durable,
                        Err(_) => !with_old && !path.exists(),
                    };
                    assert!(whole, "{here}");
                }
            }
            let files = folder.files();
            assert!(
                files.iter().all(|name| name == format.name),
                "{files:?}; {here}"
            );
        }
    }
    tried
}

#[test]
fn whatever_fails_leaves_the_old_file_or_the_new_one() {
    let mut tried = 0;
    for format in &FORMATS {
        for with_old in [false, true] {
            for durable in [false, true] {
                tried += try_all(format, with_old, durable);
            }
        }
    }
    println!("{tried} calls failed");
    assert!(tried > 500);
}

#[test]
fn a_file_whose_write_failed_is_not_committed() {
    let folder = Folder::new("ignored");
    let path = folder.0.join("a");
    fs::write(&path, "old").unwrap();
    for call in 3..8 {
        let (struck, result) = fault::at(call, ErrorKind::StorageFull, || {
            let mut file = NewFile::create(&path)?;
            for _ in 0..3 {
                drop(file.write_all(&[7; 3 << 10]));
            }
            file.commit()
        });
        assert!(struck && result.is_err(), "{call}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(folder.files(), ["a"]);
    }
}

/// Interrupted once, then at its end.
struct Interrupted(bool);

impl Read for Interrupted {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match std::mem::replace(&mut self.0, true) {
            true => Ok(0),
            false => Err(ErrorKind::Interrupted.into()),
        }
    }
}

#[test]
fn a_signal_while_the_end_is_looked_for_loses_no_array() {
    assert!(at_end(&mut Interrupted(false)).unwrap());
    assert!(!at_end(&mut &[0][..]).unwrap());
}
