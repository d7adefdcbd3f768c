//! The picture: left, that nothing O(1) depends on the size; right, how far from the limits.

use std::fs;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use crate::canvas::{Canvas, Drawn};
use crate::constant::{Constant, Op, bytes};
use crate::harness::{Bench, least_and_most, median};
use crate::report::{size, time};
use crate::sole_owner::Row;

const SIZE: (u32, u32) = (1240, 590);
const TOP: f64 = 96.0;
const BOTTOM: f64 = 530.0;

const INK: RGBColor = RGBColor(38, 42, 48);
const FAINT: RGBColor = RGBColor(118, 126, 138);
const GRID: RGBColor = RGBColor(230, 233, 238);
const OWNED: RGBColor = RGBColor(32, 98, 200);
const BORROWED: RGBColor = RGBColor(0, 140, 120);
const COPY: RGBColor = RGBColor(214, 96, 20);
const BROKEN: RGBColor = RGBColor(200, 40, 50);

/// Draws both panels into an SVG file.
pub(crate) fn draw(path: &Path, constant: &Constant, bench: &Bench, rows: &[Row]) -> Drawn {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let canvas = Canvas::new(path, SIZE)?;
    over_size(&canvas, constant)?;
    ratios(&canvas, constant, bench, rows)?;
    canvas.finish()
}

/// Time over size, both logarithmic.
fn over_size(canvas: &Canvas, constant: &Constant) -> Drawn {
    let (left, right) = (70.0, 560.0);
    let sizes: Vec<f64> = constant
        .sides
        .iter()
        .map(|&side| bytes(side) as f64)
        .collect();
    let (smallest, largest) = (sizes[0], sizes[sizes.len() - 1]);
    let x = |size: f64| left + (right - left) * (size / smallest).ln() / (largest / smallest).ln();
    // A tenth of a nanosecond, to have room for words below the lines, to one second.
    let y = |ns: f64| BOTTOM - (BOTTOM - TOP) * (ns.log10() + 1.0) / 10.0;

    canvas.text(
        "Sharing costs the same at any size ...",
        (left, 34.0),
        HPos::Left,
        20,
        INK,
    )?;
    let subtitle = "time per operation on a Tensor<f32, 3>, the drop of its result included";
    canvas.text(subtitle, (left, 62.0), HPos::Left, 14, FAINT)?;
    for decade in 0..=9 {
        let ns = 10f64.powi(decade);
        canvas.line(&[(left, y(ns)), (right, y(ns))], GRID)?;
        canvas.text(&time(ns), (left - 8.0, y(ns)), HPos::Right, 13, FAINT)?;
    }
    for &size_here in sizes.iter().step_by(sizes.len().div_ceil(4)) {
        canvas.line(
            &[(x(size_here), BOTTOM), (x(size_here), BOTTOM + 5.0)],
            FAINT,
        )?;
        canvas.text(
            &size(size_here as usize),
            (x(size_here), BOTTOM + 18.0),
            HPos::Center,
            13,
            FAINT,
        )?;
    }
    canvas.text(
        "size of the tensor",
        ((left + right) / 2.0, BOTTOM + 42.0),
        HPos::Center,
        13,
        FAINT,
    )?;

    let line = |ns: &[f64], color: RGBColor| {
        let points: Vec<_> = sizes
            .iter()
            .zip(ns)
            .map(|(&size, &ns)| (x(size), y(ns)))
            .collect();
        canvas.line(&points, color.stroke_width(2))?;
        points
            .iter()
            .try_for_each(|&point| canvas.dot(point, 3, color.filled()))
    };
    line(&constant.deep_clone, COPY)?;
    let owned = [
        Op::Clone,
        Op::StorageView,
        Op::Slice,
        Op::Reshape,
        Op::Permute,
        Op::Flip,
    ];
    for op in owned {
        line(&constant.ns(op), OWNED)?;
    }
    let borrowed = [Op::View, Op::ViewSlice, Op::ViewReshape, Op::ViewPermute];
    for op in borrowed {
        line(&constant.ns(op), BORROWED)?;
    }
    let arc = median(constant.ns(Op::Arc));
    canvas.dashed((left, y(arc)), (right, y(arc)), INK.stroke_width(2))?;

    let range = |ops: &[Op]| least_and_most(ops.iter().flat_map(|&op| constant.ns(op)));
    let (least, most) = range(&owned);
    let note = format!("clone, slice, reshape, permute_axes, flip: {least:.1} to {most:.1} ns");
    canvas.text(&note, (left + 10.0, y(most) - 15.0), HPos::Left, 14, OWNED)?;
    let note = format!("dashed: clone of a bare Arc, {arc:.1} ns");
    canvas.text(&note, (left + 10.0, y(most) - 35.0), HPos::Left, 14, INK)?;
    let (least, most) = range(&borrowed);
    let note =
        format!("view(), and slice, reshape, permute_axes of it: {least:.1} to {most:.1} ns");
    canvas.text(
        &note,
        (left + 10.0, y(least) + 16.0),
        HPos::Left,
        14,
        BORROWED,
    )?;
    let copied = constant.deep_clone[sizes.len() - 1];
    let (copied_in, largest_is) = (time(copied), size(largest as usize));
    let note = format!("deep_clone, which copies: {copied_in} at {largest_is}");
    canvas.text(
        &note,
        (right - 14.0, y(copied) - 2.0),
        HPos::Right,
        14,
        COPY,
    )
}

