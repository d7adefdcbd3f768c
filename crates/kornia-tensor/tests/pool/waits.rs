//! Waiting for a block. Whoever waits in vain fails here, instead of hanging.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use kornia_tensor::{Pool, Tensor, TensorAllocatorError, TensorError, WhenFull};

use super::cap::{capped, refusal};
use super::{bytes, small};

/// Longer than any machine needs, and shorter than anybody waits for a test.
const LIMIT: Duration = Duration::from_secs(if cfg!(miri) { 600 } else { 20 });

/// What `work` gives, on a thread of its own, or a panic if that takes too long.
fn promptly<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, answer) = channel();
    let worker = thread::spawn(move || {
        // Nobody listens any more once it is too late.
        let _ = done.send(work());
    });
    match answer.recv_timeout(LIMIT) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => panic!("no answer after {LIMIT:?}"),
        Err(RecvTimeoutError::Disconnected) => match worker.join() {
            Ok(()) => unreachable!("it answers before it ends"),
            Err(panic) => std::panic::resume_unwind(panic),
        },
    }
}

/// Asks for so many bytes on another thread, which has begun to wait when this returns, as far as
/// that can be told from outside.
fn waiter(pool: &Pool, len: usize) -> thread::JoinHandle<Tensor<u8, 1>> {
    let pool = pool.clone();
    let waiter = thread::spawn(move || bytes(&pool, len));
    thread::sleep(Duration::from_millis(30));
    waiter
}

#[test]
fn a_wait_ends_when_a_block_comes_back_on_another_thread() {
    promptly(|| {
        for limit in [Duration::from_secs(60), Duration::MAX] {
            let pool = capped(1, WhenFull::Wait(limit));
            let frame = bytes(&pool, 1024);
            let address = frame.as_ptr();
            let worker = thread::spawn(move || {
                thread::sleep(Duration::from_millis(20));
                drop(frame);
            });
            let started = Instant::now();
            let next = bytes(&pool, 1024);
            assert_eq!(next.as_ptr(), address);
            assert!(started.elapsed() < Duration::from_secs(30));
            assert_eq!(pool.stats().hits, 1);
            worker.join().unwrap();
        }
    });
}

#[test]
fn a_wait_ends_when_a_block_of_another_size_comes_back() {
    promptly(|| {
        let pool = capped(1, WhenFull::Wait(Duration::from_secs(60)));
        let frame = bytes(&pool, 1024);
        let worker = thread::spawn(move || drop(frame));
        drop(bytes(&pool, 500));
        worker.join().unwrap();
        assert_eq!(pool.stats().misses, 2);
        assert_eq!(pool.stats().bytes_idle, 512, "the other one gave way");
    });
}

#[test]
fn every_waiting_thread_is_served() {
    promptly(|| {
        let pool = capped(1, WhenFull::Wait(Duration::from_secs(60)));
        let first = bytes(&pool, 1024);
        let threads: Vec<_> = [1024, 300, 1024, 700]
            .into_iter()
            .map(|len| {
                let pool = pool.clone();
                thread::spawn(move || drop(bytes(&pool, len)))
            })
            .collect();
        drop(first);
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(pool.stats().blocks_live, 0);
    });
}

#[test]
fn a_wait_has_an_end() {
    promptly(|| {
        for millis in [0, 30] {
            let waited = Duration::from_millis(millis);
            let pool = capped(1, WhenFull::Wait(waited));
            let frame = bytes(&pool, 1024);
            let started = Instant::now();
            let error = refusal(&pool, 100);
            assert!(started.elapsed() >= waited);
            assert_eq!(
                error.to_string(),
                format!(
                    "112 bytes did not come free in {millis}{}, with 1024 bytes of the pool live; \
                 drop tensors, raise `byte_cap`, or wait longer",
                    if millis == 0 { "ns" } else { "ms" }
                )
            );
            drop(frame);
            drop(bytes(&pool, 100)); // and the pool is as good as ever
            assert_eq!(pool.stats().blocks_live, 0);
        }
    });
}

