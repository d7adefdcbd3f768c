//! Helpers for tests: threads of their own, which Miri can follow.

#![forbid(unsafe_code)]

use std::cell::Cell;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::engine::threads::job::Job;

thread_local! {
    static HELPING: Cell<bool> = const { Cell::new(false) };
    static TEAMS: Cell<usize> = const { Cell::new(0) };
}

/// How many teams this thread has had.
#[cfg(test)]
pub(crate) fn teams() -> usize {
    TEAMS.get()
}

/// Calls `work` as if this thread were part of a team.
#[cfg(test)]
pub(crate) fn alone<R>(work: impl FnOnce() -> R) -> R {
    let before = HELPING.replace(true);
    let result = work();
    HELPING.set(before);
    result
}

/// Whether this thread is part of a team already.
pub(super) fn nested() -> bool {
    HELPING.get()
}

pub(super) fn threads() -> usize {
    3
}

/// Threads that are joined when this is dropped.
pub(super) struct Helpers(Vec<JoinHandle<()>>);

pub(super) fn recruit(count: usize, job: &Arc<Job>) -> Helpers {
    TEAMS.set(TEAMS.get() + 1);
    HELPING.set(true);
    let help = |job: Arc<Job>| {
        #[cfg(test)]
        let level = crate::engine::wide::testing::forced();
        move || {
            HELPING.set(true);
            #[cfg(test)]
            crate::engine::wide::testing::force(level);
            job.help();
        }
    };
    let helpers = (0..count).map(|_| thread::spawn(help(Arc::clone(job))));
    Helpers(helpers.collect())
}

impl Drop for Helpers {
    fn drop(&mut self) {
        HELPING.set(false);
        for helper in self.0.drain(..) {
            let outcome = helper.join();
            assert!(outcome.is_ok() || thread::panicking(), "a pool would abort");
        }
    }
}
