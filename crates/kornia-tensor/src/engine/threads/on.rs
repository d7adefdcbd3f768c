//! Teams of threads.

use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::job::{Job, JobGuard};
use crate::engine::tuning::TUNING;

#[cfg(not(any(test, miri)))]
#[path = "pool.rs"]
mod helpers;
#[cfg(any(test, miri))]
#[path = "scoped.rs"]
mod helpers;

#[cfg(test)]
pub(crate) use helpers::{alone, teams};

/// Whether some operation of the process has a team.
static BUSY: AtomicBool = AtomicBool::new(false);

/// The right to do one operation on several threads; nothing else in the process has it.
pub(crate) struct Team {
    threads: usize,
}

impl Drop for Team {
    fn drop(&mut self) {
        // Relaxed, like the swap: the flag protects no memory.
        BUSY.store(false, Ordering::Relaxed);
    }
}

/// A team of up to so many threads, the calling one among them.
#[cold]
pub(crate) fn assemble(threads: usize) -> Option<Team> {
    if threads < 2 || helpers::nested() || !claim() {
        return None;
    }
    // From here on dropping it ends the claim.
    let mut team = Team { threads };
    team.threads = threads.min(helpers::threads());
    (team.threads >= 2).then_some(team)
}

fn claim() -> bool {
    while BUSY.swap(true, Ordering::Relaxed) {
        if !TUNING.waits_for_team {
            return false;
        }
        while BUSY.load(Ordering::Relaxed) {
            thread::yield_now();
        }
    }
    true
}

impl Team {
    /// Calls `work` with each of the numbers, once, on the threads of the team. A panic is passed
    /// on when no thread is at work any more; some parts may be left out then.
    pub(crate) fn run<W: Fn(usize) + Sync>(self, parts: Range<usize>, work: W) {
        let threads = self.threads.min(parts.len());
        // SAFETY: `work` lives until the end of this function. Before that, `guard` is dropped, also
        // when something panics: it closes the job and waits for those inside.
        let job = Arc::new(unsafe { Job::new(&work, parts, threads) });
        let mut guard = JobGuard::new(&job);
        guard.keep(helpers::recruit(threads.saturating_sub(1), &job));
        // SAFETY: `work` lives until the end of this function.
        unsafe { job.take_parts(0) };
        drop(guard);
        let panic = job.take_panic();
        drop(self);
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}
