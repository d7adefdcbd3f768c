//! The picture of an allocation shows what each tensor shows.

use kornia_tensor::{StorageMap, Tensor, TensorError};

/// The bar of a tensor, and what stands behind it.
fn line<const N: usize>(whole: &Tensor<u16, 1>, part: &Tensor<u16, N>) -> (String, String) {
    let map = StorageMap::of(whole.storage()).with("part", part).unwrap();
    let text = map.to_string();
    let line = text.lines().nth(1).unwrap();
    let mut fields = line.split('|');
    assert_eq!(fields.next().unwrap().trim(), "part");
    let bar = fields.next().unwrap().to_string();
    assert_eq!(bar.chars().count(), 60);
    (bar, fields.next().unwrap().trim().to_string())
}

#[test]
fn a_window_is_drawn_where_it_lies() {
    let whole = Tensor::<u16, 1>::zeros([6000]);
    let (bar, rest) = line(&whole, &whole);
    assert_eq!(
        (bar, rest),
        ("█".repeat(60), "100.0%  0..6000  [6000]".into())
    );

    let (bar, rest) = line(&whole, &whole.slice((1500..3000,)));
    assert_eq!(
        bar,
        [" ".repeat(15), "█".repeat(15), " ".repeat(30)].concat()
    );
    assert_eq!(rest, "25.0%  1500..3000  [1500]");

    let (bar, _) = line(&whole, &whole.slice((0..1,)));
    assert_eq!(bar, ["░".to_string(), " ".repeat(59)].concat());
}

#[test]
fn strides_decide_how_dark_a_stretch_is() {
    let whole = Tensor::<u16, 1>::zeros([6000]);
    let pixels = whole.reshape([20, 100, 3]).unwrap();
    for (part, expected) in [
        (pixels.slice((.., .., 0..1)), "░"),
        (pixels.slice((.., .., 0..2)).flip(1), "▒"),
        (pixels.permute_axes([2, 0, 1]).unwrap(), "█"),
    ] {
        let (bar, _) = line(&whole, &part);
        assert_eq!(bar, expected.repeat(60), "{:?}", part.shape());
    }
    // Half of each row of 300: one and a half cells, and as much nothing.
    let (bar, _) = line(&whole, &pixels.slice((.., ..50, ..)));
    assert_eq!(bar, "█▒ ".repeat(20));
}

#[test]
fn empty_tensors_and_those_of_one_element_have_a_picture() {
    let none = Tensor::<f32, 2>::zeros([0, 5]);
    let map = StorageMap::of(none.storage()).with("none", &none).unwrap();
    assert!(map.to_string().contains("0 elements"));
    assert!(map.to_svg().contains("none"));

    let one = Tensor::<u8, 0>::from_shape_vec([], vec![7]).unwrap();
    let map = StorageMap::of(one.storage())
        .with("a <b> & c", &one)
        .unwrap();
    assert!(map.to_string().contains("1 elements of 1 byte,"));
    assert!(map.to_svg().contains("a &lt;b&gt; &amp; c"));

    let units = Tensor::<(), 1>::full([5], ());
    let map = StorageMap::of(units.storage())
        .with("units", &units)
        .unwrap();
    assert!(map.to_string().contains("5 elements of 0 bytes, 0 bytes"));
}

#[test]
fn tensors_of_other_memory_are_refused_by_name() {
    let (a, b) = (Tensor::<u8, 1>::zeros([4]), Tensor::<u8, 1>::zeros([4]));
    let error = StorageMap::of(a.storage()).with("b", &b).unwrap_err();
    assert!(matches!(&error, TensorError::UnsupportedOperation(why) if why.contains("\"b\"")));
}
