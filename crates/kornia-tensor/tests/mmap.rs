//! Mapped files. Miri has no file mappings; see `tests/bytemuck.rs` for what they share.
#![cfg(not(miri))]

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use kornia_tensor::{Access, MappedFile, MappedFileMut, Tensor, TensorError};

/// A file of these bytes with a name of its own, removed with the value.
struct Temporary(PathBuf);

impl Temporary {
    fn new(bytes: &[u8]) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let (process, number) = (std::process::id(), NEXT.fetch_add(1, Relaxed));
        let path = std::env::temp_dir().join(format!("kornia-tensor-test-{process}-{number}"));
        fs::write(&path, bytes).unwrap();
        Self(path)
    }

    fn open(&self) -> MappedFile {
        // SAFETY: written before, by this test alone; tests that shorten a file do it before.
        unsafe { MappedFile::open(&self.0) }.unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn ramp(len: usize) -> Temporary {
    Temporary::new(&(0..len).map(|i| i as u8).collect::<Vec<_>>())
}

#[test]
fn a_window_of_a_file_is_a_tensor_of_its_bytes() {
    let file = ramp(100).open();
    let t = file.tensor::<u8, 3>([2, 5, 3], 10).unwrap();
    assert_eq!(t.as_slice(), (10..40).collect::<Vec<u8>>());
    assert_eq!(t.as_ptr(), &raw const file.bytes()[10]);
    let last = file.tensor::<u8, 1>([1], 99).unwrap();
    assert_eq!(last[[0]], 99);
}

#[test]
fn one_file_gives_tensors_of_several_types() {
    let file = ramp(64).open();
    let words = file.tensor::<u32, 1>([2], 8).unwrap();
    assert_eq!(words[[1]], u32::from_ne_bytes([12, 13, 14, 15]));
    let floats = file.tensor::<f64, 2>([1, 6], 16).unwrap();
    assert_eq!(
        floats[[0, 5]],
        f64::from_ne_bytes([56, 57, 58, 59, 60, 61, 62, 63])
    );
    let pixels = file.tensor::<[u8; 3], 1>([21], 1).unwrap();
    assert_eq!(pixels[[20]], [61, 62, 63]);
}

#[test]
fn tensors_outlive_the_file_s_name_its_handle_and_their_thread() {
    let temporary = ramp(5000);
    let file = temporary.open();
    let t = file.tensor::<u8, 1>([4999], 1).unwrap();
    drop(file);
    drop(temporary);
    let tail = t.slice([4990..]);
    std::thread::spawn(move || assert_eq!(tail[[0]], (4991 % 256) as u8))
        .join()
        .unwrap();
    assert_eq!(t[[0]], 1);
}

#[test]
fn mapped_tensors_are_read_only_and_make_mut_leaves_the_file_alone() {
    let temporary = ramp(8);
    let mut t = temporary.open().tensor::<u8, 1>([8], 0).unwrap();
    assert_eq!(t.storage().access(), Access::ReadOnly);
    assert_eq!(t.try_view_mut().err(), Some(TensorError::ReadOnlyStorage));
    t.make_mut()[[0]] = 99;
    assert_eq!(fs::read(&temporary.0).unwrap()[0], 0);
}

#[test]
fn a_file_that_is_cut_short_is_refused_with_the_numbers() {
    let temporary = ramp(100);
    fs::File::options()
        .write(true)
        .open(&temporary.0)
        .unwrap()
        .set_len(60)
        .unwrap();
    let file = temporary.open();
    let (offset, needed, found) = (40, 24, 60);
    let error = file.tensor::<u32, 2>([2, 3], 40).unwrap_err();
    assert_eq!(
        error,
        TensorError::Truncated {
            offset,
            needed,
            found
        }
    );
    assert_eq!(
        error.to_string(),
        "24 bytes at offset 40 reach past the 60 bytes there are; the file may be cut short, or \
         the shape too large"
    );
    assert!(
        file.tensor::<u32, 2>([1, 5], 40).is_ok(),
        "exactly to the end"
    );
    assert!(file.tensor::<u8, 1>([21], 40).is_err(), "one byte too many");
}

#[test]
fn offsets_and_lengths_that_overflow_are_errors() {
    let file = ramp(100).open();
    let truncated = |shape: [usize; 2], offset| match file.tensor::<u16, 2>(shape, offset) {
        Err(TensorError::Truncated { .. }) => true,
        Err(TensorError::ShapeOverflow { .. }) => false,
        other => panic!("{other:?}"),
    };
    assert!(truncated([1, 1], usize::MAX));
    assert!(truncated([1, 1], usize::MAX - 1));
    assert!(truncated([isize::MAX as usize / 2, 1], usize::MAX - 100));
    assert!(truncated([0, 1], 101), "also if nothing is asked for there");
    assert!(!truncated([usize::MAX, usize::MAX], 0));
    assert!(!truncated([isize::MAX as usize, 1], 0));
}

#[test]
fn a_misaligned_offset_is_refused_and_bytes_lie_anywhere() {
    let file = ramp(100).open();
    for offset in 1..8 {
        let error = file.tensor::<u64, 1>([2], offset).unwrap_err();
        assert_eq!(error, TensorError::MisalignedOffset { offset, align: 8 });
    }
    assert_eq!(
        file.tensor::<u16, 1>([2], 3).unwrap_err().to_string(),
        "offset 3 is not a multiple of 2, the alignment of the elements; read the file into \
         memory of its own"
    );
    assert!(file.tensor::<u8, 1>([2], 3).is_ok());
    assert!(file.tensor::<u64, 1>([0], 3).is_ok(), "nothing lies there");
}

#[test]
fn an_empty_file_holds_tensors_without_elements() {
    let file = Temporary::new(&[]).open();
    assert_eq!(file.bytes(), [0u8; 0]);
    assert!(file.tensor::<f32, 2>([0, 5], 0).unwrap().is_empty());
    let error = file.tensor::<f32, 2>([1, 5], 0).unwrap_err();
    assert_eq!(
        error,
        TensorError::Truncated {
            offset: 0,
            needed: 20,
            found: 0
        }
    );
    assert!(file.tensor::<(), 1>([3], 0).is_err(), "no size, in no file");
}

#[test]
fn files_that_are_not_there_are_named() {
    let temporary = ramp(1);
    let path = temporary.0.clone();
    drop(temporary);
    // SAFETY: there is no such file.
    let error = unsafe { MappedFile::open(&path) }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.to_string().contains(path.to_str().unwrap()),
        "{error}"
    );

    // SAFETY: a folder is not mapped.
    let error = unsafe { MappedFile::open(std::env::temp_dir()) }.unwrap_err();
    if cfg!(unix) {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("not a regular file"), "{error}");
    }
}

