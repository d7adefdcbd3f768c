//! One pool and two threads.

use std::alloc::Layout;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use kornia_tensor::{Pool, TensorAllocator};

use crate::harness::{Effort, Group};

const BYTES: usize = 1080 * 1920 * 3;

/// Time of one thread for so many frames, taken and returned.
fn cycle(pool: &Pool, repetitions: u32) -> Duration {
    let layout = Layout::array::<u8>(BYTES).expect("a frame fits memory");
    let start = Instant::now();
    for _ in 0..repetitions {
        drop(black_box(pool.allocate(layout)));
    }
    start.elapsed()
}

/// As `cycle`, on two threads at once that share a pool or have one each: the mean of their times.
fn two(pools: [&Pool; 2], repetitions: u32) -> Duration {
    let start = Arc::new(Barrier::new(2));
    thread::scope(|scope| {
        let threads = pools.map(|pool| {
            let start = start.clone();
            scope.spawn(move || {
                start.wait();
                cycle(pool, repetitions)
            })
        });
        let times = threads.map(|thread| thread.join().expect("nothing panics"));
        (times[0] + times[1]) / 2
    })
}

pub(crate) fn run(effort: &Effort) {
    let (pool, other) = (Pool::new(), Pool::new());
    // Both threads must be under way for most of a sample.
    const LONGER: u32 = 32;
    let mut group = Group::new("take and return, time per frame and thread");
    group.add_timed("one thread", |n| cycle(&pool, n * LONGER) / LONGER);
    group.add_timed("two threads, a pool each", |n| {
        two([&pool, &other], n * LONGER) / LONGER
    });
    group.add_timed("two threads, one pool", |n| {
        two([&pool, &pool], n * LONGER) / LONGER
    });
    group.run(effort);
}
