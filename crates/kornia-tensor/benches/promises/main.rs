//! A benchmark of the promises: what is O(1) costs the same at any size, hardly more than the
//! reference count it cannot avoid, and the sole owner of a tensor reads and writes it as fast as
//! a `Vec`.
//!
//! ```text
//! cargo bench --bench promises               # about a minute; writes docs/plots/promises.svg
//! cargo bench --bench promises -- --quick    # some seconds, writes nothing
//! cargo bench --bench promises -- --plot=out.svg
//! ```
//!
//! Without cargo's `--bench` (that is, under `cargo test`) it is always quick. Arguments it does
//! not know are ignored.

#[path = "../shared/elements.rs"]
mod elements;

mod canvas;
mod constant;
mod contended;
mod harness;
mod plot;
mod report;
mod sole_owner;

use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};

use constant::Constant;
use contended::Contended;
use harness::Bench;

/// How much to measure.
struct Effort {
    sides: Vec<usize>,
    constant: usize,
    sole_owner: usize,
    contended: usize,
}

impl Effort {
    fn full() -> Self {
        Self {
            sides: constant::SIDES.to_vec(),
            constant: 1500,
            sole_owner: 3000,
            contended: 60,
        }
    }

    fn quick() -> Self {
        Self {
            sides: vec![8, 64, 512],
            constant: 100,
            sole_owner: 200,
            contended: 5,
        }
    }

    fn rounds(&self) -> usize {
        self.constant + Constant::EXTRA_ROUNDS + self.sole_owner + self.contended
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let quick = has("--quick") || has("--test") || !has("--bench");
    let asked = arguments
        .iter()
        .find_map(|argument| argument.strip_prefix("--plot="));
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plots/promises.svg");
    let plot = asked.map(PathBuf::from).or((!quick).then_some(usual));

    let effort = if quick {
        Effort::quick()
    } else {
        Effort::full()
    };
    let progress = ProgressBar::new(effort.rounds() as u64).with_style(
        ProgressStyle::with_template("{msg:26} {bar:40} {pos}/{len} rounds, {eta} left")?,
    );

    progress.set_message("O(1) operations");
    let constant = Constant::measure(&effort.sides, effort.constant, &progress);

    progress.set_message("the sole owner's path");
    let mut alone = Bench::default();
    let rows = sole_owner::add(&mut alone);
    alone.run(effort.sole_owner, &progress);

    progress.set_message("two threads, one allocation");
    let mut together = Bench::default();
    let contended = Contended::add(&mut together);
    together.run(effort.contended, &progress);
    progress.finish_and_clear();

    let mut promises = report::constant(&constant);
    promises.extend(report::sole_owner(&alone, &rows));
    report::contended(&together, &contended, &constant);
    report::summary(&promises, quick);

    if let Some(path) = plot {
        plot::draw(&path, &constant, &alone, &rows)?;
        println!("plot: {}", path.canonicalize()?.display());
    }
    Ok(())
}
