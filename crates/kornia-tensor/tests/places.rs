//! Where files go: links, pipes, descriptors, permissions, mounts, and what is no file at all.
//!
//! What needs another user or a mount is tried where that is permitted, and says NOT RUN where not.
#![cfg(all(target_os = "linux", not(miri)))] // processes, permissions and mounts

#[path = "files/folder.rs"]
mod folder;

use std::fs::{self, File, Permissions};
use std::io::{Cursor, ErrorKind, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use folder::Folder;
use kornia_tensor::formats::file::{Durable, FileErrorKind, NewFile};
use kornia_tensor::formats::npy::{self, NpzReader, NpzWriter};
use kornia_tensor::formats::safetensors::{SafeTensorsReader, SafeTensorsWriter};
use kornia_tensor::{MappedFile, Tensor};

/// Says to `in_another_process` where to save.
const TARGET: &str = "KORNIA_TEST_SAVE_TO";
const NOBODY: u32 = 65534;

fn image(value: u8) -> Tensor<u8, 2> {
    Tensor::full([40, 50], value)
}

fn bytes(value: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    npy::write(&mut bytes, &image(value)).unwrap();
    bytes
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
#[ignore = "run by the tests below, as another user, or with another output"]
fn in_another_process() {
    let Some(target) = std::env::var_os(TARGET) else {
        return;
    };
    let target = Path::new(&target);
    let result = if target.extension().is_some_and(|ending| ending == "npz") {
        npy::save_npz(target, |npz| npz.add("image", &image(9)))
    } else {
        npy::save(target, &image(9))
    };
    result.unwrap_or_else(|error| panic!("refused: {error}"));
}

/// This program in a shell command, in which `"$@"` saves `image(9)` to `target`.
fn in_shell(script: &str, target: &Path) -> Output {
    Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "in_another_process", "--ignored", "--nocapture"])
        .env(TARGET, target)
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// As `in_shell` as nobody; `None`, which is said, where this user cannot become another.
fn as_nobody(target: &Path) -> Option<Output> {
    let change = "setpriv --reuid=65534 --regid=65534 --clear-groups";
    let probe = in_shell(
        &format!("{change} test -x \"$1\" && {change} test -r /tmp"),
        target,
    );
    if !probe.status.success() {
        println!("NOT RUN: this user cannot become another, or the other not read this program");
        return None;
    }
    Some(in_shell(&format!("{change} \"$@\""), target))
}

#[test]
fn a_link_to_nothing_makes_what_it_leads_to() {
    let folder = Folder::new();
    let deep = folder.file("real/deep");
    fs::create_dir_all(&deep).unwrap();
    let (first, second) = (folder.file("first.npy"), folder.file("real/second.npy"));
    symlink("real/second.npy", &first).unwrap();
    symlink("deep/target.npy", &second).unwrap();
    for value in [1, 2] {
        npy::save(&first, &image(value)).unwrap();
        assert!(fs::symlink_metadata(&first).unwrap().is_symlink());
        assert!(fs::symlink_metadata(&second).unwrap().is_symlink());
        let target = deep.join("target.npy");
        assert_eq!(npy::open::<u8, 2>(&target).unwrap(), image(value));
        assert_eq!(fs::read_dir(&deep).unwrap().count(), 1);
    }
    let (a, b) = (folder.file("a"), folder.file("b"));
    symlink("b", &a).unwrap();
    symlink("a", &b).unwrap();
    let error = npy::save(&a, &image(1)).unwrap_err();
    assert!(error.to_string().contains("links"), "{error}");
    let lost = folder.file("lost");
    symlink("no/such/file", &lost).unwrap();
    let error = npy::save(&lost, &image(1)).unwrap_err().to_string();
    let missing = folder.file("no/such");
    assert!(
        error.ends_with(&format!("there is no folder {}", missing.display())),
        "{error}"
    );
}

#[test]
fn errors_name_the_path_as_it_was_given() {
    let error = npy::save("", &image(1)).unwrap_err().to_string();
    assert!(error.contains("the path is empty"), "{error}");
    let folder = Folder::new();
    let link = folder.file("link.npy");
    symlink("folder.npy", &link).unwrap();
    let file = NewFile::create(&link).unwrap();
    fs::create_dir(folder.file("folder.npy")).unwrap();
    assert_eq!(file.commit().unwrap_err().file(), Some(&*link));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn the_output_of_a_program_is_written_to_and_not_replaced() {
    let folder = Folder::new();
    let link = folder.file("out.npy");
    symlink("/proc/self/fd/1", &link).unwrap();
    let ways = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].map(Path::new);
    for path in ways.into_iter().chain([&*link]) {
        let piped = in_shell("\"$@\" | cat", path);
        assert!(piped.status.success(), "{piped:?}");
        assert!(contains(&piped.stdout, &bytes(9)), "{path:?} to a pipe");
        for redirect in [">", ">>"] {
            let log = folder.file("log.txt");
            fs::write(&log, "earlier\n").unwrap();
            let number = fs::metadata(&log).unwrap().ino();
            let script = format!(
                "(echo before; \"$@\"; echo after) {redirect} {}",
                log.display()
            );
            assert!(in_shell(&script, path).status.success());
            let found = fs::read(&log).unwrap();
            assert!(contains(&found, &bytes(9)), "{path:?} {redirect}");
            assert_eq!(found.starts_with(b"earlier\nbefore\n"), redirect == ">>");
            assert!(found.ends_with(b"after\n"), "{path:?} {redirect}");
            assert_eq!(fs::metadata(&log).unwrap().ino(), number);
        }
    }
    assert!(fs::symlink_metadata("/dev/stdout").unwrap().is_symlink());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());

    let log = folder.file("log.txt");
    fs::write(&log, "earlier\n").unwrap();
    let script = format!("exec 7>>{}; \"$@\"", log.display());
    assert!(
        in_shell(&script, Path::new("/proc/self/fd/7"))
            .status
            .success()
    );
    assert_eq!(fs::read(&log).unwrap(), [b"earlier\n", &*bytes(9)].concat());
}

