//! Arrays of NumPy: what is written comes back, and what is no array is refused.

#[path = "messages/elements.rs"]
mod elements;
#[path = "files/folder.rs"]
mod folder;
#[path = "files/hostile.rs"]
mod hostile;
#[path = "messages/layouts.rs"]
mod layouts;
#[path = "messages/memory.rs"]
mod memory;
#[path = "random/config.rs"]
mod random;
#[path = "files/types.rs"]
mod types;

use std::io::Cursor;

use elements::Element;
use folder::Folder;
use hostile::{refused, truncated_is_refused};
use kornia_tensor::file::{FileElement, FileErrorKind};
use kornia_tensor::npy::{self, NpzReader, NpzWriter};
use kornia_tensor::{Tensor, TensorView};
use layouts::recipes;
use proptest::test_runner::TestRunner;
use types::{ForEveryType, assert_same, corner_cases, for_every_type};

#[global_allocator]
static MEMORY: memory::Counting = memory::Counting;

/// Whether this is a type that NumPy has no name for.
fn unknown<T: 'static>() -> bool {
    std::any::type_name::<T>().ends_with("bf16")
}

fn bytes_of<'a, T: FileElement, const N: usize>(
    tensor: impl Into<TensorView<'a, T, N>>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    npy::write(&mut bytes, tensor).unwrap();
    bytes
}

/// An array with this header in front of these bytes.
fn array(version: u8, header: &str, elements: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    match version {
        1 => bytes.extend((header.len() as u16).to_le_bytes()),
        _ => bytes.extend((header.len() as u32).to_le_bytes()),
    }
    bytes.extend(header.as_bytes());
    bytes.extend(elements);
    bytes
}

fn line(descr: &str, fortran: &str, shape: &str) -> String {
    format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}")
}

#[test]
#[cfg_attr(
    miri,
    ignore = "compression is not ours, and does what Stacked Borrows does not allow"
)]
fn every_layout_of_every_type_comes_back_through_a_stream_and_an_archive() {
    struct Claim;

    impl ForEveryType for Claim {
        fn check<T: Element + FileElement>(&mut self) {
            if unknown::<T>() {
                return;
            }
            let there_and_back = |tensor: Tensor<T, 3>| {
                let bytes = bytes_of(&tensor);
                let elements = tensor.numel() * size_of::<T>();
                assert_eq!(bytes.len(), 128 + elements, "{:?}", tensor.shape());
                assert_same(&npy::read::<T, 3>(&bytes[..]).unwrap(), &tensor);
                assert_same(&npy::from_bytes::<T, 3>(&bytes).unwrap(), &tensor);

                for start in [NpzWriter::new, NpzWriter::compressed] {
                    let mut npz = start(Cursor::new(Vec::new()));
                    npz.add("other", &tensor.flip(0)).unwrap();
                    npz.add("this", &tensor).unwrap();
                    let mut npz = NpzReader::new(npz.finish().unwrap()).unwrap();
                    assert_same(&npz.read::<T, 3>("this").unwrap(), &tensor);
                    assert_same(&npz.read::<T, 3>("other").unwrap(), &tensor.flip(0));
                }
            };
            corner_cases(there_and_back);
            let mut runner = TestRunner::new(random::config(12));
            runner
                .run(&recipes(5), |recipe| {
                    there_and_back(recipe.tensor(T::of));
                    Ok(())
                })
                .unwrap();
        }
    }

    for_every_type(Claim);
}

#[test]
fn broadcast_views_and_single_numbers_come_back() {
    let row = Tensor::from_shape_vec([1, 3], vec![1u16, 2, 3]).unwrap();
    let tall = row.view().broadcast_to([400, 3]).unwrap();
    let back = npy::read::<u16, 2>(&bytes_of(tall)[..]).unwrap();
    assert_eq!(back, tall);

    // Miri ends the program where memory ends.
    if !cfg!(miri) {
        let one = row.view().slice((.., 0..1));
        let endless = one.broadcast_to([1 << 61, 1]).unwrap();
        assert!(npy::write(Vec::new(), endless).is_err());
    }

    let number = Tensor::from_shape_vec([], vec![-2.5f64]).unwrap();
    let back = npy::read::<f64, 0>(&bytes_of(&number)[..]).unwrap();
    assert_eq!(back.as_slice(), [-2.5]);
}

