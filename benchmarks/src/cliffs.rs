//! Whether cost jumps where only the numbers are awkward: sides next to a power of two, odd
//! widths, addresses that are not aligned.

use std::error::Error;
use std::path::Path;

use kornia_tensor::Tensor;
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::limits::{self, LIMIT};
use crate::measure::Candidate;
use crate::peers::OURS;
use crate::plot::colour;
use crate::work::{ROWS, Row};

/// What is varied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cliff {
    /// The side of a square matrix of `f32` that is transposed.
    Side,
    /// The width of an image of 1080 lines whose pixels become planes.
    Width,
    /// How many bytes behind a cache line a stretch of 2 MiB starts that is copied.
    Start,
}

pub const CLIFFS: [Cliff; 3] = [Cliff::Side, Cliff::Width, Cliff::Start];

/// Bytes of the stretch.
const STRETCH: usize = 2 << 20;

/// A point of a line: the value, and everyone's seconds.
pub type Point = (Cliff, usize, Vec<(&'static str, f64)>);

impl Cliff {
    pub fn values(self) -> Vec<usize> {
        match self {
            Self::Side => vec![
                1000, 1008, 1020, 1023, 1024, 1025, 1028, 1040, 1056, 1100, 2000, 2040, 2047, 2048,
                2049, 2064, 2100, 4000, 4080, 4095, 4096, 4097, 4112, 4200,
            ],
            Self::Width => (1904..=1936).collect(),
            Self::Start => (0..=64).step_by(4).collect(),
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Side => "f32, n x n, transposed",
            Self::Width => "u8, 1080 x n pixels to planes",
            Self::Start => "2 MiB copied from an address n bytes on",
        }
    }

    /// What it is a row of.
    pub fn row_name(self) -> &'static str {
        match self {
            Self::Side => "t2d_f32",
            Self::Width => "hwc2chw_u8",
            Self::Start => "copy_u8",
        }
    }

    /// The row of the comparison that this is, and the shape of its input.
    pub fn row(self, value: usize) -> Option<(&'static Row, [usize; 3])> {
        let row = ROWS.iter().find(|row| row.name == self.row_name())?;
        let shape = match self {
            Self::Side => [value, value, 1],
            _ => [1080, value, 3],
        };
        Some((row, shape))
    }
}

/// A copy that starts so many bytes behind a cache line, and the limit: one that starts with it.
pub fn shifted(start: usize) -> Vec<Candidate> {
    let from = Tensor::<u8, 1>::full([STRETCH + 128], 7);
    let line = from.as_ptr().addr().wrapping_neg() % 64;
    let part = from.slice((line + start..line + start + STRETCH,));
    let mut to = Tensor::<u8, 1>::full([STRETCH], 0);
    let mut all: Vec<_> = limits::runs((STRETCH, STRETCH), false)
        .into_iter()
        .filter_map(|(name, run)| Candidate::checked(name, run, None).ok())
        .collect();
    all.push(Candidate::repeated(OURS, move || {
        to.view_mut().assign(part.view()).unwrap();
    }));
    all
}

/// A panel for each of them: time as a multiple of the limit.
pub fn plot(path: &Path, points: &[Point]) -> Result<(), Box<dyn Error>> {
    if points.is_empty() {
        return Ok(());
    }
    let area = SVGBackend::new(path, (1100, 380)).into_drawing_area();
    area.fill(&WHITE)?;
    for (panel, cliff) in area.split_evenly((1, CLIFFS.len())).iter().zip(CLIFFS) {
        let points: Vec<_> = points.iter().filter(|point| point.0 == cliff).collect();
        self::panel(panel, cliff, &points)?;
    }
    area.present()?;
    Ok(())
}

fn panel(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    cliff: Cliff,
    points: &[&Point],
) -> Result<(), Box<dyn Error>> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Ok(());
    };
    let mut chart = ChartBuilder::on(area)
        .caption(cliff.title(), ("sans-serif", 14))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(48)
        .build_cartesian_2d(first.1 as f64..last.1 as f64, (0.5..20.0).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("n")
        .y_desc("time / limit")
        .x_labels(5)
        .x_label_formatter(&|n| format!("{n:.0}"))
        .y_label_formatter(&|ratio| format!("{ratio:.1}"))
        .light_line_style(TRANSPARENT)
        .draw()?;
    let names: Vec<_> = first.2.iter().map(|(name, _)| *name).collect();
    for name in names.iter().filter(|name| !name.starts_with(LIMIT)) {
        let line = points.iter().filter_map(|(_, value, seconds)| {
            let limits = seconds.iter().filter(|(name, _)| name.starts_with(LIMIT));
            let limit = limits.map(|(_, s)| *s).fold(f64::INFINITY, f64::min);
            let (_, seconds) = seconds.iter().find(|(other, _)| other == name)?;
            Some((*value as f64, seconds / limit))
        });
        let style = colour(name, &names).stroke_width(if *name == OURS { 3 } else { 1 });
        chart
            .draw_series(LineSeries::new(line, style))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    Ok(())
}
