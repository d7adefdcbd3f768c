//! What the command line asks for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::python::NAMES;
use crate::{peers, work};

pub const HELP: &str = "\
Compares kornia-tensor with its peers; writes a table and plots.

    --quick             small images and short rounds: does it run?
    --rows NAME,..      rows whose name contains one of these
    --sizes NAME,..     of 256x256, 1080p, 4K
    --peers NAME,..     others whose name contains one of these; kornia-tensor is always there
    --parts NAME,..     of short, warm, fresh, reduce, frames, messages, formats, files, growth,
                        cliffs
    --files DIR         where the part \"files\" writes (default: /dev/shm, which is memory)
    --python PATH       an interpreter that has numpy, and cv2, torch, safetensors if they are to take part
                        (default: python3, left out if it has no numpy)
    --no-python         leave them out
    --seconds S         time for each row (default 1)
    --out DIR           where results go (default: out/benchmarks)
    --list              names of rows and peers";

/// Height and width, or the sides of a square matrix for transposes.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub name: &'static str,
    pub image: [usize; 2],
    pub matrix: usize,
}

const SIZES: [Size; 3] = [
    size("256x256", [256, 256], 256),
    size("1080p", [1080, 1920], 1024),
    size("4K", [2160, 3840], 4096),
];

const fn size(name: &'static str, image: [usize; 2], matrix: usize) -> Size {
    Size {
        name,
        image,
        matrix,
    }
}

pub struct Options {
    pub rows: Vec<String>,
    pub peers: Vec<String>,
    pub parts: Vec<String>,
    pub sizes: Vec<Size>,
    pub python: Option<PathBuf>,
    pub budget: Duration,
    /// Shape of the image that is written and read.
    pub message: [usize; 3],
    /// Most bytes of the plot over size.
    pub longest: usize,
    /// Longest side of the matrices of the plot over awkward numbers.
    pub widest: usize,
    pub out: PathBuf,
    /// Where files are written and read.
    pub files: PathBuf,
}

impl Options {
    /// `Err` has what to print instead of running.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let mut options = Self {
            rows: Vec::new(),
            peers: Vec::new(),
            parts: Vec::new(),
            sizes: SIZES.to_vec(),
            python: Some("python3".into()),
            budget: Duration::from_secs(1),
            message: [1080, 1920, 3],
            longest: 256 << 20,
            widest: usize::MAX,
            out: root.join("out/benchmarks"),
            files: match Path::new("/dev/shm") {
                memory if memory.is_dir() => memory.to_path_buf(),
                _ => std::env::temp_dir(),
            },
        };
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.ok_or_else(|| format!("{argument} needs a value\n\n{HELP}"))
            };
            match argument.as_str() {
                "--quick" => {
                    options.budget = Duration::from_millis(50);
                    options.sizes.truncate(1);
                    options.message = [108, 192, 3];
                    options.longest = 4 << 20;
                    options.widest = 1100;
                }
                "--rows" => options.rows = list(&value()?),
                "--peers" => options.peers = list(&value()?),
                "--parts" => options.parts = list(&value()?),
                "--sizes" => {
                    let names = list(&value()?);
                    options.sizes = SIZES.to_vec();
                    options
                        .sizes
                        .retain(|size| names.iter().any(|name| name == size.name));
                }
                "--python" => options.python = Some(value()?.into()),
                "--no-python" => options.python = None,
                "--seconds" => {
                    let seconds = value()?.parse().map_err(|_| HELP.to_string())?;
                    options.budget = Duration::try_from_secs_f64(seconds).map_err(|_| HELP)?;
                }
                "--out" => options.out = value()?.into(),
                "--files" => options.files = value()?.into(),
                "--list" => return Err(names()),
                _ => return Err(HELP.to_string()),
            }
        }
        Ok(options)
    }

    pub fn wants_row(&self, name: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|part| name.contains(part.as_str()))
    }

    pub fn wants_peer(&self, name: &str) -> bool {
        let named = || self.peers.iter().any(|part| name.contains(part.as_str()));
        self.peers.is_empty() || name == peers::OURS || named()
    }

    pub fn wants_part(&self, name: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|part| name == part)
    }
}

fn list(names: &str) -> Vec<String> {
    names.split(',').map(str::to_string).collect()
}

fn names() -> String {
    let rows: Vec<_> = work::ROWS.iter().map(|row| row.name).collect();
    let peers: Vec<_> = peers::names().collect();
    format!(
        "rows: {}\npeers: {}, safetensors, {}",
        rows.join(" "),
        peers.join(", "),
        NAMES.join(", ")
    )
}
