//! What it costs to hand a tensor over, beside the reference count that cannot be avoided: the
//! least of many rounds, in nanoseconds, and as a multiple of cloning and dropping an `Arc`.
//!
//! ```text
//! cargo bench -p kornia-tensor --bench exchange --features dlpack,ndarray,arrow
//! ```

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use kornia_tensor::dlpack::dlpack_view;
use kornia_tensor::{Tensor, TensorView};
use ndarray::{ArcArray, ArrayView3};

const ROUNDS: usize = 200;
const CALLS: u32 = 2000;

/// Nanoseconds of one call, in the fastest round.
fn least(mut call: impl FnMut()) -> f64 {
    let round = |call: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..CALLS).for_each(|_| call());
        start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
    };
    (0..ROUNDS)
        .map(|_| round(&mut call))
        .fold(f64::INFINITY, f64::min)
}

fn main() {
    let frame = Tensor::<u8, 3>::zeros([480, 640, 3]);
    let counted = Arc::new([0u8; 64]);
    let array = ArcArray::<u8, _>::zeros((480, 640, 3));
    let managed = frame.clone().into_dlpack();
    // SAFETY: it belongs to `managed`, which lives until the end.
    let described = unsafe { &(*managed.as_ptr()).dl_tensor };

    let arc = least(|| drop(black_box(Arc::clone(black_box(&counted)))));
    let report = |what: &str, nanoseconds: f64| {
        println!("{what:44} {nanoseconds:7.1} ns {:6.1} x", nanoseconds / arc);
    };
    report("clone and drop an Arc", arc);
    report(
        "clone and drop a tensor",
        least(|| drop(black_box(black_box(&frame).clone()))),
    );
    report(
        "clone, into_dlpack, deleter",
        least(|| {
            drop(black_box(black_box(&frame).clone().into_dlpack()));
        }),
    );
    report(
        "clone, into_dlpack, from_dlpack, drop",
        least(|| {
            let managed = black_box(black_box(&frame).clone().into_dlpack());
            // SAFETY: nobody writes the elements.
            let back = unsafe { Tensor::<u8, 3>::from_dlpack(managed) };
            drop(black_box(back));
        }),
    );
    report(
        "dlpack_view",
        least(|| {
            // SAFETY: as above, and `managed` lives until the end.
            let view = unsafe { dlpack_view::<u8, 3>(black_box(described)) };
            let _ = black_box(view.map(|view| view.as_ptr()));
        }),
    );
    report(
        "view, ArrayView",
        least(|| {
            let array: ArrayView3<'_, u8> = black_box(&frame).view().into();
            black_box(array);
        }),
    );
    report(
        "view, flip, ArrayView",
        least(|| {
            let array: ArrayView3<'_, u8> = black_box(&frame).view().flip(1).into();
            black_box(array);
        }),
    );
    report(
        "ArrayView, view",
        least(|| {
            let view: TensorView<'_, u8, 3> = black_box(&array).view().into();
            black_box(view);
        }),
    );
    report(
        "clone, from_arc_array, drop",
        least(|| {
            let _ = black_box(Tensor::from_arc_array(black_box(&array).clone()));
        }),
    );
    report(
        "clone, into_arrow, release",
        least(|| {
            let _ = black_box(black_box(&frame).clone().into_arrow());
        }),
    );
    report(
        "clone, into_arrow, from_arrow, drop",
        least(|| {
            if let Ok(parts) = black_box(&frame).clone().into_arrow() {
                // SAFETY: nobody writes the elements.
                let _ = black_box(unsafe { Tensor::<u8, 3>::from_arrow(parts) });
            }
        }),
    );
}
