//! Work of a size that goes to several threads, on the pool that programs have: what it does when
//! the pool is busy, when the caller is part of a pool, and when a closure panics. On a machine with
//! one core, and without the feature `rayon`, all of it is done by the calling thread.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex, mpsc};
use std::thread;

use kornia_tensor::Tensor;

/// Above every threshold, but for Miri, where nothing is.
const SIDE: usize = if cfg!(miri) { 8 } else { 900 };

fn image() -> Tensor<u8, 3> {
    Tensor::from_shape_fn([SIDE, SIDE, 3], |[y, x, c]| (y * 7 + x * 3 + c) as u8)
}

/// Everything that is divided, once.
fn work(image: &Tensor<u8, 3>) -> (Tensor<u8, 3>, Tensor<f32, 3>, u64) {
    let planes = image.permute_axes([2, 0, 1]).unwrap().contiguous();
    assert_eq!(planes.view(), image.view().permute_axes([2, 0, 1]).unwrap());
    let sums = image.view().sum_axis(0);
    let input = image.par_map(|&p| f32::from(p) * 0.5);
    assert_eq!(image.view().min_max(), Some((0, 255)));
    (planes, input, image.view().sum() + sums.view().sum() as u64)
}

fn check(image: &Tensor<u8, 3>) {
    let (planes, input, sums) = work(image);
    let half = |&p: &u8| f32::from(p) * 0.5;
    assert!(input.iter().copied().eq(image.iter().map(half)));
    assert!(
        planes
            .iter()
            .eq(image.permute_axes([2, 0, 1]).unwrap().iter())
    );
    assert_eq!(sums, 2 * image.iter().map(|&p| u64::from(p)).sum::<u64>());
}

#[test]
#[cfg_attr(miri, ignore = "there are not 256 values in a small image")]
fn threads_that_compute_at_once_do_not_wait_for_one_another_for_ever() {
    let image = image();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| check(&image));
        }
    });
}

#[test]
#[cfg_attr(miri, ignore = "rayon's pool cannot be run there")]
fn a_pool_that_is_blocked_is_not_waited_for() {
    let image = image();
    let (entered, waiting) = mpsc::channel();
    let release = Mutex::new(());
    thread::scope(|scope| {
        let guard = release.lock().unwrap();
        scope.spawn(|| {
            rayon::broadcast(|_| {
                entered.send(()).unwrap();
                drop(release.lock().unwrap());
            })
        });
        for _ in 0..rayon::current_num_threads() {
            waiting.recv().unwrap();
        }
        // Every thread of the pool waits for us: more than once, in case jobs pile up.
        for _ in 0..5 {
            let copy = image.permute_axes([1, 0, 2]).unwrap().contiguous();
            assert_eq!(copy[[1, 2, 0]], image[[2, 1, 0]]);
        }
        drop(guard);
    });
    check(&image);
}

#[test]
#[cfg_attr(miri, ignore = "rayon's pool cannot be run there")]
fn what_is_called_on_a_thread_of_a_pool_stays_on_it() {
    let image = image();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .unwrap();
    let inside = || {
        let threads = Mutex::new(HashSet::new());
        let here = thread::current().id();
        let copy = image.par_map(|&p| {
            if p == 7 {
                threads.lock().unwrap().insert(thread::current().id());
            }
            p
        });
        assert_eq!(copy, image);
        assert_eq!(threads.into_inner().unwrap(), HashSet::from([here]));
        check(&image);
    };
    pool.install(inside);
    rayon::join(inside, inside);
}

#[test]
fn closures_run_in_the_calling_thread_at_least() {
    let here = thread::current().id();
    let mine = AtomicUsize::new(0);
    let image = image();
    let copy = image.par_map(|&p| {
        if thread::current().id() == here {
            mine.fetch_add(1, Ordering::Relaxed);
        }
        p
    });
    assert_eq!(copy, image);
    assert!(mine.into_inner() > 0);
}

#[test]
fn panics_arrive_and_leave_everything_usable() {
    let image = image();
    let before = image.numel();
    for bad in [0, before / 2, before - 1] {
        let count = AtomicUsize::new(0);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            image.par_map(|&p| {
                assert_ne!(count.fetch_add(1, Ordering::Relaxed), bad, "too many");
                p
            })
        }));
        let message = *outcome.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("too many"), "{message}");
    }
    assert_eq!(image.par_map(|&p| p), image);
}

/// What one thread has copied on behalf of another is there when the copy returns.
#[test]
fn results_are_complete_for_whoever_gets_them_next() {
    let image = image();
    let start = Barrier::new(2);
    for round in 0..if cfg!(miri) { 1 } else { 3 } {
        let mut copy = image.deep_clone().unwrap();
        copy.view_mut().par_apply(|p| *p = p.wrapping_add(round));
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                assert_eq!(
                    copy[[SIDE - 1, 0, 0]],
                    image[[SIDE - 1, 0, 0]].wrapping_add(round)
                );
            });
            start.wait();
            let back = copy
                .par_zip_with(&image, |a, b| a.wrapping_sub(*b))
                .unwrap();
            assert_eq!(back.view().min_max(), Some((round, round)));
        });
    }
}