#[test]
fn an_archive_goes_through_a_pipe() {
    let folder = Folder::new();
    let pipe = folder.file("pipe.npz");
    mkfifo(&pipe);
    let depth = Tensor::<f32, 2>::full([30, 20], 2.5);
    for compressed in [false, true] {
        let mut bytes = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let add_all = |npz: &mut NpzWriter<&mut NewFile>| {
                    npz.add("image", &image(9))?;
                    npz.add("depth", &depth)
                };
                let saved = if compressed {
                    npy::save_npz_compressed(&pipe, add_all)
                } else {
                    npy::save_npz(&pipe, add_all)
                };
                saved.unwrap();
            });
            File::open(&pipe).unwrap().read_to_end(&mut bytes).unwrap();
        });
        let mut npz = NpzReader::new(Cursor::new(bytes)).unwrap();
        assert_eq!(npz.names(), ["image", "depth"]);
        assert_eq!(npz.read::<u8, 2>("image").unwrap(), image(9));
        assert_eq!(npz.read::<f32, 2>("depth").unwrap(), depth);
    }
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());

    let link = folder.file("out.npz");
    symlink("/proc/self/fd/1", &link).unwrap();
    let log = folder.file("log");
    let script = format!("\"$@\" >> {}", log.display());
    assert!(in_shell(&script, &link).status.success());
    let found = fs::read(&log).unwrap();
    let start = found
        .windows(4)
        .position(|four| four == b"PK\x03\x04")
        .unwrap();
    let end = found
        .windows(4)
        .rposition(|four| four == b"PK\x05\x06")
        .unwrap()
        + 22;
    let mut npz = NpzReader::new(Cursor::new(&found[start..end])).unwrap();
    assert_eq!(npz.read::<u8, 2>("image").unwrap(), image(9));
}

#[test]
fn a_new_file_is_never_more_readable_than_the_old_one() {
    let folder = Folder::new();
    let path = folder.file("a.npy");
    fs::write(&path, "old").unwrap();
    for old in [0o600, 0o640, 0o644, 0o4755, 0o2775] {
        fs::set_permissions(&path, Permissions::from_mode(old)).unwrap();
        let mut file = NewFile::create(&path).unwrap();
        file.write_all(b"secret").unwrap();
        file.flush().unwrap();
        for entry in fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap().path();
            if entry != path {
                assert_eq!(mode(&entry), 0o600, "{old:o}");
            }
        }
        file.commit().unwrap();
        assert_eq!(mode(&path), old & 0o777, "{old:o}");
    }
}

#[test]
fn the_owner_stays_where_the_system_lets_it() {
    let folder = Folder::new();
    let path = folder.file("a.npy");
    fs::write(&path, "old").unwrap();
    if chown(&path, Some(NOBODY), Some(NOBODY)).is_err() {
        println!("NOT RUN: this user cannot give files away");
        return;
    }
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    npy::save(&path, &image(1)).unwrap();
    let now = fs::metadata(&path).unwrap();
    assert_eq!(
        (now.uid(), now.gid(), now.mode() & 0o7777),
        (NOBODY, NOBODY, 0o640)
    );
}

