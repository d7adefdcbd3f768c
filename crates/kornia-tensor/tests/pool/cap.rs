//! A pool at its cap.

use std::time::Duration;

use kornia_tensor::{Pool, Tensor, TensorAllocatorError, TensorError, WhenFull};

use super::{bytes, small};

/// Room for `blocks` of 1024 bytes.
pub(super) fn capped(blocks: usize, when_full: WhenFull) -> Pool {
    let pool = small().byte_cap(blocks * 1024).when_full(when_full);
    pool.build().unwrap()
}

#[track_caller]
pub(super) fn refusal(pool: &Pool, len: usize) -> TensorAllocatorError {
    match Tensor::<u8, 1>::try_zeros_in([len], pool.handle()) {
        Err(TensorError::StorageError(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_full_pool_fails_with_the_numbers() {
    let pool = capped(2, WhenFull::Fail);
    let _frames = [bytes(&pool, 1024), bytes(&pool, 1000)];
    let error = refusal(&pool, 1024);
    assert_eq!(
        error,
        TensorAllocatorError::PoolExhausted {
            requested: 1024,
            live: 2048,
            cap: 2048
        }
    );
    assert_eq!(
        error.to_string(),
        "1024 bytes do not fit a pool with 2048 of 2048 bytes live; drop tensors, raise \
         `byte_cap`, or choose another `WhenFull`"
    );
    assert_eq!(pool.stats().misses, 2, "a refusal is neither hit nor miss");
}

#[test]
fn a_block_that_comes_back_makes_room() {
    let pool = capped(2, WhenFull::Fail);
    let (first, _second) = (bytes(&pool, 1024), bytes(&pool, 1024));
    drop(first);
    drop(bytes(&pool, 1024));
    assert_eq!(pool.stats().hits, 1);
}

#[test]
fn idle_blocks_of_other_sizes_give_way_the_oldest_first() {
    let pool = capped(4, WhenFull::Fail);
    let (a, b, c) = (bytes(&pool, 1024), bytes(&pool, 512), bytes(&pool, 1024));
    drop(a);
    drop(b);
    drop(c);
    assert_eq!(pool.stats().bytes_idle, 2560);
    let _large = bytes(&pool, 2048); // 4608 together: `a` has to go
    assert_eq!(
        (pool.stats().bytes_idle, pool.stats().blocks_idle),
        (1536, 2)
    );
    let _small = bytes(&pool, 512);
    assert_eq!(pool.stats().hits, 1, "`b` was kept");
}

#[test]
fn allocating_anyway_is_forgotten_when_it_comes_back() {
    let pool = capped(2, WhenFull::Allocate);
    let frames: Vec<_> = (0..5).map(|_| bytes(&pool, 1024)).collect();
    assert_eq!(pool.stats().bytes_live, 5 * 1024);
    drop(frames);
    let stats = pool.stats();
    assert_eq!((stats.bytes_idle, stats.bytes_live), (2048, 0));
    assert_eq!(stats.high_water, 5 * 1024);
}

#[test]
fn a_cap_of_zero_keeps_nothing() {
    let pool = capped(0, WhenFull::Allocate);
    drop(bytes(&pool, 1024));
    drop(bytes(&pool, 1024));
    let stats = pool.stats();
    assert_eq!((stats.hits, stats.misses, stats.bytes_idle), (0, 2, 0));
    for when_full in [WhenFull::Fail, WhenFull::Wait(Duration::MAX)] {
        assert_eq!(
            refusal(&capped(0, when_full), 1024),
            TensorAllocatorError::PoolExhausted {
                requested: 1024,
                live: 0,
                cap: 0
            },
            "{when_full:?}: at once, waiting would not help"
        );
    }
}