#[test]
fn what_was_read_is_the_only_handle_and_gives_its_vec_back() {
    let image = Tensor::<f32, 2>::full([300, 400], 0.5);
    let bytes = bytes_of(&image);
    let mut back = npy::read::<f32, 2>(&bytes[..]).unwrap();
    back.as_mut_slice()[7] = 1.0;
    let elements = back.try_into_vec().unwrap();
    assert_eq!(elements.len(), elements.capacity());
    let small = bytes_of(&Tensor::<u8, 1>::zeros([70_000]));
    let back = npy::read::<u8, 1>(&small[..]).unwrap().into_vec();
    assert_eq!(back.len(), back.capacity());
}

#[test]
fn a_file_is_read_in_memory_of_its_elements_and_no_more() {
    let folder = Folder::new();
    let path = folder.file("image.npy");
    let image = Tensor::<f32, 3>::full([100, 100, 3], 0.5);
    npy::save(&path, &image).unwrap();
    let (most, back) = memory::most_taken(|| npy::open::<f32, 3>(&path).unwrap());
    assert_eq!(back, image);
    assert!(most < 100 * 100 * 3 * 4 + 4096, "{most}");
    let (most, ()) = memory::most_taken(|| npy::save(&path, &image).unwrap());
    assert!(most < (256 << 10) + 4096, "{most}");
}

#[test]
fn arrays_in_fortran_order_keep_their_order_and_their_indices() {
    // np.array([[1, 2, 3], [4, 5, 6]], order="F")
    let bytes = array(1, &line("'|u1'", "True", "(2, 3)"), &[1, 4, 2, 5, 3, 6]);
    let image = npy::read::<u8, 2>(&bytes[..]).unwrap();
    assert_eq!((image.shape(), image.strides()), (&[2, 3], &[1, 2]));
    assert_eq!(image.contiguous().as_slice(), [1, 2, 3, 4, 5, 6]);
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there")]
fn bytes_in_either_order_and_headers_of_every_version_are_read() {
    let big: Vec<u8> = [1.5f32, -2.0]
        .iter()
        .flat_map(|x| x.to_be_bytes())
        .collect();
    let little: Vec<u8> = [1.5f32, -2.0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    for version in [1, 2, 3] {
        let read = |descr, elements: &[u8]| {
            let bytes = array(version, &line(descr, "False", "(2,)"), elements);
            let read = npy::read::<f32, 1>(&bytes[..]).unwrap();
            assert_eq!(npy::from_bytes::<f32, 1>(&bytes).unwrap(), read);
            read
        };
        assert_eq!(read("'>f4'", &big).as_slice(), [1.5, -2.0]);
        assert_eq!(read("'<f4'", &little).as_slice(), [1.5, -2.0]);
    }
    // More than one piece.
    let many = 100_000u64;
    let elements: Vec<u8> = (0..many).flat_map(u64::to_be_bytes).collect();
    let bytes = array(1, &line("'>u8'", "False", "(100000,)"), &elements);
    let read = npy::read::<u64, 1>(&bytes[..]).unwrap();
    assert!(read.iter().copied().eq(0..many));
    // Straight from the system.
    let folder = Folder::new();
    let path = folder.file("big.npy");
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(npy::open::<u64, 1>(&path).unwrap(), read);
}

/// The table in the documentation of `file`.
#[test]
#[cfg_attr(miri, ignore = "takes minutes there")]
fn the_table_of_element_types_holds() {
    #[track_caller]
    fn row<T: FileElement + Element>(descr: &str) {
        let bytes = bytes_of(&Tensor::from_shape_vec([1], vec![T::of(1)]).unwrap());
        let expected = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1,), }}");
        assert!(String::from_utf8_lossy(&bytes[10..]).starts_with(&expected));
        // Nothing else takes it.
        struct Others<'a>(&'a [u8], &'static str);
        impl ForEveryType for Others<'_> {
            fn check<U: Element + FileElement>(&mut self) {
                let name = std::any::type_name::<U>();
                let result = npy::read::<U, 1>(self.0);
                assert_eq!(result.is_ok(), name == self.1, "{name}");
            }
        }
        for_every_type(Others(&bytes, std::any::type_name::<T>()));
    }
    row::<bool>("|b1");
    row::<u8>("|u1");
    row::<i8>("|i1");
    row::<u16>("<u2");
    row::<i16>("<i2");
    row::<u32>("<u4");
    row::<i32>("<i4");
    row::<u64>("<u8");
    row::<i64>("<i8");
    row::<f32>("<f4");
    row::<f64>("<f8");
    #[cfg(feature = "half")]
    row::<half::f16>("<f2");
    #[cfg(feature = "half")]
    {
        let numbers = Tensor::from_shape_vec([1], vec![half::bf16::ONE]).unwrap();
        let error = npy::write(Vec::new(), &numbers).unwrap_err().to_string();
        assert!(error.contains("NumPy has no type for half::"), "{error}");
    }
}

