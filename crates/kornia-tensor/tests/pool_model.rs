//! The pool's taking, returning, waiting and closing in every order that threads can take,
//! checked by loom.
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test -p kornia-tensor --release --test pool_model
//! ```
//!
//! It is the pool itself that runs, on loom's lock. A wait that nobody ends is a deadlock, which
//! loom reports; time limits pass when a thread calls `let_time_pass`.
#![cfg(loom)]

use std::alloc::Layout;
use std::time::Duration;

use kornia_tensor::{
    MemoryResource, Pool, PoolStats, TensorAllocator, TensorAllocatorError, WhenFull,
};
use loom::thread;

type Taken = Result<Box<dyn MemoryResource>, TensorAllocatorError>;

const BLOCK: usize = 64;

/// A pool with room for so many blocks.
fn pool(blocks: usize, when_full: WhenFull) -> Pool {
    let pool = Pool::builder().min_bytes(1).byte_cap(blocks * BLOCK);
    pool.when_full(when_full).build().unwrap()
}

const WAIT: WhenFull = WhenFull::Wait(Duration::MAX);

fn take(pool: &Pool, bytes: usize) -> Taken {
    pool.allocate(Layout::from_size_align(bytes, 1).unwrap())
}

/// Writes to the whole block and looks whether anyone else does.
fn sign(block: &dyn MemoryResource, name: u8) {
    // SAFETY: a live block, which nothing else uses; that is what is checked.
    unsafe { block.as_ptr().write_bytes(name, block.len_bytes()) };
    thread::yield_now();
    // SAFETY: as above, and just initialised.
    let bytes = unsafe { std::slice::from_raw_parts(block.as_ptr(), block.len_bytes()) };
    assert!(bytes.iter().all(|&byte| byte == name));
}

/// Nothing is live, and the books agree with each other.
fn assert_settled(pool: &Pool) -> PoolStats {
    let stats = pool.stats();
    assert_eq!((stats.blocks_live, stats.bytes_live), (0, 0), "{stats:?}");
    assert!(stats.blocks_idle as u64 <= stats.misses, "{stats:?}");
    assert!(stats.bytes_idle <= stats.high_water, "{stats:?}");
    stats
}

#[test]
fn two_threads_take_and_return() {
    loom::model(|| {
        let pool = pool(2, WhenFull::Fail);
        let other = pool.clone();
        let there = thread::spawn(move || {
            for _ in 0..2 {
                let block = take(&other, BLOCK).unwrap();
                sign(&*block, 1);
            }
        });
        for _ in 0..2 {
            let block = take(&pool, BLOCK).unwrap();
            sign(&*block, 2);
        }
        there.join().unwrap();
        let stats = assert_settled(&pool);
        assert_eq!(stats.hits + stats.misses, 4);
        assert_eq!(stats.misses, stats.blocks_idle as u64);
    });
}

#[test]
fn a_return_ends_a_wait() {
    loom::model(|| {
        let pool = pool(1, WAIT);
        let block = take(&pool, BLOCK).unwrap();
        let address = block.as_ptr().addr();
        let there = thread::spawn(move || drop(block));
        let next = take(&pool, BLOCK).unwrap();
        assert_eq!(next.as_ptr().addr(), address);
        there.join().unwrap();
        drop(next);
        assert_eq!(assert_settled(&pool).hits, 1);
    });
}

#[test]
fn a_return_ends_the_waits_of_two_sizes() {
    loom::model(|| {
        let pool = pool(1, WAIT);
        let block = take(&pool, BLOCK).unwrap();
        let threads = [BLOCK, BLOCK / 2].map(|size| {
            let pool = pool.clone();
            thread::spawn(move || sign(&*take(&pool, size).unwrap(), size as u8))
        });
        drop(block);
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(assert_settled(&pool).high_water <= BLOCK);
    });
}

#[test]
fn the_cap_holds_while_blocks_are_on_their_way() {
    loom::model(|| {
        let pool = pool(1, WhenFull::Fail);
        let other = pool.clone();
        let there = thread::spawn(move || take(&other, BLOCK).is_ok());
        let here = take(&pool, BLOCK);
        assert!(pool.stats().high_water <= BLOCK);
        assert!(
            there.join().unwrap() || here.is_ok(),
            "one of them at least"
        );
        drop(here);
        assert_settled(&pool);
    });
}

#[test]
fn closing_alone_ends_a_wait() {
    loom::model(|| {
        let pool = pool(1, WAIT);
        let block = take(&pool, BLOCK).unwrap();
        let other = pool.clone();
        let closer = thread::spawn(move || other.close());
        let taken = take(&pool, BLOCK);
        assert!(matches!(taken, Err(TensorAllocatorError::PoolClosed)));
        closer.join().unwrap();
        drop(block);
        assert_eq!(assert_settled(&pool).bytes_idle, 0);
    });
}

