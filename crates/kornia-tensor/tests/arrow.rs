//! Arrays of Arrow out and in: what is refused, what is released when, what slices and nesting
//! mean.

#[path = "arrow/producer.rs"]
mod producer;

use kornia_tensor::exchange::arrow::abi::{ArrowArray, ArrowSchema};
use kornia_tensor::exchange::arrow::{ArrowElem, ArrowParts};
use kornia_tensor::{Access, MemoryDomain, Tensor, TensorError};
use producer::{Made, Releases};

/// # Panics
///
/// If it is refused.
fn taken<T: ArrowElem, const N: usize>(parts: ArrowParts) -> Tensor<T, N> {
    // SAFETY: nobody writes the elements.
    unsafe { Tensor::from_arrow(parts) }.unwrap()
}

/// Refused with `text`, given back, and released once.
#[track_caller]
fn refused<T: ArrowElem, const N: usize>(made: Made, text: &str) {
    let releases = Releases::default();
    // SAFETY: nobody writes the elements.
    let refused = unsafe { Tensor::<T, N>::from_arrow(made.parts(&releases)) };
    let refused = refused.map(|_| "taken").unwrap_err();
    assert!(
        refused.to_string().contains(text),
        "{refused} does not say: {text}"
    );
    assert_eq!(releases.count(), (0, 0), "released before it was dropped");
    drop(refused.owner);
    assert_eq!(releases.count(), (1, 1));
}

fn there_and_back<T: ArrowElem + PartialEq + std::fmt::Debug>(elements: [T; 6], format: &str) {
    let tensor = Tensor::from_shape_vec([3, 2, 1], elements.to_vec()).unwrap();
    let address = tensor.as_ptr();
    let parts = tensor.into_arrow().unwrap();
    assert_eq!(parts.schema_format(), c"+w:2");
    let back: Tensor<T, 3> = taken(parts);
    assert_eq!((back.as_ptr(), back.as_slice()), (address, &elements[..]));
    let parts = back.reshape([6]).unwrap().into_arrow().unwrap();
    assert_eq!(parts.schema_format().to_str(), Ok(format));
    assert_eq!(taken::<T, 1>(parts).as_slice(), elements);
}

#[test]
fn every_element_type_goes_out_and_comes_back() {
    there_and_back([0u8, 1, 2, 3, 4, u8::MAX], "C");
    there_and_back([0i8, 1, 2, 3, i8::MIN, i8::MAX], "c");
    there_and_back([0u16, 1, 2, 3, 4, u16::MAX], "S");
    there_and_back([0i16, 1, 2, 3, i16::MIN, i16::MAX], "s");
    there_and_back([0u32, 1, 2, 3, 4, u32::MAX], "I");
    there_and_back([0i32, 1, 2, 3, i32::MIN, i32::MAX], "i");
    there_and_back([0u64, 1, 2, 3, 4, u64::MAX], "L");
    there_and_back([0i64, 1, 2, 3, i64::MIN, i64::MAX], "l");
    there_and_back([0f32, 1., 2., 3., -0.5, f32::INFINITY], "f");
    there_and_back([0f64, 1., 2., 3., -0.5, f64::MIN], "g");
    #[cfg(feature = "half")]
    there_and_back([1f32, 2., 3., 4., 5., 6.].map(half::f16::from_f32), "e");
}

#[test]
fn a_batch_says_that_its_rows_are_tensors() {
    let parts = Tensor::<u8, 4>::zeros([2, 4, 6, 3]).into_arrow().unwrap();
    let (array, schema) = (parts.array(), parts.schema());
    assert_eq!((array.length, array.null_count, array.offset), (2, 0, 0));
    assert_eq!(
        (array.n_buffers, array.n_children, schema.n_children),
        (1, 1, 1)
    );
    let mut expected = 2i32.to_ne_bytes().to_vec();
    for part in [
        "ARROW:extension:name",
        "arrow.fixed_shape_tensor",
        "ARROW:extension:metadata",
        r#"{"shape":[4,6,3]}"#,
    ] {
        expected.extend((part.len() as i32).to_ne_bytes());
        expected.extend(part.bytes());
    }
    // SAFETY: so many bytes were written.
    let found = unsafe { std::slice::from_raw_parts(schema.metadata.cast::<u8>(), expected.len()) };
    assert_eq!(found, expected);
    // SAFETY: there is one child.
    let child = unsafe { *schema.children };
    // SAFETY: which is a live struct.
    let child: &ArrowSchema = unsafe { &*child };
    // SAFETY: a string of C.
    assert_eq!(unsafe { std::ffi::CStr::from_ptr(child.name) }, c"item");
    // SAFETY: there is one child.
    let child = unsafe { *array.children };
    // SAFETY: which is a live struct.
    let child: &ArrowArray = unsafe { &*child };
    assert_eq!((child.length, child.n_buffers), (144, 2));
}

