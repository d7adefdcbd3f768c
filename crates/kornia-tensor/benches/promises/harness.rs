//! The stopwatch: many short interleaved measurements, judged by medians of ratios.
//!
//! One *round* runs every case once, in an order that is drawn anew each time. Whatever slows
//! the machine down for a while slows the cases of a round together, so a ratio is taken within
//! each round and the median of these is reported.
//!
//! The same loop can take twice as long if it happens to straddle two cache lines of code. That
//! is luck of the linker and says nothing about what is measured, so a case can have a copy for
//! each of the [`SHIFTS`], at different distances from a cache line; the fastest one counts.

use std::hint::black_box;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

/// How long one copy of a case runs in one round: far above the resolution of the clock, far
/// below a time slice of the scheduler.
const BATCH: Duration = Duration::from_micros(10);

/// How many bytes the copies of a case are moved by: compilers let loops begin at multiples of
/// 16, and a cache line has 64.
pub(crate) const SHIFTS: [usize; 4] = [0, 16, 32, 48];

/// Names a case in its [`Bench`].
#[derive(Clone, Copy)]
pub(crate) struct CaseId(usize);

/// Repeats the work that many times and says how long that took.
type Batch = Box<dyn FnMut(u64) -> Duration>;

/// One thing to measure.
struct Case {
    copies: Vec<Batch>,
    /// What one repetition counts for: 1 call, or the elements it visits.
    units: f64,
    /// Repetitions in a round.
    repetitions: u64,
    /// Nanoseconds per unit, one sample per round.
    samples: Vec<f64>,
}

/// Cases that are measured against each other.
#[derive(Default)]
pub(crate) struct Bench {
    cases: Vec<Case>,
    /// Which case is added next.
    next: usize,
}

impl Bench {
    /// From here on the same cases are added again, in the same order, as further copies.
    pub(crate) fn again(&mut self) {
        self.next = 0;
    }

    /// A case whose result is dropped inside the measured time.
    pub(crate) fn add<R>(&mut self, work: impl FnMut() -> R + 'static) -> CaseId {
        self.add_copy::<0, R>(1, work)
    }

    /// A case or a copy of one, reported per each of the `units` that one call handles.
    ///
    /// The closure has to come from a function that is generic over `SHIFT` too, so that each
    /// copy is compiled for itself.
    pub(crate) fn add_copy<const SHIFT: usize, R>(
        &mut self,
        units: usize,
        work: impl FnMut() -> R + 'static,
    ) -> CaseId {
        let mut slot = Some(work);
        self.add_batch(units, move |repetitions| match slot.take() {
            Some(work) => {
                let (elapsed, work) = repeat::<SHIFT, R, _>(work, repetitions);
                slot = Some(work);
                elapsed
            }
            None => Duration::ZERO,
        })
    }

    /// A case that holds the stopwatch itself.
    pub(crate) fn add_batch(
        &mut self,
        units: usize,
        batch: impl FnMut(u64) -> Duration + 'static,
    ) -> CaseId {
        let id = CaseId(self.next);
        self.next += 1;
        if let Some(case) = self.cases.get_mut(id.0) {
            case.copies.push(Box::new(batch));
        } else {
            self.cases.push(Case {
                copies: vec![Box::new(batch)],
                units: units as f64,
                repetitions: 1,
                samples: Vec::new(),
            });
        }
        id
    }

    /// Measures every case in every round.
    pub(crate) fn run(&mut self, rounds: usize, progress: &ProgressBar) {
        for case in &mut self.cases {
            case.calibrate();
        }
        let mut order: Vec<usize> = (0..self.cases.len()).collect();
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
        for _ in 0..rounds {
            dice.shuffle(&mut order);
            for &index in &order {
                self.cases[index].sample();
            }
            progress.inc(1);
        }
    }

    /// Median nanoseconds per unit.
    pub(crate) fn ns(&self, case: CaseId) -> f64 {
        median(self.cases[case.0].samples.clone())
    }

    /// Median over the rounds of how many times as long `case` took as `reference`.
    pub(crate) fn ratio(&self, case: CaseId, reference: CaseId) -> f64 {
        let (case, reference) = (&self.cases[case.0], &self.cases[reference.0]);
        let pairs = case.samples.iter().zip(&reference.samples);
        median(pairs.map(|(case, reference)| case / reference).collect())
    }
}

impl Case {
    /// Finds how many repetitions fill a [`BATCH`], which also warms the case up.
    fn calibrate(&mut self) {
        while self.fastest() < BATCH {
            self.repetitions *= 2;
        }
    }

    /// The time of the fastest copy.
    fn fastest(&mut self) -> Duration {
        let times = self.copies.iter_mut().map(|copy| copy(self.repetitions));
        times.min().unwrap_or_default()
    }

    fn sample(&mut self) {
        let elapsed = self.fastest().as_secs_f64() * 1e9;
        self.samples
            .push(elapsed / (self.repetitions as f64 * self.units));
    }
}

/// The measured loop, moved on by `SHIFT` bytes. Takes the work and gives it back, so that what
/// it captured can be in registers.
#[inline(never)]
fn repeat<const SHIFT: usize, R, W>(mut work: W, repetitions: u64) -> (Duration, W)
where
    W: FnMut() -> R,
{
    shift::<SHIFT>();
    let start = Instant::now();
    for _ in 0..repetitions {
        let result = work();
        black_box(&result);
    }
    (start.elapsed(), work)
}

/// `SHIFT` bytes of instructions that do nothing, where we know how to write them.
#[inline(always)]
fn shift<const SHIFT: usize>() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: only `nop`s.
    unsafe {
        std::arch::asm!(".skip {}, 0x90", const SHIFT, options(nomem, nostack, preserves_flags));
    }
}

/// The value in the middle; NaN if there is none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The range that values lie in.
pub(crate) fn least_and_most(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let range = (f64::INFINITY, f64::NEG_INFINITY);
    let widen = |(least, most): (f64, f64), value| (least.min(value), most.max(value));
    values.into_iter().fold(range, widen)
}

/// Marsaglia's xorshift: enough to shuffle a list, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as usize % bound
    }

    fn shuffle(&mut self, items: &mut [usize]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
