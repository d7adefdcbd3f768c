//! Candidates, their check, and timing them against each other.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::constant::elements;
use crate::input::Output;

/// Does the work once and, if asked, shows the result.
pub type Run = Box<dyn FnMut(bool) -> Option<Output>>;

/// Who takes part in a row.
pub struct Candidate {
    pub peer: &'static str,
    /// Does the work that often, and says how long it took.
    time: Box<dyn FnMut(u32) -> Duration>,
}

/// Work whose result is allocated each time, and freed.
pub fn fresh<R: 'static>(
    mut work: impl FnMut() -> R + 'static,
    look: impl Fn(&R) -> Output + 'static,
) -> Option<Run> {
    Some(Box::new(move |seen| {
        let result = black_box(work());
        seen.then(|| look(&result))
    }))
}

/// Work whose result goes into memory that was written before.
pub fn warm<B: 'static>(
    mut into: B,
    mut work: impl FnMut(&mut B) + 'static,
    look: impl Fn(&B) -> Output + 'static,
) -> Option<Run> {
    Some(Box::new(move |seen| {
        work(&mut into);
        black_box(&mut into);
        seen.then(|| look(&into))
    }))
}

impl Candidate {
    /// Takes part, unless its result is another one.
    pub fn checked(
        peer: &'static str,
        mut run: Run,
        expected: Option<&Output>,
    ) -> Result<Self, String> {
        // Twice, so that a result that depends on what was in memory is noticed.
        for _ in 0..2 {
            let (Some(seen), Some(expected)) = (run(true), expected) else {
                continue;
            };
            if let Some(difference) = expected.differs(&seen) {
                return Err(format!("{peer}: {difference}"));
            }
        }
        Ok(Self::timed(peer, move |times| {
            let start = Instant::now();
            for _ in 0..times {
                run(false);
            }
            start.elapsed()
        }))
    }

    /// Work of a few nanoseconds: the loop is compiled with it.
    pub fn repeated<R>(peer: &'static str, mut work: impl FnMut() -> R + 'static) -> Self {
        Self::timed(peer, move |times| {
            let start = Instant::now();
            for _ in 0..times {
                black_box(work());
            }
            start.elapsed()
        })
    }

    /// A walk over the elements of the short work, counted per element.
    pub fn per_element(peer: &'static str, mut walk: impl FnMut() -> f32 + 'static) -> Self {
        let elements = elements();
        assert_eq!(
            walk(),
            elements.iter().sum::<f32>(),
            "{peer} walks elsewhere"
        );
        let elements = elements.len();
        Self::timed(peer, move |times| {
            let walks = (times as usize).div_ceil(elements);
            let start = Instant::now();
            for _ in 0..walks {
                black_box(walk());
            }
            start
                .elapsed()
                .mul_f64(f64::from(times) / (walks * elements) as f64)
        })
    }

    /// Work that takes its own time.
    pub fn timed(peer: &'static str, time: impl FnMut(u32) -> Duration + 'static) -> Self {
        Self {
            peer,
            time: Box::new(time),
        }
    }
}

/// Seconds of each candidate: the median of rounds in which each of them has a turn.
pub fn measure(mut candidates: Vec<Candidate>, budget: Duration) -> Vec<(&'static str, f64)> {
    const SAMPLE: f64 = 50e-6;
    const MOST_ROUNDS: usize = 301;
    const FEWEST_ROUNDS: usize = 5;
    // How many runs make a sample that the clock can measure.
    let counts: Vec<u32> = candidates
        .iter_mut()
        .map(|candidate| {
            let mut count = 1;
            loop {
                let seconds = (candidate.time)(count).as_secs_f64();
                if seconds >= SAMPLE || count >= 1 << 20 {
                    return ((SAMPLE / seconds * f64::from(count)).ceil() as u32).max(1);
                }
                count *= 4;
            }
        })
        .collect();
    let number = candidates.len();
    let mut samples = vec![Vec::new(); number];
    let start = Instant::now();
    for round in 0..MOST_ROUNDS {
        if round >= FEWEST_ROUNDS && start.elapsed() > budget {
            break;
        }
        // Another one goes first each time, and every other round goes backwards.
        for turn in 0..number {
            let turn = if round % 2 == 0 {
                turn
            } else {
                number - 1 - turn
            };
            let index = (turn + round / 2) % number;
            let took = (candidates[index].time)(counts[index]).as_secs_f64();
            samples[index].push(took / f64::from(counts[index]));
        }
    }
    let median = |seconds: &mut Vec<f64>| {
        seconds.sort_unstable_by(f64::total_cmp);
        seconds[seconds.len() / 2]
    };
    let peers = candidates.iter().map(|candidate| candidate.peer);
    peers.zip(samples.iter_mut().map(median)).collect()
}
