//! A lock to wait at, and its model.
//!
//! Under `--cfg loom` the same pool runs on loom's lock, which tries every interleaving.

#![forbid(unsafe_code)]

use std::time::Duration;
#[cfg(not(loom))]
use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

#[cfg(loom)]
use loom::sync::{Condvar, Mutex, MutexGuard, atomic};
#[cfg(not(loom))]
use std::sync::atomic;

pub(super) use atomic::AtomicBool;

/// A mutex and the news that what it guards has changed.
pub(super) struct Monitor<T> {
    value: Mutex<T>,
    changed: Condvar,
    /// The model of the clock: whether every limit has passed.
    #[cfg(loom)]
    time_is_up: AtomicBool,
}

/// When a wait is over.
#[derive(Clone, Copy)]
pub(super) struct Deadline {
    /// `None`: never, because the limit reaches further than the clock.
    #[cfg(not(loom))]
    at: Option<Instant>,
}

impl<T> Monitor<T> {
    pub(super) fn new(value: T) -> Self {
        Self {
            value: Mutex::new(value),
            changed: Condvar::new(),
            #[cfg(loom)]
            time_is_up: AtomicBool::new(false),
        }
    }

    /// Tells all who wait to look again.
    pub(super) fn notify_all(&self) {
        self.changed.notify_all();
    }
}

#[cfg(not(loom))]
impl<T> Monitor<T> {
    /// Also after a panic elsewhere: nothing that can panic runs while the books are open.
    pub(super) fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The deadline of a wait that begins now.
    pub(super) fn deadline(&self, limit: Duration) -> Deadline {
        Deadline {
            at: Instant::now().checked_add(limit),
        }
    }

    pub(super) fn has_passed(&self, deadline: Deadline) -> bool {
        deadline.at.is_some_and(|at| Instant::now() >= at)
    }

    /// Lets go of the lock until there is news, or the deadline has passed, or for no reason.
    pub(super) fn wait<'a>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: Deadline,
    ) -> MutexGuard<'a, T> {
        match deadline.at {
            None => self
                .changed
                .wait(guard)
                .unwrap_or_else(PoisonError::into_inner),
            Some(at) => {
                let left = at.saturating_duration_since(Instant::now());
                let woken = self.changed.wait_timeout(guard, left);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }
}

#[cfg(loom)]
impl<T> Monitor<T> {
    pub(super) fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap()
    }

    pub(super) fn deadline(&self, _limit: Duration) -> Deadline {
        Deadline {}
    }

    pub(super) fn has_passed(&self, _deadline: Deadline) -> bool {
        self.time_is_up.load(atomic::Ordering::Relaxed)
    }

    pub(super) fn wait<'a>(
        &self,
        guard: MutexGuard<'a, T>,
        _deadline: Deadline,
    ) -> MutexGuard<'a, T> {
        self.changed.wait(guard).unwrap()
    }

    /// What the clock does to those who wait: at some moment it wakes them.
    pub(super) fn let_time_pass(&self) {
        let guard = self.lock();
        self.time_is_up.store(true, atomic::Ordering::Relaxed);
        drop(guard);
        self.notify_all();
    }
}
