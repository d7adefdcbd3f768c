//! Tensors in rkyv archives: read in place, shared, copied out, and refused where they are none.
//!
//! Under Miri: `MIRIFLAGS=-Zmiri-tree-borrows cargo miri test --test rkyv -- --include-ignored`. The
//! tests that are not ignored hold under Stacked Borrows too. `.ci/run` does both.

#[path = "messages/elements.rs"]
mod elements;
#[path = "messages/layouts.rs"]
mod layouts;
#[path = "messages/memory.rs"]
mod memory;
#[path = "random/config.rs"]
mod random;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use elements::Element;
use kornia_tensor::formats::rkyv::ArchivedTensor;
use kornia_tensor::{Tensor, TensorError, TensorView};
use layouts::{Recipe, recipes};
use memory::most_taken;
use proptest::test_runner::TestRunner;
use rkyv::api::high::{HighDeserializer, HighSerializer, HighValidator};
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::BoxedError as Error;
use rkyv::ser::allocator::ArenaHandle;
use rkyv::util::AlignedVec;
use rkyv::{Archive, Archived, Deserialize, Serialize};

#[global_allocator]
static MEMORY: memory::Counting = memory::Counting;

/// An archive of one tensor.
type Root<T, const N: usize> = ArchivedTensor<Archived<T>, N>;

/// An element that the high-level functions of rkyv write and read.
trait Archivable:
    Element
    + Archive<Archived: for<'a> CheckBytes<HighValidator<'a, Error>>>
    + for<'a> Serialize<HighSerializer<AlignedVec, ArenaHandle<'a>, Error>>
where
    Self::Archived: Deserialize<Self, HighDeserializer<Error>>,
{
}

impl<T> Archivable for T
where
    T: Element
        + Archive<Archived: for<'a> CheckBytes<HighValidator<'a, Error>>>
        + for<'a> Serialize<HighSerializer<AlignedVec, ArenaHandle<'a>, Error>>,
    T::Archived: Deserialize<T, HighDeserializer<Error>>,
{
}

fn same<T: Element, const N: usize>(a: TensorView<'_, T, N>, b: TensorView<'_, T, N>) -> bool {
    a.shape() == b.shape() && a.iter().zip(b.iter()).all(|(a, b)| a.is(b))
}

