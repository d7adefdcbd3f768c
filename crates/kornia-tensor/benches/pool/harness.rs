//! The stopwatch: cases in turn, medians over the rounds.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long a sample takes at least, far above the resolution of the clock.
const SAMPLE: Duration = Duration::from_micros(50);

/// How much to measure.
pub(crate) struct Effort {
    pub(crate) rounds: usize,
}

impl Effort {
    pub(crate) fn new(quick: bool) -> Self {
        Self {
            rounds: if quick { 7 } else { 101 },
        }
    }
}

/// Cases that are measured side by side.
pub(crate) struct Group<'a> {
    title: String,
    cases: Vec<Case<'a>>,
}

struct Case<'a> {
    name: String,
    /// Runs so many times and says how long that took.
    run: Box<dyn FnMut(u32) -> Duration + 'a>,
    repetitions: u32,
    /// Nanoseconds each.
    samples: Vec<f64>,
}

impl<'a> Group<'a> {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            cases: Vec::new(),
        }
    }

    /// A case whose result is dropped inside the measured time.
    pub(crate) fn add<R>(&mut self, name: impl Into<String>, mut work: impl FnMut() -> R + 'a) {
        self.add_timed(name, move |repetitions| {
            let start = Instant::now();
            for _ in 0..repetitions {
                drop(black_box(work()));
            }
            start.elapsed()
        });
    }

    /// A case that holds the stopwatch itself.
    pub(crate) fn add_timed(
        &mut self,
        name: impl Into<String>,
        run: impl FnMut(u32) -> Duration + 'a,
    ) {
        self.cases.push(Case {
            name: name.into(),
            run: Box::new(run),
            repetitions: 1,
            samples: Vec::new(),
        });
    }

    /// Measures, and prints each case beside the first one.
    pub(crate) fn run(mut self, effort: &Effort) {
        for case in &mut self.cases {
            (case.run)(1); // memory is taken, caches are warm
            while (case.run)(case.repetitions) < SAMPLE {
                case.repetitions *= 2;
            }
        }
        for round in 0..effort.rounds {
            let count = self.cases.len();
            for index in 0..count {
                let case = &mut self.cases[(index + round) % count];
                let elapsed = (case.run)(case.repetitions).as_secs_f64() * 1e9;
                case.samples.push(elapsed / f64::from(case.repetitions));
            }
        }
        println!("{}", self.title);
        let first = self
            .cases
            .first_mut()
            .map_or(1.0, |case| case.quantile(0.5));
        for case in &mut self.cases {
            let [low, median, high] = [0.1, 0.5, 0.9].map(|q| case.quantile(q));
            println!(
                "  {:<52} {:>9} [{:>9}, {:>9}] {:>8.2}x",
                case.name,
                time(median),
                time(low),
                time(high),
                median / first
            );
        }
        println!();
    }
}

impl Case<'_> {
    fn quantile(&mut self, q: f64) -> f64 {
        self.samples.sort_unstable_by(f64::total_cmp);
        let last = self.samples.len().saturating_sub(1) as f64;
        self.samples
            .get((last * q) as usize)
            .copied()
            .unwrap_or(f64::NAN)
    }
}

fn time(ns: f64) -> String {
    match ns {
        ..1e3 => format!("{ns:.1} ns"),
        1e3..1e6 => format!("{:.2} us", ns / 1e3),
        _ => format!("{:.2} ms", ns / 1e6),
    }
}