#[test]
fn closing_ends_a_wait() {
    promptly(|| {
        let pool = small()
            .byte_cap(128)
            .when_full(WhenFull::Wait(Duration::MAX))
            .build()
            .unwrap();
        let live = bytes(&pool, 128);
        let closer = {
            let pool = pool.clone();
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(20));
                pool.close();
            })
        };
        let refused = Tensor::<u8, 1>::try_zeros_in([128], pool.handle());
        assert_eq!(
            refused.unwrap_err(),
            TensorAllocatorError::PoolClosed.into()
        );
        closer.join().unwrap();
        assert_eq!(live.as_slice(), [0; 128]);
    });
}

#[test]
fn a_return_that_is_too_small_for_the_next_is_kept_for_it() {
    promptly(|| {
        let pool = capped(2, WhenFull::Wait(Duration::MAX));
        let (first, second) = (bytes(&pool, 1024), bytes(&pool, 1024));
        let large = waiter(&pool, 2048); // asked first, and needs both
        let fits = waiter(&pool, 1024);
        drop(first);
        drop(second);
        drop(large.join().unwrap());
        drop(fits.join().unwrap());
    });
}

#[test]
fn a_block_that_comes_back_to_a_closed_pool_is_freed_at_once() {
    let pool = small().build().unwrap();
    let (live, idle) = (bytes(&pool, 1000), bytes(&pool, 1000));
    drop(idle);
    pool.close();
    drop(live);
    let stats = pool.stats();
    assert_eq!((stats.blocks_idle, stats.bytes_idle), (0, 0));
    assert_eq!(pool.trim(), 0);
}

#[test]
fn a_large_request_is_served_while_small_ones_go_on() {
    promptly(|| {
        let pool = capped(16, WhenFull::Wait(Duration::from_secs(60)));
        let stop = Arc::new(AtomicBool::new(false));
        let workers: Vec<_> = (0..8)
            .map(|_| {
                let (pool, stop) = (pool.clone(), stop.clone());
                thread::spawn(move || {
                    while !stop.load(Relaxed) {
                        // Held for longer than it takes to ask for the next one.
                        let block = bytes(&pool, 1024);
                        thread::sleep(Duration::from_millis(1));
                        drop(block);
                    }
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(20));
        for _ in 0..3 {
            assert_eq!(bytes(&pool, 12 * 1024).numel(), 12 * 1024);
        }
        stop.store(true, Relaxed);
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

#[test]
fn threads_are_served_in_the_order_they_came() {
    promptly(|| {
        let pool = capped(4, WhenFull::Wait(Duration::from_secs(60)));
        let held = bytes(&pool, 2 * 1024);
        let large = waiter(&pool, 4 * 1024);
        let small = waiter(&pool, 1024); // would fit, and would be in the way of the large one
        thread::sleep(Duration::from_millis(30));
        assert!(!small.is_finished());
        drop(held);
        let large = large.join().unwrap();
        assert!(!small.is_finished(), "the large one fills the pool");
        drop(large);
        drop(small.join().unwrap());
        assert_eq!(pool.stats().blocks_live, 0);
    });
}

#[test]
fn those_behind_one_who_gives_up_are_served() {
    promptly(|| {
        let pool = capped(4, WhenFull::Wait(Duration::from_millis(200)));
        let held = bytes(&pool, 2 * 1024);
        let large = {
            let pool = pool.clone();
            thread::spawn(move || {
                Tensor::<u8, 1>::try_zeros_in([4 * 1024], pool.handle()).map(drop)
            })
        };
        thread::sleep(Duration::from_millis(120));
        let small = waiter(&pool, 1024);
        let refused = large.join().unwrap().unwrap_err();
        assert!(matches!(
            refused,
            TensorError::StorageError(TensorAllocatorError::PoolTimedOut { .. })
        ));
        assert_eq!(small.join().unwrap().numel(), 1024, "while `held` is live");
        drop(held);
    });
}