/// One tensor: it comes back in all ways, and its archive is that of a copy of what can be seen.
fn comes_back<T, const N: usize>(tensor: TensorView<'_, T, N>)
where
    T: Archivable,
    T::Archived: Deserialize<T, HighDeserializer<Error>>,
{
    let name = std::any::type_name::<T>();
    let bytes = rkyv::to_bytes::<Error>(&tensor).unwrap();
    let copy = rkyv::to_bytes::<Error>(&tensor.to_tensor()).unwrap();
    assert_eq!(bytes[..], copy[..], "{name}");

    let archived = rkyv::access::<Root<T, N>, Error>(&bytes).unwrap();
    assert_eq!(
        (&archived.shape(), archived.numel()),
        (tensor.shape(), tensor.numel())
    );
    assert_eq!(archived.view().shape(), tensor.shape());
    let back: Tensor<T, N> = rkyv::from_bytes::<_, Error>(&bytes).unwrap();
    assert!(same(back.view(), tensor), "{name}");

    // rkyv's own width for these, and its own layout for others.
    let in_place = !["usize", "isize"].contains(&name) && !name.contains("::");
    match archived.view_as::<T>() {
        Ok(view) => assert!(same(view, tensor) && in_place, "{name}"),
        Err(error) => assert!(!in_place || cfg!(target_endian = "big"), "{name}: {error}"),
    }
    let memory = bytes.as_ptr_range();
    match Tensor::<T, N>::from_archive(bytes) {
        Ok(shared) => {
            assert!(same(shared.view(), tensor) && in_place, "{name}");
            assert!(shared.is_empty() || memory.contains(&shared.as_ptr().cast()));
        }
        Err(refused) => assert!(
            !in_place || cfg!(target_endian = "big"),
            "{name}: {refused}"
        ),
    }
}

#[test]
#[cfg_attr(miri, ignore = "rkyv's references need -Zmiri-tree-borrows")]
fn every_layout_of_every_type_comes_back() {
    fn check<T: Archivable>(recipe: &Recipe)
    where
        T::Archived: Deserialize<T, HighDeserializer<Error>>,
    {
        comes_back(recipe.tensor(T::of).view());
    }

    let longest = if cfg!(miri) { 2 } else { 5 };
    let mut config = random::config(2);
    config.source_file = Some(file!());
    TestRunner::new(config)
        .run(&recipes(longest), |recipe| {
            check::<u8>(&recipe);
            check::<u64>(&recipe);
            check::<f32>(&recipe);
            check::<bool>(&recipe);
            check::<usize>(&recipe);
            check::<String>(&recipe);
            if cfg!(miri) {
                return Ok(()); // one of each size and kind
            }
            check::<i8>(&recipe);
            check::<u16>(&recipe);
            check::<i16>(&recipe);
            check::<u32>(&recipe);
            check::<i32>(&recipe);
            check::<i64>(&recipe);
            check::<u128>(&recipe);
            check::<i128>(&recipe);
            check::<f64>(&recipe);
            check::<isize>(&recipe);
            Ok(())
        })
        .unwrap();
}

#[test]
#[cfg_attr(miri, ignore = "rkyv's references need -Zmiri-tree-borrows")]
fn other_ranks_and_repeated_elements_come_back() {
    comes_back(Tensor::from_shape_vec([], vec![7u16]).unwrap().view());
    comes_back(
        Tensor::from_shape_vec([2, 0, 3], vec![0u64; 0])
            .unwrap()
            .view(),
    );
    let row = Tensor::from_shape_vec([4], vec![1.5f32, -2.0, 3.0, 4.5]).unwrap();
    comes_back(row.view().broadcast_to([3, 4]).unwrap());
    let windows: TensorView<'_, f32, 2> = row.view().windows(0, 2);
    comes_back(windows);
    // Long rows with gaps between them, which are written row by row.
    let wide = Tensor::from_shape_fn([3, 80], |[y, x]| (y * 80 + x) as f32);
    comes_back(wide.slice((.., 10..75)).view());
    let words = Tensor::from_shape_vec(
        [3],
        ["ab", "", "longer than inline"].map(String::from).into(),
    );
    comes_back(words.unwrap().flip(0).view());
}

#[test]
fn a_crop_carries_nothing_of_the_pixels_around_it() {
    let mut frame = Tensor::<u8, 3>::full([40, 40, 3], 0xEE);
    frame.view_mut().slice((10..13, 20..25, ..)).fill(7);
    let crop = frame.slice((10..13, 20..25, ..));
    for crop in [
        crop.clone(),
        crop.flip(1),
        crop.permute_axes([2, 0, 1]).unwrap(),
    ] {
        let bytes = rkyv::to_bytes::<Error>(&crop).unwrap();
        assert!(bytes.len() < 80 && !bytes.contains(&0xEE), "{bytes:?}");
    }
}

#[derive(Archive, Serialize, Deserialize, PartialEq, Debug)]
#[rkyv(compare(PartialEq), derive(Debug))]
struct Frame {
    name: String,
    image: Tensor<u8, 3>,
    depth: Vec<Tensor<f32, 2>>,
}

fn frame() -> Frame {
    let depth = Tensor::from_shape_fn([3, 4], |[y, x]| (y * 4 + x) as f32);
    Frame {
        name: "left".into(),
        image: Tensor::from_shape_fn([2, 3, 3], |[y, x, c]| (y + x + c) as u8).flip(1),
        depth: vec![depth.slice((.., 1..3)), depth],
    }
}

#[test]
#[cfg_attr(miri, ignore = "rkyv's references need -Zmiri-tree-borrows")]
fn tensors_in_structs_are_read_in_place_and_copied_out() {
    let frame = frame();
    let bytes = rkyv::to_bytes::<Error>(&frame).unwrap();
    let archived = rkyv::access::<ArchivedFrame, Error>(&bytes).unwrap();
    assert_eq!(archived.name, frame.name);
    assert_eq!(archived.image.view_as::<u8>().unwrap(), frame.image);
    assert_eq!(archived.depth[0].view_as::<f32>().unwrap(), frame.depth[0]);
    assert_eq!(*archived, frame);
    let text = format!("{:?}", frame.image.deep_clone().unwrap().view());
    assert_eq!(format!("{:?}", archived.image), text);
    let back: Frame = rkyv::from_bytes::<_, Error>(&bytes).unwrap();
    assert_eq!(back, frame);
}

/// Bytes that say when they are dropped.
struct Owner(AlignedVec, Arc<AtomicUsize>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.1.fetch_add(1, SeqCst);
    }
}