#[test]
fn what_arrow_cannot_say_stays_with_its_tensor() {
    let image = Tensor::<u8, 3>::zeros([4, 6, 3]);
    for strided in [image.flip(0), image.slice((.., 1.., ..)), image.transpose()] {
        let refused = strided.into_arrow().unwrap_err();
        assert!(matches!(refused.error, TensorError::NotContiguous { .. }));
        assert!(refused.owner.contiguous().into_arrow().is_ok());
    }
    let refused = Tensor::full([], 1u8).into_arrow().unwrap_err();
    assert!(refused.error.to_string().contains("`reshape` a scalar"));
    let refused = Tensor::<u8, 3>::zeros([0, 1 << 16, 1 << 15])
        .into_arrow()
        .unwrap_err();
    assert!(
        refused
            .error
            .to_string()
            .starts_with("2147483648 elements in a row are more")
    );
    // SAFETY: the address is not used: it is a device's.
    let device = unsafe {
        let (domain, access) = (MemoryDomain::Device { id: 0 }, Access::ReadWrite);
        Tensor::<u8, 1>::from_foreign([1], [1], std::ptr::dangling(), domain, access, ())
    };
    let refused = device.unwrap().into_arrow().unwrap_err();
    assert!(matches!(
        refused.error,
        TensorError::NotHostAccessible { .. }
    ));
}

#[test]
fn nothing_goes_out_and_comes_back() {
    for shape in [[0, 4], [4, 0], [0, 0]] {
        let parts = Tensor::<f32, 2>::zeros(shape).into_arrow().unwrap();
        assert_eq!(taken::<f32, 2>(parts).shape(), &shape);
    }
}

#[test]
fn memory_is_freed_once_with_the_last_of_array_and_handles() {
    let releases = Releases::default();
    let elements: Tensor<u16, 1> = taken(Made::numbers(vec![1u16, 2, 3, 4]).parts(&releases));
    let parts = elements.reshape([2, 2]).unwrap().into_arrow().unwrap();
    drop(elements);
    assert_eq!(releases.count(), (0, 0));
    let thread = std::thread::spawn(move || drop(parts));
    thread.join().unwrap();
    assert_eq!(releases.count(), (1, 1));
}

#[test]
fn a_child_that_is_moved_out_outlives_its_parent() {
    let tensor = Tensor::from_shape_vec([2, 2], vec![1u8, 2, 3, 4]).unwrap();
    let (mut array, mut schema) = tensor.into_arrow().unwrap().into_raw();
    // SAFETY: there is one child.
    let child = unsafe { *array.children };
    // SAFETY: as above.
    let child_schema = unsafe { *schema.children };
    // SAFETY: both are live, and may be moved.
    let child = unsafe { ArrowParts::from_raw(child, child_schema) }.unwrap();
    // SAFETY: live, and nobody else has them.
    let parents = unsafe { ArrowParts::from_raw(&mut *array, &mut *schema) };
    drop(parents.unwrap());
    assert!(array.release.is_none() && schema.release.is_none());
    assert_eq!(taken::<u8, 1>(child).as_slice(), [1, 2, 3, 4]);
    // SAFETY: they were moved, which they say.
    assert!(unsafe { ArrowParts::from_raw(&mut *array, &mut *schema) }.is_none());
    // SAFETY: NULL is allowed.
    assert!(unsafe { ArrowParts::from_raw(std::ptr::null_mut(), &mut *schema) }.is_none());
}

