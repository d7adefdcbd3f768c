//! Compares kornia-tensor with its peers: see `--help` and the README beside this.
//!
//! In each row all candidates get the same input, their results are compared before anything is
//! timed, and they take turns in every round, so what slows the machine down slows all of them.

mod cliffs;
mod constant;
mod files;
mod heap;
mod input;
mod limits;
mod measure;
mod messages;
mod options;
mod peers;
mod plot;
mod python;
mod report;
mod work;

use std::error::Error;
use std::fs;
use std::thread::available_parallelism;

use indicatif::{ProgressBar, ProgressStyle};

use cliffs::{CLIFFS, Cliff};
use constant::CONSTANTS;
use files::{FORMATS, Format};
use input::{Input, Kind, Output};
use measure::{Candidate, measure};
use options::{Options, Size};
use python::Python;
use report::{Measured, PARTS, group, markdown, summary};
use work::{ROWS, Row, Work};

/// One thing to measure.
enum Task {
    Short(&'static str, constant::Constant),
    Bulk(&'static str, &'static Row, Size),
    Frames,
    Messages(Kind),
    /// To files or, if not, to memory.
    Files(&'static str, Format, Kind, bool),
    Growth(usize),
    Cliff(Cliff, usize),
}

fn tasks(options: &Options) -> Vec<Task> {
    let mut tasks = Vec::new();
    if options.wants_part("short") {
        let wanted = CONSTANTS.iter().filter(|(name, _)| options.wants_row(name));
        tasks.extend(wanted.map(|(name, work)| Task::Short(name, *work)));
    }
    for part in ["warm", "fresh", "reduce"] {
        let rows = ROWS
            .iter()
            .filter(|row| row.is_reduction() == (part == "reduce"));
        for row in rows.filter(|row| options.wants_part(part) && options.wants_row(row.name)) {
            tasks.extend(
                options
                    .sizes
                    .iter()
                    .map(|size| Task::Bulk(part, row, *size)),
            );
        }
    }
    if options.wants_part("frames") && options.wants_row("frames") {
        tasks.push(Task::Frames);
    }
    if options.wants_part("growth") && options.wants_row("copy_f32") {
        let sizes = (12..).map(|power| 1usize << power);
        tasks.extend(
            sizes
                .take_while(|bytes| *bytes <= options.longest)
                .map(Task::Growth),
        );
    }
    if options.wants_part("cliffs") {
        for cliff in CLIFFS
            .into_iter()
            .filter(|cliff| options.wants_row(cliff.row_name()))
        {
            let values = cliff.values().into_iter();
            let values = values.filter(|value| cliff != Cliff::Side || *value <= options.widest);
            tasks.extend(values.map(|value| Task::Cliff(cliff, value)));
        }
    }
    // These are last, because from here on the heap is kept.
    if options.wants_part("messages") && options.wants_row("messages") {
        tasks.extend([Task::Messages(Kind::U8), Task::Messages(Kind::F32)]);
    }
    for (part, to_disk) in [("files", true), ("formats", false)] {
        let formats = FORMATS.iter().filter(|(name, format)| {
            options.wants_row(name) && (to_disk || *format != Format::Mapped)
        });
        for (name, format) in formats.filter(|_| options.wants_part(part)) {
            let kinds = [Kind::U8, Kind::F32];
            tasks.extend(kinds.map(|kind| Task::Files(name, *format, kind, to_disk)));
        }
    }
    tasks
}

/// Everything that the tasks share.
struct Comparison {
    options: Options,
    python: Option<Python>,
    bar: ProgressBar,
    measured: Vec<Measured>,
    growth: Vec<(usize, Vec<(&'static str, f64)>)>,
    cliffs: Vec<cliffs::Point>,
}

impl Comparison {
    fn run(&mut self, task: &Task) {
        match task {
            Task::Short(name, work) => {
                self.bar.set_message(*name);
                let mut candidates: Vec<_> = peers::limits(*work).into_iter().collect();
                candidates.extend(peers::constants(*work, |name| {
                    self.options.wants_peer(name)
                }));
                self.keep("short", name, "", candidates);
            }
            Task::Bulk(part, row, size) => {
                self.bar
                    .set_message(format!("{part} {} {}", row.name, size.name));
                let [h, w] = size.image;
                let shape = match row.work {
                    Work::Transpose => [size.matrix, size.matrix, 1],
                    _ => [h, w, 3],
                };
                let candidates = self.candidates(row, shape, *part == "fresh");
                let side = match row.work {
                    Work::Transpose if size.matrix == 256 => "256²",
                    Work::Transpose if size.matrix == 1024 => "1024²",
                    Work::Transpose => "4096²",
                    _ => size.name,
                };
                self.keep(part, row.name, side, candidates);
            }
            Task::Frames => {
                self.bar.set_message("frames");
                let input = Input::new([1080, 1920, 3]);
                let candidates = peers::frames(&input, |name| self.options.wants_peer(name));
                self.keep("frames", "two clones, two sends", "", candidates);
            }
            Task::Messages(kind) => {
                heap::keep();
                let input = Input::new(self.options.message);
                let (name, both) = match kind {
                    Kind::U8 => ("u8", messages::candidates::<u8>(&input)),
                    Kind::F32 => ("f32", messages::candidates::<f32>(&input)),
                };
                for (direction, candidates) in [("write", both.write), ("read", both.read)] {
                    self.bar.set_message(format!("{direction} {name}"));
                    self.keep("messages", &format!("{direction} {name}"), "", candidates);
                }
            }
            Task::Files(name, format, kind, to_disk) => {
                self.files(name, *format, *kind, *to_disk);
            }
            Task::Growth(bytes) => {
                self.bar
                    .set_message(format!("copy of {}", plot::size(*bytes)));
                let candidates = self.candidates(&ROWS[0], [bytes / 1024, 64, 4], false);
                let seconds = measure(candidates, self.options.budget / 2);
                self.growth.push((*bytes, seconds));
            }
            Task::Cliff(cliff, value) => {
                self.bar.set_message(format!("{cliff:?} {value}"));
                let candidates = match cliff.row(*value) {
                    Some((row, shape)) => self.candidates(row, shape, false),
                    None => cliffs::shifted(*value),
                };
                let seconds = measure(candidates, self.options.budget / 4);
                self.cliffs.push((*cliff, *value, seconds));
            }
        }
    }

    /// One format in both directions.
    fn files(&mut self, name: &str, format: Format, kind: Kind, to_disk: bool) {
        heap::keep();
        let input = Input::new(self.options.message);
        let folder = self
            .options
            .files
            .join(format!("kornia-bench-{}", std::process::id()));
        let place = to_disk.then_some(folder.as_path());
        if let Err(error) = place.map_or(Ok(()), fs::create_dir_all) {
            self.complain(name, &error.to_string());
            return;
        }
        let (kind, expected, both) = match kind {
            Kind::U8 => {
                let wanted = |name: &str| self.options.wants_peer(name);
                let both = files::candidates::<u8>(format, place, &input, wanted);
                ("u8", Output::U8(input.bytes.clone()), both)
            }
            Kind::F32 => {
                let wanted = |name: &str| self.options.wants_peer(name);
                let both = files::candidates::<f32>(format, place, &input, wanted);
                ("f32", Output::F32(input.a.clone()), both)
            }
        };
        let part = if to_disk { "files" } else { "formats" };
        for (direction, mut candidates) in [("write", both.write), ("read", both.read)] {
            if format == Format::Mapped && direction == "write" {
                continue;
            }
            let row = format!("{name}, {direction} {kind}");
            self.bar.set_message(row.clone());
            if let Some(python) = &self.python {
                let wanted = |name: &str| self.options.wants_peer(name);
                let short = if format == Format::Mapped {
                    "mapped"
                } else {
                    name
                };
                let question = format!("files:{short}:{direction}:{kind}");
                let mode = place.map_or("-".to_string(), |folder| folder.display().to_string());
                let (others, complaints) =
                    python.candidates(&question, input.shape, &mode, &expected, wanted);
                candidates.extend(others);
                complaints
                    .iter()
                    .for_each(|complaint| self.complain(&row, complaint));
            }
            self.keep(part, &row, "", candidates);
        }
        if to_disk && let Err(error) = fs::remove_dir_all(&folder) {
            self.complain(name, &error.to_string());
        }
    }

    /// The limits and all peers whose result is right.
    fn candidates(&self, row: &Row, shape: [usize; 3], allocate: bool) -> Vec<Candidate> {
        let input = Input::new(shape);
        let expected = row.expected(&input);
        let mut candidates = Vec::new();
        let limits = limits::runs(row.bytes(shape), allocate);
        let wanted = |name: &str| self.options.wants_peer(name);
        let runs = peers::runs(row, &input, allocate, wanted);
        let checked = (limits.into_iter().map(|(name, run)| (name, run, None))).chain(
            runs.into_iter()
                .map(|(name, run)| (name, run, Some(&expected))),
        );
        for (name, run, expected) in checked {
            match Candidate::checked(name, run, expected) {
                Ok(candidate) => candidates.push(candidate),
                Err(difference) => self.complain(row.name, &difference),
            }
        }
        if let Some(python) = &self.python {
            let mode = if allocate { "fresh" } else { "warm" };
            let (others, complaints) = python.candidates(row.name, shape, mode, &expected, wanted);
            candidates.extend(others);
            complaints
                .iter()
                .for_each(|complaint| self.complain(row.name, complaint));
        }
        candidates
    }

    /// Whoever comes to another result is left out, and said to be.
    fn complain(&self, row: &str, difference: &str) {
        self.bar
            .suspend(|| eprintln!("left out of {row}: {difference}"));
    }

    fn keep(
        &mut self,
        part: &'static str,
        row: &str,
        size: &'static str,
        candidates: Vec<Candidate>,
    ) {
        let seconds = measure(candidates, self.options.budget);
        self.measured.push(Measured {
            part,
            row: row.to_string(),
            size,
            seconds,
        });
    }

    fn write(&self, about: &str) -> Result<(), Box<dyn Error>> {
        let out = &self.options.out;
        fs::create_dir_all(out)?;
        let table = markdown(&self.measured, about);
        fs::write(out.join("table.md"), &table)?;
        fs::write(out.join("summary.md"), summary(&self.measured))?;
        let names: Vec<_> = peers::names()
            .chain(["ndarray-npy", "safetensors"])
            .chain(python::NAMES)
            .skip(1)
            .collect();
        for (part, title) in PARTS {
            let of_part = self.measured.iter().filter(|row| row.part == *part);
            let of_part: Vec<_> = of_part.collect();
            let mut sizes: Vec<_> = of_part.iter().map(|row| group(row.size)).collect();
            sizes.sort_unstable();
            sizes.dedup();
            for size in sizes {
                let rows = of_part.iter().copied();
                let rows: Vec<_> = rows.filter(|row| group(row.size) == size).collect();
                let (name, title) = match size {
                    "" => (format!("{part}.svg"), (*title).to_string()),
                    size => (format!("{part}-{size}.svg"), format!("{title}, {size}")),
                };
                plot::bars(&out.join(name), &title, &rows, &names)?;
            }
        }
        plot::growth(&out.join("growth.svg"), &self.growth, &names)?;
        cliffs::plot(&out.join("cliffs.svg"), &self.cliffs)?;
        println!("{table}");
        println!("Written to {}", out.display());
        Ok(())
    }
}

/// One thread for everyone, before anyone starts another.
fn one_thread() {
    for name in ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "CANDLE_NUM_THREADS"] {
        // SAFETY: nothing else runs yet.
        unsafe { std::env::set_var(name, "1") };
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    one_thread();
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(text) => {
            println!("{text}");
            return Ok(());
        }
    };
    let started = options.python.as_deref().map(Python::start);
    let (python, versions) = match started {
        Some(Ok((python, versions))) => (Some(python), versions),
        Some(Err(error)) => (None, format!("without Python ({error}): see the README")),
        None => (None, "without Python".to_string()),
    };
    let cores = available_parallelism().map_or(1, |cores| cores.get());
    let about = format!(
        "{}, {cores} cores, one thread; medians; {versions}. The limit is the better of memcpy \
         and streaming stores for the same bytes, in the same run. `ahead`: time of the best other \
         over ours; a tie is within 5%.",
        std::env::consts::ARCH
    );
    println!("{about}");
    let tasks = tasks(&options);
    let style = "{elapsed_precise} {bar:30} {pos}/{len}, {eta} left: {msg}";
    let bar = ProgressBar::new(tasks.len() as u64).with_style(ProgressStyle::with_template(style)?);
    let mut comparison = Comparison {
        options,
        python,
        bar,
        measured: Vec::new(),
        growth: Vec::new(),
        cliffs: Vec::new(),
    };
    for task in &tasks {
        comparison.run(task);
        comparison.bar.inc(1);
    }
    comparison.bar.finish_and_clear();
    comparison.write(&about)
}
