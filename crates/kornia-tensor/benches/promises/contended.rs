//! Two threads that clone and drop handles of one allocation at the same time.

use std::hint::{black_box, spin_loop};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kornia_tensor::Tensor;
use ndarray::ArcArray3;

use crate::harness::{Bench, CaseId};

const SHAPE: [usize; 3] = [64, 64, 4];

/// The contended cases.
pub(crate) struct Contended {
    pub(crate) arc: CaseId,
    pub(crate) tensor: CaseId,
    pub(crate) nd: CaseId,
}

impl Contended {
    pub(crate) fn add(bench: &mut Bench) -> Self {
        let arc = Arc::new(vec![0f32; SHAPE.iter().product()]);
        let tensor = Tensor::<f32, 3>::zeros(SHAPE);
        let nd = ArcArray3::<f32>::zeros(SHAPE);
        Self {
            arc: bench.add_batch(1, move |n| together(&arc, n)),
            tensor: bench.add_batch(1, move |n| together(&tensor, n)),
            nd: bench.add_batch(1, move |n| together(&nd, n)),
        }
    }
}

/// Clones and drops of each thread in a round: some milliseconds, so that both run at the same
/// time for nearly all of it.
const COUNT: u64 = 1 << 20;

/// How long two threads take for this many clones and drops each, on average.
fn together<H: Clone + Sync>(handle: &H, repetitions: u64) -> Duration {
    let arrived = AtomicUsize::new(0);
    let work = || {
        // Not a `Barrier`: by the time that has woken the one who sleeps, the other is done.
        arrived.fetch_add(1, Ordering::AcqRel);
        while arrived.load(Ordering::Acquire) < 2 {
            spin_loop();
        }
        let start = Instant::now();
        for _ in 0..COUNT {
            black_box(&black_box(handle).clone());
        }
        start.elapsed()
    };
    let both = thread::scope(|scope| {
        let other = scope.spawn(work);
        work() + other.join().unwrap_or_default()
    });
    both.mul_f64(repetitions as f64 / (2 * COUNT) as f64)
}
