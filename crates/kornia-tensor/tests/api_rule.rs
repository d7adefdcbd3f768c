//! The rule of what panics and what returns an error, checked against the sources.
//!
//! A method that panics is recognised by `#[track_caller]`, which every one of them has.
#![cfg(not(miri))] // reads files, and nothing else

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The types whose methods users call; the others have none that panic.
const TYPES: [&str; 6] = [
    "Tensor",
    "TensorMut",
    "TensorStorage",
    "TensorView",
    "TensorViewMut",
    "TensorWriter",
];

/// What panics and has no twin, as the documentation of the crate says.
const WITHOUT_TWIN: [(&str, &[&str]); 5] = [
    (
        "Tensor",
        &[
            // Short for `view()`, which has one.
            "fold",
            "get",
            "indexed_iter",
            "iter",
            "rows",
            "mean_value",
            "min_max",
            "sum",
            "sum_axis",
            "to_vec",
            // Short for `view_mut()`, which has one.
            "apply",
            "fill",
            "get_mut",
            "iter_mut",
            "rows_mut",
            "slice_mut",
            // Call a closure or `From`, and panic for want of memory.
            "cast",
            "map",
            "par_map",
            // Names of 0.2.0.
            "as_slice_mut",
            "from_shape_val",
            "from_shape_val_in",
            // The address behind `view_mut`, which has one.
            "as_mut_ptr",
        ],
    ),
    (
        "TensorMut",
        // Short for `view()` and `view_mut()`, whose slices have one.
        &["as_mut_slice", "as_slice", "split_into"],
    ),
    ("TensorStorage", &["as_mut_ptr"]),
    ("TensorView", &["cast", "map", "par_map", "to_vec"]),
    (
        "TensorViewMut",
        // Short for `reborrow()` and a verb, which has one.
        &[
            "axis_chunks_mut",
            "axis_iter_mut",
            "slice_mut",
            "split_at_mut",
        ],
    ),
];

/// A public method: whether its panics blame the caller, and whether it returns a `Result`.
struct Method {
    blames_caller: bool,
    returns_result: bool,
}

type Methods = BTreeMap<String, BTreeMap<String, Method>>;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("tests") {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// The type of an `impl` block without a trait; `$Type` of the verbs' macro stands for three.
fn types_of(line: &str) -> Option<Vec<&str>> {
    let line = line.trim_start().strip_prefix("impl<")?;
    if line.contains(" for ") {
        return Some(Vec::new());
    }
    // The parameters end where their bracket closes.
    let mut depth = 1;
    let end = line.find(|c| {
        depth += i32::from(c == '<') - i32::from(c == '>');
        depth == 0
    })?;
    let name = line[end + 1..].trim_start().split('<').next()?;
    Some(match name {
        "$Type" => vec!["Tensor", "TensorView", "TensorViewMut"],
        name => TYPES.into_iter().filter(|&known| known == name).collect(),
    })
}

fn methods() -> Methods {
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    let mut methods = Methods::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let (mut types, mut blames_caller) = (Vec::new(), false);
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(found) = types_of(line) {
                types = found;
            }
            blames_caller |= line.trim() == "#[track_caller]";
            let declared = line.trim_start().strip_prefix("pub fn ");
            if line.contains("fn ") && declared.is_none() {
                blames_caller = false;
            }
            let Some(declared) = declared else { continue };
            let name = declared.split(['<', '(']).next().unwrap().to_owned();
            // The signature reaches to the body.
            let mut signature = declared.to_owned();
            while !signature.trim_end().ends_with('{') {
                signature += lines.next().unwrap();
            }
            for of in &types {
                let returns_result = signature.contains("-> Result<");
                let method = Method {
                    blames_caller,
                    returns_result,
                };
                methods
                    .entry((*of).to_owned())
                    .or_default()
                    .insert(name.clone(), method);
            }
            blames_caller = false;
        }
    }
    methods
}

#[test]
fn the_sources_are_read_as_they_are_written() {
    let methods = methods();
    let tensor = &methods["Tensor"];
    assert!(tensor["flip"].blames_caller && !tensor["flip"].returns_result);
    assert!(tensor["try_flip"].returns_result);
    assert!(tensor["zip_with"].returns_result);
    assert!(!tensor["shape"].blames_caller);
    assert!(methods["TensorViewMut"]["tiles"].blames_caller);
    assert!(methods.values().map(BTreeMap::len).sum::<usize>() > 200);
}

#[test]
fn what_panics_has_a_twin_that_returns_a_result() {
    let mut without = BTreeMap::<&str, Vec<&str>>::new();
    let methods = methods();
    for (of, methods) in &methods {
        for (name, method) in methods {
            match methods.get(&format!("try_{name}")) {
                Some(twin) => {
                    assert!(twin.returns_result, "{of}::try_{name}");
                    assert!(method.blames_caller, "{of}::{name} panics elsewhere");
                    assert!(!method.returns_result, "{of}::{name} needs no twin");
                }
                None if method.blames_caller && !method.returns_result => {
                    without.entry(of).or_default().push(name);
                }
                None => {}
            }
        }
    }
    let expected = WITHOUT_TWIN.map(|(of, names)| {
        let mut names = names.to_vec();
        names.sort_unstable();
        (of, names)
    });
    assert_eq!(without, BTreeMap::from(expected));
}

#[test]
fn the_list_for_clippy_names_every_method_with_a_twin() {
    let mut expected = String::from("disallowed-methods = [\n");
    for (of, methods) in methods() {
        for name in methods.keys() {
            let twin = format!("try_{name}");
            if methods.contains_key(&twin) {
                let path = format!("kornia_tensor::{of}::{name}");
                expected += &format!("    {{ path = \"{path}\", reason = \"use `{twin}`\" }},\n");
            }
        }
    }
    expected += "]\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("try-only.toml");
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == expected,
        "{} should be:\n{expected}",
        file.display()
    );
}
