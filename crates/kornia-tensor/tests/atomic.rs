//! Writing is whole or nothing: killed writers, full disks, and what a new file takes over from the
//! old one.
#![cfg(not(miri))] // processes, permissions and full disks

#[path = "files/folder.rs"]
mod folder;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use folder::Folder;
use kornia_tensor::formats::file::{FileErrorKind, NewFile};
use kornia_tensor::{Tensor, formats::npy};

/// Says to the tests below that they are the process to be killed, and where it writes.
const TARGET: &str = "KORNIA_TEST_WRITE_TO";

/// How many writers are killed; 200 of them were once, and any number can be.
const KILLS: &str = "KORNIA_TEST_KILLS";

/// This very program, running one of the tests below.
fn this_program(test: &str, target: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--ignored", "--test-threads=1"])
        .env(TARGET, target)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// A file of one kind or the other, of different lengths and all elements the same.
fn version(number: u8) -> Tensor<u8, 2> {
    Tensor::full([1000 + usize::from(number), 1000], number)
}

#[test]
#[ignore = "to be killed by `a_killed_writer_leaves_the_old_file_or_the_new_one`"]
fn writes_until_it_is_killed() {
    let Ok(target) = std::env::var(TARGET) else {
        return;
    };
    let versions = [version(1), version(2)];
    for turn in 0.. {
        npy::save(&target, &versions[turn % 2]).unwrap();
    }
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_killed_writer_leaves_the_old_file_or_the_new_one() {
    let kills = std::env::var(KILLS).map_or(12, |kills| kills.parse().unwrap());
    let folder = Folder::new();
    let target = folder.file("frame.npy");
    let mut seen = [0; 3];
    let mut halves = 0;
    let mut noise = std::process::id() | 1;
    for _ in 0..kills {
        drop(fs::remove_file(&target));
        let child = Killed(
            this_program("writes_until_it_is_killed", &target)
                .spawn()
                .unwrap(),
        );
        let start = Instant::now();
        while !target.exists() {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "the writer does not write"
            );
            std::thread::sleep(Duration::from_micros(200));
        }
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        std::thread::sleep(Duration::from_micros(u64::from(noise % 20_000)));
        drop(child);

        let found = npy::open::<u8, 2>(&target).unwrap();
        let number = found[[0, 0]];
        assert_eq!(found, version(number));
        seen[usize::from(number)] += 1;
        for left in fs::read_dir(folder.path()).unwrap() {
            let left = left.unwrap().path();
            if left != target {
                let name = left.file_name().unwrap().to_string_lossy().into_owned();
                assert!(
                    name.starts_with(".kornia-") && name.ends_with(".tmp"),
                    "{name}"
                );
                halves += 1;
                fs::remove_file(left).unwrap();
            }
        }
    }
    println!("{kills} killed: {seen:?}, {halves} of them halfway");
}

#[test]
fn what_is_not_committed_never_was() {
    let folder = Folder::new();
    let path = folder.file("a.npy");
    let image = Tensor::<u8, 1>::full([3], 1);
    npy::save(&path, &image).unwrap();
    drop(NewFile::create(&path).unwrap());
    let panicked = std::panic::catch_unwind(|| {
        let _file = NewFile::create(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        panic!("halfway");
    });
    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"halfway"));
    assert_eq!(npy::open::<u8, 1>(&path).unwrap(), image);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(npy::save(folder.file("no/such/folder.npy"), &image).is_err());
    assert!(
        npy::save(folder.path(), &image).is_err(),
        "a folder is no file"
    );
}

/// What is left by a writer that was killed earlier and had the same number.
#[test]
fn files_left_behind_are_not_in_the_way() {
    let folder = Folder::new();
    for count in 0..1000 {
        let name = format!(".kornia-{:x}-{count:x}.tmp", std::process::id());
        fs::write(folder.file(&name), "left").unwrap();
    }
    let image = Tensor::<u8, 1>::full([3], 1);
    npy::save(folder.file("a.npy"), &image).unwrap();
    assert_eq!(npy::open::<u8, 1>(folder.file("a.npy")).unwrap(), image);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1001);
}