#[test]
#[cfg_attr(miri, ignore = "rkyv's references need -Zmiri-tree-borrows")]
fn a_shared_tensor_keeps_its_archive_and_lets_go_of_it_last() {
    let drops = Arc::new(AtomicUsize::new(0));
    let bytes = rkyv::to_bytes::<Error>(&frame()).unwrap();
    let depth = Tensor::<f32, 2>::from_archive_with(Owner(bytes, drops.clone()), |bytes| {
        rkyv::access::<ArchivedFrame, Error>(bytes).map(|frame| &frame.depth[1])
    })
    .unwrap();
    let mut crop = depth.slice((1.., 2..));
    drop(depth);
    let crop = std::thread::spawn(move || {
        assert_eq!(crop.try_as_mut_slice(), Err(TensorError::ReadOnlyStorage));
        crop
    })
    .join()
    .unwrap();
    assert_eq!(crop.view().to_vec(), [6.0, 7.0, 10.0, 11.0]);
    assert_eq!(drops.load(SeqCst), 0);
    let mut own = crop;
    own.make_mut()[[0, 0]] = 0.0;
    assert_eq!(drops.load(SeqCst), 1);
}

#[test]
#[cfg_attr(miri, ignore = "rkyv's references need -Zmiri-tree-borrows")]
fn a_tensor_that_is_not_in_the_bytes_is_refused() {
    let bytes = rkyv::to_bytes::<Error>(&frame()).unwrap();
    // In a static, which Miri does not take for a leak.
    static ELSEWHERE: std::sync::OnceLock<AlignedVec> = std::sync::OnceLock::new();
    let elsewhere: &'static AlignedVec = ELSEWHERE.get_or_init(|| bytes.clone());
    let refused = Tensor::<u8, 3>::from_archive_with(bytes, |_| {
        rkyv::access::<ArchivedFrame, Error>(elsewhere).map(|frame| &frame.image)
    });
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("outside the bytes"), "{text}");
}

#[test]
#[cfg_attr(miri, ignore = "rkyv's references need -Zmiri-tree-borrows")]
fn a_refused_owner_comes_back() {
    let drops = Arc::new(AtomicUsize::new(0));
    let words = Tensor::from_shape_vec([1], vec!["x".to_string()]).unwrap();
    let words = Owner(rkyv::to_bytes::<Error>(&words).unwrap(), drops.clone());
    let refused = Tensor::<String, 1>::from_archive(words).unwrap_err();
    assert!(
        refused.error.to_string().contains("deserialize"),
        "{refused}"
    );
    let refused =
        Tensor::<f32, 1>::from_archive_with(refused.owner, |_| Err("not here")).unwrap_err();
    assert!(refused.error.to_string().contains("not here"));
    assert_eq!(drops.load(SeqCst), 0);
    drop(refused);
    assert_eq!(drops.load(SeqCst), 1);
}

#[test]
fn misaligned_archives_are_refused() {
    let tensor = Tensor::from_shape_vec([2], vec![1.0f64, 2.0]).unwrap();
    let bytes = rkyv::to_bytes::<Error>(&tensor).unwrap();
    for shift in 1..8 {
        let mut shifted = AlignedVec::<16>::new();
        shifted.extend_from_slice(&vec![0; shift]);
        shifted.extend_from_slice(&bytes);
        let error = rkyv::access::<Root<f64, 1>, Error>(&shifted[shift..])
            .map(drop)
            .unwrap_err();
        assert!(error.to_string().contains("align"), "{error}");
    }
}

#[test]
fn input_that_ends_early_or_starts_late_is_refused() {
    let tensor = Tensor::from_shape_fn([2, 2, 3], |[y, x, c]| (y * 100 + x + c) as f32);
    let bytes = rkyv::to_bytes::<Error>(&tensor).unwrap();
    for end in 0..bytes.len() {
        let mut early = AlignedVec::<16>::new();
        early.extend_from_slice(&bytes[..end]);
        let (most, refused) = most_taken(|| Tensor::<f32, 3>::from_archive(early).map(drop));
        assert!(most < 20_000, "{most} bytes taken");
        assert!(!refused.unwrap_err().to_string().is_empty(), "{end}");
        let mut late = AlignedVec::<16>::new();
        late.extend_from_slice(&bytes[bytes.len() - end..]);
        assert!(Tensor::<f32, 3>::from_archive(late).is_err(), "{end}");
    }
}

