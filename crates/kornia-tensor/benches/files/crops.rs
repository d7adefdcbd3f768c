//! Many small files: 500 crops of 64x64x3 of a photograph, as `.npy` and as `.png`, beside NumPy and
//! OpenCV in a process that waits for its turns.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use kornia_tensor::formats::file::Durable;
use kornia_tensor::{Tensor, formats::npy};

const CROPS: usize = 500;
const SIDE: usize = 64;
const PHOTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/chelsea.png");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/files/crops.py");

/// Python with NumPy and OpenCV, which saves when it is asked to.
struct Python {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Python {
    fn start(interpreter: &str, crops: &Path) -> std::io::Result<Self> {
        let mut child = Command::new(interpreter)
            .arg(SCRIPT)
            .arg(crops)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (ask, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Ok(Self {
            child,
            ask,
            answers: BufReader::new(answers),
        })
    }

    fn save(&mut self, who: &str, folder: &Path) -> f64 {
        writeln!(self.ask, "{who} {}", folder.display()).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim().parse().unwrap_or(f64::NAN)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Who saves the crops.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    Plain,
    Npy,
    DurableNpy,
    NumPy,
    Png,
    OpenCv,
}

impl Who {
    const ALL: [(Self, &str); 6] = [
        (Self::Plain, "File::create, write_all"),
        (Self::Npy, "npy::save"),
        (Self::DurableNpy, "npy::save, Durable"),
        (Self::NumPy, "np.save"),
        (Self::Png, "save_image, PNG"),
        (Self::OpenCv, "cv2.imwrite, PNG"),
    ];

    /// Seconds that it takes to save all of them into this folder.
    fn save(self, crops: &[Tensor<u8, 3>], python: Option<&mut Python>, folder: &Path) -> f64 {
        let start = Instant::now();
        let path = |number: usize, ending: &str| folder.join(format!("{number}.{ending}"));
        for (number, crop) in crops.iter().enumerate() {
            match self {
                Self::Plain => {
                    let mut bytes = Vec::new();
                    npy::write(&mut bytes, crop).unwrap();
                    let mut file = File::create(path(number, "npy")).unwrap();
                    file.write_all(&bytes).unwrap();
                }
                Self::Npy => npy::save(path(number, "npy"), crop).unwrap(),
                Self::DurableNpy => npy::save(Durable(path(number, "npy")), crop).unwrap(),
                Self::Png => crop.save_image(path(number, "png")).unwrap(),
                Self::NumPy | Self::OpenCv => break,
            }
        }
        match (self, python) {
            (Self::NumPy, Some(python)) => python.save("numpy", folder),
            (Self::OpenCv, Some(python)) => python.save("cv2", folder),
            (Self::NumPy | Self::OpenCv, None) => f64::NAN,
            _ => start.elapsed().as_secs_f64(),
        }
    }
}

/// Prints medians of so many rounds, for files that are new and for files that replace others.
pub(crate) fn table(folder: &Path, rounds: usize) {
    let photo = Tensor::<u8, 3>::open_image(PHOTO).unwrap();
    let [height, width, _] = *photo.shape();
    let crops: Vec<_> = (0..CROPS)
        .map(|number| {
            let (y, x) = (number * 37 % (height - SIDE), number * 53 % (width - SIDE));
            photo.slice((y..y + SIDE, x..x + SIDE, ..))
        })
        .collect();
    let all =
        Tensor::<u8, 4>::from_shape_fn([CROPS, SIDE, SIDE, 3], |[n, y, x, c]| crops[n][[y, x, c]]);
    let input = folder.join("crops.npy");
    npy::save(&input, &all).unwrap();
    let interpreter = std::env::var("KORNIA_BENCH_PYTHON").ok();
    let mut python = interpreter.map(|python| Python::start(&python, &input).unwrap());

    let mut seconds = vec![[Vec::new(), Vec::new()]; Who::ALL.len()];
    for round in 0..rounds {
        for turn in 0..Who::ALL.len() {
            // Another order each time, so that nobody always follows the same one.
            let index = (turn * 5 + round) % Who::ALL.len();
            let (who, _) = Who::ALL[index];
            // Waiting for the disk takes seconds, and is no matter of percents.
            if who == Who::DurableNpy && round > 0 {
                continue;
            }
            // Nothing is deleted before the end: systems search long for room among what was just now.
            let place = folder.join(format!("{round}-{index}"));
            fs::create_dir(&place).unwrap();
            for (times, again) in seconds[index].iter_mut().zip([false, true]) {
                times.push(who.save(&crops, python.as_mut(), &place));
                assert!(again || who.save_is_whole(&place, python.is_some()));
            }
        }
    }
    println!("{CROPS} crops of {SIDE}x{SIDE}x3, ms           new files  over old ones");
    for ((_, name), times) in Who::ALL.iter().zip(seconds) {
        let [new, over] = times.map(|mut times| {
            times.sort_unstable_by(f64::total_cmp);
            1e3 * times[times.len() / 2]
        });
        println!("  {name:<34} {new:>9.1}  {over:>13.1}");
    }
    println!();
}

impl Who {
    /// Whether there are as many files as there should be.
    fn save_is_whole(self, place: &Path, with_python: bool) -> bool {
        let there = fs::read_dir(place).unwrap().count();
        let skipped = matches!(self, Self::NumPy | Self::OpenCv) && !with_python;
        there == CROPS || skipped
    }
}
