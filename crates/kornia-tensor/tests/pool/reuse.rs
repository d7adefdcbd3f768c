//! What comes back goes out again, to who asks for its size.

use std::alloc::Layout;
use std::sync::{Arc, Barrier};
use std::thread;

use kornia_tensor::{Pool, Tensor, TensorAllocator};

use super::{bytes, small};

#[test]
fn a_block_comes_back_with_the_last_tensor_of_it() {
    let pool = small().build().unwrap();
    let frame = bytes(&pool, 1000);
    let address = frame.as_ptr();
    let (clone, crop) = (frame.clone(), frame.slice((10..20,)));
    drop(frame);
    drop(clone);
    assert_eq!(pool.stats().blocks_live, 1, "the crop still shows 10 of it");
    drop(crop);
    assert_eq!(pool.stats().blocks_idle, 1);
    assert_eq!(bytes(&pool, 1000).as_ptr(), address);
    assert_eq!((pool.stats().misses, pool.stats().hits), (1, 1));
}

#[test]
fn the_block_that_came_back_last_goes_out_first() {
    let pool = small().build().unwrap();
    let frames: Vec<_> = (0..3).map(|_| bytes(&pool, 64)).collect();
    let mut addresses: Vec<_> = frames.iter().map(Tensor::as_ptr).collect();
    for frame in frames {
        drop(frame); // in order
    }
    let again: Vec<_> = (0..3).map(|_| bytes(&pool, 64)).collect();
    addresses.reverse();
    assert_eq!(
        again.iter().map(Tensor::as_ptr).collect::<Vec<_>>(),
        addresses
    );
}

#[test]
fn sizes_of_one_class_share_their_blocks() {
    let pool = small().build().unwrap();
    assert_eq!(Pool::block_bytes(1025), Pool::block_bytes(1280));
    let address = bytes(&pool, 1025).as_ptr();
    assert_eq!(
        bytes(&pool, 1280).as_ptr(),
        address,
        "there was room for more"
    );
    assert_eq!(pool.stats().misses, 1);
}

#[test]
fn a_block_serves_no_other_class() {
    let pool = small().build().unwrap();
    drop(bytes(&pool, 1280));
    for other in [1024, 1281, 100, 5000] {
        let misses = pool.stats().misses;
        drop(bytes(&pool, other));
        assert_eq!(pool.stats().misses, misses + 1, "{other}");
    }
    assert_eq!(pool.stats().blocks_idle, 5);
}

