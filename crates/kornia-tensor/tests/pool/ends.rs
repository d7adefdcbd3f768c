//! Trimming, closing, and pools that are gone before their tensors.

use std::alloc::Layout;
use std::thread;

use kornia_tensor::{Pool, Tensor, TensorAllocator, TensorAllocatorError, TensorError};

use super::{bytes, small};

const CLOSED: TensorError = TensorError::StorageError(TensorAllocatorError::PoolClosed);

#[test]
fn trimming_frees_what_is_idle_and_nothing_else() {
    let pool = small().build().unwrap();
    let live = bytes(&pool, 1024);
    drop([bytes(&pool, 1024), bytes(&pool, 512)]);
    assert_eq!(pool.trim(), 1536);
    let stats = pool.stats();
    assert_eq!((stats.bytes_idle, stats.blocks_idle), (0, 0));
    assert_eq!((stats.bytes_live, stats.high_water), (1024, 2560));
    assert_eq!(pool.trim(), 0);
    assert_eq!(live[[1023]], 0);
}

#[test]
fn trimming_to_a_size_keeps_the_youngest() {
    let pool = small().build().unwrap();
    let frames: Vec<_> = (0..4).map(|_| bytes(&pool, 1024)).collect();
    let addresses: Vec<_> = frames.iter().map(Tensor::as_ptr).collect();
    for frame in frames {
        drop(frame);
    }
    assert_eq!(pool.trim_to(2500), 2048, "whole blocks");
    let kept = [bytes(&pool, 1024), bytes(&pool, 1024)];
    assert_eq!(
        kept.each_ref().map(|t| t.as_ptr()),
        [addresses[3], addresses[2]]
    );
    assert_eq!(pool.trim_to(usize::MAX), 0);
}

#[test]
fn a_closed_pool_gives_nothing_and_keeps_nothing() {
    let pool = small().build().unwrap();
    let live = bytes(&pool, 100);
    drop(bytes(&pool, 1000));
    pool.close();
    pool.close();
    assert!(pool.is_closed());
    assert_eq!(pool.stats().blocks_idle, 0);
    for len in [0, 100, 1000] {
        let refused = Tensor::<u8, 1>::try_zeros_in([len], pool.handle());
        assert_eq!(refused.unwrap_err(), CLOSED, "{len}");
    }
    assert_eq!(live.deep_clone().unwrap_err(), CLOSED);
    assert_eq!(
        CLOSED.to_string(),
        "pool is closed; make another, or use another allocator"
    );
    assert_eq!(live.as_slice(), [0; 100]);
    drop(live);
    let stats = pool.stats();
    assert_eq!((stats.blocks_live, stats.blocks_idle), (0, 0));
}

#[test]
fn tensors_outlive_their_pool() {
    let pool = small().build().unwrap();
    let frame = bytes(&pool, 100);
    drop(bytes(&pool, 5000));
    drop(pool);
    let copy = frame.deep_clone().unwrap(); // the tensor is a handle of the pool
    drop(frame);
    thread::spawn(move || assert_eq!(copy.as_slice(), [0; 100]))
        .join()
        .unwrap();
}

#[test]
fn blocks_without_a_tensor_outlive_their_pool() {
    let pool = small().build().unwrap();
    let block = pool.allocate(Layout::new::<[u8; 100]>()).unwrap();
    drop(bytes(&pool, 5000));
    drop(pool);
    // SAFETY: a live block of 100 bytes that nothing else uses.
    unsafe { block.as_ptr().write_bytes(7, 100) };
    drop(block);
}

#[test]
fn pools_are_printed_with_their_numbers() {
    let pool = Pool::builder().byte_cap(1 << 20).build().unwrap();
    let text = format!("{pool:?}");
    assert!(text.contains("byte_cap: 1048576"), "{text}");
    assert!(text.contains("is_closed: false"), "{text}");
    assert!(text.contains("high_water: 0"), "{text}");
}

#[test]
fn hit_rates_are_shares() {
    let pool = small().build().unwrap();
    assert_eq!(pool.stats().hit_rate(), 0.0);
    for _ in 0..4 {
        drop(bytes(&pool, 100));
    }
    assert_eq!(pool.stats().hit_rate(), 0.75);
}

#[test]
fn pools_are_shared_between_threads() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<Pool>();
}
