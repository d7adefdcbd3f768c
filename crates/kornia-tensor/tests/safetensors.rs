//! Named tensors in a file: what is written comes back, copied or shared, and what is no such file
//! is refused.

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
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use elements::Element;
use folder::Folder;
use hostile::{refused, truncated_is_refused};
use kornia_tensor::formats::file::{FileElement, FileErrorKind};
use kornia_tensor::formats::safetensors::{SafeTensors, SafeTensorsReader, SafeTensorsWriter};
use kornia_tensor::{Tensor, TensorError};
use layouts::recipes;
use proptest::test_runner::TestRunner;
use types::{ForEveryType, assert_same, corner_cases, for_every_type};

#[global_allocator]
static MEMORY: memory::Counting = memory::Counting;

fn bytes_of(writer: &SafeTensorsWriter<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    writer.write(&mut bytes).unwrap();
    bytes
}

/// A file with this index in front of these bytes.
fn file(index: &str, elements: &[u8]) -> Vec<u8> {
    let len = (index.len() as u64).to_le_bytes();
    [&len, index.as_bytes(), elements].concat()
}

/// Bytes at an address that is a multiple of 16, or `offset` after one, and how often they were
/// dropped.
struct Placed {
    memory: Vec<u8>,
    place: std::ops::Range<usize>,
    dropped: Arc<AtomicUsize>,
}

impl Placed {
    fn new(bytes: &[u8], offset: usize) -> Self {
        let mut memory = vec![0; bytes.len() + 16 + offset];
        let start = memory.as_ptr().align_offset(16) + offset;
        let place = start..start + bytes.len();
        memory[place.clone()].copy_from_slice(bytes);
        let dropped = Arc::default();
        Self {
            memory,
            place,
            dropped,
        }
    }
}

