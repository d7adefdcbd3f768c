//! Helpers from rayon's global pool.

#![forbid(unsafe_code)]

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;

use crate::engine::threads::job::Job;

/// Helpers that were asked for and have not come.
static EXPECTED: AtomicUsize = AtomicUsize::new(0);

/// Whether this is a thread of some pool already. Starts none.
pub(super) fn nested() -> bool {
    rayon_core::current_thread_index().is_some()
}

/// How many threads the pool has, which is started if need be. 1, if there is none.
pub(super) fn threads() -> usize {
    static THREADS: OnceLock<usize> = OnceLock::new();
    *THREADS.get_or_init(|| {
        let cores = available_parallelism().map_or(1, std::num::NonZero::get);
        if cores < 2 {
            return 1;
        }
        // Rayon starts its pool at the first use and panics if it cannot: rather be told. Without
        // a source, the error says that there is one already.
        match rayon_core::ThreadPoolBuilder::new().build_global() {
            Err(error) if std::error::Error::source(&error).is_some() => 1,
            // Somebody else may have tried, and failed.
            _ => catch_unwind(rayon_core::current_num_threads)
                .map_or(1, |threads| threads.min(cores)),
        }
    })
}

/// Those that come let themselves out.
pub(super) struct Helpers;

/// Asks for helpers. No more are waited for than the pool has threads: one that is busy with
/// something else is not sent job after job.
pub(super) fn recruit(count: usize, job: &Arc<Job>) -> Helpers {
    for _ in 0..count {
        if EXPECTED.fetch_add(1, Ordering::Relaxed) >= threads() {
            EXPECTED.fetch_sub(1, Ordering::Relaxed);
            break;
        }
        let job = Arc::clone(job);
        rayon_core::spawn(move || {
            EXPECTED.fetch_sub(1, Ordering::Relaxed);
            job.help();
        });
    }
    Helpers
}
