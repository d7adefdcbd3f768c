//! The tables.

use crate::constant::{Constant, Op, bytes};
use crate::contended::Contended;
use crate::harness::{Bench, median};
use crate::sole_owner::Row;

/// A ratio and the most it may be.
pub(crate) struct Promise {
    pub(crate) name: String,
    pub(crate) ratio: f64,
    pub(crate) target: f64,
}

impl Promise {
    pub(crate) fn kept(&self) -> bool {
        self.ratio <= self.target
    }

    fn verdict(&self) -> String {
        let word = if self.kept() { "PASS" } else { "MISS" };
        format!("<= {:.2} {word}", self.target)
    }
}

/// What an O(1) operation of the tensor is held to.
pub(crate) struct Claim {
    pub(crate) op: Op,
    /// What its time is divided by.
    pub(crate) reference: Op,
    pub(crate) target: Option<f64>,
    /// The same work with ndarray.
    pub(crate) peer: Option<Op>,
}

/// The O(1) operations of the tensor, in the order of the table.
pub(crate) fn claims() -> [Claim; 11] {
    let claim = |op, reference, target, peer| Claim {
        op,
        reference,
        target,
        peer,
    };
    [
        claim(Op::Clone, Op::Arc, Some(1.3), Some(Op::NdClone)),
        claim(Op::StorageView, Op::Arc, None, None),
        claim(Op::Slice, Op::Arc, Some(2.0), Some(Op::NdSlice)),
        claim(Op::Reshape, Op::Arc, None, Some(Op::NdReshape)),
        claim(Op::Permute, Op::Arc, None, Some(Op::NdPermute)),
        claim(Op::Flip, Op::Arc, None, None),
        claim(Op::View, Op::Arc, None, None),
        claim(
            Op::ViewSlice,
            Op::Slice,
            Some(1.0 / 3.0),
            Some(Op::NdViewSlice),
        ),
        claim(Op::ViewReshape, Op::Reshape, None, Some(Op::NdViewReshape)),
        claim(Op::ViewPermute, Op::Permute, None, Some(Op::NdViewPermute)),
        claim(Op::TensorVec, Op::ArcVec, None, None),
    ]
}

/// The most that the slowest size may take, as a multiple of the fastest.
const FLAT: f64 = 1.3;

/// `1 KiB`, `4 MiB`.
pub(crate) fn size(bytes: usize) -> String {
    match bytes >> 20 {
        0 => format!("{} KiB", bytes >> 10),
        mebibytes => format!("{mebibytes} MiB"),
    }
}

/// `1 ns`, `10 µs`, `87 ms`.
pub(crate) fn time(ns: f64) -> String {
    match ns {
        ..1e3 => format!("{ns:.0} ns"),
        1e3..1e6 => format!("{:.0} µs", ns / 1e3),
        1e6..1e9 => format!("{:.0} ms", ns / 1e6),
        _ => format!("{:.0} s", ns / 1e9),
    }
}

/// Prints the O(1) operations.
pub(crate) fn constant(constant: &Constant) -> Vec<Promise> {
    // The smallest, a middle and the largest size.
    let last = constant.sides.len() - 1;
    let shown = [0, last / 2, last];
    let mut promises = Vec::new();

    println!(
        "\nO(1) operations on [side, side, 4] of f32: median ns; slowest/fastest of {} sizes;",
        last + 1
    );
    println!("ratio to the reference in the same round\n");
    print!("{:25}", "");
    for at in shown {
        print!("{:>9}", size(bytes(constant.sides[at])));
    }
    println!(
        "  {:^18}  {:^32}  {:>8}",
        "slowest/fastest", "ratio to", "ndarray"
    );

    let line = |op: Op| {
        let ns = constant.ns(op);
        print!("{:25}", op.name());
        for at in shown {
            print!("{:9.2}", ns[at]);
        }
    };
    for reference in [Op::Arc, Op::ArcVec] {
        line(reference);
        println!("  {:5.2}", constant.spread(reference));
    }
    for claim in claims() {
        line(claim.op);
        let flat = Promise {
            name: format!("{}: flat", claim.op.name()),
            ratio: constant.spread(claim.op),
            target: FLAT,
        };
        print!("  {:5.2} {:12}", flat.ratio, flat.verdict());
        promises.push(flat);

        let ratio = constant.ratio(claim.op, claim.reference);
        let reference = match claim.reference {
            Op::Arc => "Arc",
            Op::ArcVec => "Arc -> Vec",
            _ => "owned",
        };
        let promise = claim.target.map(|target| Promise {
            name: format!("{} / {reference}", claim.op.name()),
            ratio,
            target,
        });
        let verdict = promise.as_ref().map_or(String::new(), Promise::verdict);
        print!("  {ratio:5.2} {reference:11} {verdict:12}");
        promises.extend(promise);
        match claim.peer {
            Some(peer) => println!("   {:8.2}", median(constant.ns(peer))),
            None => println!(),
        }
    }
    print!("{:25}", "for contrast: deep_clone");
    for at in shown {
        print!("{:>9}", time(constant.deep_clone[at]));
    }
    println!();
    promises
}

/// Prints the sole owner's path.
pub(crate) fn sole_owner(bench: &Bench, rows: &[Row]) -> Vec<Promise> {
    let mut promises = Vec::new();
    println!(
        "\nThe sole owner: median ns per element (48 KiB of u32) or per call; ratio to plain memory\n"
    );
    println!(
        "{:40}{:>9}{:>9}  {:^19}  {:>9}{:>7}",
        "", "plain", "tensor", "ratio to plain", "ndarray", "ratio"
    );
    for row in rows {
        let ratio = bench.ratio(row.tensor, row.plain);
        let promise = row.target.map(|target| Promise {
            name: row.name.to_owned(),
            ratio,
            target,
        });
        let verdict = promise.as_ref().map_or(String::new(), Promise::verdict);
        print!(
            "{:40}{:9.3}{:9.3}  {ratio:5.2} {verdict:13}",
            row.name,
            bench.ns(row.plain),
            bench.ns(row.tensor),
        );
        println!(
            "  {:9.3}{:7.2}",
            bench.ns(row.nd),
            bench.ratio(row.nd, row.plain)
        );
        promises.extend(promise);
    }
    promises
}

/// Prints the two threads.
pub(crate) fn contended(bench: &Bench, cases: &Contended, constant: &Constant) {
    println!("\nTwo threads clone and drop one allocation: median ns per clone + drop\n");
    println!(
        "bare Arc {:.1}   tensor {:.1} ({:.2})   ndarray {:.1} ({:.2})",
        bench.ns(cases.arc),
        bench.ns(cases.tensor),
        bench.ratio(cases.tensor, cases.arc),
        bench.ns(cases.nd),
        bench.ratio(cases.nd, cases.arc),
    );
    if bench.ns(cases.arc) < 1.5 * median(constant.ns(Op::Arc)) {
        println!("(hardly slower than one thread: on this busy machine they took turns)");
    }
}

/// Says how many promises were kept, and names the others.
pub(crate) fn summary(promises: &[Promise], quick: bool) {
    let kept = promises.iter().filter(|promise| promise.kept()).count();
    println!("\n{kept} of {} promises kept", promises.len());
    for promise in promises.iter().filter(|promise| !promise.kept()) {
        println!(
            "MISS {}: {:.2}, promised {:.2}",
            promise.name, promise.ratio, promise.target
        );
    }
    if quick || cfg!(debug_assertions) {
        println!("(quick or not optimised: a smoke test rather than a measurement)");
    }
}
