//! Memory the host cannot reach: it can be cut, turned and passed on, and nothing else.

use std::any::Any;
use std::sync::Arc;

use kornia_tensor::{
    MemoryDomain, SharedWith, Tensor, TensorError, TensorStorage, TensorView, TensorViewMut,
    host_alloc,
};

use super::common::{Event, Ledger};

const DEVICE: MemoryDomain = MemoryDomain::Device { id: 2 };
/// As an accelerator's allocator would return it; nothing of ours is there.
const ADDRESS: usize = 0x7f00_0000_0000;

fn nobody() -> Arc<dyn Any + Send + Sync> {
    Arc::new(())
}

/// `[4, 5, 3]` floats at `ADDRESS`.
fn on_device(keeper: Arc<dyn Any + Send + Sync>) -> Tensor<f32, 3> {
    let start = std::ptr::without_provenance(ADDRESS);
    // SAFETY: the host never reads memory of a device.
    unsafe { Tensor::from_borrowed([4, 5, 3], start, 60, DEVICE, keeper) }.unwrap()
}

#[test]
fn shape_verbs_compute_device_addresses() {
    let ledger = Ledger::new();
    let t = on_device(ledger.keeper(()));
    let at = |element: usize| ADDRESS + 4 * element;
    assert_eq!(t.as_ptr().addr(), ADDRESS);
    assert_eq!(t.clone().as_ptr().addr(), ADDRESS);
    assert_eq!(t.slice((1.., 2..4, ..)).as_ptr().addr(), at(15 + 6));
    assert_eq!(t.select(2, 1).as_ptr().addr(), at(1));
    assert_eq!(t.narrow(0, 3..).as_ptr().addr(), at(45));
    assert_eq!(t.flip(0).as_ptr().addr(), at(45));
    assert_eq!(t.flip(2).flip(1).as_ptr().addr(), at(14));
    assert_eq!(t.transpose().strides(), &[1, 3, 15]);
    assert_eq!(t.permute_axes([2, 0, 1]).unwrap().shape(), &[3, 4, 5]);
    assert_eq!(t.reshape([60]).unwrap().as_ptr().addr(), ADDRESS);
    assert_eq!(t.split_at(1, 2).1.as_ptr().addr(), at(6));
    assert_eq!(t.chunks(0, 2).last().unwrap().as_ptr().addr(), at(30));
    let (origin, tile) = t.tiles([2, 3, 3]).last().unwrap();
    assert_eq!((origin, tile.as_ptr().addr()), ([2, 3, 0], at(30 + 9)));
    assert_eq!(t.storage().view(7, 9).unwrap().as_ptr().addr(), at(7));
    assert_eq!(t.storage().view(7, 9).unwrap().offset(), 7);
    assert_eq!(ledger.events(), []);
    drop((t, tile));
    assert_eq!(ledger.events(), [Event::KeeperGone]);
}

#[test]
fn handles_of_device_memory_know_where_they_are() {
    let t = on_device(nobody()).slice((.., 1, ..)).flip(0);
    for t in [t.clone(), t.transpose().transpose()] {
        assert_eq!(t.storage.domain(), DEVICE);
        assert_eq!((t.storage.device_id(), t.numel()), (2, 12));
        assert!(!t.storage.domain().is_host_accessible());
        assert!(!format!("{:?}", t.storage).is_empty());
        assert!(!format!("{t:?}").is_empty());
    }
}