#[test]
fn a_file_that_is_open_already_can_be_mapped() {
    let temporary = ramp(16);
    let file = fs::File::open(&temporary.0).unwrap();
    // SAFETY: written before, by this test alone.
    let map = unsafe { MappedFile::map(&file) }.unwrap();
    drop(file);
    assert_eq!(map.tensor::<u8, 1>([16], 0).unwrap()[[15]], 15);
    // The whole file as an owner.
    let t = Tensor::<u8, 2>::from_owner([4, 4], map).unwrap();
    assert_eq!(t[[1, 0]], 4);
}

#[test]
fn a_file_larger_than_memory_is_a_tensor_at_once() {
    let temporary = Temporary::new(&[]);
    let len = 1u64 << 40; // sparse
    let file = fs::File::options().write(true).open(&temporary.0).unwrap();
    if file.set_len(len).is_err() || cfg!(target_pointer_width = "32") {
        return; // this file system has no such files
    }
    let frames = temporary
        .open()
        .tensor::<u8, 4>([170_000, 1080, 1920, 3], 0)
        .unwrap();
    assert_eq!(frames.select(0, 169_999)[[1079, 1919, 2]], 0);
}

#[test]
fn a_file_is_unmapped_with_its_last_tensor() {
    // More mappings at a time than a process may have (65530 by default on Linux).
    let temporary = ramp(16);
    for _ in 0..70_000 {
        let t = temporary.open().tensor::<u8, 1>([16], 0).unwrap();
        assert_eq!(t[[7]], 7);
    }
}

