//! The protocol of a team: parts that are there for the taking, by the owner and by helpers that come
//! late or never.
//!
//! It knows nothing of the crate, so that `tests/team_model.rs` can run it on the locks of loom, which
//! tries every order of events.

use std::any::Any;
use std::hint;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::thread;

#[cfg(loom)]
use loom::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicUsize, Ordering},
};
#[cfg(not(loom))]
use std::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicUsize, Ordering},
};

/// How often to look before waiting asleep: some tens of microseconds, about as long as a part takes.
const SPINS: usize = if cfg!(any(miri, loom)) { 1 } else { 500 };

/// Parts that are there for the taking.
pub(crate) struct Job {
    /// Invariant 1 of `Job`: a closure of the type that `call` was made for. It is `Sync`, and lives as
    /// long as the job is open or somebody is inside.
    work: *const (),
    /// Calls the closure, if it lives.
    call: unsafe fn(*const (), usize),
    /// A stretch of parts for each thread, so that each writes memory of its own as long as it
    /// can: pages that two threads touch first at the same time are cleared twice.
    shares: Box<[Share]>,
    state: Mutex<State>,
    left: Condvar,
    /// Invariant 2 of `Job`: how many helpers are inside. It grows under the lock, while the job is
    /// open, and at no other time.
    inside: AtomicUsize,
}

// SAFETY: the closure is reached by reference alone, and is `Sync` (1); the rest can be sent.
unsafe impl Send for Job {}
// SAFETY: the closure is reached by reference alone, and is `Sync` (1); the rest is `Sync`.
unsafe impl Sync for Job {}

struct Share {
    next: AtomicUsize,
    end: usize,
}

struct State {
    open: bool,
    /// Seats taken so far; the first one is the owner's.
    seats: usize,
    panic: Option<Box<dyn Any + Send>>,
}

impl Job {
    /// A job for so many threads, the owner's among them.
    ///
    /// # Safety
    ///
    /// `work` lives until the job was closed and nobody is inside any more, which the drop of a
    /// [`JobGuard`] waits for.
    pub(crate) unsafe fn new<W: Fn(usize) + Sync>(
        work: &W,
        parts: Range<usize>,
        threads: usize,
    ) -> Self {
        /// # Safety
        ///
        /// `work` is a `W` that lives.
        unsafe fn call<W: Fn(usize)>(work: *const (), part: usize) {
            // SAFETY: the caller promises that it is a `W`, and lives.
            let work = unsafe { &*work.cast::<W>() };
            work(part);
        }
        let threads = threads.max(1);
        let border = |seat: usize| parts.start + parts.len() * seat / threads;
        let share = |seat| Share {
            next: AtomicUsize::new(border(seat)),
            end: border(seat + 1),
        };
        Self {
            work: std::ptr::from_ref(work).cast(),
            call: call::<W>,
            shares: (0..threads).map(share).collect(),
            state: Mutex::new(State {
                open: true,
                seats: 1,
                panic: None,
            }),
            left: Condvar::new(),
            inside: AtomicUsize::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a helper does: nothing, if it comes too late.
    pub(crate) fn help(&self) {
        let mut state = self.lock();
        if !state.open {
            return;
        }
        let seat = state.seats;
        state.seats += 1;
        self.inside.fetch_add(1, Ordering::Relaxed);
        drop(state);
        // SAFETY: the job was open when we went inside, where we still are, so the closure lives (1).
        let outcome = catch_unwind(AssertUnwindSafe(|| unsafe { self.take_parts(seat) }));
        if outcome.is_err() {
            self.stop();
        }
        let mut state = self.lock();
        let mut panic = outcome.err();
        if state.panic.is_none() {
            state.panic = panic.take();
        }
        if self.inside.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.left.notify_all();
        }
        drop(state);
        // A second one is dropped last, when nobody waits any more.
        discard(panic);
    }

    /// Does parts until none is left: those of one's own share, then those of the others.
    ///
    /// # Safety
    ///
    /// The closure lives for as long as this takes.
    pub(crate) unsafe fn take_parts(&self, seat: usize) {
        let count = self.shares.len();
        for turn in 0..count {
            let share = &self.shares[(seat + turn) % count];
            loop {
                // Relaxed: the number is all there is to it. What the parts write is seen by the
                // owner because it takes the lock after each helper has.
                let part = share.next.fetch_add(1, Ordering::Relaxed);
                if part >= share.end {
                    break;
                }
                // SAFETY: the caller promises that the closure lives; its type is that of `call` (1).
                unsafe { (self.call)(self.work, part) };
            }
        }
    }

    /// What one of the helpers panicked with, if one did. To be asked when nobody is inside.
    pub(crate) fn take_panic(&self) -> Option<Box<dyn Any + Send>> {
        self.lock().panic.take()
    }

    /// Leaves out the parts that nobody has begun.
    fn stop(&self) {
        for share in &self.shares {
            share.next.store(share.end, Ordering::Relaxed);
        }
    }
}

/// Drops what a panic left, and does not panic whatever that does: from a helper a panic would reach
/// the pool, which aborts, and during another one it would abort at once.
fn discard(panic: Option<Box<dyn Any + Send>>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        // Its destructor may be of the same kind.
        std::mem::forget(another);
    }
}

/// Closes a job when it is dropped, and waits for those inside, also when a part has panicked.
pub(crate) struct JobGuard<'a, H> {
    job: &'a Job,
    /// Dropped after that.
    _helpers: Option<H>,
}

impl<'a, H> JobGuard<'a, H> {
    pub(crate) fn new(job: &'a Job) -> Self {
        Self {
            job,
            _helpers: None,
        }
    }

    /// Drops `helpers` when nobody is inside any more. Made after the guard, because making them may
    /// panic when some have come already.
    pub(crate) fn keep(&mut self, helpers: H) {
        self._helpers = Some(helpers);
    }
}

impl<H> Drop for JobGuard<'_, H> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.job.stop();
        }
        let mut state = self.job.lock();
        state.open = false;
        drop(state);
        // The last part of a helper is done before a thread has been put to sleep and woken.
        let working = || self.job.inside.load(Ordering::Relaxed) > 0;
        for _ in 0..SPINS {
            if !working() {
                break;
            }
            hint::spin_loop();
        }
        state = self.job.lock();
        while working() {
            state = self
                .job
                .left
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if thread::panicking() {
            // The owner's own panic is passed on, that of a helper is not.
            let panic = state.panic.take();
            drop(state);
            discard(panic);
        }
    }
}