#[test]
fn what_an_ordinary_write_is_refused_is_refused() {
    let folder = Folder::new();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    let path = folder.file("a.npy");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let Some(refused) = as_nobody(&path) else {
        return;
    };
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        said.contains("refused: ") && said.contains("Permission denied"),
        "{said}"
    );
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(fs::metadata(&path).unwrap().uid(), 0);

    // Everybody may write this one; who replaces it is not let into its group, nor is anybody
    // made its owner by running it.
    fs::set_permissions(&path, Permissions::from_mode(0o6762)).unwrap();
    let allowed = as_nobody(&path).unwrap();
    assert!(allowed.status.success(), "{allowed:?}");
    let now = fs::metadata(&path).unwrap();
    assert_eq!(
        (now.uid(), now.gid(), now.mode() & 0o7777),
        (NOBODY, NOBODY, 0o722)
    );
    assert_eq!(fs::read(&path).unwrap(), bytes(9));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_in_a_folder_that_may_not_be_written_is_written_in_place() {
    let folder = Folder::new();
    let path = folder.file("a.npy");
    fs::write(&path, vec![1; 100_000]).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let Some(written) = as_nobody(&path) else {
        return;
    };
    assert!(written.status.success(), "{written:?}");
    assert_eq!(fs::read(&path).unwrap(), bytes(9));
    assert_eq!(fs::metadata(&path).unwrap().uid(), 0, "the same file");

    let refused = as_nobody(&folder.file("new.npy")).unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    let folder_is_named = format!(
        "no file can be made in the folder {}",
        folder.path().display()
    );
    assert!(said.contains(&folder_is_named), "{said}");

    // A folder in which only the owner replaces files, as /tmp.
    fs::set_permissions(folder.path(), Permissions::from_mode(0o1777)).unwrap();
    fs::write(&path, vec![1; 100_000]).unwrap();
    let written = as_nobody(&path).unwrap();
    // Some systems refuse that to an ordinary write as well.
    if written.status.success() {
        assert_eq!(fs::read(&path).unwrap(), bytes(9));
        assert_eq!(fs::metadata(&path).unwrap().uid(), 0, "the same file");
    } else {
        assert_eq!(fs::read(&path).unwrap(), vec![1; 100_000]);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_that_is_a_mount_is_written_in_place() {
    let folder = Folder::new();
    let (outside, inside) = (folder.file("outside.npy"), folder.file("inside.npy"));
    fs::write(&outside, "old and longer than nothing").unwrap();
    fs::write(&inside, "").unwrap();
    let script = format!(
        "unshare -m sh -c 'mount --bind {} {} || exit 77; exec \"$@\"' sh \"$@\"",
        outside.display(),
        inside.display()
    );
    let run = in_shell(&script, &inside);
    if !run.status.success() && !String::from_utf8_lossy(&run.stderr).contains("refused: ") {
        println!(
            "NOT RUN: no mounts here; {}",
            String::from_utf8_lossy(&run.stderr)
        );
        return;
    }
    assert!(run.status.success(), "{run:?}");
    assert_eq!(fs::read(&outside).unwrap(), bytes(9));
    assert_eq!(
        fs::read(&inside).unwrap(),
        b"",
        "the mount is gone, and what it hid is there"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn durable_files_are_files() {
    let folder = Folder::new();
    let path = folder.file("a");
    npy::save(Durable(&path), &image(3)).unwrap();
    assert_eq!(npy::open::<u8, 2>(&path).unwrap(), image(3));
    npy::save_npz(Durable(&path), |npz| npz.add("a", &image(4))).unwrap();
    assert_eq!(
        NpzReader::open(&path).unwrap().read::<u8, 2>("a").unwrap(),
        image(4)
    );
    let five = image(5);
    let mut writer = SafeTensorsWriter::new();
    writer
        .add("a", &five)
        .unwrap()
        .save(Durable(&path))
        .unwrap();
    assert_eq!(
        SafeTensorsReader::open(&path)
            .unwrap()
            .read::<u8, 2>("a")
            .unwrap(),
        five
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A pipe that nobody writes to is refused, and not waited for.
#[test]
fn what_is_no_regular_file_is_refused_where_one_is_needed() {
    let folder = Folder::new();
    let pipe = folder.file("pipe");
    mkfifo(&pipe);
    let (done, waits) = mpsc::channel();
    let path = pipe.clone();
    std::thread::spawn(move || {
        for path in [
            &*path,
            Path::new("/dev/zero"),
            Path::new("/dev/null"),
            Path::new("/tmp"),
        ] {
            // SAFETY: nothing is mapped that anybody could change.
            let error = unsafe { MappedFile::open(path) }.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            for error in [
                NpzReader::open(path).unwrap_err(),
                SafeTensorsReader::open(path).unwrap_err(),
            ] {
                assert!(error.to_string().contains("not a regular file"), "{error}");
                assert!(matches!(error.kind(), FileErrorKind::Io(_)));
            }
        }
        done.send(()).unwrap();
    });
    waits
        .recv_timeout(Duration::from_secs(20))
        .expect("it waits for a writer, or has panicked");
}
