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
use kornia_tensor::formats::file::{FileElement, FileErrorKind};
use kornia_tensor::formats::npy::{self, NpzReader, NpzWriter, ReadOptions};
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
fn arrays_in_fortran_order_keep_their_order_unless_asked_for_another() {
    // np.array([[1, 2, 3], [4, 5, 6]], order="F")
    let bytes = array(1, &line("'|u1'", "True", "(2, 3)"), &[1, 4, 2, 5, 3, 6]);
    let image = npy::read::<u8, 2>(&bytes[..]).unwrap();
    assert_eq!((image.shape(), image.strides()), (&[2, 3], &[1, 2]));
    let error = image.try_as_slice().unwrap_err().to_string();
    assert!(error.contains("`contiguous()`"), "{error}");
    assert_eq!(image.contiguous().as_slice(), [1, 2, 3, 4, 5, 6]);
    let standard = ReadOptions::new().standard_layout();
    let image = standard.decode::<u8, 2>(&bytes).unwrap();
    assert_eq!(
        (image.as_slice(), image.strides()),
        (&[1, 2, 3, 4, 5, 6][..], &[3, 1])
    );
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
    reason(
        "'|O'",
        "'|O' (Python objects), which no tensor has; only Python",
    );
    reason("'<U5'", "'<U5' (text), which no tensor has; save its bytes");
    reason("'|S5'", "text");
    reason(
        "'<M8[ns]'",
        "points in time), which no tensor has; save `a.view(np.int64)`",
    );
    reason(
        "'<c16'",
        "complex numbers), which no tensor has; save `a.real` and `a.imag`",
    );
    reason(
        "'<f16'",
        "long doubles), which no tensor has; save `a.astype(np.float64)`",
    );
    reason(
        "'|V2'",
        "bfloat16 is saved so), which no tensor has; save `a.view(np.uint16)`",
    );
    reason("'|V3'", "raw bytes");
    reason("'<f8'", "elements of type '<f8' where f32 was asked for");
    reason("'|b1'", "elements of type '|b1' (bool) where f32");
    reason("'<f44'", "'<f44' (a type that is not known here)");
    #[cfg(feature = "half")]
    reason("'<f2'", "elements of type '<f2'");
    #[cfg(not(feature = "half"))]
    reason(
        "'<f2'",
        "half floats), which no tensor has; the feature `half`",
    );
    reason(
        "[('x', '<f4'), ('y', '<f4')]",
        "structures: [('x', '<f4'), ('y', '<f4')]",
    );
    reason("''", "elements are '' (a type that is not known here)");
    // No reader recommends to convert what no reader takes.
    for descr in ["'|O'", "'<U5'", "'<M8[ns]'", "'<c16'", "'<V2'", "'<f99'"] {
        let bytes = array(1, &line(descr, "False", "(0,)"), &[]);
        for error in [
            refused(|| npy::read::<u8, 1>(&bytes[..])),
            refused(|| npy::from_bytes::<f64, 1>(&bytes)),
        ] {
            assert!(!error.contains("cast") && error.contains("save"), "{error}");
        }
    }

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
fn a_byte_that_is_no_bool_is_refused_or_true_on_request() {
    let folder = Folder::new();
    let path = folder.file("mask.npy");
    for (fortran, shape) in [("False", "(4,)"), ("True", "(4,)")] {
        let bytes = array(1, &line("'|b1'", fortran, shape), &[0, 1, 2, 255]);
        std::fs::write(&path, &bytes).unwrap();
        let text = "element 2 is 2, and a bool is 0 or 1; `loose_bool` takes it for true";
        assert!(refused(|| npy::read::<bool, 1>(&bytes[..])).contains(text));
        assert!(refused(|| npy::from_bytes::<bool, 1>(&bytes)).contains(text));
        assert!(refused(|| npy::open::<bool, 1>(&path)).contains(text));
        let owner = bytes.clone();
        assert!(refused(|| npy::from_owner::<bool, 1, _>(owner)).contains(text));
        assert!(refused(|| npy::read::<u8, 1>(&bytes[..])).contains("'|b1' (bool) where u8"));

        let loose = ReadOptions::new().loose_bool();
        let expected = [false, true, true, true];
        assert_eq!(
            loose.read::<bool, 1>(&bytes[..]).unwrap().as_slice(),
            expected
        );
        assert_eq!(
            loose.decode::<bool, 1>(&bytes).unwrap().as_slice(),
            expected
        );
        assert_eq!(loose.open::<bool, 1>(&path).unwrap().as_slice(), expected);
        let raw = loose.open::<u8, 1>(&path).unwrap();
        assert_eq!(raw.as_slice(), [0, 1, 2, 255]);
        // Numbers stay what they are.
        let numbers = array(1, &line("'|u1'", fortran, shape), &[0, 1, 2, 255]);
        let numbers = |read: &ReadOptions| read.decode::<u8, 1>(&numbers).unwrap().into_vec();
        assert_eq!(numbers(&loose), [0, 1, 2, 255]);
        assert!(refused(|| loose.decode::<i8, 1>(&bytes)).contains("where i8"));
    }
}

#[test]
fn headers_are_read_without_the_elements() {
    let bytes = array(2, &line("'>f8'", "True", "(2, 3)"), &[]);
    let header = npy::read_header(&bytes[..]).unwrap();
    assert_eq!(
        (header.element_type(), header.shape()),
        (">f8", &[2, 3][..])
    );
    assert!(header.is_fortran_order() && header.is::<f64>() && !header.is::<f32>());
    assert_eq!(header.size_in_bytes(), bytes.len());
    // Also of what no tensor has.
    let bytes = array(1, &line("'<c16'", "False", "()"), &[]);
    let header = npy::read_header(&bytes[..]).unwrap();
    assert_eq!((header.element_type(), header.shape()), ("<c16", &[][..]));
    assert!(!header.is::<f64>());
    truncated_is_refused(&bytes, |part| npy::read_header(part));
    let again = npy::Header::of::<u16>(&[4, 5]).unwrap();
    let written = bytes_of(&Tensor::<u16, 2>::zeros([4, 5]));
    assert_eq!(again.to_bytes(), written[..again.size_in_bytes()]);
}

#[test]
fn an_empty_file_is_called_empty() {
    let folder = Folder::new();
    let path = folder.file("empty.npy");
    std::fs::write(&path, []).unwrap();
    let text = "the file is empty; an array was expected";
    assert!(refused(|| npy::open::<u8, 1>(&path)).ends_with(text));
    assert!(refused(|| npy::read::<u8, 1>(&[][..])).ends_with(text));
    assert!(refused(|| npy::from_bytes::<u8, 1>(&[])).ends_with(text));
    assert!(refused(|| NpzReader::open(&path)).ends_with("an archive of arrays was expected"));
    assert!(refused(|| NpzReader::new(Cursor::new(b"no such"))).contains("this is no .npz"));
}

#[test]
fn elements_are_shared_where_they_lie() {
    let image = Tensor::<f32, 2>::from_shape_fn([5, 7], |[y, x]| (y * 10 + x) as f32);
    let page = std::sync::Arc::new(kornia_tensor::AlignedAllocator::new(64).unwrap());
    let owner = |bytes: &[u8]| {
        let page = page.clone();
        let page = Tensor::<u8, 1>::from_shape_slice_in([bytes.len()], bytes, page).unwrap();
        page.storage().clone()
    };
    let bytes = bytes_of(&image);
    let all = owner(&bytes);
    let shared = npy::from_owner::<f32, 2, _>(all.clone()).unwrap();
    assert_eq!(shared, image);
    assert_eq!(shared.as_ptr().addr(), all.as_slice().as_ptr().addr() + 128);
    drop(all);
    assert_eq!(shared, image); // keeps the bytes

    let fortran = array(
        1,
        &format!("{:<117}\n", line("'<f4'", "True", "(5, 7)")),
        &bytes_of(&image.transpose())[128..],
    );
    let shared = npy::from_owner::<f32, 2, _>(owner(&fortran)).unwrap();
    assert_eq!((shared.strides(), &shared), (&[1, 5], &image));

    let odd = array(1, &line("'<f4'", "False", "(1,)"), &[0; 4]);
    assert!(!odd.len().is_multiple_of(4));
    let error = refused(|| npy::from_owner::<f32, 1, _>(owner(&odd)));
    assert!(
        error.contains("is not a multiple of 4; `from_bytes` and `open` copy"),
        "{error}"
    );
    let big = array(1, &line("'>f4'", "False", "(1,)"), &[0; 4]);
    let error = refused(|| npy::from_owner::<f32, 1, _>(owner(&big)));
    assert!(error.contains("in the order of other machines"), "{error}");
    let none = array(1, &line("'<f4'", "False", "(0, 3)"), &[]);
    assert_eq!(
        npy::from_owner::<f32, 2, _>(owner(&none)).unwrap().shape(),
        &[0, 3]
    );
    truncated_is_refused(&bytes, |part| npy::from_owner::<f32, 2, _>(owner(part)));
    let more = [&bytes[..], &[0]].concat();
    let error = refused(|| npy::from_owner::<f32, 2, _>(owner(&more)));
    assert!(error.contains("1 bytes follow the array"), "{error}");
}

#[test]
fn spellings_that_python_refuses_are_refused() {
    for (shape, why) in [
        (
            "(6)",
            "the shape is (6), which is a number in Python; one axis is (6,)",
        ),
        (
            "(006,)",
            "an axis of length 006, which is no number in Python",
        ),
        ("(02, 3)", "zero in front"),
    ] {
        let bytes = array(1, &line("'|u1'", "False", shape), &[0; 6]);
        let error = refused(|| npy::read::<u8, 1>(&bytes[..]));
        assert!(error.contains(why), "{error}");
    }
    let long = "9".repeat(9000);
    let bytes = array(1, &line("'|u1'", "False", &format!("({long},)")), &[]);
    assert!(refused(|| npy::read::<u8, 1>(&bytes[..])).len() < 300);
    let bytes = array(1, &line(&format!("'{long}'"), "False", "(1,)"), &[]);
    assert!(refused(|| npy::read::<u8, 1>(&bytes[..])).len() < 400);
    for (version, text) in [
        ([1, 9], "1.9"),
        ([2, 7], "2.7"),
        ([3, 1], "3.1"),
        ([0, 0], "0.0"),
    ] {
        let mut bytes = array(
            version[0].clamp(1, 3),
            &line("'|u1'", "False", "(1,)"),
            &[0],
        );
        bytes[6..8].copy_from_slice(&version);
        let error = refused(|| npy::read::<u8, 1>(&bytes[..]));
        assert!(
            error.contains(&format!("version {text} of the format")),
            "{error}"
        );
    }
    // Python 2's long integers, up to version 2.
    let of_version = |version| {
        let bytes = array(version, &line("'|u1'", "False", "(1L,)"), &[7]);
        npy::read::<u8, 1>(&bytes[..]).map(Tensor::into_vec)
    };
    assert_eq!(of_version(1).unwrap(), [7]);
    assert_eq!(of_version(2).unwrap(), [7]);
    assert!(of_version(3).is_err());
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

/// An archive of these members, whose first bytes `change` may change.
#[cfg(not(miri))]
fn archive(members: &[(&str, u8)], change: impl FnOnce(&mut Vec<u8>)) -> Cursor<Vec<u8>> {
    let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
    for (name, value) in members {
        npz.add(name, &Tensor::<u8, 1>::full([2], *value)).unwrap();
    }
    let mut bytes = npz.finish().unwrap().into_inner();
    change(&mut bytes);
    Cursor::new(bytes)
}

/// Replaces a text by one of its length, in the nth place where it stands.
#[cfg(not(miri))]
fn replace(bytes: &mut [u8], from: &[u8], to: &[u8], nth: usize) {
    let mut places = (0..=bytes.len() - from.len()).filter(|&at| bytes[at..].starts_with(from));
    let at = places.nth(nth).expect("stands there");
    bytes[at..at + to.len()].copy_from_slice(to);
}

#[test]
#[cfg(not(miri))]
fn names_in_archives_are_what_python_takes_them_for() {
    // `longer` and `longer.npy`: each under its own name, whichever comes first.
    for members in [[("longer", 1), ("lo", 2)], [("lo", 2), ("longer", 1)]] {
        let bytes = archive(&members, |bytes| {
            for _ in 0..2 {
                replace(bytes, b"lo.npy", b"longer", 0);
            }
        });
        let mut npz = NpzReader::new(bytes).unwrap();
        let mut names = npz.names();
        names.sort();
        assert_eq!(names, ["longer", "longer.npy"]);
        assert_eq!(npz.read::<u8, 1>("longer").unwrap().as_slice(), [2, 2]);
        assert_eq!(npz.read::<u8, 1>("longer.npy").unwrap().as_slice(), [1, 1]);
    }
    let cp437 = archive(&[("fXX", 3)], |bytes| {
        for _ in 0..2 {
            replace(bytes, b"fXX.npy", b"f\x82\xe1.npy", 0);
        }
    });
    let mut npz = NpzReader::new(cp437).unwrap();
    assert_eq!(npz.names(), ["féß"]);
    assert_eq!(npz.read::<u8, 1>("féß").unwrap().as_slice(), [3, 3]);

    for nth in 0..2 {
        let differing = archive(&[("f", 4)], |bytes| replace(bytes, b"f.npy", b"g.npy", nth));
        let mut npz = NpzReader::new(differing).unwrap();
        let name = npz.names().remove(0);
        let error = npz.read::<u8, 1>(&name).unwrap_err().to_string();
        assert!(error.contains("header"), "{error}");
        assert!(npz.header(&name).is_err());
    }

    let twice = archive(&[("f", 5), ("g", 6)], |bytes| {
        replace(bytes, b"g.npy", b"f.npy", 0);
        replace(bytes, b"g.npy", b"f.npy", 0);
    });
    let error = NpzReader::new(twice).unwrap_err().to_string();
    assert!(error.starts_with("two arrays have one name"), "{error}");

    let bzip2 = archive(&[("f", 7)], |bytes| {
        // The method of the member, in front of it and in the list.
        let local = bytes.windows(4).position(|at| at == b"PK\x03\x04").unwrap();
        bytes[local + 8] = 12;
        let listed = bytes.windows(4).position(|at| at == b"PK\x01\x02").unwrap();
        bytes[listed + 10] = 12;
    });
    let error = NpzReader::new(bzip2)
        .unwrap()
        .read::<u8, 1>("f")
        .unwrap_err();
    let text =
        "compressed by bzip2, and stored and deflated ones are read; write it with `np.savez`";
    assert!(error.to_string().contains(text), "{error}");
}

#[test]
#[cfg(not(miri))]
fn archives_are_read_as_asked() {
    let bytes = archive(&[("mask", 9)], |_| {});
    let mut npz = NpzReader::new(bytes).unwrap();
    let header = npz.header("mask").unwrap();
    assert_eq!((header.element_type(), header.shape()), ("|u1", &[2][..]));
    let error = npz.header("other").unwrap_err().to_string();
    assert!(error.contains("no such tensor among 1: `mask`"), "{error}");
}