#[test]
fn other_types_and_ranks_are_refused_by_name() {
    #[track_caller]
    fn reason(descr: &str, expected: &str) {
        let bytes = array(1, &line(descr, "False", "(0,)"), &[]);
        let error = refused(|| npy::read::<f32, 1>(&bytes[..]));
        assert!(error.contains(expected), "{error}");
    }
    reason("'|O'", "Python objects");
    reason("'<U5'", "text");
    reason("'|S5'", "text");
    reason("'<M8[ns]'", "points in time");
    reason("'<c16'", "complex numbers");
    reason("'<f2'", "half floats");
    reason("'|V2'", "raw bytes");
    reason("'<f8'", "elements of type '<f8' where f32 was asked for");
    reason("'<f44'", "elements of type '<f44'");
    reason(
        "[('x', '<f4'), ('y', '<f4')]",
        "structures: [('x', '<f4'), ('y', '<f4')]",
    );
    reason("''", "elements of type ''");

    let bytes = array(1, &line("'<f4'", "False", "(2, 3)"), &[0; 24]);
    let error = npy::read::<f32, 3>(&bytes[..]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "shape [2, 3] has 2 axes where 3 were asked for; ask for as many, then reshape"
    );
    assert!(matches!(
        error.kind(),
        FileErrorKind::Rank { expected: 3, .. }
    ));
}

#[test]
fn a_byte_that_is_no_bool_is_refused() {
    let bytes = array(1, &line("'|b1'", "False", "(3,)"), &[0, 1, 2]);
    assert!(refused(|| npy::read::<bool, 1>(&bytes[..])).contains("no bool"));
    assert!(refused(|| npy::from_bytes::<bool, 1>(&bytes)).contains("no bool"));
    let folder = Folder::new();
    let path = folder.file("no.npy");
    std::fs::write(&path, &bytes).unwrap();
    assert!(refused(|| npy::open::<bool, 1>(&path)).contains("no bool"));
}

