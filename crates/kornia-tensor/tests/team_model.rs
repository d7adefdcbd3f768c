//! The protocol of a team in every order that threads can take, checked by loom: parts that owner and
//! helpers take, helpers that come late, panics, and the end.
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test -p kornia-tensor --release --test team_model
//! ```
//!
//! It is the protocol itself that runs (`src/engine/threads/job.rs`), on loom's lock. The parts write
//! to cells that loom watches: an access that is not ordered after the one before is a failure, and so
//! is a wait that nobody ends.
#![cfg(loom)]

#[path = "../src/engine/threads/job.rs"]
mod job;

use std::panic::{AssertUnwindSafe, catch_unwind};

use job::{Job, JobGuard};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

/// A place for each part, which loom watches.
struct Places(Vec<UnsafeCell<usize>>);

// SAFETY: loom reports every access that is not ordered with the others.
unsafe impl Sync for Places {}

impl Places {
    fn new(count: usize) -> Self {
        Self((0..count).map(|_| UnsafeCell::new(0)).collect())
    }

    fn visit(&self, part: usize) {
        // SAFETY: loom fails the test if anybody else is there.
        self.0[part].with_mut(|visits| unsafe { *visits += 1 });
    }

    fn visits(&self) -> Vec<usize> {
        let visits = self.0.iter().map(|place| {
            // SAFETY: loom fails the test if anybody has not been waited for.
            place.with(|visits| unsafe { *visits })
        });
        visits.collect()
    }
}

/// What `Team::run` does, with so many helpers that may come at any time. Gives the panic of a helper.
///
/// The helpers are joined after the closure is gone: what they do later than that, loom sees.
fn run<W: Fn(usize) + Sync>(
    work: W,
    parts: usize,
    threads: usize,
    helpers: usize,
) -> (
    Option<Box<dyn std::any::Any + Send>>,
    Vec<thread::JoinHandle<()>>,
) {
    // SAFETY: `work` lives until the guard is gone.
    let job = Arc::new(unsafe { Job::new(&work, 0..parts, threads) });
    let mut guard = JobGuard::new(&job);
    guard.keep(());
    let helpers = (0..helpers).map(|_| {
        let job = Arc::clone(&job);
        thread::spawn(move || job.help())
    });
    let helpers = helpers.collect();
    // SAFETY: `work` lives until the end of this function.
    unsafe { job.take_parts(0) };
    drop(guard);
    (job.take_panic(), helpers)
}

fn join(helpers: Vec<thread::JoinHandle<()>>) {
    for helper in helpers {
        helper.join().unwrap();
    }
}

#[test]
fn each_part_is_done_once_and_seen_by_the_owner() {
    loom::model(|| {
        let places = Places::new(3);
        let (panic, helpers) = run(|part| places.visit(part), 3, 2, 1);
        assert_eq!(places.visits(), [1, 1, 1]);
        assert!(panic.is_none());
        join(helpers);
    });
}

#[test]
fn two_helpers_and_the_owner_share_the_parts() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let places = Places::new(3);
        let (_, helpers) = run(|part| places.visit(part), 3, 3, 2);
        assert_eq!(places.visits(), [1, 1, 1]);
        join(helpers);
    });
}

#[test]
fn a_helper_that_comes_late_does_not_touch_what_is_gone() {
    loom::model(|| {
        let places = Arc::new(Places::new(2));
        let inner = Arc::clone(&places);
        // `run` drops the closure, and with it whatever a late helper must not reach.
        let (_, helpers) = run(move |part| inner.visit(part), 2, 2, 1);
        assert_eq!(places.visits(), [1, 1]);
        // Ours alone again: a helper that is still at work would be caught here.
        (0..2).for_each(|part| places.visit(part));
        join(helpers);
    });
}

#[test]
fn more_helpers_than_parts_find_nothing_to_do() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let places = Places::new(1);
        let (_, helpers) = run(|part| places.visit(part), 1, 1, 2);
        assert_eq!(places.visits(), [1]);
        join(helpers);
    });
}

#[test]
fn a_panic_of_a_helper_arrives_when_nobody_is_inside() {
    loom::model(|| {
        let places = Places::new(2);
        let owner = thread::current().id();
        let work = |part| {
            places.visit(part);
            if thread::current().id() != owner {
                std::panic::panic_any(part);
            }
        };
        let (panic, helpers) = run(work, 2, 2, 1);
        let visits = places.visits();
        assert!(visits.iter().all(|&visits| visits <= 1), "{visits:?}");
        match panic {
            Some(panic) => assert_eq!(visits[*panic.downcast::<usize>().unwrap()], 1),
            None => assert_eq!(visits, [1, 1]),
        }
        join(helpers);
    });
}

#[test]
fn a_job_without_parts_ends() {
    loom::model(|| {
        let (panic, helpers) = run(|_| unreachable!("there is none"), 0, 0, 1);
        assert!(panic.is_none());
        join(helpers);
        let caught = catch_unwind(AssertUnwindSafe(|| run(|_| (), 0, 1, 0)));
        assert!(caught.is_ok());
    });
}
