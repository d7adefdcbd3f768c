//! What lies in pooled memory: never what lay there before, and dropped once.

use kornia_tensor::{Pool, Tensor};

use super::common::{Ledger, caught};
use super::{bytes, small};

/// A pool whose only block holds 0xAA everywhere.
fn dirty() -> Pool {
    let pool = small().build().unwrap();
    drop(Tensor::full_in([1280], 0xAAu8, pool.handle()));
    pool
}

#[test]
fn zeros_are_zeros_in_a_used_block() {
    let pool = dirty();
    for len in [1025, 1280] {
        assert!(bytes(&pool, len).iter().all(|&byte| byte == 0));
        drop(Tensor::full_in([1280], 0xAAu8, pool.handle()));
    }
    let floats = Tensor::<f32, 2>::zeros_in([32, 10], pool.handle());
    assert!(floats.iter().all(|&x| x.to_bits() == 0));
    assert_eq!(pool.stats().misses, 1, "all in the dirty block");
}

#[test]
fn every_constructor_covers_a_used_block() {
    let pool = dirty();
    let full = Tensor::full_in([1200], 3u8, pool.handle());
    assert!(full.iter().all(|&byte| byte == 3));
    drop(full);
    let counted = Tensor::from_shape_fn_in([300], pool.handle(), |[i]| i as u32);
    assert!((0..300).eq(counted.iter().copied()));
    drop(counted);
    let moved = Tensor::from_shape_vec_in([1100], vec![9u8; 1100], pool.handle()).unwrap();
    assert!(moved.iter().all(|&byte| byte == 9));
    drop(moved);
    let copied = Tensor::from_shape_slice_in([1100], &[8u8; 1100], pool.handle()).unwrap();
    assert!(copied.iter().all(|&byte| byte == 8));
    assert_eq!(copied.deep_clone().unwrap().as_slice(), [8; 1100]);
    assert_eq!(
        pool.stats().misses,
        2,
        "the first block, and one for the clone"
    );
}

#[test]
fn elements_are_dropped_once_before_their_block_is_reused() {
    let (pool, ledger) = (small().build().unwrap(), Ledger::new());
    let names = |ledger: &Ledger, pool: &Pool| {
        Tensor::from_shape_fn_in([3, 5], pool.handle(), |_| ledger.element())
    };
    let first = names(&ledger, &pool);
    let row = first.slice((1, ..));
    drop(first);
    assert_eq!(ledger.dropped(), 0);
    drop(row);
    assert_eq!((ledger.dropped(), pool.stats().blocks_idle), (15, 1));
    let second = names(&ledger, &pool);
    assert_eq!(second[[2, 4]].number(), 29);
    drop(second);
    assert_eq!(pool.stats().hits, 1);
    ledger.assert_settled();
}

#[test]
fn a_panic_in_the_middle_of_filling_gives_the_block_back() {
    let (pool, ledger) = (small().build().unwrap(), Ledger::new());
    let broken = caught(|| {
        Tensor::from_shape_fn_in([10], pool.handle(), |[i]| {
            assert!(i < 7, "no eighth element");
            ledger.element()
        })
    });
    assert_eq!(broken.unwrap_err().text, "no eighth element");
    ledger.assert_settled();
    assert_eq!((pool.stats().blocks_live, pool.stats().blocks_idle), (0, 1));
    let whole = Tensor::from_shape_fn_in([10], pool.handle(), |_| ledger.element());
    assert_eq!(whole.numel(), 10);
    assert_eq!(pool.stats().hits, 1);
}

#[test]
fn a_panicking_drop_gives_the_block_back() {
    let (pool, ledger) = (small().build().unwrap(), Ledger::new());
    let tensor = Tensor::from_shape_fn_in([4], pool.handle(), |_| ledger.element());
    ledger.set_bomb(2);
    let text = caught(|| drop(tensor)).unwrap_err().text;
    assert!(text.contains("this drop panics"), "{text}");
    ledger.assert_settled();
    assert_eq!((pool.stats().blocks_live, pool.stats().blocks_idle), (0, 1));
}

#[test]
fn a_panicking_clone_gives_the_block_back() {
    let (pool, ledger) = (small().build().unwrap(), Ledger::new());
    let tensor = Tensor::from_shape_fn_in([4], pool.handle(), |_| ledger.element());
    ledger.allow_clones(2);
    assert_eq!(
        caught(|| tensor.deep_clone()).map(drop).unwrap_err().text,
        "this clone panics"
    );
    assert_eq!((pool.stats().blocks_live, pool.stats().blocks_idle), (1, 1));
    drop(tensor);
    ledger.assert_settled();
}

#[test]
fn owned_parts_give_their_block_back_together() {
    let pool = small().build().unwrap();
    let whole = Tensor::<u8, 2>::zeros_in([4, 8], pool.handle());
    let mut parts = whole.try_into_mut().unwrap().split_into(2).into_iter();
    let (mut top, bottom) = (parts.next().unwrap(), parts.next().unwrap());
    std::thread::spawn(move || drop(bottom)).join().unwrap();
    assert_eq!(pool.stats().blocks_live, 1);
    top.as_mut_slice().fill(1);
    drop(top.freeze());
    assert_eq!((pool.stats().blocks_live, pool.stats().blocks_idle), (0, 1));
}
