//! How long it takes until a mapped file is a tensor, and what reading through it costs.
//!
//! ```text
//! cargo bench --features mmap --bench mmap               # some seconds
//! cargo bench --features mmap --bench mmap -- --quick
//! ```
//!
//! The large file is sparse, in the folder for temporary files: 1 GiB long, a few pages on disk.

#[path = "../pool/harness.rs"]
mod harness;

use std::error::Error;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use harness::{Effort, Group};
use kornia_tensor::{MappedFile, Tensor};

const FRAME: [usize; 3] = [1080, 1920, 3];
/// What has to hold: 1 GiB is a tensor within
const LIMIT: Duration = Duration::from_millis(1);

/// A file that is removed with the value.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("kornia-tensor-{name}-{}", std::process::id())))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed stays in the folder for temporary files.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn open(path: &Path) -> MappedFile {
    // SAFETY: a file of this process, written once.
    unsafe { MappedFile::open(path) }.expect("the file is there")
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let effort = Effort::new(has("--quick") || has("--test") || !has("--bench"));

    let (large, frame) = (Temporary::new("1gib.raw"), Temporary::new("frame.raw"));
    let mut file = File::create(&large.0)?;
    file.set_len(1 << 30)?;
    file.seek(SeekFrom::End(-1))?;
    file.write_all(&[7])?;
    std::fs::write(&frame.0, vec![1u8; FRAME.iter().product()])?;

    let whole = |path: &Path| open(path).tensor::<u8, 1>([1 << 30], 0);
    let started = Instant::now();
    let all = whole(&large.0)?;
    let opened = started.elapsed();
    assert_eq!(all[[(1 << 30) - 1]], 7);
    println!("1 GiB, first time: a tensor after {opened:?}\n");
    assert!(opened < LIMIT, "{opened:?} is longer than {LIMIT:?}");
    drop(all);

    let mut group = Group::new("a file of 1 GiB, from its path to a tensor, and let go");
    group.add("MappedFile, nothing read", || whole(&large.0));
    group.add("MappedFile, the last byte read", || {
        whole(&large.0).map(|all| all[[(1 << 30) - 1]])
    });
    group.run(&effort);

    let mut reused = Tensor::<u8, 3>::zeros(FRAME);
    let mut group = Group::new("a 1080p frame in a cached file, every byte added up");
    let sum = |t: &Tensor<u8, 3>| t.as_slice().iter().map(|&p| u64::from(p)).sum::<u64>();
    group.add("MappedFile", || {
        open(&frame.0).tensor(FRAME, 0).map(|t| sum(&t))
    });
    group.add("fs::read, from_shape_vec", || {
        let bytes = std::fs::read(&frame.0).expect("the file is there");
        Tensor::from_shape_vec(FRAME, bytes).map(|t| sum(&t))
    });
    group.add("read into a tensor that is there already", || {
        let mut file = File::open(&frame.0).expect("the file is there");
        let read = file.read_exact(reused.as_mut_slice());
        read.map(|()| sum(&reused))
    });
    group.run(&effort);
    Ok(())
}