#[test]
fn a_block_serves_no_other_alignment() {
    #[derive(Clone)]
    #[repr(align(256))]
    struct Wide(#[expect(dead_code)] [u8; 256]);

    let pool = small().build().unwrap();
    drop(bytes(&pool, 1024));
    let wide = Tensor::full_in([4], Wide([1; 256]), pool.handle());
    assert_eq!(wide.as_ptr().addr() % 256, 0);
    assert_eq!(pool.stats().misses, 2);
    drop(wide);
    assert_eq!(pool.stats().blocks_idle, 2);
    drop(bytes(&pool, 1024));
    assert_eq!((pool.stats().hits, pool.stats().blocks_idle), (1, 2));
}

#[test]
fn less_than_a_quarter_is_added() {
    let mut last = 0;
    for bytes in (1..5000).chain((0..60).map(|k| (1 << k) + 1)) {
        let block = Pool::block_bytes(bytes);
        assert!(block >= bytes, "{bytes}: {block}");
        assert!(bytes < 4 || (block - bytes) * 4 < bytes, "{bytes}: {block}");
        assert_eq!(
            Pool::block_bytes(block),
            block,
            "{bytes}: its block is of its own class"
        );
        assert!(
            block >= last || bytes == 2,
            "{bytes}: larger requests, larger blocks"
        );
        last = block;
    }
    assert_eq!(Pool::block_bytes(0), Pool::block_bytes(4));
    assert_eq!(Pool::block_bytes(usize::MAX), usize::MAX);
}

#[test]
fn small_requests_are_not_pooled() {
    let pool = Pool::builder().min_bytes(1000).byte_cap(0).build().unwrap();
    let before = pool.stats();
    let small = bytes(&pool, 999);
    assert_eq!(small.as_ptr().addr() % 64, 0, "aligned all the same");
    drop(small);
    assert_eq!(pool.stats(), before);
    drop(bytes(&pool, 1000));
    assert_eq!(pool.stats().misses, 1);
}

#[test]
fn blocks_are_aligned() {
    let pool = small().build().unwrap();
    for len in [1, 65, 4096, 100_000] {
        assert_eq!(bytes(&pool, len).as_ptr().addr() % 64, 0, "{len}");
    }
    let wide = small().align(1 << 14).build().unwrap();
    assert_eq!(bytes(&wide, 100).as_ptr().addr() % (1 << 14), 0);
    if cfg!(not(miri)) {
        for len in [256 << 10, 1080 * 1920 * 3] {
            assert_eq!(bytes(&pool, len).as_ptr().addr() % 4096, 0, "{len}");
        }
    }
    let odd = Pool::builder().align(48).build();
    assert_eq!(
        odd.unwrap_err().to_string(),
        "invalid parameters to Layout::from_size_align; use a smaller shape"
    );
}

#[test]
fn a_block_has_the_length_that_was_asked_for() {
    let pool = small().build().unwrap();
    for len in [1025, 1280, 1100] {
        let layout = Layout::array::<u8>(len).unwrap();
        let block = pool.allocate(layout).unwrap();
        assert_eq!(block.len_bytes(), len);
        let block = pool.allocate_zeroed(layout).unwrap();
        assert_eq!(block.len_bytes(), len);
    }
}

#[test]
fn copies_come_from_the_pool_of_their_tensor() {
    let pool = small().build().unwrap();
    let frame = bytes(&pool, 100);
    let copy = frame.deep_clone().unwrap();
    let mut shared = frame.clone();
    shared.make_mut()[[0]] = 1;
    assert_eq!(pool.stats().blocks_live, 3);
    assert_eq!((frame[[0]], copy[[0]], shared[[0]]), (0, 0, 1));
}

#[test]
fn nothing_is_asked_for_no_bytes() {
    let pool = small().byte_cap(0).build().unwrap();
    assert!(bytes(&pool, 0).is_empty());
    let units = Tensor::full_in([1000], (), pool.handle());
    assert_eq!(units.numel(), 1000);
    let none = Tensor::<u64, 2>::from_shape_fn_in([3, 0], pool.handle(), |_| unreachable!());
    assert_eq!(none.numel(), 0);
    assert_eq!(pool.stats(), Default::default());
}

#[test]
fn blocks_come_back_from_other_threads() {
    let pool = small().build().unwrap();
    let frame = bytes(&pool, 100);
    let address = frame.as_ptr().addr();
    let crop = frame.slice((50..60,));
    drop(frame);
    thread::spawn(move || assert_eq!(crop.as_slice(), [0; 10]))
        .join()
        .unwrap();
    assert_eq!(bytes(&pool, 100).as_ptr().addr(), address);
    let handle = pool.clone();
    let there = thread::spawn(move || bytes(&handle, 100).as_ptr().addr());
    assert_eq!(there.join().unwrap(), address, "a clone is the same pool");
}

#[test]
fn no_block_has_two_owners() {
    let rounds = if cfg!(miri) { 20 } else { 2_000 };
    let pool = small().build().unwrap();
    let start = Arc::new(Barrier::new(3));
    let threads: Vec<_> = (1..=3u8)
        .map(|me| {
            let (pool, start) = (pool.clone(), start.clone());
            thread::spawn(move || {
                start.wait();
                let mut last = None;
                for round in 0..rounds {
                    let mut mine = bytes(&pool, 200);
                    mine.as_mut_slice().fill(me);
                    let other = Tensor::full_in([150], me, pool.handle());
                    thread::yield_now();
                    assert!(mine.iter().all(|&b| b == me), "round {round}");
                    assert!(other.iter().all(|&b| b == me), "round {round}");
                    last = Some(mine); // the one before goes back here
                }
                drop(last);
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let stats = pool.stats();
    assert_eq!((stats.blocks_live, stats.bytes_live), (0, 0));
    assert_eq!(stats.hits + stats.misses, 6 * rounds);
    assert_eq!(stats.misses, stats.blocks_idle as u64);
    assert!(
        stats.blocks_idle <= 9,
        "{stats:?}: each thread has at most 3 at a time"
    );
}

#[test]
#[cfg_attr(miri, ignore = "Miri stops where the system says no")]
fn what_the_system_does_not_have_is_not_counted() {
    let pool = Pool::new();
    let huge = Tensor::<u8, 1>::try_zeros_in([isize::MAX as usize / 2], pool.handle());
    let text = huge.unwrap_err().to_string();
    assert!(text.starts_with("allocation failed: "), "{text}");
    assert_eq!(pool.stats(), Default::default());
    let huger = Tensor::<u8, 1>::try_zeros_in([isize::MAX as usize], pool.handle());
    // Its class cannot be addressed.
    assert_eq!(
        huger.map(drop).unwrap_err().to_string(),
        "invalid parameters to Layout::from_size_align; use a smaller shape"
    );
    drop(bytes(&pool, 1 << 16));
    assert_eq!(pool.stats().blocks_idle, 1);
}