#[test]
fn slices_of_arrays_begin_where_their_offset_says() {
    let releases = Releases::default();
    let mut made = Made::numbers((0..10u16).collect());
    (made.offset, made.length) = (3, 4);
    assert_eq!(
        taken::<u16, 1>(made.parts(&releases)).as_slice(),
        [3, 4, 5, 6]
    );

    // Offsets of lists count lists, those of their elements come on top.
    let mut numbers = Made::numbers((0..20u16).collect());
    (numbers.offset, numbers.length) = (2, 18);
    let mut lists = Made::lists(3, numbers);
    (lists.offset, lists.length) = (1, 2);
    let tensor: Tensor<u16, 2> = taken(lists.parts(&releases));
    assert_eq!(
        (tensor.shape(), tensor.as_slice()),
        (&[2, 3], &[5, 6, 7, 8, 9, 10][..])
    );
    drop(tensor);

    // Three levels, each with an offset of its own.
    let mut numbers = Made::numbers((0..40u16).collect());
    (numbers.offset, numbers.length) = (1, 39);
    let mut inner = Made::lists(2, numbers);
    (inner.offset, inner.length) = (3, 14);
    let mut outer = Made::lists(3, inner);
    (outer.offset, outer.length) = (2, 2);
    let tensor: Tensor<u16, 3> = taken(outer.parts(&releases));
    let first = 1 + 2 * (3 + 3 * 2);
    let expected: Vec<u16> = (first..first + 12).collect();
    assert_eq!(
        (tensor.shape(), tensor.as_slice()),
        (&[2, 3, 2], &expected[..])
    );
    drop(tensor);
    assert_eq!(releases.count(), (3, 3));
}

