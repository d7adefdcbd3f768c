//! Teams of threads.

use std::any::Any;
use std::hint;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

#[cfg(not(any(test, miri)))]
#[path = "pool.rs"]
mod helpers;
#[cfg(any(test, miri))]
#[path = "scoped.rs"]
mod helpers;

#[cfg(test)]
pub(crate) use helpers::{alone, teams};

/// How long to look before waiting asleep: some tens of microseconds, about as long as a part takes.
const SPINS: usize = if cfg!(miri) { 1 } else { 500 };

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
    // Tests run side by side, and would keep each other from what they are there to see.
    while cfg!(test) && BUSY.load(Ordering::Relaxed) {
        thread::yield_now();
    }
    while BUSY.swap(true, Ordering::Relaxed) {
        if !cfg!(test) {
            return false;
        }
        thread::yield_now();
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
        let mut guard = JobGuard {
            job: &job,
            _helpers: None,
        };
        guard._helpers = Some(helpers::recruit(threads.saturating_sub(1), &job));
        // SAFETY: `work` lives until the end of this function.
        unsafe { job.take_parts(0) };
        drop(guard);
        let panic = job.lock().panic.take();
        drop(self);
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

/// Parts that are there for the taking.
struct Job {
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
    /// open, and alone.
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
    /// # Safety
    ///
    /// `work` lives until the job was closed and nobody is inside any more.
    unsafe fn new<W: Fn(usize) + Sync>(work: &W, parts: Range<usize>, threads: usize) -> Self {
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
    fn help(&self) {
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
        // A second one is dropped last: that might panic too, and the owner would wait for ever.
        drop(panic);
    }

    /// Does parts until none is left: those of one's own share, then those of the others.
    ///
    /// # Safety
    ///
    /// The closure lives.
    unsafe fn take_parts(&self, seat: usize) {
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

    /// Leaves out the parts that nobody has begun.
    fn stop(&self) {
        for share in &self.shares {
            share.next.store(share.end, Ordering::Relaxed);
        }
    }
}

/// Closes a job when it is dropped, and waits for those inside, also when a part has panicked.
struct JobGuard<'a> {
    job: &'a Job,
    /// Dropped after that.
    _helpers: Option<helpers::Helpers>,
}

impl Drop for JobGuard<'_> {
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
    }
}