/// Each word of the root as large as it can be, and as small: shape, place and number of elements.
#[test]
#[cfg_attr(miri, ignore = "rkyv's references need -Zmiri-tree-borrows")]
fn a_header_that_claims_more_than_there_is_costs_nothing() {
    let tensor = Tensor::from_shape_vec([2, 1], vec![1u16, 2]).unwrap();
    let bytes = rkyv::to_bytes::<Error>(&tensor).unwrap();
    let root = bytes.len() - size_of::<Root<u16, 2>>();
    assert!(Tensor::<u16, 2>::from_archive(bytes.clone()).is_ok());
    for word in (root..bytes.len()).step_by(4) {
        for claim in [0u32, 1 << 31, 1 << 30, u32::MAX, u32::MAX - 3, 3, 1 << 16] {
            let mut hostile = bytes.clone();
            hostile[word..word + 4].copy_from_slice(&claim.to_le_bytes());
            let (most, result) = most_taken(|| {
                let copied = rkyv::from_bytes::<Tensor<u16, 2>, Error>(&hostile);
                (copied, Tensor::<u16, 2>::from_archive(hostile.clone()))
            });
            assert!(most < 20_000, "{most} bytes taken");
            // The one change that leaves a tensor points it at other bytes of the archive.
            if let (Ok(copied), Ok(shared)) = result {
                assert_eq!(copied, shared);
                assert_eq!(shared.shape(), &[2, 1]);
            }
        }
    }
}

#[test]
fn what_does_not_fit_the_archive_is_refused_when_it_is_written() {
    if size_of::<usize>() == 4 {
        return;
    }
    let large = Tensor::from_shape_vec([2], vec![1usize, 1 << 40]).unwrap();
    let error = rkyv::to_bytes::<Error>(&large).unwrap_err().to_string();
    assert!(error.contains("pointer_width_64"), "{error}");
    let large = Tensor::from_shape_vec([1], vec![-(1isize << 40)]).unwrap();
    assert!(rkyv::to_bytes::<Error>(&large).is_err());
    let empty = Tensor::from_shape_vec([1 << 40, 0], vec![0u8; 0]).unwrap();
    assert!(rkyv::to_bytes::<Error>(&empty).is_err());
    // Four GiB that take no memory.
    let zero = Tensor::from_shape_vec([1], vec![0u8]).unwrap();
    let endless = zero.view().broadcast_to([1 << 32]).unwrap();
    assert!(rkyv::to_bytes::<Error>(&endless).is_err());
}

#[test]
#[cfg_attr(miri, ignore = "rkyv's references need -Zmiri-tree-borrows")]
fn elements_without_a_size_do_not_keep_the_reader_busy() {
    let few = Tensor::from_shape_fn([2, 3], |_| ());
    let bytes = rkyv::to_bytes::<Error>(&few).unwrap();
    assert_eq!(
        rkyv::from_bytes::<Tensor<(), 2>, Error>(&bytes)
            .unwrap()
            .shape(),
        &[2, 3]
    );
    if cfg!(miri) {
        return; // 2^16 of them are written one by one
    }
    let zero = Tensor::from_shape_vec([1], vec![()]).unwrap();
    let many = zero.view().broadcast_to([(1 << 16) + 1]).unwrap();
    let bytes = rkyv::to_bytes::<Error>(&many).unwrap();
    let error = rkyv::from_bytes::<Tensor<(), 1>, Error>(&bytes).unwrap_err();
    assert!(error.to_string().contains("without a size"), "{error}");
}

/// A writer that keeps nothing and starts at some position.
struct Far(usize);

impl rkyv::ser::Positional for Far {
    fn pos(&self) -> usize {
        self.0
    }
}

impl rkyv::ser::Writer<Error> for Far {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.0 += bytes.len();
        Ok(())
    }
}

/// rkyv panics where a tensor lies too far from its elements.
#[test]
fn the_end_of_an_archive_is_an_error_and_no_panic() {
    if cfg!(miri) {
        return; // millions of rows
    }
    let row = Tensor::from_shape_vec([1, 1016], vec![7u8; 1016]).unwrap();
    let write = |rows: usize, before: usize| {
        let view = row.view().broadcast_to([rows, 1016]).unwrap();
        let view = view.insert_axis(1);
        let end = rkyv::api::high::to_bytes_in::<_, Error>(&view, Far(before))?;
        Ok::<_, Error>(end.0)
    };
    // 8 bytes less than 2^31, and a root of three lengths, a place and a number after them.
    let rows = (1 << 31) / 1016;
    assert!(write(rows, 0).is_err());
    assert_eq!(write(rows - 1, 0).unwrap(), (1 << 31) - 8 - 1016 + 20);
    assert!(write(rows - 1, 1 << 10).is_err());
}