#[test]
fn closing_returning_and_waiting_meet() {
    loom::model(|| {
        let pool = pool(1, WAIT);
        let block = take(&pool, BLOCK).unwrap();
        let other = pool.clone();
        let closer = thread::spawn(move || other.close());
        let there = thread::spawn(move || drop(block));
        match take(&pool, BLOCK) {
            Ok(block) => sign(&*block, 1),
            Err(error) => assert_eq!(error, TensorAllocatorError::PoolClosed),
        }
        closer.join().unwrap();
        there.join().unwrap();
        assert_eq!(assert_settled(&pool).bytes_idle, 0, "whoever was last");
    });
}

#[test]
fn closing_and_returning_meet() {
    loom::model(|| {
        let pool = pool(2, WhenFull::Allocate);
        let block = take(&pool, BLOCK).unwrap();
        let there = thread::spawn(move || drop(block));
        pool.close();
        there.join().unwrap();
        assert_eq!(assert_settled(&pool).bytes_idle, 0);
    });
}

#[test]
fn a_time_limit_and_a_return_meet() {
    loom::model(|| {
        let pool = pool(1, WhenFull::Wait(Duration::from_secs(1)));
        let block = take(&pool, BLOCK).unwrap();
        let clock = {
            let pool = pool.clone();
            thread::spawn(move || pool.let_time_pass())
        };
        let there = thread::spawn(move || drop(block));
        match take(&pool, BLOCK) {
            Ok(block) => sign(&*block, 1),
            Err(error) => assert_eq!(
                error,
                TensorAllocatorError::PoolTimedOut {
                    requested: BLOCK,
                    live: BLOCK,
                    waited: Duration::from_secs(1)
                }
            ),
        }
        clock.join().unwrap();
        there.join().unwrap();
        assert_eq!(assert_settled(&pool).blocks_idle, 1);
    });
}

#[test]
fn a_time_limit_alone_ends_a_wait() {
    loom::model(|| {
        let pool = pool(1, WhenFull::Wait(Duration::from_secs(1)));
        let block = take(&pool, BLOCK).unwrap();
        let clock = {
            let pool = pool.clone();
            thread::spawn(move || pool.let_time_pass())
        };
        let taken = take(&pool, BLOCK);
        assert!(matches!(
            taken,
            Err(TensorAllocatorError::PoolTimedOut { .. })
        ));
        clock.join().unwrap();
        drop(block);
        assert_eq!(assert_settled(&pool).blocks_idle, 1);
    });
}

#[test]
fn trimming_and_taking_meet() {
    loom::model(|| {
        let pool = pool(2, WhenFull::Fail);
        drop((take(&pool, BLOCK), take(&pool, BLOCK)));
        let other = pool.clone();
        let there = thread::spawn(move || other.trim_to(BLOCK));
        let block = take(&pool, BLOCK).unwrap();
        sign(&*block, 1);
        let freed = there.join().unwrap();
        assert!(freed == 0 || freed == BLOCK);
        drop(block);
        let stats = assert_settled(&pool);
        assert_eq!(stats.blocks_idle, 2 - freed / BLOCK);
    });
}

#[test]
fn the_last_handle_and_the_last_block_go_at_once() {
    loom::model(|| {
        let pool = pool(1, WhenFull::Fail);
        let block = take(&pool, BLOCK).unwrap();
        let there = thread::spawn(move || drop(block));
        drop(pool);
        there.join().unwrap();
    });
}

#[test]
fn a_large_request_and_a_small_one_wait_for_each_other_and_both_are_served() {
    loom::model(|| {
        let pool = pool(2, WAIT);
        let first = take(&pool, BLOCK).unwrap();
        let large = pool.clone();
        let large = thread::spawn(move || take(&large, 2 * BLOCK).map(drop).unwrap());
        let small = pool.clone();
        let small = thread::spawn(move || take(&small, BLOCK).map(drop).unwrap());
        drop(first);
        large.join().unwrap();
        small.join().unwrap();
        assert_settled(&pool);
    });
}

#[test]
fn who_gives_up_lets_the_next_one_in() {
    loom::model(|| {
        let pool = pool(2, WAIT);
        let first = take(&pool, BLOCK).unwrap();
        let large = pool.clone();
        let large = thread::spawn(move || take(&large, 2 * BLOCK).map(drop));
        let clock = pool.clone();
        let clock = thread::spawn(move || clock.let_time_pass());
        // There is room for it all the time: it waits for the large one alone, if at all.
        let small = take(&pool, BLOCK).map(drop);
        assert!(matches!(
            small,
            Ok(()) | Err(TensorAllocatorError::PoolTimedOut { .. })
        ));
        clock.join().unwrap();
        drop(first);
        let outcome = large.join().unwrap();
        assert!(matches!(
            outcome,
            Ok(()) | Err(TensorAllocatorError::PoolTimedOut { .. })
        ));
        assert_settled(&pool);
    });
}
