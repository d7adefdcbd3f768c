//! The command line.

use std::path::PathBuf;

pub(crate) const USAGE: &str = "\
Sends frames of 1080p through four stages on two threads, in memory of a pool.

usage: soak [--frames N] [--seed N] [--out DIR]

  --frames N   how many (default: 100000)
  --seed N     what is drawn at random (default: 4)
  --out DIR    folder for the plot, made if it is missing (default: out)";

pub(crate) struct Options {
    pub(crate) frames: u64,
    pub(crate) seed: u64,
    pub(crate) out: PathBuf,
}

impl Options {
    /// `None` if help was asked for.
    pub(crate) fn parse(
        mut arguments: impl Iterator<Item = String>,
    ) -> Result<Option<Self>, String> {
        let mut options = Self {
            frames: 100_000,
            seed: 4,
            out: PathBuf::from("out"),
        };
        while let Some(name) = arguments.next() {
            if name == "--help" || name == "-h" {
                return Ok(None);
            }
            let mut value = || arguments.next().ok_or(format!("'{name}' needs a value"));
            match name.as_str() {
                "--frames" => options.frames = number(&value()?)?,
                "--seed" => options.seed = number(&value()?)?,
                "--out" => options.out = PathBuf::from(value()?),
                _ => return Err(format!("'{name}' was not expected")),
            }
        }
        match options.frames {
            0 => Err("'--frames' needs at least 1".into()),
            _ => Ok(Some(options)),
        }
    }
}

fn number(text: &str) -> Result<u64, String> {
    let plain = text.replace(['_', ','], "");
    plain.parse().map_err(|_| format!("'{text}' is no number"))
}
