//! A few shapes on an SVG file, placed by pixels.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// A canvas with the origin at the top left, in pixels.
pub(crate) struct Canvas<'a>(DrawingArea<SVGBackend<'a>, Shift>);

/// Pixels for the backend.
fn at((x, y): (f64, f64)) -> (i32, i32) {
    (x.round() as i32, y.round() as i32)
}

pub(crate) type Drawn = Result<(), Box<dyn Error>>;

impl<'a> Canvas<'a> {
    /// A white SVG file.
    pub(crate) fn new(path: &'a Path, size: (u32, u32)) -> Result<Self, Box<dyn Error>> {
        let area = SVGBackend::new(path, size).into_drawing_area();
        area.fill(&WHITE)?;
        Ok(Self(area))
    }

    /// Writes the file.
    pub(crate) fn finish(self) -> Drawn {
        self.0.present()?;
        Ok(())
    }

    pub(crate) fn text(
        &self,
        text: &str,
        place: (f64, f64),
        side: HPos,
        size: u32,
        color: RGBColor,
    ) -> Drawn {
        let style = ("sans-serif", size).into_text_style(&self.0);
        let style = style.color(&color).pos(Pos::new(side, VPos::Center));
        self.0.draw(&Text::new(text.to_owned(), at(place), style))?;
        Ok(())
    }

    pub(crate) fn line(&self, points: &[(f64, f64)], style: impl Into<ShapeStyle>) -> Drawn {
        let points: Vec<_> = points.iter().copied().map(at).collect();
        self.0.draw(&PathElement::new(points, style))?;
        Ok(())
    }

    /// A straight line of dashes.
    pub(crate) fn dashed(&self, from: (f64, f64), to: (f64, f64), style: ShapeStyle) -> Drawn {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let count = (dx.hypot(dy) / 7.0).ceil();
        let point = |part: f64| (from.0 + dx * part / count, from.1 + dy * part / count);
        for dash in (0..count as usize).step_by(2) {
            let dash = dash as f64;
            self.line(&[point(dash), point(dash + 1.0)], style)?;
        }
        Ok(())
    }

    pub(crate) fn bar(&self, from: (f64, f64), to: (f64, f64), color: RGBColor) -> Drawn {
        self.0
            .draw(&Rectangle::new([at(from), at(to)], color.filled()))?;
        Ok(())
    }

    pub(crate) fn dot(
        &self,
        center: (f64, f64),
        radius: u32,
        style: impl Into<ShapeStyle>,
    ) -> Drawn {
        self.0.draw(&Circle::new(at(center), radius, style))?;
        Ok(())
    }
}