#[test]
fn headers_that_claim_more_than_there_is_cost_nothing() {
    let folder = Folder::new();
    let path = folder.file("claim.npy");
    for shape in [
        "(1152921504606846976,)",
        "(1073741824, 1073741824)",
        "(4611686018427387904, 4)",
        "(18446744073709551615, 18446744073709551615)",
        "(18446744073709551616,)",
        "(1000000000000,)",
        "(3000000,)",
    ] {
        let bytes = array(1, &line("'<f4'", "False", shape), &[1; 1000]);
        std::fs::write(&path, &bytes).unwrap();
        refused(|| npy::read::<f32, 1>(&bytes[..]));
        refused(|| npy::read::<f32, 2>(&bytes[..]));
        refused(|| npy::from_bytes::<f32, 1>(&bytes));
        refused(|| npy::from_bytes::<f32, 2>(&bytes));
        refused(|| npy::open::<f32, 1>(&path));
        refused(|| npy::open::<f32, 2>(&path));
        let bytes = array(1, &line("'|u1'", "False", shape), &[1; 1000]);
        refused(|| npy::read::<u8, 1>(&bytes[..]));
    }
    // A header that claims to be long.
    let mut bytes = array(2, "", &[]);
    bytes[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(refused(|| npy::read::<u8, 1>(&bytes[..])).contains("a header of 4294967295 bytes"));
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there")]
fn files_that_end_early_or_late_are_refused() {
    let folder = Folder::new();
    let path = folder.file("part.npy");
    let image = Tensor::<u16, 2>::from_shape_fn([5, 7], |[y, x]| (y * 300 + x) as u16);
    let whole = bytes_of(&image);
    truncated_is_refused(&whole, |part| npy::read::<u16, 2>(part));
    truncated_is_refused(&whole, npy::from_bytes::<u16, 2>);
    truncated_is_refused(&whole, |part| {
        std::fs::write(&path, part).unwrap();
        npy::open::<u16, 2>(&path)
    });

    std::fs::write(&path, [&whole[..], &[0, 0, 0]].concat()).unwrap();
    let error = npy::open::<u16, 2>(&path).unwrap_err().to_string();
    assert!(
        error.ends_with("part.npy: 3 bytes follow the array; use `read` for several in one file")
    );
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let error = npy::open::<u16, 2>(&path).unwrap_err().to_string();
    assert!(
        error.ends_with("69 of the 70 bytes of the elements are there; the file was cut short")
    );
    let error = npy::read::<u8, 1>(&b"PK\x03\x04 not this"[..])
        .unwrap_err()
        .to_string();
    assert!(error.contains("this is no .npy"), "{error}");
    let mut version = whole.clone();
    version[6] = 4;
    let error = npy::read::<u16, 2>(&version[..]).unwrap_err().to_string();
    assert!(error.contains("version 4.0"), "{error}");
}

#[test]
#[cfg_attr(
    miri,
    ignore = "compression is not ours, and does what Stacked Borrows does not allow"
)]
fn archives_that_are_damaged_anywhere_are_refused_or_read_right() {
    let image = Tensor::<u16, 2>::from_shape_fn([5, 7], |[y, x]| (y * 300 + x) as u16);
    for start in [NpzWriter::new, NpzWriter::compressed] {
        let mut npz = start(Cursor::new(Vec::new()));
        npz.add("image", &image).unwrap();
        let whole = npz.finish().unwrap().into_inner();
        let read =
            |bytes: &[u8]| NpzReader::new(Cursor::new(bytes.to_vec()))?.read::<u16, 2>("image");
        truncated_is_refused(&whole, read);
        let step = if cfg!(miri) { 23 } else { 1 };
        for place in (0..whole.len()).step_by(step) {
            for mask in [1, 0x80, 0xFF] {
                let mut damaged = whole.clone();
                damaged[place] ^= mask;
                let (most, result) = memory::most_taken(|| read(&damaged));
                assert!(most < 400 << 10, "byte {place}: {most}");
                if let Ok(tensor) = result {
                    assert_eq!(tensor, image, "byte {place}");
                }
            }
        }
    }
}

#[test]
#[cfg_attr(
    miri,
    ignore = "compression is not ours, and does what Stacked Borrows does not allow"
)]
fn archives_name_their_arrays_and_errors_name_both() {
    let folder = Folder::new();
    let path = folder.file("pair.npz");
    let one = Tensor::<u8, 1>::full([3], 1);
    npy::save_npz(&path, |npz| {
        npz.add("one", &one)?;
        npz.add("deep/two", &one.map(|&x| f32::from(x)))
    })
    .unwrap();
    let mut npz = NpzReader::open(&path).unwrap();
    assert_eq!(npz.names(), ["one", "deep/two"]);
    assert_eq!(npz.read::<f32, 1>("deep/two").unwrap().as_slice(), [1.0; 3]);
    assert_eq!(npz.read::<u8, 1>("one.npy").unwrap(), one);

    let error = npz.read::<u8, 1>("deep/two").unwrap_err();
    assert_eq!(error.file(), Some(&*path));
    assert_eq!(error.tensor(), Some("deep/two"));
    assert_eq!(
        error.to_string(),
        format!(
            "{}, tensor `deep/two`: elements of type '<f4' where u8 was asked for; read them as \
             they are and convert them with `cast` or `map`",
            path.display()
        )
    );
    let error = npz.read::<u8, 1>("three").unwrap_err().to_string();
    assert!(error.ends_with("tensor `three`: no such tensor among 2: `one`, `deep/two`"));

    // A failure inside leaves the old archive.
    let failed = npy::save_npz(&path, |npz| {
        npz.add("new", &one)?;
        npz.add("new", &one)
    });
    assert!(failed.unwrap_err().to_string().contains("tensor `new`: "));
    assert_eq!(NpzReader::open(&path).unwrap().names(), ["one", "deep/two"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    npy::save_npz_compressed(&path, |npz| {
        npz.add("zeros", &Tensor::<u8, 1>::zeros([100_000]))
    })
    .unwrap();
    assert!(std::fs::metadata(&path).unwrap().len() < 1000);
    assert!(NpzReader::open(folder.file("none.npz")).is_err());
}