impl AsRef<[u8]> for Placed {
    fn as_ref(&self) -> &[u8] {
        &self.memory[self.place.clone()]
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there, most of it in the index")]
fn every_layout_of_every_type_comes_back_copied_and_shared() {
    struct Claim;

    impl ForEveryType for Claim {
        fn check<T: Element + FileElement>(&mut self) {
            let there_and_back = |tensor: Tensor<T, 3>| {
                let small = Tensor::from_shape_vec([], vec![T::of(3)]).unwrap();
                let mut writer = SafeTensorsWriter::new();
                writer.add("b", &tensor).unwrap().add("a", &small).unwrap();
                let bytes = bytes_of(&writer);
                let mut file = SafeTensorsReader::new(Cursor::new(&bytes[..])).unwrap();
                assert_same(&file.read::<T, 3>("b").unwrap(), &tensor);
                assert_same(&file.read::<T, 0>("a").unwrap(), &small);
                assert_eq!(file.contents().shape("b").unwrap(), tensor.shape());

                let shared = SafeTensors::from_owner(Placed::new(&bytes, 0)).unwrap();
                assert_same(&shared.tensor::<T, 3>("b").unwrap(), &tensor);
                assert_same(&shared.tensor::<T, 0>("a").unwrap(), &small);
                assert_same(&shared.to_tensor::<T, 3>("b").unwrap(), &tensor);
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
fn a_crop_is_written_without_what_lies_around_it() {
    let image = Tensor::<u8, 3>::full([40, 40, 3], 0xEE);
    let mut inner = image.deep_clone().unwrap();
    inner.view_mut().slice((10..20, 10..20, ..)).fill(0x11);
    let crop = inner.slice((10..20, 10..20, ..));
    let mut writer = SafeTensorsWriter::new();
    let bytes = bytes_of(writer.add("crop", &crop).unwrap());
    assert!(!bytes.contains(&0xEE));
    assert_eq!(bytes.iter().filter(|&&byte| byte == 0x11).count(), 300);
}

#[test]
fn tensors_share_the_owner_and_keep_it_alive() {
    let depth = Tensor::<f32, 2>::from_shape_fn([30, 40], |[y, x]| (y * 40 + x) as f32);
    let mask = depth.map(|&d| d > 600.0);
    let mut writer = SafeTensorsWriter::new();
    writer
        .add("mask", &mask)
        .unwrap()
        .add("depth", &depth)
        .unwrap();
    let owner = Placed::new(&bytes_of(&writer), 0);
    let dropped = owner.dropped.clone();
    let addresses = owner.as_ref().as_ptr_range();

    let file = SafeTensors::from_owner(owner).unwrap();
    let a = file.tensor::<f32, 2>("depth").unwrap();
    let b = file.tensor::<bool, 2>("mask").unwrap();
    assert!(addresses.contains(&a.as_ptr().cast()) && addresses.contains(&b.as_ptr().cast()));
    assert_eq!(
        file.tensor::<f32, 2>("depth")
            .unwrap()
            .try_as_mut_slice()
            .unwrap_err(),
        TensorError::ReadOnlyStorage
    );
    assert_eq!(
        file.to_tensor::<f32, 2>("depth")
            .unwrap()
            .as_mut_slice()
            .len(),
        1200
    );
    drop(file);
    let row = a.slice((7, ..));
    drop(a);
    assert_eq!((&b, row[[3]]), (&mask, 283.0));
    drop(b);
    assert_eq!(dropped.load(Ordering::Relaxed), 0);
    std::thread::spawn(move || drop(row)).join().unwrap();
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}

#[cfg(not(miri))] // maps a file
#[test]
fn a_mapped_file_gives_tensors_that_share_the_mapping() {
    let folder = Folder::new();
    let path = folder.file("frames.safetensors");
    let frames = Tensor::<f32, 3>::full([100, 100, 100], 0.25);
    let names = Tensor::<u8, 1>::full([3], 7);
    let mut writer = SafeTensorsWriter::new();
    writer
        .add("frames", &frames)
        .unwrap()
        .add("names", &names)
        .unwrap();
    writer.save(&path).unwrap();

    let opened = std::fs::File::open(&path).unwrap();
    // SAFETY: the file is this test's own, and is written once.
    let map = unsafe { memmap2::Mmap::map(&opened) }.unwrap();
    let addresses = map.as_ptr_range();
    let (most, (a, b)) = memory::most_taken(|| {
        let file = SafeTensors::from_owner(map).unwrap();
        let names = file.tensor::<u8, 1>("names").unwrap();
        (file.tensor::<f32, 3>("frames").unwrap(), names)
    });
    assert!(most < 4096, "{most}");
    assert!(addresses.contains(&a.as_ptr().cast()) && addresses.contains(&b.as_ptr()));
    // The name is free at once: what is mapped is the old file.
    writer = SafeTensorsWriter::new();
    writer.add("frames", &names).unwrap();
    writer.save(&path).unwrap();
    assert_eq!((&a, &b), (&frames, &names));
}

/// Whatever the file's size.
#[test]
fn sharing_takes_memory_for_the_index_alone() {
    let frames = Tensor::<f32, 3>::zeros([10, 100, 100]);
    let mut writer = SafeTensorsWriter::new();
    let owner = Placed::new(&bytes_of(writer.add("frames", &frames).unwrap()), 0);
    let (most, tensor) = memory::most_taken(|| {
        let file = SafeTensors::from_owner(owner).unwrap();
        file.tensor::<f32, 3>("frames").unwrap()
    });
    assert!(most < 4096, "{most}");
    assert_eq!(tensor, frames);
}

#[test]
fn a_tensor_at_an_address_that_does_not_suit_it_is_refused_or_copied() {
    let depth = Tensor::<f32, 1>::full([5], 2.5);
    let none = Tensor::<f64, 1>::zeros([0]);
    let mut writer = SafeTensorsWriter::new();
    writer
        .add("depth", &depth)
        .unwrap()
        .add("none", &none)
        .unwrap();
    let bytes = bytes_of(&writer);
    let file = SafeTensors::from_owner(Placed::new(&bytes, 2)).unwrap();
    let error = file.tensor::<f32, 1>("depth").unwrap_err();
    assert!(
        matches!(error.kind(), FileErrorKind::Misaligned { align: 4, .. }),
        "{error}"
    );
    let text = error.to_string();
    assert!(
        text.starts_with("tensor `depth`: elements begin at address 0x"),
        "{text}"
    );
    assert!(
        text.ends_with("; `to_tensor` copies them to one that is"),
        "{text}"
    );
    assert_eq!(file.to_tensor::<f32, 1>("depth").unwrap(), depth);
    assert_eq!(file.tensor::<f64, 1>("none").unwrap(), none);
}

#[test]
fn tensors_of_any_width_are_aligned_side_by_side() {
    let bytes = Tensor::<u8, 1>::full([3], 1);
    let words = Tensor::<u16, 1>::full([3], 2);
    let longs = Tensor::<u64, 1>::full([1], 3);
    let mut writer = SafeTensorsWriter::new();
    writer.add("a", &bytes).unwrap().add("b", &words).unwrap();
    writer.add("c", &longs).unwrap().add("d", &bytes).unwrap();
    let file = SafeTensors::from_owner(Placed::new(&bytes_of(&writer), 0)).unwrap();
    assert_eq!(file.contents().names(), ["c", "b", "a", "d"]);
    assert_eq!(file.tensor::<u8, 1>("a").unwrap(), bytes);
    assert_eq!(file.tensor::<u16, 1>("b").unwrap(), words);
    assert_eq!(file.tensor::<u64, 1>("c").unwrap(), longs);
}

/// The table in the documentation of `file`.
#[test]
#[cfg_attr(miri, ignore = "takes minutes there, most of it in the index")]
fn the_table_of_element_types_holds() {
    #[track_caller]
    fn row<T: FileElement + Element>(name: &str) {
        let tensor = Tensor::from_shape_vec([1], vec![T::of(1)]).unwrap();
        let mut writer = SafeTensorsWriter::new();
        let bytes = bytes_of(writer.add("x", &tensor).unwrap());
        let file = SafeTensors::from_owner(Placed::new(&bytes, 0)).unwrap();
        assert_eq!(file.contents().element_type("x").unwrap(), name);
        // Nothing else takes it.
        struct Others(SafeTensors, &'static str);
        impl ForEveryType for Others {
            fn check<U: Element + FileElement>(&mut self) {
                let name = std::any::type_name::<U>();
                let result = self.0.tensor::<U, 1>("x");
                assert_eq!(result.is_ok(), name == self.1, "{name}");
            }
        }
        for_every_type(Others(file, std::any::type_name::<T>()));
    }
    row::<bool>("BOOL");
    row::<u8>("U8");
    row::<i8>("I8");
    row::<u16>("U16");
    row::<i16>("I16");
    row::<u32>("U32");
    row::<i32>("I32");
    row::<u64>("U64");
    row::<i64>("I64");
    row::<f32>("F32");
    row::<f64>("F64");
    #[cfg(feature = "half")]
    {
        row::<half::f16>("F16");
        row::<half::bf16>("BF16");
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there, most of it in the index")]
fn errors_name_file_tensor_and_both_sides() {
    let folder = Folder::new();
    let path = folder.file("net.safetensors");
    let one = Tensor::<f32, 2>::zeros([2, 3]);
    let mut writer = SafeTensorsWriter::new();
    writer.add("w", &one).unwrap().describe("by", "a test");
    writer.save(&path).unwrap();
    assert!(writer.add("w", &one).is_err());
    assert!(writer.add("__metadata__", &one).is_err());

    let mut file = SafeTensorsReader::open(&path).unwrap();
    assert_eq!(file.contents().description("by"), Some("a test"));
    assert_eq!(
        file.contents().descriptions().collect::<Vec<_>>(),
        [("by", "a test")]
    );
    let start = format!("{}, tensor `w`: ", path.display());
    let error = file.read::<u8, 2>("w").unwrap_err().to_string();
    assert_eq!(
        error.strip_prefix(&start),
        Some(
            "elements of type F32 where u8 was asked for; read them as they are and convert \
              them with `cast` or `map`"
        )
    );
    let error = file.read::<f32, 1>("w").unwrap_err().to_string();
    assert_eq!(
        error.strip_prefix(&start),
        Some("shape [2, 3] has 2 axes where 1 were asked for; ask for as many, then reshape")
    );
    let error = file.read::<f32, 1>("v").unwrap_err();
    assert_eq!((error.file(), error.tensor()), (Some(&*path), Some("v")));
    assert!(error.to_string().ends_with("no such tensor among 1: `w`"));
    assert!(matches!(error.kind(), FileErrorKind::Missing { .. }));
    let error = SafeTensorsReader::open(folder.file("none")).unwrap_err();
    assert!(matches!(error.kind(), FileErrorKind::Io(_)) && error.file().is_some());
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there, most of it in the index")]
fn files_that_end_early_or_late_are_refused() {
    let folder = Folder::new();
    let path = folder.file("part.safetensors");
    let one = Tensor::<u16, 2>::from_shape_fn([3, 4], |[y, x]| (y * 300 + x) as u16);
    let mut writer = SafeTensorsWriter::new();
    writer
        .add("one", &one)
        .unwrap()
        .add("two", one.view().flip(0))
        .unwrap();
    let whole = bytes_of(&writer);
    truncated_is_refused(&whole, |part| SafeTensors::from_owner(part.to_vec()));
    truncated_is_refused(&whole, |part| {
        std::fs::write(&path, part).unwrap();
        SafeTensorsReader::open(&path)?.read::<u16, 2>("one")
    });
    let longer = [&whole[..], &[0]].concat();
    let error = SafeTensors::from_owner(longer.clone())
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "1 bytes follow the last tensor; nothing may follow it"
    );
    assert!(SafeTensorsReader::new(Cursor::new(longer)).is_err());
}

#[test]
fn an_index_that_claims_more_than_there_is_costs_nothing() {
    let tensor = |shape: &str, start: u64, end: u64| {
        format!(r#"{{"x":{{"dtype":"F32","shape":{shape},"data_offsets":[{start},{end}]}}}}"#)
    };
    let claims = [
        tensor("[1152921504606846976]", 0, 1 << 62),
        tensor("[1073741824,1073741824]", 0, 1 << 62),
        tensor("[18446744073709551615,18446744073709551615]", 0, 8),
        tensor("[18446744073709551615,0]", 0, 0),
        tensor("[18446744073709551616]", 0, 8),
        tensor("[2]", 8, 16),
        tensor("[2]", 16, 8),
        tensor("[2]", 0, 7),
        tensor("[-1]", 0, 8),
        tensor("[1.5]", 0, 8),
        tensor("[2]", 0, 8).replace("F32", "F33"),
        "[".repeat(100_000),
        "7".to_string(),
        String::new(),
    ];
    for claim in claims {
        let bytes = file(&claim, &[0; 8]);
        refused(|| SafeTensors::from_owner(bytes.clone())?.tensor::<f32, 2>("x"));
        refused(|| SafeTensorsReader::new(Cursor::new(&bytes[..]))?.read::<f32, 2>("x"));
    }
    assert!(SafeTensors::from_owner(file(&tensor("[2]", 0, 8), &[0; 8])).is_ok());
    for len in [9, 100_000_000, 100_000_001, u64::MAX] {
        let bytes = [&len.to_le_bytes()[..], b"{}      "].concat();
        refused(|| SafeTensors::from_owner(bytes.clone()));
        refused(|| SafeTensorsReader::new(Cursor::new(&bytes[..])));
    }
}

#[test]
fn a_view_that_repeats_itself_beyond_memory_is_an_error() {
    let one = Tensor::<f64, 1>::full([1], 1.0);
    let endless = one.view().broadcast_to([1 << 61]).unwrap();
    let mut writer = SafeTensorsWriter::new();
    writer.add("a", endless).unwrap().add("b", endless).unwrap();
    refused(|| writer.write(Vec::new()));
    let long = one.view().broadcast_to([1 << 58]).unwrap();
    let mut writer = SafeTensorsWriter::new();
    refused(|| writer.add("a", long).unwrap().write(Vec::new()));
}

#[test]
fn a_file_that_is_cut_while_it_is_open_is_an_error() {
    let folder = Folder::new();
    let path = folder.file("cut.safetensors");
    let image = Tensor::<f32, 2>::full([100, 100], 0.5);
    let mut writer = SafeTensorsWriter::new();
    writer.add("image", &image).unwrap();
    writer.save(&path).unwrap();
    let mut reader = SafeTensorsReader::open(&path).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(20_000).unwrap();
    let error = reader.read::<f32, 2>("image").unwrap_err().to_string();
    assert!(error.contains("of the 40000 bytes"), "{error}");
}

#[test]
fn a_byte_that_is_no_bool_is_refused_or_true_on_request() {
    let index = r#"{"x":{"dtype":"BOOL","shape":[4],"data_offsets":[0,4]}}"#;
    let bytes = file(index, &[0, 1, 2, 255]);
    let shared = SafeTensors::from_owner(bytes.clone()).unwrap();
    let mut reader = SafeTensorsReader::new(Cursor::new(bytes)).unwrap();
    let text = "element 2 is 2, and a bool is 0 or 1; `loose_bool`";
    assert!(refused(|| shared.tensor::<bool, 1>("x")).contains(text));
    assert!(refused(|| shared.to_tensor::<bool, 1>("x")).contains(text));
    assert!(refused(|| reader.read::<bool, 1>("x")).contains(text));
    assert!(refused(|| reader.read::<u8, 1>("x")).contains("type BOOL where u8"));

    let (shared, mut reader) = (shared.loose_bool(), reader.loose_bool());
    let expected = [false, true, true, true];
    assert_eq!(
        shared.to_tensor::<bool, 1>("x").unwrap().as_slice(),
        expected
    );
    assert_eq!(reader.read::<bool, 1>("x").unwrap().as_slice(), expected);
    // What is shared cannot be another.
    assert!(refused(|| shared.tensor::<bool, 1>("x")).contains(text));
    assert_eq!(
        shared.tensor::<u8, 1>("x").unwrap().as_slice(),
        [0, 1, 2, 255]
    );
    assert_eq!(
        reader.read::<u8, 1>("x").unwrap().as_slice(),
        [0, 1, 2, 255]
    );
    assert!(refused(|| reader.read::<i8, 1>("x")).contains("where i8"));
}

#[test]
fn types_that_no_tensor_has_are_refused_with_another_way() {
    for (dtype, what) in [("C64", "complex numbers"), ("F8_E4M3", "floats of 8 bits")] {
        let size = if dtype == "C64" { 8 } else { 1 };
        let index =
            format!(r#"{{"x":{{"dtype":"{dtype}","shape":[1],"data_offsets":[0,{size}]}}}}"#);
        let bytes = file(&index, &vec![0; size]);
        let mut reader = SafeTensorsReader::new(Cursor::new(bytes.clone())).unwrap();
        let shared = SafeTensors::from_owner(bytes).unwrap();
        for error in [
            refused(|| reader.read::<u8, 1>("x")),
            refused(|| shared.tensor::<f32, 1>("x")),
        ] {
            assert!(error.contains(what) && error.contains("save"), "{error}");
            assert!(!error.contains("cast"), "{error}");
        }
    }
}

#[test]
fn an_empty_file_is_called_empty() {
    let text = "the file is empty; a .safetensors was expected";
    assert!(refused(|| SafeTensors::from_owner([0u8; 0])).ends_with(text));
    assert!(refused(|| SafeTensorsReader::new(Cursor::new([0u8; 0]))).ends_with(text));
}

/// In whatever order they were said, and however often it is written.
#[test]
fn the_same_tensors_and_texts_make_the_same_bytes() {
    let (a, b) = (
        Tensor::<u8, 1>::full([3], 1),
        Tensor::<f32, 1>::full([2], 2.0),
    );
    let keys: Vec<String> = (0..40).map(|key| format!("key {key}")).collect();
    let write = |backwards: bool| {
        let mut writer = SafeTensorsWriter::new();
        let mut keys: Vec<&String> = keys.iter().collect();
        if backwards {
            keys.reverse();
            writer.add("b", &b).unwrap().add("a", &a).unwrap();
        } else {
            writer.add("a", &a).unwrap().add("b", &b).unwrap();
        }
        for key in keys {
            writer.describe(key, "first").describe(key, "value");
        }
        let mut bytes = Vec::new();
        writer.write(&mut bytes).unwrap();
        bytes
    };
    let bytes = write(false);
    assert_eq!(bytes, write(true));
    let file = SafeTensors::from_owner(bytes).unwrap();
    assert_eq!(file.contents().descriptions().count(), 40);
    assert_eq!(file.contents().description("key 7"), Some("value"));
}

/// 80,000 tensors took 24 seconds when every new name was compared with all the others.
#[test]
fn many_tensors_take_time_in_proportion() {
    let count = if cfg!(miri) { 100 } else { 80_000 };
    let one = Tensor::<u8, 1>::full([1], 1);
    let start = std::time::Instant::now();
    let mut writer = SafeTensorsWriter::new();
    for number in 0..count {
        writer.add(&number.to_string(), &one).unwrap();
    }
    assert!(writer.add("77", &one).is_err());
    let mut bytes = Vec::new();
    writer.write(&mut bytes).unwrap();
    assert!(
        cfg!(miri) || start.elapsed().as_secs() < 20,
        "{:?}",
        start.elapsed()
    );
    let file = SafeTensors::from_owner(bytes).unwrap();
    assert_eq!(file.contents().names().len(), count);
}