#[test]
fn shapes_of_rows_are_read_in_both_spellings_and_permuted() {
    let releases = Releases::default();
    let batch = |text: &str| {
        let mut made = Made::lists(6, Made::numbers((0..12u8).collect()));
        made.length = 2;
        made.extension = Some(("arrow.fixed_shape_tensor".into(), text.into()));
        made
    };
    let plain: Tensor<u8, 3> = taken(batch(r#"{"shape":[2,3]}"#).parts(&releases));
    assert_eq!((plain.shape(), plain.strides()), (&[2, 2, 3], &[6, 3, 1]));
    for text in [
        r#"{"shape":[2,3],"dim_names":["H","W"],"permutation":[1,0]}"#,
        r#"{"shape":[2,3],"dim_names":null,"permutations":[1,0]}"#,
    ] {
        let permuted: Tensor<u8, 3> = taken(batch(text).parts(&releases));
        assert_eq!(
            (permuted.shape(), permuted.strides()),
            (&[2, 3, 2], &[6, 1, 3])
        );
        assert_eq!(permuted[[1, 2, 0]], plain[[1, 0, 2]]);
    }
    let text = r#"{"shape":[1,2,3],"permutation":[2,0,1]}"#; // what stands first was the last
    let permuted: Tensor<u8, 4> = taken(batch(text).parts(&releases));
    assert_eq!(permuted.shape(), &[2, 3, 1, 2]);

    refused::<u8, 3>(
        batch(r#"{"shape":[2,2]}"#),
        "shape [2, 2] does not fill rows of [6]",
    );
    refused::<u8, 3>(batch(r#"{"dim_names":null}"#), "gives no shape");
    refused::<u8, 2>(batch(r#"{"shape":[2,3]}"#), "ask for rank 3");
    for wrong in [
        "[0,0]",
        "[0,2]",
        "[0]",
        "[0,1,2]",
        "[18446744073709551615,0]",
    ] {
        let text = format!(r#"{{"shape":[2,3],"permutation":{wrong}}}"#);
        refused::<u8, 3>(batch(&text), "are no permutation");
    }
    let huge = r#"{"shape":[4294967296,4294967296]}"#;
    refused::<u8, 3>(batch(huge), "does not fill rows");
    // Another extension is what it is stored as.
    let mut other = Made::numbers(vec![1i8, 0]);
    other.extension = Some(("arrow.bool8".into(), "".into()));
    assert_eq!(taken::<i8, 1>(other.parts(&releases)).as_slice(), [1, 0]);
}

#[test]
fn nulls_are_refused_where_they_are_meant() {
    let nulls = |count: i64, bits: u8| {
        let mut made = Made::numbers((0..8u8).collect());
        (made.null_count, made.validity) = (count, Some(vec![bits]));
        made
    };
    refused::<u8, 1>(nulls(1, 0b1111_0111), "element 3 is null");
    refused::<u8, 1>(nulls(-1, 0b0111_1111), "element 7 is null");
    let slice = |mut made: Made| {
        (made.offset, made.length) = (4, 3);
        made
    };
    let releases = Releases::default();
    let outside = slice(nulls(-1, 0b0111_0111)).parts(&releases);
    assert_eq!(taken::<u8, 1>(outside).as_slice(), [4, 5, 6]);
    refused::<u8, 1>(slice(nulls(-1, 0b1101_1111)), "element 1 is null");
    assert_eq!(taken::<u8, 1>(nulls(-1, 0xff).parts(&releases)).numel(), 8);
    let mut uncounted = Made::numbers(vec![1u8]);
    uncounted.null_count = -1; // without a bitmap there are none
    assert_eq!(taken::<u8, 1>(uncounted.parts(&releases)).numel(), 1);

    // A row, and an element of a row.
    let mut lists = Made::lists(4, Made::numbers((0..8u8).collect()));
    (lists.length, lists.null_count, lists.validity) = (2, 1, Some(vec![0b01]));
    refused::<u8, 2>(lists, "element 1 is null");
    let mut lists = Made::lists(4, nulls(1, 0b1011_1111));
    lists.length = 2;
    refused::<u8, 2>(lists, "element 6 is null");
}

#[test]
fn other_types_are_refused_by_name() {
    for (format, name) in [
        ("b", "bits (b)"),
        ("u", "strings (u)"),
        ("U", "strings"),
        ("vu", "strings"),
        ("z", "byte strings"),
        ("w:16", "byte strings of one length (w:16)"),
        ("n", "nulls"),
        ("d:10,2", "decimals"),
        ("tsu:UTC", "times (tsu:UTC)"),
        ("+l", "lists of any length"),
        ("+s", "structs"),
        ("+ud:0,1", "unions"),
        ("S", "u16"),
        ("f", "f32"),
        ("\u{1b}[2J", r"of an unknown type (\u{1b}[2J)"),
        ("", "of an unknown type"),
    ] {
        let mut made = Made::numbers(vec![1u8, 2, 3, 4]);
        made.format = format.into();
        refused::<u8, 1>(made, &format!("elements are {name}"));
        let mut made = Made::numbers(vec![1u8, 2, 3, 4]);
        made.format = format.into();
        let mut lists = Made::lists(2, made);
        lists.length = 2;
        refused::<u8, 2>(lists, &format!("elements are {name}"));
    }
    let mut made = Made::numbers(vec![1u8]);
    made.dictionary = true;
    refused::<u8, 1>(made, "into a dictionary");
}

#[test]
fn elements_that_no_tensor_has_are_not_recommended_to_be_asked_for() {
    for (format, instead) in [
        (
            "S",
            "ask for what they are, and convert with `cast` or `map`",
        ),
        (
            "u",
            "no tensor has those, so convert them where they come from",
        ),
        (
            "+s",
            "no tensor has those, so convert them where they come from",
        ),
    ] {
        let mut made = Made::numbers(vec![1u8, 2, 3, 4]);
        made.format = format.into();
        refused::<u8, 1>(made, &format!("and u8 was asked for; {instead}"));
    }
}

#[test]
fn lengths_that_do_not_fit_together_are_refused() {
    for (offset, length) in [(-1, 1), (0, -1), (i64::MAX, i64::MAX), (i64::MIN, 0)] {
        let mut made = Made::numbers(vec![1u8]);
        (made.offset, made.length) = (offset, length);
        let expected = usize::try_from(offset).is_err() || usize::try_from(length).is_err();
        if expected {
            refused::<u8, 1>(made, "are no part of an array");
        }
    }
    for (offset, length) in [
        (0, 3),
        (1, 2),
        (2, 1),
        (i64::MAX, 0),
        (0, i64::MAX),
        (1, i64::MAX - 1),
    ] {
        let mut lists = Made::lists(4, Made::numbers((0..8u8).collect()));
        (lists.offset, lists.length) = (offset, length);
        refused::<u8, 2>(lists, "do not fit 8 elements");
    }
    for format in ["+w:", "+w:-1", "+w:x", "+w:99999999999999999999"] {
        let mut lists = Made::lists(1, Made::numbers(vec![1u8]));
        lists.format = format.into();
        refused::<u8, 2>(lists, "has no length of lists");
    }
    let mut childless = Made::numbers(vec![1u8]);
    childless.format = "+w:1".into();
    refused::<u8, 2>(childless, "0 kinds of elements");
    refused::<u8, 2>(Made::numbers(vec![1u8]), "ask for rank 1");
    let mut without_memory = Made::numbers(vec![1u8]);
    without_memory.hide_data = true;
    refused::<u8, 1>(without_memory, "null pointer");
}

#[test]
fn elements_that_are_not_aligned_are_refused() {
    let mut made = Made::numbers(vec![0u32; 3]);
    (made.skip_bytes, made.length) = (2, 2);
    refused::<u32, 1>(made, "is not a multiple of 4");
}