#[test]
fn reads_from_the_host_are_errors() {
    let mut t = on_device(nobody());
    let refused = || TensorError::NotHostAccessible { domain: DEVICE };
    assert_eq!(t.try_as_slice().err(), Some(refused()));
    assert_eq!(
        t.try_view().map(|v: TensorView<'_, f32, 3>| v.numel()),
        Err(refused())
    );
    assert_eq!(t.storage().try_as_slice().err(), Some(refused()));
    assert_eq!(t.deep_clone().err(), Some(refused()));
    assert_eq!(t.storage().deep_clone().err(), Some(refused()));
    assert_eq!(t.transpose().try_contiguous().err(), Some(refused()));
    assert_eq!(t.try_as_mut_slice().err(), Some(refused()));
    let writer = t
        .try_view_mut()
        .map(|v: TensorViewMut<'_, f32, 3>| v.numel());
    assert_eq!(writer, Err(refused()));
    assert_eq!(t.try_make_mut().map(|v| v.numel()), Err(refused()));
    assert_eq!(t.try_make_mut_slice().err(), Some(refused()));
    assert_eq!(t.as_ptr().addr(), ADDRESS);
    // What is contiguous need not be read to be contiguous.
    assert_eq!(t.try_contiguous().unwrap().as_ptr().addr(), ADDRESS);
}

#[test]
fn an_empty_tensor_of_a_device_is_still_out_of_reach() {
    let start = std::ptr::without_provenance::<f32>(ADDRESS);
    // SAFETY: no elements.
    let t = unsafe { Tensor::from_borrowed([0, 3], start, 0, DEVICE, nobody()) }.unwrap();
    let refused = TensorError::NotHostAccessible { domain: DEVICE };
    assert_eq!(t.try_as_slice(), Err(refused.clone()));
    assert_eq!(t.try_view(), Err(refused));
}

#[test]
fn the_address_to_write_to_needs_the_sole_handle() {
    let mut t = on_device(nobody());
    assert_eq!(t.as_mut_ptr().addr(), ADDRESS);
    let other = t.clone();
    assert_eq!(
        t.try_as_mut_slice().err(),
        Some(TensorError::SharedStorage(SharedWith::default()))
    );
    let text = super::common::caught(|| t.as_mut_ptr()).unwrap_err().text;
    assert!(text.starts_with("storage is shared with "), "{text}");
    drop(other);
    let mut flipped = t.flip(0);
    drop(t);
    assert_eq!(flipped.as_mut_ptr().addr(), ADDRESS + 4 * 45);
}

#[test]
fn a_device_tensor_is_checked_like_any_other() {
    let start = std::ptr::without_provenance::<f32>(ADDRESS);
    let make = |shape, start, len| {
        // SAFETY: the host never reads memory of a device.
        unsafe { Tensor::<f32, 2>::from_borrowed(shape, start, len, DEVICE, nobody()) }.map(drop)
    };
    assert_eq!(make([2, 3], start, 6), Ok(()));
    assert!(matches!(
        make([2, 3], start, 5),
        Err(TensorError::ElementCountMismatch { found: 5, .. })
    ));
    assert!(matches!(
        make([1 << 32, 1 << 32], start, 0),
        Err(TensorError::ShapeOverflow { .. })
    ));
    assert!(matches!(
        make([2, 3], start.wrapping_byte_add(2), 6),
        Err(TensorError::Misaligned { align: 4, .. })
    ));
    assert_eq!(
        make([2, 3], std::ptr::null(), 6)
            .map(drop)
            .unwrap_err()
            .to_string(),
        "null pointer where memory was expected; check the source of the data"
    );
}

#[test]
fn unified_memory_is_read_by_the_host_and_stays_unified() {
    let unified = MemoryDomain::Unified { id: 1 };
    let mut memory = vec![1u8, 2, 3, 4, 5, 6].into_boxed_slice();
    let start = memory.as_mut_ptr();
    // SAFETY: the box outlives the tensor and is not used meanwhile.
    let t = unsafe { Tensor::<u8, 2>::from_borrowed([2, 3], start, 6, unified, nobody()) };
    let mut t = t.unwrap();
    for handle in [t.clone(), t.flip(1), t.slice((1.., 1..)), t.transpose()] {
        assert_eq!(handle.storage.domain(), unified);
        assert_eq!(handle.storage.device_id(), 1);
        assert!(handle.shares_memory_with(&t));
    }
    assert_eq!(t.as_slice(), [1, 2, 3, 4, 5, 6]);
    t.as_mut_slice()[0] = 9;
    let storage = t.storage().clone();
    assert_eq!(storage.domain(), unified);
    drop((t, storage));
    assert_eq!(memory[0], 9);
}

#[test]
fn a_device_storage_holds_no_elements_to_drop() {
    let ledger = Ledger::new();
    let start = std::ptr::without_provenance::<String>(ADDRESS);
    let alloc = host_alloc();
    // SAFETY: the host never reads memory of a device, not even to drop it.
    let storage = unsafe {
        TensorStorage::from_borrowed(
            start,
            3 * size_of::<String>(),
            alloc,
            DEVICE,
            ledger.keeper(()),
        )
    };
    assert_eq!(storage.len(), 3);
    drop(storage);
    assert_eq!(ledger.events(), [Event::KeeperGone]);
}
