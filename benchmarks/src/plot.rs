//! Plots: a bar for each peer and row as a ratio to the limit, and time over size.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use crate::limits::LIMIT;
use crate::peers::OURS;
use crate::report::{Measured, time};

type Done = Result<(), Box<dyn Error>>;

const COLOURS: [RGBColor; 9] = [
    RGBColor(66, 133, 184),
    RGBColor(120, 160, 90),
    RGBColor(150, 110, 180),
    RGBColor(220, 170, 60),
    RGBColor(120, 120, 120),
    RGBColor(80, 170, 170),
    RGBColor(190, 110, 90),
    RGBColor(160, 190, 220),
    RGBColor(200, 150, 190),
];
const OUR_COLOUR: RGBColor = RGBColor(214, 69, 65);

/// A colour for each name, the same in all plots.
pub fn colour(name: &str, names: &[&str]) -> RGBColor {
    match names.iter().position(|known| *known == name) {
        _ if name.starts_with(OURS) && !name.contains("0.2.0") => OUR_COLOUR,
        _ if name.starts_with(LIMIT) => BLACK,
        Some(index) => COLOURS[index % COLOURS.len()],
        None => BLACK,
    }
}

/// How often the limit each of them takes, on a logarithmic axis; below 1 is faster.
pub fn bars(path: &Path, title: &str, rows: &[&Measured], names: &[&str]) -> Done {
    const BAR: u32 = 9;
    let shown: Vec<_> = rows
        .iter()
        .map(|row| {
            let mut bars: Vec<_> = row.of(OURS).map(|s| (OURS, s)).into_iter().collect();
            bars.extend(row.others());
            (*row, bars)
        })
        .filter(|(row, _)| row.limit().is_finite())
        .collect();
    let total: usize = shown.iter().map(|(_, bars)| bars.len() + 1).sum();
    if total == 0 {
        return Ok(());
    }
    let ratios = || {
        let ratio = |(row, bars): &(&Measured, Vec<(&str, f64)>)| {
            let limit = row.limit();
            bars.iter().map(move |(_, s)| s / limit).collect::<Vec<_>>()
        };
        shown.iter().flat_map(ratio)
    };
    let most = ratios().fold(2.0, f64::max) * 4.0; // room for the text
    let least = ratios().fold(0.8, f64::min) * 0.8;
    let height = total as u32 * BAR + 140;
    let area = SVGBackend::new(path, (1000, height)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(110)
        .build_cartesian_2d((least..most).log_scale(), -(total as f64)..0.0)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_desc("time as a multiple of the limit")
        .x_label_formatter(&|x| format!("{x:.1}"))
        .draw()?;
    let mut y = 0.0;
    let mut labels = Vec::new();
    for (row, bars) in &shown {
        labels.push((
            format!("{} {}", row.row, row.size),
            y - bars.len() as f64 / 2.0,
        ));
        let limit = row.limit();
        for (name, seconds) in bars {
            let ratio = seconds / limit;
            let fill = colour(name, names).filled();
            let bar = Rectangle::new([(least, y), (ratio, y - 0.85)], fill);
            chart.draw_series([bar])?;
            let text = format!("{name} {} ({ratio:.2})", time(*seconds));
            let style = ("sans-serif", 8).into_font().color(&BLACK);
            chart.draw_series([Text::new(text, (ratio * 1.01, y - 0.05), style)])?;
            y -= 1.0;
        }
        y -= 1.0;
    }
    chart.draw_series(LineSeries::new(
        [(1.0, 0.0), (1.0, -(total as f64))],
        &BLACK,
    ))?;
    let plot = chart.plotting_area();
    for (label, y) in labels {
        let (_, row) = plot.map_coordinate(&(1.0, y));
        let style = ("sans-serif", 11).into_font().color(&BLACK);
        area.draw(&Text::new(label, (8, row - 6), style))?;
    }
    area.present()?;
    Ok(())
}

/// Nanoseconds per KiB over the size: flat where nothing changes but the size.
pub fn growth(path: &Path, points: &[(usize, Vec<(&str, f64)>)], names: &[&str]) -> Done {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Ok(());
    };
    let scaled = |bytes: usize, seconds: f64| seconds * 1e9 / (bytes as f64 / 1024.0);
    let all = || {
        let each = |(bytes, seconds): &(usize, Vec<(&str, f64)>)| {
            let bytes = *bytes;
            seconds
                .iter()
                .map(move |(_, s)| scaled(bytes, *s))
                .collect::<Vec<_>>()
        };
        points.iter().flat_map(each)
    };
    let (low, high) = (all().fold(f64::MAX, f64::min), all().fold(0.0, f64::max));
    let area = SVGBackend::new(path, (900, 520)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("copy of f32 into warm memory", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(64)
        .build_cartesian_2d(
            f64::from(first.0.ilog2())..f64::from(last.0.ilog2()),
            (low * 0.8..high * 1.25).log_scale(),
        )?;
    chart
        .configure_mesh()
        .x_desc("bytes")
        .y_desc("ns per KiB")
        .x_labels(points.len())
        .x_label_formatter(&|power| size(1 << power.round() as u32))
        .y_label_formatter(&|ns| format!("{ns:.0}"))
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (name, _) in &first.1 {
        let line = points.iter().filter_map(|(bytes, seconds)| {
            let (_, seconds) = seconds.iter().find(|(other, _)| other == name)?;
            Some((f64::from(bytes.ilog2()), scaled(*bytes, *seconds)))
        });
        let style = colour(name, names).stroke_width(if *name == OURS { 3 } else { 1 });
        let legend = style;
        chart
            .draw_series(LineSeries::new(line, style))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], legend));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperMiddle)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    area.present()?;
    Ok(())
}

/// `4K`, `16M`.
pub fn size(bytes: usize) -> String {
    match bytes {
        b if b >= 1 << 20 => format!("{}M", b >> 20),
        b => format!("{}K", b >> 10),
    }
}
