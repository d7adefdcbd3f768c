//! Fixed workloads for callgrind, which counts instructions: the same number in every run and on
//! every machine, however busy.
//!
//! `benches/instructions.sh` runs each of them on plain memory and on a tensor and prints the
//! ratio. By hand: `valgrind --tool=callgrind --toggle-collect='*counted*' .. tensor sum`.
//!
//! With `--list` it prints the workloads and the most instructions the tensor may take for each,
//! in percent of the plain ones (`-` where nothing is promised). Without arguments, as under
//! `cargo test`, it runs them all.

#[path = "../shared/elements.rs"]
mod elements;

use std::hint::black_box;
use std::mem;
use std::sync::Arc;

use kornia_tensor::Tensor;

use elements::{COUNT, SHAPE, plain, tensor};

/// Calls of an O(1) operation; their number divided by this is what one takes.
const CALLS: usize = 1000;

/// A name, the promised ratio in percent, and what runs it on plain memory and on a tensor.
struct Workload {
    name: &'static str,
    target: &'static str,
    plain: fn(),
    tensor: fn(),
}

const fn workload(name: &'static str, target: &'static str, plain: fn(), tensor: fn()) -> Workload {
    Workload {
        name,
        target,
        plain,
        tensor,
    }
}

const WORKLOADS: [Workload; 25] = [
    workload(
        "as_slice",
        "102",
        || on_slice(plain::read),
        || on_tensor(tensor::read),
    ),
    workload(
        "as_mut_slice",
        "102",
        || on_slice_mut(plain::write),
        || on_tensor_mut(tensor::write),
    ),
    workload(
        "iter_sum",
        "105",
        || on_slice(plain::sum),
        || on_tensor(tensor::sum),
    ),
    workload(
        "crop_rows",
        "110",
        || on_slice(plain::crop_rows),
        || on_tensor(tensor::crop_rows),
    ),
    workload(
        "crop_sum",
        "-",
        || on_slice(plain::crop_rows),
        || on_tensor(tensor::crop_sum),
    ),
    workload(
        "index",
        "-",
        || on_slice(plain::index),
        || on_tensor(tensor::index),
    ),
    workload(
        "index_mut",
        "-",
        || on_slice_mut(plain::write_index),
        || on_tensor_mut(tensor::write_index),
    ),
    workload(
        "for_loop",
        "-",
        || on_slice(plain::read),
        || on_tensor(tensor::each),
    ),
    workload(
        "crop_for_loop",
        "-",
        || on_slice(plain::crop_rows),
        || on_tensor(tensor::crop_each),
    ),
    workload("call_clone", "-", arc_clone, || {
        calls(|t| {
            black_box(&t.clone());
        })
    }),
    workload("call_storage_view", "-", arc_clone, || {
        let (from, count) = black_box((16, 32));
        calls(|t| {
            black_box(&t.storage().view(from, count));
        })
    }),
    workload("call_slice", "-", arc_clone, || {
        let (from, to) = black_box((16, 48));
        calls(|t| {
            black_box(&t.slice((from..to, from..to, ..)));
        })
    }),
    workload("call_reshape", "-", arc_clone, || {
        let (rows, columns) = black_box((4096, 3));
        calls(|t| {
            black_box(&t.reshape([rows, columns]));
        })
    }),
    workload("call_permute_axes", "-", arc_clone, || {
        calls(|t| {
            black_box(&t.permute_axes([2, 0, 1]));
        })
    }),
    workload("call_flip", "-", arc_clone, || {
        calls(|t| {
            black_box(&t.flip(1));
        })
    }),
    workload("call_view", "-", arc_clone, || {
        calls(|t| {
            black_box(&t.view());
        })
    }),
    workload("call_view_slice", "-", arc_clone, || {
        let (from, to) = black_box((16, 48));
        calls(|t| {
            black_box(&t.view().slice((from..to, from..to, ..)));
        })
    }),
    workload("call_view_reshape", "-", arc_clone, || {
        let (rows, columns) = black_box((4096, 3));
        calls(|t| {
            black_box(&t.view().reshape([rows, columns]));
        })
    }),
    workload("call_view_permute_axes", "-", arc_clone, || {
        calls(|t| {
            black_box(&t.view().permute_axes([2, 0, 1]));
        })
    }),
    workload("call_view_flip", "-", arc_clone, || {
        calls(|t| {
            black_box(&t.view().flip(1));
        })
    }),
    workload("call_select", "-", arc_clone, || {
        let index = black_box(7);
        calls(|t| {
            black_box(&t.select(0, index));
        })
    }),
    workload("call_insert_axis", "-", arc_clone, || {
        calls(|t| {
            black_box(&t.insert_axis(0));
        })
    }),
    workload("call_clone_into_reshaped", "-", arc_clone, || {
        let (rows, columns) = black_box((4096, 3));
        calls(|t| {
            black_box(&t.clone().into_reshaped([rows, columns]));
        })
    }),
    workload("call_clone_into_flipped", "-", arc_clone, || {
        calls(|t| {
            black_box(&t.clone().into_flipped(1));
        })
    }),
    workload("call_vec_and_back", "-", arc_and_back, tensor_and_back),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--list"] => {
            for workload in WORKLOADS {
                println!("{} {}", workload.name, workload.target);
            }
        }
        [kind @ ("plain" | "tensor"), name] => {
            let found = WORKLOADS.iter().find(|workload| workload.name == name);
            let workload = found.expect("a name that `--list` prints");
            if kind == "plain" {
                (workload.plain)();
            } else {
                (workload.tensor)();
            }
        }
        _ => {
            for workload in WORKLOADS {
                (workload.plain)();
                (workload.tensor)();
            }
        }
    }
}