#[test]
fn threads_that_write_one_file_do_not_mix() {
    let folder = Folder::new();
    let path = folder.file("a.npy");
    std::thread::scope(|scope| {
        for number in 1..4u8 {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..20 {
                    let image = Tensor::<u8, 1>::full([5000 * usize::from(number)], number);
                    npy::save(path, &image).unwrap();
                    let found = npy::open::<u8, 1>(path).unwrap();
                    assert_eq!(found.numel(), 5000 * usize::from(found[[0]]));
                }
            });
        }
    });
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// An array that was refused makes no archive, whatever is made of the error.
#[test]
fn an_archive_that_lacks_an_array_is_an_error() {
    let folder = Folder::new();
    let path = folder.file("a.npz");
    let image = Tensor::<u8, 1>::full([3], 1);
    npy::save_npz(&path, |npz| npz.add("old", &image)).unwrap();
    let careless = npy::save_npz(&path, |npz| {
        npz.add("a", &image)?;
        drop(npz.add("a", &image)); // taken
        drop(npz.add("b", &image));
        Ok(())
    });
    let error = careless.unwrap_err();
    assert_eq!((error.file(), error.tensor()), (Some(&*path), Some("a")));
    assert!(error.to_string().contains("the name is taken"), "{error}");
    #[cfg(feature = "half")]
    {
        let weights = Tensor::<half::bf16, 1>::full([3], half::bf16::ONE);
        let careless = npy::save_npz(&path, |npz| {
            drop(npz.add("weights", &weights));
            Ok(())
        });
        assert_eq!(careless.unwrap_err().tensor(), Some("weights"));
    }
    let error = npy::save_npz(&path, |npz| npz.add(&"n".repeat(1 << 16), &image));
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("65000 are the most")
    );
    assert_eq!(npy::NpzReader::open(&path).unwrap().names(), ["old"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_new_file_takes_over_the_permissions_and_links_stay() {
        let folder = Folder::new();
        let (path, link) = (folder.file("a.npy"), folder.file("link.npy"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let image = Tensor::<u8, 1>::full([3], 1);

        let plain = folder.file("plain");
        fs::write(&plain, "").unwrap();
        npy::save(&path, &image).unwrap();
        assert_eq!(mode(&path), mode(&plain), "as any new file");

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("a.npy", &link).unwrap();
        npy::save(&link, &image.map(|_| 2u8)).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(npy::open::<u8, 1>(&path).unwrap().as_slice(), [2; 3]);
        assert_eq!(mode(&path), 0o640);

        fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
        let error = npy::save(&link, &image).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("link.npy: the file there is read-only"),
            "{error}"
        );
        assert_eq!(npy::open::<u8, 1>(&path).unwrap().as_slice(), [2; 3]);
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use super::*;
    use std::io::ErrorKind;
    use std::io::Read;

    #[test]
    fn a_full_device_is_an_error_and_stays_a_device() {
        let device = Path::new("/dev/full");
        let small = Tensor::<u8, 1>::full([3], 1); // fits the buffer: found out at the end
        let large = Tensor::<u8, 1>::full([1 << 20], 1);
        for image in [small, large] {
            let error = npy::save(device, &image).unwrap_err();
            assert_eq!(error.file(), Some(device));
            match error.kind() {
                FileErrorKind::Io(error) => assert_eq!(error.kind(), ErrorKind::StorageFull),
                other => panic!("{other}"),
            }
            assert!(npy::save_npz(device, |npz| npz.add("image", &image)).is_err());
        }
        assert!(!fs::metadata(device).unwrap().is_file());
    }

    #[test]
    #[ignore = "run by `no_room_left_is_an_error_and_leaves_the_old_file` within a limit"]
    fn writes_more_than_there_is_room_for() {
        let Ok(target) = std::env::var(TARGET) else {
            return;
        };
        let error = npy::save(&target, &version(2)).unwrap_err();
        match error.kind() {
            FileErrorKind::Io(error) => assert_eq!(error.kind(), ErrorKind::FileTooLarge),
            other => panic!("{other}"),
        }
    }

    /// The limit on the size of a file stands in for a disk with no room: the write that crosses it
    /// is cut short, and the next one fails.
    #[test]
    fn no_room_left_is_an_error_and_leaves_the_old_file() {
        let folder = Folder::new();
        let target = folder.file("frame.npy");
        npy::save(&target, &version(1)).unwrap();
        let program = this_program("linux::writes_more_than_there_is_room_for", &target);
        let mut limited = Command::new("sh");
        limited
            .args(["-c", "trap '' XFSZ; ulimit -f 1000; exec \"$0\" \"$@\""])
            .arg(program.get_program())
            .args(program.get_args())
            .env(TARGET, &target)
            .stdout(Stdio::null());
        assert!(limited.status().unwrap().success());
        assert_eq!(npy::open::<u8, 2>(&target).unwrap(), version(1));
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is left behind"
        );

        // Where nobody ignores the signal, the system kills the writer.
        limited = Command::new("sh");
        limited
            .args(["-c", "ulimit -f 1000; exec \"$0\" \"$@\""])
            .arg(program.get_program())
            .args(program.get_args())
            .env(TARGET, &target)
            .stdout(Stdio::null());
        assert!(!limited.status().unwrap().success());
        assert_eq!(npy::open::<u8, 2>(&target).unwrap(), version(1));
    }

    #[test]
    fn pipes_are_written_to_and_read_from() {
        let folder = Folder::new();
        let pipe = folder.file("pipe");
        if !Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .is_ok_and(|status| status.success())
        {
            eprintln!("no mkfifo here: pipes were not tried");
            return;
        }
        let image = version(3);
        std::thread::scope(|scope| {
            scope.spawn(|| npy::save(&pipe, &image).unwrap());
            assert_eq!(npy::open::<u8, 2>(&pipe).unwrap(), image);
            scope.spawn(|| npy::save(&pipe, &image).unwrap());
            let mut bytes = Vec::new();
            fs::File::open(&pipe)
                .unwrap()
                .read_to_end(&mut bytes)
                .unwrap();
            assert_eq!(npy::read::<u8, 2>(&bytes[..]).unwrap(), image);
        });
    }
}
