//! Each rule on something that breaks it, and on something close that does not.

use crate::offence::Offence;
use crate::rules;
use crate::source::Source;
use crate::tree::tree_of;

fn source(text: &str) -> Source {
    Source::new("engine/x.rs", text)
}

fn texts(offences: Vec<Offence>) -> Vec<String> {
    offences.iter().map(Offence::to_string).collect()
}

#[test]
fn a_file_may_have_600_lines_and_no_more() {
    assert!(rules::length("a.rs", 600).is_none());
    assert!(rules::length("a.rs", 601).is_some());
}

#[test]
fn unsafe_code_stands_in_its_places_only() {
    let at = |path: &str| {
        let root = ("lib.rs", "mod layout; mod storage; mod formats;");
        let found = texts(rules::unsafe_code(&tree_of(&[
            root,
            (path, "fn f() { unsafe { g() } }"),
        ])));
        found.len()
    };
    assert_eq!(at("storage/mod.rs"), 0);
    assert_eq!(at("formats/rkyv/read.rs"), 0);
    assert_eq!(at("layout/mod.rs"), 1);
    assert_eq!(at("formats/npy.rs"), 1);
    assert_eq!(at("error.rs"), 1);
}

#[test]
fn a_file_without_unsafe_code_says_so_itself_or_where_its_parent_does() {
    let found = |files: &[(&str, &str)]| texts(rules::unsafe_code(&tree_of(files)));
    let silent = [
        ("engine/mod.rs", "mod a;"),
        ("engine/a.rs", "// unsafe\nfn f() {}"),
    ];
    assert_eq!(found(&silent).len(), 2);
    let above = [
        ("engine/mod.rs", "#![forbid(unsafe_code)] mod a;"),
        silent[1],
    ];
    assert_eq!(found(&above), [""; 0]);
    // The parent of unsafe code cannot forbid it.
    let parent = [silent[0], ("engine/a.rs", "unsafe fn f() {}")];
    assert_eq!(found(&parent), [""; 0]);
}

#[test]
fn the_root_denies_unsafe_code() {
    assert!(rules::root_denies_unsafe(&tree_of(&[("lib.rs", "#![deny(unsafe_code)]")])).is_none());
    assert!(
        rules::root_denies_unsafe(&tree_of(&[("lib.rs", "// #![deny(unsafe_code)]")])).is_some()
    );
    assert!(rules::root_denies_unsafe(&tree_of(&[("lib.rs", "#![allow(unsafe_code)]")])).is_some());
}

#[test]
fn three_macros_are_enough() {
    let macros = |n: usize| {
        let text =
            "macro_rules! m { () => {} }".repeat(n) + "#[cfg(test)] macro_rules! t { () => {} }";
        rules::macros(&tree_of(&[("lib.rs", &text)])).len()
    };
    assert_eq!((macros(3), macros(4)), (0, 4));
}

#[test]
fn the_product_does_not_ask_whether_it_is_tested() {
    let found = |text| rules::test_in_product(&source(text)).len();
    assert_eq!(found("const A: u8 = if cfg!(test) { 1 } else { 2 };"), 1);
    assert_eq!(found("if cfg!(all(test, unix)) {}"), 1);
    assert_eq!(found("if cfg!(miri) {} // cfg!(test)"), 0);
    assert_eq!(
        found("#[cfg(test)] mod tests { const A: bool = cfg!(test); }"),
        0
    );
}

#[test]
fn a_tensor_has_no_second_door() {
    let found = |text| rules::traits(&source(text)).len();
    assert_eq!(
        found("impl<T, const N: usize> DerefMut for Tensor<T, N> {}"),
        1
    );
    assert_eq!(
        found("impl<T, const N: usize> std::ops::Drop\nfor crate::Tensor<T, N> {}"),
        1
    );
    assert_eq!(
        found("impl<T, const N: usize> Deref for Tensor<T, N> {}"),
        0
    );
    assert_eq!(
        found("impl<T, const N: usize> IndexMut<usize> for TensorViewMut<'_, T, N> {}"),
        0
    );
}

#[test]
fn one_exception_from_the_disallowed_methods_is_enough() {
    let one = "#[expect(clippy::disallowed_methods)] fn f() {}";
    assert_eq!(rules::exceptions(&tree_of(&[("lib.rs", one)])).len(), 0);
    assert_eq!(
        rules::exceptions(&tree_of(&[("lib.rs", &one.repeat(2))])).len(),
        2
    );
}

#[test]
fn sizes_are_pinned() {
    let pins = "assert!(size_of::<Tensor<f32, 3>>() <= 80); assert!(size_of::<TensorStorage<f32>>() == 24);";
    assert_eq!(rules::sizes([source(pins)].iter()), []);
    assert_eq!(
        rules::sizes([source(&pins.replace("Storage", "Parts"))].iter()).len(),
        1
    );
    assert_eq!(
        rules::sizes([source("// size_of::<Tensor<f32, 3>>()")].iter()).len(),
        2
    );
}

#[test]
fn a_letter_is_no_sentence_about_safety() {
    let found = |text: &str| rules::safety(&source(text)).len();
    for text in [
        "N1.",
        "by the caller.",
        "O2 by the caller.",
        "O3: N1.",
        "as in `turn`.",
        "G1, G2 to G4.",
        "",
    ] {
        assert_eq!(found(&format!("// SAFETY: {text}\n")), 1, "{text}");
    }
    assert_eq!(
        found("// SAFETY: at < len, and src has len readable elements (O1).\n"),
        0
    );
    assert_eq!(
        found("// SAFETY: N1:\n// every offset the plan gives lies in the operand.\n"),
        0
    );
    assert_eq!(
        found("// SAFETY: N1.\n\n// the next comment is about something else\n"),
        1
    );
    assert_eq!(found("/// # Safety\n///\n/// G2.\nunsafe fn f() {}"), 1);
    assert_eq!(
        found("/// # Safety\n///\n/// `src` has `len` readable elements.\nunsafe fn f() {}"),
        0
    );
}
