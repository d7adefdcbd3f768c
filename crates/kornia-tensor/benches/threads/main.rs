//! A benchmark of several threads for one operation: the same work on one thread and on as many as
//! the crate takes, for sizes from 256 KiB to a 4K picture of `f32`.
//!
//! ```text
//! cargo bench --bench threads                    # about a minute
//! cargo bench --bench threads -- --quick         # some seconds
//! cargo bench --bench threads -- --only copy     # kinds whose name contains that
//! ```
//!
//! One thread is what there is inside of a rayon pool, here one of a single thread: the crate
//! makes nothing parallel that is part of something parallel. Both take turns, and the medians over
//! the rounds are printed, with the quotient, and the quotient of the fastest rounds, which tells
//! more on a machine that does other things as well. Below its threshold work is left to one thread, so
//! that the quotient is 1. *Warm* work writes memory that was written before; for *fresh* results a
//! second process is told to ask the system for them each time, so that every page is faulted in
//! (glibc). On a machine with one core there is nothing to see.

mod work;

use std::process::Command;
use std::time::{Duration, Instant};

/// How long a sample takes at least, far above the resolution of the clock.
const SAMPLE: Duration = Duration::from_micros(200);

/// Asks for the fresh results alone.
const FRESH_PAGES: &str = "--fresh-pages";

/// Work of a size, to be done once per call.
type Work<'a> = Box<dyn FnMut() + Send + 'a>;

/// What to measure, and how often.
struct Bench {
    rounds: usize,
    only: String,
    single: rayon::ThreadPool,
}

impl Bench {
    /// Measures a kind of work and prints a line.
    fn line(&self, kind: &str, bytes: usize, mut work: Work<'_>) {
        if !kind.contains(&self.only) {
            return;
        }
        let mut repetitions = 1;
        while sample(&mut work, repetitions) < SAMPLE {
            repetitions *= 2;
        }
        let (mut one, mut more) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            let alone = self.single.install(|| sample(&mut work, repetitions));
            one.push(alone.as_secs_f64() / f64::from(repetitions));
            let together = sample(&mut work, repetitions);
            more.push(together.as_secs_f64() / f64::from(repetitions));
        }
        one.sort_unstable_by(f64::total_cmp);
        more.sort_unstable_by(f64::total_cmp);
        let middle = self.rounds / 2;
        println!(
            "  {kind:<32} {:>8} KiB {:>10.1} us {:>10.1} us {:>6.2}x {:>6.2}x",
            bytes >> 10,
            one[middle] * 1e6,
            more[middle] * 1e6,
            one[middle] / more[middle],
            one[0] / more[0],
        );
    }
}

fn sample(work: &mut Work<'_>, repetitions: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..repetitions {
        work();
    }
    start.elapsed()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let quick = has("--quick") || has("--test") || !has("--bench");
    let mut only = arguments
        .iter()
        .skip_while(|argument| *argument != "--only");
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let bench = Bench {
        rounds: if quick { 5 } else { 21 },
        only: only.nth(1).cloned().unwrap_or_default(),
        single: single.expect("a pool of one thread"),
    };
    let largest = if has("--bench") { usize::MAX } else { 1 << 20 };
    if has(FRESH_PAGES) {
        return work::fresh(&bench, largest);
    }

    println!("medians over {} rounds", bench.rounds);
    println!("kind of work, bytes read and written, one thread, several threads, quotients\n");
    println!("== warm");
    work::warm(&bench, largest);
    println!("== fresh");
    let again = std::env::current_exe().and_then(|this| {
        Command::new(this)
            .args(&arguments)
            .arg(FRESH_PAGES)
            .env("MALLOC_MMAP_THRESHOLD_", "131072")
            .status()
    });
    let succeeded = again.is_ok_and(|status| status.success());
    assert!(succeeded, "the second process failed");
}
