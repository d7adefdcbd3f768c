//! Plain old data under another element type, without a copy.

mod common;

use std::sync::Arc;

use common::{Event, Ledger};
use kornia_tensor::{Access, AlignedAllocator, OwnerRefused, Tensor, TensorError, TensorStorage};

/// Bytes that begin `shift` bytes after an address that is a multiple of 16.
struct Shifted(Tensor<u8, 1>);

impl AsRef<[u8]> for Shifted {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}

fn shifted(shift: usize, len: usize) -> Shifted {
    let aligned = Arc::new(AlignedAllocator::new(16).unwrap());
    let all = Tensor::<u8, 1>::from_shape_fn_in([shift + len], aligned, |[i]| {
        i.wrapping_sub(shift) as u8
    });
    Shifted(all.slice([shift..]))
}

#[test]
fn bytes_of_an_owner_are_elements_at_their_own_address() {
    let owner = shifted(4, 24);
    let address = owner.0.as_ptr();
    let t = Tensor::<u32, 2>::from_bytes_owner([2, 3], owner).unwrap();
    assert_eq!(t.as_ptr().cast(), address);
    let word = |i: u8| u32::from_ne_bytes([i, i + 1, i + 2, i + 3]);
    assert_eq!(t.as_slice(), [0, 4, 8, 12, 16, 20].map(word));
    assert_eq!(t.storage().access(), Access::ReadOnly);
}