/// A name where nothing is yet, and what is made there goes with the value.
fn nothing() -> Temporary {
    let file = Temporary::new(&[]);
    fs::remove_file(&file.0).unwrap();
    file
}

#[test]
fn what_is_written_to_memory_is_in_the_file() {
    let file = nothing();
    // SAFETY: the name is this test's own, and no two mappings of it live at one time.
    let map = unsafe { MappedFileMut::create_new(&file.0, 100) }.unwrap();
    let mut t = map.into_tensor::<u16, 2>([5, 8], 20).unwrap();
    assert_eq!(t.storage().access(), Access::ReadWrite);
    assert!(t.iter().all(|&x| x == 0));
    t.view_mut().select(0, 4).fill(0x0707);
    let clone = t.clone();
    assert!(t.try_view_mut().is_err(), "shared");
    drop(t);
    drop(clone);
    let mut expected = vec![0; 100];
    expected[84..].fill(7);
    assert_eq!(fs::read(&file.0).unwrap(), expected);

    // SAFETY: as above; the tensors are gone.
    let mut map = unsafe { MappedFileMut::open(&file.0) }.unwrap();
    map.bytes_mut()[0] = 9;
    map.flush().unwrap();
    assert_eq!((map.bytes()[0], map.bytes()[84]), (9, 7));
    // Parts of one allocation, on two threads, into one file.
    let t = map.into_tensor::<u8, 2>([2, 50], 0).unwrap();
    let (mut a, mut b) = t.try_into_mut().unwrap_or_else(|_| panic!()).split_at(0, 1);
    std::thread::scope(|scope| {
        scope.spawn(|| a.view_mut().fill(1));
        b.view_mut().fill(2);
    });
    drop((a, b));
    assert_eq!(fs::read(&file.0).unwrap(), [[1; 50], [2; 50]].concat());
}

#[test]
fn a_file_that_is_there_is_not_made_anew_and_what_does_not_fit_is_given_back() {
    let file = ramp(16);
    // SAFETY: the name is this test's own, and no two mappings of it live at one time.
    let refused = unsafe { MappedFileMut::create_new(&file.0, 8) }.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    assert!(
        refused.to_string().contains("cannot be mapped"),
        "{refused}"
    );
    assert_eq!(fs::read(&file.0).unwrap().len(), 16);

    // SAFETY: as above.
    let map = unsafe { MappedFileMut::open(&file.0) }.unwrap();
    let refused = map.into_tensor::<u8, 1>([15], 2).unwrap_err();
    let text = TensorError::Truncated {
        offset: 2,
        needed: 15,
        found: 16,
    };
    assert_eq!(refused.error, text);
    let refused = refused.owner.into_tensor::<u32, 1>([1], 2).unwrap_err();
    assert_eq!(
        refused.error,
        TensorError::MisalignedOffset {
            offset: 2,
            align: 4
        }
    );
    let refused = refused
        .owner
        .into_tensor::<u8, 1>([1], usize::MAX)
        .unwrap_err();
    assert!(matches!(refused.error, TensorError::Truncated { .. }));
    let refused = refused
        .owner
        .into_tensor::<u8, 2>([usize::MAX, 2], 0)
        .unwrap_err();
    assert!(matches!(refused.error, TensorError::ShapeOverflow { .. }));
    let none = refused.owner.into_tensor::<u64, 2>([0, 7], 3).unwrap();
    assert_eq!(none.numel(), 0, "nothing lies there, as for reading");

    let empty = nothing();
    // SAFETY: as above.
    let map = unsafe { MappedFileMut::create_new(&empty.0, 0) }.unwrap();
    assert_eq!(map.into_tensor::<u8, 1>([0], 0).unwrap().numel(), 0);
    // SAFETY: as above; a folder is refused.
    let folder = unsafe { MappedFileMut::open(std::env::temp_dir()) }.unwrap_err();
    assert!(folder.to_string().contains("cannot be mapped"), "{folder}");
    // SAFETY: as above.
    let huge = unsafe { MappedFileMut::create_new(nothing().0.as_path(), 1 << 60) };
    assert!(huge.is_err());
}