/// The code that is counted, which callgrind finds by this name.
#[inline(never)]
fn counted<R>(work: impl FnOnce() -> R) -> R {
    work()
}

fn elements() -> Vec<u32> {
    (0..COUNT as u32).collect()
}

fn image<T: Clone>(value: T) -> Tensor<T, 3> {
    Tensor::full(SHAPE, value)
}

fn on_slice(work: impl Fn(&[u32]) -> u32) {
    let elements = elements();
    black_box(counted(|| work(black_box(&elements))));
}

fn on_slice_mut(work: impl Fn(&mut [u32])) {
    let mut elements = elements();
    counted(|| work(black_box(&mut elements)));
}

fn on_tensor(work: impl Fn(&Tensor<u32, 3>) -> u32) {
    let tensor = image(1);
    black_box(counted(|| work(black_box(&tensor))));
}

fn on_tensor_mut(work: impl Fn(&mut Tensor<u32, 3>)) {
    let mut tensor = image(1);
    counted(|| work(black_box(&mut tensor)));
}

/// An operation that gives a handle or a view, with the drop of what it gives.
fn calls(work: impl Fn(&Tensor<f32, 3>)) {
    let tensor = image(1.0);
    counted(|| {
        for _ in 0..CALLS {
            work(black_box(&tensor));
        }
    });
}

fn arc_clone() {
    let shared = Arc::new(vec![1f32; COUNT]);
    counted(|| {
        for _ in 0..CALLS {
            black_box(&Arc::clone(black_box(&shared)));
        }
    });
}

fn arc_and_back() {
    let mut pixels = vec![1f32; COUNT];
    counted(|| {
        for _ in 0..CALLS {
            let shared = Arc::new(mem::take(&mut pixels));
            black_box(&shared);
            pixels = Arc::try_unwrap(shared).unwrap_or_default();
        }
    });
}

fn tensor_and_back() {
    let mut pixels = vec![1f32; COUNT];
    counted(|| {
        for _ in 0..CALLS {
            let shared = Tensor::from_shape_vec(black_box(SHAPE), mem::take(&mut pixels));
            black_box(&shared);
            pixels = shared.map(Tensor::into_vec).unwrap_or_default();
        }
    });
}