#[test]
fn a_misaligned_owner_comes_back_with_its_address() {
    for shift in 1..4 {
        let owner = shifted(shift, 8);
        let address = owner.0.as_ptr().addr();
        let OwnerRefused { error, owner } =
            Tensor::<u32, 1>::from_bytes_owner([2], owner).unwrap_err();
        assert_eq!(error, TensorError::Misaligned { address, align: 4 });
        let t = Tensor::<u8, 1>::from_bytes_owner([8], owner).unwrap(); // bytes lie anywhere
        assert_eq!(t.as_slice(), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}

#[test]
fn lengths_must_fit() {
    let refusal = |shape: [usize; 2], len| {
        let refused = Tensor::<u32, 2>::from_bytes_owner(shape, shifted(0, len)).unwrap_err();
        assert_eq!(refused.owner.0.numel(), len);
        refused.error
    };
    for (len, found) in [(0, 0), (20, 5), (28, 7)] {
        let shape = Box::new([2, 3]);
        assert_eq!(
            refusal([2, 3], len),
            TensorError::ElementCountMismatch { shape, found }
        );
    }
    assert_eq!(
        refusal([2, 3], 23).to_string(),
        "23 bytes are no whole number of 4-byte elements; pass as many as the shape needs"
    );
    for huge in [[usize::MAX, 2], [1 << 62, 1]] {
        assert!(matches!(
            refusal(huge, 8),
            TensorError::ShapeOverflow { .. }
        ));
    }
    let none = Tensor::<u32, 2>::from_bytes_owner([0, 5], shifted(0, 0)).unwrap();
    assert!(none.is_empty());
    let storage = TensorStorage::<u16>::from_bytes_owner(shifted(2, 6)).unwrap();
    assert_eq!(storage.len(), 3);
    let refused = TensorStorage::<u16>::from_bytes_owner(shifted(2, 5)).unwrap_err();
    assert_eq!(refused.owner.0.numel(), 5);
}

#[test]
fn elements_without_a_size_are_in_no_bytes() {
    let refused = Tensor::<(), 1>::from_bytes_owner([3], shifted(0, 3)).unwrap_err();
    assert!(matches!(
        refused.error,
        TensorError::UnsupportedOperation(_)
    ));
    assert!(Tensor::<(), 1>::from_bytes_owner([3], shifted(0, 0)).is_err());
}

#[test]
fn the_owner_is_dropped_with_the_last_handle() {
    struct Keeper(
        Shifted,
        #[allow(dead_code)] Arc<dyn std::any::Any + Send + Sync>,
    );
    impl AsRef<[u8]> for Keeper {
        fn as_ref(&self) -> &[u8] {
            self.0.as_ref()
        }
    }
    let ledger = Ledger::new();
    let gone = || ledger.count(|event| *event == Event::KeeperGone);
    let owner = Keeper(shifted(0, 8), ledger.keeper(()));
    let t = Tensor::<f32, 1>::from_bytes_owner([2], owner).unwrap();
    let half = t.slice([1..]);
    drop(t);
    assert_eq!(gone(), 0);
    std::thread::spawn(move || drop(half)).join().unwrap();
    assert_eq!(gone(), 1);
}

#[test]
fn a_storage_is_an_owner_of_bytes() {
    let bytes = shifted(8, 8).0.into_parts().storage;
    let t = Tensor::<u64, 1>::from_bytes_owner([1], bytes.clone()).unwrap();
    assert_eq!(t[[0]], u64::from_ne_bytes([0, 1, 2, 3, 4, 5, 6, 7]));
    assert!(!t.is_empty() && !bytes.is_unique());
}

// --- reinterpret -----------------------------------------------------------------

/// `[H, W, C]` bytes at an address that is a multiple of 16.
fn image(shape: [usize; 3]) -> Tensor<u8, 3> {
    let aligned = Arc::new(AlignedAllocator::new(16).unwrap());
    let mut next = 0u8;
    Tensor::from_shape_fn_in(shape, aligned, |_| {
        next = next.wrapping_add(1);
        next
    })
}

/// The elements that reinterpreting should show, by way of bytes in logical order.
fn model(t: &Tensor<u8, 3>) -> Vec<u16> {
    let bytes = t.view().to_vec();
    bytes
        .chunks_exact(2)
        .map(|pair| u16::from_ne_bytes([pair[0], pair[1]]))
        .collect()
}

#[test]
fn rows_of_bytes_become_rows_of_words_in_any_outer_layout() {
    let all = image([4, 6, 8]);
    for (case, t) in [
        ("whole", all.clone()),
        ("crop", all.slice((1..3, 2..5, 2..6))),
        ("flipped", all.flip(0).flip(1)),
        ("permuted", all.permute_axes([1, 0, 2]).unwrap()),
        ("one row", all.slice((1..2, 0..1, 4..))),
        ("stepped", all.slice((kornia_tensor::step(.., 3), .., ..4))),
        ("no rows", all.slice((1..1, .., ..))),
        ("no columns", all.slice((.., .., 3..3))),
    ] {
        let [h, w, c] = *t.shape();
        let (expected, address) = (model(&t), t.as_ptr());
        let words = t.reinterpret::<u16>().unwrap();
        assert_eq!(words.shape(), &[h, w, c / 2], "{case}");
        assert_eq!(words.view().to_vec(), expected, "{case}");
        if !expected.is_empty() {
            assert_eq!(words.as_ptr().cast(), address, "{case}");
        }
        let back = words.reinterpret::<u8>().unwrap();
        assert_eq!(back.shape(), &[h, w, c], "{case}");
    }
}

#[test]
fn what_is_no_whole_number_of_elements_comes_back() {
    let all = image([4, 5, 6]);
    let text = |t: Tensor<u8, 3>| {
        let shape = *t.shape();
        let refused = t.reinterpret::<u32>().unwrap_err();
        assert_eq!(refused.owner.shape(), &shape);
        refused.error.to_string()
    };
    assert_eq!(
        text(all.clone()),
        "6 bytes in a row are no whole number of 4-byte elements; copy them with `map`"
    );
    assert_eq!(
        text(all.slice((.., .., ..4))),
        "30 bytes between rows are no whole number of 4-byte elements; copy them with `map`"
    );
    assert!(text(all.flip(2)).contains("is not in row-major order"));
    assert!(text(all.slice((.., ..1, 1..5))).contains("between rows"));
    assert!(text(all.slice((..1, ..1, 1..5))).contains("is not a multiple of 4"));
    let scalar = Tensor::from_shape_vec([], vec![1u16]).unwrap();
    let refused = scalar.reinterpret::<u8>().unwrap_err();
    assert_eq!(
        refused.error.to_string(),
        "2 bytes of a scalar are no scalar of 1 bytes; give it an axis with `reshape`"
    );
    assert_eq!(refused.owner.reinterpret::<i16>().unwrap()[[]], 1);
}

#[test]
fn the_same_size_keeps_any_layout() {
    let t = Tensor::from_shape_vec([2, 3], vec![0u32, 1, 2, 0x3f80_0000, 4, 5]).unwrap();
    let t = t.transpose().flip(1);
    let expected: Vec<_> = t.iter().map(|&bits| f32::from_bits(bits)).collect();
    let floats = t.clone().reinterpret::<f32>().unwrap();
    assert_eq!(floats.strides(), t.strides());
    assert_eq!(floats.view().to_vec(), expected);
    let units = Tensor::full([4], ()).reinterpret::<[u8; 0]>().unwrap();
    assert_eq!(units.numel(), 4);
    assert!(
        Tensor::full([4], ())
            .reinterpret::<u8>()
            .is_ok_and(|t| t.is_empty())
    );
    assert!(image([1, 1, 4]).reinterpret::<()>().is_err());
}

#[test]
fn only_what_a_sole_writable_handle_gave_can_be_written() {
    let mut words = image([2, 2, 2]).reinterpret::<u16>().unwrap();
    words.as_mut_slice().fill(u16::from_ne_bytes([7, 8]));
    let bytes = words.reinterpret::<u8>().unwrap();
    assert_eq!(bytes.as_slice(), [7, 8, 7, 8, 7, 8, 7, 8]);

    let shared = bytes.clone();
    let mut words = bytes.reinterpret::<u16>().unwrap();
    assert_eq!(
        words.try_view_mut().err(),
        Some(TensorError::ReadOnlyStorage)
    );
    drop(shared);
    assert_eq!(
        words.try_view_mut().err(),
        Some(TensorError::ReadOnlyStorage)
    );
    words.make_mut()[[0, 0, 0]] = 0;
    assert_eq!(words[[0, 0, 0]], 0);

    let foreign = Tensor::<u8, 1>::from_owner([4], [1; 4]).unwrap();
    let signed = foreign.reinterpret::<i8>().unwrap();
    assert_eq!(signed.storage().access(), Access::ReadOnly);
}

#[test]
fn writing_through_the_result_ends_when_it_is_shared() {
    let mut words = image([2, 2, 2]).reinterpret::<u16>().unwrap();
    let shared = words.clone();
    assert!(words.try_view_mut().is_err());
    drop(shared);
    assert!(words.try_view_mut().is_ok());
}

#[test]
fn the_vec_behind_it_is_freed_as_what_it_was() {
    // Miri and ThreadSanitizer's allocator look at the layout that is freed.
    let t = Tensor::from_shape_vec([3], vec![1.0f64; 3]).unwrap();
    let bytes = t.reinterpret::<u8>().unwrap();
    assert_eq!(bytes.shape(), &[24]);
    assert!(bytes.try_into_vec().is_err(), "bytes are no Vec of bytes");
}

/// Rounds that would overflow the stack, if each of them left something to be dropped inside the
/// one before.
const ROUNDS: usize = if cfg!(miri) { 300 } else { 100_000 };

#[test]
fn memory_is_reinterpreted_without_end_and_stands_on_what_was_allocated() {
    let mut t = Tensor::from_shape_vec([4], vec![1.0f32; 4]).unwrap();
    for _ in 0..ROUNDS {
        t = t.reinterpret::<u32>().unwrap().reinterpret().unwrap();
    }
    assert_eq!(t.retained_bytes(), 16);
    t.as_mut_slice()[0] = 2.0; // writable all the way
    let crop = t.slice((1..2,)).reinterpret::<u8>().unwrap();
    assert_eq!(crop.retained_bytes(), 16, "not its own four bytes");
}

#[test]
fn shared_memory_is_reinterpreted_without_end_and_nobody_writes_it() {
    let original = Tensor::from_shape_vec([4], vec![7u32; 4]).unwrap();
    let mut t = original.clone();
    for _ in 0..ROUNDS {
        let before = t.clone();
        t = t.reinterpret::<i32>().unwrap().reinterpret().unwrap();
        drop(before);
    }
    assert_eq!(t.retained_bytes(), 16);
    let mut original = original;
    assert!(original.try_as_mut_slice().is_err(), "`t` shows it");
    drop(t);
    original.as_mut_slice()[0] = 8;
}

#[test]
fn what_was_reinterpreted_alone_is_not_written_while_a_shared_part_of_it_is_read() {
    let t = Tensor::from_shape_vec([4], vec![7u32; 4]).unwrap();
    let mut writable = t.reinterpret::<i32>().unwrap();
    for _ in 0..3 {
        let reader = writable.clone().reinterpret::<u32>().unwrap();
        let again = reader.clone().reinterpret::<i32>().unwrap();
        drop(reader);
        assert!(writable.try_as_mut_slice().is_err(), "`again` reads it");
        let last = again.reinterpret::<u8>().unwrap();
        assert!(writable.try_as_mut_slice().is_err(), "`last` reads it");
        assert_eq!((last[[0]] | last[[3]], last.retained_bytes()), (7, 16));
        drop(last);
        writable.as_mut_slice()[0] = 7;
    }
}

#[test]
fn a_storage_of_bytes_is_an_owner_without_end() {
    let mut bytes = image([1, 2, 4]).into_parts().storage;
    for _ in 0..ROUNDS {
        let words = Tensor::<u32, 1>::from_bytes_owner([2], bytes).unwrap();
        bytes = words.reinterpret::<u8>().unwrap().into_parts().storage;
    }
    assert_eq!((bytes.retained_bytes(), bytes.len()), (8, 8));
    assert_eq!(bytes.access(), Access::ReadOnly);

    let refused = Tensor::<u32, 1>::from_bytes_owner([3], bytes).unwrap_err();
    assert!(matches!(
        refused.error,
        TensorError::ElementCountMismatch { .. }
    ));
    assert_eq!(refused.owner.len(), 8);
}

#[test]
fn an_empty_tensor_whose_bytes_could_not_be_counted_is_refused() {
    let empty = Tensor::<u64, 2>::zeros([0, 1 << 61]);
    let refused = empty.reinterpret::<u8>().unwrap_err();
    assert!(matches!(refused.error, TensorError::ShapeOverflow { .. }));
    let wide = Tensor::<u64, 2>::zeros([0, 1 << 60]);
    // 2^63 bytes in a row are one more than a length may be.
    let refused = wide.reinterpret::<u8>().unwrap_err();
    assert!(matches!(refused.error, TensorError::ShapeOverflow { .. }));
    let fits = Tensor::<u64, 2>::zeros([0, 1 << 59]).reinterpret::<u8>();
    assert_eq!(fits.unwrap().shape(), &[0, 1 << 62]);
}