/// A bar: what it is about, the ratio, that of ndarray and what was promised.
struct Bar {
    name: &'static str,
    ratio: f64,
    nd: Option<f64>,
    target: Option<f64>,
}

/// Ratios to the limits, as bars.
fn ratios(canvas: &Canvas, constant: &Constant, bench: &Bench, rows: &[Row]) -> Drawn {
    let (left, right, widest) = (870.0, 1200.0, 3.0);
    let x = |ratio: f64| left + (right - left) * ratio.min(widest) / widest;
    let operation = |name, op, nd: Option<Op>, target| Bar {
        name,
        ratio: constant.ratio(op, Op::Arc),
        nd: nd.map(|nd| constant.ratio(nd, Op::Arc)),
        target,
    };
    let operations = [
        operation("clone", Op::Clone, Some(Op::NdClone), Some(1.3)),
        operation("slice", Op::Slice, Some(Op::NdSlice), Some(2.0)),
        operation("reshape", Op::Reshape, Some(Op::NdReshape), None),
        operation("permute_axes", Op::Permute, Some(Op::NdPermute), None),
        operation("flip", Op::Flip, None, None),
        operation("view().slice", Op::ViewSlice, Some(Op::NdViewSlice), None),
    ];
    let elements = rows.iter().filter(|row| row.on_plot).map(|row| Bar {
        name: row.name,
        ratio: bench.ratio(row.tensor, row.plain),
        nd: Some(bench.ratio(row.nd, row.plain)),
        target: row.target,
    });
    let elements: Vec<Bar> = elements.collect();

    let title = "... and hardly more than it must";
    canvas.text(title, (640.0, 34.0), HPos::Left, 20, INK)?;
    legend(canvas)?;

    let step = (BOTTOM - TOP) / (operations.len() + elements.len() + 3) as f64;
    let mut middle = TOP + step / 2.0;
    let groups = [
        ("time / clone + drop of a bare Arc", &operations[..]),
        ("time / the same loop over a plain slice", &elements[..]),
    ];
    let grid = |ratio: f64| [(x(ratio), TOP + step), (x(ratio), BOTTOM)];
    for tick in 0..=3 {
        let tick = f64::from(tick);
        canvas.line(&grid(tick), GRID)?;
        canvas.text(
            &format!("{tick:.0}x"),
            (x(tick), BOTTOM + 18.0),
            HPos::Center,
            13,
            FAINT,
        )?;
    }
    for (name, bars) in groups {
        canvas.text(name, (640.0, middle), HPos::Left, 14, FAINT)?;
        middle += step;
        for bar in bars {
            canvas.text(bar.name, (left - 10.0, middle), HPos::Right, 14, INK)?;
            draw_bar(canvas, bar, middle, step * 0.3, x)?;
            middle += step;
        }
        middle += step / 2.0;
    }
    let [from, to] = grid(1.0);
    canvas.dashed(from, to, INK.stroke_width(2))
}

fn draw_bar(canvas: &Canvas, bar: &Bar, middle: f64, half: f64, x: impl Fn(f64) -> f64) -> Drawn {
    let kept = bar.target.is_none_or(|target| bar.ratio <= target);
    let color = if kept { OWNED } else { BROKEN };
    canvas.bar(
        (x(0.0), middle - half),
        (x(bar.ratio), middle + half),
        color,
    )?;
    if let Some(target) = bar.target {
        let ends = [
            (x(target), middle - half - 4.0),
            (x(target), middle + half + 4.0),
        ];
        canvas.line(&ends, BROKEN.stroke_width(3))?;
    }
    let number = format!("{:.2}", bar.ratio);
    canvas.text(&number, (x(0.0) + 8.0, middle), HPos::Left, 13, WHITE)?;
    let Some(nd) = bar.nd else {
        return Ok(());
    };
    canvas.dot((x(nd), middle), 5, WHITE.filled())?;
    canvas.dot((x(nd), middle), 5, COPY.stroke_width(2))?;
    if x(nd) >= x(f64::INFINITY) {
        canvas.text(
            &format!("{nd:.1}x"),
            (x(nd) + 10.0, middle),
            HPos::Left,
            13,
            COPY,
        )?;
    }
    Ok(())
}

/// What the marks mean, in one line.
fn legend(canvas: &Canvas) -> Drawn {
    let y = 62.0;
    canvas.bar((640.0, y - 6.0), (664.0, y + 6.0), OWNED)?;
    canvas.text("kornia-tensor", (672.0, y), HPos::Left, 14, FAINT)?;
    canvas.dot((788.0, y), 5, COPY.stroke_width(2))?;
    canvas.text("ndarray 0.17", (800.0, y), HPos::Left, 14, FAINT)?;
    canvas.line(
        &[(908.0, y - 9.0), (908.0, y + 9.0)],
        BROKEN.stroke_width(3),
    )?;
    canvas.text("promised at most", (918.0, y), HPos::Left, 14, FAINT)?;
    canvas.dashed((1050.0, y - 9.0), (1050.0, y + 9.0), INK.stroke_width(2))?;
    canvas.text("the limit", (1060.0, y), HPos::Left, 14, FAINT)
}