#[cfg(feature = "npy")]
mod arrays {
    use super::*;
    use kornia_tensor::formats::file::FileErrorKind;
    use kornia_tensor::formats::npy;

    #[test]
    fn arrays_are_made_written_and_read_where_they_lie() {
        let file = nothing();
        // SAFETY: the name is this test's own, and no two mappings of it live at one time.
        let t = unsafe { MappedFileMut::create_npy::<f32, 3>(&file.0, [3, 4, 5]) };
        let mut t = t.unwrap();
        assert_eq!(
            npy::open::<f32, 3>(&file.0).unwrap(),
            Tensor::<f32, 3>::zeros([3, 4, 5])
        );
        for (place, x) in t.view_mut().iter_mut().enumerate() {
            *x = place as f32;
        }
        let expected = t.deep_clone().unwrap();
        drop(t);
        assert_eq!(npy::open::<f32, 3>(&file.0).unwrap(), expected);
        let written = fs::read(&file.0).unwrap();
        let mut plain = Vec::new();
        npy::write(&mut plain, &expected).unwrap();
        assert_eq!(written, plain);

        let shared = npy::from_owner::<f32, 3, _>(file.open()).unwrap();
        assert_eq!(shared, expected);
        assert_eq!(shared.storage().access(), Access::ReadOnly);
        drop(shared);

        // SAFETY: as above.
        let t = unsafe { MappedFileMut::open_npy::<f32, 3>(&file.0) };
        t.unwrap().view_mut().fill(7.5);
        assert!(
            npy::open::<f32, 3>(&file.0)
                .unwrap()
                .iter()
                .all(|&x| x == 7.5)
        );
    }

    #[test]
    fn a_mapped_array_is_checked_against_its_file() {
        let file = nothing();
        npy::save(&file.0, &Tensor::<u16, 2>::zeros([3, 4])).unwrap();
        let whole = fs::read(&file.0).unwrap();
        // SAFETY: the name is this test's own, and no mapping of it lives when it is written.
        let open = || unsafe { MappedFileMut::open_npy::<u16, 2>(&file.0) };
        assert!(open().is_ok());
        // SAFETY: as above.
        let other = unsafe { MappedFileMut::open_npy::<i16, 2>(&file.0) }.unwrap_err();
        assert!(
            matches!(other.kind(), FileErrorKind::ElementType { .. }),
            "{other}"
        );
        // SAFETY: as above.
        let rank = unsafe { MappedFileMut::open_npy::<u16, 3>(&file.0) }.unwrap_err();
        assert!(matches!(rank.kind(), FileErrorKind::Rank { .. }), "{rank}");
        assert_eq!(rank.file(), Some(&*file.0));
        for end in 0..whole.len() {
            fs::write(&file.0, &whole[..end]).unwrap();
            assert!(open().is_err(), "cut at {end}");
            assert!(
                npy::from_owner::<u16, 2, _>(file.open()).is_err(),
                "cut at {end}"
            );
        }
        fs::write(&file.0, [&whole[..], &[0]].concat()).unwrap();
        assert!(
            open()
                .unwrap_err()
                .to_string()
                .contains("1 bytes follow the array")
        );
        // SAFETY: as above.
        let there = unsafe { MappedFileMut::create_npy::<u16, 2>(&file.0, [1, 1]) };
        assert!(matches!(there.unwrap_err().kind(), FileErrorKind::Io(_)));
        // SAFETY: as above.
        let huge = unsafe { MappedFileMut::create_npy::<u16, 2>(&file.0, [usize::MAX, 2]) };
        assert!(matches!(huge.unwrap_err().kind(), FileErrorKind::Tensor(_)));

        // In Fortran order, written through the tensor's own strides.
        let mut fortran = whole.clone();
        let at = fortran.windows(5).position(|at| at == b"False").unwrap();
        fortran[at..at + 5].copy_from_slice(b"True ");
        fs::write(&file.0, &fortran).unwrap();
        let mut t = open().unwrap();
        assert_eq!((t.shape(), t.strides()), (&[3, 4], &[1, 3]));
        t.view_mut()[[1, 0]] = 5;
        drop(t);
        assert_eq!(fs::read(&file.0).unwrap()[128 + 2], 5);
    }
}
